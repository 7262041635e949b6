"""The report's pages and other forms, without a browser."""

from __future__ import annotations

import csv
import gzip
import json
import random
import re
from collections.abc import Callable
from html.parser import HTMLParser
from pathlib import Path
from typing import Any
from xml.etree import ElementTree

import msgspec
import pytest

from convgauge import report, results
from convgauge.cli import main
from convgauge.conformance.features import FEATURES
from convgauge.environment import Machine
from convgauge.report import coverage, csv_tables, faults, formatting, history, model, regions, speed
from convgauge.report.charts import locality, margins, picture, race_charts, sweep_charts
from convgauge.results import (
    Counterexample,
    Footer,
    Header,
    Judgement,
    Picture,
    Record,
    Run,
    SpecRecord,
    TimingRecord,
)
from convgauge.selftest import kill_matrix
from convgauge.terms import GRAVITY, STATUSES
from support import synthetic_runs

VOID = {"meta", "link", "img", "input", "br"}
SVG_ENDS = {"path", "circle", "rect"}


class Page(HTMLParser):
    """What a page consists of: ids, addresses, elements and their attributes, and whether its elements nest."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.ids: list[str] = []
        self.addresses: list[str] = []
        self.attributes: list[tuple[str, str, str]] = []
        self.open: list[str] = []
        self.words: list[str] = []
        self.feed(text)
        assert self.open == [], f"never closed: {self.open}"

    def handle_startendtag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self._note(tag, attrs)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self._note(tag, attrs)
        if tag not in VOID:
            self.open.append(tag)

    def _note(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        for name, value in attrs:
            self.attributes.append((tag, name, value or ""))
            if name == "id":
                self.ids.append(value or "")
            if name in ("href", "src"):
                self.addresses.append(value or "")

    def handle_endtag(self, tag: str) -> None:
        assert self.open.pop() == tag, f"</{tag}> closes nothing"

    def handle_data(self, data: str) -> None:
        if self.open and self.open[-1] not in ("script", "style"):
            self.words.append(data)

    @property
    def text(self) -> str:
        return " ".join(" ".join(self.words).split())


def header(**changes: object) -> Header:
    facts = {"schema": 1, "suite": "0", "machine": Machine("P", 2, 8, "L", "x"), "versions": {"python": "3"}, "seed": 1}
    return Header(**{**facts, **changes})  # type: ignore[arg-type]


def spec(name: str = "a", id: str = "padding.same", status: str = "passed", **more: object) -> SpecRecord:
    facts = {"level": "required", "cases": 3, "dtype": "float32", "device": "cpu", "chapter": "padding"}
    return SpecRecord(implementation=name, spec=id, status=status, **{**facts, **more})  # type: ignore[arg-type]


def timing(
    name: str, problem: str, ratio: float | None, verdict: str, base: float = 1.0, count: int = 1
) -> TimingRecord:
    samples = [base * ratio] * 3 if ratio else []
    ends = (ratio * 0.99, ratio * 1.01) if ratio else (None, None)
    return TimingRecord(
        name, problem, samples, ratio, *ends, verdict, "base", None, None, 100, "net", problem, count, 0.02
    )


def run(*records: Record, footer: bool = True, path: str = "run.jsonl", **about: object) -> Run:
    verdicts = {}
    for name in dict.fromkeys(r.implementation for r in records if isinstance(r, SpecRecord)):
        verdicts[name] = synthetic_runs.judgement(
            [r for r in records if isinstance(r, SpecRecord) and r.implementation == name]
        )
    return Run(path, header(**about), list(records), Footer(verdicts, 1.0, 3) if footer else None)


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The report of a whole run, and of one that was cut off and has hostile names, in two environments."""
    folder = tmp_path_factory.mktemp("report")
    whole = synthetic_runs.write(folder / "whole.jsonl", 6, 24, 1200, label="py311")
    proof = synthetic_runs.write_matrix(folder / "selftest.json")
    cut = synthetic_runs.write(folder / "cut.jsonl", 6, 24, 1200, 3, whole=False, hostile=True, label="py312")
    return report.build([whole, proof, cut], folder / "site").parent


def pages(site: Path) -> list[Path]:
    return sorted(site.rglob("*.html"))


# --- the folder ------------------------------------------------------------------------------------------------------


def test_every_page_nests_and_has_no_id_twice(site: Path) -> None:
    for path in pages(site):
        page = Page(path.read_text("utf-8"))
        assert len(page.ids) == len(set(page.ids)), path


def test_every_address_is_a_file_of_the_report_or_a_place_in_a_page(site: Path) -> None:
    parsed = {path.resolve(): Page(path.read_text("utf-8")) for path in pages(site)}
    for path, page in parsed.items():
        for address in page.addresses:
            place, _, anchor = address.partition("#")
            target = (path.parent / place).resolve() if place else path
            assert target.is_file(), (path, address)
            assert target.is_relative_to(site.resolve())
            if anchor and "=" not in anchor:
                assert anchor in parsed[target].ids, (path, address)


def test_nothing_is_asked_of_the_network(site: Path) -> None:
    for path in pages(site):
        text = path.read_text("utf-8")
        assert "default-src 'none'" in text
        assert not [one for one in Page(text).addresses if re.match(r"[a-z]+:|//", one)]
    for path in (site / "assets").iterdir():
        assert not re.search(
            r"https?://(?!www\.w3\.org/2000/svg)|fetch\(|XMLHttpRequest|@import|url\(", path.read_text()
        )


def test_there_are_no_inline_handlers_styles_or_scripts(site: Path) -> None:
    for path in pages(site):
        for tag, name, value in Page(path.read_text("utf-8")).attributes:
            assert not name.startswith("on"), (path, tag, name)
            assert name != "style"
            assert not value.lower().startswith("javascript:")
        for attributes, content in re.findall(r"<script([^>]*)>(.*?)</script>", path.read_text("utf-8"), re.DOTALL):
            assert "src=" in attributes or (json.loads(content) and "application/json" in attributes)


def test_hostile_names_are_text_and_their_files_stay_inside(site: Path) -> None:
    for path in site.rglob("*"):
        assert re.fullmatch(r"[a-z0-9._-]+", path.name), path
    for path in pages(site):
        text = path.read_text("utf-8")
        assert "<img src=x" not in text
        assert not re.search(r"[\x00-\x08\x0b-\x1f\x7f\u202e]", text), path
    assert "<img src=x onerror=alert(1)>" in Page((site / "index.html").read_text("utf-8")).text


def test_the_overview_tells_machine_versions_seed_command_and_completeness(site: Path) -> None:
    text = Page((site / "index.html").read_text("utf-8")).text
    for said in ("Example Processor 9000", "torch 2.13.0", "seed 20240601", "convgauge check --tier standard"):
        assert said in text
    assert "Environments side by side" in text
    assert "whole.jsonl complete" in text
    assert "cut.jsonl incomplete" in text
    assert "Incomplete run." in text
    assert "pip install 'convgauge[jax]'" in text
    assert "23 of 23 layers" in text


def test_runs_and_tables_can_be_downloaded(site: Path) -> None:
    packed = sorted((site / "runs").iterdir())
    assert [path.name for path in packed] == ["01-whole.jsonl.gz", "02-cut.jsonl.gz"]
    lines = gzip.decompress(packed[0].read_bytes()).splitlines()
    assert b'"type":"header"' in lines[0]
    assert b'"type":"footer"' in lines[-1]
    assert not any(b'"type":"image"' in line and b'"png":""' not in line for line in lines), "they are in images/"
    assert any(b'"kind":"locality"' in line for line in lines)
    original = (site.parent / "whole.jsonl").read_bytes().splitlines()
    assert set(lines) <= set(original), "the lines are as they were"
    with gzip.open(site / "data" / "results.csv.gz", "rt", newline="", encoding="utf-8") as file:
        rows = list(csv.DictReader(file))
    assert len(rows) == 2 * 6 * 24 * 4
    assert {row["environment"] for row in rows} == {"py311", "py312"}


def test_one_entry_s_data_is_what_the_script_searches(site: Path) -> None:
    data = json.loads((site / "data" / "results.js").read_text("utf-8").removeprefix("const DATA = ").rstrip(";\n"))
    searched = set()
    for id, chapter, level, _, tables, *_ in data["specs"]:
        for table, row in tables.items():
            dtype, _, device = data["tables"][int(table)].rpartition("@")
            for entry, letter in zip(
                data["entries"], row * (len(data["entries"]) if len(row) == 1 else 1), strict=True
            ):
                if letter != "." and entry["environment"] == "py311":
                    about = (data["chapter"][chapter], data["level"][level], dtype, device, data["letters"][letter])
                    searched.add((entry["name"], entry["environment"], id, *about))
    with gzip.open(site / "data" / "results.csv.gz", "rt", newline="", encoding="utf-8") as file:
        columns = ("implementation", "environment", "spec", "chapter", "level", "dtype", "device", "status")
        assert searched == {
            tuple(row[name] for name in columns) for row in csv.DictReader(file) if row["environment"] == "py311"
        }


def test_every_spec_of_an_implementation_is_on_its_page_s_list(site: Path) -> None:
    page = (site / "implementations" / "direct_00--py311.html").read_text("utf-8")
    found = re.search(r'id="own"[^>]*data-entry="(\d+)"[^>]*>(.*?)</script>', page, re.DOTALL)
    assert found
    data = json.loads((site / "data" / "results.js").read_text("utf-8").removeprefix("const DATA = ").rstrip(";\n"))
    assert data["entries"][int(found.group(1))]["name"] == "direct_00"
    records = [
        r for r in results.read(site.parent / "whole.jsonl").records_of(SpecRecord) if r.implementation == "direct_00"
    ]
    own = json.loads(found.group(2))
    assert len(own) == len(data["specs"])
    for (id, *_, place, source, sentence), row in zip(data["specs"], own, strict=True):
        mine = [record for record in records if record.spec == id]
        assert row[0] == sum(record.cases for record in mine)
        assert row[1] == formatting.number(max(record.margin for record in mine if record.margin is not None))
        assert len(row[2]) <= 24, "a letter a bar"
        assert (site / place.partition("#")[0]).is_file()
        assert (data["sources"][source], sentence) == (mine[0].source, mine[0].sentence)


def test_an_earlier_report_is_replaced_and_anything_else_left_alone(tmp_path: Path) -> None:
    path = synthetic_runs.write(tmp_path / "run.jsonl", 2, 3, 20)
    output = tmp_path / "site"
    report.build([path], output)
    (output / "index.html").write_text("old")
    report.build([path], output)
    assert (output / "index.html").read_text() != "old"
    assert sorted(p.name for p in tmp_path.iterdir()) == ["run.jsonl", "site"]
    mine = tmp_path / "mine"
    mine.mkdir()
    (mine / "thesis.txt").write_text("years of work")
    with pytest.raises(FileExistsError, match="holds something other than a report"):
        report.build([path], mine)
    with pytest.raises(FileExistsError, match="not a folder"):
        report.build([path], path)
    assert (mine / "thesis.txt").exists()


def test_a_failed_build_leaves_the_earlier_report_and_nothing_half_written(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = synthetic_runs.write(tmp_path / "run.jsonl", 2, 3, 20)
    index = report.build([path], tmp_path / "site")
    before = index.read_bytes()

    def full(*_: object) -> str:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(csv_tables, "timings", full)
    with pytest.raises(OSError, match="No space left"):
        report.build([path], tmp_path / "site")
    assert index.read_bytes() == before
    assert sorted(p.name for p in tmp_path.iterdir()) == ["run.jsonl", "site"]


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (b"", "is empty"),
        (b'{"type":"header","schema":99}\n', "schema 99"),
        (b"not json\n", "not a run"),
    ],
)
def test_a_damaged_run_is_named_and_nothing_written(tmp_path: Path, content: bytes, message: str) -> None:
    path = tmp_path / "bad.jsonl"
    path.write_bytes(content)
    with pytest.raises(results.DamagedFileError, match=message) as raised:
        report.build([path], tmp_path / "site")
    assert "bad.jsonl" in str(raised.value)
    assert not (tmp_path / "site").exists()


def test_what_does_not_read_is_left_out_and_named_on_the_page_and_the_terminal(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    folder = tmp_path / "runs"
    good = synthetic_runs.write(folder / "a-good.jsonl", 2, 3, 20)
    synthetic_runs.write(folder / "b-cut.jsonl", 2, 3, 20, whole=False)
    whole = good.read_bytes().splitlines(keepends=True)
    (folder / "c-empty.jsonl").write_bytes(b"")
    (folder / "d-future.jsonl").write_bytes(whole[0].replace(b'"schema":2', b'"schema":7') + whole[1])
    (folder / "e-\x1b[31m<img>.jsonl").write_bytes(whole[0] + b"{]\n" + whole[1])
    (folder / "f-packed.jsonl.gz").write_bytes(gzip.compress(good.read_bytes())[:-9])
    (folder / "notes.json").write_text("{}")
    results.Writer(folder / "g-nothing.jsonl", header()).write(Footer({}, 0.0, 0))
    assert main(["report", str(folder), "--output", str(tmp_path / "site")]) == 1
    said = capsys.readouterr().err
    page = (tmp_path / "site" / "index.html").read_text("utf-8")
    text = Page(page).text
    for shown in (said, text):
        assert "c-empty.jsonl is empty: not a run" in shown
        assert "d-future.jsonl: schema 7, and this version" in shown
        assert r"e-\x1b[31m<img>.jsonl, line 2" in shown
        assert "f-packed.jsonl.gz does not unpack" in shown
        assert "\x1b" not in shown
        assert "notes.json" not in shown
    assert str(tmp_path) in said
    assert str(tmp_path) not in page, "a page that is published tells of no folders"
    assert "b-cut.jsonl is incomplete" in said
    assert "An empty run. g-nothing.jsonl contains no result." in text
    assert main(["report", str(good), "--output", str(tmp_path / "site")]) == 0
    assert main(["report", str(tmp_path / "site" / "runs"), "--output", str(tmp_path / "again")]) == 0, "as they come"


def test_a_run_with_nothing_but_a_header_is_shown_as_incomplete(tmp_path: Path) -> None:
    path = tmp_path / "start.jsonl"
    results.Writer(path, header()).close()
    index = report.build([path], tmp_path / "site")
    text = Page(index.read_text("utf-8")).text
    assert "Incomplete run." in text
    assert "0 of 0 implementations" in text


# --- how large it is -------------------------------------------------------------------------------------------------


def test_the_default_report_stays_below_two_megabytes(tmp_path: Path) -> None:
    run = synthetic_runs.write(tmp_path / "run.jsonl", 22, 250, 22 * 5200, quick=True)
    folder = report.build([run], tmp_path / "site").parent
    assert sum(path.stat().st_size for path in folder.rglob("*") if path.is_file()) < 2_000_000


def test_a_passed_spec_s_sentence_is_said_once(site: Path) -> None:
    sentence = "With shape rule_000, each output is the sum of products over its receptive field."
    told = [path for path in pages(site) if sentence in path.read_text("utf-8")]
    assert site / "specs" / "shape.html" in told
    assert all(path.parent.name == "implementations" for path in told if path.name != "shape.html")


# --- specs and the suite's own proof ---------------------------------------------------------------------------------


def test_a_spec_s_place_tells_who_differs_and_who_passed(tmp_path: Path) -> None:
    writer = results.Writer(tmp_path / "run.jsonl", header())
    for name in ("a", "b", "c"):
        status = "passed" if name == "c" else "failed"
        writer.write(spec(name, status=status, reason="one off" if name != "c" else "", sentence="It pads."))
    writer.close()
    site = report.build([tmp_path / "run.jsonl"], tmp_path / "site").parent
    page = Page((site / "specs" / "padding.html").read_text("utf-8"))
    assert "spec-padding.same" in page.ids
    assert "It pads. required" in page.text
    assert page.text.count("one off") == 1, "two that said the same are told together"
    assert "✗ failed a , b" in page.text
    assert "✓ passed c" in page.text
    assert "../implementations/a.html#fault-padding.same" in page.addresses


def test_reasons_that_differ_in_numbers_alone_are_told_together() -> None:
    said = ["declined: kernel (1, 3) is not (3, 3)", "declined: kernel (2, 3) is not (3, 3)", "declined: no stride"]
    records = [spec(id=f"x.{n}", status="declined", reason=reason) for n, reason in enumerate(said)]
    (entry,) = model.gather([run(*records)]).entries
    assert faults.reasons(entry, "declined") == [
        ("kernel (…, 3) is not (3, 3)", ["x.0 float32", "x.1 float32"]),
        ("no stride", ["x.2 float32"]),
    ]


def test_the_kill_matrix_is_shown(site: Path) -> None:
    page = Page((site / "suite.html").read_text("utf-8"))
    matrix = kill_matrix.read(site.parent / "selftest.json")
    killed = [mutant for mutant in matrix.mutants if mutant.killed_by]
    assert f"Mutants killed {len(killed)} of {len(matrix.mutants)} quick tier" in page.text
    assert f"Specs with a unique kill {len(matrix.unique_kills)} of {len(matrix.specs)}" in page.text
    assert f"Specs that kill nothing {len(matrix.kills_nothing)}" in page.text
    assert "its device is not on every machine" in page.text
    assert "no reason given" in page.text
    assert "Mutants not due at this tier fault_03" in page.text
    assert "Mutants that survive fault_23" in page.text
    drawn = re.findall(r'<path class="(kill[^"]*)" d="([^"]*)"', (site / "suite.html").read_text("utf-8"))
    assert sum(steps.count("M") for _, steps in drawn) == sum(len(mutant.killed_by) for mutant in killed)
    assert sum(kind == "kill sole" for kind, _ in drawn) == sum(len(mutant.killed_by) == 1 for mutant in killed)
    with gzip.open(site / "data" / "selftest-1.json.gz") as file:
        assert json.load(file) == json.loads((site.parent / "selftest.json").read_text())
    chapter = Page((site / "specs" / "shape.html").read_text("utf-8")).text
    id = "shape.rule_000"
    assert f"it kills {len(matrix.kills[id])} mutants" in chapter


def test_a_matrix_alone_is_no_report_and_a_damaged_one_is_named(tmp_path: Path) -> None:
    matrix = synthetic_runs.write_matrix(tmp_path / "m.json", 3, 12)
    with pytest.raises(ValueError, match="at least one"):
        report.build([matrix], tmp_path / "site")
    matrix.write_text(matrix.read_text()[:-1])
    index = report.build([synthetic_runs.write(tmp_path / "run.jsonl", 2, 3, 20), matrix], tmp_path / "site")
    assert "A file left out. m.json is not a kill matrix" in Page(index.read_text("utf-8")).text


def test_an_expected_failure_is_listed_with_its_link_and_failing_problems_too(tmp_path: Path) -> None:
    problems = ["n1c4h8w8_o4k3x3_s2x2_p1x1_d1x1_g1_float32", "n1c4h9w9_o4k3x3_s3x1_p0x0_d1x1_g1_float32"]
    writer = results.Writer(tmp_path / "run.jsonl", header())
    writer.write(spec(status="xfailed", reason="strides over 4 https://example.org/issues/7"))
    writer.write(spec(id="padding.pair", status="failed", failing=problems))
    writer.close()
    site = report.build([tmp_path / "run.jsonl"], tmp_path / "site").parent
    page = Page((site / "implementations" / "a.html").read_text("utf-8"))
    assert "Expected failures padding.same : strides over 4" in page.text
    assert "https://example.org/issues/7" in page.addresses
    assert "2 recorded problems that fail" in page.text


# --- accuracy, special values, digits --------------------------------------------------------------------------------


def test_margins_are_drawn_by_the_length_of_their_sums() -> None:
    records = [
        spec(id="x", margins=[0.5, 0.1, 0.2], reductions=[1, 9, 100]),
        spec(id="y", margins=[0.3, 2.0], reductions=[9, 9], dtype="float32"),
        spec(id="z", margins=[0.1], reductions=[4], dtype="float64"),
        spec(id="old", margins=[0.1] * 9),
    ]
    figure, dtypes = margins.by_length(records)
    assert dtypes == ["float32", "float64"]
    assert "float32: 3 lengths, largest margin 2" in figure
    assert "float64: 1 lengths, largest margin 0.1" in figure
    assert [path.count("M") for path in re.findall(r'class="points[^"]*" d="([^"]*)"', figure)] == [3, 1]
    assert margins.by_length([spec(margins=[0.1] * 9)]) == ("", [])


def test_a_nan_that_spread_is_drawn_and_counted() -> None:
    image = results.ImageRecord("a", "NaN", "", kind="locality", table=[[0, 1, 1], [2, 2, 0]])
    assert [(kind, count) for kind, _, count in locality.counts(image)] == [(0, 2), (1, 2), (2, 2)]
    figure = locality.draw(image)
    assert '<path class="reach r1" d="M1 0.5h2"/>' in figure
    assert '<path class="reach r2" d="M0 1.5h2"/>' in figure
    assert locality.draw(results.ImageRecord("a", "NaN", "", kind="locality")) == ""


def test_an_implementation_s_page_shows_where_a_nan_went_and_its_accuracy(site: Path) -> None:
    slow, fine = (
        Page((site / "implementations" / f"{name}--py311.html").read_text("utf-8")).text
        for name in ("fft_02", "direct_00")
    )
    assert "9 outputs: NaN, as due" in fine
    assert "NaN, and should be finite" in slow
    assert "NaN, and should be finite" not in fine
    assert "The largest margin by the length of the sum." in fine


def test_the_gallery_tells_how_digits_are_read(site: Path) -> None:
    page = Page((site / "gallery.html").read_text("utf-8"))
    assert "Handwritten digits" in page.text
    assert page.text.count("40 digits: row, the digit; column, its class") == 2, "two different sets of classes"
    assert page.text.count("The same classes from 6 implementations") == 2
    assert page.text.count("✓ passed 1e-06 1e-05") == 12, "the largest error and its bound"


# --- bringing runs together ------------------------------------------------------------------------------------------


def test_runs_of_one_environment_are_one_entry_and_others_stand_beside_it() -> None:
    check, bench = run(spec("a")), run(timing("a", "p", 1.2, "slower"))
    other = run(spec("a"), versions={"python": "4"})
    assert [(e.name, e.environment, len(e.specs), len(e.timings)) for e in model.gather([check, bench]).entries] == [
        ("a", "", 1, 1)
    ]
    environments = {entry.environment for entry in model.gather([check, bench, other]).entries}
    assert environments == {"Python 3", "Python 4"}
    same_python = run(spec("a"), versions={"python": "3", "numpy": "2"})
    environments = {entry.environment for entry in model.gather([check, same_python, other]).entries}
    assert environments == {"environment 1", "environment 2", "Python 4"}


def test_a_later_run_replaces_and_says_so() -> None:
    old, new = run(spec("a", status="failed"), started="2026-01-01"), run(spec("a"), started="2026-01-02")
    (entry,) = model.gather([new, old]).entries
    assert [record.status for record in entry.specs] == ["passed"]
    assert entry.replaced == 1
    assert (entry.verdict, entry.executed) == ("conformant", 3), "nothing shown is from the earlier run"


def test_a_fault_in_a_cut_off_run_outweighs_an_earlier_verdict() -> None:
    old = run(spec(id="x"), spec(id="y"), started="1")
    for status, verdict in (("failed", "nonconformant"), ("passed", "incomplete")):
        new = run(spec(id="x", status=status), footer=False, started="2")
        (entry,) = model.gather([old, new]).entries
        assert (entry.verdict, entry.replaced) == (verdict, 1)


@pytest.mark.parametrize(
    ("records", "footer", "verdict"),
    [
        ([spec()], True, "conformant"),
        ([spec()], False, "incomplete"),
        ([spec(status="failed")], False, "nonconformant"),
        ([spec(status="failed", level="recommended")], False, "incomplete"),
        ([timing("a", "p", 1.0, "same")], True, "not checked"),
        ([results.ImplementationRecord("a", absent="x is not installed")], True, "absent"),
    ],
)
def test_the_verdict_is_the_footer_s_or_what_the_records_prove(
    records: list[Record], footer: bool, verdict: str
) -> None:
    (entry,) = model.gather([run(*records, footer=footer)]).entries
    assert entry.verdict == verdict


def test_an_implementation_that_a_cut_off_check_did_not_reach_is_incomplete() -> None:
    found = model.gather([run(results.ImplementationRecord("z"), spec("a"), footer=False)])
    assert {entry.name: entry.verdict for entry in found.entries} == {"a": "incomplete", "z": "incomplete"}


def test_a_shard_is_said_to_be_a_part(tmp_path: Path) -> None:
    writer = results.Writer(tmp_path / "part.jsonl", header(shard="3/8"))
    writer.write(spec())
    writer.write(Footer({"a": Judgement("conformant", "A", 3, 0)}, 1.0, 3))
    writer.close()
    text = Page(report.build([tmp_path / "part.jsonl"], tmp_path / "site").read_text("utf-8")).text
    assert "part.jsonl is shard 3/8" in text


def test_specs_that_fail_in_the_same_words_are_told_once(tmp_path: Path) -> None:
    writer = results.Writer(tmp_path / "run.jsonl", header())
    for id in ("x.one", "x.two", "x.three"):
        writer.write(spec(id=id, status="errored", reason="raised KeyError" if id != "x.two" else "raised OSError"))
    writer.close()
    site = report.build([tmp_path / "run.jsonl"], tmp_path / "site").parent
    text = Page((site / "implementations" / "a.html").read_text("utf-8")).text
    assert "Faults in 3 specs" in text
    assert "Same reason in 1 other spec x.three" in text
    assert text.count("raised KeyError") == 1


# --- speed -----------------------------------------------------------------------------------------------------------


def test_means_count_covered_layers_and_totals_need_all_of_them() -> None:
    records = [
        timing("base", "p", 1.0, "baseline", count=2),
        timing("base", "q", 1.0, "baseline", base=10.0),
        timing("a", "p", 4.0, "slower", count=2),
        timing("a", "q", 1.0, "same", base=10.0),
        timing("b", "p", 0.5, "faster", count=2),
        timing("b", "q", None, "wrong"),
    ]
    (race,) = speed.race_tables(model.gather([run(*records)]))
    found = {standing.name: standing for standing in race.standings}
    assert found["a"].mean == pytest.approx(2.0)
    assert found["a"].total == pytest.approx(2 * 4 + 10)
    assert found["b"].mean == pytest.approx(0.5)
    assert (found["b"].covered, found["b"].total) == (1, None)
    assert race.virtual_best == pytest.approx(2 * 0.5 + 10)
    assert found["a"].regret == pytest.approx(18 / 11 - 1)
    assert found["b"].regret == pytest.approx(0)
    assert race.names[-1] == "b", "whole coverage comes first"
    assert found["b"].verdicts == [("faster", 1), ("wrong", 1)]
    assert race.layers[0].fastest == "b"


def test_a_wrong_implementation_is_shown_as_wrong_and_never_with_a_ratio(tmp_path: Path) -> None:
    path = tmp_path / "run.jsonl"
    writer = results.Writer(path, header())
    for record in (timing("base", "p", 1.0, "baseline"), timing("liar", "p", None, "wrong")):
        writer.write(record)
    writer.close()
    text = Page((report.build([path], tmp_path / "site").parent / "speed.html").read_text("utf-8")).text
    assert "1 wrong" in text
    assert "0 of 1 layers" in text


def test_what_is_not_ranked_is_listed_with_its_reason(tmp_path: Path) -> None:
    slow = msgspec.structs.replace(timing("slow", "p", None, "declined"), reason="needs <stride> 1")
    (race,) = speed.race_tables(model.gather([run(timing("base", "p", 1.0, "baseline"), slow)]))
    assert race.unranked == [("slow", "declined", "needs <stride> 1", ["p"])]


def test_the_frontier_joins_those_that_none_beats_in_both() -> None:
    points = [(1.0, 0.5), (0.8, 0.9), (2.0, 0.4), (2.5, 0.45), (0.9, 0.95), (1.0, 0.6)]
    assert race_charts.unbeaten(points) == [(0.8, 0.9), (1.0, 0.5), (2.0, 0.4)]
    (race,) = speed.race_tables(
        model.gather([run(timing("base", "p", 1.0, "baseline"), timing("a", "p", 2.0, "slower"))])
    )
    figure = race_charts.frontier(race, {"base": 0.5, "a": 0.1})
    assert "a: margin 0.1, 2.00×" in figure
    assert re.search(r'class="front" d="M[^L"]*L[^L"]*"', figure)
    assert race_charts.frontier(race, {"base": 0.5}) == ""


def test_a_sweep_is_drawn_with_its_powers_and_where_the_fastest_changes(site: Path) -> None:
    (first, *_) = sweep_charts.sweeps(model.gather([results.read(site.parent / "whole.jsonl")]))
    assert first.curves[0].implementation == "windows_05", "the fastest at the end"
    power = {curve.implementation: curve.exponent.value for curve in first.curves if curve.exponent}
    assert power["direct_00"] == pytest.approx(2.0, abs=0.02)
    assert power["windows_05"] == pytest.approx(1.0, abs=0.02)
    (lead,) = first.leads
    assert (lead.below, lead.above) == ("direct_00", "windows_05")
    assert lead.value == pytest.approx(8 * 6**1.0, rel=0.05), "6 (8 / size) is 1 there"
    assert len(first.crossovers) > len(first.leads)
    page = (site / "speed.html").read_text("utf-8")
    text = Page(page).text
    assert "direct_00 is faster up to 4" in text
    assert "2.00" in text
    figure = sweep_charts.draw(first)
    assert figure.count('class="ring"') == 1
    assert figure.count('class="line') == 6


def test_a_sweep_counts_in_no_network(site: Path) -> None:
    report = model.gather([results.read(site.parent / "whole.jsonl")])
    assert [race.is_sweep for race in speed.race_tables(report)] == [False, True]
    assert "23 of 23 layers" in Page((site / "index.html").read_text("utf-8")).text


# --- history -------------------------------------------------------------------------------------------------------


def test_history_needs_two_words_on_one_implementation() -> None:
    check, bench = run(spec("a"), started="1"), run(timing("a", "p", 1.2, "slower"), started="2")
    assert history.timelines(model.gather([check, bench])) == []
    other = run(msgspec.structs.replace(timing("a", "p", 1.2, "slower"), layers="another"), started="2")
    assert history.timelines(model.gather([bench, other])) == [], "two races are no history of either"
    assert len(history.timelines(model.gather([bench, bench]))) == 1
    later = run(spec("a", status="failed"), started="3")
    (line,) = history.timelines(model.gather([later, check, bench]))
    assert [moment and (moment.verdict, moment.faults) for moment in line.rows["a"]] == [
        ("conformant", 0),
        ("not checked", 0),
        ("nonconformant", 1),
    ]


# --- regions and pictures --------------------------------------------------------------------------------------------


def fails_where(fault: Callable[[str], bool], specs: int = 12, dtype: str = "float32") -> list[SpecRecord]:
    """Records of specs with cases all over the space, those at fault whose letters ``fault`` picks."""
    chance = random.Random(1)
    found = []
    for number in range(specs):
        space: dict[str, list[int]] = {}
        for _ in range(28):
            letters = "".join(letter for letter in FEATURES if chance.random() < 0.35)
            counts = space.setdefault(letters, [0, 0, 0])
            counts[0], counts[1] = counts[0] + 1, counts[1] + fault(letters)
        found.append(spec(id=f"{dtype}.{number}", status="failed", dtype=dtype, space=space))
    return found


def found_regions(records: list[SpecRecord]) -> dict[str, bool]:
    """The regions' descriptions, and whether all of each failed."""
    told = regions.locate_failures(records)
    assert told is not None
    return {one.sentence: one.failed == one.judged for one in told.regions}


def test_regions_are_found_from_what_fails_and_what_passes() -> None:
    assert found_regions(fails_where(lambda met: {"s", "g"} <= set(met))) == {"stride > 1 and groups > 1": True}
    two = fails_where(lambda met: {"s", "g"} <= set(met) or ("d" in met and "b" not in met))
    assert found_regions(two) == {"stride > 1 and groups > 1": True, "dilation > 1 and no bias": True}
    half = fails_where(lambda met: "v" in met, dtype="float16") + fails_where(lambda met: False)
    assert regions.locate_failures(fails_where(lambda met: False)) is None
    assert found_regions(half) == {"even kernel": True}, "specs that pass are no part of it"


def test_a_fault_of_one_dtype_among_several_is_told_by_that_dtype() -> None:
    records = fails_where(lambda met: "s" in met, dtype="float16") + fails_where(lambda met: set("lcy") <= set(met))
    assert "stride > 1 and float16" in found_regions(records)


def test_a_spec_that_fails_on_every_case_is_told_beside_the_regions() -> None:
    records = [*fails_where(lambda met: "m" in met), *fails_where(lambda met: True, specs=1, dtype="float64")]
    told = regions.locate_failures(records)
    assert told is not None
    assert ([one.sentence for one in told.regions], told.everywhere) == (["depthwise"], ["float64.0"])
    told = regions.locate_failures(fails_where(lambda met: True, specs=1))
    assert told is not None
    assert (told.regions, told.everywhere) == ([], ["float32.0"]), "nothing passed that could tell them apart"


def test_coverage_is_of_the_pairs_that_anybody_was_asked() -> None:
    whole = coverage.feature_space([spec(space={"s": [1], "sg": [2, 0, 0], "?": [1]})])
    part = coverage.feature_space(
        [spec(space={"s": [1], "sg": [0, 0, 2]}), spec(status="declined", space={"": [0, 0, 1]})]
    )
    found = coverage.pair_coverages({0: whole, 7: part})
    features = len(FEATURES)
    plain = features * (features - 1) // 2  # pairs of absent features, in the plainest case
    with_stride, with_groups = features - 1, features - 1  # groups meet the others absent, and the stride
    assert (found[0].judged, found[0].asked) == (plain + with_stride + with_groups,) * 2
    assert found[7].asked == found[0].asked
    assert found[7].judged == (features - 1) * (features - 2) // 2 + with_stride, "what it declined is not covered"
    assert coverage.pair_coverages({}) == {}
    assert coverage.pair_coverages({0: coverage.feature_space([spec()])})[0].share is None, "0 of 0 is no coverage"


def test_the_picture_of_the_space_tells_what_became_of_each_pair() -> None:
    own = coverage.feature_space([spec(space={"sg": [4, 1], "s": [4], "db": [1, 1], "v": [0, 0, 3]})])
    drawn = dict(re.findall(r'class="pair ([^"]*)" d="([^"]*)"', coverage.picture(own)))
    cells = {kind: sum(int(wide) // 13 for wide in re.findall(r"h(\d+)", steps)) for kind, steps in drawn.items()}
    assert cells == {
        "some-failed": 3,  # stride alone and with groups, groups alone
        "most-failed": 3,
        "declined": 1,
    }
    assert coverage.picture(coverage.feature_space([spec()])) == ""


def test_the_counterexample_s_first_wrong_output_and_its_receptive_field_are_marked() -> None:
    case = Counterexample(
        "n1c1h3w3_o1k2x2_s1x1_p0x0_d1x1_g1_float32", "exact", 1, "", "", index=[0, 0, 1, 0],
        picture=Picture([[1, 2, 3], [4, 5, 6], [7, 8, 9]], [[1, 0], [0, 0]], [[1, 2], [0, None]], [[1, 2], [4, 5]]),
    )  # fmt: skip
    marks = [[cell.mark for row in grid.rows for cell in row] for grid in picture.grids(case)]
    assert marks[0] == ["", "", "", "field", "field", "", "field", "field", ""]
    assert marks[2] == ["", "", "wrong first", "wrong"]
    assert picture.grids(case)[2].rows[1][1].text == "nan"


def test_what_is_within_the_bound_is_not_marked() -> None:
    planes: list[list[list[float | None]]] = [[[1.0, 2.0]], [[1.0]], [[1.001, 2.5]], [[1.0, 2.0]]]
    case = Counterexample("?", "gaussian", 1, "", "", index=[0, 0, 0, 1], bound="0.01", picture=Picture(*planes))
    assert [cell.mark for cell in picture.grids(case)[2].rows[0]] == ["", "wrong first"]


def test_a_large_picture_is_cut_and_says_so() -> None:
    plane: list[list[float | None]] = [[0.5] * 50 for _ in range(50)]
    case = Counterexample("?", "exact", 1, "", "", picture=Picture(plane, [[1]], plane, plane))
    grid = picture.grids(case)[0]
    assert grid.title == "input (50 × 50)"
    assert [len(grid.rows), len(grid.rows[0]), grid.rows[-1][0].text] == [25, 25, "…"]


# --- Markdown, badges, comparing -------------------------------------------------------------------------------------


def test_the_summary_lists_verdicts_and_how_to_reproduce() -> None:
    case = Counterexample("p", "exact", 1, "one off | <b>", "convgauge reproduce a p --spec padding.same")
    text = report.markdown([run(spec(status="failed", counterexample=case), spec("b"), footer=False)])
    assert "| a | nonconformant |" in text
    assert "**Incomplete**" in text
    assert "one off \\| &lt;b&gt;" in text
    assert "` convgauge reproduce a p --spec padding.same `" in text


def test_hostile_names_break_neither_the_table_nor_the_terminal() -> None:
    name = synthetic_runs.HOSTILE
    text = report.markdown([run(spec(name, status="failed"))])
    row = next(line for line in text.splitlines() if "onerror" in line and line.startswith("|"))
    assert len(re.findall(r"(?<!\\)\|", row)) == 8
    assert "<img" not in text
    assert "\x1b" not in text + report.compare(run(spec(name)), run(spec(name, status="failed")))[0]


def test_junit_has_a_test_a_result_and_an_error_for_what_was_cut_off(tmp_path: Path) -> None:
    case = Counterexample("p", "exact", 1, "one off", "convgauge reproduce a p --spec padding.same")
    records = [
        spec(status="failed", reason="<b>\x1b\uffff", counterexample=case, sentence="It pads."),
        spec(id="padding.word", status="declined", reason="no words"),
        spec(id="padding.pair", status="crashed", level="recommended"),
        spec("b", id="padding.pair", status="timed_out"),
        spec("b"),
    ]
    writer = results.Writer(tmp_path / "run.jsonl", header())
    for record in records:
        writer.write(record)
    writer.close()
    junit = tmp_path / "junit.xml"
    assert main(["report", str(writer.path), "--output", str(tmp_path / "site"), "--junitxml", str(junit)]) == 0
    suites = ElementTree.parse(junit).getroot()
    counts = {suite.get("name"): [int(suite.get(n, -1)) for n in COUNTS] for suite in suites}
    assert counts == {"a": [3, 1, 0, 2], "b": [2, 0, 1, 0], "run.jsonl": [1, 0, 1, 0]}
    failure = suites.find(".//failure")
    assert failure is not None
    assert failure.attrib == {"type": "failed", "message": r"<b>\x1b?"}
    assert failure.text == "It pads.\nconvgauge reproduce a p --spec padding.same"


COUNTS = ("tests", "failures", "errors", "skipped")


def test_a_badge_is_what_shields_reads() -> None:
    found = report.badge(run(spec()), "a")
    assert found == {"schemaVersion": 1, "label": "convgauge", "message": "conformant · A", "color": "brightgreen"}
    assert report.badge(run(spec(), footer=False), "a")["message"] == "incomplete"
    with pytest.raises(KeyError):
        report.badge(run(spec()), "nobody")


@pytest.mark.parametrize(
    ("before", "after", "heading", "status"),
    [
        ("passed", "failed", "Broke", 1),
        ("passed", "declined", "Broke", 1),
        ("declined", "crashed", "Broke", 1),
        ("xfailed", "xpassed", "Broke", 1),
        ("failed", "passed", "Fixed", 0),
        ("crashed", "declined", "Fixed", 0),
        ("declined", "passed", "Fixed", 0),
        ("failed", "crashed", "Changed otherwise", 0),
        ("passed", "skipped", "Changed otherwise", 0),
    ],
)
def test_comparing_says_what_became_of_a_result(before: str, after: str, heading: str, status: int) -> None:
    old, new = run(spec(status=before), footer=False), run(spec(status=after), footer=False)
    text, code = report.compare(old, new)
    assert f"{heading} (1)\n  a padding.same float32 cpu: {before} → {after}" in text
    assert code == status
    assert "is incomplete" in text


def test_comparing_tells_of_what_came_went_and_got_slower() -> None:
    old = run(spec(id="x"), spec(id="y"), timing("a", "p", 1.0, "same"))
    new = run(spec(id="x"), spec(id="z"), timing("a", "p", 1.5, "slower"))
    text, code = report.compare(old, new)
    assert "Appeared (1)" in text
    assert "Vanished (1)" in text
    assert "Slower (1)\n  a on p (÷ base): 1.00× → 1.50×" in text
    assert code == 0


def test_a_ratio_that_grew_beyond_the_limit_is_a_regression() -> None:
    old, new = (run(timing("a", "p", ratio, "slower")) for ratio in (1.0, 1.5))
    assert report.compare(old, new, 0.6)[1] == 0
    assert report.compare(old, new, 0.4)[1] == 1
    assert report.compare(new, old, 0.4)[1] == 0
    text = report.compare(old, new, 0.4, markdown=True)[0]
    assert "### Slower (1)\n\n| what | was | is |\n|---|---|---|\n| a on p (÷ base) | 1.00× | 1.50× |" in text


def test_timings_of_other_machines_are_told_apart() -> None:
    old, new = (run(timing("a", "p", 1.0, "same")) for _ in range(2))
    assert report.other_machine(old, new) == ""
    new.header = msgspec.structs.replace(new.header, machine=msgspec.structs.replace(new.header.machine, cores=99))
    assert "99 cores" in report.other_machine(old, new)
    assert report.other_machine(old, run(spec())) == ""


def test_a_worse_grade_is_a_regression() -> None:
    old, new = run(spec()), run(spec())
    assert new.footer
    new.footer = Footer({"a": Judgement("conformant", "B", 3, 0)}, 1.0, 3)
    assert report.compare(old, new) == ("Broke (1)\n  a: A → B", 1)


def test_comparing_runs_that_share_nothing_is_no_success() -> None:
    assert report.compare(run(spec("a")), run(spec("b")))[1] == 5


# --- words -----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "name", ["../../etc/passwd", "CON", ".hidden", "a/b", "", "é" * 300, "a\nb", "index", "Ä", "x" * 999]
)
def test_a_slug_is_a_plain_file_name(name: str) -> None:
    made = formatting.slug(name)
    assert re.fullmatch(r"[a-z0-9][a-z0-9._-]{0,80}", made)
    assert made not in ("con", "index")


def test_names_that_fold_together_get_files_apart() -> None:
    names = ["Conv", "conv", "conv ", "CONV", "co/nv", "co-nv"]
    assert len({formatting.slug(name) for name in names}) == len(names)
    runs = run(*(spec(name) for name in ["a--b", *names]))
    assert len({entry.slug for entry in model.gather([runs]).entries}) == len(names) + 1


@pytest.mark.parametrize(
    ("value", "shown"),
    [(0.8249, "0.825×"), (1.0, "1.00×"), (12.345, "12.3×"), (3456.7, "3,457×"), (None, "–"), (0.0, "0.00×")],
)
def test_ratios_have_three_digits(value: float | None, shown: str) -> None:
    assert formatting.ratio(value) == shown


def test_percentages_are_never_spelled_with_an_exponent() -> None:
    shown = [formatting.percent(value) for value in (0.0421, 0.5, 9.99, 9.999, 80.9, None)]
    assert [text.replace("\N{NO-BREAK SPACE}", " ") for text in shown] == [
        "4.21 %", "50 %", "999 %", "1,000 %", "8,090 %", "–",
    ]  # fmt: skip


def test_every_status_has_a_symbol_a_letter_and_a_meaning() -> None:
    for table in (formatting.SYMBOLS, formatting.LETTERS, formatting.MEANINGS):
        assert set(table) == set(STATUSES)
        assert len(set(table.values())) == len(STATUSES)
    assert set(GRAVITY) == set(STATUSES)


# --- strange but valid records ---------------------------------------------------------------------------------------

EMPTY = "n1c1h0w0_o1k1x1_s1x1_p1x1_d1x1_g1_float32"


def sweep(name: str, problem: str, **more: Any) -> TimingRecord:
    plain = TimingRecord(name, problem, [1.0], 1.0, 1.0, 1.0, "baseline", name, None, None, 1, layers="scaling:size")
    return msgspec.structs.replace(plain, **more)


STRANGE = [
    TimingRecord("z", "p", [0.0], 1.0, 0.0, 0.0, "baseline", "z", 0.0, 0, 0),
    TimingRecord("y", "p", [1e-300], 1e-300, 1e-300, 1e300, "faster", "z", 1e300, 2**62, 2**62, noise=1e300),
    TimingRecord("x", "not a problem", [1e300], 1e300, None, None, "undecided", "z", None, None, 1, count=0),
    TimingRecord("w", "p", [-1.0], None, None, None, "same", "z", None, None, 1, least_bytes=1),
    sweep("u", "not a problem"),
    sweep("t", EMPTY, seconds=[0.0, 1.0], ratio=0.0, low=-1.0, high=1e300, layers="scaling:batch"),
    sweep("s", EMPTY, threads=-3),
    sweep("s", EMPTY),
    sweep("s", EMPTY, layers="scaling:"),
    TimingRecord("v", "p", [], None, None, None, "wrong", "", None, None, 0, layers="\x00", threads=-1),
    results.LimitRecord("matmul", "", 1, 0.0, ""),
    results.LimitRecord("copy", "", 1, 1e-300, ""),
    results.ImageRecord("z", "t", "not base64", "AAAA", -1.0, 1e300, "errored"),
    results.ImageRecord("oracle", "t", "", "", None, None),
    results.ImplementationRecord("", absent="\n"),
    spec("", id="", status="skipped", level="recommended", cases=0, chapter="", dtype="@", device="@@"),
    spec("a", id="a", status="failed", margin=1e308, margins=[0.0, 1e308, 5e-324, -1.0], failing=["", "\x00" * 9]),
    *(
        spec(
            "a",
            id=f"p{n}",
            status="failed",
            counterexample=Counterexample("", "", 0, "", "", index=index, picture=drawn),
        )
        for n, (index, drawn) in enumerate(
            [
                ([9, 9], Picture([], [], [], [])),
                ([-1, -1], Picture([[]], [[]], [[]], [[None]])),
                ([0], Picture([[1e300, None]], [[1e-300]], [[1], [1, 2, 3]], [[1, 2], []])),
                ([0, 0, 0, 0], None),
            ]
        )
    ),
]


@pytest.mark.parametrize("chosen", [*([record] for record in STRANGE), STRANGE], ids=lambda chosen: str(len(chosen)))
def test_strange_records_are_shown_somehow(tmp_path: Path, chosen: list[Record]) -> None:
    writer = results.Writer(tmp_path / "run.jsonl", header(versions={"\x1b": "<b>"}, started="\u202e"))
    for record in chosen:
        writer.write(record)
    writer.write(Footer({"\x00": Judgement("unjudged", "", -1, -1)}, 1e300, -1))
    writer.close()
    index = report.build([tmp_path / "run.jsonl"], tmp_path / "site")
    for path in pages(index.parent):
        Page(path.read_text("utf-8"))
    read = results.read(tmp_path / "run.jsonl")
    assert report.compare(read, read)[1] in (0, 5)
