"""The declared domain: a refusal inside it is a fault."""

from __future__ import annotations

from collections.abc import Iterable

from convgauge.conformance.execution import Executed, Execution
from convgauge.conformance.parameters import LAYOUTS
from convgauge.conformance.procedure import Procedure
from convgauge.domain import CONTIGUOUS, Domain
from convgauge.reference.compare import Fault
from convgauge.results import SpecRecord
from convgauge.worker.call import Observation


def breaks_declaration(executed: Executed, procedure: Procedure, execution: Execution) -> bool:
    """Return True if the subject refused a plain call of its declared domain.

    An implementation that declares nothing may refuse. So may every implementation if a call is made in another mode,
    in a dtype beside the spec's, or in an unusual layout, unless the domain names layouts.
    """
    case, _, observation = executed
    declared = execution.declared
    may_refuse = procedure.may_refuse(case) or procedure.keeps_dtype or procedure.options.fields.get("mode")
    if declared.is_everything or observation.kind != "refused" or may_refuse:
        return False
    is_usual = case.layouts == CONTIGUOUS or not declared.names.isdisjoint(LAYOUTS)
    return is_usual and not execution.exclusion(case)


def idle_conditions(declared: Domain, records: Iterable[SpecRecord]) -> list[str]:
    """Return the conditions of a declared domain that excluded no case of an implementation's records."""
    reasons = [reason for record in records for reason in record.refusals]
    conditions = () if declared.is_everything else declared.conjuncts
    return [str(condition) for condition in conditions if not any(str(condition) in reason for reason in reasons)]


def refused_in_domain(observation: Observation, declared: Domain) -> Fault:
    """Return the fault of a refusal in the declared domain."""
    error = observation.error[0] if observation.error else ""
    message = (
        f"refused a problem of its declared domain, {declared}: {error}: {observation.message}; narrow --supports or"
        " answer it"
    )
    return Fault("errored", message, got=error, expected="an answer", kind="declaration")
