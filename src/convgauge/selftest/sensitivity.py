"""Sensitivity of the specification: every case is given wrong outputs and must accept none of them."""

from __future__ import annotations

import sys
from collections import Counter
from dataclasses import dataclass, field

from convgauge.conformance.judge import Judge
from convgauge.conformance.setting import Setting
from convgauge.conformance.suite import Suite
from convgauge.request import CheckRequest, RequestError
from convgauge.terms import ExitStatus, Profile, Tier


@dataclass(frozen=True)
class FaultGroup:
    """Faults with one message of a spec in a dtype: the case accepts a wrong output, or the implementation fails it."""

    spec_id: str
    dtype: str
    description: str

    def __str__(self) -> str:
        return f"{self.spec_id} in {self.dtype}: {self.description}"


@dataclass
class Sensitivity:
    """Counts of specs, cases and wrong outputs; the insensitive specs; the failures of the implementation."""

    specs: int = 0
    cases: int = 0
    wrong_outputs: int = 0
    insensitive: list[FaultGroup] = field(default_factory=list)
    failures: list[FaultGroup] = field(default_factory=list)


def measure(target: str, profile: Profile, tier: Tier, dtypes: tuple[str, ...] = ()) -> Sensitivity:
    """Run the specs of a profile on a correct implementation, and give wrong outputs to every case that passes.

    ``dtypes`` narrows the dtypes that each spec has at the tier.
    """
    sensitivity = Sensitivity()
    request = CheckRequest((target,), profile=profile, tier=tier)
    with Suite(request, setting=Setting(wrong_outputs=True, minimizes=False)) as suite:
        suite.load()
        for result in suite.results([task for task in suite.tasks() if not dtypes or task.dtype in dtypes]):
            if result.is_applicable:
                _add(sensitivity, result.judge)
    return sensitivity


def _add(sensitivity: Sensitivity, judge: Judge) -> None:
    """Add what a judge counted, and a sentence for each kind of wrong output that it accepted."""
    sensitivity.specs += 1
    sensitivity.cases += judge.tally.judged
    sensitivity.wrong_outputs += judge.wrong_outputs
    counts = Counter((fault.status == "vacuous", fault.message) for _, fault in judge.tally.faults)
    first_cases = {fault.message: case for case, fault in reversed(judge.tally.faults)}
    for (accepts_wrong_output, message), count in counts.items():
        description = f"{message} ({count} of {judge.tally.judged} cases, such as {first_cases[message]})"
        groups = sensitivity.insensitive if accepts_wrong_output else sensitivity.failures
        groups.append(FaultGroup(judge.spec.id, judge.dtype, description))


def show(target: str, profile: Profile, tier: Tier) -> int:
    """Print the sensitivity; return 0, 1 if a spec is insensitive or failed, or 5 if no case was judged."""
    try:
        sensitivity = measure(target, profile, tier)
    except RequestError as error:
        print(f"convgauge: {error}", file=sys.stderr)
        return ExitStatus.USAGE_ERROR
    for group in [*sensitivity.insensitive, *sensitivity.failures]:
        print(group)
    print(
        f"{sensitivity.cases} cases of {sensitivity.specs} specs were given {sensitivity.wrong_outputs} wrong outputs"
        f" at {tier}: {len(sensitivity.insensitive) or 'no'} specs accepted one"
    )
    if not sensitivity.cases:
        print(f"convgauge: no case was judged on {target}", file=sys.stderr)
        return ExitStatus.NOTHING_EXECUTED
    return int(bool(sensitivity.insensitive or sensitivity.failures))
