"""The zoo proves the specification: every planted fault is caught where it should be, no sound oddity is accused."""

from __future__ import annotations

import json
import subprocess
import sys
import time
from concurrent.futures import Future
from pathlib import Path

import psutil
import pytest

import support
from convgauge.conformance.spec import TIERS
from convgauge.selftest import kill_matrix, run
from convgauge.selftest.kill_matrix import Finding, Matrix
from convgauge.selftest.mutants import Exhibit, exhibits
from convgauge.selftest.run import collected
from convgauge.worker.frameworks import installed

pytestmark = pytest.mark.once
ZOO = {one.name: one for one in exhibits()}
FAULTS = [name for name, one in ZOO.items() if one.faulty]
SOUND = [name for name, one in ZOO.items() if not one.faulty]


@pytest.fixture(scope="module")
def findings(request: pytest.FixtureRequest) -> dict[str, Finding]:
    """What became of the exhibits whose tests were selected: each judged in a process of its own, two at once.

    A fault's run is narrowed to the chapters that should catch it and ends at the first that does.
    """
    asked = {item.callspec.params.get("name") for item in request.session.items if hasattr(item, "callspec")}
    chosen = [one for name, one in ZOO.items() if name in asked and installed(one.framework)]
    found: dict[str, Finding] = {}
    for tier in ("quick", "standard"):
        matrix = run.run([one for one in chosen if one.tier == tier], tier, first=True, narrow=True)
        found.update({one.name: one for one in matrix.findings})
    return found


def finding(findings: dict[str, Finding], name: str) -> Finding:
    if name not in findings:
        pytest.skip(f"{ZOO[name].framework} is not installed")
    return findings[name]


@pytest.mark.parametrize("name", FAULTS)
def test_a_fault_is_caught_where_it_should_be(findings: dict[str, Finding], name: str) -> None:
    found = finding(findings, name)
    assert found.mistrusted == []
    assert found.caught, f"{ZOO[name].sentence} survives {', '.join(ZOO[name].caught_by)}: {found.reason}"


@pytest.mark.parametrize("name", FAULTS)
def test_a_fault_passes_the_smoke_test_unless_its_nature_forbids(findings: dict[str, Finding], name: str) -> None:
    assert finding(findings, name).smoke == ZOO[name].smoke


@pytest.mark.parametrize("name", SOUND)
def test_a_sound_oddity_is_not_accused(findings: dict[str, Finding], name: str) -> None:
    found = finding(findings, name)
    assert found.smoke, found.reason
    assert found.mistrusted == []
    assert found.caught == {}, found.reason
    assert found.overlooked == []
    assert found.cases > 500


def test_the_zoo_is_large() -> None:
    assert len(FAULTS) >= 60
    assert len(SOUND) >= 20
    assert sum(ZOO[name].smoke for name in FAULTS) > 0.9 * len(FAULTS)


@pytest.mark.parametrize("name", ZOO)
def test_an_exhibit_says_what_it_is(name: str) -> None:
    exhibit = ZOO[name]
    assert exhibit.sentence.endswith(".")
    assert exhibit.tier in TIERS
    known = {spec.chapter for spec, _ in collected()} | {spec.id for spec, _ in collected()}
    assert set(exhibit.caught_by) | set(exhibit.noted_by) <= known
    assert not (exhibit.noted_by and exhibit.faulty)
    assert bool(exhibit.caught_by) == exhibit.faulty


def test_every_chapter_catches_something_of_its_own() -> None:
    named = {chapter for name in FAULTS for chapter in ZOO[name].caught_by}
    chapters = {spec.chapter for spec, _ in collected() if spec.profile in ("kernel", "functional")}
    assert chapters - named <= {"device", "example", "laws", "corpora"}  # proved by the same faults as the others


# --- the selftest itself ---------------------------------------------------------------------------------------------

TWO = """
from convgauge.arguments import resolve
import numpy as np

def fault(sentence, **more):
    return lambda function: function

sound = fault

@fault("Nothing is wrong with it.", caught_by=["padding"])
def harmless(input, weight, bias=None, stride=1, padding=0, dilation=1, groups=1):
    from faulty_base import conv
    return conv(input, weight, bias, stride, padding, dilation, groups)

@sound("Everything is wrong with it.")
def harmful(input, weight, bias=None, stride=1, padding=0, dilation=1, groups=1):
    return np.zeros((1, 1, 1, 1), np.float32)
"""


def test_a_fault_that_survives_and_a_sound_one_accused_are_told(tmp_path: Path) -> None:
    (tmp_path / "two.py").write_text(TWO)
    (tmp_path / "faulty_base.py").write_text((support.FOLDER / "faulty_processes.py").read_text())
    matrix = run.run(exhibits(tmp_path), "quick", first=True, narrow=True)
    assert [one.name for one in matrix.accused] == ["harmful"]
    harmless = matrix.findings[0]
    assert harmless.smoke
    assert not harmless.caught or harmless.good  # its base declines nothing and is right where it answers


def test_an_exhibit_named_twice_is_an_error(tmp_path: Path) -> None:
    for name in ("one.py", "two.py"):
        (tmp_path / name).write_text(TWO)
    with pytest.raises(ValueError, match="both declare harmless"):
        exhibits(tmp_path)


def test_the_matrix_adds_up(capsys: pytest.CaptureFixture[str]) -> None:
    matrix = Matrix(
        "quick",
        [
            Finding("a", True, True, caught={"x.one": "failed"}),
            Finding("b", True, True, caught={"x.one": "failed", "x.two": "crashed"}),
            Finding("c", True, True),
            Finding("d", True, True, due=False),
            Finding("e", False, True, caught={"x.two": "failed"}),
            Finding("f", False, True, advised={"x.four": "failed"}),
            Finding("g", False, True, overlooked=["x.three"]),
        ],
        {"x.one": "One.", "x.two": "Two.", "x.three": "Three.", "x.four": "Four.", "x.five": "Five."},
        kept={"x.five": "it costs nothing"},
    )
    assert [one.name for one in matrix.survivors] == ["c"]
    assert [one.name for one in matrix.later] == ["d"]
    assert [one.name for one in matrix.accused] == ["e"]
    assert matrix.sole == {"x.one": ["a"]}
    assert [one.name for one in matrix.findings if one.good] == ["a", "b", "d", "f"]
    assert matrix.idle == ["x.five", "x.three"]
    assert [id for id in matrix.idle if id not in matrix.kept] == ["x.three"]
    assert matrix.catches == {"x.one": ["a", "b"], "x.two": ["b"], "x.three": [], "x.four": [], "x.five": []}
    assert matrix.table()["idle"] == ["x.five", "x.three"]
    run._show(matrix, 1.0)
    said = capsys.readouterr().out
    assert "survives: c" in said
    assert "accused: e" in said
    assert "catch nothing (2): x.five, x.three" in said
    assert "x.five: it costs nothing" in said
    assert "x.three: does not say why it is kept" in said
    assert "2 of 4 faults caught at quick" in said


def test_a_matrix_reads_back_as_it_was_written(tmp_path: Path) -> None:
    matrix = Matrix(
        "quick", [Finding("a", True, True, caught={"x.one": "failed"})], {"x.one": "One."}, False, {"x": "y"}
    )
    path = tmp_path / "matrix.json"
    path.write_text(json.dumps(matrix.table(), indent=1))
    assert kill_matrix.is_matrix(path)
    assert kill_matrix.read(path) == matrix


@pytest.mark.parametrize(
    "text",
    [
        '{"tier": 1, "findings": []}',
        '{"tier": "quick", "findings": [',
        '{"schema": 9, "tier": "q", "findings": [], "specs": {}}',
        "[" * 9999,
    ],
)
def test_a_damaged_matrix_is_named(tmp_path: Path, text: str) -> None:
    path = tmp_path / "matrix.json"
    path.write_text(text)
    with pytest.raises(ValueError, match=r"matrix\.json"):
        kill_matrix.read(path)


def test_a_run_is_no_matrix(tmp_path: Path) -> None:
    (tmp_path / "run.jsonl").write_text('{"type":"header","schema":1,"tier":"quick"}\n')
    assert not kill_matrix.is_matrix(tmp_path / "run.jsonl")


@pytest.mark.parametrize(("words", "status"), [(("medium", ""), 4), (("quick", "no such exhibit"), 5)])
def test_what_cannot_be_run_is_said(words: tuple[str, str], status: int, capsys: pytest.CaptureFixture[str]) -> None:
    assert run.selftest(words[0], None, words[1]) == status
    assert capsys.readouterr().err.startswith("convgauge: ")


def test_a_single_exhibit_can_be_asked_for(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    output = tmp_path / "deep" / "matrix.json"
    assert run.selftest("quick", output, "padding_pair_swapped", first=True) == 0
    assert '"padding_pair_swapped"' in output.read_text()
    assert "1 of 1 faults caught at quick (1 of them pass the smoke test)" in capsys.readouterr().out


def test_a_killed_selftest_leaves_no_process_behind() -> None:
    words = [sys.executable, "-m", "convgauge", "selftest", "--tier", "quick", "-k", "sound_numpy"]
    running = subprocess.Popen(words, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    started = psutil.Process(running.pid)

    def implementations() -> list[psutil.Process]:
        return [one for one in started.children(recursive=True) if any("_boot.py" in word for word in one.cmdline())]

    deadline = time.monotonic() + 120
    while not implementations() and running.poll() is None and time.monotonic() < deadline:
        time.sleep(0.1)
    below = started.children(recursive=True)
    assert len(below) >= 3  # a worker, its implementation, and what tracks the workers
    running.kill()
    running.wait()
    assert psutil.wait_procs(below, timeout=30)[1] == []


def test_a_matrix_is_gone_on_with(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """What has not changed is not judged again; what has is, and what was not reached."""
    judged = []

    class Pool:
        def __init__(self, *_: object, **__: object) -> None: ...
        def __enter__(self) -> Pool:
            return self

        def __exit__(self, *_: object) -> None: ...
        def submit(self, examine: object, exhibit: Exhibit, *_: object) -> Future[tuple[Finding, dict[str, str]]]:
            judged.append(exhibit.name)
            done: Future[tuple[Finding, dict[str, str]]] = Future()
            done.set_result((Finding(exhibit.name, True, True, caught={"x.one": "failed"}), {"x.one": "One."}))
            return done

    monkeypatch.setattr(run, "ProcessPoolExecutor", Pool)
    for name in ("one", "two", "three"):
        (tmp_path / f"{name}.py").write_text(TWO.replace("harmless", name).replace("harmful", f"{name}_sound"))
    chosen = exhibits(tmp_path)
    seen: list[Matrix] = []
    first = run.run(chosen[:4], "quick", progress=lambda finding, matrix: seen.append(matrix))
    assert [len(matrix.findings) for matrix in seen] == [1, 2, 3, 4]
    assert [matrix.whole for matrix in seen] == [False, False, False, True]
    judged.clear()
    (tmp_path / "one.py").write_text((tmp_path / "one.py").read_text() + "# changed\n")
    second = run.run(chosen, "quick", before=first)
    assert set(judged) == {one.name for one in chosen if one.path.stem == "one" or one in chosen[4:]}
    assert [one.name for one in second.findings] == [one.name for one in chosen]
    assert second.whole


def test_an_exhibit_is_found_as_any_function_is() -> None:
    exhibit: Exhibit = ZOO["padding_pair_swapped"]
    assert exhibit.origin.kind == "file"
    assert exhibit.origin.framework == "numpy"
