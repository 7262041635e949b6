"""Bounds: a call touches no memory before or after its operands. The next byte is in a page that is protected.

One array of a case lies at a protected page, so that a fault names it. Operands are contiguous, and aligned to their
elements. A read beyond an end that stays in the aligned vector of the last element cannot reach another page.
"""

import numpy as np

from convgauge.conformance import Case, Judge, cases, spec
from convgauge.conformance.size_sweeps import in_turn, is_thorough
from convgauge.dtypes import DTYPES
from convgauge.problem import Problem
from convgauge.reference.operands import Array, Operands
from convgauge.worker.guarded_memory import BEGINS_AT_GUARD, ENDS_AT_GUARD, why_unavailable

BOUNDS = "the C standard (ISO/IEC 9899), J.2: an array subscript is out of range; mprotect(2)"

TAILS = [*range(1, 10), 11, 13, 15, 16, 17, 21, 24, 27, 31, 32, 33, 47, 48, 49, 63, 64, 65]
"""Sizes at quick: every remainder of vectors of 4 and 8 elements, and the neighbours of multiples of 16."""
ALL_TAILS = [*range(1, 71), 95, 96, 97, 127, 128, 129]

PLANE = Problem(batch=1, in_channels=2, height=3, width=5, out_channels=3, kernel=(3, 3), padding=(1, 1), bias=True)
POINTWISE = PLANE.replace(kernel=(1, 1), padding=(0, 0), height=1)
KINDS = [
    PLANE,
    PLANE.replace(kernel=(2, 3), padding=(0, 0)),
    PLANE.replace(kernel=(3, 3), stride=(2, 2)),
    POINTWISE,
    PLANE.replace(in_channels=3, out_channels=3, groups=3),
    PLANE.replace(dilation=(1, 2), padding=(1, 2), in_channels=1),
]
"""Kinds of convolution for which libraries have code of their own: their loops over a row end differently."""

INTO_OUTPUT = [
    PLANE.replace(bias=False),
    POINTWISE,
    PLANE.replace(kernel=(2, 3), padding=(0, 0), batch=2),
    PLANE.replace(kernel=(3, 3), stride=(2, 2)),
]

Layouts = tuple[str, str, str]
USUAL = "contiguous"


def at_guard(operand: int, layout: str) -> Layouts:
    """Return the layouts of three operands, one of which lies at a protected page."""
    first, second, third = (layout if number == operand else USUAL for number in range(3))
    return first, second, third


def require_guards(judge: Judge) -> None:
    """Skip a spec where no operand can lie at a protected page, with the reason."""
    if why_unavailable():
        judge.skip(why_unavailable())
    if judge.device != "cpu":
        judge.skip("judged on a CPU alone: a process cannot protect pages of a device")
    if judge.description.framework == "jax":
        judge.skip("jax copies its operands to memory that no protected page follows")


def judge_bounds(judge: Judge, operand: int, sweeps: dict[str, list[Problem]]) -> None:
    """Judge an operand that ends at a protected page at every size of some sweeps, and one that begins there at few."""
    require_guards(judge)
    tails = ALL_TAILS if is_thorough(judge) else TAILS
    swept = {axis: in_turn(judge, kinds, axis, tails) for axis, kinds in sweeps.items()}
    for due in swept.values():
        judge.exact([Case(problem, layouts=at_guard(operand, ENDS_AT_GUARD)) for problem in due])
    few = [problem for due in swept.values() for problem in due[::3]]
    judge.exact([Case(problem, layouts=at_guard(operand, BEGINS_AT_GUARD)) for problem in few])


@spec("bounds.input", source=BOUNDS)
def test_bounds_of_the_input(judge: Judge) -> None:
    """No memory before or after the input is read or written, at any width and any number of channels."""
    judge_bounds(judge, 0, {"width": KINDS, "in_channels": [POINTWISE, PLANE]})


@spec("bounds.weight", source=BOUNDS)
def test_bounds_of_the_weight(judge: Judge) -> None:
    """No memory before or after the weight is read or written, at any number of products and of output channels."""
    judge_bounds(judge, 1, {"in_channels": [POINTWISE, PLANE], "out_channels": [PLANE, POINTWISE]})


@spec("bounds.bias", source=BOUNDS)
def test_bounds_of_the_bias(judge: Judge) -> None:
    """No memory before or after the bias is read or written, at any number of output channels."""
    judge_bounds(judge, 2, {"out_channels": [POINTWISE, PLANE]})


def unwritten(case: Case, operands: Operands) -> Array:
    """Return an array of the output's shape that is not yet written: NaN everywhere, which no output is."""
    dtype = DTYPES[case.problem.dtype]
    return np.full(case.problem.output_shape, np.nan, dtype.carrier)


@spec("bounds.output", profile="functional", source=BOUNDS)
def test_bounds_of_the_output(judge: Judge) -> None:
    """A function with a parameter ``out`` writes the whole output to that array, and no memory before or after it."""
    require_guards(judge)
    observation = judge.observe(Case(PLANE), "into_output")
    if observation.kind == "unsupported":
        judge.skip(observation.message)
    tails = ALL_TAILS if is_thorough(judge) else TAILS
    for axis in ("width", "out_channels"):
        due = in_turn(judge, INTO_OUTPUT, axis, tails)
        for layout, problems in ((ENDS_AT_GUARD, due), (BEGINS_AT_GUARD, due[::3])):
            judge.satisfies(
                cases(problems), judge.check_exact, mode="into_output", extra_operand=unwritten, extra_layout=layout
            )
