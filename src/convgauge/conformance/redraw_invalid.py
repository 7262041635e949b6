"""Redrawing of invalid calls: those of problems outside a domain prove nothing, as the problem itself is refused."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import replace

from convgauge.conformance.cases import Case
from convgauge.conformance.execution import INAPPLICABLE, Execution
from convgauge.conformance.procedure import Procedure
from convgauge.conformance.redraw import Redrawer
from convgauge.conformance.soundness import OracleSubject
from convgauge.conformance.traits import ALWAYS

TRAITS = (*ALWAYS, "bias", "no_bias", "channels", "outputs")
"""Traits of the problem that are kept: the length of a bias and the number of channels decide if a call is invalid."""


def valid_case(case: Case) -> Case:
    """Return the valid call that an invalid one is made of."""
    return replace(case, invalid_call="")


def redraw_invalid(
    outside: Sequence[Case], redrawer: Redrawer, procedure: Procedure, execution: Execution, seed: int
) -> Iterator[Case]:
    """Yield an invalid call inside the domain for each one outside, as far as the oracle refuses it too.

    Parameters
    ----------
    outside : sequence of Case
        Invalid calls on problems outside the domain. Those that spell an invalid argument are left out: no domain
        contains them.
    redrawer : Redrawer
        Redrawer of the domain.
    procedure : Procedure
        Treatment of the cases.
    execution : Execution
        Execution whose subject is judged; it is not called.
    seed : int
        Seed of the choice of further problems.
    """
    oracle = Execution(OracleSubject(execution.subject.description), execution.device)
    for name in dict.fromkeys(case.invalid_call for case in outside if case.invalid_call):

        def is_invalid(case: Case, name: str = name) -> bool:
            changed = replace(case, invalid_call=name)
            try:
                return (
                    procedure.allows(changed)
                    and oracle.run_once(changed, procedure.options).observation.kind == "raised"
                )
            except INAPPLICABLE:
                return False

        valid = [valid_case(case) for case in outside if case.invalid_call == name]
        for case in redrawer.redraw(valid, TRAITS, is_invalid, seed).cases:
            yield replace(case, invalid_call=name)
