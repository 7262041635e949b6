"""Times below what the machine can do are implausible."""

from __future__ import annotations

import math

import pytest

from convgauge.problem import Problem
from convgauge.race.floors import TOLERANCE, WINOGRAD_SAVING, Floors, possible_saving
from convgauge.race.workload import Workload
from convgauge.results import LimitRecord

DENSE = Problem.parse("n1c64h28w28_o64k3x3_s1x1_p1x1_d1x1_g1_float32")
POINTWISE = Problem.parse("n1c64h28w28_o64k1x1_s1x1_p0x0_d1x1_g1_float32")
DEPTHWISE = Problem.parse("n1c64h28w28_o64k3x3_s2x2_p1x1_d1x1_g64_float32")
FLOORS = Floors.of([
    LimitRecord("matmul", "float32", 1, 1e11, "FLOP/s"),
    LimitRecord("matmul", "float64", 1, 5e10, "FLOP/s"),
    LimitRecord("copy", "float32", 1, 1e10, "bytes/s"),
])  # fmt: skip


@pytest.mark.parametrize("problem", [POINTWISE, DEPTHWISE, POINTWISE.replace(dtype="float64")])
def test_a_time_in_which_the_products_cannot_be_computed(problem: Problem) -> None:
    least_s = problem.flops / FLOORS.flops_per_s[problem.dtype] / TOLERANCE
    assert "cannot have computed them" in FLOORS.violation(Workload(problem), 0.99 * least_s, "")
    assert FLOORS.violation(Workload(problem), 1.01 * least_s, "") == ""


def test_algorithms_with_fewer_products_have_lower_floors() -> None:
    least_s = DENSE.flops / FLOORS.flops_per_s["float32"] / TOLERANCE
    assert FLOORS.violation(Workload(DENSE), 0.99 * least_s, "im2col")
    assert not FLOORS.violation(Workload(DENSE), 0.99 * least_s, ""), "it may be Winograd's"
    assert FLOORS.violation(Workload(DENSE), 0.99 * least_s / WINOGRAD_SAVING, "")
    assert not FLOORS.violation(Workload(DENSE), 1e-9, "winograd_4x3")
    assert not FLOORS.violation(Workload(DENSE.replace(kernel=(7, 7), padding=(3, 3))), 1e-9, ""), "it may be an FFT"
    assert possible_saving(DENSE.replace(dilation=(2, 2)), "") == 1
    assert possible_saving(DENSE, "fft_tiled") == math.inf


def test_the_rate_of_the_baseline_is_possible_even_if_the_peak_was_measured_too_low() -> None:
    fast_s = POINTWISE.flops / 5e11
    assert FLOORS.violation(Workload(POINTWISE), fast_s, "")
    assert not FLOORS.violation(Workload(POINTWISE), fast_s, "", baseline_s=2 * fast_s)


def test_cold_operands_must_be_read() -> None:
    problem = DENSE.replace(batch=8, in_channels=1, out_channels=1)
    least_s = problem.least_bytes / 1e10 / TOLERANCE
    assert "reading its operands" in FLOORS.violation(Workload(problem), 0.99 * least_s, "fft", is_cold=True)
    assert FLOORS.violation(Workload(problem), 1.01 * least_s, "fft", is_cold=True) == ""
    assert FLOORS.violation(Workload(problem), 0.99 * least_s, "fft") == ""


def test_without_a_measured_limit_nothing_is_implausible() -> None:
    assert Floors().violation(Workload(POINTWISE), 1e-12, "", is_cold=True, baseline_s=1.0) == ""
