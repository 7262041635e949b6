"""Whether the specification's cases can be trusted: each is given wrong answers, and must take none for right."""

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
class Trust:
    """What was found: how many specs and cases were asked, and a sentence for each that let an impostor through."""

    specs: int = 0
    cases: int = 0
    impostors: int = 0
    gullible: list[str] = field(default_factory=list)


def trust(target: str, profile: str, tier: str) -> Trust:
    """Run the specs of a profile on a sound implementation, and give every case that passes wrong answers as well."""
    found = Trust()
    setting = Setting(profile, tier, impostors=True)
    origins = registry.resolve(target, "")
    session = Session([Target(one) for one in origins], setting, Limits(), isolated=True, python="")
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
                _add(found, judge)
    finally:
        session.close()
    return found


def _add(found: Trust, judge: Judge) -> None:
    found.specs += 1
    found.cases += judge.judged
    found.impostors += judge.impostors
    said = Counter(fault.message for _, fault in judge.faults)
    first = {fault.message: case for case, fault in reversed(judge.faults)}
    found.gullible += [
        f"{judge.spec.id} in {judge.dtype}: {message} ({count} of {judge.judged} cases, such as {first[message]})"
        for message, count in said.items()
    ]


def show(target: str, profile: str, tier: str) -> int:
    """Print what was found; 1 where a case lets an impostor through, or a sound implementation is accused."""
    found = trust(target, profile, tier)
    for sentence in found.gullible:
        print(sentence)
    print(
        f"{found.cases} cases of {found.specs} specs were given {found.impostors} wrong answers at {tier}:"
        f" {len(found.gullible) or 'no'} specs took one for right"
    )
    if not found.cases:
        print(f"convgauge: {target} was asked nothing", file=sys.stderr)
        return 5
    return int(bool(found.gullible))
