"""Seeds: the number of seeds with which each mutant is killed, since one seed may kill it by chance.

Only the specs that a mutant names are run on it, up to the first that kills it. A correct build is judged by all specs.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field, replace

from convgauge.conformance.history import Histories
from convgauge.conformance.judge import Judge, NotApplicable
from convgauge.conformance.selection import Task
from convgauge.conformance.suite import Suite
from convgauge.conformance.targets import Target
from convgauge.process.by_width import start_subject
from convgauge.process.runner import Limits, Runner
from convgauge.reference import memo
from convgauge.request import CheckRequest
from convgauge.selftest.examination import ONE_FAULT_KILLS
from convgauge.selftest.mutants import Mutant, select
from convgauge.selftest.temporary_folder import temporary_folder
from convgauge.terms import FAULTS, STRICTNESS_FAULTS, TIERS, ExitStatus, Tier

STRIDE = 1000
"""Difference of two seeds. A spec gives its cases consecutive seeds, which those of the next run must not repeat."""

UNMET = tuple(status for status in (*FAULTS, *STRICTNESS_FAULTS) if status != "vacuous")
"""Statuses of a spec that kill."""


@dataclass(frozen=True)
class SeedFinding:
    """Seeds with which a mutant was killed, or a correct build failed.

    Attributes
    ----------
    name : str
        Name of the mutant or the correct build.
    faulty : bool
        True for a mutant.
    seeds : tuple of int
        Seeds with which it was run.
    killed : mapping
        Id of the first spec that failed it, by seed.
    error : str
        Reason why it could not be run, or "". A mutant that fails to be imported is killed with every seed.
    """

    name: str
    faulty: bool
    seeds: tuple[int, ...]
    killed: dict[int, str] = field(default_factory=dict)
    error: str = ""

    @property
    def is_expected(self) -> bool:
        """True if a mutant was killed with every seed, or a correct build with none."""
        if self.error:
            return self.faulty
        return len(self.killed) == (len(self.seeds) if self.faulty else 0)

    @property
    def missed(self) -> list[int]:
        """Seeds with which a mutant survived."""
        return [seed for seed in self.seeds if seed not in self.killed]


def seeds_of(count: int) -> tuple[int, ...]:
    """Return the first ``count`` seeds."""
    return tuple(STRIDE * number for number in range(count))


def examine(mutant: Mutant, tier: Tier, seeds: Sequence[int]) -> SeedFinding:
    """Judge a mutant or a correct build with each seed, in a process that has answered no call."""
    memo.enable()
    finding = SeedFinding(mutant.name, mutant.faulty, tuple(seeds))
    request = CheckRequest(profile=mutant.profile, tier=tier, timeout_s=mutant.timeout, jobs=1)
    try:
        with (
            _processes(mutant) as processes,
            Suite(request, [Target(mutant.origin, processes.description)], setting=ONE_FAULT_KILLS) as suite,
        ):
            tasks = [task for task in suite.tasks() if task.spec.level == "required" and _is_due(task, mutant)]
            for seed in seeds:
                with processes.fresh() as runner:
                    spec = _first_kill(suite, tasks, runner, seed)
                if spec:
                    finding.killed[seed] = spec
    except Exception as error:
        return replace(finding, error=f"{type(error).__name__}: {error}")
    return finding


def _is_due(task: Task, mutant: Mutant) -> bool:
    return task.spec.id in mutant.killed_by or not mutant.faulty


@contextmanager
def _processes(mutant: Mutant) -> Iterator[Runner]:
    """Yield the subject whose fresh processes judge a mutant."""
    subject = start_subject(mutant.origin, Limits(mutant.timeout))
    try:
        subject.wait_ready()
        yield subject
    finally:
        subject.close()


def _first_kill(suite: Suite, tasks: Iterable[Task], runner: Runner, seed: int) -> str:
    """Return the id of the first spec that fails with a seed, or "" if none does."""
    for task in tasks:
        setting = replace(suite.setting_of(task.implementation), seed=seed, histories=Histories())
        judge = Judge(task.spec, runner, task.dtype, task.device, setting)
        try:
            task.test(judge)
        except NotApplicable:
            continue
        if judge.status() in UNMET:
            return task.spec.id
    return ""


def show(tier: Tier, count: int, words: Sequence[str] = (), *, are_correct: bool = False) -> int:
    """Examine mutants, or correct builds, with some seeds; print a table of those that are not as declared.

    Parameters
    ----------
    tier : Tier
        Tier of the specs; mutants that are not due at it are left out.
    count : int
        Number of seeds.
    words : sequence of str
        Parts of names of mutants, or stems of their files; all if empty.
    are_correct : bool
        Examine correct builds instead of mutants.

    Returns
    -------
    int
        0 if all are as declared, 1 if one is not, 5 if there is none.
    """
    due = [
        mutant
        for mutant in select(words)
        if mutant.faulty != are_correct and (are_correct or TIERS.index(mutant.tier) <= TIERS.index(tier))
    ]
    findings = []
    with temporary_folder():
        for mutant in due:
            findings.append(examine(mutant, tier, seeds_of(count)))
            print("." if findings[-1].is_expected else f"\n{_line(findings[-1])}", end="", flush=True)
    print(f"\n\n{table(findings, tier, count)}")
    if not findings:
        return ExitStatus.NOTHING_EXECUTED
    return 0 if all(finding.is_expected for finding in findings) else 1


def table(findings: Sequence[SeedFinding], tier: Tier, count: int) -> str:
    """Return the findings as Markdown: a row for each that is not as declared, and the total."""
    unexpected = [finding for finding in findings if not finding.is_expected]
    rows = ["| mutant | seeds that kill it | seeds that do not |", "|---|---|---|"] if unexpected else []
    rows += [_row(finding) for finding in unexpected]
    expected = len(findings) - len(unexpected)
    if any(finding.faulty for finding in findings):
        total = f"{expected} of {len(findings)} mutants that are due at {tier} are killed with each of {count} seeds."
    else:
        total = f"{expected} of {len(findings)} correct builds pass at {tier} with each of {count} seeds."
    return "\n".join([*rows, "", total]).lstrip()


def _row(finding: SeedFinding) -> str:
    missed = finding.error or ", ".join(map(str, finding.missed))
    return f"| `{finding.name}` | {len(finding.killed)} of {len(finding.seeds)} | {missed} |"


def _line(finding: SeedFinding) -> str:
    specs = ", ".join(sorted(set(finding.killed.values())))
    return f"{finding.name}: {len(finding.killed)} of {len(finding.seeds)} {specs} {finding.error}\n"
