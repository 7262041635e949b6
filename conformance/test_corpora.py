"""Corpora of other projects: the test cases of ONNX and PyTorch for convolutions, and the layers of real networks."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from functools import lru_cache
from pathlib import Path
from typing import Any, TypeVar

import numpy as np

from convgauge.conformance import Case, Judge, cases, spec
from convgauge.conformance.cases import with_arguments
from convgauge.problem import Problem, ProblemError
from convgauge.reference import accuracy, compare, oracle
from convgauge.reference.compare import Fault
from convgauge.reference.operands import Array, Operands
from convgauge.worker.call import Observation

ONNX = "https://github.com/onnx/onnx/tree/main/onnx/backend/test"
OPINFO = "torch.testing._internal.common_methods_invocations"
Number = int | Sequence[int]
T = TypeVar("T")

SINGLE = ("float32",)  # the dtype that both corpora are in
LATE = "it runs at higher tiers than the self-test usually does, with expected outputs that this suite did not compute"


# --- ONNX ------------------------------------------------------------------------------------------------------------


@lru_cache
def _onnx_cases() -> dict[Problem, tuple[Operands, Array]]:
    """Return operands and stated output of the Conv cases in the wheel of ONNX, by problem.

    The cases are single nodes and layers that were converted from PyTorch. Raises `ImportError` if there is no ONNX.
    """
    import onnx
    import onnx.backend.test.case.node.conv  # `collect_testcases` makes those of all operators
    from onnx.backend.test.case import node
    from onnx.numpy_helper import to_array

    stated: dict[Problem, tuple[Operands, Array]] = {}
    for case in node._NodeTestCases:
        ((inputs, outputs),) = case.data_sets
        stated |= _from_onnx(case.model.graph.node, [np.asarray(array) for array in inputs], np.asarray(outputs[0]))
    for folder in sorted((Path(onnx.__file__).parent / "backend/test/data/pytorch-converted").glob("test_Conv2d*")):
        graph = onnx.load(folder / "model.onnx").graph
        known = {tensor.name: to_array(tensor) for tensor in graph.initializer}
        x, y = (onnx.load_tensor(folder / "test_data_set_0" / name) for name in ("input_0.pb", "output_0.pb"))
        inputs = [known.get(name, to_array(x)) for name in graph.node[0].input]
        stated |= _from_onnx(graph.node, inputs, to_array(y))
    return stated


def _from_onnx(
    nodes: Sequence[Any],  # messages of protobuf, which are not typed
    arrays: list[Array],
    output: Array,
) -> dict[Problem, tuple[Operands, Array]]:
    """Return operands and output of a single Conv node by its problem, its padding put around the input.

    The result is empty for any other graph.
    """
    if [node.op_type for node in nodes] != ["Conv"] or arrays[0].ndim != 4:
        return {}
    from onnx.helper import get_attribute_value

    attributes = {attribute.name: get_attribute_value(attribute) for attribute in nodes[0].attribute}
    x, w, *bias = arrays
    stride, dilation = tuple(attributes.get("strides", (1, 1))), tuple(attributes.get("dilations", (1, 1)))
    pads = attributes.get("pads", (0, 0, 0, 0))
    before, after = pads[:2], pads[2:]
    if attributes.get("auto_pad", b"NOTSET").startswith(b"SAME"):
        sizes = zip(output.shape[2:], stride, dilation, w.shape[2:], x.shape[2:], strict=True)
        total = [max(0, (o - 1) * s + d * (k - 1) + 1 - i) for o, s, d, k, i in sizes]
        before, after = [t // 2 for t in total], [t - t // 2 for t in total]
        if attributes["auto_pad"] == b"SAME_LOWER":
            before, after = after, before
    padded = np.pad(x, ((0, 0), (0, 0), *zip(before, after, strict=True)))
    group = attributes.get("group", 1)
    batch, channels, height, width = padded.shape
    kernel = (w.shape[2], w.shape[3])
    problem = Problem(batch, channels, height, width, w.shape[0], kernel, stride, (0, 0), dilation, group, bool(bias))
    return {problem: (Operands(padded, w, bias[0] if bias else None), output)}


@spec("corpora.onnx", source=ONNX, dtypes=SINGLE, no_mutant_because=LATE)
def test_onnx_cases(judge: Judge) -> None:
    """The answers to ONNX's own test cases of Conv are those that ONNX states, except for rounding."""
    if judge.setting.tier == "quick":
        judge.skip("ONNX takes half a second to import: at standard and exhaustive")
    try:
        known = _onnx_cases()
    except ImportError as absent:
        judge.skip(f"onnx is not installed: {absent}")

    def stated_operands(case: Case, operands: Operands) -> Operands:
        return known[case.problem][0] if case.problem in known else operands

    def check(case: Case, operands: Operands, observation: Observation) -> Fault | None:
        exact = oracle.answer(case.problem, operands)
        stated = known[case.problem][1] if case.problem in known else exact
        bound, _ = accuracy.Scale.of(case.problem, operands).bounds("B", operands)
        # the stated output is rounded as well
        expected, tolerance = stated.astype(float), 2 * bound
        return compare.check_output(observation.output, observation.dtype, expected, case.problem.dtype, tolerance)

    judge.satisfies(known, check, transform=stated_operands)


# --- PyTorch ---------------------------------------------------------------------------------------------------------


@lru_cache
def _opinfo() -> Any:  # noqa: ANN401 an OpInfo of torch, which has no types
    """Return PyTorch's test data of conv2d. Raises `ImportError` if they are not installed."""
    from torch.testing._internal.common_methods_invocations import op_db

    (info,) = (entry for entry in op_db if entry.name == "nn.functional.conv2d")
    return info


@lru_cache
def _torch_samples() -> list[Case]:
    """Return PyTorch's samples for conv2d as cases, with their arguments as PyTorch spells them."""
    import torch

    sampled = (
        _sampled(sample.input, *sample.args, **sample.kwargs)
        for sample in _opinfo().sample_inputs(torch.device("cpu"), torch.float32, requires_grad=False)
    )
    return [case for case in sampled if case is not None]


def _sampled(
    x: Array,
    weight: Array,
    bias: Array | None = None,
    stride: Number = 1,
    padding: Number | str = 0,
    dilation: Number = 1,
    groups: int = 1,
) -> Case | None:
    """Return a sample as a case, or None if it is not a convolution."""
    if x.ndim == 3:
        x = x[None]
    arguments = {"stride": stride, "padding": padding, "dilation": dilation}
    batch, channels, height, width = x.shape
    try:
        problem = Problem(
            batch, channels, height, width, weight.shape[0], (weight.shape[2], weight.shape[3]), _pair(stride),
            padding if isinstance(padding, str) else _pair(padding), _pair(dilation), groups, bias is not None,
        )  # fmt: skip
    except ProblemError:
        return None
    return with_arguments(problem, arguments)


def _pair(value: Number) -> tuple[int, int]:
    if isinstance(value, int):
        return value, value
    return value[0], value[-1]


def _of_torch(judge: Judge, load: Callable[[], T]) -> T:
    """Return the test data of PyTorch that ``load`` reads; skip the spec below exhaustive or if there are none."""
    if judge.setting.tier != "exhaustive":
        judge.skip("PyTorch's test data take five seconds to import: at exhaustive")
    try:
        return load()
    except ImportError as absent:
        judge.skip(f"PyTorch's test data are not installed: {absent}")


@spec("corpora.torch", profile="functional", source=OPINFO, dtypes=SINGLE, no_mutant_because=LATE)
def test_torch_samples(judge: Judge) -> None:
    """The calls that PyTorch tests its own conv2d with are answered as the oracle does."""
    judge.satisfies(_of_torch(judge, _torch_samples), judge.check_exact)


@lru_cache
def _torch_errors() -> list[tuple[Operands, Mapping[str, Any]]]:
    """Return operands and arguments of the calls that PyTorch refuses; calls of mixed dtypes have their own specs."""
    import torch

    calls: list[tuple[Operands, Mapping[str, Any]]] = []
    for error in _opinfo().error_inputs(torch.device("cpu")):
        sample = error.sample_input
        tensors = (sample.input, *sample.args[:2])
        input, weight, *bias = (np.array(tensor.numpy(), np.float32) for tensor in tensors)
        if len({tensor.dtype for tensor in tensors}) == 1:
            calls.append((Operands(input, weight, bias[0] if bias else None), sample.kwargs))
    return calls


@spec("corpora.torch.errors", profile="functional", source=OPINFO, dtypes=SINGLE, no_mutant_because=LATE)
def test_torch_errors(judge: Judge) -> None:
    """The calls that PyTorch's own tests want refused are refused."""
    known = _of_torch(judge, _torch_errors)
    omitted = dict.fromkeys(("stride", "padding", "dilation", "groups"))
    judge.refuses(
        [
            replace(with_arguments(Problem(), {**omitted, **arguments}), seed=seed)
            for seed, (_, arguments) in enumerate(known, start=1)
        ],
        transform=lambda case, operands: known[case.seed - 1][0],
    )


# --- layers ----------------------------------------------------------------------------------------------------------


@lru_cache
def _layers() -> list[Problem]:
    """Return the problems of all built-in layer sets, each once, the most frequent first."""
    from convgauge.layers import sets

    counts: dict[Problem, int] = {}
    for name in sets.names():
        for layer in sets.load(name).layers:
            problem = layer.problem.replace(batch=1, dtype="float32")
            counts[problem] = counts.get(problem, 0) + layer.count
    return sorted(counts, key=counts.__getitem__, reverse=True)


def _shrunk(problem: Problem, max_flops: int) -> Problem:
    """Return the layer on fewer pixels, and then with fewer channels, so that it takes at most ``max_flops``."""
    while problem.flops > max_flops:
        try:
            problem = problem.replace(height=_half(problem.height), width=_half(problem.width))
        except ProblemError:
            break
        if max(problem.height, problem.width) <= 8:
            break
    while problem.flops > max_flops and problem.groups == 1 and min(problem.in_channels, problem.out_channels) > 8:
        problem = problem.replace(in_channels=_half(problem.in_channels), out_channels=_half(problem.out_channels))
    return problem


def _half(size: int) -> int:
    """Return about half of the size, with the same remainder by 4, so that the same tail is left."""
    return max(1, size // 2 // 4 * 4 + size % 4)


@spec("corpora.layers", source="torchvision.models; timm", dtypes=SINGLE)
def test_layers_of_real_networks(judge: Judge) -> None:
    """The layers of real networks, the largest on fewer pixels and channels, are right."""
    try:
        known = _layers()
    except FileNotFoundError as absent:
        judge.skip(str(absent))
    limits = {"quick": (400_000, 12), "standard": (5_000_000, 120)}
    max_flops, count = limits.get(judge.setting.tier, (10**9, len(known)))
    judge.exact(cases(dict.fromkeys(_shrunk(problem, max_flops) for problem in known[:count])))
