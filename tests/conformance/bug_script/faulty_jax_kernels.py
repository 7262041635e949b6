"""A kernel of JAX with a fault."""

import jax.numpy as jnp
from jax import lax


def right(input, weight, bias=None, stride=(1, 1), padding=(0, 0), dilation=(1, 1), groups=1):
    """Return the right output for pairs of numbers."""
    pads = [(p, p) for p in padding]
    output = lax.conv_general_dilated(
        input, weight, stride, pads, rhs_dilation=dilation, feature_group_count=groups, precision="highest"
    )
    return output if bias is None else output + bias[:, None, None]


def flipped(input, weight, *further, **arguments):
    return right(input, jnp.flip(weight, 3), *further, **arguments)
