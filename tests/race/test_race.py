"""The race end to end, on kernels whose faults are known."""

from __future__ import annotations

import io
import json
import os
import subprocess
import sys
from pathlib import Path

import pytest
from rich.console import Console

import support
from convgauge import race, results
from convgauge.environment import cores
from convgauge.problem import Problem
from convgauge.race.benchmark import Benchmark
from convgauge.race.contestant import Contestant
from convgauge.race.scaled_down import scaled_down
from convgauge.race.standings import standings
from convgauge.race.table import seconds
from convgauge.registry import Origin
from convgauge.request import BenchRequest
from convgauge.results import LimitRecord, TimingRecord
from convgauge.terms import RANKED
from convgauge.worker.timing import undelayed

KERNELS = support.FOLDER / "race_kernels.py"
PROBLEM = "n1c8h16w16_o8k3x3_s1x1_p1x1_d1x1_g1_b_float32"
STRIDED = "n1c8h16w16_o8k3x3_s2x2_p1x1_d1x1_g1_float32"


def kernel(name: str, absent: str = "") -> Origin:
    return Origin("file", str(KERNELS), name, name, "numpy", absent=absent)


def run(
    tmp_path: Path, *names: str, layers: str = PROBLEM, budget: float = 3.0, **more: object
) -> tuple[int, list, str]:
    """(exit status, records, what was printed) of a race of kernels of this file's zoo against ``plain``."""
    shown = io.StringIO()
    path = tmp_path / "run.jsonl"
    targets = tuple(f"{KERNELS}:{name}" for name in ("plain", *names))
    values: dict = {"framework": "numpy", "baseline": "plain", "seed": 1, "output": str(path), **more}
    request = BenchRequest(targets, layers=layers, budget_s=budget, **values)
    status = race.bench(request, Console(file=shown, width=160))
    return status, results.read(path).records, shown.getvalue()


def timings(records: list) -> dict[str, TimingRecord]:
    return {record.implementation: record for record in records if isinstance(record, TimingRecord)}


def test_faults_are_told_apart_and_never_ranked(tmp_path: Path) -> None:
    expected = {
        "keeps_by_identity": ("wrong", "in the timing"),
        "right_at_first": ("wrong", "the timing"),
        "narrowed": ("wrong", "gaussian operands"),
        "declines": ("declined", "not on a Tuesday"),
        "raises": ("failed", "ValueError: no such luck"),
        "crashes": ("failed", "exit status 3"),
        "crashes_in_timing": ("failed", "SIGABRT"),
        "sleepy": ("undecided", "one call would take"),
    }
    status, records, shown = run(tmp_path, *expected, budget=4.0)
    found = timings(records)
    assert status == 1
    assert found["plain"].verdict == "baseline"
    for name, (verdict, reason) in expected.items():
        assert found[name].verdict == verdict, f"{name}: {found[name].reason}"
        assert reason in found[name].reason
        assert found[name].ratio is None
        assert found[name].seconds == []
        assert name in shown


def test_a_kernel_five_times_as_slow_is_slower_and_its_twin_is_not(tmp_path: Path) -> None:
    status, records, shown = run(tmp_path, "slow", "twin", "prepared")
    found = timings(records)
    assert status == 0
    assert found["slow"].verdict == "slower", found["slow"].reason
    assert found["slow"].low <= found["slow"].ratio <= found["slow"].high
    assert 3 < found["slow"].ratio < 8
    assert 0.7 < found["twin"].ratio < 1.4
    assert found["prepared"].prepare_seconds >= 0.01
    assert found["twin"].prepare_seconds is None
    assert found["plain"].ratio == 1
    assert found["plain"].noise is not None
    assert len(found["plain"].control_seconds) == len(found["plain"].seconds) > 5
    assert found["slow"].alone_seconds > 0
    assert found["slow"].flops == Problem.parse(PROBLEM).flops
    assert "slower" in shown
    limits = [record for record in records if isinstance(record, LimitRecord)]
    assert {record.what for record in limits} == {"matmul", "copy"}
    assert all(record.value > 1e8 for record in limits)


def test_a_layer_on_which_it_is_wrong_costs_coverage_and_no_more(tmp_path: Path) -> None:
    status, records, shown = run(tmp_path, "wrong_when_strided", layers=f"{PROBLEM},{STRIDED}", budget=2.0)
    found = [record for record in records if getattr(record, "implementation", "") == "wrong_when_strided"]
    assert status == 1
    assert [record.verdict == "wrong" for record in found] == [False, True]
    baseline, standing = standings(record for record in records if isinstance(record, TimingRecord))
    assert (baseline.implementation, baseline.ranked, baseline.complete) == ("plain", 2, True)
    assert (standing.implementation, standing.ranked, standing.complete) == ("wrong_when_strided", 1, False)
    assert "1 of 2" in shown


@pytest.mark.skipif(sys.platform != "linux", reason="a process's own time on the processor is known on Linux only")
def test_a_clock_that_hides_time_is_not_believed(tmp_path: Path) -> None:
    found = timings(run(tmp_path, "patches_the_clock", budget=3.0)[1])["patches_the_clock"]
    assert found.verdict == "failed" or found.ratio is None or found.low is None, found
    assert found.verdict != "faster"


@pytest.mark.skipif(not hasattr(os, "sched_setaffinity"), reason="threads cannot be kept to a core here")
def test_contestants_are_kept_to_one_core_and_let_go() -> None:
    contestant = Contestant("one", kernel("plain"), threads=1, seed=0)
    contestant.launch()
    contestant.greet()
    try:
        core = contestant.core()
        assert core in os.sched_getaffinity(0)
        contestant.keep_to(core)
        assert os.sched_getaffinity(contestant.process.pid) == {core}
        contestant.free()
        assert os.sched_getaffinity(contestant.process.pid) == os.sched_getaffinity(0)
    finally:
        contestant.close()


def test_what_a_kernel_can_import_of_the_timing_is_a_copy(tmp_path: Path) -> None:
    found = timings(run(tmp_path, "patches_a_copy_of_the_clock", budget=2.0)[1])["patches_a_copy_of_the_clock"]
    assert found.verdict in RANKED
    assert found.ratio is not None
    assert 0.5 < found.ratio < 2


@pytest.mark.skipif(sys.platform != "linux", reason="peak memory is known on Linux only")
def test_peak_memory_of_a_call_is_seen(tmp_path: Path) -> None:
    found = timings(run(tmp_path, "hungry", budget=0.5)[1])
    assert 60 << 20 < found["hungry"].peak_bytes < 90 << 20
    assert found["plain"].peak_bytes < 8 << 20


def test_cold_operands_are_rotated_and_said_to_be(tmp_path: Path) -> None:
    found = timings(run(tmp_path, "twin", budget=0.5, operands="cold")[1])
    assert found["twin"].operands == "cold"
    assert found["twin"].verdict in RANKED


def test_the_baseline_alone_is_raced_against_itself(tmp_path: Path) -> None:
    status, records, _ = run(tmp_path, budget=0.5)
    assert status == 0
    assert list(timings(records)) == ["plain"]


def test_an_absent_implementation_is_shown_as_absent(tmp_path: Path) -> None:
    shown = io.StringIO()
    origins = [kernel("plain"), kernel("twin", absent="warpdrive is not installed")]
    request = BenchRequest(("plain", "twin"), baseline="plain", layers=PROBLEM, budget_s=0.3)
    Benchmark(request, origins, Console(file=shown, width=160)).run()
    assert "absent" in shown.getvalue()
    assert "warpdrive is not installed" in shown.getvalue()


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"threads": (1000,)}, "threads = 1000"),
        ({"layers": "resnet5"}, "did you mean resnet50"),
        ({"layers": "n1c8h16w16_o8k3x3_s1x1_p1x1_d0x1_g1_float32"}, "dilation"),
        ({"baseline": "plane"}, "did you mean plain"),
        ({"baseline": "declines"}, "declined"),
        ({"baseline": "right_at_first"}, "wrong"),
        ({"baseline": "raises"}, "no such luck"),
        ({"baseline": "crashes"}, "failed"),
    ],
)
def test_bad_usage_is_refused_with_a_reason(tmp_path: Path, change: dict, message: str) -> None:
    names = [change["baseline"]] if change.get("baseline", "plane") != "plane" else []
    with pytest.raises(race.BenchError, match=message):
        run(tmp_path, *names, **{"budget": 1.0, **change})


@pytest.mark.parametrize("flops", [1, 10_000, 2_000_000])
@pytest.mark.parametrize(
    "text", [PROBLEM, "n4c32h56w56_o64k7x7_s2x2_p3x3_d1x1_g32_float32", "n1c9h7w7_o5k1x1_s1x1_p0x0_d1x1_g1_float32"]
)
def test_a_part_of_a_problem_is_of_its_kind_and_small(text: str, flops: int) -> None:
    problem = Problem.parse(text)
    part = scaled_down(problem, flops)
    smallest = problem.replace(batch=1, in_channels=1, out_channels=1, groups=1, bias=False).flops
    assert part.flops <= max(flops, smallest)
    assert part.flops == problem.flops or part.flops >= min(flops, problem.flops) / 8
    assert (part.kernel, part.stride, part.dtype) == (problem.kernel, problem.stride, problem.dtype)


def test_pytest_benchmark_sees_the_races_samples(tmp_path: Path) -> None:
    found = tmp_path / "found.json"
    options = ["--race-layers", PROBLEM, "--race", "numpy_windows", "--race-baseline", "numpy_im2col"]
    folder = str(support.ROOT / "benchmarks")
    command = [sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider", folder, *options]
    alone = {name: value for name, value in os.environ.items() if not name.startswith("PYTEST_")}  # no worker of xdist
    done = subprocess.run(
        [*command, "--race-seconds", "1", f"--benchmark-json={found}"],
        capture_output=True,
        text=True,
        check=False,
        env=alone,
    )
    assert done.returncode == 0, done.stdout
    benchmarks = json.loads(found.read_text())["benchmarks"]
    assert [one["params"]["implementation"] for one in benchmarks] == ["numpy_im2col", "numpy_windows"]
    for one in benchmarks:
        assert one["stats"]["rounds"] == len(one["stats"]["data"]) >= 1
        assert 1e-6 < one["stats"]["median"] < 1
        assert one["extra_info"]["baseline"] == "numpy_im2col"


def test_threads_are_an_axis(tmp_path: Path) -> None:
    status, records, _ = run(tmp_path, budget=0.6, threads=(1, min(2, cores())))
    assert status == 0
    assert [one.threads for one in records if isinstance(one, TimingRecord)] == [1, min(2, cores())]


def test_durations_have_units() -> None:
    assert [seconds(value) for value in (2.0, 1.234e-3, 5e-6, 2e-9)] == ["2 s", "1.23 ms", "5 µs", "2 ns"]


def test_importing_the_race_is_cheap_and_needs_no_framework() -> None:
    code = "import convgauge.race, sys; print([n for n in ('torch', 'numpy', 'rich') if n in sys.modules])"
    found = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert found.stdout.strip() == "[]"


def test_delays_are_taken_out_of_samples() -> None:
    assert undelayed([(100, 0, 1), (100, 0, 1), (100, 0, 1)]) == 300
    assert undelayed([(100, 0, 1), (5100, 5000, 1), (100, 0, 1)]) == 300
    assert undelayed([(100, 0, 1), (100, 5000, 1), (100, 0, 1)]) == 300, "a delay between the two clocks' readings"
    assert undelayed([(800, 0, 8), (5400, 5000, 4)]) == 1200, "as many calls as there were"
    assert undelayed([(9000, 5000, 1), (8000, 4000, 1)]) == 8000
    assert undelayed([(100, 5000, 1)]) == 10


def test_who_is_slow_to_prepare_for_a_small_layer_is_tried_on_a_large_one(tmp_path: Path) -> None:
    """Its 50 ms would be minutes, were they taken for a rate."""
    large = PROBLEM.replace("h16w16", "h128w128")
    _, records, _ = run(tmp_path, "prepared", layers=f"{PROBLEM},{large}", budget=12.0)
    found = [one for one in records if isinstance(one, TimingRecord) and one.implementation == "prepared"]
    assert [one.ratio is not None for one in found] == [True, True], [one.reason for one in found]
