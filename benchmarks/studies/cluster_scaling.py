"""How a check scales over a cluster: ``python benchmarks/studies/cluster_scaling.py [TARGET…] [--run RUN.jsonl]``.

First the clock on the wall for one worker and for two, processes of this machine on the loopback interface. Unless
targets are named, what is checked is a kernel that waits, as one on another device does, so that it does not matter how
many cores there are here. Then what a part costs beyond its specs, in seconds of processor time, since those do not
depend on what else runs: the dispatcher's (client and scheduler, one part after the other) and the start of its process
on a worker. Last a model of up to 1,000 workers with these figures: parts as the plan cuts them, each worker taking the
costliest that is left, all through one dispatcher. What an item takes is the shipped estimate, or what it took in the
runs that are given. For each number of workers it prints the time, and what no number of workers makes shorter.
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
from convgauge.registry import builtins
from convgauge.results import SpecRecord
from convgauge.selftest.run import collected

TRIVIAL = 400  # tasks by which the dispatcher is timed
STARTS = 3  # parts of next to nothing by which a part's start is timed
WAITING = """
import sys, time
sys.path.append("BESIDE")
from numpy_windows import numpy_windows

def waiting(*operands, **named):
    time.sleep(0.02)
    return numpy_windows(*operands, **named)
"""
FEW = ("-k", "padding or stride or dilation")
WORKERS = (1, 2, 10, 100, 300, 1000)


# --- measured --------------------------------------------------------------------------------------------------------


class Cluster:
    """A scheduler and a number of workers, processes of this machine."""

    def __init__(self, workers: int) -> None:
        self.folder = tempfile.TemporaryDirectory()
        file = Path(self.folder.name, "scheduler.json")
        common = ["--no-dashboard", "--scheduler-file", str(file)]
        self.processes = [_quiet("scheduler", "--host", "127.0.0.1", "--port", "0", *common)]
        while not file.exists():
            time.sleep(0.05)
        own = ["--no-nanny", "--nthreads", "1", "--local-directory", self.folder.name]
        self.processes += [_quiet("worker", *own, *common) for _ in range(workers)]
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


def _quiet(what: str, *words: str) -> subprocess.Popen[bytes]:
    command = [sys.executable, "-m", f"distributed.cli.dask_{what}", *words]
    return subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)


def walls(targets: Sequence[str], tier: str, few: Sequence[str]) -> None:
    """Print the time of a check on one worker and on two."""
    taken = {}
    for workers in (1, 2):
        with Cluster(workers) as cluster:
            words = [
                "check",
                *targets,
                "--framework",
                "numpy",
                "--tier",
                tier,
                *few,
                "-q",
                "--cluster",
                cluster.address,
            ]
            started = time.perf_counter()
            subprocess.run([sys.executable, "-m", "convgauge", *words], stdout=subprocess.DEVNULL, check=True)
            taken[workers] = time.perf_counter() - started
    faster = taken[1] / taken[2]
    print(
        f"{' '.join(targets)}, {tier}: {taken[1]:.1f} s on 1 worker, {taken[2]:.1f} s on 2, {faster:.2f} times as fast"
    )
    print(f"  ({os.cpu_count()} cores, load {os.getloadavg()[0]:.1f})")


def dispatching(cluster: Cluster) -> float:
    """Seconds of processor time that client and scheduler take for a part."""
    (worker, *_) = cluster.client.nthreads()
    scheduler = psutil.Process(cluster.processes[0].pid)
    ended: queue.SimpleQueue[object] = queue.SimpleQueue()
    before = time.process_time() + sum(scheduler.cpu_times()[:2])
    futures = []
    for number in range(TRIVIAL):
        future = cluster.client.submit(abs, number, workers=[worker], pure=False)
        future.add_done_callback(ended.put)
        futures.append(future)
    for _ in range(TRIVIAL):
        ended.get().result()  # type: ignore[attr-defined]
    return (time.process_time() + sum(scheduler.cpu_times()[:2]) - before) / TRIVIAL


def starting() -> float:
    """Seconds of processor time that a part takes which judges next to nothing."""
    words = ["check", "numpy_windows", "--tier", "quick", "-k", "test_axes_are"]
    before = resource.getrusage(resource.RUSAGE_CHILDREN)
    for _ in range(STARTS):
        subprocess.run([sys.executable, "-m", "convgauge", *words], stdout=subprocess.DEVNULL, check=True)
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    return (after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime) / STARTS


# --- modelled --------------------------------------------------------------------------------------------------------


@dataclass(frozen=True)
class Figures:
    """What the model rests on: seconds of dispatching, of starting a part, and of each item by implementation."""

    dispatch: float
    start: float
    items: dict[str, list[float]]


def items(tier: str, runs: Sequence[Path]) -> dict[str, list[float]]:
    """By implementation what each item takes: as it was in the runs, or as it is expected of all that is built in."""
    found: dict[str, list[float]] = {}
    for path in runs:
        for record in results.read(path).of(SpecRecord):
            found.setdefault(record.implementation, []).append(record.seconds)
    if found:
        return found
    known = shards.table()
    ids = [spec.id for spec, _ in collected() for _ in spec.at(tier)]
    return {name: [known.estimate(tier, spec, name) for spec in ids] for name in builtins()}


def makespan(parts: Sequence[float], workers: int, figures: Figures) -> float:
    """Seconds until all parts are done, each worker taking the costliest one left, all through one dispatcher."""
    free = [0.0] * workers
    dispatcher = end = 0.0
    for part in sorted(parts, reverse=True):
        dispatcher = max(dispatcher, free[0]) + figures.dispatch
        done = dispatcher + figures.start + part
        heapq.heapreplace(free, done)
        end = max(end, done)
    return end


def cut(figures: Figures, workers: int) -> list[float]:
    """The parts' seconds as the real plan would cut the items, which knows only their sum."""
    total = sum(map(sum, figures.items.values()))
    part = max(check.LEAST, total / (workers * check.ROUNDS))
    parts = []
    for some in figures.items.values():
        of = max(1, -(-int(sum(some)) // max(1, int(part))))
        parts += [sum(some[shards.cut(some, number, of)]) for number in range(of)]
    return parts


def model(figures: Figures) -> None:
    """Print the time for numbers of workers, and the bounds that hold whatever their number."""
    everything = [seconds for some in figures.items.values() for seconds in some]
    total, longest = sum(everything), max(everything)
    print(
        f"model: {len(figures.items)} implementations, {len(everything)} items, {total:.0f} s of work, the longest"
        f" {longest:.1f} s; {figures.dispatch * 1e3:.2f} ms of dispatching and {figures.start:.1f} s of starting a part"
    )
    print(" workers   parts    time s   efficiency   what holds it up")
    for workers in WORKERS:
        parts = cut(figures, workers)
        taken = makespan(parts, workers, figures)
        bounds = {
            "the work itself": total / workers,
            "starting parts": len(parts) * figures.start / workers,
            "the longest part": max(parts) + figures.start,
            "the dispatcher": len(parts) * figures.dispatch,
        }
        first = max(bounds, key=lambda name: bounds[name])
        shown = ", ".join(f"{name} {seconds:.1f} s" for name, seconds in bounds.items())
        print(f"{workers:8d}{len(parts):8d}{taken:10.1f}{total / workers / taken:12.0%}   {first} ({shown})")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("target", nargs="*", help="instead of the kernel that waits")
    parser.add_argument("--tier", default="quick", help="of the check on one and two workers")
    parser.add_argument("--run", nargs="*", type=Path, default=[], metavar="RUN.jsonl", help="for the model")
    options = parser.parse_args()
    if options.target:
        walls(options.target, options.tier, [])
    else:
        with tempfile.TemporaryDirectory() as folder:
            kernel = Path(folder, "waiting.py")
            kernel.write_text(WAITING.replace("BESIDE", str(bundled("implementations"))))
            walls([f"{kernel}:waiting"], options.tier, FEW)
    with Cluster(1) as cluster:
        dispatch = dispatching(cluster)
    model(Figures(dispatch, starting(), items("standard", options.run)))


if __name__ == "__main__":
    main()
