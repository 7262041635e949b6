"""The specification in another project's tests."""

from __future__ import annotations

import re
import subprocess
import sys
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import Any

import pytest

from convgauge import testing
from convgauge.conformance.plugin import Nonconformity
from convgauge.request import CheckRequest

KERNEL = """
import numpy as np

def conv(input, weight, bias=None, stride=1, padding=0, dilation=1, groups=1):
    if groups != 1 or dilation not in (1, (1, 1)) or isinstance(padding, str) or input.ndim != 4:
        raise NotImplementedError("groups, dilation, padding by name")
    sh, sw = (stride, stride) if isinstance(stride, int) else stride
    ph, pw = (padding, padding) if isinstance(padding, int) else padding
    padded = np.pad(input, ((0, 0), (0, 0), (ph, ph), (pw, pw)))
    windows = np.lib.stride_tricks.sliding_window_view(padded, weight.shape[2:], axis=(2, 3))[:, :, ::sh, ::sw]
    output = np.einsum("nchwij,ocij->nohw", windows.astype(np.float64), weight.astype(np.float64))
    return (output if bias is None else output + bias[:, None, None]).astype(input.dtype)

def turned(*operands, **arguments):
    return conv(operands[0], operands[1][:, :, ::-1], *operands[2:], **arguments)
"""


def kernel_in(folder: Path, name: str) -> Callable[..., Any]:
    """Write the kernels to a file, and return one as if it were imported from there."""
    path = folder / "kernel.py"
    path.write_text(KERNEL)
    namespace: dict[str, Any] = {}
    exec(compile(KERNEL, str(path), "exec"), namespace)
    function: Callable[..., Any] = namespace[name]
    return function


def numbers(input: Any, weight: Any, bias: Any = None, **arguments: Any) -> int:
    return 0


@pytest.fixture
def few_specs(monkeypatch: pytest.MonkeyPatch) -> None:
    """Let `check_implementation` judge the specs of three chapters, which are the parameters of this kernel."""
    few = partial(CheckRequest, keyword="test_padding or test_groups or test_dilation", dtypes=("float32",))
    monkeypatch.setattr(testing, "CheckRequest", few)


def test_every_spec_is_a_test_of_the_project(tmp_path: Path) -> None:
    text = KERNEL + (
        "\nfrom convgauge.testing import parametrize_with_specs\n"
        "@parametrize_with_specs(conv, framework='numpy', profile='kernel')\n"
        "def test_conformance(spec):\n    spec()\n"
        "@parametrize_with_specs(turned, framework='numpy', profile='kernel')\n"
        "def test_fault(spec):\n    spec()\n"
    )
    (tmp_path / "test_kernel.py").write_text(text)
    words = ["--tb=line", "-rA", "-k", "float32 and (padding or definition)", "test_kernel.py"]
    run = [sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider", *words]
    output = subprocess.run(run, cwd=tmp_path, capture_output=True, text=True, check=False).stdout
    sound = [line for line in output.splitlines() if "test_conformance[" in line]
    assert any(line.startswith("PASSED") and "padding.pair" in line for line in sound), output
    assert not any(line.startswith("FAILED") for line in sound), output
    assert "FAILED test_kernel.py::test_fault[definition" in output
    end = output.rpartition("causes of failing specs")[2]
    assert "turned: wrong. " in end
    assert "conv: " not in end
    (left_out,) = re.findall(r"(\d+) deselected", output)
    assert int(left_out) > 100


REFUSED, LENIENT = "groups.many", "errors.rank.bias"


@pytest.mark.parametrize(
    ("require", "outcomes"),
    [
        ("correct", {REFUSED: "SKIPPED", LENIENT: "XFAIL"}),
        ("complete", {REFUSED: "FAILED", LENIENT: "XFAIL"}),
        ("conformant", {REFUSED: "FAILED", LENIENT: "FAILED"}),
    ],
)
def test_the_required_verdict_decides_which_tests_fail(tmp_path: Path, require: str, outcomes: dict[str, str]) -> None:
    (tmp_path / "test_kernel.py").write_text(
        f"{KERNEL}\nfrom convgauge.testing import parametrize_with_specs\n"
        f"@parametrize_with_specs(conv, framework='numpy', require={require!r})\n"
        "def test_conformance(spec):\n    spec()\n"
    )
    keyword = f"float32 and ({REFUSED} or {LENIENT} or padding.pair)"
    run = [
        sys.executable,
        "-m",
        "pytest",
        "-v",
        "-p",
        "no:cacheprovider",
        "--tb=short",
        "test_kernel.py",
        "-k",
        keyword,
    ]
    output = subprocess.run(run, cwd=tmp_path, capture_output=True, text=True, check=False).stdout
    for spec, outcome in {**outcomes, "padding.pair": "PASSED"}.items():
        assert f"[{spec}-float32] {outcome}" in output, output
    assert ("groups > 1 (NotImplementedError" in output) == (outcomes[REFUSED] == "FAILED")


@pytest.mark.usefixtures("few_specs")
def test_records_without_pytest(tmp_path: Path) -> None:
    records = testing.check_implementation(kernel_in(tmp_path, "turned"), framework="numpy", profile="kernel")
    failed = {record.spec for record in records if record.status == "failed"}
    assert "padding.pair" in failed
    assert records.judgement.verdict == "wrong"
    assert {spec for cause in records.causes for spec in cause.specs} <= {record.spec for record in records}
    assert all(record.cases or record.status in ("refused", "declined", "skipped") for record in records)


def test_an_expected_failure_is_data_of_the_callers() -> None:
    marks = testing.parametrize_with_specs(
        numbers, framework="numpy", expect={"padding.pair": "known"}, profile="kernel"
    )
    cases = {case.spec.id: case for case in marks.args[1]}
    with pytest.raises(pytest.xfail.Exception, match="known"):
        cases["padding.pair"]()
    with pytest.raises(Nonconformity, match="not a NumPy array"):
        cases["stride.pair"]()


@pytest.mark.parametrize(
    ("options", "complaint"),
    [
        ({"framework": "numpyy"}, "framework 'numpyy'"),
        ({"profile": "most"}, "profile 'most'"),
        ({"require": "perfect"}, "require 'perfect' is not one of correct, complete, conformant"),
        ({"expect": {"padding.pears": "a typo"}}, "no spec is called padding.pears"),
    ],
)
def test_a_wrong_option_is_one_sentence(options: dict[str, object], complaint: str) -> None:
    with pytest.raises(ValueError, match=complaint):
        testing.parametrize_with_specs(numbers, **options)  # type: ignore[arg-type]  # wrong on purpose


def test_a_function_that_no_other_process_can_find() -> None:
    with pytest.raises(ValueError, match="top of a file"):
        testing.check_implementation(lambda input, weight, bias=None, **rest: input)


@pytest.mark.usefixtures("few_specs")
def test_the_supported_domain_is_a_parameter(tmp_path: Path) -> None:
    records = testing.check_implementation(
        kernel_in(tmp_path, "conv"), framework="numpy", supports="groups == 1", profile="kernel"
    )
    declined = [reason for record in records for reason in record.refusals if "declared domain" in reason]
    assert set(declined) == {"outside the declared domain: groups == 1"}
    assert "errored" in {record.status for record in records}, "dilation is refused inside"


def test_a_domain_that_does_not_parse_is_a_value_error() -> None:
    with pytest.raises(ValueError, match="supports: `group` at column 1 is not a field"):
        testing.check_implementation(numbers, framework="numpy", supports="group == 1")
