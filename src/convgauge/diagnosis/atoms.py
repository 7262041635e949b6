"""Atoms that the values of a table suggest, the simplest first.

An atom is a condition that an implementation may require. Its expression is one of `convgauge.domain`. Its sentence
names the cases that do not meet it: "groups > 1".
"""

from __future__ import annotations

from collections.abc import Iterable

import numpy as np

from convgauge.diagnosis.atom import NUMBER, PER_MEMBER, PLAIN, Atom, Test
from convgauge.diagnosis.features import COUNTS, OPERAND_LAYOUTS, Bools, Table
from convgauge.diagnosis.numbers import axis_atoms, count_atoms
from convgauge.diagnosis.relations import relation_atoms
from convgauge.diagnosis.spellings import switch_atoms, word_atoms

MAX_MEMBERS = 6
"""Values that a set in an expression may have; a longer set repeats the sample instead of a rule."""

ALTERNATIVE = 1.0
"""Surcharge of an alternative of two atoms."""


def atoms(table: Table) -> list[Atom]:
    """Return the atoms that some cases of a table meet and others do not, the simplest first."""
    proposed = [*count_atoms(table), *axis_atoms(table), *relation_atoms(), *switch_atoms(), *word_atoms(table)]
    return sorted((atom for atom in proposed if _divides(atom, table)), key=lambda atom: atom.cost)


def _divides(atom: Atom, table: Table) -> bool:
    holds = atom.holds(table)
    return bool(holds.any() and not holds.all())


def memberships(table: Table, is_positive: Bools) -> list[Atom]:
    """Return the atoms "the field is one of the values of the positive cases", for each field with few of them."""
    proposed = []
    for name, other in (("dtype", "dtype {}"), *((layout, "") for layout in OPERAND_LAYOUTS)):
        sentence = other or f"layout {{}} of the {OPERAND_LAYOUTS[name]}"
        proposed += _membership(table, is_positive, name, sentence)
    for name in ("kernel", *COUNTS, "kernel_h", "kernel_w", "height", "width"):
        if name in table.names:
            proposed += _membership(table, is_positive, name, "")
    return [atom for atom in proposed if _divides(atom, table)]


def _membership(table: Table, is_positive: Bools, name: str, sentence: str) -> list[Atom]:
    values = table.values(name)
    members = sorted({value for value, positive in zip(values, is_positive, strict=True) if positive}, key=repr)
    others = sorted({value for value in values if value not in members}, key=repr)
    if not members or not others or len(members) > MAX_MEMBERS:
        return []
    if len(members) == 1 and name not in ("dtype", *OPERAND_LAYOUTS):
        expression, words = f"{name} == {members[0]!r}", f"{name} other than {_value(members[0])}"
    else:
        expression = f"{name} in ({', '.join(map(repr, members))}{',' if len(members) == 1 else ''})"
        words = f"{name} other than {_list(map(_value, members))}"
    if sentence and len(others) <= 2:
        words = sentence.format(" or ".join(map(str, others))).replace("dtype ", "")
    is_plain = name == "dtype" or len(members) == 1
    cost = PLAIN + 0.1 * len(members) if is_plain else NUMBER + PER_MEMBER * len(members)
    return [Atom(expression, words, cost, lambda t: np.array([value in members for value in t.values(name)], np.bool_))]


def _value(value: object) -> str:
    return "×".join(map(str, value)) if isinstance(value, tuple) else str(value)


def _list(words: Iterable[str]) -> str:
    *first, last = words
    return f"{', '.join(first)} or {last}" if first else last


def alternatives(pairs: Iterable[tuple[Atom, Atom]]) -> list[Atom]:
    """Return the atoms of which one or the other must be met: the interactions of two fields."""
    return [
        Atom(
            f"{first.expression} or {second.expression}",
            f"{first.sentence} with {second.sentence}",
            first.cost + second.cost + ALTERNATIVE,
            _either(first, second),
        )
        for first, second in pairs
    ]


def _either(first: Atom, second: Atom) -> Test:
    return lambda table: first.holds(table) | second.holds(table)
