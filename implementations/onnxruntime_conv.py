"""ONNX Runtime's Conv operator."""

from __future__ import annotations

import os
from collections.abc import Callable

import numpy as np
import onnx
import onnxruntime as ort

from convgauge import implementation
from convgauge.arguments import PaddingSize, Size, check_input, resolve
from convgauge.dtypes import Array
from convgauge.problem import Problem

OPSET = 13  # the newest that did not change Conv and that every supported runtime reads
IR_VERSION = 8


@implementation(
    framework="numpy",
    name="onnxruntime",
    algorithm="library",
    dtypes=("float32", "float16"),
    source="ONNX operator Conv; onnxruntime.InferenceSession",
    declines={
        "dtype": "float32, and float16 converted to it: the CPU provider's Conv supports no other",
        "empty": "ONNX Runtime refuses channels or sizes of zero",
    },
)
def onnxruntime_conv(
    input: Array,
    weight: Array,
    bias: Array | None = None,
    stride: Size = 1,
    padding: PaddingSize = 0,
    dilation: Size = 1,
    groups: int = 1,
) -> Array:
    """Run ONNX Runtime's Conv on a CPU, as a model of one node; `prepare` builds the session.

    Weight and bias are initialisers of the model, so the runtime lays them out for its kernels once, when the session
    is made. All of the padding is in the operator's ``pads``. Threads: OMP_NUM_THREADS, or all cores.

    Cost and workspace: the runtime's; on a CPU blocked direct convolution or im2col (MLAS).
    """
    problem = resolve(input, weight, bias, stride, padding, dilation, groups, onnxruntime_conv.declaration.dtypes)
    return prepare(problem, weight, bias)(input)


@onnxruntime_conv.prepare
def prepare(problem: Problem, weight: Array, bias: Array | None) -> Callable[[Array], Array]:
    """Return the convolution of one layer, with its session built."""
    if 0 in problem.input_shape[1:] + problem.weight_shape:
        raise NotImplementedError("input or weight without channels or elements: ONNX Runtime does not take them")
    options = ort.SessionOptions()
    options.intra_op_num_threads = int(os.environ.get("OMP_NUM_THREADS", "0"))
    options.inter_op_num_threads = 1
    options.log_severity_level = 3
    model = _model(problem, weight, bias).SerializeToString()
    session = ort.InferenceSession(model, options, providers=["CPUExecutionProvider"])

    def run(input: Array) -> Array:
        check_input(problem, input)
        image = np.ascontiguousarray(input, np.float32)
        output: Array = session.run(["output"], {"input": image})[0]
        return output.astype(problem.dtype, copy=False)

    return run


def _model(problem: Problem, weight: Array, bias: Array | None) -> onnx.ModelProto:
    (top, bottom), (left, right) = problem.pads
    constants = {"weight": weight} | ({} if bias is None else {"bias": bias})
    node = onnx.helper.make_node(
        "Conv",
        ["input", *constants],
        ["output"],
        kernel_shape=problem.kernel,
        strides=problem.stride,
        pads=(top, left, bottom, right),
        dilations=problem.dilation,
        group=problem.groups,
    )
    float32 = onnx.TensorProto.FLOAT
    graph = onnx.helper.make_graph(
        [node],
        "convolution",
        [onnx.helper.make_tensor_value_info("input", float32, problem.input_shape)],
        [onnx.helper.make_tensor_value_info("output", float32, problem.output_shape)],
        [onnx.numpy_helper.from_array(np.ascontiguousarray(v, np.float32), name) for name, v in constants.items()],
    )
    opset = onnx.helper.make_opsetid("", OPSET)
    return onnx.helper.make_model(graph, opset_imports=[opset], ir_version=IR_VERSION)
