"""Two CPU devices, shapes checked at run time, a cache of compiled programs, and float64."""

import os
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


@pytest.fixture(scope="module")
def quick_compilation():
    """For modules whose programs run for milliseconds: compiling them well is not worth it."""
    jax.config.update("jax_disable_most_optimizations", True)
    yield
    jax.config.update("jax_disable_most_optimizations", False)


@pytest.fixture
def x64():
    """Within the test JAX computes in float64."""
    from theta0.conformance import float64

    # These tests ask whether the mathematics is right, not what the compiler makes of it.
    jax.config.update("jax_disable_most_optimizations", True)
    with float64():
        yield
    jax.config.update("jax_disable_most_optimizations", False)


@pytest.fixture
def key():
    return jax.random.PRNGKey(0)
