"""Properties of every page: structure, links, safety."""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import Any

import msgspec
import pytest

from convgauge import report, results
from convgauge.report import formatting
from convgauge.results import (
    Counterexample,
    Footer,
    Judgement,
    Picture,
    Record,
    SpecRecord,
    TimingRecord,
)
from convgauge.terms import FAULTS
from support.html_page import Page, pages
from support.records import spec, write_run


def test_every_page_nests_and_has_no_id_twice(site: Path) -> None:
    for path in pages(site):
        page = Page(path)
        assert len(page.ids) == len(set(page.ids)), path


def test_every_address_is_a_file_of_the_report_or_an_id_in_a_page(site: Path) -> None:
    parsed = {path.resolve(): Page(path) for path in pages(site)}
    for path, page in parsed.items():
        for address in page.addresses:
            file, _, anchor = address.partition("#")
            target = (path.parent / file).resolve() if file else path
            assert target.is_file(), (path, address)
            assert target.is_relative_to(site.resolve())
            if anchor and "=" not in anchor:
                assert anchor in parsed[target].ids, (path, address)


def test_nothing_is_asked_of_the_network(site: Path) -> None:
    for path in pages(site):
        text = path.read_text("utf-8")
        assert "default-src 'none'" in text
        assert not [address for address in Page(path).addresses if re.match(r"[a-z]+:|//", address)]
    assets = sorted((site / "assets").iterdir())
    assert {"report.js", "report.css"} <= {path.name for path in assets}
    request = re.compile(r"https?://(?!www\.w3\.org/2000/svg)|fetch\(|XMLHttpRequest|@import|url\(")
    assert [path.name for path in assets if request.search(path.read_text("utf-8"))] == []


def test_there_are_no_inline_handlers_styles_or_scripts(site: Path) -> None:
    for path in pages(site):
        for tag, name, value in Page(path).attributes:
            assert not name.startswith("on"), (path, tag, name)
            assert name != "style"
            assert not value.lower().startswith("javascript:")
        scripts = re.findall(r"<script([^>]*)>(.*?)</script>", path.read_text("utf-8"), re.DOTALL)
        assert scripts
        for attributes, content in scripts:
            if "src=" in attributes:
                assert content == ""
            else:
                assert "application/json" in attributes
                assert isinstance(json.loads(content), list)


def test_hostile_names_are_text_and_their_files_stay_inside(site: Path) -> None:
    for path in site.rglob("*"):
        assert re.fullmatch(r"[a-z0-9._-]+", path.name), path
    for path in pages(site):
        text = path.read_text("utf-8")
        assert "<img src=x" not in text
        assert not re.search(r"[\x00-\x08\x0b-\x1f\x7f\u202e]", text), path
    assert "<img src=x onerror=alert(1)>" in Page(site / "index.html").text


def test_a_sentence_is_on_the_page_of_its_chapter_and_of_the_implementations_that_fail(site: Path) -> None:
    sentence = "With shape rule_000, each output is the sum of products over its receptive field."
    runs = [results.read(site.parent / name) for name in ("whole.jsonl", "cut.jsonl")]
    failing = {
        site / "implementations" / f"{formatting.slug(f'{record.implementation}--{run.header.label}')}.html"
        for run in runs
        for record in run.records_of(SpecRecord)
        if record.spec == "shape.rule_000" and record.status in FAULTS
    }
    assert failing
    assert {path for path in pages(site) if sentence in Page(path).text} == {site / "specs" / "shape.html", *failing}


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


@pytest.mark.parametrize(
    "chosen",
    [*([record] for record in STRANGE), STRANGE],
    ids=[*(f"{index} {type(record).__name__}" for index, record in enumerate(STRANGE)), "all"],
)
def test_strange_records_give_pages_that_nest(tmp_path: Path, chosen: list[Record]) -> None:
    footer = Footer({"\x00": Judgement("unjudged", "", -1, -1)}, 1e300, -1)
    file = write_run(tmp_path / "run.jsonl", *chosen, footer=footer, versions={"\x1b": "<b>"}, started="\u202e")
    index = report.build([file], tmp_path / "site")
    for path in pages(index.parent):
        Page(path)
    run = results.read(file)
    is_comparable = any(isinstance(record, SpecRecord | TimingRecord) for record in chosen)
    assert report.compare(run, run)[1] == (0 if is_comparable else 5)
