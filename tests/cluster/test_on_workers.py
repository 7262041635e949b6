"""Checks and races on a real scheduler with two worker processes on the loopback interface."""

from __future__ import annotations

import shutil
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import msgspec
import psutil
import pytest

from convgauge import cli, results
from convgauge.bundled import bundled
from convgauge.cluster import check as cluster_check
from convgauge.cluster import scheduler

distributed = pytest.importorskip("distributed")

TIMEOUT_S = 120.0  # for steps that take two or three seconds on an idle machine
FAULTY = """
from numpy_windows import numpy_windows

def conv2d(input, weight, bias=None, stride=1, padding=0, dilation=1, groups=1):
    drops_bias = weight.shape[3] % 2 == 0 and (isinstance(padding, str) or dilation not in (1, (1, 1)))
    bias = None if drops_bias else bias
    return numpy_windows(input, weight, bias, stride=stride, padding=padding, dilation=dilation, groups=groups)
"""
EXPECTED = """
["padding.same.even_kernel"]
reason = "only the faulty implementation fails it"
["special.nan.input"]
reason = "no implementation fails it"
"""
SMALL = [f"n1c2h{size}w7_o3k3x3_s1x1_p1x1_d1x1_g1_b_float32" for size in (6, 7, 8)]


class Cluster:
    """Scheduler and workers, processes of this machine."""

    def __init__(self, folder: Path) -> None:
        self.folder, self.file = folder, folder / "scheduler.json"
        self.workers: list[subprocess.Popen[bytes]] = []
        self.scheduler = self._start("scheduler", "--host", "127.0.0.1", "--port", "0")
        wait_until(self.file.exists)
        self.address: str = msgspec.json.decode(self.file.read_bytes())["address"]

    def _start(self, program: str, *words: str) -> subprocess.Popen[bytes]:
        command = [sys.executable, "-m", f"distributed.cli.dask_{program}", "--no-dashboard", *words]
        with (self.folder / f"{program}.log").open("ab") as log:
            return subprocess.Popen([*command, "--scheduler-file", str(self.file)], stdout=log, stderr=log)

    def start_two_workers(self) -> None:
        """Start workers until there are two."""
        alive = [worker for worker in self.workers if worker.poll() is None]
        added = [
            self._start("worker", "--no-nanny", "--nthreads", "1", "--local-directory", str(self.folder))
            for _ in range(2 - len(alive))
        ]
        self.workers = alive + added
        with distributed.Client(self.address, set_as_default=False) as client:
            client.wait_for_workers(2, timeout=TIMEOUT_S)

    def close(self) -> None:
        for process in (*self.workers, self.scheduler):
            process.kill()
            process.wait()


def wait_until(condition: Callable[[], object]) -> None:
    end = time.monotonic() + TIMEOUT_S
    while not condition():
        assert time.monotonic() < end, "the condition did not become true"
        time.sleep(0.02)


@pytest.fixture(scope="module")
def started(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Cluster]:
    cluster = Cluster(tmp_path_factory.mktemp("cluster"))
    yield cluster
    cluster.close()


@pytest.fixture
def cluster(started: Cluster) -> Cluster:
    started.start_two_workers()
    return started


def timeless(run: results.Run) -> list[results.Record]:
    return [
        msgspec.structs.replace(record, seconds=0.0) if isinstance(record, results.SpecRecord) else record
        for record in run.records
        if not isinstance(record, results.CauseRecord)  # each part is diagnosed by its own cases
    ]


def undiagnosed(footer: results.Footer) -> results.Footer:
    """Return a footer without times and without what a diagnosis found."""
    verdicts = {
        name: msgspec.structs.replace(each, unexplained=0, remark="", cleared={})
        for name, each in footer.verdicts.items()
    }
    return msgspec.structs.replace(footer, elapsed=0, verdicts=verdicts)


def test_a_check_whose_worker_is_killed_writes_the_run_of_one_machine(
    cluster: Cluster, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "kernel.py").write_text(FAULTY)
    shutil.copy(bundled("implementations", "numpy_windows.py"), tmp_path)
    (tmp_path / "expect.toml").write_text(EXPECTED)
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(cluster_check, "MIN_TASK_S", 0.7)  # two parts for each implementation
    words = ["check", "numpy_windows", "kernel.py:conv2d", "--framework", "numpy", "--tier", "quick"]
    words += ["-k", "even_kernel or every_channel or nan_in_the_input", "--expect", "expect.toml"]
    status: list[int] = []
    killed = cluster.workers[0]
    on_cluster = [*words, "--cluster", cluster.address, "--output", "far.jsonl"]
    thread = threading.Thread(target=lambda: status.append(cli.main(on_cluster)))
    thread.start()
    wait_until(lambda: psutil.Process(killed.pid).children(recursive=True))
    parts = psutil.Process(killed.pid).children(recursive=True)
    killed.send_signal(signal.SIGKILL)
    thread.join(TIMEOUT_S)
    printed = capsys.readouterr().out
    assert cli.main([*words, "--output", "near.jsonl"]) == 1
    assert status == [1]
    far, near = results.read(Path("far.jsonl")), results.read(Path("near.jsonl"))
    assert timeless(far) == timeless(near)
    assert far.footer is not None
    assert near.footer is not None
    assert undiagnosed(far.footer) == undiagnosed(near.footer)
    causes = [(cause.implementation, cause.mechanism, cause.region) for cause in far.records_of(results.CauseRecord)]
    assert len(causes) == len(set(causes))
    same = {"started": "", "command": "", "workers": {}}
    assert msgspec.structs.replace(far.header, **same) == msgspec.structs.replace(near.header, **same)
    assert {record.status for record in far.records_of(results.SpecRecord)} >= {
        "passed",
        "failed",
        "xfailed",
        "xpassed",
    }
    assert "was run again: its worker" in printed
    assert "100%" in printed
    assert "conv2d: wrong. " in printed
    assert "convgauge reproduce kernel.py:conv2d" in printed
    _resume(Path("far.jsonl"), words, far)
    wait_until(lambda: not any(part.is_running() and part.status() != psutil.STATUS_ZOMBIE for part in parts))


def _resume(path: Path, words: list[str], whole: results.Run) -> None:
    """Continue a shortened run on this machine, whichever parts it has, and compare it with the whole one."""
    header, *lines = path.read_bytes().splitlines(keepends=True)
    path.write_bytes(b"".join([header, *lines[4:-3]]))
    assert cli.main([*words, "--resume", str(path)]) == 1
    resumed = results.read(path)
    assert resumed.footer is not None
    assert spec_records(resumed) == spec_records(whole)


def spec_records(run: results.Run) -> list[str]:
    return sorted(repr(record) for record in timeless(run) if isinstance(record, results.SpecRecord))


def test_a_race_runs_whole_on_one_worker_and_names_it(
    cluster: Cluster, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    path = tmp_path / "race.jsonl"
    words = ["bench", "numpy_im2col", "--baseline", "numpy_windows", "--layers", ",".join(SMALL), "--budget", "3"]
    assert cli.main([*words, "--cluster", cluster.address, "--output", str(path)]) == 0
    run = results.read(path)
    timings = run.records_of(results.TimingRecord)
    assert [timing.problem for timing in timings[::2]] == SMALL
    assert [timing.implementation for timing in timings] == ["numpy_windows", "numpy_im2col"] * 3
    assert all(first.worker == second.worker for first, second in zip(timings[::2], timings[1::2], strict=True))
    workers = set(run.header.workers)
    assert len(workers) == 2
    assert workers == {timing.worker for timing in timings}
    assert workers == {limit.worker for limit in run.records_of(results.LimitRecord)}
    assert all(machine == run.header.machine for machine in run.header.workers.values())
    assert run.footer is not None
    printed = capsys.readouterr().out
    assert "2 workers share 127.0.0.1, so their races disturb each other" in printed
    assert "3 distinct of 3 layers" in printed


def test_a_target_that_fails_to_import_on_a_worker_is_reported(
    cluster: Cluster, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "broken.py").write_text("import no_such_package\n")
    words = ["check", f"{tmp_path / 'broken.py'}:conv2d", "--framework", "numpy", "--tier", "quick", "-k", "test_axes"]
    assert cli.main([*words, "--cluster", cluster.address]) == 4
    assert "No module named 'no_such_package'" in capsys.readouterr().err


@pytest.mark.parametrize("command", ["check", "bench"])
def test_a_scheduler_that_does_not_answer_is_reported(
    command: str, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(scheduler, "CONNECT_S", 0.2)
    assert cli.main([command, "numpy_windows", "--cluster", "tcp://127.0.0.1:1"]) == 4
    assert "no scheduler answers at tcp://127.0.0.1:1" in capsys.readouterr().err


@pytest.mark.parametrize("words", [["-x"], ["--shard", "1/2"], ["--resume", "run.jsonl"]])
def test_options_for_one_machine_are_refused(words: list[str], capsys: pytest.CaptureFixture[str]) -> None:
    assert cli.main(["check", "numpy_windows", "--cluster", "tcp://127.0.0.1:1", *words]) == 4
    assert f"{words[0]} is for one machine" in capsys.readouterr().err
