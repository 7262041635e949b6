"""Shards of a run, put together again."""

from __future__ import annotations

import statistics
from pathlib import Path

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from convgauge import cli, results
from convgauge.conformance.collection import collect_specs
from convgauge.conformance.shards import cost_table, cut, estimates

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
    """A whole run and its three shards, with an expected failure that does not come about."""
    folder = tmp_path_factory.mktemp("shards")
    (folder / "expect.toml").write_text(STALE)
    paths = [folder / name for name in ("whole.jsonl", "one.jsonl", "two.jsonl", "three.jsonl")]
    for path, shard in zip(paths, ([], ["--shard=1/3"], ["--shard=2/3"], ["--shard=3/3"]), strict=True):
        words = [*CHECK, *FEW, *shard, "--expect", str(folder / "expect.toml"), "--output", str(path)]
        assert cli.main(words) == (1 if not shard else 0)
    return paths


def timeless(path: Path) -> list[results.Record]:
    """All records of a run in their order, but for how long they took."""
    records = results.read(path).records
    return [
        msgspec.structs.replace(one, seconds=0.0) if isinstance(one, results.SpecRecord) else one for one in records
    ]


def test_merged_shards_are_the_whole_run(runs: list[Path], tmp_path: Path) -> None:
    whole, *shards = runs
    merged = tmp_path / "merged.jsonl"
    assert cli.main(["merge", *map(str, reversed(shards)), "--output", str(merged)]) == 1
    assert timeless(merged) == timeless(whole)
    kinds = [type(one) for one in timeless(whole)]
    assert {results.ImplementationRecord, results.SpecRecord, results.ImageRecord} == set(kinds)
    assert all(results.read(shard).records_of(results.SpecRecord) for shard in shards)
    got, expected = results.read(merged), results.read(whole)
    assert got.footer is not None
    assert expected.footer is not None
    assert msgspec.structs.replace(got.footer, elapsed=0) == msgspec.structs.replace(expected.footer, elapsed=0)
    assert msgspec.structs.replace(got.header, started="") == msgspec.structs.replace(expected.header, started="")


def test_an_expected_failure_that_does_not_come_about_is_found_by_merging(runs: list[Path]) -> None:
    whole, *shards = (results.read(path).records_of(results.SpecRecord) for path in runs)
    assert [one.spec for one in whole if one.status == "xpassed"] == ["padding.same.even_kernel"]
    assert not [one for shard in shards for one in shard if one.status == "xpassed"]


@pytest.mark.parametrize(
    ("chosen", "complaint"),
    [((1,), "2/3, 3/3 are missing"), ((1, 1), "both shard 1/3"), ((0, 1), "not a shard but a whole run")],
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


# --- balance ---------------------------------------------------------------------------------------------------------


@given(
    seconds=st.lists(st.floats(0, 100, allow_subnormal=False), min_size=1, max_size=60),
    of=st.integers(1, 12),
)
def test_parts_hold_every_item_once_and_miss_their_due_by_one_item_at_most(seconds: list[float], of: int) -> None:
    parts = [seconds[cut(seconds, first, of)] for first in range(of)]
    assert [item for part in parts for item in part] == seconds
    due, largest = sum(seconds) / of, max(seconds)
    assert all(abs(sum(part) - due) <= largest * (1 + 1e-9) + 1e-9 for part in parts)


def test_a_costly_item_weighs_as_much_as_it_costs() -> None:
    parts = [cut([8, 1, 1, 1, 1, 1, 1, 1, 1], first, 2) for first in range(2)]
    assert parts == [slice(0, 1), slice(1, 9)]


def test_estimates_follow_the_spec_the_implementation_and_the_tier() -> None:
    known = cost_table()
    dear, cheap = max(known.specs["quick"].items(), key=lambda row: row[1])[0], "shape.size"
    slow = max(known.pace, key=lambda name: known.pace[name])
    items = [(cheap, "numpy_windows"), (dear, "numpy_windows"), (dear, slow), (dear, slow), None]
    first, second, started, again, none = estimates(items, "quick")
    assert second > first - known.start > 0
    assert again > second
    assert started == again + known.start
    assert none == 0
    every = [(spec, "numpy_windows") for spec in known.specs["quick"]]
    assert sum(estimates(every, "standard")) > sum(estimates(every, "quick"))


def test_what_has_not_been_measured_is_taken_for_middling() -> None:
    known = cost_table()
    (seconds,) = estimates([("brand.new", "kernel")], "quick")
    every = [row[0] for row in known.specs["quick"].values()]
    assert seconds - known.start == pytest.approx(statistics.median(every))


def test_the_table_is_of_specs_that_there_are() -> None:
    there = {spec.id for spec, _ in collect_specs()}
    assert len(there & set(cost_table().specs["quick"])) > 0.8 * len(there)
