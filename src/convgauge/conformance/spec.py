"""A spec: one normative sentence with an id, a level, the profile it begins in and a source."""

from __future__ import annotations

import inspect
import re
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any, TypeVar

from convgauge.dtypes import DTYPES, FLOATS
from convgauge.terms import LEVELS, PROFILES, Level, Profile

Test = TypeVar("Test", bound=Callable[..., None])

_ID = re.compile(r"[a-z0-9_]+(\.[a-z0-9_]+)+")


@dataclass(frozen=True)
class Spec:
    """What a test function states. ``dtypes`` are those it is run in, ``quick`` those at the quick tier.

    ``no_mutant_because`` says why it stays though no planted fault is caught by it.
    """

    id: str
    level: Level
    profile: Profile
    source: str
    sentence: str
    chapter: str
    dtypes: tuple[str, ...]
    quick: tuple[str, ...]
    frameworks: tuple[str, ...] = ()
    no_mutant_because: str = ""

    def at(self, tier: str) -> tuple[str, ...]:
        """The dtypes that the spec is run in at a tier."""
        return self.quick if tier == "quick" else self.dtypes


def spec(
    id: str,
    *,
    level: Level = "required",
    profile: Profile = "kernel",
    source: str,
    dtypes: tuple[str, ...] = FLOATS,
    quick: tuple[str, ...] = ("float32",),
    frameworks: tuple[str, ...] = (),
    no_mutant_because: str = "",
) -> Callable[[Test], Test]:
    """Declare a test function as the spec ``id``; its docstring is the normative sentence.

    ``profile`` is the least one that the spec belongs to. ``frameworks`` restricts it to some frameworks' subjects.
    ``no_mutant_because`` is for a spec that catches no fault of the zoo: why it is there all the same.
    Raises `ValueError` for an unknown level, profile or dtype, or a missing sentence.
    """
    if not _ID.fullmatch(id):
        raise ValueError(f"spec id {id!r} is not words joined by dots")
    if level not in LEVELS or profile not in PROFILES:
        raise ValueError(f"spec {id}: level {level!r} or profile {profile!r} is not known")
    if not set(dtypes) <= set(DTYPES):
        raise ValueError(f"spec {id}: dtypes {dtypes} are not all known")

    def declare(test: Test) -> Test:
        sentence = " ".join((inspect.getdoc(test) or "").split())
        if not sentence:
            raise ValueError(f"spec {id} has no docstring, and that is its sentence")
        chapter = Path(inspect.getfile(test)).stem.removeprefix("test_")
        quickly = tuple(dtype for dtype in quick if dtype in dtypes) or dtypes[:1]
        said: Any = test
        said.spec = Spec(id, level, profile, source, sentence, chapter, dtypes, quickly, frameworks, no_mutant_because)
        return test

    return declare
