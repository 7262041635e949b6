"""XLA's convolution."""

from __future__ import annotations

import functools
from collections.abc import Callable

import jax
import jax.numpy as jnp
from jax import Array

from convgauge import implementation
from convgauge.arguments import PaddingSize, Size, check_input, resolve
from convgauge.dtypes import DTYPES
from convgauge.problem import Problem


@implementation(framework="jax", algorithm="library", source="jax.lax.conv_general_dilated")
def jax_lax(
    input: Array,
    weight: Array,
    bias: Array | None = None,
    stride: Size = 1,
    padding: PaddingSize = 0,
    dilation: Size = 1,
    groups: int = 1,
) -> Array:
    """Call jax.lax.conv_general_dilated, XLA's convolution, compiled once for each problem.

    `prepare` compiles ahead of the first call. Padding is given as pairs, because lax's "SAME" has another meaning
    with a stride. 16-bit floats are multiplied and added in float32, at the highest precision that the device has.

    Cost and workspace: XLA's; on a CPU a direct or a matrix-product algorithm of Eigen's.
    """
    problem = resolve(input, weight, bias, stride, padding, dilation, groups)
    return _convolve(problem, input, weight, bias)


@jax_lax.prepare
def prepare(problem: Problem, weight: Array, bias: Array | None) -> Callable[[Array], Array]:
    """Return the convolution of one layer, with its code compiled for the layer."""
    shapes = [None if array is None else jax.ShapeDtypeStruct(array.shape, array.dtype) for array in (weight, bias)]
    image = jax.ShapeDtypeStruct(problem.input_shape, weight.dtype)
    compiled = _convolve.lower(problem, image, *shapes).compile()

    def run(input: Array) -> Array:
        check_input(problem, input)
        return compiled(input, weight, bias)

    return run


@functools.partial(jax.jit, static_argnums=0)
def _convolve(problem: Problem, input: Array, weight: Array, bias: Array | None) -> Array:
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
