"""Tally of a spec: outcomes of its cases, and the status and the reason that they add up to."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field

from convgauge.conformance.cases import Case
from convgauge.conformance.checks import is_unjudged
from convgauge.conformance.features import feature_letters
from convgauge.reference.assessment import Assessment
from convgauge.reference.compare import Fault
from convgauge.terms import GRAVITY, Grade, Status
from convgauge.worker.call import Observation

MAX_ENDED_PROCESSES = 2
"""Cases of a spec that may end the subject's process: all specs together share its failure budget."""


@dataclass
class Tally:
    """Counts of one spec's cases.

    Attributes
    ----------
    outcomes : Counter
        Number of cases by status.
    space : dict
        Number of cases that were judged, failed and were declined, by the features of their problems.
    faults : list
        Cases that failed, with their faults.
    grades : list
        Grades that were measured.
    margins, reductions : list
        Margins that were measured, and the number of products of one output of each.
    reasons : Counter
        Number of cases that were not judged, by reason.
    notes : list of str
        Sentences that a spec adds.
    given_up : str
        Reason why the subject is no longer called, or "".
    """

    outcomes: Counter[str] = field(default_factory=Counter)
    space: dict[str, list[int]] = field(default_factory=dict)
    faults: list[tuple[Case, Fault]] = field(default_factory=list)
    grades: list[Grade] = field(default_factory=list)
    margins: list[float] = field(default_factory=list)
    reductions: list[int] = field(default_factory=list)
    reasons: Counter[str] = field(default_factory=Counter)
    notes: list[str] = field(default_factory=list)
    given_up: str = ""

    def count(
        self, case: Case, observation: Observation, assessment: Assessment, *, is_refusal_due: bool = False
    ) -> None:
        """Count one case. A call that may be refused, or that is invalid, belongs to no part of the problem space."""
        fault = assessment.fault
        if fault is not None and fault.not_called:
            self.given_up = fault.message  # the call was not made: the case counts for nothing, the spec as crashed
            return
        if is_unjudged(observation):
            # to decline a call that may be refused is correct, but shows nothing
            status = "declined" if observation.kind == "declined" and not is_refusal_due else "skipped"
            self.reasons[f"{status}: {observation.message}"] += 1
        else:
            status = fault.status if fault else "passed"
        self.outcomes[status] += 1
        if not is_refusal_due and not case.invalid_call and status != "skipped":
            counts = self.space.setdefault(feature_letters(case.problem, case.layouts), [0, 0, 0])
            counts[2 if status == "declined" else 0] += 1
            counts[1] += fault is not None
        if fault is not None:
            self.faults.append((case, fault))
        if assessment.grade:
            self.grades.append(assessment.grade)
        if assessment.margin is not None:
            self.margins.append(assessment.margin)
            self.reductions.append(assessment.reduction)

    def decline(self, reason: str) -> None:
        """Count the whole spec as one declined case."""
        self.outcomes["declined"] += 1
        self.reasons[f"declined: {reason}"] += 1

    def is_over(self, max_faults: int, uncounted: Sequence[Fault] = ()) -> bool:
        """Return True if no more cases are run, given the faults that are not counted yet."""
        return self.is_abandoned(uncounted) or len(self.faults) + len(uncounted) >= max_faults

    def is_abandoned(self, uncounted: Sequence[Fault] = ()) -> bool:
        """Return True if the spec calls the subject no longer: it was given up, or its process ended too often."""
        ended = self.outcomes["crashed"] + self.outcomes["timed_out"]
        ended += sum(fault.status in ("crashed", "timed_out") for fault in uncounted)
        return bool(self.given_up) or ended >= MAX_ENDED_PROCESSES

    @property
    def judged(self) -> int:
        """Number of cases that were judged."""
        return sum(self.outcomes.values()) - self.outcomes["declined"] - self.outcomes["skipped"]

    def status(self) -> Status:
        """Return the gravest status of the cases; declined or skipped if none was judged."""
        if self.given_up and not self.outcomes["timed_out"]:
            return "crashed"
        counted = [status for status in GRAVITY if self.outcomes[status]]
        judged = [status for status in counted if status not in ("declined", "skipped")]
        return (judged or counted or ["skipped"])[0]

    def reason(self) -> str:
        """Return why the subject was given up, or the most frequent reason of unjudged cases."""
        return self.given_up or next((reason for reason, _ in self.reasons.most_common(1)), "")
