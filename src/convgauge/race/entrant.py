"""Contestants of one race with their measurements. All times are in seconds."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field

from convgauge.race import statistics as stats
from convgauge.race.clock_audit import ClockAudit
from convgauge.race.contestant import Contestant, Withdrawn
from convgauge.race.lanes import FULL_PRECISION, Lane
from convgauge.terms import RaceVerdict


@dataclass
class Entrant:
    """Contestant in one race, with its measurements and its verdict."""

    contestant: Contestant
    verdict: RaceVerdict | None = None  # None while the entrant is in the race
    reason: str = ""  # of a verdict that needs one
    lives: list[list[float]] = field(default_factory=list)  # of each life, seconds of one call in each round
    is_alive: bool = False  # True while a life runs
    iterations: int = 1  # calls per sample
    check_seconds: float = 0.0  # of one check, preparation included
    call_seconds: float = 0.0  # of one call after the warm-up
    max_rounds: int = 1  # of one life
    last_tick: int = 0  # number of the last timed call
    prepare_seconds: float | None = None  # None without a preparation
    peak_bytes: int | None = None  # that one call adds; None if not measured
    alone_seconds: float | None = None  # of one call without the other entrants in between
    disturbance: float = 1.0  # factor by which the race slows it, over the baseline's
    lane: Lane = FULL_PRECISION  # precision that was measured
    precision: float = 0.0  # typical error relative to the output's root mean square
    explanation: str = ""  # of the choices that it made
    is_conclusive: bool = False  # True if more lives would not change the verdict
    ratio: stats.Ratio | None = None  # of its time to the baseline's
    audit: ClockAudit = field(default_factory=ClockAudit)

    @property
    def seconds(self) -> list[float]:
        """Seconds of one call in each round, of all lives."""
        return [seconds for life in self.lives for seconds in life]

    @property
    def sample_seconds(self) -> float:
        """Predicted seconds of one sample."""
        return self.iterations * max(1e-7, self.call_seconds)

    @property
    def is_undecided(self) -> bool:
        """True if it needs more lives."""
        return not self.verdict and not self.is_conclusive

    @property
    def has_rounds_left(self) -> bool:
        """True if it takes part in the next round."""
        return self.is_alive and not self.verdict and len(self.lives[-1]) < self.max_rounds

    def begin_life(self) -> None:
        """Begin the next life. Raises `Withdrawn`."""
        self.lives.append([])
        self.is_alive = True
        self.contestant.begin_life(len(self.lives) - 1)

    def end_life(self) -> None:
        """End the life that runs, if there is one."""
        if self.is_alive:
            self.is_alive = False
            self.contestant.end_life()

    def attempt_alive(self, step: Callable[[Entrant], object]) -> None:
        """Take a step as `attempt` does, if a life runs."""
        if self.is_alive:
            self.attempt(step)

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
