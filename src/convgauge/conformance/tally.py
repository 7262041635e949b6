"""Tally of a spec: outcomes of its cases, and the status and the reason that they add up to."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from typing import Literal

from convgauge.conformance.cases import Case
from convgauge.conformance.checks import is_unjudged
from convgauge.conformance.features import feature_letters
from convgauge.conformance.limits import Limit, attribute, error_text, merged
from convgauge.reference.assessment import Assessment
from convgauge.reference.compare import Fault
from convgauge.registry.signature import UnsupportedArgument
from convgauge.terms import GRAVITY, UNANSWERED, Grade, Status
from convgauge.worker.call import Observation

MAX_ENDED_PROCESSES = 2
"""Cases of a spec that may end the subject's process: all specs together share its failure budget."""

Population = Literal["valid", "redrawn", "invalid", "optional", "concluded"]
"""Population that a case belongs to.

- "valid": a valid case, as it is drawn for every implementation.
- "redrawn": a further valid case, drawn where this implementation answers.
- "invalid": a call that is an error.
- "optional": a call that may be refused and may be answered.
- "concluded": no call, but a conclusion of the spec from earlier outputs.
"""

REFUSAL_DUE: tuple[Population, ...] = ("invalid", "optional")
"""Populations in which an exception passes."""


@dataclass
class Tally:
    """Counts of one spec's cases.

    Attributes
    ----------
    outcomes : Counter
        Number of cases by status.
    space : dict
        Number of cases that were judged, failed and were not answered, by the features of their problems.
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
    adaptations : dict
        Sentences on how the calls were adapted; the values are not used.
    given_up : str
        Reason why the subject is no longer called, or "".
    undrawn : str
        Reason why no cases were drawn in the place of those that were not answered, or "".
    valid, answered : int
        Number of valid cases as drawn for every implementation, and of those that gave an output.
    redrawn, invalid : int
        Number of redrawn cases, and of invalid calls that were refused or answered.
    redrawn_dtype : str
        Dtype of the redrawn cases if it is not the spec's, or "".
    declines : Counter
        Number of declined cases, by reason.
    refused : list
        Cases that were refused, with the exceptions.
    comparisons, differences : int
        Outputs that were compared bit for bit, and those of them that differ.
    """

    outcomes: Counter[str] = field(default_factory=Counter)
    space: dict[str, list[int]] = field(default_factory=dict)
    faults: list[tuple[Case, Fault]] = field(default_factory=list)
    grades: list[Grade] = field(default_factory=list)
    margins: list[float] = field(default_factory=list)
    reductions: list[int] = field(default_factory=list)
    reasons: Counter[str] = field(default_factory=Counter)
    notes: list[str] = field(default_factory=list)
    adaptations: dict[str, None] = field(default_factory=dict)
    given_up: str = ""
    undrawn: str = ""
    valid: int = 0
    answered: int = 0
    redrawn: int = 0
    invalid: int = 0
    redrawn_dtype: str = ""
    declines: Counter[str] = field(default_factory=Counter)
    refused: list[tuple[Case, str]] = field(default_factory=list)
    comparisons: int = 0
    differences: int = 0

    def count(
        self, case: Case, observation: Observation, assessment: Assessment, population: Population = "valid"
    ) -> None:
        """Count one case. A call that may be refused, or that is invalid, belongs to no part of the problem space."""
        fault = assessment.fault
        self.adaptations.update(dict.fromkeys(observation.adaptations))
        if fault is not None and fault.not_called:
            self.given_up = fault.message  # the call was not made: the case counts for nothing, the spec as crashed
            return
        status = _status(observation, fault, population)
        if status in ("skipped", *UNANSWERED):
            self.reasons[f"{status}: {_reason(observation)}"] += 1
        if status == "declined":
            self.declines[observation.message] += 1
        elif status == "refused":
            self.refused.append((case, error_text(observation.error, observation.message)))
        self.outcomes[status] += 1
        self._count_population(population, status, is_answer=observation.kind == "answer")
        if population not in REFUSAL_DUE and not case.invalid_call and status != "skipped":
            self._count_in_space(case, status, is_fault=fault is not None)
        if fault is not None:
            self.faults.append((case, fault))
        self.comparisons += assessment.comparisons
        self.differences += assessment.differences
        if assessment.grade:
            self.grades.append(assessment.grade)
        if assessment.margin is not None:
            self.margins.append(assessment.margin)
            self.reductions.append(assessment.reduction)

    def _count_population(self, population: Population, status: Status, *, is_answer: bool) -> None:
        if status == "skipped":
            return
        if population == "valid":
            self.valid += 1
            self.answered += is_answer
        elif population == "redrawn":
            self.redrawn += 1
        elif population == "invalid":
            self.invalid += 1

    def _count_in_space(self, case: Case, status: Status, *, is_fault: bool) -> None:
        counts = self.space.setdefault(feature_letters(case.problem, case.layouts), [0, 0, 0])
        counts[2 if status in UNANSWERED else 0] += 1
        counts[1] += is_fault

    def decline(self, case: Case, reason: str, population: Population = "valid") -> None:
        """Count a case that is not called, because it is outside the declared domain."""
        self.decline_all(int(population == "valid"), reason)
        if population == "valid":
            self._count_in_space(case, "declined", is_fault=False)

    def decline_all(self, valid: int, reason: str) -> None:
        """Count all cases of the spec as declined, of which ``valid`` are valid; at least one counts."""
        count = max(valid, 1)
        self.valid += valid
        self.outcomes["declined"] += count
        self.reasons[f"declined: {reason}"] += count
        self.declines[reason] += count

    def refusals(self, limits: Iterable[Limit] = (), device: str = "cpu") -> Counter[str]:
        """Return the number of refused and declined cases by limit, or by reason if no limit explains a case.

        Parameters
        ----------
        limits
            Limits of the subject.
        device
            Device of the calls.
        """
        limits = tuple(limits)
        counts = Counter(attribute(limits, case.fields(device), error) for case, error in self.refused)
        return merged(counts) + self.declines

    def note_undrawn(self, reason: str) -> None:
        """Record why no cases inside the domain replace those that were not answered."""
        self.undrawn = reason

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
        return sum(count for status, count in self.outcomes.items() if status not in ("skipped", *UNANSWERED))

    def status(self) -> Status:
        """Return the gravest status of the cases; refused, declined or skipped if none was judged."""
        if self.given_up and not self.outcomes["timed_out"]:
            return "crashed"
        counted = [status for status in GRAVITY if self.outcomes[status]]
        judged = [status for status in counted if status not in ("skipped", *UNANSWERED)]
        return (judged or counted or ["skipped"])[0]

    def reason(self) -> str:
        """Return why the subject was given up, or the most frequent reason of unjudged cases."""
        reason = next((reason for reason, _ in self.reasons.most_common(1)), "")
        return self.given_up or "; ".join(filter(None, (reason, "" if self.judged else self.undrawn)))


def _status(observation: Observation, fault: Fault | None, population: Population) -> Status:
    """Return the status of a case."""
    if fault is not None:
        return fault.status
    if not is_unjudged(observation):
        return "passed"
    if observation.kind == "declined" and population not in REFUSAL_DUE:
        return "declined"
    if observation.kind != "refused":
        return "skipped"
    if population not in REFUSAL_DUE:
        return "refused"
    # a call that is not implemented is refused rightly, which shows nothing about the check of its arguments
    return "skipped" if "NotImplementedError" in observation.error else "passed"


def _reason(observation: Observation) -> str:
    """Return the message of a call that gave no output, after the class of its exception if the kernel raised it."""
    name, message = "".join(observation.error[:1]), observation.message
    if name == UnsupportedArgument.__name__:
        return message
    # an exception without a text has its line alone for a message
    return f"{name}: {message}" if name and message.strip() and not message.startswith(" (") else name + message
