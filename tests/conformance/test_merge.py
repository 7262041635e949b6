"""Shards of a run, merged."""

from __future__ import annotations

from pathlib import Path

import pytest

from convgauge import cli, results
from support.timeless import footer_without_times, header_without_times, records_without_times

CHECK = ["check", "numpy_im2col", "numpy_windows", "--tier", "quick", "-q"]
FEW = ["-k", "even_kernel or every_channel or nan_in_the_input"]
STALE = """
["padding.same.even_kernel"]
reason = "it used to"
["no.such_spec"]
reason = "it is gone"
"""


@pytest.fixture(scope="module")
def runs(tmp_path_factory: pytest.TempPathFactory) -> list[Path]:
    """A whole run and its three shards, with an expected failure that does not occur."""
    folder = tmp_path_factory.mktemp("shards")
    (folder / "expect.toml").write_text(STALE)
    paths = [folder / name for name in ("whole.jsonl", "one.jsonl", "two.jsonl", "three.jsonl")]
    for path, shard in zip(paths, ([], ["--shard=1/3"], ["--shard=2/3"], ["--shard=3/3"]), strict=True):
        words = [*CHECK, *FEW, *shard, "--expect", str(folder / "expect.toml"), "--output", str(path)]
        assert cli.main(words) == (1 if not shard else 0)
    return paths


def test_merged_shards_are_the_whole_run(runs: list[Path], tmp_path: Path) -> None:
    whole, *shards = runs
    path = tmp_path / "merged.jsonl"
    assert cli.main(["merge", *map(str, reversed(shards)), "--output", str(path)]) == 1
    merged, expected = results.read(path), results.read(whole)
    assert records_without_times(merged) == records_without_times(expected)
    kinds = {type(record) for record in expected.records}
    assert {results.ImplementationRecord, results.SpecRecord, results.ImageRecord} <= kinds
    assert all(results.read(shard).records_of(results.SpecRecord) for shard in shards)
    assert footer_without_times(merged) == footer_without_times(expected)
    assert header_without_times(merged) == header_without_times(expected)


def test_merging_finds_an_expected_failure_that_does_not_occur(runs: list[Path]) -> None:
    whole, *shards = (results.read(path).records_of(results.SpecRecord) for path in runs)
    assert [record.spec for record in whole if record.status == "xpassed"] == ["padding.same.even_kernel"]
    assert not [record for shard in shards for record in shard if record.status == "xpassed"]


@pytest.mark.parametrize(
    ("chosen", "complaint"),
    [((1,), "2/3, 3/3 are missing"), ((1, 1), "both shard 1/3"), ((0, 1), "not a shard but a whole run")],
)
def test_runs_that_are_not_the_shards_of_one_run_are_refused(
    runs: list[Path], tmp_path: Path, capsys: pytest.CaptureFixture[str], chosen: tuple[int, ...], complaint: str
) -> None:
    paths = [str(runs[index]) for index in chosen]
    assert cli.main(["merge", *paths, "--output", str(tmp_path / "merged.jsonl")]) == 4
    assert complaint in capsys.readouterr().err
    assert not (tmp_path / "merged.jsonl").exists()


def test_shards_of_different_runs_are_refused(
    runs: list[Path], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    other = tmp_path / "other.jsonl"
    other.write_text(runs[2].read_text().replace('"seed":0', '"seed":7', 1))
    assert cli.main(["merge", str(runs[1]), str(other), "--output", str(tmp_path / "merged.jsonl")]) == 4
    assert "seed is 0 and 7" in capsys.readouterr().err
