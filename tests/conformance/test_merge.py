"""Shards of a run, merged."""

from __future__ import annotations

from pathlib import Path

import msgspec
import pytest

from convgauge import cli, results
from convgauge.conformance.merge import amendments
from convgauge.results import ImplementationRecord
from support.records import cause, example, run, spec, write_run
from support.timeless import footer_without_times, header_without_times, records_without_times

NARROW = """
import numpy as np

def conv2d(input, weight, bias=None, stride=1, padding=0, dilation=1, groups=1):
    if groups != 1:
        raise ValueError("one group only")
    from convgauge.arguments import resolve
    problem = resolve(input, weight, bias, stride, padding, dilation, groups, ("float32",))
    padded = np.pad(input, ((0, 0), (0, 0), *problem.pads))
    windows = np.lib.stride_tricks.sliding_window_view(padded, problem.extent, axis=(2, 3))
    (sh, sw), (dh, dw) = problem.stride, problem.dilation
    output = np.einsum("nchwij,ocij->nohw", windows[:, :, ::sh, ::sw, ::dh, ::dw], weight)
    return output if bias is None else output + bias[:, None, None]
"""
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


def test_findings_of_the_parts_are_joined_at_the_end() -> None:
    plain = ImplementationRecord("kernel", "numpy")
    parts = [
        run(plain, msgspec.structs.replace(plain, adaptations=["pairs"])),
        run(plain, ImplementationRecord("other", "numpy")),
        run(plain, msgspec.structs.replace(plain, domain="groups == 1", limits=["groups"], adaptations=["names"])),
    ]
    (found_out,) = amendments(parts)
    assert found_out == msgspec.structs.replace(
        plain, domain="groups == 1", limits=["groups"], adaptations=["pairs", "names"]
    )


def test_equal_causes_of_shards_are_joined(tmp_path: Path) -> None:
    judged = {"cleared": {"stride": 5, "bias": 2}, "unexplained": 1}
    paths = []
    for number, id in enumerate(("padding.same", "padding.pair"), start=1):
        shard_cause = cause(specs=[id], counterexample=example(outputs=number), reproduce=f"run {number}")
        records: list[results.Record] = [
            spec(id=id, status="failed"),
            spec(id=f"bias.{number}", status="failed"),
            shard_cause,
        ]
        footer = run(*records).footer
        assert footer is not None
        verdict = msgspec.structs.replace(footer.verdicts["a"], **judged)
        footer = msgspec.structs.replace(footer, verdicts={"a": verdict}, exit=1)
        paths.append(write_run(tmp_path / f"{number}.jsonl", *records, footer=footer, shard=f"{number}/2"))
        judged = {"cleared": {"bias": 7}, "unexplained": 1}
    assert cli.main(["merge", *map(str, paths), "--output", str(tmp_path / "merged.jsonl")]) == 1
    merged = results.read(tmp_path / "merged.jsonl")
    (joined,) = merged.records_of(results.CauseRecord)
    assert (joined.specs, joined.cases, joined.reproduce) == (["padding.same", "padding.pair"], 18, "run 1")
    assert merged.footer is not None
    verdict = merged.footer.verdicts["a"]
    assert (verdict.unexplained, verdict.cleared) == (2, {"bias": 9})


def test_merged_shards_of_a_narrow_kernel_are_the_whole_run(tmp_path: Path) -> None:
    kernel = tmp_path / "narrow.py"
    kernel.write_text(NARROW)
    check = ["check", f"{kernel}:conv2d", "--framework", "numpy", "--tier", "quick", "--dtype", "float32", "-q"]
    check += ["-k", "test_many_groups or test_pair_pads"]
    whole, *shards = (tmp_path / name for name in ("whole.jsonl", "one.jsonl", "two.jsonl"))
    assert cli.main([*check, "--output", str(whole)]) == 0
    for path, shard in zip(shards, ("1/2", "2/2"), strict=True):
        assert cli.main([*check, "--shard", shard, "--output", str(path)]) in (0, 5)  # one refuses everything
    merged = tmp_path / "merged.jsonl"
    assert cli.main(["merge", *map(str, shards), "--output", str(merged)]) == 0
    expected, actual = results.read(whole), results.read(merged)
    assert records_without_times(actual) == records_without_times(expected)
    assert footer_without_times(actual) == footer_without_times(expected)
    assert expected.footer is not None
    verdict = expected.footer.verdicts["conv2d"]
    assert (verdict.verdict, verdict.limits) == ("partial", ["groups > 1 (ValueError, 28 cases)"])
    assert expected.records_of(ImplementationRecord)[-1].domain == "groups == 1"
