"""Behaviour: a convolution reads its operands, returns a fresh array, keeps no state and has no side effects."""

from collections.abc import Callable
from dataclasses import replace
from typing import TypeVar

import numpy as np

from convgauge.conformance import Case, Judge, cases, problems, spec
from convgauge.conformance.cases import with_arguments
from convgauge.conformance.execution import Transform
from convgauge.conformance.other_process import OtherProcess
from convgauge.dtypes import FLOATS
from convgauge.problem import Problem
from convgauge.reference.operands import Operands, draw

CONV2D = "torch.nn.functional.conv2d"
PURE = "the meaning of a function: equal arguments, equal results, nothing else changed"

SMALL = Problem(batch=2, in_channels=4, height=6, width=7, out_channels=4, kernel=(3, 3), padding=(1, 1), bias=True)
TABLE = [
    SMALL,
    *problems(SMALL, kernel=[(1, 1)], padding=[(0, 0)], bias=[True, False]),
    *problems(SMALL, kernel=[(3, 3), (2, 3)], stride=[(2, 2)], bias=[True, False]),
    *problems(SMALL, groups=[2, 4], bias=[True, False], padding=[(1, 1), (0, 0)]),
    *problems(SMALL, dilation=[(2, 1)], padding=["same", (2, 2)]),
    *problems(SMALL, batch=1, in_channels=1, out_channels=1, kernel=[(1, 1), (3, 3), (5, 5)], padding=["same"]),
    *problems(SMALL, kernel=[(6, 7), (1, 7), (6, 1)], padding=[(0, 0)]),
    *problems(SMALL, in_channels=16, out_channels=16, kernel=[(3, 3), (1, 1)], batch=1),
]


T = TypeVar("T")


def by_tier(judge: Judge, quick: T, standard: T) -> T:
    """Return the value for the tier of the run."""
    return quick if judge.setting.tier == "quick" else standard


def larger(judge: Judge) -> list[Problem]:
    """Return problems so large that a library distributes them over threads; quick has fewer of them."""
    return by_tier(
        judge,
        problems(SMALL, batch=1, in_channels=[32]),
        problems(SMALL, batch=1, in_channels=[64, 300], out_channels=[2, 16], height=8, width=8),
    )


def keeping(names: str) -> Transform:
    """Return a transform: the named operands ("iwb") are those of the first case, the others as drawn."""
    fixed: dict[Problem, Operands] = {}

    def change(case: Case, operands: Operands) -> Operands:
        first = fixed.setdefault(case.problem, operands)
        return Operands(
            first.input if "i" in names else operands.input,
            first.weight if "w" in names else operands.weight,
            first.bias if "b" in names else operands.bias,
        )

    return change


@spec("behaviour.one_array", profile="functional", source=PURE)
def test_one_array_as_input_and_weight(judge: Judge) -> None:
    """One array may be the input and the weight at once: an image is correlated with itself."""

    def same(case: Case, operands: Operands) -> Operands:
        return Operands(operands.input, operands.input, operands.bias)

    table = [
        problem.replace(bias=bias)
        for n, c, h, w in ((1, 1, 3, 4), (3, 2, 3, 3), (2, 4, 1, 1), (4, 3, 2, 5))
        for problem in problems(SMALL, batch=n, out_channels=n, in_channels=c, height=h, width=w, kernel=[(h, w)],
                                padding=[(0, 0), (h - 1, w - 1), (1, 0)], stride=[(1, 1), (2, 1)])
        for bias in (True, False)
    ]  # fmt: skip
    judge.satisfies(
        [Case(problem, layouts=("contiguous",) * 3) for problem in table],
        judge.check_exact,
        transform=same,
        mode="one_array",
    )


@spec("behaviour.operands_unchanged", profile="functional", source=CONV2D)
def test_operands_are_not_written(judge: Judge) -> None:
    """The call writes to none of its operands, not even to put back what was there."""
    judge.exact([Case(problem, layouts=(layout,) * 3) for problem in TABLE for layout in ("contiguous", "cropped")])
    if "readonly" in judge.description.layouts:
        judge.exact([Case(problem, layouts=("readonly",) * 3) for problem in TABLE])


@spec("behaviour.fresh_output", profile="functional", source=CONV2D)
def test_output_is_fresh(judge: Judge) -> None:
    """The output shares memory with no operand, also where it equals one, and with no earlier output."""

    def identity(case: Case, operands: Operands) -> Operands:
        weight = np.zeros_like(operands.weight)
        rows, columns = (size // 2 for size in case.problem.kernel)
        per_group = case.problem.in_channels // case.problem.groups
        for channel in range(case.problem.out_channels):
            weight[channel, channel % per_group, rows, columns] = 1
        return Operands(operands.input, weight, None if operands.bias is None else operands.bias * 0)

    def blank(case: Case, operands: Operands) -> Operands:
        return Operands(operands.input, operands.weight * 0, operands.bias)

    for change in (identity, blank):
        judge.nonfinite(cases(TABLE), change)
    judge.exact([Case(problem, seed=1 + index) for problem in TABLE for index in range(4)])


@spec("behaviour.same_address", profile="functional", source=PURE)
def test_same_address_with_new_content(judge: Judge) -> None:
    """Arrays that were given before and have new content since give the new answer."""
    count = by_tier(judge, 3, 8)
    judge.exact([Case(problem, seed=1 + index) for problem in TABLE for index in range(count)], reuse=True)


@spec("behaviour.same_shape", profile="functional", source=PURE)
def test_same_shape_with_new_content(judge: Judge) -> None:
    """New operands of a shape that was given before give the new answer."""
    count = by_tier(judge, 20, 100)
    judge.exact([Case(problem, seed=1 + index) for problem in TABLE[:2] for index in range(count)])


@spec("behaviour.one_operand_new", profile="functional", source=PURE)
def test_one_new_operand_is_enough(judge: Judge) -> None:
    """A new input, a new weight or a new bias gives the new answer, though the other two are old."""
    table = [problem for problem in TABLE[:8] if problem.bias]
    for names in ("iw", "ib", "wb"):
        for reuse in (False, True):
            due = [Case(problem, seed=1 + index) for problem in table for index in range(by_tier(judge, 3, 8))]
            judge.exact(due, transform=keeping(names), reuse=reuse)


@spec("behaviour.one_element_new", profile="functional", source=PURE)
def test_one_new_element_is_enough(judge: Judge) -> None:
    """Operands that differ from earlier ones in one element, or in their elements' order, give the new answer."""

    def nudged(name: str) -> Transform:
        last: dict[Problem, Operands] = {}

        def change(case: Case, operands: Operands) -> Operands:
            first = last.setdefault(case.problem, operands)
            array = {"input": first.input, "weight": first.weight, "bias": first.bias}[name]
            if array is None:
                return first
            changed = array.copy()
            if operands is not first:
                # away from the ends, where a fingerprint would look, and within the range that is exact
                index = int(abs(float(operands.input.flat[0])) * 7919) % changed.size
                changed.flat[index] = -changed.flat[index]
            return replace(first, **{name: changed})

        return change

    def shuffled(case: Case, operands: Operands) -> Operands:
        base = draw(case.problem, "exact", 0, judge.headroom(case.problem))
        random = np.random.default_rng(abs(int(operands.input.flat[0])))
        return Operands(
            random.permutation(base.input.reshape(-1)).reshape(base.input.shape),
            random.permutation(base.weight.reshape(-1)).reshape(base.weight.shape),
            base.bias,
        )

    due = [Case(problem, seed=1 + index) for problem in TABLE[:8] for index in range(by_tier(judge, 5, 12))]
    for name in ("input", "weight", "bias"):
        judge.exact(due, transform=nudged(name), reuse=True)
    judge.exact(due, transform=shuffled)


@spec("behaviour.interleaved", profile="functional", source=PURE)
def test_problems_in_turns(judge: Judge) -> None:
    """Calls on different problems in turns, small after large and large after small, do not disturb each other."""
    sizes = problems(SMALL, height=[6, 3, 12], width=[7, 4], kernel=[(3, 3), (1, 1)], padding=[(1, 1)], batch=[1, 2])
    equal_shapes = [  # of the input, or of every operand, with other arguments
        *problems(SMALL, stride=[(1, 1), (2, 2)], padding=[(0, 0), (1, 1), (2, 2)], dilation=[(1, 1), (2, 2)]),
        *problems(SMALL, groups=[1, 2, 4], out_channels=[4, 8], kernel=[(3, 3), (2, 2)], bias=[True, False]),
    ]
    random = np.random.default_rng(0)
    order = [
        Case(problem, seed=1 + turn) for turn in range(by_tier(judge, 2, 6)) for problem in [*sizes, *equal_shapes]
    ]
    judge.exact([order[index] for index in random.permutation(len(order))])


@spec("behaviour.many_calls", profile="functional", source=PURE)
def test_many_calls(judge: Judge) -> None:
    """The answer is right however many calls have gone before."""
    tiny = problems(SMALL, batch=1, in_channels=2, out_channels=3, height=4, width=5)
    for _ in range(by_tier(judge, 5, 1)):
        judge.exact([Case(problem, seed=1 + index) for index in range(by_tier(judge, 40, 700)) for problem in tiny])


@spec("behaviour.repeatable", profile="functional", source="torch.use_deterministic_algorithms")
def test_run_to_run(judge: Judge) -> None:
    """On a CPU, calls with the same operands give the same bits every time."""
    if judge.device != "cpu":
        judge.skip("asked of CPUs only")
    judge.accurate([*TABLE[::2], *larger(judge)], repeat=by_tier(judge, 5, 30))


@spec("behaviour.threads", profile="functional", source=PURE)
def test_several_threads(judge: Judge) -> None:
    """Calls from several threads at once give the bits that one thread gets."""
    if judge.device != "cpu":
        judge.skip("asked of CPUs only")
    judge.accurate([*TABLE[::3], *larger(judge)], repeat=by_tier(judge, 9, 33), threads=4)


@spec("behaviour.state", profile="functional", quick=FLOATS, source=PURE)
def test_global_state_is_left_alone(judge: Judge) -> None:
    """Random state, error state, warning filters, default dtype, thread counts and environment are as before."""
    judge.exact(TABLE if judge.dtype == "float32" else TABLE[::3], check_globals=True)
    judge.accurate(TABLE[:4], check_globals=True)


@spec("behaviour.after_an_error", profile="functional", source=PURE)
def test_a_refused_call_leaves_nothing_behind(judge: Judge) -> None:
    """The call after one that was refused is answered as if that one had not been made."""
    wide = SMALL.replace(height=9, width=10)
    wrong = [
        *(Case(wide, invalid_call=name) for name in ("bias_longer", "more_channels", "weight_matrix", "input_vector")),
        *(
            with_arguments(wide, {name: value, other: 3})
            for name, value in (("padding", -1), ("dilation", 0), ("groups", 3), ("padding", "full"))
            for other in ("stride", "dilation")
            if other != name
        ),
        with_arguments(wide, {"stride": 2, "padding": "same"}),
        with_arguments(wide, {"stride": 0, "padding": 2}),
        Case(wide.replace(stride=(2, 2), padding=(2, 1), dilation=(2, 2)), invalid_call="twice_the_channels"),
        Case(wide.replace(groups=2, bias=False), invalid_call="weight_more_channels"),
    ]
    for seed, case in enumerate(wrong if judge.setting.only is None else wrong[:1], start=1):
        judge.observe(case)
        judge.exact([Case(wide, seed=seed), Case(wide.replace(padding=(0, 0), bias=False), seed=seed)])


# --- other processes -------------------------------------------------------------------------------------------------

SECOND_CALL = 1000
"""Difference of the seeds of two calls that an earlier process makes with the arguments of one problem."""


EQUAL_SHAPES = [
    *problems(SMALL, stride=[(1, 1), (2, 2)], dilation=[(1, 1), (2, 2)], padding=[(1, 1), (2, 2)]),
    *problems(SMALL, groups=[2], dilation=[(1, 1), (2, 2)], padding=[(2, 2)], bias=[True, False]),
    *problems(SMALL, kernel=[(1, 1)], padding=[(0, 0)], stride=[(1, 1), (2, 2)], bias=[False]),
]
"""Problems of few shapes, each with several arguments, so that no answer or plan of one shape is right for all."""


def calls_before(judge: Judge) -> Callable[[Case], list[Case]]:
    """Return the function of the calls before a case: of its shapes with other operands, arguments and another dtype.

    The arguments are changed one at a time, before the case's own and after them: a plan that is keyed without one of
    them is that of another case, whichever call it is made by.
    """
    dtypes = [dtype for dtype in judge.setting.among_dtypes(judge.description.dtypes) if dtype in FLOATS]

    def before(case: Case) -> list[Case]:
        problem, seed = case.problem, case.seed + case.seed % 2
        others = [
            *problems(problem, stride=[(1, 1), (2, 2)]),
            *problems(problem, dilation=[(1, 1), (2, 2)]),
            *problems(problem, padding=[(0, 0), (1, 1), (2, 2)]),
            *problems(problem, dtype=dtypes[:2]),
        ]
        others = [other for other in dict.fromkeys(others) if other != problem]
        first, second = cases(others, seed=seed), cases(reversed(others), seed=seed + SECOND_CALL)
        return [*first, Case(problem, seed=seed), *second]

    return before


def every_second_nudged(case: Case, operands: Operands) -> Operands:
    """Return the operands of a case; for an even seed, one element of one operand is negated.

    The process before was called with the operands of an even seed as they are drawn.
    """
    if case.seed % 2:
        return operands
    names = [name for name in ("weight", "input", "bias") if getattr(operands, name) is not None]
    name = names[case.seed // 2 % len(names)]
    array = getattr(operands, name).copy()
    present = np.flatnonzero(array)
    if present.size:  # in the middle, since a fingerprint would look at the ends
        array.flat[present[present.size // 2]] *= -1
    return replace(operands, **{name: array})


@spec("behaviour.other_process", profile="functional", dtypes=("float32", "float64"), source=PURE)
def test_a_later_process_is_not_misled(judge: Judge) -> None:
    """A process that is started after an earlier one gives the right answers, whatever the earlier one has stored.

    The quick tier judges NumPy alone, a process of which starts at once.
    """
    if judge.setting.tier == "quick" and judge.description.framework != "numpy":
        judge.skip("not judged at the quick tier: two more processes take seconds to start")
    count = by_tier(judge, 2, 12)
    due = [
        Case(problem, seed=1 + index * count + turn)
        for index, problem in enumerate(EQUAL_SHAPES)
        for turn in range(count)
    ]
    judge.exact(due, transform=every_second_nudged, process=OtherProcess(calls_before(judge)))


@spec("behaviour.forked_child", profile="functional", frameworks=("numpy",), source="os.fork of Python")
def test_a_forked_child_answers(judge: Judge) -> None:
    """A child that is forked from a process with threads of Python alone gives the right answers, as its parent did.

    OpenMP, TBB and the drivers of GPUs are not documented to work in a forked child: they are not judged.
    """
    if judge.device != "cpu":
        judge.skip("asked of CPUs only")
    count = by_tier(judge, 1, 12)
    due = [Case(problem, seed=1 + 2 * index + turn) for index, problem in enumerate(TABLE) for turn in range(count)]
    process = OtherProcess(lambda case: [replace(case, seed=case.seed + SECOND_CALL), case], is_fork=True)
    judge.exact(due, process=process)
