"""Tests of sensitivity: every case rejects wrong outputs, and one that accepts them is reported."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

from convgauge import cli, registry, results
from convgauge.conformance.cases import Case
from convgauge.conformance.judge import Judge, Setting
from convgauge.conformance.spec import Spec
from convgauge.conformance.wrong_outputs import CHANGES, wrong_outputs
from convgauge.problem import Problem
from convgauge.process.in_process import InProcessSubject
from convgauge.reference.compare import Fault
from convgauge.reference.operands import Operands
from convgauge.registry import is_installed, resolve
from convgauge.selftest import sensitivity
from convgauge.worker.call import Observation
from support import defects
from support.paths import SUPPORT

pytestmark = pytest.mark.once

needs_torch = pytest.mark.skipif(not is_installed("torch"), reason="torch is not installed")
SMALL = Problem(batch=1, in_channels=2, height=4, width=5, out_channels=3, kernel=(2, 2))


def judged(state: Callable[[Judge], object], with_wrong_outputs: bool = True) -> Judge:
    spec = Spec("some.thing", "required", "kernel", "", "Something is so.", "some", ("float32",), ("float32",))
    subject = InProcessSubject(resolve("numpy_windows", "")[0])
    judge = Judge(spec, subject, "float32", "cpu", Setting(wrong_outputs=with_wrong_outputs))
    state(judge)
    return judge


def test_no_case_of_the_quick_tier_accepts_a_wrong_output() -> None:
    result = sensitivity.measure("numpy_windows", "functional", "quick")
    assert result.insensitive == []
    assert result.failures == []
    assert result.cases > 5000
    assert result.wrong_outputs > 4 * result.cases


def unexplained(result: sensitivity.Sensitivity, conv2d: defects.Conv2d) -> list[str]:
    """Return the failures that are explained by no known defect that ``conv2d`` shows on this processor."""
    present = defects.present_defects(conv2d)
    return [
        str(failure)
        for failure in result.failures
        if not any(defect.explains(failure.spec_id, failure.dtype) for defect in present)
    ]


@pytest.mark.isa
@needs_torch
def test_no_case_of_the_torch_profile_accepts_a_wrong_output() -> None:
    import torch

    result = sensitivity.measure("torch_conv2d", "torch", "quick")
    assert result.insensitive == []
    assert unexplained(result, torch.conv2d) == []
    assert result.cases > 5000


PROCESSORS = SUPPORT / "bfloat16_processors.py"


@pytest.mark.isa
@needs_torch
@pytest.mark.parametrize(
    ("name", "defect"),
    [
        ("exact", None),
        ("flushes_subnormals", defects.flushes_bfloat16_subnormals),
        ("wrong_kernels", defects.has_wrong_bfloat16_kernels),
    ],
)
def test_the_known_defects_explain_what_other_processors_fail(
    name: str, defect: Callable[[defects.Conv2d], bool] | None
) -> None:
    conv2d = registry.load(*registry.resolve(f"{PROCESSORS}:{name}")).function
    assert defect is None or defect(conv2d)
    result = sensitivity.measure(f"{PROCESSORS}:{name}", "torch", "quick", ("bfloat16",))
    assert result.insensitive == []
    assert unexplained(result, conv2d) == []
    assert result.cases > 200  # of 280; a spec that fails stops after twelve faults
    assert (defect is None) == (result.failures == [])


def test_a_case_that_checks_nothing_is_vacuous() -> None:
    judge = judged(lambda judge: judge.satisfies([SMALL], lambda case, operands, observation: None))
    assert judge.status() == "vacuous"
    assert "accepts zeros" in judge.tally.faults[0][1].message


def test_a_case_that_checks_the_values_is_sensitive() -> None:
    judge = judged(lambda judge: judge.exact([SMALL, SMALL.replace(bias=True)]))
    assert judge.status() == "passed"
    assert judge.wrong_outputs >= 2 * 6


def test_a_tolerance_that_accepts_zeros_is_vacuous() -> None:
    def check(case: Case, operands: Operands, observation: Observation) -> Fault | None:
        assert observation.output is not None
        return None if np.abs(observation.output).max() < 1e30 else Fault("failed", "larger than expected")

    assert judged(lambda judge: judge.satisfies([Case(SMALL)], check)).status() == "vacuous"


def test_wrong_outputs_are_given_on_request_only() -> None:
    judge = judged(
        lambda judge: judge.satisfies([SMALL], lambda case, operands, observation: None), with_wrong_outputs=False
    )
    assert judge.status() == "passed"
    assert judge.wrong_outputs == 0


def test_wrong_outputs_differ_from_the_right_one() -> None:
    right = Observation("answer", np.arange(24, dtype=np.float32).reshape(1, 2, 3, 4), "float32")
    changed = dict(wrong_outputs(right, None))
    assert set(changed) == set(CHANGES)
    assert right.output is not None
    for wrong in changed.values():
        assert wrong.output is not None
        assert not np.array_equal(wrong.output, right.output)
    constant = Observation("answer", np.ones((1, 1, 2, 2), np.float32), "float32")
    assert set(dict(wrong_outputs(constant, None))) == {"zeros", "NaN everywhere"}
    assert "the answer of the previous call" in dict(
        wrong_outputs(constant, Observation("answer", np.zeros((1, 1, 2, 2))))
    )


def test_the_command_line_prints_the_counts(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(sensitivity, "measure", lambda *_: sensitivity.Sensitivity(2, 10, 60))
    assert sensitivity.show("numpy_windows", "functional", "quick") == 0
    assert "10 cases of 2 specs were given 60 wrong outputs at quick: no specs accepted one" in capsys.readouterr().out
    group = sensitivity.FaultGroup("some.thing", "float32", "…")
    for result in (
        sensitivity.Sensitivity(2, 10, 60, insensitive=[group]),
        sensitivity.Sensitivity(2, 10, 60, failures=[group]),
    ):
        monkeypatch.setattr(sensitivity, "measure", lambda *_, result=result: result)
        assert sensitivity.show("numpy_windows", "functional", "quick") == 1
        assert "some.thing in float32: …" in capsys.readouterr().out
    monkeypatch.setattr(sensitivity, "measure", lambda *_: sensitivity.Sensitivity())
    assert sensitivity.show("numpy_windows", "functional", "quick") == 5


UNDERSTATED = """
import numpy as np
from convgauge import implementation
from convgauge.arguments import resolve
from numpy.lib.stride_tricks import sliding_window_view

@implementation(framework="numpy", algorithm="direct", grade="{grade}")
def understated(input, weight, bias=None, stride=1, padding=0, dilation=1, groups=1):
    \"\"\"A direct sum.\"\"\"
    problem = resolve(input, weight, bias, stride, padding, dilation, groups)
    if groups != 1 or problem.dilation != (1, 1):
        raise NotImplementedError("groups and dilation")
    fields = sliding_window_view(np.pad(input, ((0, 0), (0, 0), *problem.pads)), problem.kernel, axis=(2, 3))
    fields = fields[:, :, :: problem.stride[0], :: problem.stride[1]]
    output = np.einsum("nchwij,ocij->nohw", fields, weight)
    return output if bias is None else output + bias[:, None, None]
"""


@pytest.mark.parametrize(("grade", "status"), [("A", "skipped"), ("B", "failed"), ("C", "failed")])
def test_a_declared_grade_that_is_too_low_is_a_fault(grade: str, status: str, tmp_path: Path) -> None:
    path, output = tmp_path / "mine.py", tmp_path / "run.jsonl"
    path.write_text(UNDERSTATED.format(grade=grade))
    words = ["check", str(path), "-k", "accuracy.contract", "--tier", "quick", "--output", str(output), "-q"]
    cli.main(words)
    (record,) = results.read(output).records_of(results.SpecRecord)
    assert record.status == status
    if status == "failed":
        assert f"grade {grade} is declared, and A is measured" in record.reason


def test_an_unknown_implementation_is_one_sentence(capsys: pytest.CaptureFixture[str]) -> None:
    assert sensitivity.show("no_such_implementation", "functional", "quick") == 4
    assert "no_such_implementation" in capsys.readouterr().err
