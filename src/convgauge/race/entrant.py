"""Contestants of one race with their measurements. All times are in seconds."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field

from convgauge.race import statistics as stats
from convgauge.race.clock_audit import ClockAudit
from convgauge.race.contestant import Contestant, Out
from convgauge.terms import RaceVerdict


@dataclass
class Entrant:
    """Contestant in one race, with its measurements and its verdict.

    Parameters
    ----------
    contestant : Contestant
        Process that makes the calls.
    verdict : RaceVerdict or None
        None while the entrant is in the race.
    reason : str
        Reason for a verdict that needs one.
    seconds : list of float
        Seconds of one call, one value per round.
    iterations : int
        Calls per sample.
    check_seconds : float
        Seconds of one check, preparation included.
    call_seconds : float
        Seconds of one call after the warm-up.
    max_rounds : int or None
        Rounds after which a slow entrant is left out; None for no bound.
    last_tick : int
        Number of the last timed call.
    prepare_seconds : float or None
        Seconds of one preparation; None without one.
    peak_bytes : int or None
        Bytes that one call adds at its peak; None if not measured.
    alone_seconds : float or None
        Seconds of one call without the other entrants in between.
    is_conclusive : bool
        True if more rounds would not change the verdict.
    ratio : Ratio or None
        Time over the baseline's.
    audit : ClockAudit
        Samples by clocks outside the contestant's process.
    """

    contestant: Contestant
    verdict: RaceVerdict | None = None
    reason: str = ""
    seconds: list[float] = field(default_factory=list)
    iterations: int = 1
    check_seconds: float = 0.0
    call_seconds: float = 0.0
    max_rounds: int | None = None
    last_tick: int = 0
    prepare_seconds: float | None = None
    peak_bytes: int | None = None
    alone_seconds: float | None = None
    is_conclusive: bool = False
    ratio: stats.Ratio | None = None
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
        except Out as out:
            self.verdict, self.reason = out.verdict, str(out)


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
