"""Corpora of others: what ONNX and PyTorch test their own convolutions with, and the layers of real networks."""

from dataclasses import replace
from functools import lru_cache
from pathlib import Path

import numpy as np

from convgauge.conformance import Case, cases, spec
from convgauge.conformance.cases import with_arguments
from convgauge.conformance.judge import Judge
from convgauge.problem import Problem, ProblemError
from convgauge.reference import accuracy, compare, oracle
from convgauge.reference.compare import Fault
from convgauge.reference.operands import Operands
from convgauge.worker.subject import Observation

ONNX = "https://github.com/onnx/onnx/tree/main/onnx/backend/test"
OPINFO = "torch.testing._internal.common_methods_invocations"
SINGLE = ("float32",)  # the dtype that both corpora are in
LATE = "it runs at higher tiers than the self-test usually does, and holds answers that this suite did not compute"


# --- ONNX ------------------------------------------------------------------------------------------------------------


@lru_cache
def _onnx_cases():
    """{problem: (operands, stated output)} of the ONNX wheel's Conv cases, nodes and layers converted from PyTorch."""
    import onnx
    import onnx.backend.test.case.node.conv  # makes the cases of Conv, `collect_testcases` those of every operator
    from onnx.backend.test.case import node
    from onnx.numpy_helper import to_array

    found = {}
    for case in node._NodeTestCases:
        ((inputs, outputs),) = case.data_sets
        found |= _from_onnx(case.model.graph.node, [np.asarray(one) for one in inputs], np.asarray(outputs[0]))
    for folder in sorted((Path(onnx.__file__).parent / "backend/test/data/pytorch-converted").glob("test_Conv2d*")):
        graph = onnx.load(folder / "model.onnx").graph
        known = {one.name: to_array(one) for one in graph.initializer}
        x, y = (onnx.load_tensor(folder / "test_data_set_0" / name) for name in ("input_0.pb", "output_0.pb"))
        inputs = [known.get(name, to_array(x)) for name in graph.node[0].input]
        found |= _from_onnx(graph.node, inputs, to_array(y))
    return found


def _from_onnx(nodes, arrays, output):
    """The problem that a single Conv node poses, its padding put around the input, its operands and its output."""
    if [one.op_type for one in nodes] != ["Conv"] or arrays[0].ndim != 4:
        return {}
    from onnx.helper import get_attribute_value

    said = {one.name: get_attribute_value(one) for one in nodes[0].attribute}
    x, w, *bias = arrays
    stride, dilation = tuple(said.get("strides", (1, 1))), tuple(said.get("dilations", (1, 1)))
    before, after = said.get("pads", (0, 0, 0, 0))[:2], said.get("pads", (0, 0, 0, 0))[2:]
    if said.get("auto_pad", b"NOTSET").startswith(b"SAME"):
        sizes = zip(output.shape[2:], stride, dilation, w.shape[2:], x.shape[2:], strict=True)
        total = [max(0, (o - 1) * s + d * (k - 1) + 1 - i) for o, s, d, k, i in sizes]
        before, after = [t // 2 for t in total], [t - t // 2 for t in total]
        if said["auto_pad"] == b"SAME_LOWER":
            before, after = after, before
    padded = np.pad(x, ((0, 0), (0, 0), *zip(before, after, strict=True)))
    group = said.get("group", 1)
    problem = Problem(*padded.shape, w.shape[0], w.shape[2:], stride, (0, 0), dilation, group, bool(bias))
    return {problem: (Operands(padded, w, bias[0] if bias else None), output)}


@spec("corpora.onnx", source=ONNX, dtypes=SINGLE, no_mutant_because=LATE)
def test_onnx_cases(judge: Judge) -> None:
    """The answers to ONNX's own test cases of Conv are those that ONNX states, but for rounding."""
    if judge.setting.tier == "quick":
        judge.skip("ONNX takes half a second to import: at standard and exhaustive")
    try:
        known = _onnx_cases()
    except ImportError as absent:
        judge.skip(f"onnx is not installed: {absent}")

    def drawn(case: Case, operands: Operands):
        return known[case.problem][0] if case.problem in known else operands

    def check(case: Case, operands: Operands, observation: Observation) -> Fault | None:
        exact = oracle.answer(case.problem, operands)
        stated = known[case.problem][1] if case.problem in known else exact
        bound, _ = accuracy.Scale.of(case.problem, operands).bounds("B", operands)
        fault = compare.check_form(observation.shape, observation.dtype, case.problem.output_shape, case.problem.dtype)
        # what is stated is rounded as well
        return fault or compare.check_values(observation.output, stated.astype(float), 2 * bound)

    judge.satisfies(known, check, transform=drawn)


# --- PyTorch ---------------------------------------------------------------------------------------------------------


@lru_cache
def _opinfo():
    """What PyTorch's test data have on conv2d. Raises `ImportError` where they are not installed."""
    from torch.testing._internal.common_methods_invocations import op_db

    (info,) = (one for one in op_db if one.name == "nn.functional.conv2d")
    return info


@lru_cache
def _torch_samples():
    """PyTorch's samples for conv2d as cases, with their arguments as they are spelled there."""
    import torch

    return [
        found
        for sample in _opinfo().sample_inputs(torch.device("cpu"), torch.float32, requires_grad=False)
        if (found := _sampled(sample.input, *sample.args, **sample.kwargs)) is not None
    ]


def _sampled(x, weight, bias=None, stride=1, padding=0, dilation=1, groups=1):
    if x.ndim == 3:
        x = x[None]
    given = {"stride": stride, "padding": padding, "dilation": dilation}
    pairs = {name: value if isinstance(value, str) else _pair(value) for name, value in given.items()}
    own = {"out_channels": weight.shape[0], "kernel": tuple(weight.shape[2:]), "bias": bias is not None}
    try:
        problem = Problem(*x.shape, groups=groups, **own, **pairs)
    except ProblemError:
        return None
    return with_arguments(problem, given)


def _pair(value):
    return (value, value) if isinstance(value, int) else tuple(value) * (2 // len(tuple(value)))


def _of_torch(judge: Judge, found):
    """What ``found`` gives of PyTorch's test data, at exhaustive and where they are installed."""
    if judge.setting.tier != "exhaustive":
        judge.skip("PyTorch's test data take five seconds to import: at exhaustive")
    try:
        return found()
    except ImportError as absent:
        judge.skip(f"PyTorch's test data are not installed: {absent}")


@spec("corpora.torch", profile="functional", source=OPINFO, dtypes=SINGLE, no_mutant_because=LATE)
def test_torch_samples(judge: Judge) -> None:
    """The calls that PyTorch tests its own conv2d with are answered as the oracle does."""
    judge.satisfies(_of_torch(judge, _torch_samples), judge.check_exact)


@lru_cache
def _torch_errors():
    """(operands, arguments) of the calls that PyTorch wants refused; those of mixed dtypes have specs of their own."""
    import torch

    found = []
    for error in _opinfo().error_inputs(torch.device("cpu")):
        sample = error.sample_input
        arrays = [np.array(one.numpy(), np.float32) for one in (sample.input, *sample.args[:2])]
        if len({one.dtype for one in (sample.input, *sample.args[:2])}) == 1:
            found.append((Operands(*arrays, *[None] * (3 - len(arrays))), sample.kwargs))
    return found


@spec("corpora.torch.errors", profile="functional", source=OPINFO, dtypes=SINGLE, no_mutant_because=LATE)
def test_torch_errors(judge: Judge) -> None:
    """The calls that PyTorch's own tests want refused are refused."""
    known = _of_torch(judge, _torch_errors)
    bare = dict.fromkeys(("stride", "padding", "dilation", "groups"))
    judge.refuses(
        [replace(with_arguments(Problem(), {**bare, **said}), seed=1 + place) for place, (_, said) in enumerate(known)],
        transform=lambda case, operands: known[case.seed - 1][0],
    )


# --- layers ----------------------------------------------------------------------------------------------------------


@lru_cache
def _layers():
    """The problems of every layer set that comes with the suite, each once, those of the most layers first."""
    from convgauge.layers import sets

    counts = {}
    for name in sets.names():
        for layer in sets.load(name).layers:
            problem = layer.problem.replace(batch=1, dtype="float32")
            counts[problem] = counts.get(problem, 0) + layer.count
    return sorted(counts, key=counts.get, reverse=True)


def _shrunk(problem: Problem, most):
    """The layer on fewer pixels, and then on fewer groups and channels, so that it takes at most so many FLOPs."""
    while problem.flops > most:
        try:
            problem = problem.replace(height=_half(problem.height), width=_half(problem.width))
        except ProblemError:
            break
        if max(problem.height, problem.width) <= 8:
            break
    while problem.flops > most and problem.groups == 1 and min(problem.in_channels, problem.out_channels) > 8:
        problem = problem.replace(in_channels=_half(problem.in_channels), out_channels=_half(problem.out_channels))
    return problem


def _half(size):
    """About half, of the same remainder by 4, where tails begin."""
    return max(1, size // 2 // 4 * 4 + size % 4)


@spec("corpora.layers", source="torchvision.models; timm", dtypes=SINGLE)
def test_layers_of_real_networks(judge: Judge) -> None:
    """The layers of real networks, the largest on fewer pixels and channels, are right."""
    try:
        known = _layers()
    except FileNotFoundError as absent:
        judge.skip(str(absent))
    most, count = {"quick": (400_000, 12), "standard": (5_000_000, 120)}.get(judge.setting.tier, (10**9, len(known)))
    judge.exact(cases(dict.fromkeys(_shrunk(problem, most) for problem in known[:count])))
