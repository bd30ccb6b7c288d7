"""What arrays take is known before they are made."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from theta0.errors import InputError
from theta0.memory import MAX_BYTES, bytes_of, check_memory


def test_bytes_of_arrays():
    assert bytes_of({"a": np.zeros((3, 5)), "b": [jnp.zeros(7, jnp.float32), "text", 3]}) == 148


def test_bytes_of_shapes_that_no_memory_holds():
    shapes = jax.eval_shape(lambda: jnp.zeros((10**6, 10**6)))
    assert bytes_of(shapes) == 4 * 10**12


def test_the_limit_may_be_reached_but_not_passed():
    check_memory("steps is 3", MAX_BYTES, MAX_BYTES, "take fewer")
    with pytest.raises(InputError, match=r"^steps is 3: needs 4 GiB of memory.*; take fewer$"):
        check_memory("steps is 3", MAX_BYTES + 1, MAX_BYTES, "take fewer")
