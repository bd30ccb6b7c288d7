"""The limit on memory, asked before anything large is allocated."""

from typing import Any

from theta0.errors import InputError

MAX_BYTES = 4 * 1024**3
"""Default limit for an array in memory: 4 GiB."""


def check_memory(source: object, needed: int, limit: int, remedy: str) -> None:
    """Refuse to allocate more than `limit` bytes.

    Args:
        source: What needs the memory, for the message.
        needed: Bytes to be allocated, after all conversions.
        limit: Bytes allowed.
        remedy: What the user can do about it, for the message.

    Raises:
        InputError: `needed` exceeds `limit`.
    """
    if needed > limit:
        raise InputError(
            f"{source}: needs {needed / 1024**3:.3g} GiB of memory, more than the limit of "
            f"{limit / 1024**3:.3g} GiB; {remedy}"
        )


def bytes_of(tree: Any) -> int:
    """What the arrays of a pytree take in memory.

    Args:
        tree: of arrays, or of their shapes alone, as `jax.eval_shape` gives them: these cost
            nothing, however large what they stand for is.

    Returns:
        Bytes.
    """
    import jax  # not for those who only ask for the limit: `theta0 --help` answers without it

    arrays = (leaf for leaf in jax.tree.leaves(tree) if hasattr(leaf, "dtype"))
    return sum(array.size * array.dtype.itemsize for array in arrays)
