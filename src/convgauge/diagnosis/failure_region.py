"""Regions of failures: the shortest rule that holds for every failing case and for no other."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from convgauge.diagnosis.atom import Atom
from convgauge.diagnosis.atoms import atoms
from convgauge.diagnosis.features import Bools, Fields, Table
from convgauge.diagnosis.regions import find_rules

MAX_CONDITIONS = 3
"""Conditions of a rule; most faults need two or three parameters to show (Kuhn, Wallace and Gallo 2004)."""


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

    @property
    def cost(self) -> float:
        """Complexity of the rule."""
        return sum(atom.cost for atom in self.conditions)

    def contains(self, fields: Mapping[str, object]) -> bool:
        """Return True if a case meets the rule."""
        table = Table([fields])
        return all(bool(atom.holds(table)[0]) for atom in self.conditions)


class RegionSearch:
    """Search for regions among the cases of a table.

    Parameters
    ----------
    rows : sequence of mappings
        Fields of cases (`convgauge.domain`, and those of `FURTHER_FIELDS`).
    """

    def __init__(self, rows: Sequence[Fields]) -> None:
        self._table = Table(rows)
        self._atoms = atoms(self._table)
        self._holds = np.array([atom.holds(self._table) for atom in self._atoms], np.bool_)
        self._costs = np.array([atom.cost for atom in self._atoms])

    def find(self, inside: Bools, outside: Bools) -> Region | None:
        """Return the shortest rule that all cases inside meet and none outside; None if there is no short one."""
        chosen = np.flatnonzero(inside | outside)
        rules = find_rules(self._holds[:, chosen], self._costs, inside[chosen])
        if rules.unexplained or len(rules.rules) > MAX_CONDITIONS:
            return None
        conditions = tuple(self._atoms[rule] for rule in rules.rules)
        words = " and ".join(atom.expression for atom in conditions)
        return Region(words, words, conditions)


def find_region(inside: Sequence[Fields], outside: Sequence[Fields]) -> Region | None:
    """Return the shortest rule that all cases inside meet and none outside; None if there is no short one.

    Parameters
    ----------
    inside, outside : sequences of mappings
        Fields of cases (`convgauge.domain`, and those of `FURTHER_FIELDS`).
    """
    is_inside = np.arange(len(inside) + len(outside)) < len(inside)
    return RegionSearch([*inside, *outside]).find(is_inside, ~is_inside)
