"""A counterexample as tables of numbers: input, kernel, output and expected output, with the faults marked."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

from convgauge.problem import Problem, ProblemError
from convgauge.results import Counterexample

MAX_SHOWN = 24
"""Rows and columns of an array that are shown."""

Position = tuple[int, int]
"""Row and column."""


@dataclass(frozen=True)
class Cell:
    """One number; ``mark`` is "", "wrong", "wrong first" or "field", the receptive field of the first wrong output."""

    text: str
    mark: str = ""


@dataclass(frozen=True)
class Grid:
    """One array as a table."""

    title: str
    rows: list[list[Cell]]


def grids(case: Counterexample) -> list[Grid]:
    """Return the four arrays, each cut to `MAX_SHOWN` rows and columns; [] if the case has no picture."""
    if case.picture is None:
        return []
    got, expected = case.picture.got, case.picture.expected
    allowed = _number(case.bound)
    cells = ((r, c, value) for r, row in enumerate(expected) for c, value in enumerate(row))
    wrong = {(r, c) for r, c, value in cells if _is_wrong(_at(got, r, c), value, allowed)}
    first = (case.index[-2], case.index[-1]) if len(case.index) >= 2 else min(wrong, default=None)
    marks = dict.fromkeys(wrong, "wrong")
    if first is not None:
        marks[first] = "wrong first"
    field = _receptive_field(case.problem, first) if first else set[Position]()
    return [
        _grid("input", case.picture.input, dict.fromkeys(field, "field")),
        _grid("kernel", case.picture.weight, {}),
        _grid("got", got, marks),
        _grid("expected", expected, marks),
    ]


def _is_wrong(got: tuple[float | None, ...], expected: float | None, allowed: float) -> bool:
    """Return True if an element is missing or outside the bound of the first wrong one, which is near its own."""
    if not got or got[0] is None or expected is None:
        return got != (expected,)
    return abs(got[0] - expected) > allowed


def _number(text: str) -> float:
    try:
        return float(text)
    except ValueError:
        return 0.0


def _at(values: Sequence[Sequence[float | None]], row: int, column: int) -> tuple[float | None, ...]:
    """Return the element in a tuple, or an empty tuple if it is outside the array."""
    return tuple(values[row][column : column + 1]) if row < len(values) else ()


def _receptive_field(problem: str, output: Position) -> set[Position]:
    """Return the elements of the input that one output is computed from."""
    try:
        p = Problem.parse(problem)
    except ProblemError:
        return set()
    rows, columns = (
        [output[axis] * p.stride[axis] - p.pads[axis][0] + p.dilation[axis] * k for k in range(min(p.kernel[axis], 64))]
        for axis in (0, 1)
    )
    return {(r, c) for r in rows for c in columns}


def _grid(title: str, values: Sequence[Sequence[float | None]], marks: dict[Position, str]) -> Grid:
    rows = [
        [Cell(_element(value), marks.get((r, c), "")) for c, value in enumerate(row[:MAX_SHOWN])]
        + [Cell("…")] * (len(row) > MAX_SHOWN)
        for r, row in enumerate(values[:MAX_SHOWN])
    ]
    shape = f"{len(values)} × {len(values[0]) if values else 0}"
    return Grid(f"{title} ({shape})", rows + [[Cell("…")]] * (len(values) > MAX_SHOWN))


def _element(value: float | None) -> str:
    if value is None:
        return "nan"
    is_short = math.isfinite(value) and value == int(value) and abs(value) < 1e6
    return f"{value:.0f}" if is_short else f"{value:.4g}"
