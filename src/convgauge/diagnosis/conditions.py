"""Conditions of regions of failures that the values of a table suggest: each atom, its contrary, and the categories."""

from __future__ import annotations

import re
from collections.abc import Iterator
from functools import cache

from convgauge.diagnosis.atom import BOUND, NUMBER, PLAIN, Atom, Test
from convgauge.diagnosis.categories import CATEGORIES
from convgauge.diagnosis.condition import Condition, in_words
from convgauge.diagnosis.features import AXES, COUNTS, PRODUCTS, Table
from convgauge.diagnosis.numbers import atoms_of_axes, number_atoms
from convgauge.diagnosis.relations import Relation, relation_atoms
from convgauge.diagnosis.spellings import switch_atoms

ABSENCE = 0.1
"""Surcharge of the absence of a feature (one group, no padding): faults show where a feature is present."""

MULTIPLE = 0.5
"""Surcharge of sizes that are a multiple of a block, and of a block that is no power of two: both are rare faults."""

SPELLING = 0.3
"""Surcharge of the spelling of an argument: cases tend to spell arguments with equal axes in another way."""

_SWITCHES = (0, 1)
"""Values at which a number is like a switch: no padding, one group."""

_RELATIONS = (
    Relation(
        "batch == out_channels",
        "",
        NUMBER,
        lambda n, o: n == o,
        ("batch", "out_channels"),
        "as many images as output channels",
    ),
    Relation(
        "out_channels == out_w",
        "",
        NUMBER,
        lambda o, w: o == w,
        ("out_channels", "out_w"),
        "as many output channels as columns",
    ),
)

_AXIS_RELATIONS = (
    Relation(
        "size == kernel",
        "",
        NUMBER,
        lambda x, k: x == k,
        ("size", "kernel"),
        "a kernel of the size of the image",
    ),
    Relation(
        "padding > size",
        "",
        BOUND,
        lambda p, x: p > x,
        ("padding", "size"),
        "padding above the size of the image",
    ),
)


def conditions(table: Table) -> list[Condition]:
    """Return the conditions that the values of a table suggest, the simplest first, without bounds and values."""
    proposed = [*_of_numbers_and_spellings()]
    for category in CATEGORIES:
        proposed += category.conditions(table)
    return sorted(proposed, key=lambda condition: condition.cost)


@cache
def _of_numbers_and_spellings() -> tuple[Condition, ...]:
    """Return the conditions that do not depend on a table."""
    atoms = [*relation_atoms(), *relation_atoms(_RELATIONS, _AXIS_RELATIONS), *switch_atoms()]
    for name, words in (COUNTS | PRODUCTS).items():
        atoms += number_atoms(name, words, _SWITCHES)
    for axes in AXES:
        atoms += atoms_of_axes(axes, _SWITCHES, _SWITCHES, _SWITCHES)
    return tuple(condition for atom in atoms for condition in _of_atom(atom))


def _of_atom(atom: Atom) -> Iterator[Condition]:
    """Yield the contrary of an atom and the atom itself, as far as they describe a region."""
    block = re.search(r"multiple of (\d+)", atom.sentence)
    is_odd_block = block is not None and int(block[1]) & (int(block[1]) - 1) != 0
    cost = atom.cost + MULTIPLE * is_odd_block + SPELLING * ("isinstance" in atom.expression)
    if atom.negation and atom.sentence:
        if atom.negation.endswith("> 1"):  # several images, groups or steps: a switch, and no bound like others
            cost += PLAIN - BOUND
        yield Condition(atom.negation, in_words(atom.sentence), cost, _not(atom.holds))
    if atom.affirmative:
        cost += ABSENCE if block is None else MULTIPLE
        yield Condition(atom.expression, in_words(atom.affirmative), cost, atom.holds)


def _not(test: Test) -> Test:
    return lambda table: ~test(table)
