"""Regions of failures: the rule of a planted fault is found again, in words, from cases that fail and that pass."""

from __future__ import annotations

from collections.abc import Callable, Sequence

import numpy as np
import pytest

from convgauge.conformance.random_problems import random_problems
from convgauge.diagnosis.failure_region import RegionSearch, find_region, find_regions
from convgauge.diagnosis.features import FURTHER_FIELDS, Fields
from convgauge.domain import Domain, fields_of
from convgauge.problem import Problem

SPELLINGS: list[Callable[[tuple[int, int]], object]] = [tuple, list, min]
LAYOUTS = ["contiguous", "contiguous", "fortran", "channels_last"]
DTYPES = ["float32", "float32", "float64", "float16", "bfloat16"]
FAMILIES = ["exact", "exact", "gaussian", "subnormal", "wide", "exact", "positive"]


def _rows(count: int) -> list[Fields]:
    rows: list[Fields] = []
    for number, problem in enumerate(random_problems(count, "regions")):
        changed = problem.replace(dtype=DTYPES[number % 5], width=problem.width * (1 + number % 3))
        arguments = {**changed.arguments, "stride": SPELLINGS[number % 3](changed.stride)}
        layouts = ("contiguous", LAYOUTS[number % 4], "contiguous")
        further = {
            "family": FAMILIES[number % 7],
            "order": "later" if number else "first",
            "input_values": "nan" if number % 11 == 3 else "usual",
        }
        rows.append({**fields_of(changed, arguments, layouts), **further})
    return rows


ROWS = _rows(600)


def split(is_inside: Callable[[Fields], bool], rows: Sequence[Fields] = ROWS) -> tuple[list[Fields], list[Fields]]:
    """Return the rows inside and outside."""
    return [row for row in rows if is_inside(row)], [row for row in rows if not is_inside(row)]


@pytest.mark.parametrize(
    ("expression", "sentence"),
    [
        ("groups > 1", "groups > 1"),
        ("padding_h != padding_w", "padding differs by axis"),
        ("bias", "a bias"),
        ("not bias", "calls without a bias"),
        ("bias and groups > 1", "groups > 1 and a bias"),
        ("out_channels % 4 != 0", "output channels not a multiple of 4"),
        ("width > 31", "width > 31"),
        ("isinstance(stride, list)", "stride as a list"),
        ("padding != 'same' and padding != 'valid'", "padding in numbers"),
        ("padding != 'same'", "padding other than 'same'"),
        ("dtype == 'float16'", "float16"),
        ("dtype in ('float16', 'bfloat16')", "half precision"),
        ("dtype in ('float16', 'float64')", "float16 or float64"),
        ("weight_layout == 'fortran'", "Fortran order of the weight"),
        ("weight_layout != 'contiguous'", "weight that is not contiguous"),
        ("stride_h > 1 or stride_w > 1", "stride > 1"),
        ("kernel_h == 1 and kernel_w == 1", "1×1 kernel"),
        ("stride_w == 2 and dilation_h > 1", "vertical dilation > 1 and horizontal stride 2"),
        ("depthwise and (stride_h > 1 or stride_w > 1)", "stride > 1 and depthwise calls"),
    ],
)
def test_the_region_of_a_fault_is_found_in_words(expression: str, sentence: str) -> None:
    inside, outside = split(Domain.parse(expression).contains)
    region = find_region(inside, outside)
    assert region is not None
    assert region.sentence == sentence
    assert [Domain.parse(region.expression).contains(row) for row in ROWS] == [region.contains(row) for row in ROWS]
    assert [region.contains(row) for row in ROWS] == [Domain.parse(expression).contains(row) for row in ROWS]


@pytest.mark.parametrize(
    ("name", "value", "sentence"),
    [
        ("family", "subnormal", "subnormal operands"),
        ("input_values", "nan", "NaN in the input"),
        ("order", "later", "not the first call of the process"),
    ],
)
def test_a_region_of_fields_that_no_expression_names_has_words_only(name: str, value: str, sentence: str) -> None:
    inside, outside = split(lambda row: row[name] == value)
    region = find_region(inside, outside)
    assert region is not None
    assert (region.sentence, region.expression) == (sentence, "")
    assert [region.contains(row) for row in ROWS] == [row[name] == value for row in ROWS]


def test_every_case_is_the_region_if_none_is_outside() -> None:
    region = find_region(ROWS[:5], [])
    assert region is not None
    assert (region.sentence, region.expression, region.clause) == ("", "", "")
    assert region.contains(ROWS[99])


def test_there_is_no_region_of_a_random_choice_of_cases() -> None:
    chance = np.random.default_rng(0)
    for count in (1, 2, 3, 5, 10, 40):
        chosen = np.isin(np.arange(len(ROWS)), chance.permutation(len(ROWS))[:count])
        assert RegionSearch(ROWS).find(chosen, ~chosen) is None, count


def test_there_is_no_region_of_equal_cases_on_both_sides() -> None:
    assert find_region(ROWS[:9], ROWS[8:30]) is None
    assert find_region([], ROWS) is None


def test_a_share_of_the_cases_inside_may_pass() -> None:
    inside, outside = split(lambda row: row["groups"] != 1)
    passing_by_luck = inside[::9]
    failing = [row for row in inside if row not in passing_by_luck]
    assert find_region(failing, [*outside, *passing_by_luck]) is None
    region = find_region(failing, [*outside, *passing_by_luck], max_outside_share=0.15)
    assert region is not None
    assert region.sentence == "groups > 1"


def test_the_bound_is_the_most_usual_one_in_the_gap() -> None:
    def of(widths: Sequence[int]) -> list[Fields]:
        return [fields_of(Problem(width=width, height=height)) for width in widths for height in (5, 9000)]

    for inside, outside, sentence in (
        ([41, 50], [1, 28], "width > 32"),
        ([32, 55], [1, 30, 31], "width > 31"),
        ([105, 200], [96, 9], "width > 100"),
        ([1, 6], [9, 20], "width < 8"),
        ([5000, 6001], [1, 3000], "width > 4,096"),
        ([96, 101], [1, 65], "width > 65"),
    ):
        region = find_region(of(inside), of(outside))
        assert region is not None
        assert region.sentence == sentence


def test_rows_may_lack_fields() -> None:
    assert FURTHER_FIELDS
    inside: list[Fields] = [{"groups": 2, "in_channels": "3"}, {"groups": 3, "height": 4, "family": "wide"}]
    outside: list[Fields] = [{"height": 9}, {"family": "wide"}, {"groups": None}]
    region = find_region(inside, outside)
    assert region is not None
    assert region.sentence == "groups > 1"
    assert region.contains({"groups": 9})
    assert not region.contains({})


@pytest.mark.parametrize(
    "expressions",
    [
        ("groups > 1", "dilation_w > 1"),
        ("bias and groups > 1", "dtype == 'float16'"),
        ("padding_h != padding_w and not bias", "stride_h > 1 and groups > 1", "out_channels % 2 != 0 and bias"),
    ],
)
def test_several_regions_are_found_if_no_single_one_fits(expressions: tuple[str, ...]) -> None:
    domains = [Domain.parse(expression) for expression in expressions]
    inside, outside = split(lambda row: any(domain.contains(row) for domain in domains))
    assert find_region(inside, outside) is None
    regions = find_regions(inside, outside)
    conditions = [set(region.expression.split(" and ")) for region in regions]
    assert sorted(map(sorted, conditions)) == sorted(sorted(text.split(" and ")) for text in expressions)
