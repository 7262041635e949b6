"""Settings of a judge."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass, field

from convgauge.conformance.cases import Case
from convgauge.conformance.counted import Counted
from convgauge.conformance.history import Histories
from convgauge.conformance.redrawers import Redrawers
from convgauge.domain import Domain
from convgauge.terms import Profile, Tier


class NotApplicable(Exception):
    """The spec does not apply to the subject; the message is the reason."""


@dataclass(frozen=True)
class Setting:
    """Settings of a judge: profile, tier and seed of the run, and its limits.

    Attributes
    ----------
    profile : Profile
        Profile of the run.
    tier : Tier
        Number of cases of a spec.
    seed : int
        Seed of the first case of each group; the following cases have the following seeds.
    only : Case or None
        The one case that is run, for a reproduction.
    target : str
        Implementation, as the command line spells it, for the command that runs a case again.
    wrong_outputs : bool
        Give wrong outputs to every case that passes, and count it as vacuous if it accepts one.
    options : tuple of str
        Further options of that command.
    max_faults : int
        Number of faults of a spec after which no more of its cases are run: enough to locate the failure.
    minimizes : bool
        Reduce the first failing case.
    on_counted : callable or None
        Function that is called with each case that is counted, to show it or to keep it.
    diagnoses : bool
        Keep the cases, and find the causes of failures at the end.
    dtypes : tuple of str
        Dtypes that the run is about; all if it is empty.
    redrawers : Redrawers
        Domain of the implementation, declared and discovered, in which unanswered cases are drawn again.
    histories : Histories
        Calls that the processes of the implementation answered.
    """

    profile: Profile = "functional"
    tier: Tier = "standard"
    seed: int = 0
    only: Case | None = None
    target: str = ""
    wrong_outputs: bool = False
    options: tuple[str, ...] = ()
    max_faults: int = 12
    minimizes: bool = True
    on_counted: Callable[[Counted], None] | None = None
    diagnoses: bool = True
    dtypes: tuple[str, ...] = ()
    redrawers: Redrawers = field(default_factory=Redrawers)
    histories: Histories = field(default_factory=Histories)

    def among_dtypes(self, dtypes: Iterable[str]) -> tuple[str, ...]:
        """Return those of some dtypes that the run is about."""
        return tuple(dtype for dtype in dtypes if not self.dtypes or dtype in self.dtypes)

    @property
    def declared(self) -> Domain:
        """Domain that the implementation declares: a case outside is declined without a call."""
        return self.redrawers.declared
