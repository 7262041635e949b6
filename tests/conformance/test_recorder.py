"""A run that was interrupted is continued."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from convgauge import cli, results
from support.timeless import footer_without_times, records_without_times

CHECK = ["check", "numpy_im2col", "numpy_windows", "--tier", "quick", "-k", "even_kernel or every_channel", "-q"]


@pytest.fixture(scope="module")
def whole(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("resume") / "whole.jsonl"
    assert cli.main([*CHECK, "--output", str(path)]) == 0
    return path


@pytest.mark.parametrize("left", [1, 3, 5])
def test_a_resumed_run_holds_what_an_uninterrupted_one_holds(whole: Path, tmp_path: Path, left: int) -> None:
    lines = whole.read_bytes().splitlines(keepends=True)
    assert len(lines) > left + 2
    cut = tmp_path / "cut.jsonl"
    cut.write_bytes(b"".join(lines[:left]) + lines[left][:40])
    assert results.read(cut).footer is None
    assert cli.main([*CHECK, "--resume", str(cut)]) == 0
    resumed, expected = results.read(cut), results.read(whole)
    assert records_without_times(resumed) == records_without_times(expected)
    assert footer_without_times(resumed) == footer_without_times(expected)


@pytest.mark.parametrize("missing", [1, 2])
def test_only_what_is_missing_is_run(whole: Path, tmp_path: Path, missing: int) -> None:
    """The footer alone, or the last spec and the footer."""
    lines = whole.read_bytes().splitlines(keepends=True)
    cut = tmp_path / "cut.jsonl"
    cut.write_bytes(b"".join(lines[:-missing]))
    assert cli.main([*CHECK, "--resume", str(cut)]) == 0
    resumed = cut.read_bytes().splitlines(keepends=True)
    assert resumed[:-missing] == lines[:-missing]
    assert len(resumed) == len(lines)


@pytest.mark.parametrize(
    ("change", "complaint"),
    [
        (lambda text: text, "is whole: there is nothing to resume"),
        (lambda text: text.replace('"seed":0', '"seed":7', 1).rpartition('{"type":"footer"')[0], "its seed is 7"),
        (lambda text: "noise\n", "cannot be resumed"),
    ],
)
def test_a_file_that_cannot_be_resumed(
    whole: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str], change: Callable[[str], str], complaint: str
) -> None:
    path = tmp_path / "run.jsonl"
    path.write_text(change(whole.read_text()))
    before = path.read_bytes()
    assert cli.main([*CHECK, "--resume", str(path)]) == 4
    assert path.read_bytes() == before
    assert complaint in capsys.readouterr().err


def test_a_run_that_does_not_exist(tmp_path: Path) -> None:
    assert cli.main([*CHECK, "--resume", str(tmp_path / "none.jsonl")]) == 4
