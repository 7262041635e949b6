"""Mechanisms: hypotheses of what an implementation computes instead of a convolution, and how they are declared.

Each file of `convgauge.diagnosis.mechanisms` declares one family. A mechanism is a function of a plan and a sample that
returns the plan as the faulty kernel reads it::

    @mechanism(MechanismKind.SWAPPED_AXES, "padding: rows and columns are swapped")
    def padding_axes_swapped(plan: Plan, sample: Sample) -> Plan | None:
        return replace(plan, pads=plan.pads[::-1])

A mechanism with a parameter (the block size of a tail) is a family: a function of the samples that yields mechanisms,
and may read the parameter off the failing ones.
"""

from __future__ import annotations

import contextlib
import importlib
import pkgutil
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from functools import cache

from convgauge.diagnosis.cause import topic_of
from convgauge.diagnosis.kinds import MechanismKind
from convgauge.diagnosis.plan import NoOutputError, Plan, TooExpensiveError
from convgauge.diagnosis.sample import Sample

Change = Callable[[Plan, Sample], "Plan | None"]
"""Function that returns the plan as a faulty kernel reads it; None if the mechanism has no meaning for the call."""


Test = Callable[[Plan, Sample], bool]
"""Function of a changed plan and a sample."""


@dataclass(frozen=True)
class Mechanism:
    """A hypothesis.

    Attributes
    ----------
    slug : str
        Name in records: "padding_axes_swapped".
    kind : MechanismKind
        Kind, of the list that mutants use as well.
    sentence : str
        What the kernel does, after a topic: "padding: rows and columns are swapped".
    change : callable
        Function of (plan, sample).
    cost : float
        Complexity: of two mechanisms that predict the same, the one of the lower cost is named.
    fits : callable or None
        Function of (changed plan, failing sample): True if the sample is what the mechanism predicts. None for
        `Sample.fits`. A mechanism that predicts a range of outputs, and not one, has a test of its own.
    differs : callable or None
        Function of (changed plan, passing sample): True if the sample shows that the mechanism is not active. None for
        `Sample.differs`.
    """

    slug: str
    kind: MechanismKind
    sentence: str
    change: Change
    cost: float = 1.0
    fits: Test | None = None
    differs: Test | None = None

    @property
    def topic(self) -> str:
        """Subject of the sentence: "padding"."""
        return topic_of(self.sentence)


Family = Callable[[Sequence[Sample]], Iterator[Mechanism]]
"""Function of the samples, failing and passing, that yields mechanisms with their parameters filled in."""

UNFIT = (TypeError, ValueError, LookupError, ArithmeticError, AttributeError)
"""Raised by a change or a family that does not suit a plan: the mechanism has no meaning for the call."""

_MECHANISMS: list[Mechanism] = []
_FAMILIES: list[Family] = []


def declare(each: Mechanism) -> None:
    """Declare a mechanism that a table or a loop describes."""
    _MECHANISMS.append(each)


def mechanism(kind: MechanismKind, sentence: str, *, cost: float = 1.0) -> Callable[[Change], Change]:
    """Declare a mechanism; the name of the function is its slug."""

    def decorate(change: Change) -> Change:
        declare(Mechanism(change.__name__, kind, sentence, change, cost))
        return change

    return decorate


def family(propose: Family) -> Family:
    """Declare a family of mechanisms that have a parameter."""
    _FAMILIES.append(propose)
    return propose


@cache
def _load() -> None:
    from convgauge.diagnosis import mechanisms

    for module in pkgutil.iter_modules(mechanisms.__path__):
        importlib.import_module(f"{mechanisms.__name__}.{module.name}")


def library(samples: Sequence[Sample] = ()) -> list[Mechanism]:
    """Return every mechanism, those of the families for the given samples included, the simplest first.

    A family that samples of an unusual form lead to an error proposes no further mechanism.
    """
    _load()
    proposed: list[Mechanism] = []
    for propose in _FAMILIES if samples else ():
        with contextlib.suppress(*UNFIT, NoOutputError, TooExpensiveError):
            proposed.extend(propose(samples))
    return sorted([*_MECHANISMS, *proposed], key=lambda each: each.cost)
