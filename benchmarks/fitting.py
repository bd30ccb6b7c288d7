"""One gradient of a fit, against the machine's floor and against plain JAX."""

from functools import partial

import equinox as eqx
import jax
import numpy as np

from theta0.fields import SirenField, count_weights
from theta0.forward import Observation, Points
from theta0.inner import loss_and_gradient
from theta0.signals import pixel_coordinates

from . import _plain
from ._measure import Row, Sgemm, Sizes, interleaved


def picture(sizes: Sizes) -> Observation:
    """Smooth colours at the pixels of a square; the values do not matter to the time."""
    points = pixel_coordinates(sizes.side, sizes.side)
    phases = np.array([[3.0, 5.0, 7.0], [4.0, 2.0, 6.0]], np.float32)
    return Observation(points, (0.5 + 0.5 * np.sin(points @ phases)).astype(np.float32))


def siren(sizes: Sizes) -> SirenField:
    """The network of the image experiments, fresh."""
    built = sizes.siren.build(jax.random.PRNGKey(0))
    assert isinstance(built, SirenField)
    return built


def unit(field, points: int) -> float:
    """Floating-point operations of the matrix products of one forward pass."""
    return 2 * count_weights(field) * points


def strictly(field, ratio: float) -> str:
    """What remains of an efficiency if no product is counted that is not needed.

    An encoding is not trained, so the first layer's input gradient is never computed: the third
    unit of a gradient is not whole, and an efficiency above 1 is possible.
    """
    needed = 3 - field.layers[0].weight.size / count_weights(field)
    return f"{needed / 3 / ratio:.2f} if the first layer's unneeded input gradient is not counted"


def rows(sizes: Sizes, sgemm: Sgemm, repeats: int) -> list[Row]:
    """Efficiency of a gradient, and how much faster it is than plain JAX."""
    field = siren(sizes)
    observation = jax.tree.map(jax.numpy.asarray, picture(sizes))
    compiled = eqx.filter_jit(loss_and_gradient)
    ours = partial(compiled, Points(), field, observation)

    params, config = _plain.params_of(field), field.config
    plain_gradient = jax.jit(jax.value_and_grad(_plain.loss), static_argnums=3)
    plain = partial(plain_gradient, params, observation.p, observation.y, config)

    floor = sgemm.time(ours, 3 * unit(field, sizes.side**2), repeats)
    against = interleaved(ours, plain, repeats)
    return [
        Row(
            "gradient", "gradient: efficiency", 1 / floor.ratio, 0.85, True,
            floor.seconds, floor.reference_seconds, "3 units at the sgemm rate / seconds",
        ),
        Row(
            "gradient", "gradient: times faster than plain", 1 / against.ratio, 2.3, True,
            against.seconds, against.reference_seconds, "floor column: plain JAX",
        ),
    ]  # fmt: skip
