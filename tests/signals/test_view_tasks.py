"""Tasks from views: what training sees, what judges a fit, and that both are never the same."""

from dataclasses import replace

import jax
import numpy as np
import pytest

from theta0.data.views import ProceduralObjects, write_views
from theta0.errors import InputError
from theta0.forward import Rays
from theta0.signals import ObjectFolder, ViewConfig

pytestmark = pytest.mark.usefixtures("quick_compilation")

CONFIG = ViewConfig(
    ProceduralObjects(6, 2, 3), size=16, training_views=4, rays=128, first_held_out=5,
    held_out_views=3, validation_views=2,
)  # fmt: skip


def of(folder, **settings):
    """Tasks from the stored objects."""
    source = ObjectFolder(str(folder), validation=1, test=1)
    return replace(CONFIG, source=source, **settings).build()


@pytest.fixture(scope="module")
def tasks():
    return CONFIG.build()


def rows_of(observation):
    leaves = [
        np.asarray(leaf).reshape(len(observation.y), -1) for leaf in jax.tree.leaves(observation)
    ]
    return {row.tobytes() for row in np.concatenate(leaves, axis=1)}


def test_a_training_task_is_a_function_of_seed_and_step(tasks):
    one, again, other = (tasks.training_tasks(3, step, 2) for step in (7, 7, 8))
    assert all(map(np.array_equal, *(jax.tree.leaves(task) for task in (one, again))))
    assert not np.array_equal(one.support.y, other.support.y)
    assert one.support.y.shape == (2, 128, 3) and one.support.p.near.shape == (2, 128)
    assert all(leaf.dtype == np.float32 for leaf in jax.tree.leaves(one))


def test_training_sees_the_first_views_alone(tasks):
    seen = set()
    for number in range(6):
        everything, _ = tasks._seen(number, 4)
        seen |= rows_of(everything)
    for step in range(3):
        task = tasks.training_tasks(0, step, 1)
        assert rows_of(jax.tree.map(lambda leaf: leaf[0], task.support)) <= seen


def test_the_inner_loop_may_see_fewer_views_than_the_outer_loss():
    tasks = replace(CONFIG, inner_views=1, foreground=0.5).build()
    origins = lambda part: {row.tobytes() for row in part.p.origin[0]}
    seen = set()
    for step in range(8):
        task = tasks.training_tasks(0, step, 1)
        one, others = origins(task.support), origins(task.query)
        assert len(one) == 1 and len(others) > 1 and task.support.y.shape == (1, 128, 3)
        seen |= one
    assert len(seen) > 4  # others each time


def test_a_share_of_training_tasks_is_of_variants(tasks):
    own = {
        color.tobytes()
        for step in range(20)
        for color in tasks.training_tasks(0, step, 1).support.y[0]
    }

    def varied(share):
        varying = replace(CONFIG, augment=share).build()
        return sum(
            not {row.tobytes() for row in varying.training_tasks(0, step, 1).support.y[0]} <= own
            for step in range(20)
        )

    assert varied(1.0) == 20 and 4 <= varied(0.5) <= 16


def test_learning_from_variants_or_foreground_needs_alpha_but_a_fit_does_not(tmp_path):
    drawn = ProceduralObjects(3, 0, 0, size=32, views=8).read()
    for number in range(3):
        seen = drawn.load(number)
        opaque = replace(seen, images=seen.images[..., :3], depth=None)
        write_views(opaque, tmp_path / f"object{number}")
    with pytest.raises(InputError, match="alpha"):
        of(tmp_path, augment=0.5).training_tasks(0, 0, 1)
    with pytest.raises(InputError, match="has no alpha"):
        of(tmp_path, foreground=0.5).training_tasks(0, 0, 1)
    signal = replace(CONFIG, augment=0.5, foreground=0.5).read(tmp_path / "object0", 1)
    assert len(signal.task.support.y)


def test_what_judges_a_fit_is_never_fitted(tasks):
    task = tasks.held_out("test", 0, 2)
    assert task.query.y.shape == (3 * 16 * 16, 3)
    fitted, judged = rows_of(task.support), rows_of(task.query)
    assert not fitted & judged
    # The support are the pixels of the first two views that meet the sphere, all of them.
    everything, _ = tasks._seen(6 + 2, 2)
    meets = np.asarray(everything.p.near) < np.asarray(everything.p.far)
    whole = rows_of(jax.tree.map(lambda leaf: leaf[meets], everything))
    assert fitted == whole
    assert len(tasks.held_out("validation", 0, 1).query.y) == 2 * 16 * 16


def test_the_share_of_foreground_rays_is_kept():
    tasks = replace(CONFIG, foreground=0.75, rays=400).build()
    task = tasks.training_tasks(0, 0, 1)
    everything = [tasks._seen(number, 4) for number in range(6)]
    front = set().union(
        *(rows_of(jax.tree.map(lambda leaf, s=shown: leaf[s], one)) for one, shown in everything)
    )
    first = jax.tree.map(lambda leaf: leaf[0, :300], task.support)
    assert rows_of(first) <= front


def test_the_mean_signal_is_of_many_objects(tasks):
    signal = tasks.mean_signal()
    assert isinstance(signal.p, Rays) and len(signal.y) == len(signal.p.near)
    assert len(np.unique(signal.p.origin, axis=0)) > 4 * 4


def test_stored_views_are_averaged_over_blocks(folder):
    tasks = of(folder)
    assert (tasks.size("train"), tasks.size("validation"), tasks.size("test")) == (3, 1, 1)
    task = tasks.held_out("test", 0, 1)
    fine = of(folder, size=32).held_out("test", 0, 1)
    blocks = fine.query.y.reshape(-1, 16, 2, 16, 2, 3).mean(axis=(2, 4))
    # Bytes of colours and of alpha are rounded after the mean.
    np.testing.assert_allclose(task.query.y.reshape(blocks.shape), blocks, atol=2 / 255)


@pytest.mark.parametrize("stored", [48, 16])
def test_an_object_stored_in_another_size_is_refused(folder, tmp_path, stored):
    for number in range(3):
        (tmp_path / f"object{number}").symlink_to(folder / f"object{number}")
    drawn = ProceduralObjects(1, 0, 0, size=stored, views=8).read()
    write_views(drawn.load(0), tmp_path / "other")
    tasks = of(tmp_path)
    first, number = tasks.names[0], tasks.names.index("other")
    words = f"other: .* {stored // 2} x {stored // 2} pixels.* {first} 16 x 16"
    with pytest.raises(InputError, match=words):
        tasks._seen(number, 1)
    assert tasks._load(0).images.shape[1:3] == (16, 16)
