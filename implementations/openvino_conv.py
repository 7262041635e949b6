"""OpenVINO's convolution."""

from __future__ import annotations

import os
from collections.abc import Callable

import numpy as np
import openvino as ov
from openvino import opset8 as ops

from convgauge import implementation
from convgauge.arguments import PaddingSize, Size, check_input, resolve
from convgauge.dtypes import Array
from convgauge.problem import Problem


@implementation(
    framework="numpy",
    name="openvino",
    algorithm="library",
    dtypes=("float32", "float16"),
    source="OpenVINO operation set, Convolution and GroupConvolution; openvino.Core.compile_model",
    declines={
        "dtype": "float32, and float16 converted to it",
        "empty": "OpenVINO refuses channels or sizes of zero",
    },
)
def openvino_conv(
    input: Array,
    weight: Array,
    bias: Array | None = None,
    stride: Size = 1,
    padding: PaddingSize = 0,
    dilation: Size = 1,
    groups: int = 1,
) -> Array:
    """Run OpenVINO's CPU plug-in, as a model of one convolution; `prepare` compiles it.

    The filters are a constant of the model, laid out for the kernels when it is compiled. As the plug-in flushes
    subnormal constants to zero, filters that contain such numbers are an input, as the bias always is. The precision
    is set to float32, because the default may be bfloat16 if the CPU supports it. Threads: OMP_NUM_THREADS, or all.

    Cost and workspace: oneDNN's, which chooses a direct, Winograd or matrix-product algorithm.
    """
    problem = resolve(input, weight, bias, stride, padding, dilation, groups, openvino_conv.declaration.dtypes)
    return prepare(problem, weight, bias)(input)


@openvino_conv.prepare
def prepare(problem: Problem, weight: Array, bias: Array | None) -> Callable[[Array], Array]:
    """Return the convolution of one layer, with its model compiled."""
    if 0 in problem.input_shape + problem.weight_shape:
        raise NotImplementedError("input or weight without images, channels or elements: OpenVINO does not take them")
    (top, bottom), (left, right) = problem.pads
    strides, dilations, g = list(problem.stride), list(problem.dilation), problem.groups
    begins, ends = [top, left], [bottom, right]
    filters = np.array(weight, np.float32, order="C")
    convolution = ops.convolution
    if g > 1:
        filters, convolution = filters.reshape(g, -1, *filters.shape[1:]), ops.group_convolution
    image = ops.parameter(problem.input_shape, np.float32)
    parameters, operands = [image], list[Array]()

    def add_input(array: Array) -> ov.Node:
        """Return a further input of the model, whose value is the array in each call."""
        parameters.append(ops.parameter(array.shape, np.float32))
        operands.append(array)
        return parameters[-1]

    subnormal = ((filters != 0) & (np.abs(filters) < np.finfo(np.float32).tiny)).any()
    laid = add_input(filters) if subnormal else ops.constant(filters)
    node = convolution(image, laid, strides, begins, ends, dilations)
    if bias is not None:
        node = ops.add(node, add_input(np.array(bias, np.float32).reshape(1, -1, 1, 1)))
    settings = {"INFERENCE_PRECISION_HINT": "f32", "PERFORMANCE_HINT": "LATENCY"}
    if "OMP_NUM_THREADS" in os.environ:
        settings["INFERENCE_NUM_THREADS"] = os.environ["OMP_NUM_THREADS"]
    request = ov.Core().compile_model(ov.Model([node], parameters), "CPU", settings).create_infer_request()

    def run(input: Array) -> Array:
        check_input(problem, input)
        image = np.ascontiguousarray(input, np.float32)
        output: Array = request.infer([image, *operands], share_outputs=False)[0]
        return output.astype(problem.dtype, copy=False)

    return run
