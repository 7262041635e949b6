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

    The filters are a constant of the model, laid out for the kernels when it is compiled; the bias is an input, since
    the plug-in flushes subnormal constants to zero. It is told to compute in float32, as it may otherwise choose
    bfloat16 where the CPU has it. Threads: OMP_NUM_THREADS, or all cores.

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
    parameters, biases = [ops.parameter(problem.input_shape, np.float32)], []
    filters = np.array(weight, np.float32, order="C")
    if g == 1:
        node = ops.convolution(parameters[0], ops.constant(filters), strides, begins, ends, dilations)
    else:
        by_group = ops.constant(filters.reshape(g, -1, *filters.shape[1:]))
        node = ops.group_convolution(parameters[0], by_group, strides, begins, ends, dilations)
    if bias is not None:
        biases = [np.array(bias, np.float32).reshape(1, -1, 1, 1)]
        parameters.append(ops.parameter(biases[0].shape, np.float32))
        node = ops.add(node, parameters[1])
    settings = {"INFERENCE_PRECISION_HINT": "f32", "PERFORMANCE_HINT": "LATENCY"}
    if "OMP_NUM_THREADS" in os.environ:
        settings["INFERENCE_NUM_THREADS"] = os.environ["OMP_NUM_THREADS"]
    request = ov.Core().compile_model(ov.Model([node], parameters), "CPU", settings).create_infer_request()

    def run(input):
        check_input(problem, input)
        image = np.ascontiguousarray(input, np.float32)
        return request.infer([image, *biases], share_outputs=False)[0].astype(problem.dtype, copy=False)

    return run
