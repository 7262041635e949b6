"""Checks and races on a real scheduler with two worker processes on the loopback interface, one of them killed."""

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

from convgauge import cli, environment, results
from convgauge.bundled import bundled
from convgauge.cluster import check as checking
from convgauge.cluster import scheduler
from convgauge.cluster import worker as work
from convgauge.cluster.bench import Asked, Kind, batches, kinds_of, numbered, together
from convgauge.layers.sets import Layer, LayerSet
from convgauge.problem import Problem
from convgauge.registry import resolve
from convgauge.report.model import gather

distributed = pytest.importorskip("distributed")

PATIENCE = 120.0  # seconds for what takes two or three where nothing else runs
FAULTY = """
from numpy_windows import numpy_windows

def conv2d(input, weight, bias=None, stride=1, padding=0, dilation=1, groups=1):
    lost = weight.shape[3] % 2 == 0 and (isinstance(padding, str) or dilation not in (1, (1, 1)))
    kept = None if lost else bias
    return numpy_windows(input, weight, kept, stride=stride, padding=padding, dilation=dilation, groups=groups)
"""
EXPECTED = """
["padding.same.even_kernel"]
reason = "the faulty one alone fails it"
["special.nan.input"]
reason = "nobody does"
"""
SMALL = [f"n1c2h{size}w7_o3k3x3_s1x1_p1x1_d1x1_g1_b_float32" for size in (6, 7, 8)]


class Cluster:
    """A scheduler and workers, processes of this machine."""

    def __init__(self, folder: Path) -> None:
        self.folder, self.file = folder, folder / "scheduler.json"
        self.workers: list[subprocess.Popen[bytes]] = []
        self.scheduler = self._start("scheduler", "--host", "127.0.0.1", "--port", "0")
        wait_until(self.file.exists)
        self.address: str = msgspec.json.decode(self.file.read_bytes())["address"]

    def _start(self, what: str, *words: str) -> subprocess.Popen[bytes]:
        command = [sys.executable, "-m", f"distributed.cli.dask_{what}", "--no-dashboard", *words]
        with (self.folder / f"{what}.log").open("ab") as log:
            return subprocess.Popen([*command, "--scheduler-file", str(self.file)], stdout=log, stderr=log)

    def two_workers(self) -> None:
        """Have two workers there."""
        alive = [worker for worker in self.workers if worker.poll() is None]
        added = [
            self._start("worker", "--no-nanny", "--nthreads", "1", "--local-directory", str(self.folder))
            for _ in range(2 - len(alive))
        ]
        self.workers = alive + added
        with distributed.Client(self.address, set_as_default=False) as client:
            client.wait_for_workers(2, timeout=PATIENCE)

    def close(self) -> None:
        for process in (*self.workers, self.scheduler):
            process.kill()
            process.wait()


def wait_until(condition: Callable[[], object]) -> None:
    end = time.monotonic() + PATIENCE
    while not condition():
        assert time.monotonic() < end, "that did not come about"
        time.sleep(0.02)


@pytest.fixture(scope="module")
def started(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Cluster]:
    cluster = Cluster(tmp_path_factory.mktemp("cluster"))
    yield cluster
    cluster.close()


@pytest.fixture
def cluster(started: Cluster) -> Cluster:
    started.two_workers()
    return started


def timeless(run: results.Run) -> list[results.Record]:
    return [msgspec.structs.replace(one, seconds=0.0) if hasattr(one, "outcomes") else one for one in run.records]


def test_with_a_worker_killed_in_the_middle_it_is_the_run_of_one_machine(
    cluster: Cluster, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "kernel.py").write_text(FAULTY)
    shutil.copy(bundled("implementations", "numpy_windows.py"), tmp_path)
    (tmp_path / "expect.toml").write_text(EXPECTED)
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(checking, "LEAST", 0.7)  # two parts for each
    words = ["check", "numpy_windows", "kernel.py:conv2d", "--framework", "numpy", "--tier", "quick"]
    words += ["-k", "even_kernel or every_channel or nan_in_the_input", "--expect", "expect.toml"]
    status: list[int] = []
    killed = cluster.workers[0]
    on_cluster = [*words, "--cluster", cluster.address, "--output", "far.jsonl"]
    thread = threading.Thread(target=lambda: status.append(cli.main(on_cluster)))
    thread.start()
    parts: list[psutil.Process] = []
    wait_until(lambda: parts.extend(psutil.Process(killed.pid).children(recursive=True)) or parts)
    killed.send_signal(signal.SIGKILL)
    thread.join(PATIENCE)
    said = capsys.readouterr().out
    assert cli.main([*words, "--output", "near.jsonl"]) == 1
    assert status == [1]
    far, near = results.read(Path("far.jsonl")), results.read(Path("near.jsonl"))
    assert timeless(far) == timeless(near)
    assert far.footer is not None
    assert near.footer is not None
    assert msgspec.structs.replace(far.footer, elapsed=0) == msgspec.structs.replace(near.footer, elapsed=0)
    same = {"started": "", "command": "", "workers": {}}
    assert msgspec.structs.replace(far.header, **same) == msgspec.structs.replace(near.header, **same)
    assert {one.status for one in far.records_of(results.SpecRecord)} >= {"passed", "failed", "xfailed", "xpassed"}
    assert "was done again: its worker" in said
    assert "100%" in said
    assert "again     convgauge reproduce kernel.py:conv2d" in said
    _resumes(Path("far.jsonl"), words, far)
    wait_until(lambda: not any(part.is_running() and part.status() != psutil.STATUS_ZOMBIE for part in parts))


def _resumes(path: Path, words: list[str], whole: results.Run) -> None:
    """A run that broke off goes on here, whichever parts had come in."""
    header, *lines = path.read_bytes().splitlines(keepends=True)
    path.write_bytes(b"".join([header, *lines[4:-3]]))
    assert cli.main([*words, "--resume", str(path)]) == 1
    gone_on = results.read(path)
    assert gone_on.footer is not None
    kept = sorted(map(repr, (one for one in timeless(gone_on) if hasattr(one, "outcomes"))))
    assert kept == sorted(map(repr, (one for one in timeless(whole) if hasattr(one, "outcomes"))))


def test_a_race_is_whole_on_one_worker_and_keeps_its_machine(
    cluster: Cluster, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    path = tmp_path / "race.jsonl"
    words = ["bench", "numpy_im2col", "--baseline", "numpy_windows", "--layers", ",".join(SMALL), "--budget", "3"]
    assert cli.main([*words, "--cluster", cluster.address, "--output", str(path)]) == 0
    run = results.read(path)
    timings = run.records_of(results.TimingRecord)
    assert [one.problem for one in timings[::2]] == SMALL
    assert [one.implementation for one in timings] == ["numpy_windows", "numpy_im2col"] * 3
    assert all(one.worker == other.worker for one, other in zip(timings[::2], timings[1::2], strict=True))
    workers = set(run.header.workers)
    assert len(workers) == 2
    assert workers == {one.worker for one in timings} == {one.worker for one in run.records_of(results.LimitRecord)}
    assert all(machine == run.header.machine for machine in run.header.workers.values())
    assert run.footer is not None
    said = capsys.readouterr().out
    assert "2 workers share 127.0.0.1, so their races disturb each other" in said
    assert "3 distinct of 3 layers" in said


def test_a_target_that_does_not_import_there_is_told_as_here(
    cluster: Cluster, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "broken.py").write_text("import no_such_package\n")
    words = ["check", f"{tmp_path / 'broken.py'}:conv2d", "--framework", "numpy", "--tier", "quick", "-k", "test_axes"]
    assert cli.main([*words, "--cluster", cluster.address]) == 4
    assert "No module named 'no_such_package'" in capsys.readouterr().err


@pytest.mark.parametrize("command", ["check", "bench"])
def test_where_no_scheduler_answers(
    command: str, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(scheduler, "CONNECTING", 0.2)
    assert cli.main([command, "numpy_windows", "--cluster", "tcp://127.0.0.1:1"]) == 4
    assert "no scheduler answers at tcp://127.0.0.1:1" in capsys.readouterr().err


@pytest.mark.parametrize("words", [["-x"], ["--shard", "1/2"], ["--resume", "run.jsonl"]])
def test_what_is_for_one_machine_is_refused(words: list[str], capsys: pytest.CaptureFixture[str]) -> None:
    assert cli.main(["check", "numpy_windows", "--cluster", "tcp://127.0.0.1:1", *words]) == 4
    assert f"{words[0]} is for one machine" in capsys.readouterr().err


# --- without a cluster -----------------------------------------------------------------------------------------------


def asked(*names: str) -> checking.Asked:
    origins = [one for name in names for one in resolve(name)]
    return checking.Asked(origins, ["--tier=quick"], {}, "functional", "quick", (), "")


def test_parts_are_shards_of_each_implementation_of_alike_cost(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(checking, "LEAST", 0.1)
    tasks = checking.plan(asked("numpy_windows", "numpy_im2col"), 4, lambda _: True)
    of = [task.words[1] for task in tasks].count("numpy_windows")  # by what they cost, as measured, some eight each
    assert 6 <= of <= 10
    assert 14 <= len(tasks) <= 18
    assert [task.words[1] for task in tasks] == ["numpy_windows"] * of + ["numpy_im2col"] * (len(tasks) - of)
    assert [task.words[-2] for task in tasks[:of]] == [f"--shard={number}/{of}" for number in range(1, of + 1)]
    assert max(task.cost for task in tasks) < 2 * min(task.cost for task in tasks)


def test_a_part_is_not_smaller_than_what_it_takes_to_begin() -> None:
    tasks = checking.plan(asked("numpy_windows"), 1000, lambda _: True)
    assert all(task.cost > checking.LEAST / 2 for task in tasks)


def facts(cores: int, numpy: str = "2.0") -> work.Facts:
    return work.Facts("0.1", (("numpy", numpy),), environment.Machine("a processor", cores, 1 << 30, "Linux", "x86_64"))


def test_unlike_machines_race_apart() -> None:
    """Each kind races every layer, and no other kind's workers are fit for it."""
    workers = {"a": facts(2), "b": facts(4), "c": facts(2), "d": facts(2, "1.26")}
    kinds = kinds_of(workers)
    assert list(kinds.values()) == [["a", "c"], ["b"], ["d"]]
    layers = LayerSet("some", tuple(Layer(Problem.parse(text)) for text in SMALL))
    race = Asked(resolve("numpy_windows"), [], "some", 30.0, 1)
    for kind, own in kinds.items():
        tasks = batches(race, layers, kind, len(own))
        assert len(tasks) == len(own)
        assert sum(task.cost for task in tasks) == pytest.approx(30)
        raced = b"".join(task.files["some.toml"] for task in tasks)
        assert all(raced.count(text.encode()) == 1 for text in SMALL)
        assert [name for name, known in workers.items() if all(task.fit(known) for task in tasks)] == own
    assert Kind.of(facts(2)) == Kind.of(facts(2))
    assert numbered(Path("runs/race.jsonl"), 2) == Path("runs/race-2.jsonl")


def test_unlike_machines_are_environments_apart_in_a_report() -> None:
    """Whatever they are called: times of one environment are put together."""

    def run(cores: int, label: str, numpy: str = "2.0") -> results.Run:
        machine = environment.Machine("a processor", cores, 1 << 30, "Linux", "x86_64")
        return results.Run("", results.Header(1, "0.1", machine, {"numpy": numpy}, 0, label=label), [], None)

    labelled = gather([run(2, "nightly"), run(2, "nightly", "1.26"), run(4, "nightly")])
    assert [(one.name, len(one.runs)) for one in labelled.environments] == [("nightly", 2), ("nightly (2)", 1)]
    unnamed = gather([run(2, ""), run(2, ""), run(2, "", "1.26"), run(4, "")])
    assert [len(one.runs) for one in unnamed.environments] == [2, 1, 1]


def test_races_are_told_in_the_layers_order() -> None:
    layers = LayerSet("some", tuple(Layer(Problem.parse(text)) for text in SMALL))
    header = results.new_header(seed=0)

    def raced(*texts: str) -> results.Run:
        made = [
            results.TimingRecord("mine", text, [], None, None, None, "same", "mine", None, None, 1) for text in texts
        ]
        return results.Run("", header, [*made], None)

    records = together([("b", raced(SMALL[1])), ("a", raced(SMALL[0], SMALL[2]))], layers)
    assert [(one.problem, one.worker) for one in records if isinstance(one, results.TimingRecord)] == [
        (SMALL[0], "a"), (SMALL[1], "b"), (SMALL[2], "a")
    ]  # fmt: skip
