"""Regions of failures: the shortest rule that holds for every failing case and for no other."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from convgauge.diagnosis.atom import Atom
from convgauge.diagnosis.features import Fields


@dataclass(frozen=True)
class Region:
    """Cases that meet all conditions of a rule.

    Attributes
    ----------
    expression : str
        The rule, in the language of `convgauge.domain`; "" if a condition is on a field that it has not.
    sentence : str
        The rule in words: "padding differs by axis and stride > 1"; "" if it is met by every case.
    conditions : tuple of Atom
        Conditions.
    """

    expression: str = ""
    sentence: str = ""
    conditions: tuple[Atom, ...] = ()

    def contains(self, fields: Mapping[str, object]) -> bool:
        """Return True if a case meets the rule."""
        raise NotImplementedError


def find_region(inside: Sequence[Fields], outside: Sequence[Fields]) -> Region | None:
    """Return the shortest rule that all cases inside meet and none outside; None if there is no short one.

    Parameters
    ----------
    inside, outside : sequences of mappings
        Fields of cases (`convgauge.domain`, and those of `FURTHER_FIELDS`).
    """
    raise NotImplementedError
