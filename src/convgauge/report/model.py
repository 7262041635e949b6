"""Model of a report: runs brought together, with one entry per implementation and environment."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from functools import cached_property

import msgspec

from convgauge.conformance.causes import failing_specs, joined, named, unexplained_specs, with_findings
from convgauge.conformance.verdict import judgement
from convgauge.report import formatting
from convgauge.report.cause_changes import is_diagnosed
from convgauge.report.names import name_apart
from convgauge.results import (
    CauseRecord,
    ImageRecord,
    ImplementationRecord,
    Judgement,
    LimitRecord,
    Run,
    SpecRecord,
    TimingRecord,
)
from convgauge.terms import FAULTS, GRADES, GRAVITY, Grade, Status

INCOMPLETE = "incomplete"
UNCHECKED = "not checked"
ABSENT = "absent"
VERDICT_ORDER = ("conformant", "complete", "partial", INCOMPLETE, "wrong", "unjudged", UNCHECKED, ABSENT)
"""Order of verdicts in the overview; the constants are the report's own terms for a verdict that no run contains."""


@dataclass
class Environment:
    """A machine and a set of libraries, with its runs: those with one label, or without label and of equal versions."""

    name: str
    runs: list[Run] = field(default_factory=list)


@dataclass
class RunPart:
    """Results of one run for one implementation.

    ``judgement`` is None if the run was cut off. ``is_diagnosed`` is True if its failures were diagnosed.
    """

    records: list[SpecRecord]
    judgement: Judgement | None
    causes: list[CauseRecord] = field(default_factory=list)
    is_diagnosed: bool = False


@dataclass
class ImplementationEntry:
    """One implementation in one environment: a row of the overview and a page.

    ``index`` is its index in `Report.entries`. ``replaced`` counts results of earlier runs that later ones replaced.
    """

    name: str
    environment: str
    slug: str
    about: ImplementationRecord
    specs: list[SpecRecord] = field(default_factory=list)
    timings: list[TimingRecord] = field(default_factory=list)
    images: list[ImageRecord] = field(default_factory=list)
    parts: list[RunPart] = field(default_factory=list)
    replaced: int = 0
    index: int = -1

    @property
    def verdict(self) -> str:
        """Verdict that the records prove, or ``incomplete`` if a run was cut off before they prove a fault."""
        if self.about.absent and not self.specs and not self.is_timed:
            return ABSENT
        if self.judgement is None:
            return UNCHECKED
        return INCOMPLETE if self.is_cut_off and self.judgement.verdict != "wrong" else self.judgement.verdict

    @cached_property
    def judgement(self) -> Judgement | None:
        """Verdict, coverage and strictness of the results that are shown; None if no run judged it."""
        if not self.parts:
            return None
        parts = [part.judgement for part in self.parts if part.judgement is not None]
        return with_findings(judgement(self.name, self.specs, self.about), parts, self.specs, self.causes)

    @cached_property
    def causes(self) -> list[CauseRecord]:
        """Causes of the failures that are shown, those that name a mechanism first."""
        failing = set(failing_specs(self.specs))
        causes = joined(cause for part in self.parts for cause in part.causes)
        remaining = [(cause, [spec for spec in cause.specs if spec in failing]) for cause in causes]
        return [msgspec.structs.replace(cause, specs=specs) for cause, specs in remaining if specs]

    @property
    def named_causes(self) -> list[CauseRecord]:
        """Causes that name a mechanism."""
        return named(self.causes)

    @property
    def unexplained(self) -> list[str]:
        """Ids of the failing specs that no mechanism explains; empty if no run was diagnosed."""
        return unexplained_specs(self.specs, self.causes) if self.is_diagnosed else []

    @property
    def is_diagnosed(self) -> bool:
        """True if every run with a result that is shown diagnosed its failures."""
        return bool(self.parts) and all(part.is_diagnosed for part in self.parts)

    @property
    def is_cut_off(self) -> bool:
        """True if a run with a result that is shown has no footer."""
        return any(part.judgement is None for part in self.parts)

    @property
    def is_timed(self) -> bool:
        """True if it was raced, even if it was not ranked."""
        return any(timing.verdict != "absent" for timing in self.timings)

    @property
    def grade(self) -> Grade:
        """Worst grade in a footer; "" if no footer has one."""
        judgements = [part.judgement for part in self.parts if part.judgement is not None]
        return max((each.grade for each in judgements if each.grade), key=GRADES.index, default="")

    @property
    def executed(self) -> int:
        """Number of judged cases."""
        return sum(record.cases for record in self.specs)

    @property
    def declined(self) -> int:
        """Number of declined cases."""
        return self._cases("declined")

    @property
    def refused(self) -> int:
        """Number of refused cases."""
        return self._cases("refused")

    def _cases(self, status: Status) -> int:
        return sum(record.outcomes.get(status, 0) for record in self.specs)

    @property
    def coverage(self) -> float | None:
        """Percentage of valid cases that were answered; None if it was not recorded."""
        return None if self.judgement is None else self.judgement.coverage

    @property
    def is_strict(self) -> bool | None:
        """True if every invalid call was refused, None if none was made."""
        return None if self.judgement is None else self.judgement.is_strict

    @property
    def limits(self) -> list[str]:
        """Sentences on the valid problems that it does not answer."""
        return [] if self.judgement is None else self.judgement.limits

    @property
    def faults(self) -> int:
        """Number of results at fault."""
        return sum(record.status in FAULTS for record in self.specs)

    @property
    def title(self) -> str:
        """Name, with the environment if there are several."""
        return f"{self.name} ({self.environment})" if self.environment else self.name

    def images_of(self, kind: str) -> list[ImageRecord]:
        """Return the images of one kind."""
        return [image for image in self.images if image.kind == kind]

    def counts(self, chapter: str | None = None) -> Counter[Status]:
        """Return the number of results by status, of one chapter or of all chapters."""
        return Counter(record.status for record in self.specs if chapter is None or record.chapter == chapter)


@dataclass
class SpecEntry:
    """One spec, with the records of every implementation, by index in `Report.entries`."""

    id: str
    slug: str
    level: str
    chapter: str
    profile: str
    sentence: str
    source: str
    axis: str = ""
    records: dict[int, list[SpecRecord]] = field(default_factory=dict)

    @property
    def page(self) -> str:
        """Address of its section in the page of its chapter."""
        return f"specs/{formatting.slug(self.chapter)}.html#spec-{self.slug}"

    @property
    def cases(self) -> int:
        """Number of judged cases of all implementations."""
        return sum(record.cases for records in self.records.values() for record in records)

    def statuses(self, index: int) -> list[Status]:
        """Return the distinct statuses of one entry, gravest first."""
        return sorted({record.status for record in self.records.get(index, [])}, key=GRAVITY.index)

    def split(self) -> tuple[list[tuple[int, list[SpecRecord]]], list[tuple[int, list[SpecRecord]]]]:
        """Return the entries that passed in every dtype and device, and the others, each with its records."""
        passed = [item for item in self.records.items() if self.statuses(item[0]) == ["passed"]]
        return passed, [item for item in self.records.items() if item not in passed]


@dataclass
class Report:
    """Content of all pages; ``unread`` has the reasons why files were left out, ``notes`` sentences on shared names."""

    runs: list[Run]
    environments: list[Environment]
    entries: list[ImplementationEntry]
    specs: list[SpecEntry]
    limits: dict[str, list[LimitRecord]]
    unread: Sequence[str] = ()
    notes: Sequence[str] = ()

    @property
    def chapters(self) -> list[str]:
        """Chapters in the order in which the runs name them."""
        return list(dict.fromkeys(spec.chapter for spec in self.specs))

    @property
    def present(self) -> list[ImplementationEntry]:
        """Entries that could be loaded."""
        return [entry for entry in self.entries if entry.verdict != ABSENT]

    @property
    def absent(self) -> list[ImplementationEntry]:
        """Entries that could not be loaded."""
        return [entry for entry in self.entries if entry.verdict == ABSENT]


def gather(runs: Sequence[Run], unread: Sequence[str] = ()) -> Report:
    """Return the report of runs; of two results of one spec, dtype and device, that of the later run is shown."""
    environments = _environments(sorted(runs, key=lambda run: run.header.started))
    notes = _name_apart(environments)
    is_named = len(environments) > 1
    entries: dict[tuple[str, str], ImplementationEntry] = {}
    for environment in environments:
        for run in environment.runs:
            _add_run(run, environment.name if is_named else "", entries)
    for entry in entries.values():
        _drop_replaced(entry)
    ordered = sorted(entries.values(), key=lambda e: (VERDICT_ORDER.index(e.verdict), e.name, e.environment))
    _number_equal_slugs(ordered)
    for index, entry in enumerate(ordered):
        entry.index = index
    limits = {environment.name if is_named else "": _limits(environment) for environment in environments}
    return Report(list(runs), environments, ordered, _specs(ordered), limits, unread, notes)


def _name_apart(environments: Iterable[Environment]) -> list[str]:
    """Give each implementation of an environment a name of its own; return sentences on the names that were shared."""
    notes = []
    for environment in environments:
        environment.runs, sentences = name_apart(environment.runs)
        notes += sentences
    return list(dict.fromkeys(notes))


def _limits(environment: Environment) -> list[LimitRecord]:
    limits = (limit for run in environment.runs for limit in run.records_of(LimitRecord))
    return list({(limit.what, limit.dtype, limit.threads): limit for limit in limits}.values())


def _environments(runs: Iterable[Run]) -> list[Environment]:
    """Group runs by machine and label, or by machine and versions if they have no label; name each group."""
    grouped: dict[object, Environment] = {}
    for run in runs:
        header = run.header
        key = (header.machine.kind, header.label or tuple(sorted(header.versions.items())))
        grouped.setdefault(key, Environment(header.label)).runs.append(run)
    environments = list(grouped.values())
    pythons = Counter(_python(environment) for environment in environments)
    names: Counter[str] = Counter()
    for number, environment in enumerate(environments, start=1):
        if not environment.name:
            python = _python(environment)
            environment.name = python if python and pythons[python] == 1 else f"environment {number}"
        names[environment.name] += 1
        if names[environment.name] > 1:  # one label on several machines
            environment.name += f" ({names[environment.name]})"
    return environments


def _python(environment: Environment) -> str:
    """Return the name of an environment without label that is the only one with its Python."""
    version = environment.runs[0].header.versions.get("python", "")
    return f"Python {version}" if version else ""


def _add_run(run: Run, environment: str, entries: dict[tuple[str, str], ImplementationEntry]) -> None:
    def entry(name: str) -> ImplementationEntry:
        key = (name, environment)
        if key not in entries:
            slug = formatting.slug(f"{name}--{environment}" if environment else name)
            entries[key] = ImplementationEntry(name, environment, slug, ImplementationRecord(name))
        return entries[key]

    for record in run.records:
        if isinstance(record, ImplementationRecord):
            entry(record.implementation).about = record
        elif isinstance(record, TimingRecord):
            entry(record.implementation).timings.append(record)
        elif isinstance(record, ImageRecord) and record.implementation != "oracle":
            entry(record.implementation).images.append(record)
    for name, part in _parts(run).items():
        entry(name).parts.append(part)


def _parts(run: Run) -> dict[str, RunPart]:
    """Return the parts of a run by implementation; a run that was cut off also has one for those not yet judged."""
    verdicts = run.footer.verdicts if run.footer else {}
    parts = {name: RunPart([], judgement) for name, judgement in verdicts.items()}
    records = run.records_of(SpecRecord)
    if run.footer is None and records:
        parts = {
            record.implementation: RunPart([], None)
            for record in run.records_of(ImplementationRecord)
            if not record.absent
        }
    for record in records:
        parts.setdefault(record.implementation, RunPart([], None)).records.append(record)
    for cause in run.records_of(CauseRecord):
        parts.setdefault(cause.implementation, RunPart([], None)).causes.append(cause)
    for part in parts.values():
        part.is_diagnosed = is_diagnosed(run)
    return parts


def _drop_replaced(entry: ImplementationEntry) -> None:
    """Keep the latest of equal results and of equal images, and the parts with a result that is kept."""
    records = [record for part in entry.parts for record in part.records]
    latest = {(record.spec, record.dtype, record.device): record for record in records}
    entry.specs = list(latest.values())
    entry.replaced = len(records) - len(latest)
    shown = set(map(id, entry.specs))
    entry.parts = [part for part in entry.parts if not part.records or any(id(r) in shown for r in part.records)]
    entry.images = list({(image.kind, image.title): image for image in entry.images}.values())


def _number_equal_slugs(entries: Iterable[ImplementationEntry]) -> None:
    """Make slugs unique: a name with dashes and a name with an environment can have the same."""
    counts: Counter[str] = Counter()
    for entry in entries:
        plain = entry.slug
        while entry.slug in counts:
            counts[plain] += 1
            entry.slug = f"{plain}-{counts[plain]}"
        counts[entry.slug] = 1


def _specs(entries: Sequence[ImplementationEntry]) -> list[SpecEntry]:
    """Return the specs by chapter, both in the order in which the entries first name them."""
    specs: dict[str, SpecEntry] = {}
    for index, entry in enumerate(entries):
        for r in entry.specs:
            slug = formatting.slug(r.spec)
            level = "measured" if r.axis else r.level  # required of some implementations
            spec = SpecEntry(r.spec, slug, level, r.chapter, r.profile, r.sentence, r.source, r.axis)
            specs.setdefault(r.spec, spec).records.setdefault(index, []).append(r)
    chapters = list(dict.fromkeys(spec.chapter for spec in specs.values()))
    return sorted(specs.values(), key=lambda spec: chapters.index(spec.chapter))
