"""Records of a run with plausible fields, of which a test names only those that matter to it."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import msgspec

from convgauge import results
from convgauge.environment import Machine
from convgauge.results import (
    CauseRecord,
    Counterexample,
    Footer,
    Header,
    Judgement,
    Record,
    Run,
    SpecRecord,
    TimingRecord,
)
from convgauge.terms import Grade, RaceVerdict, Status, Verdict
from support import synthetic_runs

_HEADER = Header(results.SCHEMA, "0", Machine("P", 2, 8, "L", "x"), {"python": "3"}, 1)


def header(**changes: Any) -> Header:
    """Return a header."""
    return msgspec.structs.replace(_HEADER, **changes)


def spec(name: str = "a", id: str = "padding.same", status: Status = "passed", **changes: Any) -> SpecRecord:
    """Return the result of a spec."""
    record = SpecRecord(name, id, "required", status, 3, "float32", "cpu", chapter="padding")
    return msgspec.structs.replace(record, **changes)


def timing(
    name: str, problem: str, ratio: float | None, verdict: RaceVerdict, base: float = 1.0, **changes: Any
) -> TimingRecord:
    """Return a timing against ``base`` seconds of the baseline, unranked if there is no ratio."""
    record = TimingRecord(
        name, problem, [base * ratio] * 3 if ratio else [], ratio, ratio * 0.99 if ratio else None,
        ratio * 1.01 if ratio else None, verdict, "base", None, None, 100, "net", problem, noise=0.02,
    )  # fmt: skip
    return msgspec.structs.replace(record, **changes)


def run(*records: Record, footer: bool = True, path: str = "run.jsonl", **changes: Any) -> Run:
    """Return a run; ``changes`` are those of its header. Without ``footer`` it is incomplete."""
    by_name: dict[str, list[SpecRecord]] = {}
    for record in records:
        if isinstance(record, SpecRecord):
            by_name.setdefault(record.implementation, []).append(record)
    verdicts = {name: synthetic_runs.judgement(specs) for name, specs in by_name.items()}
    return Run(path, header(**changes), list(records), Footer(verdicts, 1.0, 3) if footer else None)


def judged(verdict: Verdict, grade: Grade = "A", **facts: Any) -> Run:
    """Return a run of one spec, in which implementation "a" has a verdict and facts beside it."""
    judgement = Judgement(verdict, grade, 3, 0, **facts)
    return msgspec.structs.replace(run(spec()), footer=Footer({"a": judgement}, 1.0, 3))


def write_run(path: Path, *records: Record, footer: Footer | None = None, **changes: Any) -> Path:
    """Write a run, which is incomplete without ``footer``; return its path."""
    writer = results.Writer(path, header(**changes))
    for record in (*records, *([footer] if footer else [])):
        writer.write(record)
    writer.close()
    return path


def cause(
    name: str = "a", mechanism: str = "padding_axes_swapped", specs: Sequence[str] = ("padding.same",), **changes: Any
) -> CauseRecord:
    """Return a cause of failing specs, with a counterexample unless the changes have another."""
    sentence = "padding: rows and columns are swapped"
    record = CauseRecord(
        name, mechanism, "swapped_axes", sentence, "padding differs by axis", "", list(specs), 9, example(),
        "convgauge reproduce mine …",
    )  # fmt: skip
    return msgspec.structs.replace(record, **changes)


def example(problem: str = "n1c1h1w1_o1k1x1_s1x1_p0x1_d1x1_g1_float32", **changes: Any) -> Counterexample:
    """Return a counterexample whose output has the wrong shape."""
    message = "the output's shape is (1, 1, 3, 1), not (1, 1, 1, 3)"
    record = Counterexample(
        problem, "exact", 7, message, "convgauge reproduce mine …", got="(1, 1, 3, 1)", expected="(1, 1, 1, 3)",
        kind="shape", outputs=3,
    )  # fmt: skip
    return msgspec.structs.replace(record, **changes)
