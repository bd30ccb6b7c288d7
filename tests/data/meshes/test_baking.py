"""Textures times vertex colours are the product at every point of a surface."""

import numpy as np
import pytest

from theta0.data.meshes._baking import baked, sampled
from theta0.data.meshes._mesh import Part, Sampling

RAMP = np.repeat(np.linspace(0, 1, 8, dtype=np.float32)[None, :, None], 3, axis=2)


@pytest.mark.parametrize(
    "wrap, columns",
    [("repeat", [7, 0, 1, 7, 0]), ("mirror", [0, 0, 1, 7, 7]), ("clamp", [0, 0, 1, 7, 7])],
)
def test_textures_continue_outside(wrap, columns):
    uv = (np.array([-1, 0, 1, 7, 8])[:, None] + 0.5) / [8, 1] * [1, 0]
    shown = sampled(RAMP, uv, Sampling(wrap))
    np.testing.assert_allclose(shown[:, 0], RAMP[0, columns, 0])


def test_between_pixels_textures_are_interpolated_or_not():
    uv = np.array([[2.25 / 8, 0.5]])
    assert sampled(RAMP, uv, Sampling())[0, 0] == pytest.approx(1.75 / 7)
    assert sampled(RAMP, uv, Sampling(nearest=True))[0, 0] == pytest.approx(2 / 7)


def test_the_product_is_that_of_both():
    points = np.array([[0, 0, 0], [1, 0, 0], [1, 1, 0]], float)
    shades = np.array([[0, 1, 1], [1, 1, 1], [1, 0, 1]], float)
    uv = points[:, :2] * 0.8 + 0.1
    part, coarser = baked(Part(points, np.array([[0, 1, 2]]), np.full(3, 0.5), RAMP, uv, shades))
    assert not coarser and part.texture is None
    x, y, _ = part.vertices.T
    light = (np.clip((x * 0.8 + 0.1) * 8 - 0.5, 0, 7) / 7)[:, None]
    expected = light * np.stack([x, 1 - y, np.ones_like(x)], axis=-1)
    np.testing.assert_allclose(part.vertex_colours, expected, atol=1e-6)  # pyright: ignore[reportCallIssue]
    np.testing.assert_allclose(part.colour, 0.5)
    sides = part.vertices[part.faces][:, 1:] - part.vertices[part.faces][:, :1]
    assert np.cross(sides[:, 0], sides[:, 1])[:, 2].sum() / 2 == pytest.approx(0.5)


def test_a_surface_that_is_too_large_is_coarser():
    points = np.array([[0, 0, 0], [1, 0, 0], [1, 1, 0]], float)
    part = Part(points, np.array([[0, 1, 2]]), np.ones(3), RAMP, points[:, :2] * 1000, np.eye(3))
    part, coarser = baked(part)
    assert coarser and len(part.faces) <= 1 << 19
