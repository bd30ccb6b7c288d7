"""Transient occluders: where they stand, and what they occlude."""

from dataclasses import replace

import numpy as np
import pytest

from theta0.data._solids import joined
from theta0.data.cameras import project, rays
from theta0.data.town import TouristTown
from theta0.data.town import _town as module
from theta0.data.town._scene import GROUND, METRE

SOURCE = TouristTown(photos=12, validation=2, test=3, size=24)


TOWN = SOURCE.read()


@pytest.mark.slow
def test_occlusion_masks_are_what_occluders_change():
    """Exactly for rays; a pixel whose light hardly changes may be rounded to the same byte."""
    counts = []
    for index in range(8):
        camera, look = TOWN.camera(index), TOWN.look(index)
        transient = module.random_occluders(TOWN._rng(index, 2), camera, TOWN.scene.groups[1:])
        full, occluded = module._light(TOWN.scene, transient, look, rays(camera))
        empty, nobody = module._light(TOWN.scene, (), look, rays(camera))
        np.testing.assert_array_equal((full != empty).any(axis=1), occluded)
        assert not nobody.any()
        with_, without = TOWN.render(index), TOWN.render(index, occluders=False)
        differ = (with_.image != without.image).any(axis=-1)
        assert with_.hidden is not None
        assert not (differ & ~with_.hidden).any()
        assert (with_.hidden & ~differ).mean() < 0.01
        counts.append(len(transient))
    assert 0 <= min(counts) < 2 and 3 < max(counts) <= 7


def test_occluders_stand_on_the_ground_between_the_camera_and_the_landmark():
    town = replace(SOURCE, photos=60).read()
    everyone = 0
    standing = joined(town.scene.groups[1:])
    low, high = standing.centre - standing.half, standing.centre + standing.half
    for index in range(60):
        camera = town.camera(index)
        for one in module.random_occluders(town._rng(index, 2), camera, town.scene.groups[1:]):
            lowest, highest = (one.centre - one.half).min(axis=0), (one.centre + one.half).max(0)
            assert lowest[2] == pytest.approx(GROUND, abs=1e-9)
            assert 1.3 < (highest[2] - lowest[2]) / METRE < 2
            apart = (lowest[:2] > high[:, :2]) | (highest[:2] < low[:, :2])
            assert apart.any(axis=1).all()
            middle = (lowest + highest) / 2
            pixel, depth = project(middle, camera)
            assert 2.5 * METRE < depth < np.linalg.norm(camera.position[:2])
            assert -1 < pixel[0] < 25
            everyone += 1
    assert 90 < everyone < 250
