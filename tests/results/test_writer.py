"""Writing runs: what is written reads back."""

from __future__ import annotations

import json
from pathlib import Path

import msgspec
import pytest

from convgauge import results
from convgauge.results import SpecRecord, Writer, read
from support.run_file import FOOTER, HEADER, RECORD


def test_what_is_written_reads_back(path: Path) -> None:
    run = read(path)
    assert (run.header, run.records, run.footer) == (HEADER, [RECORD], FOOTER)
    assert run.records_of(SpecRecord) == [RECORD]


def test_every_line_has_its_type(path: Path) -> None:
    assert [json.loads(line)["type"] for line in path.read_text().splitlines()] == ["header", "spec", "footer"]


def test_a_record_is_on_disk_as_soon_as_it_is_written(tmp_path: Path) -> None:
    writer = Writer(tmp_path / "run.jsonl", HEADER)
    writer.write(RECORD)
    run = read(tmp_path / "run.jsonl")
    assert run.records == [RECORD]
    assert run.footer is None
    writer.close()


def test_an_incomplete_run_is_continued(path: Path) -> None:
    lines = path.read_bytes().splitlines(keepends=True)
    path.write_bytes(b"".join(lines[:2]) + lines[2][:9])
    writer = Writer.append_to(path)
    other = msgspec.structs.replace(RECORD, dtype="float64")
    writer.write(other)
    writer.write(FOOTER)
    writer.close()
    run = read(path)
    assert run.records == [RECORD, other]
    assert run.footer == FOOTER


def test_an_unwritable_path_is_an_os_error(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(OSError, match="file"):
        Writer(tmp_path / "file" / "run.jsonl", HEADER)


def test_the_header_keeps_no_directory_names(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("sys.argv", ["/home/me/bin/convgauge", "check", "/home/me/secret/kernel.py:conv"])
    header = results.new_header(seed=0)
    assert "secret" not in header.command
    assert header.versions["python"]
    assert header.machine.cores >= 1
