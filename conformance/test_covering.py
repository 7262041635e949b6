"""Covering arrays: every pair (every triple, at the exhaustive tier) of parameter values together in some problem."""

import itertools
import math
from collections.abc import Sequence
from functools import lru_cache
from typing import Any, NamedTuple

from convgauge.conformance import Case, Judge, spec
from convgauge.conformance.cases import visible_shares
from convgauge.conformance.covering import Row, covering_array, measure_coverage
from convgauge.dtypes import FLOATS
from convgauge.problem import Problem, ProblemError

KUHN = "Kuhn, Wallace and Gallo 2004, Software fault interactions and implications for software testing"

KINDS = {  # groups, inputs of a group, outputs of a group
    "dense": (1, 3, 5),
    "single": (1, 1, 1),
    "wide": (1, 16, 9),
    "grouped": (2, 3, 4),
    "depthwise": (6, 1, 1),
    "multiplied": (5, 1, 2),
    "gathered": (3, 4, 1),
    "depthwise16": (17, 1, 1),
}
GEOMETRY: dict[str, list[Any]] = {
    "kernel": [(3, 3), (1, 1), (2, 2), (1, 4), (5, 2), (4, 7)],
    "stride": [(1, 1), (2, 2), (1, 3), (3, 2)],
    "padding": [(0, 0), (1, 1), (2, 0), (0, 3), (4, 5)],
    "dilation": [(1, 1), (2, 2), (1, 3), (3, 1)],
    "kind": list(KINDS),
    "bias": [True, False],
    "height": [8, 5, 13, 16, 1],
    "width": [9, 6, 12, 17, 1],
    "batch": [1, 2, 3],
}
SMALLER: dict[str, list[Any]] = {
    "kernel": [(3, 3), (1, 1), (2, 4)],
    "stride": [(1, 1), (2, 2), (1, 2), 2],
    "padding": ["same", (1, 1), 1, 0, (0, 2), "valid"],
    "dilation": [(1, 1), (2, 1), 2],
    "kind": ["dense", "grouped", "depthwise", "multiplied"],
    "bias": [True, False],
    "height": [7, 8],
    "width": [9, 12],
    "batch": [1, 3, 17],
}


def problem_of(row: Row) -> Problem:
    """Return the problem that a row of values describes. Raises `ProblemError` if they do not fit together."""
    groups, inputs, outputs = KINDS[row["kind"]]
    pairs = {name: _pair(row[name]) for name in ("kernel", "stride", "padding", "dilation")}
    sizes = {name: row[name] for name in ("height", "width", "batch", "bias")}
    return Problem(in_channels=groups * inputs, out_channels=groups * outputs, groups=groups, **pairs, **sizes)


def _pair(value: Any) -> Any:  # noqa: ANN401 a number, a pair or a word; Problem checks it
    return (value, value) if isinstance(value, int) else value


def allowed(row: Row) -> bool:
    """Return True if the values fit together and at least a quarter of the outputs depend on the input."""
    try:
        problem = problem_of(row)
    except ProblemError:
        return False
    return math.prod(visible_shares(problem)) >= 0.25


def case_of(row: Row) -> Case:
    """Return the case of a row: its problem, the spelling of its arguments, and its layouts."""
    spelled = tuple((name, row[name]) for name in ("stride", "padding", "dilation") if isinstance(row[name], int))
    input, weight, bias = (row.get(f"{name}_layout", "contiguous") for name in ("input", "weight", "bias"))
    return Case(problem_of(row), layouts=(input, weight, bias), arguments=spelled)


@lru_cache
def _rows(layouts: tuple[str, ...], strength: int) -> tuple[Row, ...]:
    return tuple(covering_array(_factors(layouts), strength, allowed))


def _factors(layouts: tuple[str, ...]) -> dict[str, list[Any]]:
    if not layouts:
        return GEOMETRY
    by_operand = {f"{name}_layout": list(layouts) for name in ("input", "weight")}
    of_bias = [layout for layout in layouts if layout in ("contiguous", "sliced", "offset", "negative")]
    return {**SMALLER, **by_operand, "bias_layout": of_bias}


@lru_cache
def _coverage(layouts: tuple[str, ...], strength: int, count: int) -> str:
    """Return a sentence about the coverage by the first ``count`` rows."""
    return str(measure_coverage(_rows(layouts, strength)[:count], _factors(layouts), strength, allowed))


def covered(judge: Judge, layouts: tuple[str, ...]) -> list[Case]:
    """Return the cases due at the tier, the most effective of them at quick, and note their coverage."""
    strength = 3 if judge.setting.tier == "exhaustive" else 2
    rows = _rows(layouts, strength)
    due = rows[: 40 if judge.setting.tier == "quick" else len(rows)]
    if judge.setting.only is None:
        judge.note(f"covers {_coverage(layouts, strength, len(due))}")
    return [case_of(row) for row in due]


@spec("covering.geometry", source=KUHN, quick=FLOATS)
def test_all_pairs_of_geometry(judge: Judge) -> None:
    """Kernel, stride, padding, dilation, groups, bias and sizes are right in all pairs of their values."""
    judge.exact(covered(judge, ()))


@spec("covering.spellings_and_layouts", profile="functional", source=KUHN)
def test_all_pairs_with_words_and_layouts(judge: Judge) -> None:
    """Padding in words, numbers for pairs, and the operands' memory layouts are right in all pairs of their values."""
    unusual = ("readonly", "unaligned", "bigendian", "negated", "conjugated")  # chapters of their own
    judge.exact(covered(judge, tuple(layout for layout in judge.description.layouts if layout not in unusual)))


# --- square kernels, for which libraries have specialized code -------------------------------------------------------


class Squares(NamedTuple):
    """Numbers that stand for both elements of a pair."""

    kernels: Sequence[int]
    strides: Sequence[int]
    paddings: Sequence[int]
    dilations: Sequence[int]


def squares(judge: Judge, quick: Squares, standard: Squares, **channels: Any) -> list[Problem]:  # noqa: ANN401 int, which is not the type of every parameter
    """Return problems of every square kernel, stride and padding in ``quick``, with its dilations in turn.

    At standard, in float32, and at exhaustive, they are all combinations of ``standard``.
    """
    tier = judge.setting.tier
    is_brief = tier == "quick" or (tier == "standard" and judge.dtype != "float32")
    kernels, strides, paddings, dilations = quick if is_brief else standard
    table = []
    for index, (k, s, p) in enumerate(itertools.product(kernels, strides, paddings)):
        for d in [dilations[index % len(dilations)]] if is_brief else dilations:
            extent = d * (k - 1) + 1
            size = max(extent - 2 * p + 1, 8 + s) + index % 3
            problem = Problem(
                height=size, width=size + 1 + index % 2, kernel=(k, k), stride=(s, s), padding=(p, p), dilation=(d, d),
                bias=bool(index % 4), batch=1 + index % 2, **channels,
            )  # fmt: skip
            if math.prod(visible_shares(problem)) >= 0.25:
                table.append(problem)
    return table


@spec("covering.squares", source=KUHN)
def test_squares(judge: Judge) -> None:
    """Square kernels of 1 to 5 are right with every stride from 1 to 3 and every padding from 0 to 2."""
    quick = Squares([2, 3, 4, 5], [1, 2, 3], [0, 1, 2], [1])
    judge.exact(
        squares(
            judge, quick, Squares(range(1, 6), [1, 2, 3, 4], [0, 1, 2, 3], [1, 2, 3]), in_channels=2, out_channels=3
        )
    )


@spec("covering.squares.large", source=KUHN)
def test_large_squares(judge: Judge) -> None:
    """Square kernels of 6 to 11 are right with every stride from 1 to 4 and padding of nothing, a little and a half."""
    quick = Squares([6, 7, 8, 9, 11], [1, 2, 4], [0, 1, 3], [1])
    judge.exact(
        squares(
            judge, quick, Squares(range(6, 14), [1, 2, 3, 4], [0, 1, 2, 3, 5], [1, 2]), in_channels=2, out_channels=2
        )
    )


@spec("covering.squares.dilated", keeps=("dilation",), source=KUHN)
def test_dilated_squares(judge: Judge) -> None:
    """Square kernels are right with every dilation from 2 to 4, stride 1 and 2, and padding."""
    quick = Squares([2, 3, 4, 5], [1, 2], [0, 1, 2, 4], [2, 3, 4])
    judge.exact(
        squares(
            judge, quick, Squares(range(1, 8), [1, 2, 3], [0, 1, 2, 3, 4], [2, 3, 4, 5]), in_channels=2, out_channels=2
        )
    )


@spec("covering.squares.dilated_evenly", keeps=("dilation",), source=KUHN)
def test_dilated_squares_without_padding(judge: Judge) -> None:
    """Square kernels without padding, and with as much as dilation asks for, are right with every dilation to 5."""
    base = Problem(height=13, width=14, in_channels=2, out_channels=2, bias=True)
    pairs = [(k, d) for k in (2, 3, 4) for d in (2, 3, 4, 5, 6)] + [(5, 2), (5, 3), (7, 2)]
    judge.exact(
        [
            base.replace(kernel=(k, k), dilation=(d, d), padding=(p, p))
            for k, d in pairs
            for p in (0, d * (k - 1) // 2)
            if d * (k - 1) < 13 + 2 * p
        ]
    )


@spec("covering.squares.depthwise", keeps=("groups",), source=KUHN)
def test_depthwise_squares(judge: Judge) -> None:
    """Depthwise square kernels are right with every stride from 1 to 3 and every padding from 0 to 3."""
    quick = Squares([2, 3, 4, 5, 7], [1, 2, 3], [0, 1, 2], [1, 2])
    judge.exact(
        squares(
            judge,
            quick,
            Squares(range(1, 8), [1, 2, 3], [0, 1, 2, 3], [1, 2, 3]),
            in_channels=5,
            out_channels=5,
            groups=5,
        )
    )


@spec("covering.squares.grouped", keeps=("groups",), source=KUHN)
def test_grouped_squares(judge: Judge) -> None:
    """Square kernels in groups of several channels are right with every stride from 1 to 3 and padding from 0 to 2."""
    quick = Squares([1, 2, 3, 5], [1, 2, 3], [0, 1, 2], [1, 2])
    judge.exact(
        squares(
            judge,
            quick,
            Squares(range(1, 6), [1, 2, 3], [0, 1, 2, 3], [1, 2, 3]),
            in_channels=4,
            out_channels=6,
            groups=2,
        )
    )


@spec("covering.squares.multiplied", keeps=("groups",), source=KUHN)
def test_multiplied_squares(judge: Judge) -> None:
    """Depthwise square kernels of several outputs are right with every stride from 1 to 3 and padding from 0 to 2."""
    quick = Squares([1, 2, 3, 5], [1, 2, 3], [0, 1, 2], [1, 2])
    judge.exact(
        squares(
            judge, quick, Squares(range(1, 6), [1, 2, 3], [0, 1, 2], [1, 2, 3]), in_channels=3, out_channels=6, groups=3
        )
    )
