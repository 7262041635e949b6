"""Gradients: sizes, arguments and memory layouts matter in a backward pass as they do in the forward pass."""

import itertools
from functools import lru_cache
from typing import Any

from convgauge.conformance import Case, Judge, cases, spec
from convgauge.conformance.cases import sweep
from convgauge.conformance.covering import Row, covering_array
from convgauge.conformance.gradient_bounds import accurate_gradients, real_grad_output
from convgauge.conformance.gradient_checks import KINDS, NARROW, SUBSETS, gradients, largest_sum
from convgauge.conformance.size_sweeps import in_turn, is_thorough, sizes
from convgauge.problem import Problem, ProblemError
from convgauge.worker.layouts import combined_layouts

AUTOGRAD = "torch.autograd; Dumoulin and Visin 2016, A guide to convolution arithmetic for deep learning, chapter 4"
GEORGANAS = "Georganas et al. 2018, Anatomy of high-performance deep learning convolutions on SIMD architectures"
GRADIENTS: dict[str, Any] = {"dtypes": ("float64", "float32"), "frameworks": ("torch",), "profile": "training"}

PLANE = Problem(batch=2, in_channels=2, height=4, width=5, out_channels=3, bias=True)
SWEPT = [
    PLANE.replace(kernel=(3, 3), padding=(1, 1)),
    PLANE.replace(kernel=(1, 1), bias=False),
    PLANE.replace(kernel=(3, 3), padding=(1, 1), stride=(2, 2)),
    PLANE.replace(kernel=(3, 3), padding=(1, 1), in_channels=4, out_channels=4, groups=4),
    PLANE.replace(kernel=(2, 3), padding=(2, 2), dilation=(2, 1)),
]
"""Kinds of convolution whose sizes are swept."""
UNGROUPED = [kind.replace(batch=2, height=3) for kind in SWEPT if kind.groups == 1]


def swept(judge: Judge, table: list[Problem]) -> None:
    """Judge the gradients of a sweep, in two halves so that every size is due at quick."""
    for half in (table[::2], table[1::2]):
        gradients(judge, half)


# --- sizes -----------------------------------------------------------------------------------------------------------


@spec("gradients.in_channels", source=GEORGANAS, **GRADIENTS)
def test_gradients_of_every_number_of_input_channels(judge: Judge) -> None:
    """The gradients reach input channels of every number, up to the last one."""
    swept(judge, in_turn(judge, UNGROUPED, "in_channels", sizes(judge, 257)))


@spec("gradients.out_channels", source=GEORGANAS, **GRADIENTS)
def test_gradients_of_every_number_of_output_channels(judge: Judge) -> None:
    """The gradients sum output channels of every number, up to the last one."""
    swept(judge, in_turn(judge, UNGROUPED, "out_channels", sizes(judge, 257)))


@spec("gradients.batch", source=GEORGANAS, **GRADIENTS)
def test_gradients_of_every_batch(judge: Judge) -> None:
    """The gradients sum batches of every size, up to the last image."""
    swept(judge, in_turn(judge, SWEPT, "batch", sizes(judge, 257)))


@spec("gradients.height", source=GEORGANAS, **GRADIENTS)
def test_gradients_of_every_height(judge: Judge) -> None:
    """The gradients cover every height, up to the last row."""
    swept(judge, in_turn(judge, SWEPT, "height", sizes(judge, 257)))


@spec("gradients.width", source=GEORGANAS, **GRADIENTS)
def test_gradients_of_every_width(judge: Judge) -> None:
    """The gradients cover every width, up to the last column."""
    swept(judge, in_turn(judge, SWEPT, "width", sizes(judge, 513)))


@spec("gradients.kernel", source=AUTOGRAD, **GRADIENTS)
def test_gradients_of_every_kernel(judge: Judge) -> None:
    """The gradients cover every tap of kernels of every size up to 13."""
    base = PLANE.replace(height=14, width=13, padding=(1, 0))
    squares = [base.replace(kernel=(n, n), bias=n % 2 > 0) for n in range(1, 14)]
    swept(judge, [*squares, *sweep(base, "kernel_h", range(2, 14)), *sweep(base, "kernel_w", range(2, 14))])


@spec("gradients.groups", source=AUTOGRAD, keeps=("groups",), **GRADIENTS)
def test_gradients_of_every_number_of_groups(judge: Judge) -> None:
    """The gradients of groups of every number are right: depthwise, with a multiplier, and of several channels."""
    base = Problem(batch=2, height=4, width=5, padding=(1, 1), bias=True)
    each = [
        (1, 1, (3, 3), 1),
        (1, 2, (2, 2), 1),
        (2, 1, (1, 1), 1),
        (2, 3, (3, 2), 2),
        (1, 1, (3, 3), 2),
        (1, 3, (1, 3), 2),
    ]
    table = [
        base.replace(kernel=kernel, stride=(stride, stride), groups=g, in_channels=g * i, out_channels=g * o)
        for index, g in enumerate(sizes(judge, 129))
        for i, o, kernel, stride in (each if is_thorough(judge) else [each[index % len(each)]])
    ]
    swept(judge, table)


# --- arguments -------------------------------------------------------------------------------------------------------

GROUPED = {
    "dense": (1, 3, 5),
    "single": (1, 1, 1),
    "grouped": (2, 3, 2),
    "depthwise": (5, 1, 1),
    "multiplied": (3, 1, 2),
}
FACTORS: dict[str, list[Any]] = {
    "kernel": [(3, 3), (1, 1), (2, 2), (1, 4), (5, 2)],
    "stride": [(1, 1), (2, 2), (1, 3), (3, 2)],
    "padding": [(0, 0), (1, 1), (2, 0), (0, 3), (4, 5)],
    "dilation": [(1, 1), (2, 2), (1, 3), (3, 1)],
    "kind": list(GROUPED),
    "height": [8, 5, 13, 1],
    "width": [9, 6, 12, 1],
    "batch": [1, 2, 3, 17],
    "bias": [True, False],
    "wanted": ["iwb", *SUBSETS[:-1]],
}


def problem_of(row: Row) -> Problem:
    """Return the problem of a row of values. Raises `ProblemError`."""
    groups, inputs, outputs = GROUPED[row["kind"]]
    fields = {name: row[name] for name in row if name not in ("kind", "wanted")}
    return Problem(in_channels=groups * inputs, out_channels=groups * outputs, groups=groups, **fields)


def is_possible(row: Row) -> bool:
    """Return True if the values of a row fit together."""
    if row["wanted"] == "b" and not row["bias"]:
        return False
    try:
        problem_of(row)
    except ProblemError:
        return False
    return True


@lru_cache
def _rows(strength: int) -> tuple[Row, ...]:
    return tuple(covering_array(FACTORS, strength, is_possible))


@spec("gradients.covering", source="Kuhn, Wallace and Gallo 2004, Software fault interactions", **GRADIENTS)
def test_gradients_of_all_pairs(judge: Judge) -> None:
    """The gradients are exact in all pairs of arguments, groups, sizes and gradients that are asked for."""
    rows = _rows(3 if judge.setting.tier == "exhaustive" else 2)
    for wanted in SUBSETS:
        gradients(judge, [problem_of(row) for row in rows if row["wanted"] == wanted], wanted)


@spec("gradients.remainders", source=AUTOGRAD, keeps=("stride",), **GRADIENTS)
def test_gradients_of_strides_that_leave_a_remainder(judge: Judge) -> None:
    """The gradients reach the rows and columns that no window covers, which are zero, and those before them."""
    base = PLANE.replace(kernel=(3, 3), width=10)
    table = [
        base.replace(height=n, stride=(s, t), padding=(p, q), kernel=(k, 2), bias=index % 3 > 0)
        for index, (n, s, k) in enumerate(itertools.product((6, 7, 8, 9), (2, 3, 4), (1, 2, 3)))
        for t, p, q in [((2, 3)[index % 2], index % 2, index // 2 % 2)]
    ]
    swept(judge, table)


# --- memory ----------------------------------------------------------------------------------------------------------


def in_turns(judge: Judge, layouts: list[str], per_layout: int) -> list[tuple[str, list[Problem]]]:
    """Return each layout with kinds of convolution in turn, or with all of them if it is thorough."""
    kinds = itertools.cycle(KINDS)
    return [(layout, KINDS if is_thorough(judge) else list(itertools.islice(kinds, per_layout))) for layout in layouts]


def layouts_of(judge: Judge) -> list[str]:
    """Return the layouts of the framework and their combinations, the contiguous one left out."""
    unusual = ("contiguous", "negated", "conjugated")
    simple = [layout for layout in judge.description.layouts if layout not in unusual]
    return [*simple, *combined_layouts(simple)]


@spec("gradients.upstream", source="torch.Tensor.stride; torch.Tensor.expand", **GRADIENTS)
def test_upstream_gradients_of_every_layout(judge: Judge) -> None:
    """The gradients are exact however the upstream gradient lies in memory: permuted, with gaps, or repeated."""
    for layout, kinds in in_turns(judge, layouts_of(judge), 3):
        gradients(judge, kinds, extra_layout=layout)


def is_strided_pointwise(case: Case) -> bool:
    """Return True for a case in which torch's backward pass may corrupt the heap: `training.layouts` has some.

    It ends the process in one of several runs, also during later calls, so that the quick tier has no more of them.
    """
    return case.problem.kernel == (1, 1) and case.problem.stride != (1, 1) and "channels_last" in case.layouts[1]


@spec("gradients.layouts", source="torch.Tensor.stride", **GRADIENTS)
def test_gradients_of_operands_of_every_layout(judge: Judge) -> None:
    """The gradients are exact where operands are views with gaps of permuted memory, or repeat elements."""
    plain = "contiguous"
    for layout, kinds in in_turns(judge, layouts_of(judge), 3):
        triples = [(layout, plain, plain), (plain, layout, plain), (layout, layout, layout)]
        table = [Case(kind, layouts=triples[index % 3]) for index, kind in enumerate(kinds)]
        gradients(judge, [case for case in table if is_thorough(judge) or not is_strided_pointwise(case)])
        if is_thorough(judge):
            gradients(judge, cases(KINDS, layouts=(layout, layout, layout)), extra_layout=layout)


# --- 16 bits ---------------------------------------------------------------------------------------------------------

SUMMED = [
    *KINDS,
    PLANE.replace(batch=12, kernel=(3, 3)),
    PLANE.replace(batch=33, height=3, width=3, kernel=(1, 1)),
    PLANE.replace(batch=1, height=12, width=17, kernel=(2, 2)),
    PLANE.replace(in_channels=16, out_channels=17, kernel=(3, 3), padding=(1, 1)),
    PLANE.replace(batch=5, in_channels=8, out_channels=8, groups=8, kernel=(3, 3), height=7, width=7),
]


@spec("gradients.narrow", source=AUTOGRAD, **{**GRADIENTS, "dtypes": NARROW, "quick": NARROW})
def test_gradients_of_16_bits(judge: Judge) -> None:
    """The gradients of 16-bit operands are exact where every sum is an integer of up to 256."""
    table = [problem for problem in SUMMED if largest_sum(problem) <= 256]
    for wanted in SUBSETS if is_thorough(judge) else ("iwb",):
        gradients(judge, table, wanted)


@spec(
    "gradients.narrow.accuracy",
    source="Higham 2002, Accuracy and Stability of Numerical Algorithms, section 3.1",
    **{**GRADIENTS, "dtypes": NARROW, "quick": NARROW},
)
def test_accurate_gradients_of_16_bits(judge: Judge) -> None:
    """The gradients of 16-bit operands are sums in float32, rounded per tap or image at most, and once for the bias."""
    if judge.declared_grade == "C":
        judge.skip("a lower precision than the dtype's is declared")
    large = PLANE.replace(batch=1, height=31, width=33)
    table = cases([*SUMMED, PLANE.replace(batch=70), large], operands="gaussian")
    table += cases([PLANE.replace(batch=70), large, large.replace(kernel=(3, 3), stride=(2, 2))], operands="positive")
    judge.satisfies(table, accurate_gradients(judge), mode="gradient", extra_operand=real_grad_output, wanted="iwb")
