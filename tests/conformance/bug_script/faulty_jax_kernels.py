"""A kernel of JAX with a fault."""

from typing import Any

import jax.numpy as jnp
from jax import lax

Array = Any  # of any framework
Value = Any  # an argument as a caller spells it


def right(
    input: Array,
    weight: Array,
    bias: Array = None,
    stride: Value = (1, 1),
    padding: Value = (0, 0),
    dilation: Value = (1, 1),
    groups: int = 1,
) -> Array:
    """Return the right output for pairs of numbers."""
    pads = [(p, p) for p in padding]
    output = lax.conv_general_dilated(
        input, weight, stride, pads, rhs_dilation=dilation, feature_group_count=groups, precision="highest"
    )
    return output if bias is None else output + bias[:, None, None]


def flipped(input: Array, weight: Array, *further: Array, **arguments: Value) -> Array:
    return right(input, jnp.flip(weight, 3), *further, **arguments)
