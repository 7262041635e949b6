"""Substitute dtypes: the dtype in which a spec runs if an implementation answers none of the spec's own.

Most specs run in floating dtypes, because the geometry of a call does not depend on the dtype. A kernel of integers
alone answers none of their cases. Its padding, stride and sizes are judged in a dtype that it does answer.
"""

from __future__ import annotations

from collections.abc import Collection
from typing import Literal

from convgauge.conformance.cases import BASE, Case
from convgauge.conformance.execution import Execution
from convgauge.conformance.spec import Spec
from convgauge.dtypes import DTYPES

Kind = Literal["f", "i", "c"]
"""Kind of a dtype, as in NumPy: floating, integer, complex."""

EXACT_KINDS: tuple[Kind, ...] = ("i", "c")
"""Kinds in which a check against the exact answer of the oracle is meaningful, besides the floating one."""
INTEGER_KINDS: tuple[Kind, ...] = ("i",)
"""Kinds in which a check is meaningful that computes with real numbers in float64."""

ORDER = (
    "float32", "float64", "float16", "bfloat16",
    "int32", "int64", "int16", "int8",
    "complex64", "complex128",
)  # fmt: skip
"""Dtypes in the order in which they are taken: floating ones are judged by more specs, wide ones have larger sums."""

CHAPTERS = (
    "arguments", "behaviour", "bias", "covering", "definition", "dilation", "errors", "groups", "laws", "padding",
    "random", "shape", "stride", "sweep",
)  # fmt: skip
"""Chapters about the geometry of calls and about repeated calls, whose statements hold in every dtype."""


def substitute(spec: Spec, dtypes: Collection[str]) -> str:
    """Return the dtype in which a spec runs on an implementation that has none of the spec's own; "" if none fits.

    Parameters
    ----------
    spec : Spec
        The spec.
    dtypes : collection of str
        Dtypes that the implementation answers. Another one than the spec's own is taken only if none is floating.
    """
    candidates = [dtype for dtype in ORDER if dtype in dtypes]
    dtype = next((dtype for dtype in candidates if dtype in spec.dtypes), "")
    if dtype or spec.chapter not in CHAPTERS or any(map(is_floating, candidates)):
        return dtype
    return next(iter(candidates), "") if all(map(is_floating, spec.dtypes)) else ""


def is_floating(dtype: str) -> bool:
    """Return True if a dtype is a floating one."""
    return DTYPES[dtype].kind == "f"


def answers_usual_problem(execution: Execution, dtypes: Collection[str]) -> bool:
    """Return True if a subject answers the usual problem in one of its floating dtypes, so that it is not narrow.

    An integer or complex dtype may be refused at no cost. If a subject refuses the usual problem as well, its refusal
    need not be about the dtype.

    Parameters
    ----------
    execution : Execution
        Execution on the subject, which is called once.
    dtypes : collection of str
        Dtypes that the run is about and the subject has.
    """
    dtype = next((dtype for dtype in ORDER if dtype in dtypes and is_floating(dtype)), "")
    return bool(dtype) and execution.run_once(Case(BASE.replace(dtype=dtype))).observation.kind == "answer"


def fits(dtype: str, spec: Spec, other_kinds: Collection[Kind]) -> bool:
    """Return True if cases of a spec can be judged in a dtype: it is one of the spec's, or of a kind that fits them.

    Parameters
    ----------
    dtype : str
        The dtype.
    spec : Spec
        The spec.
    other_kinds : collection of {"f", "i", "c"}
        Kinds of dtypes, besides the spec's own, in which the check of the cases is meaningful.
    """
    return dtype in spec.dtypes or DTYPES[dtype].kind in other_kinds


def stand_in(dtype: str, spec: Spec, tier: str, supported: Collection[str], answered: Collection[str]) -> str:
    """Return the dtype in which cases are drawn again: their own, or the substitute of the spec's first one.

    If an implementation answers none of a spec's dtypes, the cases of one of them are judged in the substitute. Those
    of the others would repeat them.

    Parameters
    ----------
    dtype : str
        Dtype of the cases.
    spec : Spec
        The spec.
    tier : str
        Tier of the run.
    supported, answered : collection of str
        Dtypes that the run is about and the implementation has, and those of them that its domain contains.
    """
    due = [name for name in (spec.at(tier), spec.dtypes)[dtype not in spec.at(tier)] if name in supported]
    if dtype not in due[:1] or set(due) & set(answered):
        return dtype
    return substitute(spec, answered) or dtype
