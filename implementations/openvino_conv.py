"""OpenVINO's convolution."""

import os

import numpy as np
import openvino as ov
from openvino import opset8 as ops

from convgauge import implementation
from convgauge.arguments import check_input, resolve


@implementation(
    framework="numpy",
    name="openvino",
    algorithm="library",
    dtypes=("float32", "float16"),
    source="OpenVINO operation set, Convolution and GroupConvolution; openvino.Core.compile_model",
    declines={
        "dtype": "float32, and float16 by way of it",
        "empty": "OpenVINO refuses channels or sizes of zero",
    },
)
def openvino_conv(input, weight, bias=None, stride=1, padding=0, dilation=1, groups=1):
    """OpenVINO's CPU plug-in, as a model of one convolution; `prepare` compiles it.

    The filters are a constant of the model, laid out for the kernels when it is compiled. As the plug-in flushes
    subnormal constants to zero, filters that hold such numbers are an input, as the bias always is. It is told to
    compute in float32, as it may otherwise choose bfloat16 where the CPU has it. Threads: OMP_NUM_THREADS, or all.

    Cost and workspace: oneDNN's, which chooses a direct, Winograd or matrix-product algorithm.
    """
    problem = resolve(input, weight, bias, stride, padding, dilation, groups, openvino_conv.declaration.dtypes)
    return prepare(problem, weight, bias)(input)


@openvino_conv.prepare
def prepare(problem, weight, bias):
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
    parameters, given = [image], []

    def also(array):
        """One more input of the model, which is given this in each call."""
        parameters.append(ops.parameter(array.shape, np.float32))
        given.append(array)
        return parameters[-1]

    subnormal = ((filters != 0) & (np.abs(filters) < np.finfo(np.float32).tiny)).any()
    laid = also(filters) if subnormal else ops.constant(filters)
    node = convolution(image, laid, strides, begins, ends, dilations)
    if bias is not None:
        node = ops.add(node, also(np.array(bias, np.float32).reshape(1, -1, 1, 1)))
    settings = {"INFERENCE_PRECISION_HINT": "f32", "PERFORMANCE_HINT": "LATENCY"}
    if "OMP_NUM_THREADS" in os.environ:
        settings["INFERENCE_NUM_THREADS"] = os.environ["OMP_NUM_THREADS"]
    request = ov.Core().compile_model(ov.Model([node], parameters), "CPU", settings).create_infer_request()

    def run(input):
        check_input(problem, input)
        image = np.ascontiguousarray(input, np.float32)
        return request.infer([image, *given], share_outputs=False)[0].astype(problem.dtype, copy=False)

    return run
