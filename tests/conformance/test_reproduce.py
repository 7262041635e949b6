"""Tests of the reproduction of one case: its output, and the report of a fault."""

from __future__ import annotations

from pathlib import Path

import pytest

from convgauge.conformance.reproduce import reproduce, reproduce_specs
from convgauge.problem import ProblemError
from convgauge.request import CheckRequest, RequestError

PROBLEM = "n1c2h5w6_o3k3x2_s1x1_p1x0_d1x1_g1_b_float32"
KERNEL = '''
from convgauge.registry import load, resolve

RIGHT = load(resolve("numpy_windows", "")[0])


def wrong(input, weight, bias=None, stride=1, padding=0, dilation=1, groups=1):
    """One output is wrong."""
    output = RIGHT(input, weight, bias, stride=stride, padding=padding, dilation=dilation, groups=groups)
    output[0, 1, 2, 3] += 0.5
    return output


def one_stride(input, weight, bias=None, stride=1, padding=0, dilation=1, groups=1):
    """The stride of the rows is that of the columns too."""
    return RIGHT(input, weight, bias, stride[0], padding, dilation, groups)


def refused(input, weight, bias=None, stride=1, padding=0, dilation=1, groups=1):
    """Nothing is supported."""
    raise NotImplementedError("no padding")


def asserts(input, weight, bias=None, stride=1, padding=0, dilation=1, groups=1):
    """Nothing is supported."""
    assert bias is None


_weights = {}


def caches(input, weight, bias=None, stride=1, padding=0, dilation=1, groups=1):
    """The first weight of a shape is used again."""
    weight = _weights.setdefault(weight.shape, weight.copy())
    return RIGHT(input, weight, bias, stride=stride, padding=padding, dilation=dilation, groups=groups)


def fails(input, weight, bias=None, stride=1, padding=0, dilation=1, groups=1):
    """No call succeeds."""
    return {}["output"]
'''


@pytest.fixture
def kernels(tmp_path: Path) -> Path:
    file = tmp_path / "kernels.py"
    file.write_text(KERNEL)
    return file


def run(target: str, case: str) -> int:
    request = CheckRequest(targets=(target,), case=case, framework="numpy", devices=("cpu",), isolation=False)
    return reproduce(request)


def test_exact_and_gaussian_operands_are_run_and_the_accuracy_is_printed(capsys: pytest.CaptureFixture[str]) -> None:
    assert run("numpy_windows", PROBLEM) == 0
    printed = capsys.readouterr().out
    assert printed.count("verdict   right") == 2
    assert "accuracy  grade A" in printed


def test_a_fault_is_printed_with_its_index_and_plane(kernels: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert run(f"{kernels}:wrong", f"{PROBLEM};operands=gaussian;seed=3") == 1
    printed = capsys.readouterr().out
    assert "verdict   failed: accuracy of grade F, where B is required" in printed
    assert "first at  (0, 1, 2, 3): got " in printed
    assert "  . . . # .\n" in printed


def test_a_case_with_an_invalid_call_is_called_as_such(kernels: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert run("numpy_windows", f"{PROBLEM};invalid_call=bias_longer") == 0
    printed = capsys.readouterr().out
    assert "bias   = np.array([1, 1, 1, 1], np.float32)" in printed
    assert "raised    ValueError: bias has 4 elements" in printed
    assert "verdict   refused, as is due" in printed


def test_what_the_kernel_raises_itself_is_due_on_an_invalid_call_and_no_fault_on_exotic_operands(
    kernels: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert run(f"{kernels}:asserts", f"{PROBLEM};invalid_call=bias_longer") == 0
    assert "verdict   refused, as is due" in capsys.readouterr().out
    assert run(f"{kernels}:fails", f"{PROBLEM};layouts=bigendian,contiguous,contiguous") == 0
    assert run(f"{kernels}:fails", PROBLEM) == 1


def test_a_refused_call_is_no_fault(kernels: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert run(f"{kernels}:refused", PROBLEM) == 0
    assert "refused   NotImplementedError: no padding" in capsys.readouterr().out


def run_as(spec: str, target: str, case: str) -> int:
    return reproduce_specs(
        CheckRequest((target,), case=case, specs=(spec,), framework="numpy", devices=("cpu",), isolation=False)
    )


def test_a_case_of_a_spec_is_shown_as_code(kernels: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert run_as("stride.pair", f"{kernels}:one_stride", "n1c1h1w3_o1k1x1_s1x2_p0x0_d1x1_g1_float32;seed=3") == 1
    assert capsys.readouterr().out.splitlines()[1:] == [
        "spec      stride.pair (required) in float32 on cpu",
        "          Stride (s, t) moves the window s rows down and t columns to the right.",
        "",
        "operands  exact, seed 3",
        "",
        "input  = np.array([[[[-21, 102, 163]]]], np.float32)",
        "weight = np.array([[[[-177]]]], np.float32)",
        "output = one_stride(input, weight, None, stride=(1, 2), padding=(0, 0), dilation=(1, 1), groups=1)",
        "",
        "got       [[[[3717, -18054, -28851]]]]",
        "expected  [[[[3717, -28851]]]]",
        "verdict   failed: the output's shape is (1, 1, 1, 3), not (1, 1, 1, 2)",
        "",
    ]


def test_a_case_that_is_not_of_the_spec_is_skipped(capsys: pytest.CaptureFixture[str]) -> None:
    assert run_as("laws.bias", "numpy_windows", PROBLEM.replace("_b_", "_")) == 5
    assert "skipped   it is not a case of this spec" in capsys.readouterr().out
    assert run_as("laws.bias", "numpy_windows", PROBLEM) == 0
    assert "verdict   right" in capsys.readouterr().out


def test_a_case_is_judged_only_by_the_steps_of_its_operands(capsys: pytest.CaptureFixture[str]) -> None:
    """behaviour.state judges exact operands exactly, and Gaussian ones by their error bound."""
    assert run_as("behaviour.state", "numpy_fft", f"{PROBLEM};operands=gaussian") == 0
    assert capsys.readouterr().out.count("verdict   right") == 1


def test_an_unknown_spec_is_an_error() -> None:
    with pytest.raises(RequestError, match=r"no spec has the id 'stride.pear': did you mean stride.pair"):
        run_as("stride.pear", "numpy_windows", PROBLEM)


@pytest.mark.parametrize("specs", [(), ("padding.pair",)])
def test_earlier_calls_are_made_and_shown_before_the_case(
    kernels: Path, capsys: pytest.CaptureFixture[str], specs: tuple[str, ...]
) -> None:
    def run_after(*after: str) -> int:
        request = CheckRequest(
            (f"{kernels}:caches",), case=f"{PROBLEM};seed=1", specs=specs, framework="numpy", devices=("cpu",),
            after=after,
        )  # fmt: skip
        return reproduce_specs(request) if specs else reproduce(request)

    if specs:
        assert run_after() == 0
    capsys.readouterr()
    assert run_after(f"2*{PROBLEM};seed=2", f"bias.large@{PROBLEM};seed=2") == 1
    printed = capsys.readouterr().out
    assert f"before    call 1 of 2, 2 times: {PROBLEM};seed=2\n" in printed
    assert "outcome   an output of shape (1, 3, 5, 5)" in printed
    assert f"before    call 2 of 2: {PROBLEM};seed=2\n          as bias.large makes it" in printed
    assert printed.index("call 2 of 2") < printed.index("verdict   failed")


def test_an_earlier_call_that_cannot_be_read_is_an_error() -> None:
    request = CheckRequest(("numpy_windows",), case=PROBLEM, specs=("stride.pair",), after=("no.spec@" + PROBLEM,))
    with pytest.raises(ProblemError, match=r"no spec has the id 'no.spec'"):
        reproduce_specs(request)
