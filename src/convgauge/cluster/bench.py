"""``convgauge bench --cluster``: layers on workers; a race runs whole on one of them, one race at a time on each.

Each kind of machine (processor, cores, memory, architecture, versions of the libraries) races all layers and has a run
of its own: a network's total is never the sum of times of different kinds.
"""

from __future__ import annotations

import json
import time
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from urllib.parse import urlsplit

import msgspec
from rich.console import Console

from convgauge import registry, results
from convgauge.cluster.progress_bar import ProgressBar, print_line
from convgauge.cluster.scheduler import Scheduler, WorkerTask
from convgauge.cluster.worker import Attachment, WorkerInfo
from convgauge.layers import sets as layers
from convgauge.layers.sets import Layer, LayerSet
from convgauge.race import table
from convgauge.race.benchmark import default_budget
from convgauge.request import BenchRequest
from convgauge.results import LimitRecord, Run, TimingRecord
from convgauge.terms import ExitStatus


@dataclass(frozen=True)
class Kind:
    """Machines whose times can be compared: equal hardware and equal versions of the libraries."""

    name: str
    key: tuple[object, object]

    @classmethod
    def of(cls, info: WorkerInfo) -> Kind:
        """Return the kind of a worker."""
        processor, cores, memory, _ = info.machine.kind
        return cls(f"{processor}, {cores} cores, {memory} GiB", (info.machine.kind, info.versions))


def bench(address: str, request: BenchRequest, console: Console) -> int:
    """Race on the workers of the scheduler at ``address``.

    The run is written to ``request.output``; if there are several kinds of machine, to one numbered file for each.

    Returns
    -------
    int
        Exit status: that of a race on one machine; 1 if it is 1 on any kind of machine.

    Raises
    ------
    TargetError, BenchError
        If a target or the layers cannot be used.
    ClusterError
        If the cluster cannot carry out the request.
    OSError
        If the run cannot be written.
    """
    started = time.monotonic()
    targets = tuple(
        registry.target_of(origin)
        for origin in registry.resolve_all(request.targets, request.framework, ("forward", request.direction))
    )
    request = replace(request, targets=targets)
    layer_set = layers.load(request.layers)
    with Scheduler(address) as scheduler:
        kinds = kinds_of(scheduler.workers())
        _warn(kinds, console)
        tasks = {kind: batches(request, layer_set, kind, len(workers)) for kind, workers in kinds.items()}
        every_task = [task for tasks_of_kind in tasks.values() for task in tasks_of_kind]
        runs: dict[Kind, list[tuple[str, Run]]] = {kind: [] for kind in kinds}
        with ProgressBar(console, sum(task.cost_s for task in every_task)) as bar:
            for completed in scheduler.run(every_task, one_per_worker=True):
                kind = next(kind for kind, tasks_of_kind in tasks.items() if completed.task in tasks_of_kind)
                runs[kind].append((completed.worker, completed.run()))
                bar.add(completed.task.cost_s, f"{completed.task.name} on {completed.worker}")
        for name, worker in scheduler.lost:
            print_line(console, f"{name} was run again: its worker {worker} was lost")
    elapsed_s = time.monotonic() - started
    output = Path(request.output) if request.output else None
    statuses = []
    for number, runs_of_kind in enumerate(runs.values(), start=1):
        path = numbered(output, number) if output is not None and len(kinds) > 1 else output
        statuses.append(_write_and_show(runs_of_kind, layer_set, path, elapsed_s, console))
    return _joint_status(statuses)


def _joint_status(statuses: Sequence[int]) -> int:
    """Return the exit status of races that are reported together: a failure if there is one, otherwise the least."""
    return ExitStatus.NOT_REACHED if ExitStatus.NOT_REACHED in statuses else min(statuses)


# --- the parts -------------------------------------------------------------------------------------------------------


def kinds_of(workers: Mapping[str, WorkerInfo]) -> dict[Kind, list[str]]:
    """Return the workers' addresses by kind of machine."""
    kinds: dict[Kind, list[str]] = {}
    for address, info in workers.items():
        kinds.setdefault(Kind.of(info), []).append(address)
    return kinds


def _warn(kinds: Mapping[Kind, Sequence[str]], console: Console) -> None:
    """Warn about workers that share a host or differ in hardware."""
    if len(kinds) > 1:
        print_line(console, f"{len(kinds)} kinds of machine: a run for each, because their times cannot be combined")
    hosts = Counter(urlsplit(address).hostname for addresses in kinds.values() for address in addresses)
    for host, number in hosts.items():
        if number > 1:
            text = f"{number} workers share {host}, so their races disturb each other: start one there"
            print_line(console, text, "yellow")


def batches(request: BenchRequest, layer_set: LayerSet, kind: Kind, workers: int) -> list[WorkerTask]:
    """Return the races on one kind of machine: one batch of layers per worker, because starting contestants is slow.

    Layers get equal shares of the budget, so batches of equal size take about the same time.
    """
    total = len(layer_set.layers)
    budget_s = request.budget_s if request.budget_s is not None else default_budget(total) * len(request.threads)
    count = min(workers, total)
    file = f"{layer_set.name}.toml"  # names the set in the records
    tasks = []
    for number in range(count):
        batch = layer_set.layers[number::count]
        seconds = budget_s * len(batch) / total
        part = replace(request, layers=file, budget_s=seconds)
        attachment = Attachment("layers", file, toml(layer_set, batch))
        name = f"races {number + 1}/{count} on {kind.name}"
        tasks.append(WorkerTask(name, part, seconds, (attachment,), lambda info: Kind.of(info) == kind))
    return tasks


def toml(layer_set: LayerSet, batch: Sequence[Layer]) -> bytes:
    """Return a batch of a set's layers as the file of a layer set."""
    keys = ("title", "source", "licence", "derived")
    lines = [f"{key} = {json.dumps(getattr(layer_set, key))}" for key in keys]
    for layer in batch:
        lines += ["[[layer]]", f'problem = "{layer.problem}"', f"count = {layer.count}"]
        lines += [f"name = {json.dumps(layer.name)}"]
    return "\n".join(lines).encode()


# --- the runs of the parts -------------------------------------------------------------------------------------------


def numbered(output: Path, number: int) -> Path:
    """Return the file of the kind with a number: race.jsonl becomes race-2.jsonl."""
    return output.with_stem(f"{output.stem}-{number}")


def _write_and_show(
    runs: Sequence[tuple[str, Run]], layer_set: LayerSet, path: Path | None, elapsed_s: float, console: Console
) -> int:
    """Write and print the races of one kind of machine, in the layers' order; return their exit status."""
    records = joined(runs, layer_set)
    timings = [record for record in records if isinstance(record, TimingRecord)]
    status = _joint_status([run.footer.exit for _, run in runs if run.footer])
    first = runs[0][1].header
    if path is not None:
        workers = {worker: run.header.machine for worker, run in runs}
        header = msgspec.structs.replace(first, command=results.new_header(seed=0).command, workers=workers)
        writer = results.Writer(path, header)
        for record in records:
            writer.write(record)
        writer.write(results.Footer({}, round(elapsed_s, 3), 0, status))
        writer.close()
    print_line(console, f"\n{first.machine.processor}, {first.machine.cores} cores, {len(runs)} workers")
    for layer in layer_set.layers:
        of_layer = [record for record in timings if (record.problem, record.layer) == (layer.problem.text, layer.name)]
        for threads in dict.fromkeys(record.threads for record in of_layer):
            race = [record for record in of_layer if record.threads == threads]
            table.print_race(console, f"{layer.name or layer.problem} on {race[0].worker}", layer, race)
    table.print_standings(console, timings, layer_set)
    return status


def joined(runs: Sequence[tuple[str, Run]], layer_set: LayerSet) -> list[LimitRecord | TimingRecord]:
    """Return the records of several workers in the order of one run: limits, then by thread count and layer."""
    position = {(layer.problem.text, layer.name): index for index, layer in enumerate(layer_set.layers)}
    limits: list[LimitRecord | TimingRecord] = []
    timings: list[TimingRecord] = []
    for worker, run in runs:
        limits += [msgspec.structs.replace(record, worker=worker) for record in run.records_of(LimitRecord)]
        timings += [msgspec.structs.replace(record, worker=worker) for record in run.records_of(TimingRecord)]
    timings.sort(key=lambda record: (record.threads, position[record.problem, record.layer]))
    return [*limits, *timings]
