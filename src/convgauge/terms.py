"""Closed sets of words: profiles, tiers, levels, statuses, grades and verdicts."""

from __future__ import annotations

from typing import Literal, get_args

Profile = Literal["kernel", "functional", "training", "torch"]
PROFILES: tuple[Profile, ...] = get_args(Profile)
"""Profiles, each of which contains those before it."""

Tier = Literal["quick", "standard", "exhaustive"]
TIERS: tuple[Tier, ...] = get_args(Tier)
"""Tiers, from the fewest cases to the most."""

Level = Literal["required", "recommended"]
LEVELS: tuple[Level, ...] = get_args(Level)

Grade = Literal["A", "B", "C", "F", ""]
GRADES: tuple[Grade, ...] = get_args(Grade)
"""Grades of accuracy, from the best to the worst; "" if no accuracy was measured."""

Verdict = Literal["conformant", "conformant with declines", "nonconformant", "unjudged"]
VERDICTS: tuple[Verdict, ...] = get_args(Verdict)


def includes(profile: Profile, other: Profile) -> bool:
    """Return True if ``profile`` contains the specs of ``other``."""
    return PROFILES.index(other) <= PROFILES.index(profile)
