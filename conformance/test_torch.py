"""Torch: further features of torch.nn.functional.conv2d, and features of torch that are built on it."""

from typing import Any, Literal

import numpy as np

from convgauge.conformance import Case, Judge, cases, problems, spec
from convgauge.problem import Problem
from convgauge.reference import compare, oracle
from convgauge.reference.compare import Fault
from convgauge.reference.operands import Operands
from convgauge.worker.call import Observation

CONV2D = "torch.nn.functional.conv2d"
TORCH: dict[str, Any] = {"profile": "torch", "frameworks": ("torch",)}

BASE = Problem(batch=2, in_channels=4, height=7, width=8, out_channels=6, kernel=(3, 2), padding=(1, 1), bias=True)
TABLE = [
    *problems(BASE, kernel=[(1, 1), (3, 3), (2, 5)], bias=[True, False], stride=[(1, 1), (2, 1)]),
    *problems(BASE, groups=[2], dilation=[(1, 1), (2, 1)], padding=["same", "valid", (2, 2)]),
]
FEW = TABLE[::5]
PLAIN = [problem for problem in TABLE if not isinstance(problem.padding, str)]
PaddingMode = Literal["wrap", "reflect", "edge"]
MODES: dict[str, PaddingMode] = {"circular": "wrap", "reflect": "reflect", "replicate": "edge"}


def narrow(case: Case, operands: Operands) -> Operands:
    """Return integers so small that they and their sums are exact in bfloat16."""
    bias = None if operands.bias is None else np.sign(operands.bias)
    return Operands(np.sign(operands.input), np.sign(operands.weight), bias)


def is_confirmed(observation: Observation) -> bool:
    """Return True if the call mode reports that the output has the property that it tests."""
    (flag,) = observation.extra_outputs
    return flag is not None and bool(flag.all())


@spec("torch.unbatched", level="recommended", source=CONV2D, **TORCH)
def test_unbatched(judge: Judge) -> None:
    """An input of three axes is one image, and its output has three axes."""

    def check(case: Case, operands: Operands, observation: Observation) -> Fault | None:
        expected = oracle.answer(case.problem, operands)[0]
        tolerance = judge.tolerance(case.problem)
        return compare.check_output(observation.output, observation.dtype, expected, case.problem.dtype, tolerance)

    judge.satisfies(cases(TABLE), check, mode="unbatched")


@spec("torch.meta", level="recommended", source="torch.device('meta')", **TORCH)
def test_meta(judge: Judge) -> None:
    """Operands on the meta device give an output of the right shape and dtype there, without computing anything."""

    def check(case: Case, operands: Operands, observation: Observation) -> Fault | None:
        fault = compare.check_form(observation.shape, observation.dtype, case.problem.output_shape, case.problem.dtype)
        if fault is None and not is_confirmed(observation):
            return Fault("failed", "the output is not on the meta device", kind="device")
        return fault

    judge.satisfies(cases(TABLE), check, mode="meta", values=False)


@spec("torch.channels_last", level="recommended", source="torch.channels_last", **TORCH)
def test_channels_last_is_kept(judge: Judge) -> None:
    """An input and a weight in channels-last memory give an output in channels-last memory."""

    def check(case: Case, operands: Operands, observation: Observation) -> Fault | None:
        fault = judge.check_exact(case, operands, observation)
        if fault is None and not is_confirmed(observation):
            return Fault("failed", "the output is not in channels-last memory", kind="layout")
        return fault

    laid = cases(TABLE, layouts=("channels_last", "channels_last", "contiguous"))
    judge.satisfies(laid, check, mode="channels_last")


@spec("torch.compile", level="recommended", source="torch.compile", dtypes=("float32",), **TORCH)
def test_compile(judge: Judge) -> None:
    """torch.compile traces the call into one graph, which gives the same answer."""
    judge.satisfies(cases(FEW), judge.check_exact, mode="compiled")


@spec("torch.vmap", level="recommended", source="torch.func.vmap", **TORCH)
def test_vmap(judge: Judge) -> None:
    """Mapped over the images by torch.func.vmap, the call gives the same answer."""
    judge.satisfies(cases(TABLE), judge.check_exact, mode="vmapped")


@spec("torch.autocast", level="recommended", source="torch.autocast", dtypes=("float32",), **TORCH)
def test_autocast(judge: Judge) -> None:
    """Under torch.autocast to bfloat16 the output is bfloat16, and right."""

    def check(case: Case, operands: Operands, observation: Observation) -> Fault | None:
        expected = oracle.answer(case.problem, operands)
        tolerance = judge.tolerance(case.problem)
        return compare.check_output(observation.output, observation.dtype, expected, "bfloat16", tolerance)

    small = [problem for problem in PLAIN if problem.reduction < 256]  # bfloat16 counts to 256
    judge.satisfies(cases(small), check, mode="autocast", transform=narrow)


@spec("torch.padding_modes", source="torch.nn.Conv2d", dtypes=("float32", "float64"), **TORCH)
def test_padding_modes(judge: Judge) -> None:
    """In the place of F.conv2d in an nn.Conv2d, the call gives the layer's answer in every padding mode."""
    for mode, numpy_mode in MODES.items():

        def check(
            case: Case, operands: Operands, observation: Observation, numpy_mode: PaddingMode = numpy_mode
        ) -> Fault | None:
            problem, ((ph, _), (pw, _)) = case.problem, case.problem.pads
            padded = np.pad(operands.input, ((0, 0), (0, 0), (ph, ph), (pw, pw)), mode=numpy_mode)
            unpadded = problem.replace(height=problem.height + 2 * ph, width=problem.width + 2 * pw, padding=(0, 0))
            expected = oracle.answer(unpadded, Operands(padded, operands.weight, operands.bias))
            tolerance = judge.tolerance(problem)
            return compare.check_output(observation.output, observation.dtype, expected, problem.dtype, tolerance)

        judge.satisfies(cases(PLAIN, prepared=True), check, mode="in_module", wanted=mode)
