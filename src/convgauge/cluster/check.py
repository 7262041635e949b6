"""``convgauge check --cluster``: shards of every implementation's specs over workers, and the run of one machine."""

from __future__ import annotations

import datetime
import math
import os
import re
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

import msgspec
from rich.console import Console

from convgauge import environment, results
from convgauge.cluster import ClusterError
from convgauge.cluster.progress_bar import Meter
from convgauge.cluster.scheduler import Done, Farm, Task
from convgauge.cluster.shards import read, say, spelled
from convgauge.cluster.worker import FOLDER, RUN, Facts
from convgauge.conformance import shards
from convgauge.conformance.merge import finished, once
from convgauge.conformance.session import refuse_namesakes, report_text
from convgauge.conformance.terminal import verdict
from convgauge.registry import Origin
from convgauge.request import RequestError, Verbosity
from convgauge.results import Footer, ImplementationRecord, Run, SpecRecord
from convgauge.selftest.run import collected
from convgauge.terms import FAULTS, Profile, Tier, includes

LEAST = 10.0
"""Seconds that a part should take at least: each begins with a process of its own, which takes one to three."""

ROUNDS = 4
"""Parts for each worker: when all but one worker are done, a fourth of one worker's work is left at most."""


@dataclass(frozen=True)
class Asked:
    """What is to be checked, and how: the options' words for every part, and the files that they need by name."""

    origins: Sequence[Origin]
    words: Sequence[str]
    files: dict[str, bytes]
    profile: Profile
    tier: Tier
    dtypes: tuple[str, ...]
    expression: str


def check(address: str, asked: Asked, output: Path, console: Console, talk: Verbosity) -> int:
    """Check on the workers of the scheduler at ``address``, and write the run to ``output``; the exit status.

    Records are written as parts come in; in the end the file is put in the order in which one machine writes it.
    Raises `ClusterError`, `OSError`.
    """
    started = time.perf_counter()
    try:
        refuse_namesakes(list(asked.origins))
    except RequestError as error:
        raise ClusterError(str(error)) from None
    journal = _Journal(asked, output)
    aside = Console(file=console.file, quiet=talk is Verbosity.VERDICTS)
    try:
        _gather(address, asked, journal, aside, talk)
    except ClusterError as error:
        raise ClusterError(f"{error}{journal.kept}", error.status) from None
    except KeyboardInterrupt:
        say(aside, f"interrupted{journal.kept}")
        raise
    footer = journal.finish(time.perf_counter() - started)
    for name, one in footer.verdicts.items():
        say(console, verdict(name, one), "bold green" if one.verdict.startswith("conformant") else "bold red")
    say(console, f"{footer.cases} cases in {footer.elapsed:.1f} s")
    return footer.exit


def _gather(address: str, asked: Asked, journal: _Journal, console: Console, talk: Verbosity) -> None:
    """Have all parts done, and tell of them as they come in."""
    with Farm(address) as farm:
        like = _like(farm, console)
        tasks = plan(asked, farm.threads(), lambda facts: facts.versions == like.versions)
        say(console, f"{len(tasks)} parts on {len(farm.known)} workers of {address}")
        with Meter(console, sum(task.cost for task in tasks)) as meter:
            for done in farm.work(tasks):
                for record in journal.take(done, farm.known).records_of(SpecRecord):
                    if record.status in FAULTS:
                        say(console, f"\n{report_text(record)}\n")
                    elif talk is Verbosity.EVERY_SPEC:
                        say(console, f"{record.implementation}: {record.spec} {record.status} in {record.dtype}")
                meter.add(done.task.cost, f"{done.task.name} on {done.worker}")
        for name, worker in farm.lost:
            say(console, f"{name} was done again: its worker {worker} was lost")


def _like(farm: Farm, console: Console) -> Facts:
    """The facts that most workers share. Others, with other libraries, are left out, and that is said."""
    workers = farm.workers()
    kinds: dict[tuple[tuple[str, str], ...], list[str]] = {}
    for address, facts in workers.items():
        kinds.setdefault(facts.versions, []).append(address)
    most = max(kinds.values(), key=len)
    for address, facts in workers.items():
        differing = dict(set(facts.versions) ^ set(workers[most[0]].versions))
        if differing:
            say(console, f"{address} is left out: it differs in {', '.join(sorted(differing))}")
    return workers[most[0]]


# --- the parts -------------------------------------------------------------------------------------------------------


def plan(asked: Asked, slots: int, fit: Callable[[Facts], bool]) -> list[Task]:
    """Parts for ``slots`` workers: shards of one implementation each, of alike cost as far as is known beforehand."""
    ids = _due(asked)
    origins = {origin.name: origin for origin in asked.origins}
    cost = {name: sum(shards.estimates([(spec, name) for spec in ids], asked.tier)) for name in origins}
    part = max(LEAST, sum(cost.values()) / (slots * ROUNDS))
    tasks = []
    for name, origin in origins.items():
        of, target = max(1, math.ceil(cost[name] / part)), spelled(origin)
        for number in range(1, of + 1):
            shard = f"{number}/{of}"
            words = ("check", target, *asked.words, f"--shard={shard}", f"--output={FOLDER}/{RUN}")
            tasks.append(Task(f"{name} {shard}", words, cost[name] / of, asked.files, fit))
    return tasks


def _due(asked: Asked) -> list[str]:
    """The specs to be expected, an id for each dtype; of those that an expression names, where there is one."""
    words = set(re.findall(r"[\w.]+", asked.expression.lower())) - {"and", "or", "not"}
    found = []
    for spec, test in collected():
        named = f"{spec.chapter} {spec.id} {test.__name__}".lower()
        if not includes(asked.profile, spec.profile):
            continue
        if not words or any(word in named for word in words):
            found += [spec.id] * sum(not asked.dtypes or dtype in asked.dtypes for dtype in spec.at(asked.tier))
    return found


# --- what comes back -------------------------------------------------------------------------------------------------


class _Journal:
    """The run's file: records as they come in, in the end all of them in their order."""

    def __init__(self, asked: Asked, output: Path) -> None:
        self.order = {origin.name: place for place, origin in enumerate(asked.origins)}
        self.output = output
        self.parts: dict[str, Run] = {}
        self.workers: dict[str, environment.Machine] = {}
        self.writer: results.Writer | None = None
        self.seen: set[tuple[str, str]] = set()
        self.started = datetime.datetime.now(datetime.UTC).isoformat(timespec="seconds")

    def take(self, done: Done, known: dict[str, Facts]) -> Run:
        """Keep what a part found, and write it. Raises `ClusterError` where it found nothing."""
        run = self.parts[done.task.name] = read(done)
        self.workers[done.worker] = run.header.machine
        if self.writer is None:
            machines = {address: facts.machine for address, facts in known.items()}
            self.writer = results.Writer(self.output, self._header(run, machines))
        for record in once(run.records, self.seen):
            self.writer.write(record)
        return run

    def _header(self, run: Run, workers: dict[str, environment.Machine]) -> results.Header:
        command = results.new_header(seed=0).command
        return msgspec.structs.replace(run.header, shard="", command=command, started=self.started, workers=workers)

    @property
    def kept(self) -> str:
        """What to do with a run that broke off, as the end of a sentence."""
        return f"; what was done is kept in {self.output}, to go on with --resume" if self.writer is not None else ""

    def finish(self, elapsed: float) -> Footer:
        """Write the whole in order beside the file, and put it in its place."""
        assert self.writer is not None
        self.writer.close()
        runs = sorted(self.parts.values(), key=self._place)
        made = self.output.with_name(f".{self.output.name}.ordered")
        writer = results.Writer(made, self._header(runs[0], self.workers))
        records = list(once(record for run in runs for record in run.records))
        for record in records:
            writer.write(record)
        by_target = sorted(runs, key=lambda run: self._place(run)[1:])
        footer = finished(writer, records, [run.footer for run in by_target if run.footer], elapsed)
        writer.close()
        os.replace(made, self.output)
        return footer

    def _place(self, run: Run) -> tuple[bool, int, int]:
        """Where a part stands in the run of one machine: what is absent is told first, then target by target."""
        absent = any(isinstance(record, ImplementationRecord) and record.absent for record in run.records)
        shard = run.header.shard.partition("/")[0]
        name = run.path.rpartition(" ")[0]
        return not absent, self.order[name], int(shard or 1)
