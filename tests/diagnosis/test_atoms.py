"""Atoms: the test of each is that of its expression."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

from convgauge.conformance.random_problems import random_problems
from convgauge.diagnosis.atoms import alternatives, atoms, memberships
from convgauge.diagnosis.features import Table
from convgauge.domain import Domain, fields_of

SPELLINGS: list[Callable[[tuple[int, int]], object]] = [tuple, list, min]
ROWS = [
    fields_of(problem, {**problem.arguments, "stride": spelling(problem.stride)})
    for problem, spelling in zip(random_problems(60, "atoms"), SPELLINGS * 20, strict=True)
]
TABLE = Table(ROWS)


def test_an_atom_means_its_expression() -> None:
    proposed = [*atoms(TABLE), *memberships(TABLE, np.arange(len(ROWS)) < 3)]
    proposed += alternatives(zip(proposed[::7], proposed[3::11], strict=False))
    assert len(proposed) > 300
    for atom in proposed:
        domain = Domain.parse(atom.expression)
        assert [domain.contains(row) for row in ROWS] == atom.holds(TABLE).tolist(), atom


def test_the_simplest_come_first_and_divide_the_cases() -> None:
    proposed = atoms(TABLE)
    assert [atom.cost for atom in proposed] == sorted(atom.cost for atom in proposed)
    assert all(0 < atom.holds(TABLE).sum() < len(TABLE) for atom in proposed)


def test_sentences_name_the_cases_outside() -> None:
    sentences = {atom.expression: atom.sentence for atom in atoms(TABLE)}
    assert sentences["groups == 1"] == "groups > 1"
    assert sentences["in_channels % 8 == 0"] == "in_channels not a multiple of 8"
    assert sentences["stride_h == 1 and stride_w == 1"] == "stride > 1"
    assert sentences["stride_h == stride_w"] == "stride that differs by axis"
    assert sentences["kernel_h == kernel_w"] == "a kernel that is not square"
    assert sentences["isinstance(stride, int)"] == "stride other than as a number"
    assert sentences["not isinstance(padding, str)"] == "padding by name"
    assert sentences["height % stride_h == 0"] == "height not a multiple of stride"
