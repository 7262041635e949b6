"""Failing case of which a script is written."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from convgauge.problem import Problem
from convgauge.reference.compare import Fault
from convgauge.reference.operands import Operands
from convgauge.registry import Origin
from convgauge.worker.call import Call, Observation


class NoScriptError(Exception):
    """A failing case that no script can show; the message is one sentence."""


@dataclass(frozen=True)
class Failure:
    """A failing case.

    Attributes
    ----------
    origin : Origin
        Location of the implementation.
    target : str
        Implementation as the command line spells it.
    framework : str
        Framework of its arrays.
    problem : Problem
        Problem of the case.
    family : str
        Operand family.
    call : Call
        The call.
    observation : Observation
        What it did.
    fault : Fault
        Its fault.
    declared_grade : str
        Grade of accuracy that the implementation declares.
    sentence : str
        Sentence of the spec; "" if no spec judged the case.
    command : str
        Command that reproduces the case.
    before : sequence of (Call, int)
        Calls that are made before, and the number of times.
    """

    origin: Origin
    target: str
    framework: str
    problem: Problem
    family: str
    call: Call
    observation: Observation
    fault: Fault
    declared_grade: str = ""
    sentence: str = ""
    command: str = ""
    before: Sequence[tuple[Call, int]] = ()

    @property
    def operands(self) -> Operands:
        """Operands of the call."""
        return Operands(self.call.input, self.call.weight, self.call.bias)
