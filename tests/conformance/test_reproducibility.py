"""Reproducibility: further calls, bits that are compared, and what a declaration requires."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from convgauge import registry
from convgauge.bundled import bundled
from convgauge.conformance import Case, Judge, Spec
from convgauge.conformance.cases import problems
from convgauge.conformance.reproducibility import Variants, crops, difference, has_crops, parts_of_batch, repetitions
from convgauge.conformance.setting import Setting
from convgauge.conformance.suite import Suite
from convgauge.conformance.targets import Target
from convgauge.conformance.verdict import judgement, reproducibility
from convgauge.problem import Problem
from convgauge.reference import oracle
from convgauge.reference.operands import draw
from convgauge.request import CheckRequest, RequestError
from convgauge.results import SpecRecord
from convgauge.worker.call import Call, Observation
from support.fake_runner import FakeRunner, exact_output
from support.records import spec

BASE = Problem(batch=5, in_channels=2, height=9, width=10, out_channels=2, kernel=(3, 2), padding=(1, 1), bias=True)
TABLE = [
    *problems(BASE, stride=[(1, 1), (2, 3)], padding=[(0, 0), (1, 2), "valid"], dilation=[(1, 1), (2, 1)]),
    *problems(BASE, kernel=[(1, 1), (4, 4)], padding=["same"]),
]
MEASURED = Spec(
    "reproducible.batch", "measured", "kernel", "", "Equal.", "reproducible", ("float32",), ("float32",), axis="batch"
)
MUTANTS = bundled("mutants") / "reproducibility.py"


@pytest.mark.parametrize("problem", TABLE, ids=str)
@pytest.mark.parametrize("variants", [parts_of_batch, crops], ids=["batch", "crop"])
def test_a_part_of_the_output_is_the_output_of_a_part(problem: Problem, variants: Variants) -> None:
    case = Case(problem)
    operands = draw(problem)
    output = oracle.answer(problem, operands)
    compared = list(variants(case, operands))
    assert compared
    for variant in compared:
        further = oracle.answer(variant.case.problem, variant.operands)
        assert further.shape == variant.case.problem.output_shape
        assert difference(output, "", further, variant.part, variant.variant_part) is None
        assert output[variant.part].size


def test_an_image_of_one_output_has_no_crop() -> None:
    assert not has_crops(Case(BASE.replace(height=3, width=2, padding=(0, 0))))
    assert list(parts_of_batch(Case(BASE.replace(batch=1)), draw(BASE.replace(batch=1)))) == []


def test_a_difference_of_one_bit_is_located_in_the_whole_output() -> None:
    output = np.ones((4, 2, 3, 3), np.float32)
    further = output[2:3].copy()
    further[0, 1, 2, 0] = np.nextafter(np.float32(1), np.float32(2))
    part = (slice(2, 3), slice(None), slice(None), slice(None))
    fault = difference(output, "images 2 to 2 alone", further, part, (slice(None),) * 4)
    assert fault is not None
    assert (fault.index, fault.wrong, fault.outputs, fault.kind) == ((2, 1, 2, 0), 1, 18, "irreproducible")
    assert (fault.got, fault.expected) == ("0x1.0000020000000p+0", "0x1.0000000000000p+0")


def test_zeros_of_two_signs_differ() -> None:
    zero = np.zeros((1, 1, 1, 1), np.float32)
    fault = difference(zero, "", -zero, (slice(None),) * 4, (slice(None),) * 4)
    assert fault is not None
    assert (fault.got, fault.expected) == ("-0x0.0p+0", "0x0.0p+0")


def by_batch(call: Call) -> np.ndarray[Any, Any]:
    """Answer large batches with other bits."""
    output = exact_output(call)
    return np.nextafter(output, np.float32(9)) if len(call.input) > 2 else output


@pytest.mark.parametrize(("level", "status"), [("measured", "passed"), ("required", "failed")])
def test_a_difference_is_a_fault_if_it_is_declared(level: Any, status: str) -> None:
    declared = MEASURED.required_if(("batch",) if level == "required" else ("crop",))
    assert declared.level == level
    judge = Judge(declared, FakeRunner(by_batch), "float32", "cpu", Setting())
    judge.reproduces([BASE], parts_of_batch)
    assert judge.status() == status
    assert (judge.tally.comparisons, judge.tally.differences) == (2, 1)
    assert bool(judge.tally.notes) == (level == "measured")
    if level == "required":
        assert judge.counterexample is not None
        assert "batch 3" not in judge.counterexample.message
        assert Problem.parse(judge.counterexample.problem).batch == 3  # the smallest


def test_a_measured_call_without_output_shows_nothing() -> None:
    def fail(call: Call) -> Observation:
        return Observation("raised", error=("KeyError",), message="lost")

    judge = Judge(MEASURED, FakeRunner(fail), "float32", "cpu", Setting())
    judge.reproduces([BASE], repetitions)
    assert (judge.status(), judge.tally.comparisons, judge.tally.judged) == ("skipped", 0, 0)


def test_a_spec_is_measured_exactly_if_it_has_an_axis() -> None:
    from convgauge.conformance import spec as declare

    for level, axis in (("measured", ""), ("required", "batch"), ("measured", "weather")):
        with pytest.raises(ValueError, match="a measured spec has an axis"):
            declare("some.thing", level=level, axis=axis, source="")  # type: ignore[arg-type]


def test_the_verdict_joins_the_dtypes_of_an_axis() -> None:
    records = [
        spec(level="measured", axis="batch", comparisons=4, differences=0),
        spec(level="measured", axis="batch", dtype="float64", comparisons=4, differences=1),
        spec(level="measured", axis="run", comparisons=4, differences=0),
        spec(level="measured", axis="process", status="skipped"),
        spec(),
    ]
    expected = {"batch": "differs", "run": "same", "process": "unmeasured"}
    assert reproducibility(records) == expected
    assert judgement("a", records).reproducibility == expected


def test_measured_cases_alone_leave_an_implementation_unjudged() -> None:
    records = [spec(level="measured", axis="batch", comparisons=4, differences=4)]
    assert judgement("a", records).verdict == "unjudged"


def checked(name: str, spec_id: str, reproducible: tuple[str, ...] = ()) -> SpecRecord:
    """Return the record of one spec of a check of a mutant, for which a request declares some axes."""
    (origin,) = registry.resolve(f"{MUTANTS}:{name}")
    request = CheckRequest(tier="quick", specs=(spec_id,), jobs=1)
    with Suite(request, [Target(origin, required_axes=reproducible)]) as suite:
        suite.load()
        (result,) = suite.results(suite.tasks())
    return result.record


def test_a_declared_axis_fails_with_the_smallest_case() -> None:
    record = checked("vectors_by_width", "reproducible.crop")
    assert (record.level, record.status, record.axis) == ("required", "failed", "crop")
    assert record.counterexample is not None
    assert record.counterexample.got.lstrip("-").startswith("0x")
    assert record.counterexample.index
    assert "--spec reproducible.crop" in record.counterexample.reproduce
    problem = Problem.parse(record.counterexample.problem)
    assert (problem.batch, problem.groups, problem.stride, problem.bias) == (1, 1, (1, 1), False)


def test_an_axis_that_is_not_declared_is_measured() -> None:
    record = checked("vectors_by_width", "reproducible.batch")
    assert (record.level, record.status) == ("measured", "passed")
    assert record.comparisons >= 10
    assert bool(record.note) == (record.differences > 0)


def test_a_request_can_require_an_axis() -> None:
    record = checked("blocks_by_batch", "reproducible.run", ("run",))
    assert (record.level, record.status) == ("required", "passed")
    record = checked("blocks_by_batch", "reproducible.process", ("process",))
    assert (record.level, record.status, record.comparisons) == ("required", "passed", 5)


def test_an_unknown_axis_is_an_error_that_lists_the_axes() -> None:
    with pytest.raises(RequestError, match=r"reproducible: 'weather' is not one of run, batch, crop"):
        CheckRequest(("a",), reproducible=("weather",))
