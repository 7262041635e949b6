"""Narrow kernels are judged where they answer, so that their faults do not hide in a small domain."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from convgauge.conformance.suite import Suite
from convgauge.request import CheckRequest
from convgauge.results import SpecRecord
from support import narrow_kernels

pytestmark = pytest.mark.once

REQUEST = CheckRequest(
    tier="quick",
    dtypes=("float32",),
    framework="numpy",
    specs=("definition.cross_correlation", "sweep.width", "behaviour.same_shape", "padding.with_stride"),
)


def judged(name: str, **changes: Any) -> dict[str, SpecRecord]:
    target = f"{Path(narrow_kernels.__file__)}:{name}"
    with Suite(replace(REQUEST, targets=(target,), **changes)) as suite:
        suite.load()
        return {result.record.spec: result.record for result in suite}


@pytest.mark.parametrize("name", ["squares", "blocks"])
def test_a_sound_kernel_gets_as_many_cases_as_others(name: str) -> None:
    records = judged(name)
    for spec in ("definition.cross_correlation", "sweep.width", "behaviour.same_shape"):
        record = records[spec]
        assert record.status == "passed"
        assert record.answered < record.valid
        assert record.answered + record.redrawn >= 0.9 * record.valid
    record = records["padding.with_stride"]
    assert (record.status, record.redrawn) == ("refused", 0)
    assert "the domain has no problem with padding" in record.reason


@pytest.mark.parametrize("name", [name for name in vars(narrow_kernels) if name.startswith(("squares_", "blocks_"))])
def test_a_fault_inside_a_narrow_domain_is_found(name: str) -> None:
    records = judged(name)
    assert "failed" in {record.status for record in records.values()}


@pytest.mark.parametrize("supports", ["", "kernel == (3, 3) and height == width and groups == 1"])
def test_invalid_calls_are_made_on_problems_that_are_answered(supports: str) -> None:
    records = judged("squares", specs=("errors.bias.one", "errors.rank.input"), supports=supports)
    lenient, strict = records["errors.bias.one"], records["errors.rank.input"]
    assert (lenient.status, strict.status) == ("answered_invalid", "passed")
    assert lenient.counterexample is not None
    assert "k3x3_" in lenient.counterexample.reproduce
    assert strict.invalid > 0


def test_a_redrawn_case_is_reproduced() -> None:
    name = "blocks_without_columns_from_64"
    record = judged(name, specs=("sweep.width",))["sweep.width"]
    assert record.counterexample is not None
    words = record.counterexample.reproduce.split(" --spec ")[0]
    case = words.split(f"{name} ", 1)[1].strip("'")
    assert judged(name, specs=("sweep.width",), case=case)["sweep.width"].status == "failed"
    assert judged("blocks", specs=("sweep.width",), case=case)["sweep.width"].status == "passed"


def test_records_do_not_depend_on_the_number_of_threads() -> None:
    alone, together = (
        {spec: replace_seconds(record) for spec, record in judged("squares_turned", jobs=jobs).items()}
        for jobs in (1, 2)
    )
    assert alone == together


def replace_seconds(record: SpecRecord) -> SpecRecord:
    return type(record)(**{name: getattr(record, name) for name in record.__struct_fields__} | {"seconds": 0.0})


@pytest.mark.parametrize("name", ["squares", "blocks"])
def test_cases_are_drawn_inside_a_declared_domain_without_a_probe(name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("convgauge.conformance.suite.discover", None)
    plain = "groups == 1 and stride_h == stride_w == 1 and dilation_h == dilation_w == 1 and padding in (0, (0, 0))"
    narrow = {"squares": "kernel == (3, 3) and height == width", "blocks": "in_channels % 32 == out_channels % 32 == 0"}
    records = judged(name, supports=f"{plain} and {narrow[name]}")
    record = records["sweep.width"]
    assert (record.status, "refused" in record.outcomes) == ("passed", False)
    assert record.redrawn >= 0.9 * record.valid > 0
