"""Directions of implementations: which specs apply to a gradient, and the cases of a spec as cases of a gradient."""

from __future__ import annotations

from dataclasses import replace

from convgauge.conformance.cases import Case
from convgauge.conformance.invalid_calls import INVALID_GRADIENTS
from convgauge.conformance.spec import Spec
from convgauge.dtypes import DTYPES
from convgauge.problem import Problem
from convgauge.terms import Computed
from convgauge.worker.call import SIZE_ARGUMENTS, Description

FORWARD_CHAPTERS = (
    "adversarial", "applied", "bias", "device", "empty", "errors", "gradients", "graphs", "laws", "prepare", "special",
    "torch", "training", "transforms",
)  # fmt: skip
"""Chapters about the output of a convolution; the cases of the others are problems, which have gradients as well."""

GRADIENT_CHAPTER = "computed"
"""Chapter about implementations that compute a gradient."""

GRADIENTS = {"grad_input": "the gradient by the input", "grad_weight": "the gradient by the weight"}
"""Directions of gradients in words."""


def applies(spec: Spec, direction: Computed) -> bool:
    """Return True if a spec applies to implementations of a direction; none about a bias applies to gradients."""
    if direction == "forward":
        return spec.chapter != GRADIENT_CHAPTER
    return spec.chapter not in FORWARD_CHAPTERS and "bias" not in spec.id


NO_GRADIENT = "the call has no counterpart among those of a gradient"


def inapplicable(description: Description, dtype: str, *, is_about_outputs: bool) -> str:
    """Return the reason why a check does not apply to a subject in a dtype, or "".

    Complex numbers have several conventions: which operand of a gradient is conjugated differs between frameworks.
    """
    if description.direction == "forward":
        return ""
    if is_about_outputs:
        return "it is about outputs of a convolution, not about gradients"
    if DTYPES[dtype].kind != "c":
        return ""
    return f"{GRADIENTS[description.direction]} of complex numbers has several conventions"


def in_direction(case: Case, direction: Computed) -> Case | None:
    """Return a case as one of a gradient: without a bias, with padding as a pair; None if it has no such form."""
    if direction in ("forward", case.problem.direction):
        return case
    problem, padding = case.problem, case.problem.pads
    is_other_call = case.invalid_call and case.invalid_call not in INVALID_GRADIENTS
    if case.prepared or is_other_call or any(before != after for before, after in padding):
        return None
    pair = (padding[0][0], padding[1][0])
    arguments = tuple(each for each in case.arguments if not (each[0] == "padding" and isinstance(each[1], str)))
    changed = problem.replace(bias=False, padding=pair, direction=direction)
    return replace(case, problem=changed, arguments=arguments)


def sizes_of_result(problem: Problem) -> dict[str, tuple[int, ...]]:
    """Return the argument that states the size of a gradient, which the operands leave open; none for an output."""
    name = SIZE_ARGUMENTS.get(problem.direction)
    return {} if name is None else {name: problem.output_shape}
