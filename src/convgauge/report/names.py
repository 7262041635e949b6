"""Names that stand for different implementations in the runs of a report: each is shown under its target."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence

import msgspec

from convgauge.results import (
    CauseRecord,
    Footer,
    ImageRecord,
    ImplementationRecord,
    Record,
    Run,
    SpecRecord,
    TimingRecord,
)

Rename = Callable[[str], str]


def name_apart(runs: Sequence[Run]) -> tuple[list[Run], list[str]]:
    """Return the runs with a name of its own for each implementation, and a sentence for each name that was shared.

    A name is shared if runs give it different targets. Its results are then shown as "name (target)". Those of a run
    that records no target keep the name.
    """
    targets: dict[str, list[str]] = {}
    for run in runs:
        for name, target in _targets(run).items():
            if not any(is_same_target(target, other) for other in targets.setdefault(name, [])):
                targets[name].append(target)
    shared = {name: list(map(_unnamed, distinct)) for name, distinct in targets.items() if len(distinct) > 1}
    notes = [
        f"{name} stands for {len(distinct)} implementations, {' and '.join(distinct)}: each is shown by itself"
        for name, distinct in shared.items()
    ]
    return [_renamed(run, shared) if shared else run for run in runs], notes


def is_same_target(first: str, second: str) -> bool:
    """Return True if two targets name one implementation; a relative path may be that of any folder."""
    first, second = _unnamed(first), _unnamed(second)
    return first == second or first.endswith(f"/{second}") or second.endswith(f"/{first}")


def _unnamed(target: str) -> str:
    """Return a target without the name that it gives."""
    return target.partition("=")[2] or target


def _targets(run: Run) -> dict[str, str]:
    """Return the target of each implementation of a run that records it."""
    records = [each for each in run.records if isinstance(each, ImplementationRecord | TimingRecord)]
    return {record.implementation: record.target for record in records if record.target}


def _renamed(run: Run, shared: dict[str, list[str]]) -> Run:
    """Return a run in which the shared names have their targets."""
    names = {}
    for name, target in _targets(run).items():
        distinct = next((each for each in shared.get(name, []) if is_same_target(each, target)), "")
        names[name] = f"{name} ({distinct})" if distinct else name

    def rename(name: str) -> str:
        return names.get(name, name)

    footer = run.footer and _with_verdicts(run.footer, rename)
    return msgspec.structs.replace(run, records=list(_records(run.records, rename)), footer=footer)


def _records(records: Iterable[Record], rename: Rename) -> Iterable[Record]:
    for record in records:
        if isinstance(record, TimingRecord):
            names = {"implementation": rename(record.implementation), "baseline": rename(record.baseline)}
            yield msgspec.structs.replace(record, **names)
        elif isinstance(record, SpecRecord | ImplementationRecord | ImageRecord | CauseRecord):
            yield msgspec.structs.replace(record, implementation=rename(record.implementation))
        else:
            yield record


def _with_verdicts(footer: Footer, rename: Rename) -> Footer:
    verdicts = {rename(name): judgement for name, judgement in footer.verdicts.items()}
    return msgspec.structs.replace(footer, verdicts=verdicts)
