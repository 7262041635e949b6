"""An ONNX Runtime session, built once per layer. `prepare` is timed separately from the run.

convgauge check examples/onnxruntime_session.py --tier quick
convgauge bench examples/onnxruntime_session.py --layers smoke
"""

import numpy as np
import onnxruntime
from onnx import TensorProto, helper, numpy_helper

from convgauge import implementation
from convgauge.arguments import resolve


@implementation(
    framework="numpy",
    algorithm="library",
    dtypes=("float32",),
    declines={"empty": "ONNX Runtime takes no channels or sizes of zero"},
)
def session_conv2d(input, weight, bias=None, stride=1, padding=0, dilation=1, groups=1):
    """Run a model of one Conv node. 'same' padding becomes numbers, because SAME has another meaning in ONNX."""
    return prepare(resolve(input, weight, bias, stride, padding, dilation, groups, ("float32",)), weight, bias)(input)


@session_conv2d.prepare
def prepare(problem, weight, bias):
    if 0 in problem.input_shape + problem.weight_shape:
        raise NotImplementedError("sizes of zero")
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = 1
    session = onnxruntime.InferenceSession(model(problem, weight, bias).SerializeToString(), options)
    return lambda input: session.run(None, {"input": np.ascontiguousarray(input)})[0]


def model(problem, weight, bias):
    (top, bottom), (left, right) = problem.pads
    constants = {"weight": weight} if bias is None else {"weight": weight, "bias": bias}
    node = helper.make_node(
        "Conv",
        ["input", *constants],
        ["output"],
        pads=(top, left, bottom, right),
        strides=problem.stride,
        dilations=problem.dilation,
        group=problem.groups,
    )
    graph = helper.make_graph(
        [node],
        "convolution",
        [helper.make_tensor_value_info("input", TensorProto.FLOAT, problem.input_shape)],
        [helper.make_tensor_value_info("output", TensorProto.FLOAT, problem.output_shape)],
        [numpy_helper.from_array(np.ascontiguousarray(value), name) for name, value in constants.items()],
    )
    return helper.make_model(graph, opset_imports=[helper.make_opsetid("", 13)], ir_version=8)
