"""Order of failing specs, the most informative first: geometry before accuracy, one parameter before combinations."""

from __future__ import annotations

from convgauge.conformance.case_words import parameter_count
from convgauge.results import SpecRecord
from convgauge.terms import STRICTNESS_FAULTS

COMBINING_CHAPTERS = ("covering", "random", "sweep", "corpora", "applied", "adversarial", "laws", "behaviour")
"""Chapters whose specs vary several parameters at once, or whose cases depend on one another."""

UNKNOWN_COUNT = 99
"""Number of parameters of a spec without a counterexample: more than a problem has."""


def report_order(record: SpecRecord) -> tuple[bool, bool, bool, bool, int, int, str, str]:
    """Return a sorting key of failing specs.

    Required specs come before recommended ones, wrong answers before answered invalid calls, exact operands before
    others, specs on one parameter before combinations, and the plainest counterexamples first.
    """
    example = record.counterexample
    return (
        record.level != "required",
        record.status in STRICTNESS_FAULTS,
        example is None or example.operands != "exact" or example.kind == "accuracy",
        record.chapter in COMBINING_CHAPTERS,
        UNKNOWN_COUNT if example is None else parameter_count(example.problem),
        0 if example is None else example.outputs,
        record.spec,
        record.dtype,
    )
