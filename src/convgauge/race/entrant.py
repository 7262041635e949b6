"""Contestants of one race with their measurements. All times are in seconds."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field

from convgauge.race import statistics as stats
from convgauge.race.clock_audit import ClockAudit
from convgauge.race.contestant import Contestant, Withdrawn
from convgauge.terms import RaceVerdict


@dataclass
class Entrant:
    """Contestant in one race, with its measurements and its verdict; a slow one has a bound on its rounds."""

    contestant: Contestant
    verdict: RaceVerdict | None = None  # None while the entrant is in the race
    reason: str = ""  # of a verdict that needs one
    seconds: list[float] = field(default_factory=list)  # of one call, one value per round
    iterations: int = 1  # calls per sample
    check_seconds: float = 0.0  # of one check, preparation included
    call_seconds: float = 0.0  # of one call after the warm-up
    max_rounds: int | None = None  # None for no bound
    last_tick: int = 0  # number of the last timed call
    prepare_seconds: float | None = None  # None without a preparation
    peak_bytes: int | None = None  # that one call adds; None if not measured
    alone_seconds: float | None = None  # of one call without the other entrants in between
    is_conclusive: bool = False  # True if more rounds would not change the verdict
    ratio: stats.Ratio | None = None  # of its time to the baseline's
    audit: ClockAudit = field(default_factory=ClockAudit)

    @property
    def is_running(self) -> bool:
        """True if it takes part in the next round."""
        has_rounds_left = self.max_rounds is None or len(self.seconds) < self.max_rounds
        return not self.verdict and not self.is_conclusive and has_rounds_left

    def attempt(self, step: Callable[[Entrant], object]) -> None:
        """Take a step unless the entrant has a verdict; withdrawing in the step sets verdict and reason."""
        if self.verdict:
            return
        try:
            step(self)
        except Withdrawn as withdrawn:
            self.verdict, self.reason = withdrawn.verdict, str(withdrawn)


@dataclass(frozen=True)
class Lineup:
    """Entrants of one race: the baseline, its control (a second process of the baseline), and the others."""

    baseline: Entrant
    control: Entrant
    others: tuple[Entrant, ...]

    @classmethod
    def of(cls, contestants: Sequence[Contestant]) -> Lineup:
        """Return the line-up of contestants; the baseline is first and its control second."""
        baseline, control, *others = map(Entrant, contestants)
        return cls(baseline, control, tuple(others))

    @property
    def all(self) -> list[Entrant]:
        """All entrants, the baseline first and its control second."""
        return [self.baseline, self.control, *self.others]

    @property
    def compared(self) -> list[Entrant]:
        """Entrants still being compared; the control if none is left."""
        return [entrant for entrant in self.others if not entrant.verdict] or [self.control]

    def is_reference(self, entrant: Entrant) -> bool:
        """Return True for the baseline and its control, without which there is no race."""
        return entrant is self.baseline or entrant is self.control
