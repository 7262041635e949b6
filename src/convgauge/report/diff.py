"""Changes between two runs: verdicts, causes, results that broke, were fixed, appeared or vanished, and speed."""

from __future__ import annotations

from collections.abc import Iterator

from convgauge.conformance.verdict_text import verdict_line
from convgauge.report import formatting
from convgauge.report.cause_changes import cause_changes
from convgauge.report.change import Change
from convgauge.results import Judgement, Run, SpecRecord, TimingRecord
from convgauge.terms import FAULTS, GRADES, STRICTNESS_FAULTS, UNANSWERED, VERDICTS, ExitStatus

Key = tuple[str, str, str, str]

SAME_CASES = ("suite", "seed", "profile", "tier", "selection")
"""Fields of the header that are equal in runs with the same cases."""


CHANGE_KINDS = {
    "broke": "Broke",
    "fixed": "Fixed",
    "changed": "Changed otherwise",
    "appeared": "Appeared",
    "vanished": "Vanished",
    "slower": "Slower",
    "faster": "Faster",
}
"""Kinds of change and their headings; only the first is a regression, unless a limit is set for the ratio."""


def other_machine(old: Run, new: Run) -> str:
    """Return the two machines of runs with timings, or "" if they are equal or one of the runs has no timing."""
    was, now = old.header.machine, new.header.machine
    if was.kind == now.kind or not (_timings(old) and _timings(new)):
        return ""
    return " and ".join(
        f"{machine.processor} with {machine.cores} cores and {machine.memory / 2**30:.0f} GiB" for machine in (was, now)
    )


def compare(old: Run, new: Run, limit: float | None = None, markdown: bool = False) -> tuple[str, int]:
    """Return the changes between two runs as text, and the exit status.

    A result breaks if it becomes a fault or an answered invalid call, or if it passed and is refused or declined now.
    A lower verdict, coverage or grade, lost strictness and a new cause are regressions too. A change of speed
    is reported if the two intervals do not overlap.

    Parameters
    ----------
    old, new
        The runs.
    limit
        Part by which a ratio to the baseline may grow; a larger growth is a regression. None for no limit.
    markdown
        Write the changes as tables for a pull request.

    Returns
    -------
    str
        One section per kind of change.
    int
        1 for a regression, 5 if no result is in both runs, else 0.
    """
    if not _records(old).keys() & _records(new).keys() and not _timings(old).keys() & _timings(new).keys():
        return "Nothing in common: no result is in both runs.", ExitStatus.NOTHING_EXECUTED
    changes = changes_between(old, new)
    lines = [
        formatting.line(f"{run.path} is incomplete: what it lacks is shown as vanished or appeared.")
        for run in (old, new)
        if run.footer is None
    ]
    for kind, heading in CHANGE_KINDS.items():
        these = [change for change in changes if change.kind == kind]
        if these and markdown:
            cells = ([formatting.line(text) for text in (change.what, change.was, change.now)] for change in these)
            rows = [f"| {' | '.join(row)} |" for row in cells]
            lines += [f"### {heading} ({len(these)})", "", "| what | was | is |", "|---|---|---|", *rows, ""]
        elif these:
            lines += [f"{heading} ({len(these)})", *(f"  {change}" for change in these)]
    if not changes:
        lines.append(_no_change(new))
    lines += _present_verdicts(new, markdown)
    broke = any(change.kind == "broke" or (limit is not None and change.growth > limit) for change in changes)
    return "\n".join(lines), int(broke)


def _no_change(new: Run) -> str:
    counts = ((len(_records(new)), "result"), (len(_timings(new)), "timing"))
    return f"No change in {' and '.join(formatting.plural(count, noun) for count, noun in counts if count)}."


def _present_verdicts(new: Run, markdown: bool) -> list[str]:
    """Return a line for each implementation with the verdict of the new run and the facts beside it."""
    verdicts = new.footer.verdicts if new.footer else {}
    lines = [verdict_line(name, judged) for name, judged in verdicts.items() if judged.specs or judged.executed]
    if not lines or not markdown:
        return lines
    return ["### Verdicts", "", *(f"- {formatting.line(line)}" for line in lines), ""]


def changes_between(old: Run, new: Run) -> list[Change]:
    """Return all changes, those of verdicts and of causes first."""
    return [
        *_verdict_changes(old, new),
        *cause_changes(old, new),
        *spec_changes(old, new),
        *_timing_changes(old, new),
    ]


def spec_changes(old: Run, new: Run) -> Iterator[Change]:
    """Yield the changes of single results."""
    before, after = _records(old), _records(new)
    for key in [*before, *(key for key in after if key not in before)]:
        was, now = before.get(key), after.get(key)
        name = " ".join(part for part in key if part)
        if now is None:
            yield Change("vanished", name, before[key].status, "not in the new run")
        elif was is None:
            yield Change("appeared", name, "not in the old run", now.status)
        elif was.status != now.status:
            yield Change(_kind(was, now), name, was.status, now.status)


def _kind(was: SpecRecord, now: SpecRecord) -> str:
    if {was.status, now.status} == {"failed", "answered_invalid"}:  # older versions failed an answered invalid call
        return "changed"
    for worse in (FAULTS, STRICTNESS_FAULTS):
        if (now.status in worse) != (was.status in worse):
            return "broke" if now.status in worse else "fixed"
    if "passed" in (was.status, now.status) and {was.status, now.status} & {*UNANSWERED}:
        return "broke" if was.status == "passed" else "fixed"
    return "changed"


def _verdict_changes(old: Run, new: Run) -> Iterator[Change]:
    """Yield the changes of verdict, coverage, strictness and grade of implementations that are in both footers."""
    if old.footer is None or new.footer is None:
        return
    for name, now in new.footer.verdicts.items():
        was = old.footer.verdicts.get(name)
        if was is None:
            continue
        yield from _coverage_change(name, was, now, is_same_suite=_is_same_suite(old, new))
        if was.is_strict is not None and now.is_strict is not None and was.is_strict != now.is_strict:
            words = ("not strict", "strict")
            yield Change("fixed" if now.is_strict else "broke", name, words[was.is_strict], words[now.is_strict])
        for order, before, after in ((VERDICTS[::-1], was.verdict, now.verdict), (GRADES, was.grade, now.grade)):
            if before != after and before in order and after in order:
                is_worse = order.index(after) > order.index(before) and after != ""
                kind = "broke" if is_worse else "fixed" if after else "changed"
                yield Change(kind, name, before or "ungraded", after or "ungraded")


def _is_same_suite(old: Run, new: Run) -> bool:
    """Return True if both runs draw the same cases."""
    return all(getattr(old.header, field) == getattr(new.header, field) for field in SAME_CASES)


def _coverage_change(name: str, was: Judgement, now: Judgement, *, is_same_suite: bool) -> Iterator[Change]:
    """Yield a change of coverage. Runs with other cases differ a little without a cause: a whole percent counts."""
    if was.coverage is None or now.coverage is None:
        return
    if abs(now.coverage - was.coverage) > (0 if is_same_suite else 1):
        before, after = (formatting.coverage(each.coverage) for each in (was, now))
        if before == after:  # as rounded
            before, after = (f"{each.coverage:.3f}\N{NO-BREAK SPACE}%" for each in (was, now))
        kind = "broke" if now.coverage < was.coverage else "fixed"
        yield Change(kind, name, f"coverage {before}", f"coverage {after}")


def _timing_changes(old: Run, new: Run) -> Iterator[Change]:
    """Yield the changes of ratios to one baseline whose intervals are further apart than either noise floor."""
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


def _timings(run: Run) -> dict[tuple[str, str, str, int, str, str, str], TimingRecord]:
    return {
        (r.implementation, r.problem, r.layers, r.threads, r.operands, r.direction, r.baseline): r
        for r in run.records_of(TimingRecord)
    }
