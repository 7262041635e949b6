"""Specs: normative sentences, each with an id, a level, a profile and a source."""

from __future__ import annotations

import inspect
import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, TypeVar

from convgauge.conformance.traits import TRAITS
from convgauge.dtypes import DTYPES, FLOATS
from convgauge.registry import AXES
from convgauge.terms import LEVELS, PROFILES, Level, Profile, Tier

Test = TypeVar("Test", bound=Callable[..., None])

_ID = re.compile(r"[a-z0-9_]+(\.[a-z0-9_]+)+")


@dataclass(frozen=True)
class Spec:
    """Statement of a test function.

    Attributes
    ----------
    id : str
        Words joined by dots.
    level : {"required", "recommended", "measured"}
        Consequence of a fault.
    profile : Profile
        Smallest profile that contains the spec.
    source : str
        Standard, paper or documentation that the sentence follows.
    sentence : str
        Normative sentence, the docstring of the test function.
    chapter : str
        Name of the test module without "test_".
    dtypes, quick : tuple of str
        Dtypes that the spec runs in, and those at the quick tier.
    frameworks : tuple of str
        Frameworks of the subjects that the spec applies to; all if it is empty.
    no_mutant_because : str
        Reason why no mutant fails the spec, or "".
    keeps : tuple of str or None
        Traits (`convgauge.conformance.traits`) that a redrawn case keeps; those of the chapter if None.
    axis : str
        Axis of reproducibility that the spec measures, or "". It is required of a subject that declares the axis.
    tier : {"quick", "standard", "exhaustive"}
        Smallest tier at which the spec is due.
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
    keeps: tuple[str, ...] | None = None
    axis: str = ""
    tier: Tier = "quick"

    def at(self, tier: str) -> tuple[str, ...]:
        """Return the dtypes that the spec runs in at a tier."""
        return self.quick if tier == "quick" else self.dtypes

    def required_if(self, axes: Sequence[str]) -> Spec:
        """Return the spec for a subject that declares some axes of reproducibility: it is required if one is its."""
        return replace(self, level="required") if self.axis and self.axis in axes else self


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
    keeps: tuple[str, ...] | None = None,
    axis: str = "",
    tier: Tier = "quick",
) -> Callable[[Test], Test]:
    """Declare a test function as a spec; its docstring is the normative sentence.

    Parameters
    ----------
    id : str
        Lower-case words joined by dots.
    level : {"required", "recommended", "measured"}
        A fault of a required spec makes the verdict wrong. A measured spec has an axis.
    profile : {"kernel", "functional", "training", "torch"}
        Smallest profile that contains the spec.
    source : str
        Standard, paper or documentation that the sentence follows.
    dtypes : tuple of str
        Dtypes that the spec runs in.
    quick : tuple of str
        Dtypes that it runs in at the quick tier; those that are not in ``dtypes`` are ignored.
    frameworks : tuple of str
        Frameworks of the subjects that the spec applies to; all by default.
    no_mutant_because : str
        Reason why no mutant fails the spec.
    keeps : tuple of str, optional
        Traits that a case keeps if it is drawn again inside the domain of an implementation
        (`convgauge.conformance.traits.TRAITS`); those of the chapter by default.
    axis : str
        Axis of reproducibility that the spec measures (`convgauge.registry.AXES`).
    tier : {"quick", "standard", "exhaustive"}
        Smallest tier at which the spec is due: a later one for a spec whose cases take a large part of a second each.

    Raises
    ------
    ValueError
        If the id, level, profile, a dtype or a trait is unknown, or the docstring is missing.
    """
    if not _ID.fullmatch(id):
        raise ValueError(f"spec id {id!r} is not words joined by dots")
    if level not in LEVELS or profile not in PROFILES:
        raise ValueError(f"spec {id}: level {level!r} or profile {profile!r} is not known")
    if (level == "measured") != (axis in AXES):
        raise ValueError(f"spec {id}: a measured spec has an axis, one of {', '.join(AXES)}, and others have none")
    if not set(dtypes) <= set(DTYPES):
        raise ValueError(f"spec {id}: dtypes {dtypes} are not all known")
    if not set(keeps or ()) <= set(TRAITS):
        raise ValueError(f"spec {id}: keeps {keeps} are not all known: the traits are {', '.join(TRAITS)}")

    def declare(test: Test) -> Test:
        sentence = " ".join((inspect.getdoc(test) or "").split())
        if not sentence:
            raise ValueError(f"spec {id} has no docstring, and that is its sentence")
        chapter = Path(inspect.getfile(test)).stem.removeprefix("test_")
        quickly = tuple(dtype for dtype in quick if dtype in dtypes) or dtypes[:1]
        declared: Any = test
        declared.spec = Spec(
            id, level, profile, source, sentence, chapter, dtypes, quickly, frameworks, no_mutant_because, keeps,
            axis, tier,
        )  # fmt: skip
        return test

    return declare
