"""Cases that are due: those of a spec in the dtype of the run, and the one of a reproduction."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace

from convgauge.conformance.cases import Case, cases
from convgauge.conformance.directions import in_direction
from convgauge.conformance.execution import Execution
from convgauge.conformance.procedure import Procedure
from convgauge.conformance.soundness import accepts_oracle
from convgauge.problem import Problem
from convgauge.terms import Computed, Profile


def localized(
    problems: Iterable[Problem | Case], dtype: str, first_seed: int, direction: Computed = "forward"
) -> list[Case]:
    """Return the cases in a dtype and a direction, each with a seed of its own.

    Each keeps its own dtype if ``dtype`` is "". A case that has no gradient is left out.
    """
    local = []
    for index, case in enumerate(cases(problems)):
        same = not dtype or case.problem.dtype == dtype
        problem = case.problem if same else case.problem.replace(dtype=dtype)
        local.append(replace(case, problem=problem, seed=case.seed or first_seed + index))
    return [changed for case in local if (changed := in_direction(case, direction)) is not None]


def is_of_procedure(
    case: Case, others: Iterable[Case], procedure: Procedure, execution: Execution, profile: Profile
) -> bool:
    """Return True if a case that is reproduced is one of those that a procedure judges.

    A spec may judge exact operands exactly and then Gaussian operands by their error bound. A case belongs to one of
    the two: it has the operand family of one of the procedure's own cases, and is an invalid call if that is one. If
    it is valid, the answer of the oracle passes.

    Parameters
    ----------
    case : Case
        Case that is reproduced.
    others : iterable of Case
        The procedure's own cases.
    procedure : Procedure
        Treatment of the cases.
    execution : Execution
        Execution whose subject is judged; it is not called.
    profile : Profile
        Profile of the run.
    """
    kind = case.operands, bool(case.invalid_call)
    if kind not in {(other.operands, bool(other.invalid_call)) for other in others}:
        return False
    return bool(case.invalid_call) or accepts_oracle(procedure, case, execution, profile)
