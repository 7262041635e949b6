"""Audit of counterexamples: each fails again for its mutant, and passes for a sound implementation.

A counterexample that fails for every implementation shows nothing about the one that is judged. So the counterexamples
of all mutants are judged once more, as ``reproduce`` judges them: on the mutant in another process, and on the oracle.
"""

from __future__ import annotations

import shlex
import traceback
from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from typing import Literal

from convgauge.conformance.cases import Case
from convgauge.conformance.counterexample import NOT_BY_ITSELF
from convgauge.conformance.earlier_calls import AT_RANDOM, WITH_OPERANDS
from convgauge.conformance.judge import Judge, NotApplicable
from convgauge.conformance.replay import EarlierCall, make_again
from convgauge.conformance.selection import Task
from convgauge.conformance.setting import Setting
from convgauge.conformance.soundness import OracleSubject
from convgauge.conformance.suite import Suite
from convgauge.conformance.targets import Target
from convgauge.process.by_width import start_subject
from convgauge.process.runner import Limits, Runner
from convgauge.reference import memo
from convgauge.registry import LoadError
from convgauge.request import CheckRequest
from convgauge.results import Counterexample
from convgauge.selftest.mutants import Mutant, select
from convgauge.selftest.temporary_folder import temporary_folder
from convgauge.terms import FAULTS, STRICTNESS_FAULTS, ExitStatus, Status, Tier

Kind = Literal["sound", "with history", "bogus", "unjudged", "passes again"]
"""Result of an audit.

- "sound": it fails again, and not for the oracle. Specs on operators skip the oracle, which is none.
- "with history": the counterexample states that it does not fail by itself.
- "bogus": it fails for the oracle.
- "unjudged": no step of its spec judges the case.
- "passes again": it does not fail, and does not say so.
"""
KINDS: tuple[Kind, ...] = ("sound", "with history", "bogus", "unjudged", "passes again")
UNEXPECTED: tuple[Kind, ...] = ("bogus", "unjudged", "passes again")

REMARKS = (NOT_BY_ITSELF, AT_RANDOM, WITH_OPERANDS)
"""Clauses of a counterexample that does not fail again when it is run as it states."""

UNMET = (*FAULTS, *STRICTNESS_FAULTS)
"""Statuses of a spec whose counterexample is audited."""


@dataclass(frozen=True)
class Audit:
    """Result for the counterexample of one mutant and spec.

    Attributes
    ----------
    mutant, spec, dtype, case : str
        The counterexample; the case is empty if the whole spec is run again.
    again, oracle : Status
        Status of the spec on the case: for the mutant in another process, and for the oracle.
    has_history : bool
        The counterexample states that it does not fail when it is run again.
    """

    mutant: str
    spec: str
    dtype: str
    case: str
    again: Status
    oracle: Status
    has_history: bool

    @property
    def kind(self) -> Kind:
        """Kind of the result."""
        if self.oracle in UNMET:
            return "bogus"
        is_asked = self.oracle != "skipped" or self.again not in UNMET  # the oracle is no operator of torch
        if self.oracle != "passed" and is_asked:
            return "unjudged"
        if self.again in UNMET:
            return "sound"
        return "with history" if self.has_history else "passes again"

    def __str__(self) -> str:
        statuses = f"{self.again} again, {self.oracle} for the oracle"
        return f"{self.kind}: {self.spec} in {self.dtype} on {self.mutant}: {statuses} [{self.case}]"


def audit(mutant: Mutant, tier: Tier, specs: Iterable[str] = ()) -> Iterator[Audit]:
    """Yield the audits of a mutant's counterexamples, of the given specs or of all specs of the tier."""
    memo.enable()
    chosen = set(specs)
    request = CheckRequest(profile=mutant.profile, tier=tier, timeout_s=mutant.timeout, jobs=1)
    with temporary_folder(), Suite(request, [Target(mutant.origin)]) as suite:
        suite.load()
        again = start_subject(mutant.origin, Limits(mutant.timeout))
        try:
            again.wait_ready()
            for task in suite.tasks():
                if chosen and task.spec.id not in chosen:
                    continue
                judge = suite.result(task).judge
                if judge.counterexample is not None and judge.status() in UNMET:
                    yield _audited(mutant, task, judge, judge.counterexample, again)
        finally:
            again.close()


def _audited(mutant: Mutant, task: Task, judge: Judge, counterexample: Counterexample, again: Runner) -> Audit:
    """Return the audit of one counterexample."""
    words = shlex.split(counterexample.reproduce)
    text = words[3] if words[1] == "reproduce" else ""  # otherwise the whole spec is run again
    setting = replace(judge.setting, only=Case.parse(text) if text else None, minimizes=False)
    with again.fresh() as fresh:
        make_again(map(EarlierCall.parse, counterexample.after), fresh, task.device, setting)
        status = _status(task, fresh, setting)
    oracle = _status(task, OracleSubject(judge.description), setting)
    has_history = any(remark in counterexample.message for remark in REMARKS)
    return Audit(mutant.name, task.spec.id, task.dtype, text, status, oracle, has_history)


def _status(task: Task, subject: Runner, setting: Setting) -> Status:
    """Return the status of a spec on the one case of a setting."""
    judge = Judge(task.spec, subject, task.dtype, task.device, setting)
    try:
        task.test(judge)
    except NotApplicable:
        return "skipped"
    return judge.status()


def show(tier: Tier, words: Sequence[str] = (), *, names_only: bool = False) -> int:
    """Audit the mutants of some names or files; print a table, and a line for each unexpected result.

    Parameters
    ----------
    tier : Tier
        Tier of the specs.
    words : sequence of str
        Parts of names of mutants, or stems of their files; all mutants if empty.
    names_only : bool
        Judge a mutant only by the specs that it names.

    Returns
    -------
    int
        0 if all counterexamples are sound, 1 if one is not, 5 if there is none.
    """
    counts: dict[str, Counter[Kind]] = {}
    failures = 0
    for mutant in select(words):
        if not mutant.faulty:
            continue
        named = (*mutant.killed_by, *mutant.advised_by) if names_only else ()
        try:
            for result in audit(mutant, tier, named):
                counts.setdefault(result.spec.partition(".")[0], Counter())[result.kind] += 1
                if result.kind in UNEXPECTED:
                    print(result, flush=True)
        except LoadError as error:  # the mutant fails to be imported, so that it has no counterexample
            print(f"{mutant.name}: {error}", flush=True)
        except Exception:
            failures += 1
            print(f"internal error on {mutant.name}:\n{traceback.format_exc()}", flush=True)
    print_table(counts)
    total = sum(counts.values(), Counter[Kind]())
    if not total:
        return ExitStatus.NOTHING_EXECUTED
    return int(failures > 0 or any(total[kind] for kind in UNEXPECTED))


def print_table(counts: dict[str, Counter[Kind]]) -> None:
    """Print the number of counterexamples of each chapter and kind."""
    print(f"\n{'chapter':16}" + "".join(f"{kind:>14}" for kind in KINDS))
    for chapter, kinds in sorted(counts.items()):
        print(f"{chapter:16}" + "".join(f"{kinds[kind]:14}" for kind in KINDS))
    total = sum(counts.values(), Counter[Kind]())
    print(f"{'all':16}" + "".join(f"{total[kind]:14}" for kind in KINDS))
