"""The process that runs COLMAP: photos in a folder become a model of the scene, undistorted.

    python _colmap_process.py WORK THREADS

    WORK/job.json        settings and photos, as `register_photos` writes them
    WORK/images/         the photos, upright
    WORK/database.db     features and matches; existing entries are kept
    WORK/sparse/         COLMAP's models
    WORK/one_lens/       a second database and models, if the photos turn out to share one lens
    WORK/pinholes/       undistorted pictures and model of the largest model, model.json

It reports its progress on standard output, one JSON object per line: the stage, the total, and the
count that is done, or the table of the database whose rows are to be counted. It ends when its
standard input is closed, that is, with its parent. It imports nothing of theta0: pycolmap 4.2 and
Pillow each contain a zlib, and in one process the heap is corrupted when Pillow writes a PNG file.
"""

import json
import os
import shutil
import signal
import sys
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import IO, Any

import numpy as np

Say = Callable[..., None]

MIN_PHOTOS = 3
"""Fewest photos of a model that is kept."""

ENOUGH_FOR_MIDDLE = 10
"""Fewest photos with one lens from which its principal point is estimated; with fewer it drifts."""

ALIKE = 1.02
"""Largest ratio of the focal lengths of photos that are assumed to share one lens."""


def main() -> None:
    """Run all stages that are not finished."""
    work, threads = Path(sys.argv[1]), int(sys.argv[2])
    out = _own_stdout()

    def say(**message: Any) -> None:
        out.write(json.dumps(message) + "\n")
        out.flush()

    threading.Thread(target=_end_with_parent, daemon=True).start()
    try:
        import pycolmap

        # COLMAP's handler allocates memory, and deadlocks if the heap is damaged.
        for name in ("SIGABRT", "SIGSEGV", "SIGBUS", "SIGFPE", "SIGILL", "SIGTERM"):
            if hasattr(signal, name):
                signal.signal(getattr(signal, name), signal.SIG_DFL)
        job = json.loads((work / "job.json").read_text("utf-8"))
        _run(pycolmap, work, job, threads, say)
    except Exception as error:
        say(error=f"{type(error).__name__}: {error}")
        sys.exit(1)


def _own_stdout() -> IO[str]:
    """A stream for messages; the output of libraries is redirected to standard error."""
    out = os.fdopen(os.dup(1), "w", encoding="utf-8")
    os.dup2(2, 1)
    return out


def _end_with_parent() -> None:
    # Not `sys.stdin`: at exit the interpreter would wait for its lock.
    while os.read(0, 1):
        pass
    os._exit(1)


def _run(pycolmap: Any, work: Path, job: Any, threads: int, say: Say) -> None:
    """Run the unfinished stages; afterwards `WORK/pinholes` exists if there is a model.

    With `lenses` 'auto', each photo first has its own lens; if these are nearly the same, the
    photos are registered again with one lens, and the result is kept if it has no fewer photos.
    """
    if (work / "pinholes").exists():
        return
    each = _Stages(pycolmap, work, job, threads, say)
    models = each.register()
    if job["settings"]["lenses"] == "auto" and models and each.alike(models[0]):
        again = _Stages(pycolmap, work, job, threads, say, before=each).register()
        if again and again[0].num_reg_images() >= models[0].num_reg_images():
            models = again
    if models:
        each.undistort(models)


class _Stages:
    """The stages, in order; each writes its result atomically."""

    def __init__(
        self, pycolmap: Any, work: Path, job: Any, threads: int, say: Say,
        before: "_Stages | None" = None,
    ):  # fmt: skip
        """``before``: stages whose features and matches are reused, now with one lens."""
        self._colmap, self._work, self._say = pycolmap, work, say
        self._photos, self._settings = job["photos"], job["settings"]
        self._threads, self._before = threads, before
        self._one_lens = before is not None or self._settings["lenses"] == "one"
        self._folder = work if before is None else work / "one_lens"
        self._folder.mkdir(exist_ok=True)
        self._images, self._database = work / "images", self._folder / "database.db"
        modes = pycolmap.CameraMode
        self._mode = modes.SINGLE if self._one_lens else modes.PER_IMAGE

    def alike(self, model: Any) -> bool:
        """Whether the separate lenses of a model's photos are nearly the same."""
        focals = [image.camera.mean_focal_length() for image in _registered(model)]
        sizes = {tuple(photo["size"]) for photo in self._photos}
        return len(sizes) == 1 and max(focals) < ALIKE * min(focals)

    def register(self) -> list[Any]:
        """COLMAP's models, the largest first."""
        self._colmap.set_random_seed(self._settings["seed"])
        if not self._database.exists():
            self._import()
        if not (self._folder / "sparse").exists():
            if self._before is None:
                self._features()
            self._pairs()
            self._map()
        return self._models()

    def _import(self) -> None:
        """Import the photos and their cameras into a new database."""
        part = self._folder / "database.part"
        part.unlink(missing_ok=True)
        self._colmap.Database.open(part).close()
        # In order of the names: feature extraction would import them in the order of completion.
        self._colmap.import_images(part, self._images, self._mode)
        database = self._colmap.Database.open(part)
        focals: dict[int, list[float]] = {}
        for photo in self._photos:
            if photo["focal"] is not None:
                image = database.read_image_with_name(photo["image"])
                focals.setdefault(image.camera_id, []).append(photo["focal"])
        for key, known in focals.items():
            camera = database.read_camera(key)
            camera.params = [float(np.median(known)), *camera.params[1:]]
            camera.has_prior_focal_length = True
            database.update_camera(camera)
        if self._before is not None:
            self._copy(self._before, database)
        database.close()
        os.rename(part, self._database)

    def _copy(self, before: "_Stages", new: Any) -> None:
        """Copy features and matches, which do not depend on lenses."""
        old = self._colmap.Database.open(before._database)
        key = lambda image: new.read_image_with_name(image.name).image_id
        keys = {image.image_id: key(image) for image in old.read_all_images()}
        for one, other in keys.items():
            new.write_keypoints(other, old.read_keypoints(one))
            new.write_descriptors(other, old.read_descriptors(one))
        for pair, matches in zip(*old.read_all_matches(), strict=True):
            one, two = self._colmap.pair_id_to_image_pair(pair)
            new.write_matches(keys[one], keys[two], matches)
        old.close()

    def _features(self) -> None:
        options = self._colmap.FeatureExtractionOptions()
        options.num_threads = self._threads
        options.sift.max_num_features = self._settings["features"]
        with self._counting("features", "descriptors", len(self._photos)):
            self._colmap.extract_features(
                self._database, self._images, camera_mode=self._mode, extraction_options=options
            )  # fmt: skip

    def _pairs(self) -> None:
        colmap, settings, count = self._colmap, self._settings, len(self._photos)
        options, verification = colmap.FeatureMatchingOptions(), colmap.TwoViewGeometryOptions()
        options.num_threads = self._threads
        verification.ransac.random_seed = settings["seed"]
        common = {"matching_options": options, "verification_options": verification}
        if settings["matching"] == "exhaustive":
            with self._counting("pairs", "two_view_geometries", count * (count - 1) // 2):
                colmap.match_exhaustive(self._database, **common)
            return
        pairing, overlap = colmap.SequentialPairingOptions(), settings["overlap"]
        pairing.overlap, pairing.num_threads = overlap, self._threads
        # Neighbours, and photos at distances 1, 2, 4, 8...
        steps = {*range(1, overlap + 1), *(1 << power for power in range(overlap))}
        pairs = sum(max(count - step, 0) for step in steps)
        with self._counting("pairs", "two_view_geometries", pairs):
            colmap.match_sequential(self._database, pairing_options=pairing, **common)

    def _map(self) -> None:
        options = self._colmap.IncrementalPipelineOptions()
        options.num_threads = 1  # with more threads results differ, and are not reproducible
        options.min_model_size = MIN_PHOTOS
        for each in (options, options.mapper, options.triangulation):
            each.random_seed = self._settings["seed"]
        part, registered = _emptied(self._folder / "sparse.part"), 0

        def count(photos: int) -> None:
            # A photo may be counted in several models.
            nonlocal registered
            registered = min(registered + photos, len(self._photos))
            self._say(stage="registered", done=registered, total=len(self._photos))

        count(0)
        models = self._colmap.incremental_mapping(
            self._database, self._images, part, options,
            initial_image_pair_callback=lambda: count(2), next_image_callback=lambda: count(1),
        )  # fmt: skip
        if self._one_lens:
            adjustment = self._colmap.BundleAdjustmentOptions()
            adjustment.refine_principal_point = True
            adjustment.ceres.solver_options.num_threads = 1
            for key, model in models.items():
                if model.num_reg_images() >= ENOUGH_FOR_MIDDLE:
                    self._colmap.bundle_adjustment(model, adjustment)
                    model.update_point_3d_errors()
                    model.write(part / str(key))
        os.rename(part, self._folder / "sparse")

    def _models(self) -> list[Any]:
        """COLMAP's models, the largest first."""
        read = self._colmap.Reconstruction
        folders = sorted((self._folder / "sparse").iterdir(), key=lambda folder: int(folder.name))
        models = [read(folder) for folder in folders]
        models.sort(key=lambda one: (one.num_reg_images(), one.num_points3D()), reverse=True)
        return [model for model in models if model.num_reg_images() >= MIN_PHOTOS]

    def undistort(self, models: list[Any]) -> None:
        """Write the undistorted pictures and model of the largest model to `WORK/pinholes`."""
        self._say(stage="undistorted", done=0, total=models[0].num_reg_images())
        part = _emptied(self._work / "pinholes.part")
        model = _emptied(self._work / "largest.part")
        models[0].write(model)
        self._colmap.undistort_images(part, model, self._images, num_threads=self._threads)
        shutil.rmtree(model)
        facts = {
            "pycolmap": self._colmap.__version__,
            "reprojection_error": models[0].compute_mean_reprojection_error(),
            "models": [[image.name for image in _registered(model)] for model in models],
        }
        (part / "model.json").write_text(json.dumps(facts), "utf-8")
        os.rename(part, self._work / "pinholes")

    @contextmanager
    def _counting(self, stage: str, table: str, total: int) -> Iterator[None]:
        """Ask the parent twice a second to count the rows of a table.

        Not in this process: a second SQLite beside COLMAP's breaks the locks of the file
        (https://www.sqlite.org/howtocorrupt.html, 2.2.1).
        """
        # Recovers the log of the database after a killed run, before anyone reads it.
        self._colmap.Database.open(self._database).close()
        self._say(stage=stage, done=0, total=total)
        ended = threading.Event()

        def watch() -> None:
            while not ended.wait(0.5):
                self._say(stage=stage, database=str(self._database), rows=table, total=total)

        watcher = threading.Thread(target=watch, daemon=True)
        watcher.start()
        try:
            yield
        finally:
            ended.set()
            watcher.join()
        self._say(stage=stage, done=total, total=total)


def _registered(model: Any) -> list[Any]:
    images = [model.images[key] for key in model.reg_image_ids()]
    return sorted(images, key=lambda image: image.name)


def _emptied(folder: Path) -> Path:
    """A new folder; the remains of a killed run are removed."""
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir()
    return folder


if __name__ == "__main__":
    main()
