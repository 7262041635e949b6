"""Going on with a run that was interrupted."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import msgspec
import pytest

from convgauge import cli, results

CHECK = ["check", "numpy_im2col", "numpy_windows", "--tier", "quick", "-k", "even_kernel or every_channel", "-q"]


@pytest.fixture(scope="module")
def whole(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("resume") / "whole.jsonl"
    assert cli.main([*CHECK, "--output", str(path)]) == 0
    return path


def told(path: Path) -> list[results.Record]:
    """Everything after the header that does not tell the time."""
    run = results.read(path)
    timeless = [msgspec.structs.replace(one, seconds=0.0) for one in run.records_of(results.SpecRecord)]
    return [*run.records_of(results.ImplementationRecord), *timeless]


@pytest.mark.parametrize("left", [1, 3, 5])
def test_a_resumed_run_holds_what_an_uninterrupted_one_holds(whole: Path, tmp_path: Path, left: int) -> None:
    lines = whole.read_bytes().splitlines(keepends=True)
    assert len(lines) > left + 2
    cut = tmp_path / "cut.jsonl"
    cut.write_bytes(b"".join(lines[:left]) + lines[left][:40])
    assert results.read(cut).footer is None
    assert cli.main([*CHECK, "--resume", str(cut)]) == 0
    resumed, expected = results.read(cut), results.read(whole)
    assert told(cut) == told(whole)
    assert resumed.footer is not None
    assert expected.footer is not None
    assert resumed.footer.verdicts == expected.footer.verdicts


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
def test_what_cannot_be_resumed(
    whole: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str], change: Callable[[str], str], complaint: str
) -> None:
    path = tmp_path / "run.jsonl"
    path.write_text(change(whole.read_text()))
    before = path.read_bytes()
    assert cli.main([*CHECK, "--resume", str(path)]) == 4
    assert path.read_bytes() == before
    assert complaint in capsys.readouterr().err


def test_a_run_that_is_not_there(tmp_path: Path) -> None:
    assert cli.main([*CHECK, "--resume", str(tmp_path / "none.jsonl")]) == 4
