"""Suite: one run of the specification, from a request to its records and exit status. It does not need pytest."""

from __future__ import annotations

import contextlib
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path
from time import perf_counter
from typing import Self

import msgspec

from convgauge import results
from convgauge.conformance.diagnose import Findings
from convgauge.conformance.diagnoses import Diagnoses
from convgauge.conformance.driver import Driver, Judged
from convgauge.conformance.expectations import Expectation, read_expectations, unexpected_passes
from convgauge.conformance.further_calls import FurtherCalls
from convgauge.conformance.history import Histories
from convgauge.conformance.judge import Judge
from convgauge.conformance.limits import Discovery
from convgauge.conformance.probe import discover
from convgauge.conformance.recorder import Recorder
from convgauge.conformance.redrawers import Redrawers
from convgauge.conformance.selection import Selection, Task
from convgauge.conformance.setting import Setting
from convgauge.conformance.subject_pool import SubjectPool
from convgauge.conformance.targets import (
    Target,
    description_from_declaration,
    reproduction_options,
    resolve_targets,
)
from convgauge.conformance.verdict import exit_status, judgement
from convgauge.dtypes import DTYPES
from convgauge.environment import cores
from convgauge.process.runner import Limits
from convgauge.registry import LoadError, axes_of, short_target_of
from convgauge.request import CheckRequest, RequestError
from convgauge.results import Footer, Header, Judgement, SpecRecord
from convgauge.terms import ExitStatus
from convgauge.text import escape_controls

MAX_JOBS = 4
"""Threads that judge if the request gives no number: more than one interpreter can supply with work."""


class UnavailableError(Exception):
    """An implementation that could not be loaded, which an earlier task has reported."""


@dataclass(frozen=True)
class Result:
    """Result of a task: its judge, the record that was written, and False if the spec does not apply."""

    judge: Judge
    record: SpecRecord
    is_applicable: bool


class Suite:
    """Run of the specification on the implementations of a request.

    A suite is a context manager: leaving it ends the processes of the implementations. Iterating over it judges the
    bundled specification, task by task::

        with Suite(request) as suite:
            suite.load()
            for result in suite:
                print(result.record.spec, result.record.status)
            status = suite.finish()

    Parameters
    ----------
    request
        The options.
    targets
        The implementations; those that the request names if None.
    setting
        Limits of each judge; the default ones if None. Profile, tier and seed are those of the request.
    expected
        Expected failures by spec id; those of the file that the request names if None.

    Raises
    ------
    RequestError
        If the request cannot be used.
    """

    def __init__(
        self,
        request: CheckRequest,
        targets: Sequence[Target] | None = None,
        *,
        setting: Setting | None = None,
        expected: Mapping[str, Expectation] | None = None,
    ) -> None:
        targets = resolve_targets(request) if targets is None else targets
        self.request = request
        self.targets = {target.name: target for target in targets}
        self.selection = Selection.from_request(request)
        self.expected = read_expectations(request.expect) if expected is None else expected
        self.unloadable: list[str] = []
        """Names of implementations that could not be loaded."""
        self.internal_errors: list[str] = []
        """Tasks or tests that failed otherwise than by a verdict: defects of the suite itself."""
        self.footer: Footer | None = None
        self.diagnoses = Diagnoses(self.targets)
        self.recorder = self._open_recorder()
        self.pool = SubjectPool(
            [target.origin for target in targets],
            Limits(request.timeout_s, request.memory_mib << 20),
            is_isolated=request.isolation,
            python=request.python,
            seed=request.seed,
            refusals=request.refusals,
        )
        self._setting = setting or Setting()
        self._settings: dict[str, Setting] = {}  # by implementation, made when its first task is judged
        self._driver = Driver(self._judge, self.jobs)
        self._started_s = perf_counter()

    def _open_recorder(self) -> Recorder:
        recorder = Recorder(self.expected)
        if self.request.resume:
            recorder.resume(Path(self.request.resume), self._header())
        elif self.request.output:
            recorder.create(Path(self.request.output), self._header())
        return recorder

    def _header(self) -> Header:
        request = self.request
        return results.new_header(
            seed=request.seed,
            profile=request.profile,
            tier=request.tier,
            started=results.now(),
            label=request.label,
            shard=str(self.selection.shard),
            selection=request.selection,
            expected={name: entry.reason for name, entry in self.expected.items()},
            require=request.require,
            supports=request.supports,
            reproducible=axes_of(request.reproducible),
        )

    def setting_of(self, name: str) -> Setting:
        """Return the setting of an implementation's judges, with the words that reproduce a case of it."""
        if name not in self._settings:
            self._settings.setdefault(name, self._new_setting(self.targets[name]))  # another thread may be first
        return self._settings[name]

    def _new_setting(self, target: Target) -> Setting:
        return replace(
            self._setting,
            profile=self.request.profile,
            tier=self.request.tier,
            seed=self.request.seed,
            only=self.selection.only,
            dtypes=self.selection.dtypes,
            target=short_target_of(target.origin),
            options=reproduction_options(target.origin, self.request),
            redrawers=Redrawers(target.declared, partial(self._discover, target.name)),
            histories=Histories(),
            on_counted=self._setting.on_counted
            or (self.diagnoses.evidence[target.name].add if self._setting.diagnoses else None),
        )

    @property
    def jobs(self) -> int:
        """Number of threads that judge: one if implementations share the global state of this process."""
        if not self.request.isolation or self.selection.only:
            return 1
        return self.request.jobs or min(cores(), MAX_JOBS)

    # --- implementations ---

    def load(self) -> None:
        """Find the description of every target that is present.

        A declaration gives it, except for the devices: the first implementation of a framework is loaded to find
        them, and so is a function without a declaration. Loaded subjects go to the idle pool for reuse.

        Raises
        ------
        RequestError
            If an implementation cannot be loaded.
        """
        present = [target for target in self.targets.values() if not target.absent]
        devices: dict[str, tuple[str, ...]] = {}
        try:
            if present:
                self.pool.prestart(present[0].name, self.jobs)
            for target in self.targets.values():
                declaration = target.origin.declaration
                if target.absent:
                    self.recorder.introduce(target)
                elif declaration is not None and declaration.framework in devices:
                    target.description = description_from_declaration(target.origin, devices[declaration.framework])
                else:
                    target.description = self.pool.subject(target.name).description
                    devices[target.description.framework] = target.description.devices
        except LoadError as error:
            raise RequestError(load_error_text(error)) from None
        self.pool.return_to_pool()

    # --- tasks ---

    def tasks(self) -> list[Task]:
        """Return the tasks of the bundled specification that remain to be judged, in their order."""
        return self.remaining(self.selection.collected_tasks(self.targets))

    def remaining(self, tasks: Iterable[Task]) -> list[Task]:
        """Return the tasks that the run that is resumed does not record."""
        return [task for task in tasks if task.key not in self.recorder.done]

    def start(self, tasks: Iterable[Task]) -> None:
        """Begin to judge tasks, if they are judged in threads. Their results are to be asked for in this order."""
        self._driver.start(tasks)

    def result(self, task: Task) -> Result:
        """Return the result of a task, which is judged now if it was not started, and write its record.

        Raises
        ------
        LoadError
            If the implementation cannot be loaded; `UnavailableError` for its further tasks.
        UnwritableFileError
            If the record cannot be written.
        Exception
            If the spec itself raises one: a defect of the suite. The faults that it found before are recorded.
        """
        judged = self._driver.result(task)
        result = self._record(judged)
        if judged.error is not None:
            raise judged.error
        return result

    def results(self, tasks: Sequence[Task]) -> Iterator[Result]:
        """Judge tasks, and yield their results in order. Raises as `result` does."""
        self.start(tasks)
        return map(self.result, tasks)

    def __iter__(self) -> Iterator[Result]:
        """Judge the remaining tasks of the bundled specification, and yield their results in order."""
        return self.results(self.tasks())

    def _judge(self, task: Task) -> Judge:
        """Return the judge of a task; called in the thread that judges it."""
        name = task.implementation
        if name in self.unloadable:
            raise UnavailableError(f"{name} could not be loaded")
        try:
            subject = self.pool.subject(name)
        except LoadError:
            self.unloadable.append(name)
            raise
        last_crash = self.recorder.last_crashes.get(name)
        return Judge(task.spec, subject, task.dtype, task.device, self.setting_of(name), last_crash)

    def _discover(self, name: str) -> Discovery:
        """Probe an implementation in a process of its own, so that the subjects that are judged are not disturbed."""
        with self.pool.fresh(name) as subject:
            description = subject.description
            devices = self.selection.devices or description.devices
            dtypes = [dtype for dtype in description.dtypes if dtype in (self.request.dtypes or DTYPES)]
            return discover(subject, devices[0], dtypes or description.dtypes, self.targets[name].declared)

    def _record(self, judged: Judged) -> Result:
        description = judged.judge.description
        target = self.targets[description.name]
        target.description = description
        self.recorder.introduce(target)
        self.recorder.note_adaptations(target.name, judged.judge.tally.adaptations)
        return Result(judged.judge, self.recorder.record(judged), not judged.skipped)

    # --- end ---

    def finish(self, status: int = 0) -> int:
        """Write the footer, and return the exit status.

        An interrupted run has no footer, since it is not complete; the records of what was judged are written. Nor
        has a run whose records could not be written.

        Parameters
        ----------
        status
            Exit status of the program that asked for the results: `ExitStatus.INTERRUPTED`, `INTERNAL_ERROR` and
            `USAGE_ERROR` take precedence over the verdicts.
        """
        self._driver.stop()
        if self.recorder.write_error:
            return status
        if status == ExitStatus.INTERRUPTED:
            for judged in self._driver.finished():
                self._record(judged)
            return status
        self._write_findings()
        self._write_causes()
        self._write_unexpected_passes()
        records = self.recorder.records
        if self.internal_errors or status not in (ExitStatus.INTERNAL_ERROR, ExitStatus.USAGE_ERROR):
            status = exit_status(
                records,
                names=() if self.selection.shard.of else self._present(),
                require=self.request.require,
                has_internal_error=bool(self.internal_errors),
                has_unloadable=bool(self.unloadable),
            )
        self.footer = Footer(
            {name: self.judgement(name) for name in self._present()},
            elapsed=round(perf_counter() - self._started_s, 3),
            cases=sum(record.cases for record in records),
            exit=int(status),
        )
        self.recorder.write(self.footer)
        self.recorder.close()
        return int(status)

    def _write_findings(self) -> None:
        """Add what was found out about implementations to their descriptions."""
        for name, setting in self._settings.items():
            discovery = setting.redrawers.discovery or self._late_discovery(name, setting)
            domain = "" if discovery.domain.is_everything else discovery.domain.text
            limits = [*(limit.label for limit in discovery.limits), *filter(None, (discovery.reason,))]
            self.recorder.write_findings(name, domain, limits)

    def _late_discovery(self, name: str, setting: Setting) -> Discovery:
        """Probe an implementation if a spec is errored that stopped before it drew cases again."""
        is_errored = any(r.implementation == name and r.status == "errored" for r in self.recorder.records)
        if not is_errored or self.selection.only is not None or self.request.exit_first:
            return Discovery()
        with contextlib.suppress(LoadError):
            return setting.redrawers.probe()
        return Discovery()

    def _write_causes(self) -> None:
        """Diagnose what failed, and write the causes; an error of the diagnosis takes nothing else with it."""
        for name in self._present():
            findings = self.diagnose(name)
            for cause in findings.causes if findings is not None else ():
                self.recorder.write(cause)

    def diagnose(self, name: str) -> Findings | None:
        """Return the causes of an implementation's failures so far; None if nothing failed, or if the diagnosis did."""
        target = self.targets[name]
        devices = self.selection.devices or (target.description.devices if target.description else ("cpu",))
        ask = FurtherCalls(partial(self.pool.fresh, name), devices[0], target.declared, self.request.seed)
        try:
            return self.diagnoses.diagnose(name, self.recorder.records, ask)
        except Exception as error:
            self.internal_errors.append(f"diagnosis of {name} ({type(error).__name__}: {error})")
            return None

    def _write_unexpected_passes(self) -> None:
        if self.selection.shard.of:  # a shard has only some of the specs: merging finds them
            return
        reasons = {name: entry.reason for name, entry in self.expected.items()}
        first = next(iter(self._present() or self.targets), "")
        is_narrowed = bool(self.request.selection)
        for record in unexpected_passes(reasons, self.recorder.records, first, is_narrowed=is_narrowed):
            self.recorder.write(record)

    def judgement(self, name: str) -> Judgement:
        """Return the judgement of an implementation from the records so far, with what its last diagnosis found."""
        verdict = judgement(name, self.recorder.records, self.recorder.introductions.get(name))
        findings = self.diagnoses.findings.get(name)
        if findings is None:
            return verdict
        return msgspec.structs.replace(
            verdict, unexplained=findings.unexplained, remark=findings.remark, cleared=findings.cleared
        )

    def _present(self) -> list[str]:
        return [name for name, target in self.targets.items() if not target.absent]

    def close(self) -> None:
        """End the threads, and the processes of the implementations."""
        self._driver.stop()
        self.pool.cancel()
        self._driver.join()
        self.pool.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()


def load_error_text(error: LoadError) -> str:
    """Return the message of a load error with its traceback."""
    return escape_controls(f"{error}\n{error.trace}".rstrip())
