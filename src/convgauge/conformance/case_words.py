"""Words of a case: the parameters of a call that differ from those of the plainest convolution."""

from __future__ import annotations

import ast

from convgauge.conformance.cases import Case
from convgauge.conformance.directions import GRADIENTS
from convgauge.domain import CONTIGUOUS
from convgauge.problem import Pair, Problem, ProblemError
from convgauge.text import counted
from convgauge.worker.call import OPERANDS

USUAL_DTYPE = "float32"
"""Dtype in which every spec is judged that has no dtype of its own."""


def case_words(problem: str, operands: str = "exact", layouts: tuple[str, ...] = (), arguments: str = "") -> str:
    """Return the parameters of a call in words: "padding (0, 1) on a 1×1 image".

    Parameters
    ----------
    problem : str
        Text form of the problem, or of a whole case. A text that is neither is returned as it is.
    operands : str
        Operand family.
    layouts : tuple of str
        Memory layouts of input, weight and bias.
    arguments : str
        Arguments that the call spells itself, as Python code.
    """
    try:
        case = Case.parse(problem)
    except ProblemError:
        return problem
    spelled = arguments or ", ".join(f"{name}={value!r}" for name, value in case.arguments)
    words = [
        *_parameters(case.problem, _names(spelled)),
        *_operands(case.operands if operands == "exact" else operands),
        *_layouts(layouts or case.layouts),
    ]
    called = f", called with {spelled}" if spelled else ""
    if case.problem.direction != "forward":
        words.insert(0, GRADIENTS[case.problem.direction])
    return " on ".join(filter(None, (", ".join(words), image_words(case.problem)))) + called


def parameter_count(problem: str) -> int:
    """Return the number of parameters of a problem that are not trivial. A text that is no problem has none."""
    try:
        return len(_parameters(Case.parse(problem).problem, set()))
    except ProblemError:
        return 0


def image_words(problem: Problem) -> str:
    """Return the images of a problem: "a 4×5 image", "3 images of 4×5"."""
    size = f"{problem.height}×{problem.width}"
    return f"a {size} image" if problem.batch == 1 else f"{counted(problem.batch, 'image')} of {size}"


def _parameters(problem: Problem, spelled: set[str]) -> list[str]:
    """Return the parameters that are not trivial, and that the call does not spell otherwise."""
    words = {
        "in_channels": _channels(problem.in_channels, "input"),
        "out_channels": _channels(problem.out_channels, "output"),
        "kernel": "kernel {}×{}".format(*problem.kernel) if problem.kernel != (1, 1) else "",
        "stride": _pair("stride", problem.stride, 1),
        "padding": _pair("padding", problem.padding, 0),
        "dilation": _pair("dilation", problem.dilation, 1),
        "groups": f"{problem.groups} groups" if problem.groups > 1 else "",
        "bias": "a bias" if problem.bias else "",
        "dtype": problem.dtype if problem.dtype != USUAL_DTYPE else "",
    }
    return [text for name, text in words.items() if text and name not in spelled]


def _channels(count: int, side: str) -> str:
    return "" if count == 1 else counted(count, f"{side} channel")


def _pair(name: str, value: Pair | str, trivial: int) -> str:
    """Return a parameter of two axes, or "" if it is trivial."""
    if isinstance(value, str):
        return f"{name} {value!r}"
    if value[0] == value[1]:
        return "" if value[0] == trivial else f"{name} {value[0]}"
    return f"{name} {value}"


def _operands(family: str) -> list[str]:
    return [] if family == "exact" else [f"{family} operands"]


def _layouts(layouts: tuple[str, ...]) -> list[str]:
    """Return the operands that are not contiguous: "a fortran input"."""
    pairs = zip(layouts, OPERANDS, CONTIGUOUS, strict=False)
    return [f"{layout} {name}" for layout, name, usual in pairs if layout != usual]


def _names(arguments: str) -> set[str]:
    """Return the names of arguments that are written as Python code."""
    try:
        call = ast.parse(f"f({arguments})", mode="eval").body
    except (SyntaxError, ValueError):
        return set()
    return {keyword.arg for keyword in call.keywords if keyword.arg} if isinstance(call, ast.Call) else set()
