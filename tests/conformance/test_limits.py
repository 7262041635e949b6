"""Limits: cases are attributed to the region that they are in."""

from __future__ import annotations

from dataclasses import replace

from convgauge.conformance.limits import Limit, attribute, error_text, merged, proposal
from convgauge.domain import fields_of
from convgauge.problem import Problem

GROUPS = Limit("groups == 1", "groups > 1", "AssertionError: one group only", True)
BATCH = Limit("batch == 1", "batch > 1", "ValueError: one image, not 2", True)
CASE = fields_of(Problem(batch=3, in_channels=2, out_channels=2, groups=2))


def test_a_case_is_attributed_to_the_limit_that_it_violates() -> None:
    assert attribute([GROUPS, BATCH], fields_of(Problem(batch=3)), "ValueError: x") == "batch > 1 (ValueError)"


def test_of_two_limits_the_text_of_the_exception_decides() -> None:
    assert attribute([GROUPS, BATCH], CASE, "ValueError: one image, not 3") == "batch > 1 (ValueError)"
    assert attribute([GROUPS, BATCH], CASE, "AssertionError: one group only") == "groups > 1 (AssertionError)"


def test_other_cases_are_counted_by_their_exception() -> None:
    assert attribute([GROUPS], fields_of(Problem()), "ValueError: 17 of 23 rows") == "ValueError: 17 of 23 rows"


def test_texts_that_differ_in_numbers_alone_are_counted_as_one() -> None:
    counts = {"ValueError: 17 of 23 rows": 2, "ValueError: 17 of 5 rows": 1, "AssertionError: assert groups == 1": 4}
    assert merged(counts) == {"ValueError: 17 of … rows": 3, "AssertionError: assert groups == 1": 4}
    assert merged({**merged(counts), "ValueError: 3 of 5 rows": 1})["ValueError: … of … rows"] == 4
    labels = {"batch > 1 (ValueError)": 1, "batch > 4 (ValueError)": 2}
    assert merged(labels) == labels


def test_the_text_of_an_exception_has_no_line_of_code() -> None:
    assert error_text(("AssertionError", "Exception"), "one group only (kernel.py:12)") == (
        "AssertionError: one group only"
    )
    assert error_text((), "returned None, not a NumPy array") == "returned None, not a NumPy array"


def test_errors_are_proposed_as_a_declaration() -> None:
    labels = [GROUPS.label, "batch 0 (raises IndexError)", "height 0 (raises IndexError)"]
    assert proposal(labels, "groups == 1 and batch > 0 and height > 0") == (
        "raises IndexError wherever batch 0 or height 0: if this is not supported, say so:"
        ' --supports "groups == 1 and batch > 0 and height > 0"'
    )
    assert proposal([GROUPS.label], "groups == 1") == ""


def test_an_error_that_is_no_refusal_has_a_label_of_its_own() -> None:
    assert replace(GROUPS, error="IndexError: 2", is_refusal=False).label == "groups > 1 (raises IndexError)"
    returned = replace(GROUPS, error="returned None, not a NumPy array", is_refusal=False)
    assert returned.label == "groups > 1: returned None, not a NumPy array"


def test_a_limit_of_the_form_names_no_exception() -> None:
    limit = replace(BATCH, sentence="a bias", error="its signature has no bias")
    assert limit.label == "a bias: its signature has no bias"
