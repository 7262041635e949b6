"""What `--json` prints: a check's or a comparison's outcome as one object, for programs that read it."""

from __future__ import annotations

from dataclasses import asdict
from statistics import median
from typing import Any

import msgspec

from convgauge.race.standings import standings
from convgauge.report.diff import Change
from convgauge.results import Run, TimingRecord
from convgauge.terms import FAULTS


def encode(found: Any) -> str:
    """One JSON object on a line."""
    return msgspec.json.encode(found).decode()


def check(run: Run, status: int) -> dict[str, Any]:
    """The verdicts of a run, and every fault in it with the command line that shows it again."""
    records = [record for record in run.records if getattr(record, "status", "") in {*FAULTS, "xpassed"}]
    faults = [record for record in records if hasattr(record, "spec")]
    return {
        "suite": run.header.suite,
        "profile": run.header.profile,
        "tier": run.header.tier,
        "seed": run.header.seed,
        "verdicts": run.footer.verdicts if run.footer else {},
        "faults": [_fault(record) for record in faults],
        "cases": run.footer.cases if run.footer else 0,
        "elapsed": run.footer.elapsed if run.footer else None,
        "complete": run.footer is not None,
        "exit_status": status,
    }


def bench(run: Run, status: int) -> dict[str, Any]:
    """The standings of a race, and every ratio with its interval."""
    timings = run.records_of(TimingRecord)
    keys = ("implementation", "problem", "layer", "count", "threads", "verdict", "ratio", "low", "high", "reason")
    return {
        "suite": run.header.suite,
        "seed": run.header.seed,
        "machine": run.header.machine,
        "standings": [{**asdict(one), "total_ratio": one.total_ratio} for one in standings(timings)],
        "timings": [
            {
                **{key: getattr(record, key) for key in keys},
                "seconds": median(record.seconds) if record.seconds else None,
            }
            for record in timings
        ],
        "elapsed": run.footer.elapsed if run.footer else None,
        "complete": run.footer is not None,
        "exit_status": status,
    }


def _fault(record: Any) -> dict[str, Any]:
    keys = ("implementation", "spec", "level", "status", "dtype", "device", "sentence", "reason")
    found = {key: getattr(record, key) for key in keys}
    seen = record.counterexample
    return {**found, "problem": seen.problem if seen else "", "reproduce": seen.reproduce if seen else ""}


def compare(old: Run, new: Run, changes: list[Change], status: int) -> dict[str, Any]:
    """What changed between two runs."""
    return {
        "old": old.path,
        "new": new.path,
        "changes": [msgspec.to_builtins(change) for change in changes],
        "exit_status": status,
    }
