"""Closed sets of words: profiles, tiers, levels, statuses, grades and verdicts."""

from __future__ import annotations

from enum import IntEnum
from typing import Literal, get_args

Profile = Literal["kernel", "functional", "training", "torch"]
PROFILES: tuple[Profile, ...] = get_args(Profile)
"""Profiles, each of which contains those before it."""

Tier = Literal["quick", "standard", "exhaustive"]
TIERS: tuple[Tier, ...] = get_args(Tier)
"""Tiers, from the fewest cases to the most."""

Level = Literal["required", "recommended"]
LEVELS: tuple[Level, ...] = get_args(Level)

Status = Literal[
    "crashed", "timed_out", "errored", "failed", "vacuous", "xpassed", "xfailed", "declined", "skipped", "passed"
]
GRAVITY: tuple[Status, ...] = get_args(Status)
"""Statuses of a spec, gravest first; no two of them are ever merged. A vacuous spec has a case that cannot fail."""

FAULTS: tuple[Status, ...] = GRAVITY[: GRAVITY.index("xfailed")]
"""Statuses that make an implementation nonconformant if the spec is required."""

Grade = Literal["A", "B", "C", "F", ""]
GRADES: tuple[Grade, ...] = get_args(Grade)
"""Grades of accuracy, from the best to the worst; "" if no accuracy was measured."""

Verdict = Literal["conformant", "conformant with declines", "nonconformant", "unjudged"]
VERDICTS: tuple[Verdict, ...] = get_args(Verdict)

RaceVerdict = Literal["baseline", "faster", "same", "slower", "undecided", "wrong", "declined", "failed", "absent"]
"""Verdicts of one implementation's race on one problem."""

RACE_VERDICTS: tuple[RaceVerdict, ...] = get_args(RaceVerdict)

RANKED: tuple[RaceVerdict, ...] = RACE_VERDICTS[: RACE_VERDICTS.index("wrong")]
"""Verdicts of an implementation whose outputs were right and which was timed."""


class ExitStatus(IntEnum):
    """Exit status of a command; the numbers are those of pytest."""

    REACHED = 0
    NOT_REACHED = 1
    INTERRUPTED = 2
    INTERNAL_ERROR = 3
    USAGE_ERROR = 4
    NOTHING_EXECUTED = 5


def includes(profile: Profile, other: Profile) -> bool:
    """Return True if ``profile`` contains the specs of ``other``."""
    return PROFILES.index(other) <= PROFILES.index(profile)
