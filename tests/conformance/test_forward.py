"""The check of forward maps finds what is wrong."""

from dataclasses import dataclass

import jax
import numpy as np
import pytest

from theta0.conformance import check_forward
from theta0.fields import Field, Siren
from theta0.forward import ForwardMap, Points

pytestmark = pytest.mark.usefixtures("quick_compilation")

PLACES = np.float32(np.random.default_rng(0).random((5, 2)))
SIREN = Siren(width=8, layers=3, w0=20.0)


@dataclass(frozen=True)
class Leaky(ForwardMap):
    """A wrong map: every prediction depends on the mean of all."""

    samples: int = 1

    def __call__(self, field: Field, p, key=None):
        values = Points()(field, p)
        return values - values.mean(axis=0)


@dataclass(frozen=True)
class Detached(ForwardMap):
    """A wrong map: half of the gradient is lost."""

    samples: int = 1

    def __call__(self, field: Field, p, key=None):
        values = Points()(field, p)
        return (values + jax.lax.stop_gradient(values)) / 2


@dataclass(frozen=True)
class Uncounted(ForwardMap):
    """A wrong map: it does not say how often it evaluates the field."""

    def __call__(self, field: Field, p, key=None):
        return Points()(field, p)


@dataclass
class Changing(ForwardMap):
    """A wrong map: its settings may change, so no program compiled for it is found again."""

    samples: int = 1

    def __call__(self, field: Field, p, key=None):
        return Points()(field, p)


@dataclass(frozen=True)
class Squeezed(ForwardMap):
    """A wrong map: the channel axis is dropped."""

    samples: int = 1

    def __call__(self, field: Field, p, key=None):
        return Points()(field, p)[:, 0]


@dataclass(frozen=True)
class Moody(ForwardMap):
    """A wrong map: without a key it is another each time."""

    samples: int = 1

    def __call__(self, field: Field, p, key=None):
        noise = jax.pure_callback(
            lambda: np.float32(MOODS.random()), jax.ShapeDtypeStruct((), np.float32)
        )
        return Points()(field, p) + noise


MOODS = np.random.default_rng(0)


@pytest.mark.parametrize(
    "wrong, message",
    [
        (Leaky(), "other observations"), (Detached(), "gradient"), (Squeezed(), "shape"),
        (Moody(), "not deterministic without key"),
        (Uncounted(), "forward: Uncounted has no samples, which every ForwardMap needs"),
        (Changing(), "unhashable.*@dataclass.frozen=True."),
    ],
)  # fmt: skip
def test_a_wrong_map_is_found(wrong, message):
    with pytest.raises(AssertionError, match=message):
        check_forward(wrong, SIREN.build(jax.random.PRNGKey(1)), PLACES)
