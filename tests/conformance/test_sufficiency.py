"""A verdict rests on a minimum of judged cases."""

from __future__ import annotations

from collections.abc import Iterable

import msgspec
import pytest

from convgauge.conformance.collection import collect_specs
from convgauge.conformance.sufficiency import (
    MIN_CASES,
    MIN_CASES_OF_TOPIC,
    MIN_SPECS_OF_WHOLE_RUN,
    NOTHING_EXECUTED,
    OF_WHOLE_RUNS,
    TOPICS,
    insufficient,
)
from convgauge.conformance.verdict import judgement
from convgauge.results import ImplementationRecord, SpecRecord

WHOLE = ("definition.delta", "sweep.width", "accuracy.gaussian", "behaviour.same_shape", "behaviour.fresh_output")


def record(spec: str, answered: int, redrawn: int = 0, valid: int = 500) -> SpecRecord:
    judged = answered + redrawn
    return SpecRecord(
        "kernel", spec, "required", "passed" if judged else "refused", judged,
        valid=valid, answered=answered, redrawn=redrawn,
    )  # fmt: skip


def whole(counts: Iterable[int]) -> list[SpecRecord]:
    return [*(record(spec, count) for spec, count in zip(WHOLE, counts, strict=True)), *others()]


def others() -> list[SpecRecord]:
    """Return records of further specs, which judged no case."""
    return [record(f"shape.{number}", 0, valid=0) for number in range(MIN_SPECS_OF_WHOLE_RUN)]


def test_a_fault_in_one_case_of_a_hundred_is_found_with_95_percent() -> None:
    assert 1 - 0.99**MIN_CASES >= 0.95
    assert 1 - (6 / 7) ** MIN_CASES_OF_TOPIC >= 0.95


def test_each_topic_has_specs() -> None:
    ids = [spec.id for spec, _ in collect_specs()]
    for beginnings in TOPICS.values():
        assert all(any(name.startswith(beginning) for name in ids) for beginning in beginnings)
    kernel = [spec.id for spec, _ in collect_specs() if spec.profile == "kernel"]
    assert all(any(name.startswith(TOPICS[topic]) for name in kernel) for topic in OF_WHOLE_RUNS)


@pytest.mark.parametrize(
    ("counts", "reason"),
    [
        ((60, 60, 60, 60, 60), ""),
        ((20, 220, 20, 20, 20), ""),
        ((60, 60, 60, 60, 59), "299 of at least 300"),
        ((300, 300, 3, 300, 300), "3 of at least 20 on accuracy"),
        ((1, 300, 300, 0, 300), "1 of at least 20 on the definition; 0 of at least 20 on repeated calls"),
    ],
)
def test_a_whole_run_needs_cases_on_each_topic(counts: tuple[int, ...], reason: str) -> None:
    expected = f"too few cases were judged ({reason}): declare the supported problems with --supports"
    assert insufficient(whole(counts)) == (expected if reason else "")


def test_redrawn_cases_count() -> None:
    assert insufficient([*(record(spec, 0, redrawn=60) for spec in WHOLE), *others()]) == ""


def test_a_run_that_was_narrowed_needs_one_case() -> None:
    assert insufficient([record("sweep.width", 1)]) == ""
    assert insufficient([record(spec, 1) for spec in WHOLE]) == ""
    assert insufficient([record("sweep.width", 0)]) == NOTHING_EXECUTED
    assert insufficient([]) == NOTHING_EXECUTED


def test_refused_invalid_calls_are_no_cases_of_a_topic() -> None:
    errors = SpecRecord("kernel", "errors.bias", "required", "passed", 30, invalid=30)
    assert insufficient([errors, record("sweep.width", 0)]) == "none of 500 valid cases was answered"


def test_a_run_below_the_minimum_is_unjudged_unless_it_is_wrong() -> None:
    records = whole((1, 1, 1, 1, 1))
    assert judgement("kernel", records).verdict == "unjudged"
    failed = SpecRecord("kernel", "shape.rows", "required", "failed", 1, outcomes={"failed": 1}, valid=1, answered=1)
    assert judgement("kernel", [*records, failed]).verdict == "wrong"
    assert judgement("kernel", whole((60,) * 5)).verdict == "partial"


def test_a_domain_with_few_cases_is_not_called_empty() -> None:
    drawn = [msgspec.structs.replace(record(spec, 0, redrawn=1), outcomes={"declined": 9}) for spec in WHOLE]
    judged = judgement("kernel", [*drawn, *others()], ImplementationRecord("kernel", supports="width == 1717"))
    assert judged.reason.startswith("too few cases were judged (5 of at least 300")


@pytest.mark.parametrize(
    ("dtypes", "suffices"), [(("int8",), False), (("int8", "complex64"), False), (("int8", "float32"), True)]
)
def test_integers_alone_do_not_suffice(dtypes: tuple[str, ...], suffices: bool) -> None:
    records = [msgspec.structs.replace(record("dtype.integers", 400), dtype=dtype) for dtype in dtypes]
    assert (insufficient(records) == "") is suffices
