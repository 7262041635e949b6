"""``convgauge bench --cluster``: layers over workers, a race whole on one of them, one race at a time on each.

Every kind of machine (processor, cores, memory, system, versions of the libraries) races all layers and has a run of
its own: a network's total is never the sum of times from unlike machines.
"""

from __future__ import annotations

import json
import time
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import urlsplit

import msgspec
from rich.console import Console

from convgauge import results
from convgauge.cluster.progress_bar import Meter
from convgauge.cluster.scheduler import Farm, Task
from convgauge.cluster.shards import read, say, spelled
from convgauge.cluster.worker import FOLDER, RUN, Facts
from convgauge.layers import sets as layers
from convgauge.layers.sets import Layer, LayerSet
from convgauge.race import table
from convgauge.race.benchmark import default_budget
from convgauge.registry import Origin
from convgauge.results import LimitRecord, Run, TimingRecord


@dataclass(frozen=True)
class Kind:
    """Machines on which times mean the same: alike in all but their names, with the same versions of the libraries."""

    name: str
    alike: tuple[object, object]

    @classmethod
    def of(cls, facts: Facts) -> Kind:
        """The kind that a worker is of."""
        processor, cores, memory, _ = facts.machine.kind
        return cls(f"{processor}, {cores} cores, {memory} GiB", (facts.machine.kind, facts.versions))


@dataclass(frozen=True)
class Asked:
    """What is to be raced, and how: the options' words for every race, and what the budget is made of."""

    origins: Sequence[Origin]
    words: Sequence[str]
    layers: str
    budget: float | None
    thread_counts: int


def bench(address: str, asked: Asked, output: Path | None, console: Console) -> int:
    """Race on the workers of the scheduler at ``address``; the exit status.

    The run is written to ``output``; where there are several kinds of machine, to one file for each, numbered.
    Raises `ClusterError`, `BenchError`, `OSError`.
    """
    started = time.monotonic()
    layer_set = layers.load(asked.layers)
    with Farm(address) as farm:
        kinds = kinds_of(farm.workers())
        _note(kinds, console)
        tasks = [
            (kind, task) for kind, workers in kinds.items() for task in batches(asked, layer_set, kind, len(workers))
        ]
        runs: dict[Kind, list[tuple[str, Run]]] = {kind: [] for kind in kinds}
        with Meter(console, sum(task.cost for _, task in tasks)) as meter:
            for done in farm.work([task for _, task in tasks], alone=True):
                kind = next(kind for kind, task in tasks if task is done.task)
                runs[kind].append((done.worker, read(done)))
                meter.add(done.task.cost, f"{done.task.name} on {done.worker}")
        for name, worker in farm.lost:
            say(console, f"{name} was done again: its worker {worker} was lost")
    elapsed = time.monotonic() - started
    statuses = []
    for number, found in enumerate(runs.values(), start=1):
        path = numbered(output, number) if output is not None and len(kinds) > 1 else output
        statuses.append(_keep(found, layer_set, path, elapsed, console))
    return 1 if 1 in statuses else min(statuses)


# --- who races what --------------------------------------------------------------------------------------------------


def kinds_of(workers: Mapping[str, Facts]) -> dict[Kind, list[str]]:
    """The workers' addresses by kind of machine."""
    kinds: dict[Kind, list[str]] = {}
    for address, facts in workers.items():
        kinds.setdefault(Kind.of(facts), []).append(address)
    return kinds


def _note(kinds: Mapping[Kind, Sequence[str]], console: Console) -> None:
    """Say what makes figures mean less, or be more than one."""
    if len(kinds) > 1:
        say(console, f"{len(kinds)} kinds of machine: a run for each, since unlike machines have no time in common")
    hosts = Counter(urlsplit(address).hostname for addresses in kinds.values() for address in addresses)
    for host, number in hosts.items():
        if number > 1:
            say(console, f"{number} workers share {host}, so their races disturb each other: start one there", "yellow")


def batches(asked: Asked, layer_set: LayerSet, kind: Kind, workers: int) -> list[Task]:
    """The races on one kind of machine: the layers dealt out, a batch a worker, as starting the contestants takes long.

    Layers get alike shares of the budget, so batches take alike long if they are alike large.
    """
    every = len(layer_set.layers)
    budget = asked.budget if asked.budget is not None else default_budget(every) * asked.thread_counts
    of, targets = min(workers, every), [spelled(origin) for origin in asked.origins]
    tasks = []
    for number in range(of):
        some = layer_set.layers[number::of]
        seconds = budget * len(some) / every
        words = ("bench", *targets, *asked.words, f"--layers={FOLDER}/{layer_set.name}.toml")
        words += (f"--budget={seconds:g}", f"--output={FOLDER}/{RUN}", "--quiet")
        files = {f"{layer_set.name}.toml": written(layer_set, some)}
        name = f"races {number + 1}/{of} on {kind.name}"
        tasks.append(Task(name, words, seconds, files, lambda facts: Kind.of(facts) == kind))
    return tasks


def written(layer_set: LayerSet, some: Sequence[Layer]) -> bytes:
    """Some layers of a set as a set's file."""
    facts = ("title", "source", "licence", "derived")
    lines = [f"{name} = {json.dumps(getattr(layer_set, name))}" for name in facts]
    for layer in some:
        lines += ["[[layer]]", f'problem = "{layer.problem}"', f"count = {layer.count}"]
        lines += [f"name = {json.dumps(layer.name)}"]
    return "\n".join(lines).encode()


# --- what comes back -------------------------------------------------------------------------------------------------


def numbered(output: Path, number: int) -> Path:
    """The file of the kind of that number: race.jsonl becomes race-2.jsonl."""
    return output.with_stem(f"{output.stem}-{number}")


def _keep(
    found: Sequence[tuple[str, Run]], layer_set: LayerSet, path: Path | None, elapsed: float, console: Console
) -> int:
    """Write and show the races of one kind of machine, in the layers' order; their exit status."""
    records = together(found, layer_set)
    timings = [record for record in records if isinstance(record, TimingRecord)]
    statuses = {run.footer.exit for _, run in found if run.footer}
    status = 1 if 1 in statuses else min(statuses)
    first = found[0][1].header
    if path is not None:
        workers = {worker: run.header.machine for worker, run in found}
        header = msgspec.structs.replace(first, command=results.new_header(seed=0).command, workers=workers)
        writer = results.Writer(path, header)
        for record in records:
            writer.write(record)
        writer.write(results.Footer({}, round(elapsed, 3), 0, status))
        writer.close()
    say(console, f"\n{first.machine.processor}, {first.machine.cores} cores, {len(found)} workers")
    for layer in layer_set.layers:
        own = [record for record in timings if record.problem == layer.problem.text and record.layer == layer.name]
        for threads in dict.fromkeys(record.threads for record in own):
            some = [record for record in own if record.threads == threads]
            table.print_race(console, f"{layer.name or layer.problem} on {some[0].worker}", layer, some)
    table.print_standings(console, timings, layer_set)
    return status


def together(found: Sequence[tuple[str, Run]], layer_set: LayerSet) -> list[LimitRecord | TimingRecord]:
    """The records of several workers' races in the order of one run: limits, then by thread count and layer."""
    place = {(layer.problem.text, layer.name): number for number, layer in enumerate(layer_set.layers)}
    limits: list[LimitRecord | TimingRecord] = []
    timings: list[TimingRecord] = []
    for worker, run in found:
        limits += [msgspec.structs.replace(record, worker=worker) for record in run.records_of(LimitRecord)]
        timings += [msgspec.structs.replace(record, worker=worker) for record in run.records_of(TimingRecord)]
    timings.sort(key=lambda record: (record.threads, place[record.problem, record.layer]))
    return [*limits, *timings]
