"""Operators: what a custom operator of torch states about itself, and traces of the call for any batch.

A call that runs no custom operator is not judged by the specs on operators. A fake implementation is what torch.compile
and torch.export run in the place of the operator: a false shape, stride or schema makes their answers wrong.
"""

from typing import Any

import numpy as np

from convgauge.conformance import Case, Judge, cases, problems, spec
from convgauge.conformance.checks import SpecCheck
from convgauge.problem import Problem
from convgauge.reference import compare, oracle
from convgauge.reference.compare import Fault
from convgauge.reference.operands import Array, Operands
from convgauge.worker.call import Observation
from convgauge.worker.operator_modes import text_of

TORCH: dict[str, Any] = {"profile": "torch", "frameworks": ("torch",), "dtypes": ("float32",)}
OPCHECK = "torch.library.opcheck"
FAKE = "torch.library.register_fake"

BASE = Problem(batch=2, in_channels=4, height=7, width=8, out_channels=6, kernel=(3, 2), padding=(1, 1), bias=True)
KINDS = [
    BASE,
    BASE.replace(batch=3, bias=False, padding=(0, 0)),
    BASE.replace(batch=5, stride=(2, 1), kernel=(2, 3)),
    BASE.replace(groups=2, dilation=(1, 2), padding=(2, 2)),
    BASE.replace(kernel=(1, 1), padding=(0, 0)),
    BASE.replace(out_channels=4, groups=4, kernel=(3, 3), padding="same"),
]
SIZED = problems(BASE, batch=[2, 3], height=11, width=13, in_channels=5, out_channels=7, bias=[True, False])
"""Problems whose sizes all differ: equal sizes share a symbol."""
USUAL = "contiguous"
LAID = [
    (USUAL, USUAL, USUAL),
    ("channels_last", USUAL, USUAL),
    ("channels_last", "channels_last", USUAL),
    (USUAL, "channels_last", USUAL),
    ("transposed", USUAL, USUAL),
    ("sliced", "sliced", USUAL),
    ("part", USUAL, "sliced"),
]
"""Layouts of input, weight and bias: those that torch has kernels for, and views."""


def require_operators(judge: Judge, mode: str) -> None:
    """Skip a spec on operators if a call runs none, or if torch lacks the check, with the reason."""
    observation = judge.observe(Case(BASE), mode)
    if observation.kind == "unsupported":
        judge.skip(observation.message)


def check_text(case: Case, operands: Operands, observation: Observation) -> Fault | None:
    """Return a fault if a text of the call mode states what is wrong with an operator."""
    sentence = next(filter(None, map(text_of, observation.extra_outputs)), "")
    return Fault("failed", sentence, kind="operator") if sentence else None


@spec("operators.fake", source=FAKE, **TORCH)
def test_fake_outputs(judge: Judge) -> None:
    """The fake output of a custom operator has the shape, the dtype and the strides of the real one, in every layout.

    The strides of axes of one element have no meaning. An operator without a fake implementation passes.
    """
    require_operators(judge, "fake_operators")
    laid = [Case(problem, layouts=layouts) for layouts in LAID for problem in KINDS]
    judge.satisfies(laid, check_text, mode="fake_operators", values=False)


@spec("operators.schema", source=f"{OPCHECK}, test_schema", **TORCH)
def test_schema(judge: Judge) -> None:
    """A custom operator writes to no argument, and returns no view of one, that its schema does not mark."""
    require_operators(judge, "checked_operators")
    laid = [Case(problem, layouts=layouts) for problem in KINDS for layouts in LAID[:2]]
    judge.satisfies(laid, check_text, mode="checked_operators", wanted="test_schema", values=False)


@spec("operators.registered", level="recommended", source=OPCHECK, **TORCH)
def test_opcheck(judge: Judge) -> None:
    """A custom operator passes the tests of torch.library.opcheck on its gradient's registration and its fake output.

    The test of a trace for any size takes seconds and is made beyond the quick tier.
    """
    require_operators(judge, "checked_operators")
    tests = ["test_autograd_registration", "test_faketensor"]
    if judge.setting.tier != "quick":
        tests.append("test_aot_dispatch_dynamic")
    for test in tests:
        judge.satisfies(cases(KINDS[:3]), check_text, mode="checked_operators", wanted=test, values=False)


@spec("operators.symbolic", level="recommended", source=f"{FAKE}; torch.export.Dim", **TORCH)
def test_traces_for_any_size(judge: Judge) -> None:
    """The fake output of a custom operator is computed for any batch and any size: no size becomes a constant."""
    require_operators(judge, "symbolic_operators")
    judge.satisfies(cases(SIZED), check_text, mode="symbolic_operators", values=False)


# --- the whole call --------------------------------------------------------------------------------------------------


def both_batches(judge: Judge) -> SpecCheck:
    """Return the check of a traced call with two batches."""

    def check(case: Case, operands: Operands, observation: Observation) -> Fault | None:
        fault = judge.check_exact(case, operands, observation)
        if fault is not None:
            return fault
        problem = case.problem
        other = Operands(other_batch(operands.input), operands.weight, operands.bias)
        expected = oracle.answer(problem.replace(batch=len(other.input)), other)
        (second,) = observation.extra_outputs
        sentence = "the output of a second batch is wrong"
        return compare.check_values(second, expected, judge.tolerance(problem), sentence)

    return check


def other_batch(input: Array) -> Array:
    """Return the second input of the call modes: the images in reverse order, and the first three again negated."""
    return np.concatenate([input[::-1], -input[:3]])


@spec("operators.functionalized", level="recommended", source="torch.func.functionalize", **TORCH)
def test_functionalized(judge: Judge) -> None:
    """Under torch.func.functionalize the call gives the same answer."""
    judge.satisfies(cases(KINDS), judge.check_exact, mode="functionalized")


@spec("operators.functionalized.exact", source="torch.func.functionalize", **TORCH)
def test_answers_of_functionalized_calls(judge: Judge) -> None:
    """Under torch.func.functionalize the call gives the right answer or raises an exception."""
    judge.refuses(cases(KINDS), unless=judge.check_exact, mode="functionalized")


@spec("operators.compiled.exact", source="torch.compile", tier="standard", **TORCH)
def test_answers_of_compiled_calls(judge: Judge) -> None:
    """Traced into one graph by torch.compile, the call gives the right answer or raises an exception."""
    judge.refuses(cases(KINDS[:3]), unless=judge.check_exact, mode="compiled")


@spec("operators.compiled.dynamic", level="recommended", source="torch.compile, dynamic", tier="standard", **TORCH)
def test_compiled_for_any_batch(judge: Judge) -> None:
    """One graph of torch.compile gives the right answers for two batches: the batch is not specialised."""
    judge.satisfies(cases(KINDS[1:3]), both_batches(judge), mode="compiled_dynamic")


@spec("operators.exported", level="recommended", source="torch.export.export, dynamic_shapes", tier="standard", **TORCH)
def test_exported_for_any_batch(judge: Judge) -> None:
    """Exported by torch.export for any batch, the call gives the right answers for two batches."""
    judge.satisfies(cases(KINDS[1:3]), both_batches(judge), mode="exported")
