"""Tests of the race end to end, on kernels whose faults are known."""

from __future__ import annotations

import io
import json
import os
import subprocess
import sys
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
from rich.console import Console

from convgauge import race, results
from convgauge.environment import cores
from convgauge.problem import Problem
from convgauge.race.benchmark import Benchmark
from convgauge.race.contestant import Contestant
from convgauge.race.standings import standings
from convgauge.registry import Origin
from convgauge.request import BenchRequest
from convgauge.results import LimitRecord, TimingRecord
from convgauge.terms import RANKED
from support.paths import ROOT, SUPPORT

KERNELS = SUPPORT / "race_kernels.py"
PROBLEM = "n1c8h16w16_o8k3x3_s1x1_p1x1_d1x1_g1_b_float32"
STRIDED = "n1c8h16w16_o8k3x3_s2x2_p1x1_d1x1_g1_float32"


def kernel(name: str, absent: str = "") -> Origin:
    return Origin("file", str(KERNELS), name, name, "numpy", absent=absent)


@dataclass
class Outcome:
    """Exit status, records and output of one benchmark."""

    status: int
    records: Sequence[Any]
    output: str

    @property
    def timings(self) -> list[TimingRecord]:
        return [record for record in self.records if isinstance(record, TimingRecord)]

    def __getitem__(self, name: str) -> TimingRecord:
        (record,) = [record for record in self.timings if record.implementation == name]
        return record


MAX_RACES = 3
"""Races that a test may take: another program that runs for a second may leave one of them undecided."""

NOT_RACED = ("preparing and checking it takes", "the budget was spent")
NOT_DECIDED = (
    *NOT_RACED,
    "the race disturbs it",
    "rounds fitted into the budget",
    "the interval reaches across",
    "rounds are too few to notice",
)
"""Parts of the reasons for which the machine, and not the kernel, leaves an entrant without a ratio or a verdict."""


def run_again_if(reasons: Sequence[str], name: str, tmp_path: Path, *names: str, **options: Any) -> Outcome:
    """Race kernels as `run` does, and again while ``name`` is undecided for one of the reasons."""
    for _ in range(MAX_RACES):
        outcome = run(tmp_path, *names, **options)
        records = [record for record in outcome.timings if record.implementation == name]
        undecided = [record.reason for record in records if record.verdict == "undecided"]
        if not any(part in reason for reason in undecided for part in reasons):
            break
    return outcome


def run(tmp_path: Path, *names: str, layers: str = PROBLEM, budget: float = 3.0, **options: Any) -> Outcome:
    """Race kernels of `race_kernels` against ``plain``."""
    output, path = io.StringIO(), tmp_path / "run.jsonl"
    targets = tuple(f"{KERNELS}:{name}" for name in ("plain", *names))
    values = {"framework": "numpy", "baseline": "plain", "seed": 1, "output": str(path), **options}
    request = BenchRequest(targets, layers=layers, budget_s=budget, **values)
    status = race.bench(request, Console(file=output, width=160))
    return Outcome(status, results.read(path).records, output.getvalue())


def test_each_fault_has_its_verdict_and_is_never_ranked(tmp_path: Path) -> None:
    expected = {
        "keeps_by_identity": ("wrong", "in the timing"),
        "right_at_first": ("wrong", "the timing"),
        "declines": ("declined", "not on a Tuesday"),
        "raises": ("failed", "ValueError: invalid literal for int() with base 10: 'no such file'"),
        "crashes": ("failed", "exit status 3"),
        "crashes_in_timing": ("failed", "SIGABRT"),
        "sleepy": ("undecided", "one call would take"),
    }
    outcome = run(tmp_path, *expected, budget=4.0)
    assert outcome.status == 1
    assert outcome["plain"].verdict == "baseline"
    for name, (verdict, reason) in expected.items():
        record = outcome[name]
        assert record.verdict == verdict, f"{name}: {record.reason}"
        assert reason in record.reason
        assert record.ratio is None
        assert record.seconds == []
        assert name in outcome.output


def test_a_kernel_of_lower_precision_is_not_ranked_and_its_would_be_rank_is_stated(tmp_path: Path) -> None:
    record = run_again_if(NOT_RACED, "narrowed", tmp_path, "narrowed")["narrowed"]
    assert (record.verdict, record.lane) == ("other_precision", "TF32 or float16 operands")
    assert "it would have been" in record.reason
    assert record.ratio is not None
    assert record.precision == pytest.approx(2.0**-11, rel=0.9)


def test_a_kernel_that_skips_work_from_some_size_on_is_wrong_on_that_layer(tmp_path: Path) -> None:
    name, large = "skips_rows_of_large_planes", PROBLEM.replace("h16w16", "h160w160")
    outcome = run_again_if(NOT_RACED, name, tmp_path, name, layers=f"{PROBLEM},{large}", budget=6.0)
    small_record, large_record = [record for record in outcome.timings if record.implementation == name]
    assert small_record.verdict in RANKED
    assert (large_record.verdict, large_record.ratio) == ("wrong", None)


def test_a_kernel_five_times_as_slow_is_slower_and_its_twin_is_not(tmp_path: Path) -> None:
    outcome = run_again_if(NOT_DECIDED, "slow", tmp_path, "slow", "twin", "prepared")
    plain, slow, twin, prepared = (outcome[name] for name in ("plain", "slow", "twin", "prepared"))
    assert outcome.status == 0
    assert slow.verdict == "slower", slow.reason
    assert slow.low and slow.ratio and slow.high and twin.ratio
    assert slow.low <= slow.ratio <= slow.high
    assert 3 < slow.ratio < 8
    assert 0.7 < twin.ratio < 1.4
    assert prepared.prepare_seconds and prepared.prepare_seconds >= 0.01
    assert twin.prepare_seconds is None
    assert plain.ratio == 1
    assert plain.noise is not None
    assert len(plain.control_seconds) == len(plain.seconds) > 5
    assert slow.alone_seconds and slow.alone_seconds > 0
    assert slow.flops == Problem.parse(PROBLEM).flops
    assert "slower" in outcome.output
    limits = [record for record in outcome.records if isinstance(record, LimitRecord)]
    assert {record.what for record in limits} == {"matmul", "copy"}
    assert all(record.value > 1e8 for record in limits)


def test_a_wrong_output_on_one_layer_reduces_coverage_alone(tmp_path: Path) -> None:
    name, layers = "wrong_when_strided", f"{PROBLEM},{STRIDED}"
    outcome = run_again_if(NOT_RACED, name, tmp_path, name, layers=layers, budget=2.0)
    verdicts = [record.verdict for record in outcome.timings if record.implementation == "wrong_when_strided"]
    assert outcome.status == 1
    assert [verdict == "wrong" for verdict in verdicts] == [False, True]
    baseline, standing = standings(outcome.timings)
    assert (baseline.implementation, baseline.ranked, baseline.complete) == ("plain", 2, True)
    assert (standing.implementation, standing.ranked, standing.complete) == ("wrong_when_strided", 1, False)
    assert "1 of 2" in outcome.output


@pytest.mark.skipif(sys.platform != "linux", reason="the processor time of a process is coarse on other systems")
def test_a_clock_that_hides_time_fails_the_audit(tmp_path: Path) -> None:
    """The kernel makes its process's clock a hundred times slower; the processor time of the process shows it."""
    name = "patches_the_clock"
    record = run_again_if(NOT_RACED, name, tmp_path, name)[name]
    assert record.verdict == "failed", record
    assert "s of processor where its clock shows" in record.reason
    assert record.ratio is None


@pytest.mark.skipif(sys.platform != "linux", reason="the processor time of a process is coarse on other systems")
def test_a_thread_that_computes_after_the_call_is_never_ranked(tmp_path: Path) -> None:
    """The audit shows its processor time, unless the last output is read before the thread has computed it."""
    record = run(tmp_path, "computes_later")["computes_later"]
    assert record.verdict in ("failed", "wrong"), record
    assert record.ratio is None


@pytest.mark.skipif(not hasattr(os, "sched_setaffinity"), reason="threads cannot be pinned to a core here")
def test_contestants_are_pinned_to_one_core_and_unpinned() -> None:
    contestant = Contestant("plain", kernel("plain"), threads=1, seed=0)
    contestant.launch()
    contestant.wait_ready()
    try:
        core = contestant.core()
        assert core is not None
        assert core in os.sched_getaffinity(0)
        contestant.pin_to_core(core)
        assert os.sched_getaffinity(contestant.connection.pid) == {core}
        contestant.unpin()
        assert os.sched_getaffinity(contestant.connection.pid) == os.sched_getaffinity(0)
    finally:
        contestant.close()


def test_a_kernel_that_imports_the_timing_gets_a_copy(tmp_path: Path) -> None:
    name = "patches_a_copy_of_the_clock"
    record = run_again_if(NOT_RACED, name, tmp_path, name, budget=2.0)[name]
    assert record.verdict in RANKED
    assert record.ratio is not None
    assert 0.5 < record.ratio < 2


@pytest.mark.skipif(sys.platform != "linux", reason="peak memory is measured on Linux only")
def test_the_peak_memory_of_a_call_is_measured(tmp_path: Path) -> None:
    outcome = run(tmp_path, "hungry", budget=6.0)
    hungry, plain = outcome["hungry"].peak_bytes, outcome["plain"].peak_bytes
    assert hungry is not None, outcome["hungry"].reason
    assert plain is not None
    assert 60 << 20 < hungry < 90 << 20
    assert plain < 8 << 20


def test_cold_operands_are_recorded_as_cold(tmp_path: Path) -> None:
    record = run(tmp_path, "twin", budget=2.0, operands="cold")["twin"]
    assert record.operands == "cold"
    assert record.verdict in RANKED, record.reason


def test_the_baseline_alone_is_raced_against_itself(tmp_path: Path) -> None:
    outcome = run(tmp_path, budget=0.5)
    assert outcome.status == 0
    assert [record.implementation for record in outcome.timings] == ["plain"]


def test_an_absent_implementation_is_shown_as_absent() -> None:
    output = io.StringIO()
    origins = [kernel("plain"), kernel("twin", absent="warpdrive is not installed")]
    request = BenchRequest(("plain", "twin"), baseline="plain", layers=PROBLEM, budget_s=0.3)
    Benchmark(request, origins, Console(file=output, width=160)).run()
    assert "absent" in output.getvalue()
    assert "warpdrive is not installed" in output.getvalue()


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"threads": (1000,)}, "threads = 1000"),
        ({"layers": "resnet5"}, "did you mean resnet50"),
        ({"layers": "n1c8h16w16_o8k3x3_s1x1_p1x1_d0x1_g1_float32"}, "dilation"),
        ({"baseline": "plane"}, "did you mean plain"),
        ({"baseline": "declines"}, "declined"),
        ({"baseline": "right_at_first"}, "wrong"),
        ({"baseline": "raises"}, "no such file"),
        ({"baseline": "crashes"}, "failed"),
    ],
)
def test_bad_usage_is_refused_with_a_reason(tmp_path: Path, change: dict[str, Any], message: str) -> None:
    names = [change["baseline"]] if change.get("baseline", "plane") != "plane" else []
    with pytest.raises(race.BenchError, match=message):
        run(tmp_path, *names, **{"budget": 1.0, **change})


def test_a_slow_preparation_on_a_small_layer_does_not_exclude_from_a_large_one(tmp_path: Path) -> None:
    """Extrapolated by FLOPs, 50 ms on the small layer would be minutes on the large one."""
    large = PROBLEM.replace("h16w16", "h128w128")
    outcome = run_again_if(NOT_RACED, "prepared", tmp_path, "prepared", layers=f"{PROBLEM},{large}", budget=12.0)
    records = [record for record in outcome.timings if record.implementation == "prepared"]
    assert [record.ratio is not None for record in records] == [True, True], [record.reason for record in records]


def test_threads_are_an_axis(tmp_path: Path) -> None:
    counts = (1, min(2, cores()))
    outcome = run(tmp_path, budget=0.6, threads=counts)
    assert outcome.status == 0
    assert [record.threads for record in outcome.timings] == list(counts)


def test_importing_the_race_is_cheap_and_needs_no_framework() -> None:
    code = "import convgauge.race, sys; print([n for n in ('torch', 'numpy', 'rich') if n in sys.modules])"
    process = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert process.stdout.strip() == "[]"


def test_pytest_benchmark_gets_the_samples_of_the_race(tmp_path: Path) -> None:
    path = tmp_path / "benchmarks.json"
    options = ["--race-layers", PROBLEM, "--race", "numpy_windows", "--race-baseline", "numpy_im2col"]
    folder = str(ROOT / "benchmarks")
    command = [sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider", folder, *options]
    environment = {name: value for name, value in os.environ.items() if not name.startswith("PYTEST_")}  # not xdist's
    process = subprocess.run(
        [*command, "--race-seconds", "1", f"--benchmark-json={path}"],
        capture_output=True,
        text=True,
        check=False,
        env=environment,
    )
    assert process.returncode == 0, process.stdout
    benchmarks = json.loads(path.read_text())["benchmarks"]
    assert [benchmark["params"]["implementation"] for benchmark in benchmarks] == ["numpy_im2col", "numpy_windows"]
    for benchmark in benchmarks:
        assert benchmark["stats"]["rounds"] == len(benchmark["stats"]["data"]) >= 1
        assert 1e-6 < benchmark["stats"]["median"] < 1
        assert benchmark["extra_info"]["baseline"] == "numpy_im2col"


def test_a_kernel_that_needs_blocks_races_on_all_layers_that_it_supports(tmp_path: Path) -> None:
    supported = "n1c64h24w24_o8k3x3_s1x1_p1x1_d1x1_g1_float32,n1c128h16w16_o64k1x1_s1x1_p0x0_d1x1_g1_float32"
    layers = f"{supported},n1c32h24w24_o8k3x3_s1x1_p1x1_d1x1_g1_float32"
    name = "blocks_of_64"
    outcome = run_again_if(NOT_RACED, name, tmp_path, name, layers=layers, budget=6.0)
    first, second, third = [record for record in outcome.timings if record.implementation == name]
    assert first.verdict in RANKED, first.reason
    assert second.verdict in RANKED, second.reason
    assert (third.verdict, "64 channels a block" in third.reason) == ("declined", True)
    declared = {"supports": "in_channels % 64 == 0 and groups == 1"}
    outcome = run(tmp_path, name, layers=layers, budget=3.0, **declared)
    third = [record for record in outcome.timings if record.implementation == name][2]
    assert third.reason == "outside the declared domain: in_channels % 64 == 0"
    assert all(record.verdict != "declined" for record in outcome.timings if record.implementation == "plain")
