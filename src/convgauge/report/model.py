"""What a report is about: runs brought together, one entry an implementation and environment."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field

from convgauge.report import formatting
from convgauge.results import (
    ImageRecord,
    ImplementationRecord,
    Judgement,
    LimitRecord,
    Run,
    SpecRecord,
    TimingRecord,
)
from convgauge.terms import FAULTS, GRAVITY, Status

INCOMPLETE = "incomplete"
UNCHECKED = "not checked"
ABSENT = "absent"
ORDER = ("conformant", "conformant with declines", INCOMPLETE, "nonconformant", "unjudged", UNCHECKED, ABSENT)
"""Verdicts as the overview sorts them; those named above are the report's own words for what a run does not say."""

_WORST = ("nonconformant", "unjudged", "conformant with declines", "conformant")
_GRADES = ("F", "C", "B", "A")


@dataclass
class Environment:
    """One machine and set of libraries: the runs that name it, or where they name none, that share them."""

    name: str
    runs: list[Run] = field(default_factory=list)

    @property
    def whole(self) -> bool:
        return all(run.footer is not None for run in self.runs)


@dataclass
class Part:
    """What one run has to say of one implementation's conformance; ``judgement`` is None where it was cut off."""

    records: list[SpecRecord]
    judgement: Judgement | None


@dataclass
class Entry:
    """One implementation in one environment: a row of the overview and a page of its own."""

    name: str
    environment: str
    slug: str
    about: ImplementationRecord
    specs: list[SpecRecord] = field(default_factory=list)
    timings: list[TimingRecord] = field(default_factory=list)
    images: list[ImageRecord] = field(default_factory=list)
    parts: list[Part] = field(default_factory=list)
    replaced: int = 0
    place: int = -1

    @property
    def verdict(self) -> str:
        """What the records prove, else ``incomplete`` where a run was cut off, else the worst that a footer says."""
        if self.about.absent and not self.specs and not self.timed:
            return ABSENT
        if any(s.level == "required" and s.status in FAULTS for s in self.specs):
            return "nonconformant"
        if self.cut_off:
            return INCOMPLETE
        said = (judgement.verdict for judgement in self.judgements)
        return min(said, key=lambda v: _WORST.index(v) if v in _WORST else -1, default=UNCHECKED)

    @property
    def judgements(self) -> list[Judgement]:
        return [part.judgement for part in self.parts if part.judgement is not None]

    @property
    def cut_off(self) -> bool:
        """Whether a run that something shown is from has no footer."""
        return any(part.judgement is None for part in self.parts)

    @property
    def timed(self) -> bool:
        return any(timing.verdict != "absent" for timing in self.timings)

    @property
    def grade(self) -> str:
        """The worst grade that a footer gives; "" where none does."""
        given = [j.grade for j in self.judgements if j.grade]
        return min(given, key=lambda g: _GRADES.index(g) if g in _GRADES else -1, default="")

    @property
    def executed(self) -> int:
        """Cases judged."""
        return sum(record.cases for record in self.specs)

    @property
    def declined(self) -> int:
        """Cases declined."""
        return sum(s.outcomes.get("declined", 0) for s in self.specs)

    def seen(self, kind: str) -> list[ImageRecord]:
        """Its pictures of one kind."""
        return [image for image in self.images if image.kind == kind]

    @property
    def title(self) -> str:
        return f"{self.name} ({self.environment})" if self.environment else self.name

    def counts(self, chapter: str | None = None) -> Counter[str]:
        """How many results there are of each status, in one chapter or in all."""
        return Counter(s.status for s in self.specs if chapter is None or s.chapter == chapter)


@dataclass
class Spec:
    """One spec as the runs tell of it, with every entry's records of it."""

    id: str
    slug: str
    level: str
    chapter: str
    profile: str
    sentence: str
    source: str
    records: dict[int, list[SpecRecord]] = field(default_factory=dict)

    @property
    def page(self) -> str:
        """Where it is told of: its place on its chapter's page."""
        return f"specs/{formatting.slug(self.chapter)}.html#spec-{self.slug}"

    @property
    def cases(self) -> int:
        return sum(record.cases for records in self.records.values() for record in records)

    def statuses(self, entry: int) -> list[Status]:
        """The distinct statuses of one entry (its place in `Report.entries`), gravest first."""
        return sorted({record.status for record in self.records.get(entry, [])}, key=GRAVITY.index)

    def split(self) -> tuple[list[tuple[int, list[SpecRecord]]], list[tuple[int, list[SpecRecord]]]]:
        """The entries that passed in everything, and the others, each with its records."""
        passed = [item for item in self.records.items() if self.statuses(item[0]) == ["passed"]]
        return passed, [item for item in self.records.items() if item not in passed]

    @property
    def differs(self) -> bool:
        """Whether two entries that answered got different statuses."""
        return len({tuple(self.statuses(entry)) for entry in self.records}) > 1


@dataclass
class Report:
    """Everything that the pages show; ``unread`` says of files that were left out why."""

    runs: list[Run]
    environments: list[Environment]
    entries: list[Entry]
    specs: list[Spec]
    limits: dict[str, list[LimitRecord]]
    unread: Sequence[str] = ()

    @property
    def chapters(self) -> list[str]:
        """In the order in which the runs name them."""
        return list(dict.fromkeys(spec.chapter for spec in self.specs))

    @property
    def present(self) -> list[Entry]:
        return [entry for entry in self.entries if entry.verdict != ABSENT]

    @property
    def absent(self) -> list[Entry]:
        return [entry for entry in self.entries if entry.verdict == ABSENT]


def gather(runs: Sequence[Run], unread: Sequence[str] = ()) -> Report:
    """Bring runs together. Where two tell of the same result, the later-started one holds and the entry counts it."""
    ordered = sorted(runs, key=lambda run: run.header.started)
    environments = _environments(ordered)
    named = len(environments) > 1
    entries: dict[tuple[str, str], Entry] = {}
    for environment in environments:
        for run in environment.runs:
            _take(run, environment.name if named else "", entries)
    for entry in entries.values():
        _settle(entry)
    listed = sorted(entries.values(), key=lambda e: (_place(e.verdict), e.name, e.environment))
    _distinct_slugs(listed)
    for place, entry in enumerate(listed):
        entry.place = place
    limits = {environment.name if named else "": _limits(environment) for environment in environments}
    return Report(list(runs), environments, listed, _specs(listed), limits, unread)


def _limits(environment: Environment) -> list[LimitRecord]:
    measured = (limit for run in environment.runs for limit in run.records_of(LimitRecord))
    return list({(limit.what, limit.dtype, limit.threads): limit for limit in measured}.values())


def _place(verdict: str) -> int:
    return ORDER.index(verdict) if verdict in ORDER else len(ORDER)


def _environments(runs: Iterable[Run]) -> list[Environment]:
    """Runs with the same label belong together; those without one, those of like versions. Unlike machines never."""
    grouped: dict[object, Environment] = {}
    for run in runs:
        header = run.header
        key = (header.machine.kind, header.label or tuple(sorted(header.versions.items())))
        grouped.setdefault(key, Environment(header.label)).runs.append(run)
    found = list(grouped.values())
    pythons = Counter(_python(environment) for environment in found)
    named: Counter[str] = Counter()
    for number, environment in enumerate(found, start=1):
        if not environment.name:
            alone = pythons[_python(environment)] == 1 and _python(environment)
            environment.name = alone or f"environment {number}"
        named[environment.name] += 1
        if named[environment.name] > 1:  # of another machine
            environment.name += f" ({named[environment.name]})"
    return found


def _python(environment: Environment) -> str:
    """What an environment without a label is called where no other has that Python."""
    version = environment.runs[0].header.versions.get("python", "")
    return f"Python {version}" if version else ""


def _take(run: Run, environment: str, entries: dict[tuple[str, str], Entry]) -> None:
    def entry(name: str) -> Entry:
        key = (name, environment)
        if key not in entries:
            whole_name = f"{name}--{environment}" if environment else name
            entries[key] = Entry(name, environment, formatting.slug(whole_name), ImplementationRecord(name))
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


def _parts(run: Run) -> dict[str, Part]:
    """What a run says, by implementation; one that was cut off has a part even on those it had not come to."""
    verdicts = run.footer.verdicts if run.footer else {}
    parts = {name: Part([], judgement) for name, judgement in verdicts.items()}
    records = run.records_of(SpecRecord)
    if run.footer is None and records:
        parts = {
            record.implementation: Part([], None)
            for record in run.records_of(ImplementationRecord)
            if not record.absent
        }
    for record in records:
        parts.setdefault(record.implementation, Part([], None)).records.append(record)
    return parts


def _settle(entry: Entry) -> None:
    """Of each result and picture keep the latest, and of the parts those that something kept is from."""
    every = [record for part in entry.parts for record in part.records]
    latest = {(record.spec, record.dtype, record.device): record for record in every}
    entry.specs = list(latest.values())
    entry.replaced = len(every) - len(latest)
    kept = set(map(id, entry.specs))
    entry.parts = [part for part in entry.parts if not part.records or any(id(r) in kept for r in part.records)]
    entry.images = list({(image.kind, image.title): image for image in entry.images}.values())


def _distinct_slugs(entries: Iterable[Entry]) -> None:
    """Two entries (a name with dashes, an environment) may come to one slug: number them."""
    seen: Counter[str] = Counter()
    for entry in entries:
        plain = entry.slug
        while entry.slug in seen:
            seen[plain] += 1
            entry.slug = f"{plain}-{seen[plain]}"
        seen[entry.slug] = 1


def _specs(entries: Sequence[Entry]) -> list[Spec]:
    """The specs chapter by chapter, both in the order in which the runs first name them."""
    found: dict[str, Spec] = {}
    for place, entry in enumerate(entries):
        for r in entry.specs:
            if r.spec not in found:
                found[r.spec] = Spec(
                    r.spec, formatting.slug(r.spec), r.level, r.chapter, r.profile, r.sentence, r.source
                )
            found[r.spec].records.setdefault(place, []).append(r)
    chapters = list(dict.fromkeys(spec.chapter for spec in found.values()))
    return sorted(found.values(), key=lambda spec: chapters.index(spec.chapter))
