"""The process that runs COLMAP: photos in a folder become a model of the place, and pinholes.

    python _colmap_process.py WORK THREADS

    WORK/job.json        settings and photos, as `register_photos` writes them
    WORK/images/         the photos, upright
    WORK/database.db     features and matches; what is in it is not done again
    WORK/sparse/         COLMAP's models
    WORK/one_lens/       database and models once more, if the photos turn out to be of one lens
    WORK/pinholes/       undistorted pictures and model of the largest, model.json

It tells on its standard output what it is at, one JSON object a line: stage, total, and how much
is done, or which table of which database has a row for each thing done. It ends when its standard
input does: with the process that started it. It imports nothing of theta0: pycolmap 4.2 and Pillow
each bring a zlib, and in one process the heap is corrupted when Pillow then writes a PNG file.
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
"""Smallest model that is kept, in photos"""

ENOUGH_FOR_MIDDLE = 10
"""Photos through one lens that tell where its axis meets the picture; from few it drifts"""

ALIKE = 1.02
"""Largest over least focal length of photos that are taken to be of one lens"""


def main() -> None:
    """Run all that is not done."""
    work, threads = Path(sys.argv[1]), int(sys.argv[2])
    out = _own_stdout()

    def say(**message: Any) -> None:
        out.write(json.dumps(message) + "\n")
        out.flush()

    threading.Thread(target=_end_with_parent, daemon=True).start()
    try:
        import pycolmap

        # COLMAP's handler allocates; on a heap that is damaged it waits for ever.
        for name in ("SIGABRT", "SIGSEGV", "SIGBUS", "SIGFPE", "SIGILL", "SIGTERM"):
            if hasattr(signal, name):
                signal.signal(getattr(signal, name), signal.SIG_DFL)
        job = json.loads((work / "job.json").read_text("utf-8"))
        _run(pycolmap, work, job, threads, say)
    except Exception as error:
        say(error=f"{type(error).__name__}: {error}")
        sys.exit(1)


def _own_stdout() -> IO[str]:
    """Where messages go; whatever libraries print goes to standard error instead."""
    out = os.fdopen(os.dup(1), "w", encoding="utf-8")
    os.dup2(2, 1)
    return out


def _end_with_parent() -> None:
    # Not `sys.stdin`, whose lock the interpreter would wait for at its end.
    while os.read(0, 1):
        pass
    os._exit(1)


def _run(pycolmap: Any, work: Path, job: Any, threads: int, say: Say) -> None:
    """Do what is not done; `WORK/pinholes` is there afterwards if there is a model at all.

    Where it is not said whether the photos are of one lens, each has its own at first; if these
    are all but the same, the photos are placed once more, with one, and no fewer of them.
    """
    if (work / "pinholes").exists():
        return
    each = _Stages(pycolmap, work, job, threads, say)
    models = each.place()
    if job["settings"]["lenses"] == "auto" and models and each.alike(models[0]):
        again = _Stages(pycolmap, work, job, threads, say, before=each).place()
        if again and again[0].num_reg_images() >= models[0].num_reg_images():
            models = again
    if models:
        each.undistort(models)


class _Stages:
    """What is to be done, in this order; each writes its result as a whole or not at all."""

    def __init__(
        self, pycolmap: Any, work: Path, job: Any, threads: int, say: Say,
        before: "_Stages | None" = None,
    ):  # fmt: skip
        """``before``: features and matches are there, and the photos are placed with one lens."""
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
        """Whether the lenses of a model's photos, found apart, are all but the same."""
        focals = [image.camera.mean_focal_length() for image in _registered(model)]
        sizes = {tuple(photo["size"]) for photo in self._photos}
        return len(sizes) == 1 and max(focals) < ALIKE * min(focals)

    def place(self) -> list[Any]:
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
        """Enter the photos and their cameras in a new database."""
        part = self._folder / "database.part"
        part.unlink(missing_ok=True)
        self._colmap.Database.open(part).close()
        # Now and in order of the names: features are entered in whatever order they are finished.
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
        """Features and matches, which do not depend on lenses."""
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
        # Neighbours, and those 1, 2, 4, 8... further on.
        steps = {*range(1, overlap + 1), *(1 << power for power in range(overlap))}
        pairs = sum(max(count - step, 0) for step in steps)
        with self._counting("pairs", "two_view_geometries", pairs):
            colmap.match_sequential(self._database, pairing_options=pairing, **common)

    def _map(self) -> None:
        options = self._colmap.IncrementalPipelineOptions()
        options.num_threads = 1  # more come to another result, and to others each time
        options.min_model_size = MIN_PHOTOS
        for each in (options, options.mapper, options.triangulation):
            each.random_seed = self._settings["seed"]
        part, registered = _emptied(self._folder / "sparse.part"), 0

        def count(photos: int) -> None:
            # A photo may be tried in several models.
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
        """Write the pictures and the model of the largest as `WORK/pinholes`."""
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
        """Ask twice a second that the rows of a table be counted, each a thing that is done.

        Not here: a second SQLite beside COLMAP's own in one process breaks the locks of the file
        (https://www.sqlite.org/howtocorrupt.html, 2.2.1).
        """
        # What a killed run left in the log of the database is put in its place while nobody reads.
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
    """A new folder; what a run that was killed left there is removed."""
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir()
    return folder


if __name__ == "__main__":
    main()
