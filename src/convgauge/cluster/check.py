"""``convgauge check --cluster``: shards of each implementation's specs on workers, joined to one run."""

from __future__ import annotations

import datetime
import math
import os
import time
from collections.abc import Callable, Sequence
from dataclasses import replace
from pathlib import Path

import msgspec
from rich.console import Console

from convgauge import environment, registry, results
from convgauge.cluster import ClusterError
from convgauge.cluster.progress_bar import ProgressBar, print_line
from convgauge.cluster.scheduler import CompletedTask, Scheduler, WorkerTask
from convgauge.cluster.worker import Attachment, WorkerInfo
from convgauge.conformance import shards
from convgauge.conformance.expectations import read_expectations
from convgauge.conformance.merge import amendments, causes_of, finish, without_repetitions
from convgauge.conformance.selection import expected_tasks
from convgauge.conformance.targets import resolve_targets
from convgauge.conformance.terminal import is_shown, report_text
from convgauge.conformance.verdict_text import JudgedImplementation, result_lines
from convgauge.registry import Origin
from convgauge.request import CheckRequest, RequestError, Verbosity
from convgauge.results import Footer, ImplementationRecord, Judgement, Run, SpecRecord
from convgauge.terms import reaches

MIN_TASK_S = 10.0
"""Seconds that a task should take at least: each begins with a new process, which takes one to three."""

TASKS_PER_WORKER = 4
"""When all workers but one are done, at most a quarter of one worker's work is left."""


def check(address: str, request: CheckRequest, console: Console, verbosity: Verbosity) -> int:
    """Check on the workers of the scheduler at ``address``, and write the run to ``request.output``.

    Records are written as parts arrive; at the end the file is put into the order in which one machine writes it.

    Returns
    -------
    int
        Exit status of the whole check.

    Raises
    ------
    RequestError
        If an option is for one machine, or a target or the file of expected failures cannot be used.
    ClusterError
        If the cluster cannot carry out the request.
    OSError
        If the run cannot be written.
    """
    started = time.perf_counter()
    origins = _usable_origins(request)
    journal = _Journal(origins, Path(request.output))
    progress_console = Console(file=console.file, quiet=verbosity is Verbosity.VERDICTS)
    try:
        _run_parts(address, request, origins, journal, progress_console, verbosity)
    except ClusterError as error:
        raise ClusterError(f"{error}{journal.hint}", error.status) from None
    except KeyboardInterrupt:
        print_line(progress_console, f"interrupted{journal.hint}")
        raise
    footer = journal.finish(time.perf_counter() - started)
    print_line(progress_console, f"{footer.cases} cases in {footer.elapsed:.1f} s")
    for name, judgement in footer.verdicts.items():
        style = "bold green" if reaches(judgement.verdict, request.require) else "bold red"
        first, *others = result_lines(journal.result_of(name, judgement), request.require, verbosity)
        print_line(console, first, style)
        for line in others:
            print_line(console, line)
    return footer.exit


def _usable_origins(request: CheckRequest) -> list[Origin]:
    """Return the targets' origins, before anything is started. Raises `RequestError`."""
    for flag, value in (("-x", request.exit_first), ("--resume", request.resume), ("--shard", request.shard)):
        if value:
            raise RequestError(f"{flag} is for one machine: omit it or --cluster")
    read_expectations(request.expect)
    return [target.origin for target in resolve_targets(request)]


def _run_parts(
    address: str,
    request: CheckRequest,
    origins: Sequence[Origin],
    journal: _Journal,
    console: Console,
    verbosity: Verbosity,
) -> None:
    """Run all parts, and print their results as they arrive."""
    with Scheduler(address) as scheduler:
        majority = _majority(scheduler, console)
        tasks = plan(request, origins, scheduler.threads(), lambda info: info.versions == majority.versions)
        print_line(console, f"{len(tasks)} parts on {len(scheduler.known)} workers of {address}")
        with ProgressBar(console, sum(task.cost_s for task in tasks)) as bar:
            for completed in scheduler.run(tasks):
                for record in journal.add(completed, scheduler.known).records_of(SpecRecord):
                    if verbosity is not Verbosity.EVERY_SPEC:
                        continue
                    if is_shown(record, request.require):
                        print_line(console, f"\n{report_text(record, request.require)}\n")
                    else:
                        line = f"{record.implementation}: {record.spec} {record.status} in {record.dtype}"
                        print_line(console, line)
                bar.add(completed.task.cost_s, f"{completed.task.name} on {completed.worker}")
        for name, worker in scheduler.lost:
            print_line(console, f"{name} was run again: its worker {worker} was lost")


def _majority(scheduler: Scheduler, console: Console) -> WorkerInfo:
    """Return the description of the largest group of workers with equal libraries; name the workers left out."""
    workers = scheduler.workers()
    groups: dict[tuple[tuple[str, str], ...], list[str]] = {}
    for address, info in workers.items():
        groups.setdefault(info.versions, []).append(address)
    majority = workers[max(groups.values(), key=len)[0]]
    for address, info in workers.items():
        differing = dict(set(info.versions) ^ set(majority.versions))
        if differing:
            print_line(console, f"{address} is left out: it differs in {', '.join(sorted(differing))}")
    return majority


# --- the parts -------------------------------------------------------------------------------------------------------


def plan(
    request: CheckRequest, origins: Sequence[Origin], slots: int, is_suitable: Callable[[WorkerInfo], bool]
) -> list[WorkerTask]:
    """Return tasks for ``slots`` threads of workers: shards of one implementation each, of about equal cost."""
    cost_s = dict.fromkeys((origin.name for origin in origins), 0.0)
    expected = [task.key[:2] for task in expected_tasks(request, origins)]
    for (_, name), seconds in zip(expected, shards.estimates(expected, request.tier), strict=True):
        cost_s[name] += seconds
    task_s = max(MIN_TASK_S, sum(cost_s.values()) / (slots * TASKS_PER_WORKER))
    attachments = _attachments(request)
    tasks = []
    for origin in origins:
        name = origin.name
        count = max(1, math.ceil(cost_s[name] / task_s))
        for number in range(1, count + 1):
            shard = f"{number}/{count}"
            part = replace(request, targets=(registry.target_of(origin),), shard=shard)
            tasks.append(WorkerTask(f"{name} {shard}", part, cost_s[name] / count, attachments, is_suitable))
    return tasks


def _attachments(request: CheckRequest) -> tuple[Attachment, ...]:
    return (Attachment("expect", "expect.toml", Path(request.expect).read_bytes()),) if request.expect else ()


# --- the runs of the parts -------------------------------------------------------------------------------------------


class _Journal:
    """The run's file: records as they arrive, and at the end all of them in their order."""

    def __init__(self, origins: Sequence[Origin], output: Path) -> None:
        self.order = {origin.name: index for index, origin in enumerate(origins)}
        self.output = output
        self.parts: dict[str, Run] = {}
        self.workers: dict[str, environment.Machine] = {}
        self.writer: results.Writer | None = None
        self.written: set[tuple[str, str]] = set()
        self.started = datetime.datetime.now(datetime.UTC).isoformat(timespec="seconds")

    def add(self, completed: CompletedTask, workers: dict[str, WorkerInfo]) -> Run:
        """Write the records of a task and return its run. Raises `ClusterError` if the task left no run."""
        run = self.parts[completed.task.name] = completed.run()
        self.workers[completed.worker] = run.header.machine
        if self.writer is None:
            machines = {address: info.machine for address, info in workers.items()}
            self.writer = results.Writer(self.output, self._header(run, machines))
        for record in without_repetitions(run.records, self.written):
            self.writer.write(record)
        return run

    def _header(self, run: Run, workers: dict[str, environment.Machine]) -> results.Header:
        command = results.new_header(seed=0).command
        return msgspec.structs.replace(run.header, shard="", command=command, started=self.started, workers=workers)

    @property
    def hint(self) -> str:
        """The end of a sentence about a run that broke off: how to continue it."""
        return "" if self.writer is None else f"; --resume {self.output} continues with the records written so far"

    def finish(self, elapsed_s: float) -> Footer:
        """Write the whole run in order to a file beside the output, which it then replaces."""
        assert self.writer is not None
        self.writer.close()
        runs = sorted(self.parts.values(), key=self._position)
        path = self.output.with_name(f".{self.output.name}.ordered")
        writer = results.Writer(path, self._header(runs[0], self.workers))
        records = list(without_repetitions(record for run in runs for record in run.records))
        for record in records:
            writer.write(record)
        by_target = sorted(runs, key=lambda run: self._position(run)[1:])
        footers = [run.footer for run in by_target if run.footer]
        footer = finish(writer, records, footers, amendments(runs), elapsed_s, causes_of(runs))
        writer.close()
        os.replace(path, self.output)
        return footer

    def result_of(self, name: str, judgement: Judgement) -> JudgedImplementation:
        """Return what all parts found out about an implementation."""
        runs = list(self.parts.values())
        records = [each for run in runs for each in run.records_of(SpecRecord) if each.implementation == name]
        about = next((each for each in amendments(runs) if each.implementation == name), None)
        causes = [cause for cause in causes_of(runs) if cause.implementation == name]
        return JudgedImplementation(name, judgement, records, about, causes)

    def _position(self, run: Run) -> tuple[bool, int, int]:
        """Return a part's sort key in the run of one machine: absent implementations first, then by target."""
        is_absent = any(isinstance(record, ImplementationRecord) and record.absent for record in run.records)
        shard = run.header.shard.partition("/")[0]
        name = run.path.rpartition(" ")[0]
        return not is_absent, self.order[name], int(shard or 1)
