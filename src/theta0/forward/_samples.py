"""Sample positions along segments and rays, midpoints or stratified."""

import jax
import jax.numpy as jnp
from jaxtyping import Array, Float


def fractions(n: int, samples: int, key: Array | None) -> Float[Array, "n samples"]:
    """One position in each of ``samples`` equal bins of [0, 1]: random with a key, else the middle.

    Stratified sampling as in Mildenhall et al. 2020, equation 2.
    """
    start = jnp.arange(samples) / samples
    if key is None:
        return jnp.broadcast_to(start + 0.5 / samples, (n, samples))
    return start + jax.random.uniform(key, (n, samples)) / samples
