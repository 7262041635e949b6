"""Scaling of a check over a cluster: measured with one and two workers, modelled up to 1,000.

    python benchmarks/studies/cluster_scaling.py [TARGET...] [--run RUN.jsonl]

First the wall time with one worker and with two, which are processes of this machine on the loopback interface. Unless
targets are named, the check is of a kernel that waits, as a kernel on another device does, so that the number of cores
of this machine does not matter. Then the cost of a part beyond its specs, in processor time, which does not depend on
other work on the machine: the dispatcher's (client and scheduler, one part after the other) and the start of the part's
process on a worker. Last a model of up to 1,000 workers with these figures: parts as the plan cuts them, each worker
taking the most expensive remaining one, all through one dispatcher. The seconds of an item are the shipped estimate, or
those of the runs that are given. For each number of workers the study prints the time and its lower bounds.

Figure, two shared cores of an Intel Xeon with AMX: a check that keeps both cores busy takes 13.2 s on one worker and
13.3 s on two. Model: 10,651 s of work take 123 s on 100 workers (86 % efficient); with 300 workers or more the longest
part (72 s) is the limit; dispatching to 1,000 takes 1.6 s. docs/howto/cluster.md names the study without the figures.
"""

from __future__ import annotations

import argparse
import heapq
import os
import queue
import resource
import subprocess
import sys
import tempfile
import time
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import distributed
import msgspec
import psutil

from convgauge import results
from convgauge.bundled import bundled
from convgauge.cluster import check
from convgauge.conformance import shards
from convgauge.conformance.collection import collect_specs
from convgauge.registry import builtins
from convgauge.results import SpecRecord

TRIVIAL_TASKS = 400  # that time the dispatcher
STARTS = 3  # parts with almost no work that time the start of a part
WAITING = """
import sys, time
sys.path.append("IMPLEMENTATIONS")
from numpy_windows import numpy_windows

def waiting(*operands, **named):
    time.sleep(0.02)
    return numpy_windows(*operands, **named)
"""
FILTER = ("-k", "padding or stride or dilation")
WORKERS = (1, 2, 10, 100, 300, 1000)


# --- measured --------------------------------------------------------------------------------------------------------


class Cluster:
    """Dask scheduler with a number of workers, all processes of this machine."""

    def __init__(self, workers: int) -> None:
        self.folder = tempfile.TemporaryDirectory()
        file = Path(self.folder.name, "scheduler.json")
        common = ["--no-dashboard", "--scheduler-file", str(file)]
        self.processes = [_start("scheduler", "--host", "127.0.0.1", "--port", "0", *common)]
        while not file.exists():
            time.sleep(0.05)
        for_worker = ["--no-nanny", "--nthreads", "1", "--local-directory", self.folder.name]
        self.processes += [_start("worker", *for_worker, *common) for _ in range(workers)]
        self.address: str = msgspec.json.decode(file.read_bytes())["address"]
        self.client = distributed.Client(self.address, set_as_default=False)
        self.client.wait_for_workers(workers)

    def __enter__(self) -> Cluster:
        return self

    def __exit__(self, *_: object) -> None:
        self.client.close()
        for process in reversed(self.processes):
            process.terminate()
            process.wait()
        self.folder.cleanup()


def _start(program: str, *arguments: str) -> subprocess.Popen[bytes]:
    """Start a program of Dask without its output."""
    command = [sys.executable, "-m", f"distributed.cli.dask_{program}", *arguments]
    return subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)


def print_wall_times(targets: Sequence[str], tier: str, filter: Sequence[str]) -> None:
    """Print the time of a check on one worker and on two."""
    seconds = {}
    for workers in (1, 2):
        with Cluster(workers) as cluster:
            arguments = [
                "check",
                *targets,
                "--framework",
                "numpy",
                "--tier",
                tier,
                *filter,
                "-q",
                "--cluster",
                cluster.address,
            ]
            started = time.perf_counter()
            subprocess.run([sys.executable, "-m", "convgauge", *arguments], stdout=subprocess.DEVNULL, check=True)
            seconds[workers] = time.perf_counter() - started
    speedup = seconds[1] / seconds[2]
    print(
        f"{' '.join(targets)}, {tier}: {seconds[1]:.1f} s on 1 worker, {seconds[2]:.1f} s on 2,"
        f" {speedup:.2f} times as fast"
    )
    print(f"  ({os.cpu_count()} cores, load {os.getloadavg()[0]:.1f})")


def dispatching(cluster: Cluster) -> float:
    """Return the seconds of processor time that client and scheduler take for a part."""
    (worker, *_) = cluster.client.nthreads()
    scheduler = psutil.Process(cluster.processes[0].pid)
    ended: queue.SimpleQueue[object] = queue.SimpleQueue()
    before = time.process_time() + sum(scheduler.cpu_times()[:2])
    futures = []
    for number in range(TRIVIAL_TASKS):
        future = cluster.client.submit(abs, number, workers=[worker], pure=False)
        future.add_done_callback(ended.put)
        futures.append(future)
    for _ in range(TRIVIAL_TASKS):
        ended.get().result()  # type: ignore[attr-defined]
    seconds: float = time.process_time() + sum(scheduler.cpu_times()[:2]) - before
    return seconds / TRIVIAL_TASKS


def starting() -> float:
    """Return the seconds of processor time of a part with almost no work."""
    arguments = ["check", "numpy_windows", "--tier", "quick", "-k", "test_axes_are"]
    before = resource.getrusage(resource.RUSAGE_CHILDREN)
    for _ in range(STARTS):
        subprocess.run([sys.executable, "-m", "convgauge", *arguments], stdout=subprocess.DEVNULL, check=True)
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    return (after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime) / STARTS


# --- modelled --------------------------------------------------------------------------------------------------------


@dataclass(frozen=True)
class Figures:
    """Seconds that the model uses: of dispatching and starting a part, and of each item by implementation."""

    dispatch: float
    start: float
    items: dict[str, list[float]]


def items(tier: str, runs: Sequence[Path]) -> dict[str, list[float]]:
    """Return the seconds of each item by implementation, from runs or as estimated for the built-in ones."""
    measured: dict[str, list[float]] = {}
    for path in runs:
        for record in results.read(path).records_of(SpecRecord):
            measured.setdefault(record.implementation, []).append(record.seconds)
    if measured:
        return measured
    table = shards.cost_table()
    ids = [spec.id for spec, _ in collect_specs() for _ in spec.at(tier)]
    return {name: [table.estimate(tier, spec, name) for spec in ids] for name in builtins()}


def makespan(parts: Sequence[float], workers: int, figures: Figures) -> float:
    """Return the seconds until all parts end, if each worker takes the most expensive remaining one."""
    free = [0.0] * workers
    dispatcher = end = 0.0
    for part in sorted(parts, reverse=True):
        dispatcher = max(dispatcher, free[0]) + figures.dispatch
        done = dispatcher + figures.start + part
        heapq.heapreplace(free, done)
        end = max(end, done)
    return end


def cut(figures: Figures, workers: int) -> list[float]:
    """Return the seconds of parts as the plan cuts them, which uses only the sum of the items."""
    total = sum(map(sum, figures.items.values()))
    part = max(check.MIN_TASK_S, total / (workers * check.TASKS_PER_WORKER))
    parts = []
    for items_s in figures.items.values():
        count = max(1, -(-int(sum(items_s)) // max(1, int(part))))
        parts += [sum(items_s[shards.cut(items_s, number, count)]) for number in range(count)]
    return parts


def model(figures: Figures) -> None:
    """Print the time for several numbers of workers, and the lower bounds of each."""
    everything = [seconds for items_s in figures.items.values() for seconds in items_s]
    total, longest = sum(everything), max(everything)
    print(
        f"model: {len(figures.items)} implementations, {len(everything)} items, {total:.0f} s of work, the longest"
        f" {longest:.1f} s; {figures.dispatch * 1e3:.2f} ms of dispatching and {figures.start:.1f} s of starting a part"
    )
    print(" workers   parts    time s   efficiency   limited by")
    for workers in WORKERS:
        parts = cut(figures, workers)
        elapsed = makespan(parts, workers, figures)
        bounds = {
            "the work itself": total / workers,
            "starting parts": len(parts) * figures.start / workers,
            "the longest part": max(parts) + figures.start,
            "the dispatcher": len(parts) * figures.dispatch,
        }
        first = max(bounds, key=lambda name: bounds[name])
        shown = ", ".join(f"{name} {seconds:.1f} s" for name, seconds in bounds.items())
        print(f"{workers:8d}{len(parts):8d}{elapsed:10.1f}{total / workers / elapsed:12.0%}   {first} ({shown})")


def main() -> None:
    """Run the study as a command."""
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("target", nargs="*", help="targets to check instead of the kernel that waits")
    parser.add_argument("--tier", default="quick", help="tier of the check on one and two workers")
    parser.add_argument(
        "--run",
        nargs="*",
        type=Path,
        default=[],
        metavar="RUN.jsonl",
        help="runs for the model",
    )
    options = parser.parse_args()
    if options.target:
        print_wall_times(options.target, options.tier, [])
    else:
        with tempfile.TemporaryDirectory() as folder:
            kernel = Path(folder, "waiting.py")
            kernel.write_text(WAITING.replace("IMPLEMENTATIONS", str(bundled("implementations"))))
            print_wall_times([f"{kernel}:waiting"], options.tier, FILTER)
    with Cluster(1) as cluster:
        dispatch = dispatching(cluster)
    model(Figures(dispatch, starting(), items("standard", options.run)))


if __name__ == "__main__":
    main()
