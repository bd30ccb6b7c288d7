"""Two CPU devices, shapes checked at run time, a cache of compiled programs, and float64."""

import os
from contextlib import contextmanager
from pathlib import Path

from jaxtyping import install_import_hook

# Before anything imports theta0: every annotated function checks the shapes it is called with.
install_import_hook("theta0", "beartype.beartype")

import jax  # noqa: E402
import pytest  # noqa: E402

jax.config.update("jax_num_cpu_devices", 2)
# Most of the suite's time is compilation; what did not change is taken from the last run.
_CACHE = Path(__file__).parents[1] / ".pytest_cache/jax"
# Each worker has its own: JAX writes an entry in place, so another process could read half of it.
jax.config.update(
    "jax_compilation_cache_dir", str(_CACHE / os.environ.get("PYTEST_XDIST_WORKER", "main"))
)
jax.config.update("jax_persistent_cache_min_compile_time_secs", 0.0)
jax.config.update("jax_persistent_cache_min_entry_size_bytes", -1)


@pytest.fixture(scope="module", autouse=True)
def _forget_programs():
    """Thousands of compiled programs take gigabytes; those of a finished module are let go."""
    yield
    jax.clear_caches()


@pytest.fixture(scope="session")
def quickly():
    """A context for programs that run for milliseconds: compiling them well is not worth it."""
    name = "jax_disable_most_optimizations"

    @contextmanager
    def context():
        before = jax.config.read(name)
        jax.config.update(name, True)
        yield
        jax.config.update(name, before)

    return context


@pytest.fixture(scope="module")
def quick_compilation(quickly):
    """The whole module compiles quickly."""
    with quickly():
        yield


@pytest.fixture
def x64(quickly):
    """Within the test JAX computes in float64."""
    from theta0.conformance import float64

    # These tests ask whether the mathematics is right, not what the compiler makes of it.
    with quickly(), float64():
        yield


@pytest.fixture
def registries_as_before(monkeypatch):
    """What a test registers is forgotten after it."""
    from theta0.registry import all_registries

    for registry in all_registries():
        monkeypatch.setattr(registry, "_classes", dict(registry._classes))
        monkeypatch.setattr(registry, "_entry_points", registry._entry_points)


@pytest.fixture
def key():
    return jax.random.PRNGKey(0)


@pytest.fixture(scope="session")
def write_dicom():
    """Write a CT slice of 16 unsigned bits, slope 1 and intercept -1024 unless told otherwise."""
    pydicom = pytest.importorskip("pydicom", reason="pydicom is not installed")

    def write(path, pixels, series="1.2.826.0.1.1", compressed=False, **tags):
        meta = pydicom.dataset.FileMetaDataset()
        meta.MediaStorageSOPClassUID = pydicom.uid.CTImageStorage
        meta.MediaStorageSOPInstanceUID = "1.2.826.0.1.9"
        meta.TransferSyntaxUID = pydicom.uid.ExplicitVRLittleEndian
        dataset = pydicom.dataset.Dataset()
        dataset.file_meta = meta
        dataset.SOPClassUID = meta.MediaStorageSOPClassUID
        dataset.SOPInstanceUID = meta.MediaStorageSOPInstanceUID
        dataset.Modality, dataset.SeriesInstanceUID = "CT", series
        dataset.Rows, dataset.Columns = pixels.shape
        dataset.SamplesPerPixel, dataset.PhotometricInterpretation = 1, "MONOCHROME2"
        dataset.BitsAllocated = dataset.BitsStored = 16
        dataset.HighBit, dataset.PixelRepresentation = 15, 0
        dataset.RescaleSlope, dataset.RescaleIntercept = 1, -1024
        dataset.PixelData = pixels.tobytes()
        for tag, value in tags.items():
            if value is None:
                del dataset[tag]
            else:
                setattr(dataset, tag, value)
        if compressed:
            dataset.compress(pydicom.uid.RLELossless)
        path.parent.mkdir(parents=True, exist_ok=True)
        dataset.save_as(path, enforce_file_format=True)
        return path

    return write
