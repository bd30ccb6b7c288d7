"""Renders views of meshes, and writes them in the layout of the paper's authors.

    OUT/chairs_splits.json        {"train": [ids], "val": [ids], "test": [ids]}
    OUT/chairs/ID/                transforms.json, RGBA pictures and depths (see `write_views`)
    OUT/chairs/ID/object.json     credit, rendering settings, and the original of a variant
    OUT/credits.{json,csv}        the credits of all objects below OUT

Objects stand upright (z up) in the unit sphere, each with its own illumination. The folder of an
object is written atomically, so an interrupted run can be continued.
"""

import math
import os
import shutil
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any, Literal

import numpy as np

from theta0.data._colours import srgb_from_linear
from theta0.data._splits import digest
from theta0.data.meshes._environments import random_environment
from theta0.data.meshes._limits import MeshLimits
from theta0.data.meshes._mesh import Mesh
from theta0.data.meshes._mitsuba import Scene, mitsuba
from theta0.data.meshes._rendered import (
    RECORD,
    Job,
    Part,
    plan_splits,
    read_record,
    write_summaries,
)
from theta0.data.meshes._sets import MeshObject
from theta0.data.meshes._variants import random_variant
from theta0.data.views import Views, random_cameras, write_views
from theta0.errors import InputError, require_positive
from theta0.files import write_json
from theta0.memory import MAX_BYTES, check_memory

Progress = Callable[[int, int, str], None]


@dataclass(frozen=True)
class RenderConfig:
    """How views are rendered."""

    views: int = 50
    """views of each object"""
    size: int = 128
    """side of the pictures, in pixels"""
    samples: int = 36
    """light paths per pixel; rounded up to a square number"""
    hemisphere: bool = False
    """take views from above the horizon only, not from the whole sphere"""
    distance: float = 4.0
    """from the camera to the object's centre, in radii of its bounding sphere; it fills the view"""
    seed: int = 0
    """seed of the viewpoints, the illumination, the variants and the split"""
    up: Literal["y", "z"] | None = None
    """up axis of the files; by default z in .ply and .off files and y in others"""

    def __post_init__(self):
        require_positive(self, "views", "samples")
        if self.size < 4:
            raise InputError(f"size is {self.size}; give at least 4 pixels")
        needed = self.views * self.size**2 * 8  # bytes: colours, alpha and depth
        check_memory("views of an object", needed, MAX_BYTES, "render fewer or smaller ones")
        if not 1 < self.distance < 1000:
            raise InputError(
                f"distance is {self.distance}; give more than 1, the sphere's radius, below 1000"
            )
        if self.seed < 0:
            raise InputError(f"seed is {self.seed}; give 0 or more")

    @property
    def fov_deg(self) -> float:
        """Field of view that is filled by the unit sphere."""
        return float(np.rad2deg(2 * np.arcsin(1 / self.distance)))


@dataclass(frozen=True)
class Rendered:
    """The result of `render_views`.

    Attributes:
        classes: Names of the objects by class and part ('train', 'val', 'test').
        new: Number of objects that were rendered, including variants.
        kept: Number of objects that were already rendered.
        skipped: (file, reason) of the meshes that could not be read.
        notes: (object, note) on what the others lacked.
    """

    classes: dict[str, dict[Part, tuple[str, ...]]]
    new: int
    kept: int
    skipped: tuple[tuple[str, str], ...]
    notes: tuple[tuple[str, str], ...]


def render_views(
    objects: Sequence[MeshObject],
    out: str | Path,
    config: RenderConfig | None = None,
    *,
    validation: int | float = 0.1,
    test: int | float = 0.1,
    group: str | None = None,
    augment: int = 0,
    limits: MeshLimits | None = None,
    progress: Progress = lambda done, total, text: None,
) -> Rendered:
    """Render views of the objects that are not yet in `out`, and write splits and credits.

    Args:
        objects: From `find_meshes`.
        out: Folder for the result; objects that are already in it are kept.
        config: Rendering settings; None for the defaults.
        validation: Objects of each class kept for validation: a number, or a fraction below 1.
        test: The same, for the test set.
        group: A regular expression; objects whose names have the same match stay in one part of the
            split; see `split`.
        augment: Variants of each training object; see `random_variant`.
        limits: Larger meshes are skipped; None for the defaults.
        progress: Called with the views done, all views, and the current object.

    Raises:
        InputError: An object in `out` was rendered with other settings, or a number is invalid.
        MissingExtra: mitsuba is not installed.
    """
    out, config = Path(out), config or RenderConfig()
    mitsuba()  # missing extras are reported before anything is written
    work = _Work(out, config, limits, progress)
    # Before the classes are split, so that each part has the requested number of objects.
    objects = work.readable(objects, augment)
    parts = plan_splits(objects, validation, test, config.seed, group)
    work.render(objects, {key: augment * (part == "train") for key, part in parts.items()})
    classes = write_summaries(out, work.finished, parts)
    return Rendered(classes, work.new, work.kept, tuple(work.skipped), tuple(work.notes))


class _Work:
    """Reads and renders objects, and keeps count."""

    def __init__(
        self, out: Path, config: RenderConfig, limits: MeshLimits | None, progress: Progress
    ):
        self.new = self.kept = self.views = self._views_done = 0
        self.finished: list[Job] = []
        self.skipped: list[tuple[str, str]] = []
        self.notes: list[tuple[str, str]] = []
        self._out, self._config, self._limits, self._progress = out, config, limits, progress
        self._last: tuple[str, Mesh] | None = None

    def readable(self, objects: Sequence[MeshObject], augment: int) -> list[MeshObject]:
        """The objects that can be read or are already rendered.

        Reading takes a hundredth of the time of rendering.

        Raises:
            InputError: An object or a variant was rendered with other settings.
        """
        if augment < 0:
            raise InputError(f"augment is {augment}; give 0 or more variants of each object")
        good = []
        for one in objects:
            for number in range(1 + augment):
                _check_same_way(Job(one, number, self._out), self._config)
        for one in objects:
            self._progress(0, self._config.views * len(objects), f"reading {one.key}")
            with self._skipping(one):
                if not Job(one, 0, self._out).folder.exists():
                    self._read(one)
                good.append(one)
        return good

    def render(self, objects: Sequence[MeshObject], variants: dict[str, int]) -> None:
        """Render all objects and their variants that are not yet finished."""
        self.views = self._config.views * (len(objects) + sum(variants.values()))
        for one in objects:
            self._render([Job(one, number, self._out) for number in range(1 + variants[one.key])])

    def _render(self, jobs: list[Job]) -> None:
        """Render an object and its variants."""
        one = jobs[0].source
        waiting = [job for job in jobs if not job.folder.exists()]
        self.kept += len(jobs) - len(waiting)
        end = self._views_done + self._config.views * len(jobs)
        self._advance(self._config.views * (len(jobs) - len(waiting)), one.key)
        with self._skipping(one):
            mesh = self._read(one) if waiting else None
            for job in waiting:
                assert mesh is not None
                _render_job(job, mesh, self._config, lambda: self._advance(1, one.key))
                self.new += 1
            self.finished += jobs
            notes = mesh.notes if mesh else read_record(jobs[0].folder).get("notes", ())
            self.notes += [(one.key, str(note)) for note in notes]
        self._advance(end - self._views_done, one.key)

    def _read(self, one: MeshObject) -> Mesh:
        """Read an object; the last one is kept, as it may be the only one."""
        if self._last is None or self._last[0] != one.key:
            self._last = None  # two of them may need more memory than there is
            self._last = one.key, one.read(self._limits, self._config.up)
        return self._last[1]

    @contextmanager
    def _skipping(self, one: MeshObject) -> Iterator[None]:
        try:
            yield
        except InputError as error:
            self.skipped.append((one.file, str(error).removeprefix(f"{one.file}: ")))

    def _advance(self, views: int, text: str) -> None:
        self._views_done += views
        self._progress(self._views_done, self.views, text)


def _check_same_way(job: Job, config: RenderConfig) -> None:
    """Refuse to mix views that were rendered with different settings."""
    if job.folder.exists() and read_record(job.folder).get("render") != asdict(config):
        raise InputError(
            f"{job.folder}: was rendered with other settings; give these, or another folder for "
            "the result"
        )


def _render_job(job: Job, mesh: Mesh, config: RenderConfig, advance: Callable[[], None]) -> None:
    """Render an object into its folder, atomically."""
    seed = int.from_bytes(digest(job.source.key)[:8], "big")
    rng = np.random.default_rng(np.random.SeedSequence([config.seed, seed, job.variant]))
    if job.variant:
        mesh = random_variant(rng).of(mesh)
    views = render_object(mesh, config, rng, job.id, advance)
    beside = job.folder.parent / f".unfinished-{job.id}"
    shutil.rmtree(beside, ignore_errors=True)  # left by a killed run
    folder = write_views(views, beside / "views")
    write_json(folder / RECORD, _record(job, mesh, config))
    os.rename(folder, job.folder)
    shutil.rmtree(beside)


def _record(job: Job, mesh: Mesh, config: RenderConfig) -> dict[str, Any]:
    return {
        "class": job.category,
        "id": job.id,
        **asdict(job.source.credit),
        "augmented_of": job.source.id if job.variant else None,
        "faces": mesh.faces,
        "notes": mesh.notes,
        "render": asdict(config),
    }


def render_object(
    mesh: Mesh,
    config: RenderConfig,
    rng: np.random.Generator,
    object_id: str,
    advance: Callable[[], None] = lambda: None,
) -> Views:
    """Render views of one object from random viewpoints, under random illumination.

    Args:
        mesh: In the unit sphere.
        config: Rendering settings.
        rng: Source of illumination, viewpoints and noise.
        object_id: Name of the object in the result.
        advance: Called after each view.

    Raises:
        InputError: The mesh cannot be rendered, or all views are empty.
    """
    scene = Scene(mesh, random_environment(rng))
    cameras = random_cameras(
        rng, config.views, config.size, config.distance, config.fov_deg, config.hemisphere
    )
    samples = math.ceil(math.sqrt(config.samples)) ** 2
    images = np.empty((config.views, config.size, config.size, 4), np.uint8)
    depth = np.empty(images.shape[:3], np.float32)
    for number, camera in enumerate(cameras):
        picture = scene.picture(camera, samples, int(rng.integers(1 << 31)))
        colours = srgb_from_linear(picture.light)
        rgba = np.concatenate([colours, picture.alpha[..., None]], axis=-1)
        images[number], depth[number] = np.rint(255 * rgba), picture.depth
        advance()
    if not images[..., 3].any():
        raise InputError(f"{object_id}: all views are empty; its faces may have no area")
    names = tuple(f"{number:03d}" for number in range(config.views))
    return Views(images, cameras, names, object_id, depth)
