"""Recorder: the records of a run, kept in order and written to the run file as soon as they are known."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path

import msgspec

from convgauge import results
from convgauge.conformance.driver import Judged
from convgauge.conformance.expectations import Expectation
from convgauge.conformance.judge import Judge
from convgauge.conformance.selection import Key
from convgauge.conformance.targets import Target, implementation_record
from convgauge.reference.accuracy import lowest_grade
from convgauge.request import RequestError
from convgauge.results import Counterexample, Header, ImageRecord, ImplementationRecord, Record, SpecRecord
from convgauge.terms import FAULTS, STRICTNESS_FAULTS, Status
from convgauge.text import unwritable

COMPARED_ON_RESUME = (
    "schema", "suite", "versions", "seed", "profile", "tier", "require", "shard", "selection", "supports",
    "reproducible",
)  # fmt: skip
"""Fields of the header that must be equal in the run that is resumed and in this one."""


class Recorder:
    """Records of a run.

    Parameters
    ----------
    expected
        Expected failures by spec id.
    """

    def __init__(self, expected: Mapping[str, Expectation]) -> None:
        self.expected = expected
        self.records: list[SpecRecord] = []
        self.last_crashes: dict[str, Counterexample] = {}
        """Case that last ended the process of an implementation, by its name."""
        self.done: frozenset[Key] = frozenset()
        """Keys of the records of the run that is resumed."""
        self.write_error = ""
        """Reason if a record could not be written."""
        self.introductions: dict[str, ImplementationRecord] = {}
        """Last description of each implementation, by its name."""
        self._adaptations: dict[str, dict[str, None]] = {}
        self._exact_pictures: set[str] = set()  # titles
        self._writer: results.Writer | None = None

    @property
    def path(self) -> Path | None:
        """Path of the run file, or None if the run is not written."""
        return None if self._writer is None else self._writer.path

    # --- the run file ---

    def create(self, path: Path, header: Header) -> None:
        """Begin a new run file. Raises `RequestError` if it cannot be written."""
        try:
            self._writer = results.Writer(path, header)
        except OSError as error:
            raise RequestError(unwritable(path, error)) from None

    def resume(self, path: Path, header: Header) -> None:
        """Continue an incomplete run file; the tasks that it records are done.

        Parameters
        ----------
        path
            The run file.
        header
            Header that this run would have; the file must begin with the same one, except for time and machine.

        Raises
        ------
        RequestError
            If the file cannot be read, is complete, or belongs to another run.
        """
        try:
            run = results.read(path)
        except (OSError, results.DamagedFileError) as error:
            raise RequestError(f"{path} cannot be resumed: {error}") from None
        if run.footer is not None:
            raise RequestError(f"{path} is whole: there is nothing to resume")
        for field in COMPARED_ON_RESUME:
            before, now = getattr(run.header, field), getattr(header, field)
            if before != now:
                raise RequestError(f"{path} cannot be resumed: its {field} is {before!r}, and now it is {now!r}")
        for record in run.records:
            self._keep(record)
        self.done = frozenset(
            (record.spec, record.implementation, record.dtype, record.device) for record in self.records
        )
        self._writer = results.Writer.append_to(path)

    def write(self, record: Record) -> None:
        """Keep a record and write it.

        Raises
        ------
        UnwritableFileError
            If it cannot be written, as on a full disk; `write_error` then gives the reason.
        """
        self._keep(record)
        if self._writer is None:
            return
        try:
            self._writer.write(record)
        except results.UnwritableFileError as error:
            self.write_error = unwritable(error.filename, error)
            raise

    def _keep(self, record: Record) -> None:
        match record:
            case SpecRecord():
                self.records.append(record)
                crashes = record.outcomes.get("crashed", 0) + record.outcomes.get("timed_out", 0)
                if crashes and record.counterexample is not None:
                    self.last_crashes[record.implementation] = record.counterexample
            case ImplementationRecord():
                self.introductions[record.implementation] = record
            case ImageRecord(implementation="oracle"):
                self._exact_pictures.add(record.title)

    def close(self) -> None:
        """Close the run file."""
        if self._writer is not None:
            self._writer.close()

    # --- records ---

    def introduce(self, target: Target) -> None:
        """Write the description of an implementation, unless it has been written."""
        if target.name not in self.introductions:
            self.write(implementation_record(target))

    def note_adaptations(self, name: str, sentences: Iterable[str]) -> None:
        """Keep sentences on how the calls of an implementation are adapted, for the end of the run."""
        self._adaptations.setdefault(name, {}).update(dict.fromkeys(sentences))

    def write_findings(self, name: str, domain: str = "", limits: Sequence[str] = ()) -> None:
        """Write the description of an implementation again if something was found out about it.

        Parameters
        ----------
        name
            Name of the implementation.
        domain
            Domain that a probe found, an expression.
        limits
            Limits that a probe found, in words.
        """
        before = self.introductions.get(name)
        if before is None:
            return
        adaptations = list(dict.fromkeys([*before.adaptations, *self._adaptations.get(name, {})]))
        amended = msgspec.structs.replace(
            before, domain=domain or before.domain, limits=list(limits) or before.limits, adaptations=adaptations
        )
        if amended != before:
            self.write(amended)

    def record(self, judged: Judged) -> SpecRecord:
        """Write and return the record of a judged task, and write its images."""
        judge = judged.judge
        status: Status = "skipped" if judged.skipped else judge.status()
        reason = judged.skipped or judge.reason()
        expectation = self.expected.get(judge.spec.id)
        if expectation is not None and status in (*FAULTS, *STRICTNESS_FAULTS):
            status, reason = "xfailed", str(expectation)
        record = spec_record(judge, status, reason, judged.seconds, self._counterexample(judge))
        self.write(record)
        for image in judge.images:
            if image.implementation != "oracle" or image.title not in self._exact_pictures:
                self.write(image)
        return record

    def _counterexample(self, judge: Judge) -> Counterexample | None:
        """Return the judge's counterexample; the last crash if the subject was given up without a case of its own."""
        crash = self.last_crashes.get(judge.description.name)
        if judge.counterexample is None and judge.tally.given_up and crash is not None:
            return msgspec.structs.replace(crash, message=f"{judge.tally.given_up}, in the case shown here")
        return judge.counterexample


def spec_record(
    judge: Judge, status: Status, reason: str, seconds: float, counterexample: Counterexample | None
) -> SpecRecord:
    """Return the record of what a judge counted."""
    spec = judge.spec
    return SpecRecord(
        implementation=judge.description.name,
        spec=spec.id,
        level=spec.level,
        status=status,
        cases=judge.tally.judged,
        dtype=judge.dtype,
        device=judge.device,
        margin=max(judge.tally.margins, default=None),
        reason=reason,
        note="; ".join(judge.tally.notes),
        counterexample=counterexample,
        chapter=spec.chapter,
        profile=spec.profile,
        sentence=spec.sentence,
        source=spec.source,
        outcomes=dict(judge.tally.outcomes),
        grade=lowest_grade(judge.tally.grades),
        margins=[float(f"{margin:.3g}") for margin in judge.tally.margins[: results.MAX_MARGINS]],
        failing=[case.problem.text for case, _ in judge.tally.faults],
        seconds=round(seconds, 4),
        reductions=judge.tally.reductions[: results.MAX_MARGINS],
        space=judge.tally.space,
        valid=judge.tally.valid,
        answered=judge.tally.answered,
        redrawn=judge.tally.redrawn,
        invalid=judge.tally.invalid,
        refusals=dict(judge.refusals()),
        redrawn_dtype=judge.tally.redrawn_dtype,
        axis=spec.axis,
        comparisons=judge.tally.comparisons,
        differences=judge.tally.differences,
    )
