"""State: what a kernel keeps between calls, for whatever reason, leaves their answers as they are.

The chapter "behaviour" has the usual caches. This one has those that fail rarely: weights that hardly change, tables
that overflow, calls that run out of memory, and different problems in several threads.
"""

from dataclasses import replace

import numpy as np

from convgauge.conformance import Case, Judge, problems, spec
from convgauge.conformance.execution import Transform
from convgauge.dtypes import round_to
from convgauge.problem import Problem
from convgauge.reference import compare, oracle
from convgauge.reference.compare import Fault
from convgauge.reference.operands import Operands
from convgauge.worker.call import Observation

PURE = "the meaning of a function: equal arguments, equal results, nothing else changed"

SMALL = Problem(batch=2, in_channels=2, height=6, width=7, out_channels=4, kernel=(3, 3), padding=(1, 1), bias=True)
FEW = problems(SMALL, in_channels=[1, 2], kernel=[(1, 1)], padding=[(0, 0)], bias=False) + problems(
    SMALL, in_channels=[1], kernel=[(1, 2), (2, 2)], bias=False
)
"""Problems of at most four products, whose error bounds are the smallest."""

STEPS = (2.0**-10, 2.0**-18)
"""Relative changes of the weights, as a step of an optimizer makes them. `numpy.allclose` ignores 10^-5 by default."""


def stepped(step: float) -> Transform:
    """Return a transform: the weights of the first case of a problem, then with ``step`` added in turns of the sign."""
    first: dict[Problem, Operands] = {}

    def change(case: Case, operands: Operands) -> Operands:
        start = first.setdefault(case.problem, operands)
        signs = np.where(np.arange(start.weight.size) % 2, 1, -1).reshape(start.weight.shape)
        weight = start.weight.astype(np.float64) * (1 + step * case.seed * signs)
        return Operands(start.input, round_to(weight, case.problem.dtype), start.bias)

    return change


@spec("state.small_step", profile="functional", source="torch.optim.Optimizer.step", dtypes=("float32", "float64"))
def test_weights_that_hardly_change(judge: Judge) -> None:
    """Weights that differ from those of the call before by one part in 10^3 or 10^5 give the new answer."""
    due = [Case(problem, seed=seed) for problem in FEW for seed in range(4)]
    for step in STEPS:
        for reuse in (False, True):
            judge.accurate(due, transform=stepped(step), reuse=reuse)


@spec("state.several_problems", profile="functional", source=PURE)
def test_different_problems_in_several_threads(judge: Judge) -> None:
    """Calls of different problems from several threads at once give the answers of each by itself."""
    if judge.device != "cpu":
        judge.skip("asked of CPUs only")

    def check(case: Case, operands: Operands, observation: Observation) -> Fault | None:
        problem, tolerance = case.problem, judge.tolerance(case.problem)
        smaller = problem.replace(height=problem.height - 1, width=problem.width - 1)
        wider = problem.replace(stride=tuple(2 * size for size in problem.stride))
        cut = replace(operands, input=operands.input[:, :, 1:, 1:])
        outputs = (observation.output, *observation.extra_outputs)
        named = (
            ("the output", problem, operands),
            ("the output of a smaller input", smaller, cut),
            ("the output of twice the stride", wider, operands),
        )
        for output, (words, each, given) in zip(outputs, named, strict=True):
            message = f"{words} is wrong among calls in several threads"
            fault = compare.check_values(output, oracle.answer(each, given), tolerance, message)
            if fault is not None:
                return fault
        return None

    table = [
        SMALL,
        SMALL.replace(in_channels=16, height=17, width=18),
        SMALL.replace(groups=2, bias=False),
        SMALL.replace(kernel=(1, 1), padding=(0, 0)),
    ]
    judge.satisfies(
        table[:2] if judge.setting.tier == "quick" else table,
        check,
        mode="several_problems",
        needs=lambda case: (
            min(case.problem.height, case.problem.width) > 3 and not isinstance(case.problem.padding, str)
        ),
    )


@spec("state.out_of_memory", profile="functional", frameworks=("numpy", "torch"), source="MemoryError of Python")
def test_a_call_that_runs_out_of_memory_leaves_nothing_behind(judge: Judge) -> None:
    """The call after one whose output did not fit into memory is answered as if that one had not been made."""
    if judge.device != "cpu":
        judge.skip("asked of CPUs only")
    table = [SMALL, SMALL.replace(groups=2, padding=(0, 1)), SMALL.replace(kernel=(1, 1), padding=(0, 0), bias=False)]
    for seed, problem in enumerate(table if judge.setting.tier != "quick" else table[:1], start=1):
        observation = judge.observe(Case(problem, seed=seed), mode="out_of_memory")
        if observation.kind != "raised":
            judge.note(f"a call with little memory does not raise an exception ({observation.kind})")
        judge.exact([Case(each, seed=seed) for each in (problem, problem.replace(batch=1), SMALL)])


MAX_SHAPES = 10_000
MAX_TOTAL_S = 20.0
"""Seconds that the calls of `state.many_shapes` may take, as the first of them predict."""
GROUP = 500
"""Cases of one call of a judge's method."""


def shape(number: int) -> Problem:
    """Return a tiny problem: different ones for all numbers below 16,384."""
    rows, columns, channels, outputs = number % 16, number // 16 % 16, number // 256 % 8, number // 2048 % 8
    return Problem(
        batch=1, in_channels=1 + channels, out_channels=1 + outputs, height=2 + rows, width=2 + columns,
        kernel=(1 + number % 2, 2), padding=(number % 3 % 2, 0), stride=(1, 1 + number % 5 % 2), bias=number % 7 < 3,
    )  # fmt: skip


@spec("state.many_shapes", profile="functional", source=PURE, dtypes=("float32",), tier="standard")
def test_thousands_of_shapes(judge: Judge) -> None:
    """The answer is right however many shapes have gone before, new and old ones in turns."""
    seconds = [judge.observe(Case(shape(number), seed=1)).seconds for number in range(20)]
    count = min(MAX_SHAPES, int(MAX_TOTAL_S / max(1e-6, float(np.median(seconds)))))
    order = [number * 4099 % 16_384 for number in range(count)]
    for first in range(0, count, GROUP):
        new = order[first : first + GROUP]
        old = order[first // 2 : first // 2 + GROUP : 5] if first else []
        judge.exact([Case(shape(number), seed=1 + first) for number in [*new, *old]])
        if judge.tally.faults:
            return
    judge.note(f"makes calls of {count} shapes")
