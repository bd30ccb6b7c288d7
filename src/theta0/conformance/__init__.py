"""What every part of one's own must do, for plug-ins to call: fields, forward maps, rules, ...

The test of a plug-in is one line, ``check_forward(MyMap(), p, field)``. Each check raises
``AssertionError`` naming the property that fails.
"""

from ._derivatives import (
    STEP,
    check_gradient,
    float64,
    inner_product,
    random_direction,
    to_float64,
)
from ._family import check_family
from ._field import check_field
from ._forward import check_forward
from ._meta import check_meta_gradient
from ._rule import check_rule

__all__ = [
    "STEP",
    "check_family",
    "check_field",
    "check_forward",
    "check_gradient",
    "check_meta_gradient",
    "check_rule",
    "float64",
    "inner_product",
    "random_direction",
    "to_float64",
]
