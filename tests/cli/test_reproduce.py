"""``convgauge reproduce``."""

from __future__ import annotations

from support.command_line import convgauge

PROBLEM = "n1c2h5w6_o3k3x2_s1x1_p0x0_d1x1_g1_b_float32"


def test_a_problem_is_run_and_printed() -> None:
    process = convgauge("reproduce", "numpy_windows", PROBLEM)
    assert process.returncode == 0, process.stdout + process.stderr
    assert "right" in process.stdout


def test_a_case_is_judged_as_a_spec_does() -> None:
    process = convgauge("reproduce", "numpy_windows", f"{PROBLEM};seed=8", "--spec", "padding.int", "--no-isolation")
    assert process.returncode == 0, process.stdout + process.stderr
    assert "verdict   right" in process.stdout


def test_an_unknown_spec_is_one_sentence() -> None:
    process = convgauge("reproduce", "numpy_windows", PROBLEM, "--spec", "padding.pear")
    assert process.returncode == 4
    assert process.stderr.startswith("convgauge: no spec has the id 'padding.pear': did you mean ")
