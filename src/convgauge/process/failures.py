"""Failures of worker processes, and the budget after which an implementation is not started again."""

from __future__ import annotations

from dataclasses import dataclass

from convgauge.worker.call import Kind

HANG_WEIGHT = 5
"""Failures that a time-out counts as, since it also costs its seconds."""


class ProcessFailure(Exception):
    """The process ended ("crashed"), did not reply ("timed_out"), or is not started again ("not_called").

    ``printed`` is the text that it printed last. ``disturbs_pipe`` is True if it closed
    the engine's pipe, or wrote other bytes than replies to it. ``signal`` is the number of the signal that it died of,
    or 0.
    """

    def __init__(self, kind: Kind, message: str, *, disturbs_pipe: bool = False, signal: int = 0) -> None:
        super().__init__(message)
        self.kind, self.disturbs_pipe, self.signal = kind, disturbs_pipe, signal
        self.printed = ""


class Cancelled(Exception):
    """The subject was cancelled: the run is over before its specs are."""


@dataclass
class FailureBudget:
    """Failures of the processes of one implementation, which may run in several at once.

    ``max_in_a_row`` is the number of failures without a reply between them after which the implementation is given up:
    two specs of nothing else. ``max_total`` counts all of them: a restart takes half a second with NumPy, and three
    seconds with larger frameworks.
    """

    max_in_a_row: int = 20
    max_total: int = 100
    failures: int = 0
    in_a_row: int = 0
    total: int = 0
    reason: str = ""
    """Reason why the implementation is given up; empty if it is not."""
    has_endless_first_call: bool = False
    """A first call exceeded its own limit (`convgauge.process.first_call`): later ones have that of other calls."""

    def record_failure(self, failure: ProcessFailure) -> None:
        """Count the failure of a process."""
        weight = HANG_WEIGHT if failure.kind == "timed_out" else 1
        self.failures += 1
        self.in_a_row += weight
        self.total += weight
        if not self.reason and (self.in_a_row >= self.max_in_a_row or self.total >= self.max_total):
            row = " in a row" if self.in_a_row >= self.max_in_a_row else ""
            self.reason = f"{self.failures} deaths{row}; the last time it {failure}"

    def record_reply(self) -> None:
        """Count a reply, which ends a row of failures."""
        self.in_a_row = 0

    def record_failed_restart(self, error: Exception) -> None:
        """Give the implementation up because its process cannot be started again."""
        self.reason = f"{self.failures} deaths, as it could not be started again: {error}"
