"""Tests of the evidence: cases that are too large for a diagnosis are counted and not kept."""

from __future__ import annotations

import numpy as np
import pytest

from convgauge.conformance import Judge, Spec
from convgauge.conformance.evidence import Evidence
from convgauge.conformance.setting import Setting
from convgauge.diagnosis.plan import MAX_PRODUCTS
from convgauge.problem import Problem
from convgauge.worker.call import Call
from support.fake_runner import FakeRunner, exact_output

SPEC = Spec("some.thing", "required", "kernel", "", "Something is so.", "some", ("float32",), ("float32",))
SMALL = Problem(batch=1, in_channels=2, height=6, width=7, out_channels=3, kernel=(3, 3), padding=(1, 1))
LARGE = SMALL.replace(in_channels=64, out_channels=64, height=11, width=11)


def exchanged(call: Call) -> np.ndarray[tuple[int, ...], np.dtype[np.float32]]:
    """Return the output with its channels exchanged."""
    return np.ascontiguousarray(exact_output(call)[:, ::-1])


@pytest.mark.parametrize("problem", [SMALL, LARGE])
def test_failing_cases_that_are_too_large_are_counted_alone(problem: Problem) -> None:
    evidence = Evidence()
    judge = Judge(SPEC, FakeRunner(exchanged), "float32", "cpu", Setting(on_counted=evidence.add, minimizes=False))
    judge.exact([problem])
    (_, fault), *_ = judge.tally.faults
    assert (fault.kind, len(fault.index)) == ("values", 4)
    assert fault.got != fault.expected
    assert evidence.failed == 1
    is_predicted = problem.flops <= 2 * MAX_PRODUCTS
    assert len(evidence.samples()) == is_predicted
    assert [spec for spec, _ in evidence.large] == ([] if is_predicted else [SPEC.id])
