"""XLA's convolution."""

import functools

import jax
import jax.numpy as jnp

from convgauge import implementation
from convgauge.arguments import check_input, resolve
from convgauge.dtypes import DTYPES


@implementation(framework="jax", algorithm="library", source="jax.lax.conv_general_dilated")
def jax_lax(input, weight, bias=None, stride=1, padding=0, dilation=1, groups=1):
    """jax.lax.conv_general_dilated, XLA's convolution, compiled once for each problem.

    `prepare` compiles ahead of the first call. Padding is given as pairs, since lax's "SAME" means another thing under
    a stride. 16-bit floats are multiplied and added in float32, at the highest precision that the device has.

    Cost and workspace: XLA's; on a CPU a direct or a matrix-product algorithm of Eigen's.
    """
    problem = resolve(input, weight, bias, stride, padding, dilation, groups)
    return _convolve(problem, input, weight, bias)


@jax_lax.prepare
def prepare(problem, weight, bias):
    shapes = [None if array is None else jax.ShapeDtypeStruct(array.shape, array.dtype) for array in (weight, bias)]
    image = jax.ShapeDtypeStruct(problem.input_shape, weight.dtype)
    compiled = _convolve.lower(problem, image, *shapes).compile()

    def run(input):
        check_input(problem, input)
        return compiled(input, weight, bias)

    return run


@functools.partial(jax.jit, static_argnums=0)
def _convolve(problem, input, weight, bias):
    accumulator = DTYPES[problem.dtype].accumulator
    output = jax.lax.conv_general_dilated(
        input.astype(accumulator),
        weight.astype(accumulator),
        window_strides=problem.stride,
        padding=problem.pads,
        rhs_dilation=problem.dilation,
        feature_group_count=problem.groups,
        precision=jax.lax.Precision.HIGHEST,
    )
    if bias is not None:
        output = output + bias.astype(accumulator)[:, None, None]
    return jnp.asarray(output, problem.dtype)
