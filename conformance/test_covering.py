"""Covering arrays: every pair (every triple, at the exhaustive tier) of parameter values together in some problem."""

import math
from functools import lru_cache

from convgauge.conformance import Case, spec
from convgauge.conformance.covering import coverage, covering
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
GEOMETRY = {
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
SMALLER = {
    "kernel": [(3, 3), (1, 1), (2, 4)],
    "stride": [(1, 1), (2, 2), (1, 2), 2],
    "padding": ["same", (1, 1), 1, 0, (0, 2), "valid"],
    "dilation": [(1, 1), (2, 1), 2],
    "kind": ["dense", "grouped", "depthwise", "multiplied"],
    "bias": [True, False],
    "height": [7, 8],
    "width": [9, 12],
    "batch": [1, 3],
}


def problem_of(row):
    """The problem that a row of values describes. Raises `ProblemError` where they do not fit together."""
    groups, inputs, outputs = KINDS[row["kind"]]
    pairs = {name: _pair(row[name]) for name in ("kernel", "stride", "padding", "dilation")}
    sizes = {name: row[name] for name in ("height", "width", "batch", "bias")}
    return Problem(in_channels=groups * inputs, out_channels=groups * outputs, groups=groups, **pairs, **sizes)


def _pair(value):
    return (value, value) if isinstance(value, int) else value


def allowed(row):
    """Whether the values fit together, and the outputs are not mostly those that see padding alone."""
    try:
        problem = problem_of(row)
    except ProblemError:
        return False
    return math.prod(_seeing(problem)) >= 0.25


def _seeing(problem):
    """The share of the output rows, and of the columns, that see the input at all and not only padding."""
    sizes = zip(
        problem.output_size, (problem.height, problem.width), problem.pads, problem.kernel, problem.stride,
        problem.dilation, strict=True,
    )  # fmt: skip
    for outputs, size, (before, _), kernel, stride, dilation in sizes:
        seen = [any(0 <= y * stride - before + i * dilation < size for i in range(kernel)) for y in range(outputs)]
        yield sum(seen) / outputs


def case_of(row):
    """The case of a row: its problem, with arguments that the problem does not spell so, and its layouts."""
    spelled = tuple((name, row[name]) for name in ("stride", "padding", "dilation") if isinstance(row[name], int))
    layouts = tuple(row.get(name, "contiguous") for name in ("input_layout", "weight_layout", "bias_layout"))
    return Case(problem_of(row), layouts=layouts, arguments=spelled)


@lru_cache
def _rows(layouts, strength):
    return tuple(covering(_factors(layouts), strength, allowed))


def _factors(layouts):
    if not layouts:
        return GEOMETRY
    by_operand = {f"{name}_layout": list(layouts) for name in ("input", "weight")}
    of_bias = [layout for layout in layouts if layout in ("contiguous", "sliced", "offset", "negative")]
    return {**SMALLER, **by_operand, "bias_layout": of_bias}


@lru_cache
def _achieved(layouts, strength, rows):
    """The coverage by the first so many rows, in words."""
    return str(coverage(_rows(layouts, strength)[:rows], _factors(layouts), strength, allowed))


def covered(judge, layouts):
    """The cases due at the judge's tier, of which quick has the most telling; what they cover is noted."""
    strength = 3 if judge.setting.tier == "exhaustive" else 2
    rows = _rows(layouts, strength)
    due = rows[: 40 if judge.setting.tier == "quick" else len(rows)]
    if judge.setting.only is None:
        judge.note(f"covers {_achieved(layouts, strength, len(due))}")
    return [case_of(row) for row in due]


@spec("covering.geometry", source=KUHN, quick=FLOATS)
def test_all_pairs_of_geometry(judge):
    """Kernel, stride, padding, dilation, groups, bias and sizes are right in all pairs of their values."""
    judge.exact(covered(judge, ()))


@spec("covering.spellings_and_layouts", profile="functional", source=KUHN)
def test_all_pairs_with_words_and_layouts(judge):
    """So are padding in words, numbers for pairs, and the operands' memory layouts, in all combinations of two."""
    unusual = ("readonly", "unaligned", "bigendian")  # chapters of their own
    judge.exact(covered(judge, tuple(layout for layout in judge.said.layouts if layout not in unusual)))
