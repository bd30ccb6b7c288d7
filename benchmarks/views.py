"""Views of objects: an outer step, a picture of a fitted object, training views of a mesh."""

from functools import partial
from importlib.util import find_spec
from pathlib import Path
from tempfile import TemporaryDirectory

import equinox as eqx
import jax
import jax.numpy as jnp

from theta0.data import cameras
from theta0.data.meshes import RenderConfig, find_meshes, render_views
from theta0.forward import Volume
from theta0.inner import SGD
from theta0.meta import Learned, Reptile
from theta0.presets.views import PRESETS
from theta0.reconstruct import render_view
from theta0.signals import Task, ViewConfig

from ._measure import Row, Sgemm, Sizes, seconds
from .fitting import strictly, unit


def rows(sizes: Sizes, sgemm: Sgemm, repeats: int) -> list[Row]:
    """What an outer step and a picture cost beside their matrix products, and 50 views."""
    found = _products(sizes, sgemm, repeats)
    if find_spec("mitsuba") is None or find_spec("trimesh") is None:
        return found
    rendered = _training_views(sizes)
    return [
        *found,
        Row(
            "views", f"{sizes.training_views} training views of a mesh: seconds", rendered, 20,
            False, rendered, None, "a torus of 65536 faces, 128 pixels per side; reading included",
        ),
    ]  # fmt: skip


def _products(sizes: Sizes, sgemm: Sgemm, repeats: int) -> list[Row]:
    field, volume = sizes.positional.build(jax.random.PRNGKey(0)), Volume(sizes.view_samples)
    data = PRESETS["view-chair"]["smoke"].data
    assert isinstance(data, ViewConfig)
    observed = jax.tree.map(jnp.asarray, data.build().training_tasks(0, 0, 1).support)
    support = jax.tree.map(lambda leaf: leaf[:, : sizes.view_rays], observed)
    estimator = Reptile(sizes.view_steps, SGD(1e-3))
    learned = Learned(field, estimator.inner.rule_of(field))
    tasks, key = Task(support, support), jax.random.PRNGKey(0)
    outer = partial(eqx.filter_jit(estimator), volume, learned, tasks, key)
    units = 3 * sizes.view_steps
    one = unit(field, sizes.view_rays * sizes.view_samples)
    trained = sgemm.time(outer, units * one, repeats)

    camera = cameras.Camera.from_fov(
        cameras.orbit(30, 20, data.distance), sizes.side, sizes.side, data.fov_deg
    )
    places = data.rays_of(camera)
    inside = int((places.near < places.far).sum())
    shown = lambda: render_view(volume, field, data, camera).colour
    drawn = sgemm.time(shown, unit(field, inside * sizes.view_samples), repeats)

    network = f"{sizes.positional.layers}x{sizes.positional.width}, {sizes.view_samples} samples"
    return [
        Row(
            "views", "Reptile step of views: efficiency", 1 / trained.ratio, 0.75, True,
            trained.seconds, trained.reference_seconds,
            f"{units} units at the sgemm rate / seconds; {network}, {sizes.view_rays} rays; "
            + strictly(field, trained.ratio),
        ),
        Row(
            "views", "picture of an object: times its floor", drawn.ratio, 1.3, False,
            drawn.seconds, drawn.reference_seconds,
            f"seconds / one unit of the samples inside; {network}, {sizes.side} pixels per side, "
            f"{inside / len(places.near):.0%} of its rays meet the bounding sphere",
        ),
    ]  # fmt: skip


def _training_views(sizes: Sizes) -> float:
    """Seconds until the views of one mesh are written."""
    import trimesh

    with TemporaryDirectory() as folder:
        path = Path(folder) / "torus.ply"
        trimesh.creation.torus(0.7, 0.25, 256, 128).export(path)
        config, out = RenderConfig(views=sizes.training_views), Path(folder) / "views"
        return seconds(
            lambda: render_views(find_meshes(path), out, config, validation=0, test=0).classes
        )
