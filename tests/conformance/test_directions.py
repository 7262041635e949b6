"""Implementations that compute a gradient: their cases, their verdicts, the causes of their failures."""

from __future__ import annotations

import shlex
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

from convgauge import results
from convgauge.conformance.cases import Case
from convgauge.conformance.collection import collect_specs
from convgauge.conformance.directions import applies, in_direction
from convgauge.problem import Problem
from convgauge.results import CauseRecord, Judgement, Run
from support.paths import SUPPORT

pytestmark = pytest.mark.once
KERNELS = SUPPORT / "gradient_kernels.py"
BIASED = Problem.parse("n2c3h7w9_o4k3x2_s1x1_psame_d1x1_g1_b_float32")


def test_a_case_of_a_gradient_has_no_bias_and_no_words() -> None:
    odd = Case(BIASED.replace(kernel=(3, 3)), arguments=(("padding", "same"), ("stride", 1)))
    changed = in_direction(odd, "grad_input")
    assert changed is not None
    assert changed.problem.text == "n2c3h7w9_o4k3x3_s1x1_p1x1_d1x1_g1_float32_grad_input"
    assert changed.arguments == (("stride", 1),)
    assert in_direction(changed, "grad_input") is changed
    assert Case.parse(str(changed)) == changed


def test_padding_of_unequal_sides_has_no_gradient() -> None:
    assert in_direction(Case(BIASED), "grad_weight") is None
    assert in_direction(Case(BIASED), "forward") == Case(BIASED)


def test_chapters_about_outputs_do_not_apply_to_gradients() -> None:
    specs = {spec.id: spec for spec, _ in collect_specs()}
    assert applies(specs["stride.pair"], "grad_input")
    assert not applies(specs["errors.stride"], "grad_weight")
    assert not applies(specs["accuracy.bias"], "grad_weight")
    assert applies(specs["computed.empty"], "grad_weight")
    assert not applies(specs["computed.empty"], "forward")


def check(name: str, keyword: str, tmp_path: Path) -> Run:
    """Return the run of a check of one kernel."""
    file = tmp_path / "run.jsonl"
    command = ["check", f"{KERNELS}:{name}", "-k", keyword, "--tier", "quick", "-q", "--output", str(file)]
    subprocess.run([sys.executable, "-m", "convgauge", *command], capture_output=True, check=False, timeout=240)
    return results.read(file)


def verdict(run: Run) -> Judgement:
    assert run.footer is not None
    return next(iter(run.footer.verdicts.values()))


def causes(run: Run) -> list[CauseRecord]:
    return [record for record in run.records if isinstance(record, CauseRecord)]


@pytest.mark.parametrize("name", ["grad_input", "grad_weight"])
def test_a_right_gradient_is_right(name: str, tmp_path: Path) -> None:
    run = check(name, "stride.pair or dilation.pair or groups.blocks or accuracy.gaussian or layout.offset", tmp_path)
    assert (verdict(run).verdict, verdict(run).grade) == ("partial", "A")
    assert "groups" in str(verdict(run).limits)
    assert not causes(run)


@pytest.mark.parametrize(
    ("name", "sentence"),
    [
        ("grad_input_unflipped", "gradient of the input: the kernel is not flipped"),
        ("grad_weight_of_first_image", "gradient of the weight: the first image's alone, not the sum over the batch"),
    ],
)
def test_the_cause_of_a_wrong_gradient_is_named(name: str, sentence: str, tmp_path: Path) -> None:
    run = check(name, "stride.pair or definition", tmp_path)
    assert verdict(run).verdict == "wrong"
    assert [cause.sentence for cause in causes(run)] == [sentence]


def test_a_gradient_of_sizes_that_are_numbers_is_adapted(tmp_path: Path) -> None:
    run = check("grad_input_of_numbers", "padding.pair or padding.int or padding.with_stride", tmp_path)
    assert verdict(run).verdict == "partial"


def test_a_counterexample_of_a_gradient_fails_again_as_a_script(tmp_path: Path) -> None:
    (cause,) = causes(check("grad_input_unflipped", "definition.cross_correlation", tmp_path))
    script = tmp_path / "bug.py"
    words = shlex.split(cause.reproduce)[1:]
    command = [sys.executable, "-m", "convgauge", *words, "--script", str(script)]
    again = subprocess.run(command, capture_output=True, text=True, check=False, timeout=120)
    assert again.returncode == 1, again.stdout + again.stderr
    assert "grad_output=grad_output" in script.read_text()
    alone = subprocess.run([sys.executable, str(script)], capture_output=True, text=True, check=False, timeout=60)
    assert alone.returncode == 1
    assert "AssertionError" in alone.stderr


def test_directions_are_part_of_a_problems_text() -> None:
    problem = Problem.parse("n2c4h6w7_o6k3x2_s2x1_p1x0_d1x2_g2_float32_grad_weight")
    assert problem.input_shape == (2, 4, 6, 7)
    assert problem.weight_shape == (2, 6, *problem.output_size)
    assert problem.output_shape == (6, 2, 3, 2)
    assert problem.reduction == 2 * np.prod(problem.output_size)
    assert problem.flops == problem.forward.flops
