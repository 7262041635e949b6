"""Parameters of cases: they describe a case, and give the fields of a domain."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from convgauge.conformance.cases import BASE, Case, with_arguments
from convgauge.conformance.parameters import PARAMETERS, SUPPORT, Fields, case_of, changed, parameters_of, support
from convgauge.conformance.random_problems import random_problems
from convgauge.domain import FIELDS, fields_of

SQUARE = BASE.replace(stride=(2, 2), padding=(1, 1), dilation=(2, 2))
SPELLED = [
    with_arguments(SQUARE, {"stride": 2}),
    with_arguments(SQUARE, {"padding": [1, 1], "dilation": 2}),
    with_arguments(BASE, {"stride": None, "groups": None}),
    with_arguments(BASE.replace(padding="same"), {"dilation": [1, 1]}),
    Case(BASE, layouts=("fortran", "contiguous", "sliced"), prepared=True, operands="wide", seed=7),
]


def every_case() -> Iterator[Case]:
    yield from map(Case, random_problems(60, "parameters"))
    yield from SPELLED


def test_parameters_describe_their_case() -> None:
    for case in every_case():
        values = parameters_of(case)
        assert values is not None and set(values) == set(PARAMETERS)
        assert case_of(values, case) == case


def test_fields_are_those_of_the_call() -> None:
    assert set(SUPPORT) == set(FIELDS)
    for case in every_case():
        values = parameters_of(case)
        assert values is not None
        expected = fields_of(case.problem, case.keywords(), case.layouts, "cpu", case.prepared)
        assert dict(Fields(values, case.problem.dtype, "cpu")) == expected


def test_fields_depend_only_on_their_support() -> None:
    values = parameters_of(Case(SQUARE.replace(groups=2, in_channels=4)))
    assert values is not None
    for name in FIELDS:
        others = {key: value for key, value in values.items() if key in support(frozenset({name}))}
        partly = Fields({**dict.fromkeys(PARAMETERS, 1), "padding_word": "", **others}, "float32", "cpu")
        assert partly[name] == Fields(values, "float32", "cpu")[name]


@pytest.mark.parametrize(
    "case",
    [
        Case(BASE, invalid_call="bias_longer"),
        with_arguments(BASE, {"stride": (1, 1, 1)}),
        with_arguments(BASE, {"stride": 3}),
        with_arguments(SQUARE, {"stride": None}),
        with_arguments(BASE, {"groups": True}),
    ],
)
def test_a_call_without_named_forms_has_no_parameters(case: Case) -> None:
    assert parameters_of(case) is None


@pytest.mark.parametrize(
    ("changes", "expected"),
    [
        ({"groups": 3}, {"in_channels": 3, "out_channels": 12}),  # four outputs in each group
        ({"kernel_h": 11}, {"height": 9}),  # the padding covers two rows
        ({"padding_word": "same"}, {"padding_word": "same"}),
        ({"padding_h": 0, "stride_h": 2}, {"stride_h": 2}),
    ],
)
def test_changes_that_fit_only_with_others(changes: dict[str, object], expected: dict[str, object]) -> None:
    values = parameters_of(Case(BASE))
    assert values is not None
    new = changed(values, changes)
    assert new is not None and case_of(new, Case(BASE)) is not None
    assert {name: new[name] for name in expected} == expected


def test_halves_of_a_number_stay_equal() -> None:
    values = parameters_of(with_arguments(SQUARE, {"stride": 2}))
    assert values is not None
    new = changed(values, {"stride_w": 3})
    assert new is not None and (new["stride_h"], new["stride_w"]) == (3, 3)
    assert changed(values, {"stride_h": 1, "stride_w": 3}) is None


def test_contradictory_changes_are_refused() -> None:
    values = parameters_of(Case(BASE))
    assert values is not None
    assert changed(values, {"groups": 2, "in_channels": 3}) is None
    assert changed(values, {"padding_word": "same", "stride_h": 2}) is None
    assert changed(values, {"kernel_h": 30, "height": 4}) is None
