"""Sensitivity of the specification: every case is given wrong outputs and must accept none of them."""

from __future__ import annotations

import sys
from collections import Counter
from dataclasses import dataclass, field

from convgauge import registry
from convgauge.conformance.judge import Judge, Setting, Skip
from convgauge.conformance.session import Session, Target
from convgauge.process.isolation import Limits
from convgauge.selftest.run import collected


@dataclass
class Sensitivity:
    """Counts of specs, cases and wrong outputs, and a sentence for each insensitive spec."""

    specs: int = 0
    cases: int = 0
    wrong_outputs: int = 0
    insensitive: list[str] = field(default_factory=list)


def measure(target: str, profile: str, tier: str) -> Sensitivity:
    """Run the specs of a profile on a correct implementation, and give wrong outputs to every case that passes."""
    sensitivity = Sensitivity()
    setting = Setting(profile, tier, wrong_outputs=True)
    targets = [Target(origin) for origin in registry.resolve(target, "")]
    session = Session(targets, setting, Limits(), isolated=True, python="")
    try:
        session.load()
        for spec, test in collected():
            for due in session.due(spec):
                judge = session.judge(spec, *due)
                judge.minimizes = False
                try:
                    test(judge)
                except Skip:
                    continue
                _add(sensitivity, judge)
    finally:
        session.close()
    return sensitivity


def _add(sensitivity: Sensitivity, judge: Judge) -> None:
    """Add what a judge counted, and a sentence for each kind of wrong output that it accepted."""
    sensitivity.specs += 1
    sensitivity.cases += judge.judged
    sensitivity.wrong_outputs += judge.wrong_outputs
    counts = Counter(fault.message for _, fault in judge.faults)
    first_cases = {fault.message: case for case, fault in reversed(judge.faults)}
    sensitivity.insensitive += [
        f"{judge.spec.id} in {judge.dtype}: {message} ({count} of {judge.judged} cases, such as {first_cases[message]})"
        for message, count in counts.items()
    ]


def show(target: str, profile: str, tier: str) -> int:
    """Measure and print the sensitivity; return 0, 1 if a spec is insensitive, or 5 if no case was judged."""
    sensitivity = measure(target, profile, tier)
    for sentence in sensitivity.insensitive:
        print(sentence)
    print(
        f"{sensitivity.cases} cases of {sensitivity.specs} specs were given {sensitivity.wrong_outputs} wrong outputs"
        f" at {tier}: {len(sensitivity.insensitive) or 'no'} specs accepted one"
    )
    if not sensitivity.cases:
        print(f"convgauge: no case was judged on {target}", file=sys.stderr)
        return 5
    return int(bool(sensitivity.insensitive))
