"""Finding about one mutant or correct build: the causes that were named for it."""

from __future__ import annotations

from dataclasses import dataclass, field

from convgauge.diagnosis.kinds import MechanismKind

OBSERVED = frozenset(
    {
        MechanismKind.ACCEPTS_INVALID,
        MechanismKind.REFUSES_VALID,
        MechanismKind.CRASH,
        MechanismKind.HANG,
        MechanismKind.NONDETERMINISTIC,
        MechanismKind.MUTATES_OPERANDS,
        MechanismKind.GLOBAL_STATE,
    }
)
"""Kinds of causes that a call shows by itself: no mechanism is inferred."""


@dataclass
class NamedCause:
    """A cause as it is recorded: its mechanism and kind are empty if no mechanism fits."""

    mechanism: str
    kind: str
    sentence: str
    region: str
    specs: int = 0
    cases: int = 0

    def __str__(self) -> str:
        named = f"{self.mechanism} ({self.kind})" if self.mechanism else "no mechanism"
        return f"{named}: {self.sentence}" + (f" [{self.region}]" if self.region else "")


@dataclass
class DiagnosisFinding:
    """Result of one mutant or correct build.

    Attributes
    ----------
    name : str
        Mutant or correct build.
    faulty : bool
        False for a correct build.
    kinds : list of str
        Kinds of mechanism that describe its fault: the one that it declares first.
    due : bool
        False if the mutant need not be killed at the tier.
    has_failed : bool
        A spec failed it.
    has_candidate : bool
        A mechanism of one of its kinds has a meaning for one of its failing cases.
    causes : list of NamedCause
        Causes, the first one first.
    failing, unexplained : int
        Specs that failed, and those of them that no cause explains.
    remark : str
        Sentence about all failures.
    text : list of str
        Lines that a check prints at its end.
    seconds, cpu_seconds : float
        Time of the diagnosis, by the clock and of this process's processor.
    check_seconds : float
        Time of the whole check.
    not_run : str
        Why the implementation cannot be loaded; "" if it can.
    error : str
        How the check or its diagnosis ended without a result; "" if it has one.
    fingerprint : str
        Digest of the mutant's files, the specification and the diagnosis.
    """

    name: str
    faulty: bool
    kinds: list[str] = field(default_factory=list)
    due: bool = True
    has_failed: bool = False
    has_candidate: bool = False
    causes: list[NamedCause] = field(default_factory=list)
    failing: int = 0
    unexplained: int = 0
    remark: str = ""
    text: list[str] = field(default_factory=list)
    seconds: float = 0.0
    cpu_seconds: float = 0.0
    check_seconds: float = 0.0
    not_run: str = ""
    error: str = ""
    fingerprint: str = ""

    @property
    def is_judged(self) -> bool:
        """True if the finding counts: the implementation could be loaded, and it is due at the tier or failed."""
        return not self.not_run and (self.due or self.has_failed)

    @property
    def has_one_cause(self) -> bool:
        """True if one cause is named for the one fault, be it a mechanism or a region."""
        return len(self.causes) == 1

    @property
    def has_one_whole_cause(self) -> bool:
        """True if one cause explains all specs that failed."""
        return self.has_one_cause and not self.unexplained

    @property
    def is_right_first(self) -> bool:
        """True if the first cause is a mechanism of the mutant's kind."""
        return bool(self.causes) and self.causes[0].kind in self.kinds

    @property
    def false_causes(self) -> list[NamedCause]:
        """Mechanisms that are named although they are not of the mutant's kind; all causes of a correct build.

        What was observed, such as an invalid call that was answered, is no inference and cannot be false.
        """
        if not self.faulty:
            return self.causes
        accepted = {*self.kinds, *OBSERVED}
        return [cause for cause in self.causes if cause.mechanism and cause.kind not in accepted]
