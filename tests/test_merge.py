"""Shards of a run, put together again."""

from __future__ import annotations

from pathlib import Path

import msgspec
import pytest

from convgauge import cli, results

CHECK = ["check", "numpy_im2col", "numpy_windows", "--tier", "quick", "-k", "even_kernel or every_channel", "-q"]


@pytest.fixture(scope="module")
def runs(tmp_path_factory: pytest.TempPathFactory) -> list[Path]:
    """A whole run and its two shards."""
    folder = tmp_path_factory.mktemp("shards")
    paths = [folder / name for name in ("whole.jsonl", "one.jsonl", "two.jsonl")]
    for path, shard in zip(paths, ([], ["--shard", "1/2"], ["--shard", "2/2"]), strict=True):
        assert cli.main([*CHECK, *shard, "--output", str(path)]) == 0
    return paths


def timeless(path: Path) -> list[results.SpecRecord]:
    return [msgspec.structs.replace(one, seconds=0.0) for one in results.read(path).of(results.SpecRecord)]


def test_merged_shards_are_the_whole_run(runs: list[Path], tmp_path: Path) -> None:
    whole, *shards = runs
    merged = tmp_path / "merged.jsonl"
    assert cli.main(["merge", *map(str, reversed(shards)), "--output", str(merged)]) == 0
    assert timeless(merged) == timeless(whole)
    assert len(timeless(whole)) > len(timeless(shards[0])) > 0
    got, expected = results.read(merged), results.read(whole)
    assert got.footer is not None
    assert expected.footer is not None
    assert got.footer.verdicts == expected.footer.verdicts
    assert got.footer.cases == expected.footer.cases


@pytest.mark.parametrize(
    ("chosen", "complaint"),
    [((1,), "2/2 are missing"), ((1, 1), "both shard 1/2"), ((0, 1), "not a shard but a whole run")],
)
def test_what_are_not_the_shards_of_one_run_is_refused(
    runs: list[Path], tmp_path: Path, capsys: pytest.CaptureFixture[str], chosen: tuple[int, ...], complaint: str
) -> None:
    paths = [str(runs[place]) for place in chosen]
    assert cli.main(["merge", *paths, "--output", str(tmp_path / "merged.jsonl")]) == 4
    assert complaint in capsys.readouterr().err
    assert not (tmp_path / "merged.jsonl").exists()


def test_shards_of_unlike_runs_are_refused(
    runs: list[Path], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    other = tmp_path / "other.jsonl"
    other.write_text(runs[2].read_text().replace('"seed":0', '"seed":7', 1))
    assert cli.main(["merge", str(runs[1]), str(other), "--output", str(tmp_path / "merged.jsonl")]) == 4
    assert "seed is 0 and 7" in capsys.readouterr().err


@pytest.mark.parametrize("shard", ["0/2", "3/2", "one/two", "2"])
def test_a_shard_that_there_cannot_be(shard: str) -> None:
    assert cli.main([*CHECK, "--shard", shard]) == 4
