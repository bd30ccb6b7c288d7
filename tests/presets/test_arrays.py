"""Digests: the same for the same values, another for others."""

import numpy as np
from PIL import Image

from theta0.presets import digest
from theta0.signals import Shares


def test_equal_values_have_one_digest_and_others_have_another():
    values = np.arange(12.0).reshape(3, 4)
    changed = values.copy()
    changed[2, 3] += 1e-9
    others = [
        changed, values.reshape(4, 3), values.astype(np.float32), [values], None, 1, "1",
        Image.fromarray(values.astype(np.uint8)), {"a": values}, Shares(0.1, 0.2), Shares(0.2, 0.2),
    ]  # fmt: skip
    found = [digest(one) for one in (values, *others)]
    assert len(set(found)) == len(found)
    assert digest(values.copy(), Shares()) == digest(values, Shares())
