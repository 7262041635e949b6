"""The page of an implementation: faults, declines, special values, accuracy."""

from __future__ import annotations

from pathlib import Path

from convgauge import report
from convgauge.report import faults, model
from support.html_page import Page
from support.records import run, spec, write_run


def test_reasons_that_differ_in_numbers_alone_are_one() -> None:
    reasons = ["declined: kernel (1, 3) is not (3, 3)", "declined: kernel (2, 3) is not (3, 3)", "declined: no stride"]
    records = [spec(id=f"x.{n}", status="declined", reason=reason) for n, reason in enumerate(reasons)]
    (entry,) = model.gather([run(*records)]).entries
    assert faults.reasons(entry, "declined") == [
        ("kernel (…, 3) is not (3, 3)", ["x.0 float32", "x.1 float32"]),
        ("no stride", ["x.2 float32"]),
    ]


def test_an_expected_failure_is_listed_with_its_link_and_failing_problems_too(tmp_path: Path) -> None:
    problems = ["n1c4h8w8_o4k3x3_s2x2_p1x1_d1x1_g1_float32", "n1c4h9w9_o4k3x3_s3x1_p0x0_d1x1_g1_float32"]
    expected = spec(status="xfailed", reason="strides over 4 https://example.org/issues/7")
    path = write_run(tmp_path / "run.jsonl", expected, spec(id="padding.pair", status="failed", failing=problems))
    site = report.build([path], tmp_path / "site").parent
    page = Page(site / "implementations" / "a.html")
    assert "Expected failures padding.same : strides over 4" in page.text
    assert "https://example.org/issues/7" in page.addresses
    assert "2 recorded problems that fail" in page.text


def test_specs_that_fail_for_the_same_reason_are_listed_together(tmp_path: Path) -> None:
    raised = {"x.one": "KeyError", "x.two": "OSError", "x.three": "KeyError"}
    records = [spec(id=id, status="errored", reason=f"raised {error}") for id, error in raised.items()]
    site = report.build([write_run(tmp_path / "run.jsonl", *records)], tmp_path / "site").parent
    text = Page(site / "implementations" / "a.html").text
    assert "Faults in 3 specs" in text
    assert "Same reason in 1 other spec x.three" in text
    assert text.count("raised KeyError") == 1


def test_an_implementation_s_page_shows_where_a_nan_went_and_its_accuracy(site: Path) -> None:
    slow, fine = (Page(site / "implementations" / f"{name}--py311.html").text for name in ("fft_02", "direct_00"))
    assert "9 outputs: NaN, as due" in fine
    assert "NaN, and should be finite" in slow
    assert "NaN, and should be finite" not in fine
    assert "The largest margin by the length of the sum." in fine
