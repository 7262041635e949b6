"""Reading runs: a damaged file, one that was cut off or one of a later version never counts as complete."""

from __future__ import annotations

from pathlib import Path

import msgspec
import pytest
from hypothesis import HealthCheck, given, settings, strategies

from convgauge import cli, results
from convgauge.report import model
from convgauge.results import DamagedFileError, SpecRecord, read
from support.paths import DATA
from support.run_file import FOOTER, HEADER, RECORD


def test_a_run_cut_off_anywhere_is_incomplete_or_damaged(path: Path, tmp_path: Path) -> None:
    whole = path.read_bytes()
    for end in range(len(whole)):
        cut = tmp_path / "cut.jsonl"
        cut.write_bytes(whole[:end])
        try:
            run = read(cut)
        except DamagedFileError:
            continue
        assert run.footer is None


@pytest.mark.parametrize(
    ("line", "text", "message"),
    [
        (2, b"{not json", "line 2"),
        (2, b"\xff\xfe", "line 2"),
        (2, b'{"type":"spec"}', "line 2"),
        (2, b'{"type":"unheard_of"}', "line 2"),
        (2, b"[" * 100_000, "line 2"),
        (2, b'{"type":"spec","implementation":3}', "line 2"),
        (1, b"# a comment", "line 1: not a run"),
        (1, b"[1, 2]", "line 1: not a run"),
        (1, b'{"type":"header"}', "no schema version"),
    ],
)
def test_a_damaged_line_is_named(path: Path, line: int, text: bytes, message: str) -> None:
    lines = path.read_bytes().splitlines()
    lines[line - 1] = text
    path.write_bytes(b"\n".join(lines) + b"\n")
    with pytest.raises(DamagedFileError) as caught:
        read(path)
    assert message in str(caught.value)
    assert str(path) in str(caught.value)


def test_a_future_schema_is_refused_by_number(path: Path) -> None:
    path.write_text(path.read_text().replace(f'"schema":{results.SCHEMA}', '"schema":99', 1))
    with pytest.raises(DamagedFileError, match="schema 99"):
        read(path)


@pytest.mark.parametrize("order", [(1, 0, 2), (0, 0, 1, 2), (0, 2, 1), (0, 2, 2), (1, 2), (2,), (0, 1, 1, 2)])
def test_lines_out_of_their_place_are_refused(path: Path, order: tuple[int, ...]) -> None:
    lines = path.read_bytes().splitlines(keepends=True)
    path.write_bytes(b"".join(lines[index] for index in order))
    with pytest.raises(DamagedFileError):
        read(path)


def test_an_empty_file_is_damaged_and_a_missing_one_an_os_error(tmp_path: Path) -> None:
    (tmp_path / "empty").write_bytes(b"")
    with pytest.raises(DamagedFileError, match="empty"):
        read(tmp_path / "empty")
    with pytest.raises(OSError, match="none"):
        read(tmp_path / "none")


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(strategies.binary(max_size=200), strategies.booleans())
def test_any_bytes_are_a_run_or_damaged(tmp_path: Path, content: bytes, headed: bool) -> None:
    path = tmp_path / "fuzzed.jsonl"
    path.write_bytes((msgspec.json.encode(HEADER) + b"\n" if headed else b"") + content)
    try:
        assert read(path).footer is None
    except DamagedFileError as error:
        assert str(path) in str(error)  # noqa: PT017


def test_runs_of_the_first_revision_are_read() -> None:
    """Files as the first version wrote them: what has been added since has its default."""
    check, race = read(DATA / "check-1.0.jsonl"), read(DATA / "race-1.0.jsonl")
    assert (check.header.schema, check.header.revision, check.header.expected) == (1, 0, {})
    assert [(record.implementation, record.spec, record.status) for record in check.records_of(SpecRecord)] == [
        ("numpy_windows", "padding.pair", "passed"),
        ("numpy_windows", "special.nan.weight", "passed"),
        ("conv2d", "padding.pair", "failed"),
        ("conv2d", "special.nan.weight", "failed"),
    ]
    assert check.footer is not None
    assert check.footer.verdicts["conv2d"].verdict == "wrong"
    assert [record.verdict for record in race.records_of(results.TimingRecord)] == ["baseline", "faster"]
    assert {record.worker for record in race.records_of(results.TimingRecord)} == {""}


def test_runs_of_the_second_schema_are_read() -> None:
    """Verdicts have their present names, and nothing is invented that was not recorded."""
    check = read(DATA / "check-2.jsonl")
    assert check.header.schema == 2
    assert check.footer is not None
    narrow, transposed = (check.footer.verdicts[name] for name in ("narrow", "transposed"))
    assert (narrow.verdict, narrow.coverage, narrow.is_strict, narrow.declined) == ("partial", None, None, 28)
    assert transposed.verdict == "wrong"
    assert [(record.status, record.valid, record.answered) for record in check.records_of(SpecRecord)][:2] == [
        ("declined", 0, 0),
        ("passed", 0, 0),
    ]


def test_runs_of_the_third_schema_are_read() -> None:
    """Facts beside the verdict are kept; a run without a diagnosis has no causes, and a fault has no kind."""
    check = read(DATA / "check-3.jsonl")
    assert check.header.schema == 3
    assert check.footer is not None
    narrow, swapped = (check.footer.verdicts[name] for name in ("narrow", "swapped"))
    assert (narrow.verdict, narrow.refused, narrow.limits) == (
        "partial",
        28,
        ["groups > 1 (NotImplementedError, 28 cases)"],
    )
    assert (swapped.verdict, swapped.unexplained, swapped.remark, swapped.cleared) == ("wrong", 0, "", {})
    assert not check.records_of(results.CauseRecord)
    failing = next(record for record in check.records_of(SpecRecord) if record.status == "failed")
    assert failing.counterexample is not None
    assert (failing.counterexample.kind, failing.counterexample.after) == ("", [])


def test_an_older_run_is_shown_without_causes() -> None:
    (swapped,) = (each for each in model.gather([read(DATA / "check-3.jsonl")]).entries if each.name == "swapped")
    assert (swapped.verdict, swapped.is_diagnosed, swapped.unexplained) == ("wrong", False, [])


def test_a_report_judges_an_older_run_by_its_records() -> None:
    entries = {entry.name: entry for entry in model.gather([read(DATA / "check-2.jsonl")]).entries}
    assert {name: (entry.verdict, entry.coverage) for name, entry in entries.items()} == {
        "narrow": ("partial", None),
        "transposed": ("wrong", None),
    }


def test_runs_of_the_first_revision_are_reported(tmp_path: Path) -> None:
    """A folder stands for the runs in it."""
    assert cli.main(["report", str(DATA), "--output", str(tmp_path / "site")]) == 0
    page = (tmp_path / "site" / "index.html").read_text()
    assert "numpy_im2col" in page
    assert "conv2d" in page


def test_a_folder_without_runs_is_an_error(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert cli.main(["report", str(tmp_path), "--output", str(tmp_path / "site")]) == 4
    assert "there is no run" in capsys.readouterr().err


def test_a_newer_revision_is_read_without_what_was_added(tmp_path: Path) -> None:
    header = {**msgspec.to_builtins(HEADER), "revision": results.REVISION + 1, "colour": "green"}
    lines = [header, {"type": "omen", "of": "later"}, {**msgspec.to_builtins(RECORD), "weather": 1}, FOOTER]
    path = tmp_path / "run.jsonl"
    path.write_bytes(b"".join(msgspec.json.encode(line) + b"\n" for line in lines))
    assert (read(path).records, read(path).footer) == ([RECORD], FOOTER)
    lines[0] = HEADER
    path.write_bytes(b"".join(msgspec.json.encode(line) + b"\n" for line in lines))
    with pytest.raises(DamagedFileError, match=r"line 2: .*omen"):
        read(path)


@pytest.mark.parametrize(
    ("line", "known"),
    [
        (RECORD, '"status":"passed"'),
        (RECORD, '"level":"required"'),
        (FOOTER, '"verdict":"conformant"'),
    ],
)
def test_a_word_outside_a_closed_set_is_refused_by_line(tmp_path: Path, line: results.Record, known: str) -> None:
    path = tmp_path / "run.jsonl"
    text = msgspec.json.encode(line).decode()
    assert known in text
    unknown = text.replace(known, known.partition(":")[0] + ':"splendid"')
    path.write_bytes(msgspec.json.encode(HEADER) + f"\n{unknown}\n".encode())
    with pytest.raises(DamagedFileError, match=r"line 2: Invalid enum value 'splendid'"):
        read(path)


def test_the_vacuous_status_of_schema_1_is_read(tmp_path: Path) -> None:
    record = msgspec.to_builtins(RECORD) | {"status": "mistrusted", "outcomes": {"mistrusted": 2, "passed": 1}}
    footer = {"type": "footer", "elapsed": 1.0, "cases": 3, "verdicts": {
        "k": {"verdict": "wrong", "grade": "A", "executed": 3, "declined": 0, "specs": {"mistrusted": 1}}
    }}  # fmt: skip
    path = tmp_path / "run.jsonl"
    header = msgspec.to_builtins(HEADER) | {"schema": 1}
    path.write_bytes(b"".join(msgspec.json.encode(line) + b"\n" for line in (header, record, footer)))
    run = read(path)
    (upgraded,) = run.records_of(SpecRecord)
    assert (upgraded.status, upgraded.outcomes) == ("vacuous", {"passed": 1, "vacuous": 2})
    assert run.footer is not None
    assert run.footer.verdicts["k"].specs == {"vacuous": 1}


@pytest.mark.parametrize(
    ("written", "reason", "note"),
    [
        ("covers 7 of 9 combinations of 2 values", "", "covers 7 of 9 combinations of 2 values"),
        ("declined: no; covers 7 of 9 combinations", "declined: no; covers 7 of 9 combinations", ""),
        ("declined: a; b; covers 7 of 9 combinations of", "declined: a; b", "covers 7 of 9 combinations of"),
        ("the kernel covers 3 rows", "the kernel covers 3 rows", ""),
    ],
)
def test_the_note_in_a_reason_of_schema_1_is_a_field(tmp_path: Path, written: str, reason: str, note: str) -> None:
    path = tmp_path / "run.jsonl"
    lines = [msgspec.to_builtins(HEADER) | {"schema": 1}, msgspec.to_builtins(RECORD) | {"reason": written}]
    path.write_bytes(b"".join(msgspec.json.encode(line) + b"\n" for line in lines))
    (record,) = read(path).records_of(SpecRecord)
    assert (record.reason, record.note) == (reason, note)
