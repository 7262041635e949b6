"""One run of the specification: its subjects, its settings, its records and what they add up to."""

from __future__ import annotations

import functools
import threading
import time
import tomllib
from collections import Counter, deque
from collections.abc import Callable, Hashable, Iterable
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import pytest

from convgauge import registry, results
from convgauge.conformance.cases import Case
from convgauge.conformance.crew import Crew
from convgauge.conformance.judge import Judge, Setting
from convgauge.conformance.spec import Spec
from convgauge.environment import cores
from convgauge.problem import ProblemError
from convgauge.process.isolation import Limits, Runner, Toll, run
from convgauge.reference.accuracy import worst
from convgauge.registry import LoadError, Origin, TargetError
from convgauge.request import CheckRequest, RequestError
from convgauge.terms import FAULTS, Status, Verdict, includes
from convgauge.text import escape_controls
from convgauge.worker import frameworks
from convgauge.worker.call import Description

MOST_JOBS = 4  # threads that judge where no number is asked for: what one interpreter can feed
PRINTED = 600  # characters of what an implementation printed that are shown with a counterexample


@dataclass
class Target:
    """An implementation of the run: where it comes from and, once it has been loaded, its description."""

    origin: Origin
    said: Description | None = None
    absent: str = ""


@dataclass(frozen=True)
class Expectation:
    """An expected failure, as data of the caller's: the reason and where it is tracked."""

    reason: str
    url: str = ""


@dataclass(frozen=True)
class Shard:
    """One of ``of`` parts of a run that cost alike (see `convgauge.conformance.shards`), ``first`` counted from 0.

    ``of`` is 0 where the run is not one of parts; that of a single part is put together as those of several are.
    """

    first: int = 0
    of: int = 0

    def __str__(self) -> str:
        return f"{self.first + 1}/{self.of}" if self.of else ""

    @classmethod
    def parse(cls, text: str) -> Shard:
        """The shard that ``K/N`` stands for, the whole for "". Raises `RequestError`."""
        if not text:
            return cls()
        number, _, of = text.partition("/")
        if not (number.isdecimal() and of.isdecimal() and 1 <= int(number) <= int(of)):
            raise RequestError(f"shard {text!r} is not K/N with K from 1 to N")
        return cls(int(number) - 1, int(of))


WHOLE = Shard()


class Unavailable(Exception):
    """The implementation could not be loaded, as has been said before."""


class Session:
    """What the plugin keeps between hooks."""

    def __init__(
        self, targets: list[Target], setting: Setting, limits: Limits, *, isolated: bool, python: str,
        dtypes: tuple[str, ...] = (), devices: tuple[str, ...] = (), output: str = "",
        specs: tuple[str, ...] = (), selection: str = "", shard: Shard = WHOLE,
        expected: dict[str, Expectation] | None = None, label: str = "", jobs: int = 1,
    ) -> None:  # fmt: skip
        self.targets = {target.origin.name: target for target in targets}
        self.setting, self.limits, self.isolated, self.python = setting, limits, isolated, python
        self.dtypes, self.devices, self.specs = dtypes, devices, specs
        self.jobs = jobs if isolated else 1  # implementations in this process share its global state
        self.expected, self.selection, self.shard = expected or {}, selection, shard
        self.label = label
        self.records: list[results.SpecRecord] = []
        self.broken: list[str] = []  # tests that failed otherwise than by a verdict: the suite's own defects
        self.unloadable: list[str] = []
        self.started = time.perf_counter()
        self.footer: results.Footer | None = None
        self.unwritten = ""  # why records could not be written
        self._own = threading.local()  # the subject that a thread runs, and whose it is
        self._subjects: list[Runner] = []  # of all threads
        self._idle: deque[tuple[str, Runner]] = deque()  # started, for the next to ask for one
        self._tolls = {name: Toll() for name in self.targets}
        self._fatal: dict[str, results.Counterexample] = {}  # the case that last ended an implementation's process
        self._pictured: set[str] = set()  # titles of which the exact picture has been written
        self._introduced: set[str] = set()
        self._writer = self._opened(output) if output else None
        self.done: set[tuple[str, str, str, str]] = set()
        self.crew: Crew | None = None  # who judges, where it is not this thread

    @classmethod
    def from_request(cls, request: CheckRequest) -> Session:
        """Return the session of a request. Raises `RequestError` with one sentence."""
        try:
            origins = registry.resolve_all(request.targets, request.framework)
            only = Case.parse(request.case) if request.case else None
        except (TargetError, ProblemError) as error:
            raise RequestError(str(error)) from None
        refuse_namesakes(origins)
        setting = Setting(request.profile, request.tier, request.seed, only)
        limits = Limits(request.timeout_s, request.memory_mib << 20)
        session = cls(
            # what this Python lacks, another one may have
            [Target(origin, absent="" if request.python else origin.absent) for origin in origins],
            setting,
            limits,
            isolated=request.isolation,
            python=request.python,
            dtypes=request.dtypes,
            devices=request.devices,
            output=request.output,
            specs=request.specs,
            shard=Shard.parse(request.shard),
            selection=request.selection,
            expected=expectations(request.expect),
            label=request.label,
            jobs=1 if only else request.jobs or min(cores(), MOST_JOBS),
        )
        if request.resume:
            session.resume(Path(request.resume))
        session.load()
        return session

    def resume(self, path: Path) -> None:
        """Go on with the incomplete run in ``path``: what it holds is not done again. Raises `RequestError`."""
        try:
            run = results.read(path)
        except (OSError, results.DamagedFileError) as error:
            raise RequestError(f"{path} cannot be resumed: {error}") from None
        if run.footer is not None:
            raise RequestError(f"{path} is whole: there is nothing to resume")
        mine = self._header()
        for field in ("suite", "versions", "seed", "profile", "tier", "shard", "selection"):
            old, new = getattr(run.header, field), getattr(mine, field)
            if old != new:
                raise RequestError(f"{path} cannot be resumed: its {field} is {old!r}, and now it is {new!r}")
        for record in run.records_of(results.SpecRecord):
            self._keep(record)
        self.done = {(one.spec, one.implementation, one.dtype, one.device) for one in self.records}
        self._introduced = {one.implementation for one in run.records_of(results.ImplementationRecord)}
        self._pictured = {one.title for one in run.records_of(results.ImageRecord) if one.implementation == "oracle"}
        self._writer = results.Writer.append_to(path)

    def _header(self) -> results.Header:
        return results.new_header(
            seed=self.setting.seed,
            profile=self.setting.profile,
            tier=self.setting.tier,
            started=results.now(),
            label=self.label,
            shard=str(self.shard),
            selection=self.selection,
            expected={name: entry.reason for name, entry in self.expected.items()},
        )

    def _opened(self, output: str) -> results.Writer:
        try:
            return results.Writer(Path(output), self._header())
        except OSError as error:
            raise RequestError(f"the run cannot be written to {output}: {error.strerror}") from None

    @property
    def output(self) -> Path | None:
        """Where the run is written."""
        return None if self._writer is None else self._writer.path

    # --- subjects ---

    @property
    def names(self) -> list[str]:
        return list(self.targets)

    def load(self) -> None:
        """Find out of every target that is present what it says of itself. Raises `RequestError`.

        Its declaration says it, and the first of a framework what devices there are; a function without one is loaded.
        Those that are loaded wait for whom they are asked of next; the last of them does not go to waste.
        """
        try:
            self._start_first()
            self._describe()
        except LoadError as error:
            raise RequestError(escape_controls(f"{error}\n{error.trace}".rstrip())) from None
        self.spare()

    def _describe(self) -> None:
        devices: dict[str, tuple[str, ...]] = {}
        for name, target in self.targets.items():
            declared = target.origin.declaration
            if target.absent:
                self._introduce(name, None)
            elif declared is not None and declared.framework in devices:
                target.said = sketched(target.origin, devices[declared.framework])
            else:
                target.said = self._subject(name).description
                devices[target.said.framework] = target.said.devices

    def _start_first(self) -> None:
        """Begin to start the first target's subjects of all threads: importing a framework takes seconds."""
        first = next((name for name, target in self.targets.items() if not target.absent), "")
        if first:
            self._idle.extend((first, self._launched(first)) for _ in range(self.jobs))

    def _subject(self, name: str) -> Runner:
        """The subject called ``name``, running in this thread; the one before it is let go. Raises `LoadError`."""
        if getattr(self._own, "name", "") != name:
            self.leave()
            runner = self._waiting(name) or self._launched(name)
            runner.greet()
            self._own.runner, self._own.name = runner, name
        found: Runner = self._own.runner
        return found

    def _launched(self, name: str) -> Runner:
        arguments: dict[str, Any] = {"python": self.python} if self.python else {}
        origin, seed = self.targets[name].origin, self.setting.seed
        runner = run(origin, self.limits, isolated=self.isolated, seed=seed, toll=self._tolls[name], **arguments)
        self._subjects.append(runner)
        return runner

    def _waiting(self, name: str) -> Runner | None:
        """A subject of that name that has been started and is not in use."""
        try:
            other, runner = self._idle.popleft()
        except IndexError:
            return None
        if other == name:
            return runner
        self._end(runner)
        return None

    def _end(self, runner: Runner) -> None:
        self._subjects.remove(runner)
        runner.close()

    def spare(self) -> None:
        """Leave this thread's subject to whichever asks for one first."""
        if getattr(self._own, "name", ""):
            self._idle.append((self._own.name, self._own.runner))
            self._own.name = ""

    def leave(self) -> None:
        """End this thread's subject, if it has one."""
        if getattr(self._own, "name", ""):
            self._end(self._own.runner)
            self._own.name = ""

    def _introduce(self, name: str, said: Description | None) -> None:
        """Write what an implementation says of itself, before its first record; None for one that is absent."""
        self.targets[name].said = said
        if name not in self._introduced:
            self._introduced.add(name)
            self._write(described(name, self.targets[name]))

    def deaths(self, name: str) -> int:
        """How many processes of an implementation have died."""
        return self._tolls[name].deaths

    def halt(self) -> None:
        """Have the subjects of all threads answer no more."""
        for runner in list(self._subjects):
            runner.halt()

    def close(self) -> None:
        """End all subjects, those in use in other threads as well."""
        if self.crew is not None:
            self.crew.stop()
            self.halt()
            self.crew.join()
        self.leave()
        while self._idle:
            self._end(self._idle.popleft()[1])

    # --- specs ---

    def due(self, spec: Spec) -> list[tuple[str, str, str]]:
        """(implementation, dtype, device) for which ``spec`` is run."""
        if self.specs and spec.id not in self.specs:
            return []
        if not self.specs and not includes(self.setting.profile, spec.profile):
            return []
        found = []
        for name, target in self.targets.items():
            if target.said is None or (spec.frameworks and target.said.framework not in spec.frameworks):
                continue
            for device in self.devices or target.said.devices:
                found += [(name, dtype, device) for dtype in self._dtypes(spec, target.said)]
        return found

    def _dtypes(self, spec: Spec, said: Description) -> list[str]:
        """The spec's dtypes that the subject has; those of the dtype chapter all, to say which are absent."""
        if self.setting.only is not None:
            return [self.setting.only.problem.dtype]
        asked = [dtype for dtype in (self.dtypes or spec.at(self.setting.tier)) if dtype in spec.dtypes]
        if spec.chapter == "dtype":
            return asked
        return [dtype for dtype in asked if dtype in said.dtypes]

    def judge(self, spec: Spec, name: str, dtype: str, device: str) -> Judge:
        """A judge for one spec on one implementation, dtype and device. Raises `LoadError`, once for each."""
        if name in self.unloadable:
            raise Unavailable(f"{name} could not be loaded")
        try:
            subject = self._subject(name)
        except LoadError:
            self.unloadable.append(name)
            raise
        target = self.targets[name].origin
        spelled = name if target.declaration and target.kind == "file" and name in _builtin_names() else str(target)
        words = self._options(self.targets[name].origin)
        setting = replace(self.setting, target=_short(spelled), options=words)
        return Judge(spec, subject, dtype, device, setting, self._fatal.get(name))

    def _options(self, origin: Origin) -> tuple[str, ...]:
        """The options of the command line without which a case would be another one when it is reproduced."""
        limits, usual = self.limits, Limits()
        words = ["--framework", origin.framework] if origin.framework else []
        words += ["--python", _short(self.python)] if self.python else []
        words += ["--memory", str(limits.memory >> 20)] if limits.memory else []
        words += ["--timeout", f"{limits.timeout:g}"] if limits.timeout != usual.timeout else []
        return tuple(words)

    def begin(self, work: Iterable[tuple[Hashable, Spec, tuple[str, str, str], Callable[[Judge], object]]]) -> None:
        """Have ``jobs`` threads judge the specs of ``work``: a key, the spec, what it is run on and its test."""
        _builtin_names()  # read now: Python 3.11 cannot parse two files at once
        tasks = [(key, functools.partial(self.judge, spec, *due), test) for key, spec, due, test in work]
        self.crew = Crew(tasks, self.jobs, self.leave)

    def settle(self, judge: Judge, seconds: float, skipped: str = "") -> tuple[Status, str]:
        """Record what became of a spec; its status, and the text to show for it."""
        status: Status = "skipped" if skipped else judge.status()
        reason = skipped or judge.reason()
        self._introduce(judge.description.name, judge.description)
        judge.attach_crash_case(self._fatal.get(judge.description.name))
        expected = self.expected.get(judge.spec.id)
        if expected is not None and status in FAULTS:
            status, reason = "xfailed", f"{expected.reason} {expected.url}".strip()
        record = self._record(judge, status, reason, seconds)
        self._write(record)
        for image in judge.images:
            if image.implementation != "oracle" or image.title not in self._pictured:
                self._write(image)
                self._pictured |= {image.title}
        return status, report_text(record)

    def _record(self, judge: Judge, status: Status, reason: str, seconds: float) -> results.SpecRecord:
        spec = judge.spec
        return results.SpecRecord(
            implementation=judge.description.name,
            spec=spec.id,
            level=spec.level,
            status=status,
            cases=judge.judged,
            dtype=judge.dtype,
            device=judge.device,
            margin=max(judge.margins, default=None),
            reason=reason,
            note="; ".join(judge.notes),
            counterexample=judge.counterexample,
            chapter=spec.chapter,
            profile=spec.profile,
            sentence=spec.sentence,
            source=spec.source,
            outcomes=dict(judge.outcomes),
            grade=worst(judge.grades),
            margins=[float(f"{margin:.3g}") for margin in judge.margins[: results.MAX_MARGINS]],
            failing=[case.problem.text for case, _ in judge.faults],
            seconds=round(seconds, 4),
            reductions=judge.reductions[: results.MAX_MARGINS],
            space=judge.space,
        )

    def _write(self, record: results.Record) -> None:
        if isinstance(record, results.SpecRecord):
            self._keep(record)
        if self._writer is None:
            return
        try:
            self._writer.write(record)
        except results.UnwritableFileError as error:
            self.unwritten = f"the run cannot be written to {error.filename}: {error.strerror}"
            pytest.exit(self.unwritten, returncode=pytest.ExitCode.INTERNAL_ERROR)

    def _keep(self, record: results.SpecRecord) -> None:
        self.records.append(record)
        deadly = record.outcomes.get("crashed", 0) + record.outcomes.get("timed_out", 0)
        if deadly and record.counterexample is not None:
            self._fatal[record.implementation] = record.counterexample

    # --- the sum of it ---

    def finish(self, status: int) -> int:
        """Write the footer; the exit status, which is 5 where nothing was judged, as 0 of 0 is no pass.

        An interrupted run (2) gets no footer, since it is not whole; nor does one that could not be written.
        """
        if self.crew is not None:
            self.crew.stop()
            if status == pytest.ExitCode.INTERRUPTED and not self.unwritten:
                for done in self.crew.finished():
                    self.settle(done.judge, done.seconds, done.skipped)
        if status == pytest.ExitCode.INTERRUPTED or self.unwritten:
            return status
        present = [name for name, target in self.targets.items() if not target.absent]
        if not self.shard.of:  # a shard cannot tell: merging does
            reasons = {name: entry.reason for name, entry in self.expected.items()}
            first = next(iter(present or self.targets))
            for record in unexpected(reasons, self.records, first, narrowed=bool(self.selection)):
                self._write(record)
        verdicts = {name: judgement(name, self.records) for name in present}
        cases = sum(record.cases for record in self.records)
        if self.broken:
            status = 3
        elif status in (0, 5) and cases == 0:
            status = 5
        elif status in (0, 1, 5):  # what is recommended, or expected to fail, does not count
            faults = any(record.status in FAULTS and record.level == "required" for record in self.records)
            status = int(faults or bool(self.unloadable))
        footer = results.Footer(verdicts, round(time.perf_counter() - self.started, 3), cases, status)
        self._write(footer)
        self.footer = footer
        if self._writer is not None:
            self._writer.close()
        return status


def refuse_namesakes(origins: list[Origin]) -> None:
    """Refuse two targets of one name, since records are told apart by it. Raises `RequestError`."""
    named: dict[str, Origin] = {}
    for origin in origins:
        if named.setdefault(origin.name, origin) != origin:
            raise RequestError(
                f"two targets are called {origin.name!r}, {named[origin.name]} and {origin}: check them in two runs"
            )


def unexpected(
    expected: dict[str, str], records: list[results.SpecRecord], implementation: str, *, narrowed: bool
) -> list[results.SpecRecord]:
    """The records of expected failures, by spec the reason, that did not come about: faults, so that they go.

    The spec passed in every dtype, or there is none by that name. In a run ``narrowed`` to some specs, only those that
    were run count. ``implementation`` is the one that the records name.
    """
    found = []
    for name, why in expected.items():
        ran = [record for record in records if record.spec == name]
        if any(record.status == "xfailed" for record in ran) or (narrowed and not ran):
            continue
        seen = "it passed" if ran else "no such spec was run"
        reason = f"expected to fail ({why}), but {seen}: remove the entry"
        chapter = ran[0].chapter if ran else ""
        found.append(results.SpecRecord(implementation, name, "required", "xpassed", 0, reason=reason, chapter=chapter))
    return found


def judgement(name: str, records: list[results.SpecRecord]) -> results.Judgement:
    """Verdict, grade and counts of one implementation.

    Nonconformant where a required spec has a fault, be it an expected one; unjudged where no case was executed.
    """
    own = [record for record in records if record.implementation == name]
    counts: Counter[str] = Counter(record.status for record in own)
    outcomes: Counter[str] = Counter()
    for record in own:
        outcomes.update(record.outcomes)
    executed = sum(record.cases for record in own)
    verdict: Verdict
    if not executed:
        verdict = "unjudged"
    elif any(record.status in (*FAULTS, "xfailed") and record.level == "required" for record in own):
        verdict = "nonconformant"
    else:
        verdict = "conformant with declines" if outcomes["declined"] else "conformant"
    grade = worst([record.grade for record in own if record.grade and record.level == "required"])
    return results.Judgement(verdict, grade, executed, outcomes["declined"], dict(counts))


def sketched(origin: Origin, devices: tuple[str, ...] = ("cpu",)) -> Description:
    """What is known of an implementation before it is loaded: its declaration, its framework's dtypes and layouts."""
    said = origin.declaration or registry.Declaration(origin.name, origin.framework)
    kind = frameworks.adapter(said.framework)
    dtypes = tuple(dtype for dtype in kind.dtypes if not said.dtypes or dtype in said.dtypes)
    return Description(said.name, said.framework, said.algorithm, said.grade, dtypes, kind.layouts, devices, {})


def described(name: str, target: Target) -> results.ImplementationRecord:
    """The record that introduces an implementation."""
    said = target.said
    if said is None:
        declared = target.origin.declaration
        return results.ImplementationRecord(
            name,
            declared.framework if declared else "",
            declared.algorithm if declared else "",
            summary=declared.summary if declared else "",
            absent=target.absent,
        )
    return results.ImplementationRecord(
        name, said.framework, said.algorithm, said.grade, said.source, said.summary, list(said.dtypes),
        dict(said.declines), said.prepares, dict(said.versions), list(said.devices),
    )  # fmt: skip


def report_text(record: results.SpecRecord) -> str:
    """What is shown for one spec: the sentence, the counterexample and how to run it again."""
    found = record.counterexample
    if found is None or record.status in ("passed", "xpassed"):
        return escape_controls("; ".join(filter(None, (record.reason, record.note))))
    lines = [
        f"{record.implementation}: {record.spec} ({record.level}) {record.status} in {record.dtype} on {record.device}"
        + (f", as expected: {record.reason}" if record.status == "xfailed" else ""),
        f"  {record.sentence}",
        f"  problem   {found.problem}" + (f"  called with {found.arguments}" if found.arguments else ""),
        f"  operands  {found.operands}, seed {found.seed}, layouts {'/'.join(found.layouts)}",
        f"  {found.message}",
    ]
    if found.index:
        lines.append(
            f"  first at  {tuple(found.index)}: got {found.got}, expected {found.expected} (within {found.bound})"
        )
    elif found.got:
        lines.append(f"  got {found.got}, expected {found.expected}")
    if found.printed.strip():
        lines.append("  printed   " + found.printed.strip()[-PRINTED:].replace("\n", "\n            "))
    lines.append(f"  cases     {', '.join(f'{count} {name}' for name, count in record.outcomes.items())}")
    lines.append(f"  again     {found.reproduce}")
    return escape_controls("\n".join(lines))


def expectations(path: str) -> dict[str, Expectation]:
    """Expected failures from a TOML file: a table for each spec, with ``reason`` and, if there is one, ``url``."""
    if not path:
        return {}
    try:
        content = tomllib.loads(Path(path).read_text(encoding="utf-8"))
    except (OSError, ValueError, RecursionError) as error:  # of TOML, of UTF-8, of numbers and depths beyond all use
        raise RequestError(f"expected failures {path}: {error}") from None
    found = {}
    for name, entry in _flattened(content):
        if not isinstance(entry, dict) or not isinstance(entry.get("reason"), str) or not entry["reason"]:
            raise RequestError(f'expected failures {path}: ["{name}"] needs a reason = "..."')
        found[name] = Expectation(entry["reason"], str(entry.get("url", "")))
    return found


def _flattened(content: dict[str, Any], prefix: str = "") -> list[tuple[str, Any]]:
    """``[padding.same]`` and ``["padding.same"]`` alike, as TOML reads the first as nested tables."""
    found = []
    for name, value in content.items():
        nested = isinstance(value, dict) and value and all(isinstance(one, dict) for one in value.values())
        found += _flattened(value, f"{prefix}{name}.") if nested else [(prefix + name, value)]
    return found


@functools.cache
def _builtin_names() -> set[str]:
    return set(registry.builtins())


def _short(target: str) -> str:
    """A target relative to the working directory where it lies below it, since that is what a user would type."""
    try:
        return str(Path(target).relative_to(Path.cwd()))
    except ValueError:
        return target
