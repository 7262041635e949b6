"""What changed between two runs: what broke, was fixed, appeared, vanished, and got faster or slower."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from convgauge.report import formatting
from convgauge.results import Run, SpecRecord, TimingRecord
from convgauge.terms import FAULTS, GRADES, VERDICTS

NOTHING_COMPARED = 5
Key = tuple[str, str, str, str]


@dataclass(frozen=True)
class Change:
    """One difference: its kind, a key of `KINDS`; the result's name; how it stood and how it stands.

    ``growth`` is by what part a ratio grew.
    """

    kind: str
    what: str
    was: str
    now: str
    growth: float = 0.0

    def __str__(self) -> str:
        return formatting.line(f"{self.what}: {self.was} → {self.now}")


KINDS = {
    "broke": "Broke",
    "fixed": "Fixed",
    "changed": "Changed otherwise",
    "appeared": "Appeared",
    "vanished": "Vanished",
    "slower": "Slower",
    "faster": "Faster",
}
"""Kinds of change and their headings; only the first is a regression, unless a limit is set for the second."""


def other_machine(old: Run, new: Run) -> str:
    """The two machines that timed runs come from; "" where they are alike, or nothing was timed in one of the runs."""
    was, now = old.header.machine, new.header.machine
    if was.kind == now.kind or not (_timings(old) and _timings(new)):
        return ""
    return " and ".join(
        f"{one.processor} with {one.cores} cores and {one.memory / 2**30:.0f} GiB" for one in (was, now)
    )


def compare(old: Run, new: Run, limit: float | None = None, markdown: bool = False) -> tuple[str, int]:
    """The changes as text, and an exit status: 1 where conformance got worse, 5 where nothing was comparable, else 0.

    A result breaks when it was no fault and is one now, or passed and is declined now. A worse verdict or grade is a
    regression too. Speed is told where the two intervals don't overlap; with a ``limit``, a ratio to the baseline that
    grew by more than this part is a regression. ``markdown`` puts the changes in a table for a pull request.
    """
    if not _records(old).keys() & _records(new).keys() and not _timings(old).keys() & _timings(new).keys():
        return "Nothing in common: no result is in both runs.", NOTHING_COMPARED
    found = changes_between(old, new)
    lines = [
        formatting.line(f"{run.path} is incomplete: what it lacks is shown as vanished or appeared.")
        for run in (old, new)
        if run.footer is None
    ]
    for kind, heading in KINDS.items():
        these = [change for change in found if change.kind == kind]
        if these and markdown:
            rows = [
                f"| {formatting.line(one.what)} | {formatting.line(one.was)} | {formatting.line(one.now)} |"
                for one in these
            ]
            lines += [f"### {heading} ({len(these)})", "", "| what | was | is |", "|---|---|---|", *rows, ""]
        elif these:
            lines += [f"{heading} ({len(these)})", *(f"  {change}" for change in these)]
    broke = any(change.kind == "broke" or (limit is not None and change.growth > limit) for change in found)
    if not found:
        lines.append(f"No change in {formatting.plural(len(_records(new)), 'result')}.")
    return "\n".join(lines), int(broke)


def changes_between(old: Run, new: Run) -> list[Change]:
    """All changes, verdicts first."""
    return [*verdicts(old, new), *specs(old, new), *timings(old, new)]


def specs(old: Run, new: Run) -> Iterator[Change]:
    """Changes of single results."""
    before, after = _records(old), _records(new)
    for key in [*before, *(key for key in after if key not in before)]:
        was, now = before.get(key), after.get(key)
        name = _name(key)
        if now is None:
            yield Change("vanished", name, before[key].status, "not in the new run")
        elif was is None:
            yield Change("appeared", name, "not in the old run", now.status)
        elif was.status != now.status:
            yield Change(_kind(was, now), name, was.status, now.status)


def _kind(was: SpecRecord, now: SpecRecord) -> str:
    if (now.status in FAULTS) != (was.status in FAULTS):
        return "broke" if now.status in FAULTS else "fixed"
    if {was.status, now.status} == {"passed", "declined"}:
        return "broke" if now.status == "declined" else "fixed"
    return "changed"


def verdicts(old: Run, new: Run) -> Iterator[Change]:
    """Verdicts and grades that moved, of implementations that both footers judge."""
    if old.footer is None or new.footer is None:
        return
    for name, now in new.footer.verdicts.items():
        was = old.footer.verdicts.get(name)
        if was is None:
            continue
        for order, before, after in ((VERDICTS, was.verdict, now.verdict), (GRADES, was.grade, now.grade)):
            if before != after and before in order and after in order:
                worse = order.index(after) > order.index(before) and after != ""
                yield Change(
                    "broke" if worse else "fixed" if after else "changed",
                    name,
                    before or "ungraded",
                    after or "ungraded",
                )


def timings(old: Run, new: Run) -> Iterator[Change]:
    """Ratios to the same baseline whose intervals lie apart by more than either noise floor."""
    before, after = _timings(old), _timings(new)
    for key, now in after.items():
        was = before.get(key)
        if was is None or was.low is None or was.high is None or now.low is None or now.high is None:
            continue
        slack = 1 + max(was.noise or 0.0, now.noise or 0.0)
        kind = "slower" if now.low > was.high * slack else "faster" if now.high * slack < was.low else ""
        if kind:
            name = f"{now.implementation} on {now.layer or now.problem} (÷ {now.baseline})"
            growth = now.ratio / was.ratio - 1 if now.ratio and was.ratio else 0.0
            yield Change(kind, name, formatting.ratio(was.ratio), formatting.ratio(now.ratio), growth)


def _records(run: Run) -> dict[Key, SpecRecord]:
    return {(r.implementation, r.spec, r.dtype, r.device): r for r in run.records_of(SpecRecord)}


def _timings(run: Run) -> dict[tuple[str, str, str, int, str, str], TimingRecord]:
    return {
        (r.implementation, r.problem, r.layers, r.threads, r.operands, r.baseline): r
        for r in run.records_of(TimingRecord)
    }


def _name(key: Key) -> str:
    implementation, spec, dtype, device = key
    return " ".join(part for part in (implementation, spec, dtype, device) if part)
