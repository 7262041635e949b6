"""A JAX function, jitted.

    convgauge check examples/jax_function.py:conv2d --framework jax --tier quick -k "test_padding and same"

A jitted function is compiled for every problem, which takes most of the time. `-k` selects a part of the specification.
"""

from functools import partial

import jax

from convgauge.arguments import resolve


def conv2d(input, weight, bias=None, stride=1, padding=0, dilation=1, groups=1):
    """Resolve the arguments outside the traced function. A problem is hashable, so it can be a static argument."""
    return convolve(resolve(input, weight, bias, stride, padding, dilation, groups), input, weight, bias)


@partial(jax.jit, static_argnums=0)
def convolve(problem, input, weight, bias):
    """Call the convolution of XLA with padding as numbers, because "SAME" of lax has another meaning under a stride."""
    output = jax.lax.conv_general_dilated(
        input,
        weight,
        window_strides=problem.stride,
        padding=problem.pads,
        rhs_dilation=problem.dilation,
        feature_group_count=problem.groups,
        precision="highest",  # on other devices than a CPU the default is less than float32
    )
    return output if bias is None else output + bias[:, None, None]
