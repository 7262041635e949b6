"""Objects that `--json` prints: the result of a check, a race or a comparison, for other programs."""

from __future__ import annotations

import contextlib
import sys
from collections.abc import Callable
from dataclasses import asdict
from pathlib import Path
from statistics import median
from typing import Any

import msgspec

from convgauge.cli.temporary_output import R, temporary_output
from convgauge.conformance.example_sentence import example_sentence
from convgauge.race.standings import standings
from convgauge.report.diff import changes_between
from convgauge.results import CauseRecord, DamagedFileError, Run, SpecRecord, TimingRecord, read
from convgauge.terms import FAULTS, STRICTNESS_FAULTS


def encode(value: dict[str, Any]) -> str:
    """Return one JSON object on a line."""
    return msgspec.json.encode(value).decode()


def print_summary(request: R, execute: Callable[[R], int], summarize: Callable[[Run, int], dict[str, Any]]) -> int:
    """Execute a request and print the summary of its run as JSON; the text for people goes to standard error."""
    with temporary_output(request) as written:
        with contextlib.redirect_stdout(sys.stderr):
            status = execute(written)
        path = Path(getattr(written, "resume", "") or written.output)
        if not path.is_file():  # a device, or nothing has been written; the reason has been printed
            return status
        try:
            run = read(path)
        except (DamagedFileError, OSError):
            return status
    print(encode(summarize(run, status)))
    return status


def check(run: Run, status: int) -> dict[str, Any]:
    """Return the verdicts of a run and their causes, and every fault and answered invalid call with its command."""
    records = run.records_of(SpecRecord)
    return {
        "suite": run.header.suite,
        "profile": run.header.profile,
        "tier": run.header.tier,
        "seed": run.header.seed,
        "require": run.header.require,
        "verdicts": run.footer.verdicts if run.footer else {},
        "causes": [_cause(cause) for cause in run.records_of(CauseRecord)],
        "faults": [_fault(record) for record in records if record.status in FAULTS],
        "answered_invalid": [_fault(record) for record in records if record.status in STRICTNESS_FAULTS],
        "cases": run.footer.cases if run.footer else 0,
        "elapsed": run.footer.elapsed if run.footer else None,
        "complete": run.footer is not None,
        "exit_status": status,
    }


def bench(run: Run, status: int) -> dict[str, Any]:
    """Return the standings of a race, and every ratio with its interval."""
    timings = run.records_of(TimingRecord)
    keys = ("implementation", "problem", "layer", "count", "threads", "verdict", "ratio", "low", "high", "reason")
    return {
        "suite": run.header.suite,
        "seed": run.header.seed,
        "machine": run.header.machine,
        "standings": [{**asdict(each), "total_ratio": each.total_ratio} for each in standings(timings)],
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


def _cause(cause: CauseRecord) -> dict[str, Any]:
    """Return the fields of a cause, and its counterexample in a sentence."""
    fields = {key: value for key, value in msgspec.to_builtins(cause).items() if key != "type"}
    return {**fields, "smallest": example_sentence(cause.counterexample) if cause.counterexample else ""}


def _fault(record: SpecRecord) -> dict[str, Any]:
    keys = ("implementation", "spec", "level", "status", "dtype", "device", "sentence", "reason")
    fault = {key: getattr(record, key) for key in keys}
    example = record.counterexample
    return {**fault, "problem": example.problem if example else "", "reproduce": example.reproduce if example else ""}


def compare(old: Run, new: Run, status: int) -> dict[str, Any]:
    """Return the differences between two runs."""
    return {
        "old": old.path,
        "new": new.path,
        "changes": [msgspec.to_builtins(change) for change in changes_between(old, new)],
        "exit_status": status,
    }
