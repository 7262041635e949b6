"""Counted cases: what a judge hands on of each case, to be shown or to be diagnosed."""

from __future__ import annotations

from dataclasses import dataclass

from convgauge.conformance.execution import Executed, Execution
from convgauge.conformance.procedure import Procedure
from convgauge.reference.assessment import Assessment
from convgauge.worker.call import Call


@dataclass(frozen=True, eq=False)
class Counted:
    """A case that was judged and counted.

    Attributes
    ----------
    spec : str
        Id of the spec.
    executed : Executed
        Case, operands and observation.
    assessment : Assessment
        Assessment of the case.
    procedure : Procedure
        Procedure that judged it.
    execution : Execution
        Execution on the subject that was called.
    """

    spec: str
    executed: Executed
    assessment: Assessment
    procedure: Procedure
    execution: Execution

    @property
    def call(self) -> Call:
        """Call as it was made, or as it would be made for a declined case."""
        case, operands, observation = self.executed
        if observation.kind == "declined":  # none were drawn
            operands = self.execution.draw(case)
        return self.execution.call(case, operands, self.procedure.options.fields)
