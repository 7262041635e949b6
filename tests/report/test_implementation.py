"""The page of an implementation: faults, declines, special values, accuracy."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import msgspec

from convgauge import report
from convgauge.report import faults, model
from convgauge.results import Counterexample, ImplementationRecord, Record
from support.html_page import Page
from support.records import cause, run, spec, write_run


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


def test_the_page_shows_the_facts_beside_the_verdict(tmp_path: Path) -> None:
    case = Counterexample("p", "exact", 1, "answered a call", "convgauge reproduce a p --spec errors.stride")
    refusals = {"groups > 1 (ValueError)": 2}
    records: list[Record] = [
        ImplementationRecord("a", "numpy"),
        spec(valid=8, answered=6, outcomes={"passed": 6, "refused": 2}, refusals=refusals),
        spec(id="groups.many", status="refused", cases=0, reason="refused: ValueError: no groups"),
        spec(id="errors.stride", status="answered_invalid", invalid=3, outcomes={"answered_invalid": 1},
             counterexample=case, sentence="A stride of 0 is an error."),
        ImplementationRecord("a", "numpy", domain="groups == 1", adaptations=["stride is passed as a pair"]),
    ]  # fmt: skip
    path = write_run(tmp_path / "run.jsonl", *records, footer=run(*records).footer)
    site = report.build([path], tmp_path / "site").parent
    page = Page(site / "implementations" / "a.html")
    for fact in (
        "Verdict partial", "Coverage 75.0", "Strict no 1 invalid call answered", "2 refused",
        "It does not answer every valid problem: groups > 1 (ValueError, 2 cases)", '--supports "groups == 1"',
        "stride is passed as a pair", "⊖ refused ValueError: no groups (1 result)",
        "Invalid calls that it answers", "A stride of 0 is an error.", "convgauge reproduce a p --spec errors.stride",
    ):  # fmt: skip
        assert fact in page.text
    assert "Faults in" not in page.text
    assert "partial 75.0" in Page(site / "index.html").text


def test_the_page_of_an_unjudged_implementation_states_why(tmp_path: Path) -> None:
    records = [spec(status="refused", cases=0, valid=3, outcomes={"refused": 3}, refusals={"ValueError: no": 3})]
    path = write_run(tmp_path / "run.jsonl", *records, footer=run(*records).footer)
    site = report.build([path], tmp_path / "site").parent
    text = Page(site / "implementations" / "a.html").text
    assert "Unjudged. nothing was executed: ValueError: no" in text
    assert "Strict not tested" in text


def test_an_implementation_s_page_shows_where_a_nan_went_and_its_accuracy(site: Path) -> None:
    slow, fine = (Page(site / "implementations" / f"{name}--py311.html").text for name in ("fft_02", "direct_00"))
    assert "9 outputs: NaN, as due" in fine
    assert "NaN, and should be finite" in slow
    assert "NaN, and should be finite" not in fine
    assert "The largest margin by the length of the sum." in fine


def implementation_page(folder: Path, *records: Record, **footer: Any) -> str:
    plain = run(*records).footer
    assert plain is not None
    verdicts = {name: msgspec.structs.replace(each, **footer) for name, each in plain.verdicts.items()}
    path = write_run(folder / "run.jsonl", *records, footer=msgspec.structs.replace(plain, verdicts=verdicts))
    return Page(report.build([path], folder / "site").parent / "implementations" / "a.html").text


def test_causes_head_the_page(tmp_path: Path) -> None:
    ids = ("padding.same", "padding.pair", "stride.pair", "bias.one")
    records: list[Record] = [
        *(spec(id=id, status="failed") for id in ids),
        cause(specs=ids[:2]),
        cause(mechanism="", sentence="few outputs are wrong", specs=ids[2:3]),
    ]
    text = implementation_page(tmp_path, *records, cleared={"stride": 9}, remark="Equal calls differ.")
    for fact in (
        "Causes Equal calls differ. 1 cause explains 2 of 4 failing specs (2 unexplained). Not the cause: stride.",
        "padding: rows and columns are swapped 2 specs, 9 cases, wherever padding differs by axis",
        "Smallest: padding (0, 1) on a 1×1 image gives shape (1, 1, 3, 1), expected (1, 1, 1, 3)",
        "2 specs that it explains padding.same padding.pair",
        "No cause that fits: few outputs are wrong",
        "No cause that fits bias.one",
    ):
        assert fact in text
    assert text.index("Causes") < text.index("Faults in 4 specs")


def test_a_page_without_failures_or_without_diagnosis_has_no_causes(tmp_path: Path) -> None:
    assert "Causes" not in implementation_page(tmp_path, spec())
    path = write_run(tmp_path / "cut.jsonl", spec(status="failed"))
    page = Page(report.build([path], tmp_path / "site").parent / "implementations" / "a.html")
    assert "Causes" not in page.text


def test_causes_of_replaced_results_are_not_shown() -> None:
    older = run(spec(status="failed"), spec(id="bias.one", status="failed"), cause(specs=["padding.same", "bias.one"]))
    newer = run(spec(status="passed"), started="2026-01-01")
    (entry,) = model.gather([older, newer]).entries
    assert [each.specs for each in entry.causes] == [["bias.one"]]
    assert entry.unexplained == []


def test_causes_of_shards_are_one() -> None:
    shards = [run(spec(id=id, status="failed"), cause(specs=[id])) for id in ("padding.same", "padding.pair")]
    (entry,) = model.gather(shards).entries
    assert [(each.specs, each.cases) for each in entry.causes] == [(["padding.same", "padding.pair"], 18)]
