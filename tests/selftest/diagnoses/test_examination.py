"""Tests of the examination of a mutant: which specs its causes must explain to count."""

from __future__ import annotations

from convgauge.selftest.diagnoses.examination import specs_that_count
from support import records

REQUIRED = records.spec(id="padding.same", status="failed")
RECOMMENDED = records.spec(id="accuracy.subnormal", status="failed", level="recommended")
PASSED = records.spec(id="stride.pair")


def test_causes_of_recommended_specs_do_not_count_beside_required_ones() -> None:
    assert specs_that_count([REQUIRED, RECOMMENDED, PASSED], is_faulty=True) == {"padding.same"}


def test_causes_of_recommended_specs_count_for_a_mutant_that_fails_no_other() -> None:
    assert specs_that_count([RECOMMENDED, PASSED], is_faulty=True) == {"accuracy.subnormal"}


def test_causes_of_recommended_specs_do_not_count_for_a_correct_build() -> None:
    assert specs_that_count([RECOMMENDED, PASSED], is_faulty=False) == set()
