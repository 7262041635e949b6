"""Expected failures: how they are read, and those that do not occur."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from convgauge.conformance.expectations import Expectation, read_expectations, unexpected_passes
from convgauge.request import RequestError
from convgauge.results import SpecRecord

TABLES = """
[padding.same]
reason = "nested tables"

["stride.pair"]
reason = "one table"
url = "https://example.org/1"
"""


def record(status: Any, spec: str = "padding.same", dtype: str = "float32") -> SpecRecord:
    return SpecRecord("kernel", spec, "required", status, 1, dtype, chapter="padding")


def test_both_spellings_of_a_table(tmp_path: Path) -> None:
    path = tmp_path / "expect.toml"
    path.write_text(TABLES)
    assert read_expectations(str(path)) == {
        "padding.same": Expectation("nested tables"),
        "stride.pair": Expectation("one table", "https://example.org/1"),
    }
    assert str(Expectation("one table", "https://example.org/1")) == "one table https://example.org/1"


def test_no_file_has_no_expectations() -> None:
    assert read_expectations("") == {}


@pytest.mark.parametrize("content", ["noise", '[padding.same]\nreason = ""', "[padding.same]\nreason = 1", "a = 1"])
def test_a_file_that_cannot_be_used(tmp_path: Path, content: str) -> None:
    path = tmp_path / "expect.toml"
    path.write_text(content)
    with pytest.raises(RequestError, match="expected failures"):
        read_expectations(str(path))


def test_an_expected_failure_that_occurs_in_one_dtype_is_no_unexpected_pass() -> None:
    records = [record("passed"), record("xfailed", dtype="float64")]
    assert unexpected_passes({"padding.same": "known"}, records, "kernel", is_narrowed=False) == []


def test_a_spec_that_passes_in_every_dtype_is_an_unexpected_pass() -> None:
    records = [record("passed"), record("passed", dtype="float64")]
    (result,) = unexpected_passes({"padding.same": "known"}, records, "kernel", is_narrowed=True)
    assert (result.spec, result.status, result.cases, result.chapter) == ("padding.same", "xpassed", 0, "padding")
    assert result.reason == "expected to fail (known), but it passed: remove the entry"


def test_a_spec_that_did_not_run_counts_if_the_run_was_not_narrowed() -> None:
    reasons = {"no.such_spec": "known"}
    assert unexpected_passes(reasons, [record("passed")], "kernel", is_narrowed=True) == []
    (result,) = unexpected_passes(reasons, [record("passed")], "kernel", is_narrowed=False)
    assert "no such spec was run" in result.reason
