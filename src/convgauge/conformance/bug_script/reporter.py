"""Reporter of failing cases while one is reproduced, so that a script can be written afterwards."""

from __future__ import annotations

import shlex
from collections.abc import Callable
from dataclasses import dataclass

from convgauge.conformance.bug_script.earlier import calls_before
from convgauge.conformance.bug_script.failure import Failure
from convgauge.conformance.checks import check_exact, check_form
from convgauge.conformance.execution import Executed, Execution
from convgauge.conformance.replay import EarlierCall
from convgauge.reference.compare import Fault
from convgauge.registry import Origin
from convgauge.request import CheckRequest
from convgauge.worker.call import Call

OnFailure = Callable[[Failure], None]


def ignore(failure: Failure) -> None:
    """Do nothing with a failing case."""


@dataclass(frozen=True)
class FailureReporter:
    """Reporter of the failing cases of one implementation and spec.

    Attributes
    ----------
    request : CheckRequest
        Request of the reproduction.
    origin : Origin
        Location of the implementation.
    on_failure : callable
        Function that is called with each failing case.
    sentence, spec : str
        Sentence and id of the spec; "" if no spec judges the case.
    """

    request: CheckRequest
    origin: Origin
    on_failure: OnFailure
    sentence: str = ""
    spec: str = ""

    def report(self, executed: Executed, call: Call, fault: Fault | None, execution: Execution) -> None:
        """Call ``on_failure`` if a case failed."""
        if fault is None:
            return
        case, _, observation = executed
        target = self.request.targets[0]
        if fault.kind == "relation":
            fault = _fault_of_one_call(executed, execution.declared_grade) or fault
        words = ["convgauge", "reproduce", target, str(case)] + (["--spec", self.spec] if self.spec else [])
        for text in self.request.after:
            words += ["--after", text]
        description = execution.subject.description
        earlier = map(EarlierCall.parse, self.request.after)
        before = calls_before(earlier, description, execution.device, execution.declared)
        self.on_failure(
            Failure(
                self.origin, target, description.framework, case.problem, case.operands, call,
                observation, fault, execution.declared_grade, self.sentence, shlex.join(words), before,
            )
        )  # fmt: skip


def _fault_of_one_call(executed: Executed, declared_grade: str) -> Fault | None:
    """Return the fault of the first call of a law by itself: a wrong relation of outputs begins with a wrong output."""
    case, operands, observation = executed
    if observation.output is None:
        return None
    return check_form(case, observation) or check_exact(case, operands, observation, declared_grade)
