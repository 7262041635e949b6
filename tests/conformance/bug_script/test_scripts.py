"""Tests of the scripts of bug reports: every kind of failure has one that fails, and that passes for a right kernel."""

from __future__ import annotations

import re
import sys
from dataclasses import replace
from pathlib import Path

import pytest

from convgauge.cli.entry_point import main
from convgauge.conformance.bug_script.failure import Failure, NoScriptError
from convgauge.conformance.bug_script.text import MAX_LINES, kernel_lines, scripts
from convgauge.conformance.bug_script.writing import write_script
from convgauge.conformance.reproduce import reproduce, reproduce_specs
from convgauge.registry import Origin, is_installed, resolve
from convgauge.request import CheckRequest
from convgauge.terms import ExitStatus

FOLDER = Path(__file__).parent
KERNELS = FOLDER / "faulty_kernels.py"
RIGHT = {
    "numpy": f"{KERNELS}:right",
    "torch": "torch.nn.functional:conv2d",
    "jax": f"{FOLDER / 'faulty_jax_kernels.py'}:right",
}

SMALL = "n1c1h3w3_o1k1x2_s1x1_p0x1_d1x1_g1_b_float32"
LARGE = "n1c3h9w20_o4k3x3_s1x2_p1x1_d1x1_g1_b_float32;seed=1"


def failures_of(
    name: str, case: str, spec: str = "", framework: str = "numpy", after: tuple[str, ...] = ()
) -> list[Failure]:
    """Return the failures of a kernel of this folder on a case, judged in a process of its own."""
    file = {"numpy": "faulty_kernels.py", "torch": "faulty_torch_kernels.py", "jax": "faulty_jax_kernels.py"}[framework]
    specs = (spec,) if spec else ()
    request = CheckRequest(
        (f"{file}:{name}",), case=case, specs=specs, devices=("cpu",), profile="training", after=after
    )
    failures: list[Failure] = []
    (reproduce_specs if spec else reproduce)(request, failures.append)
    return failures


def assert_right_kernel_is_accepted(text: str, framework: str) -> None:
    """Assert that a script passes in this process, for a right kernel in the place of the faulty one."""
    target = RIGHT[framework]
    lines = "\n".join(kernel_lines(resolve(target, framework)[0], target))
    start = "import importlib.util\nimport sys\n"
    head, _, body = text.partition("sys.path.append(")
    body = re.sub(r"^.*?\nkernel = module\.\w+\n", lambda _: f"{lines}\n", f"sys.path.append({body}", flags=re.S)
    assert start in head
    exec(compile(head + body, "report.py", "exec"), {"__name__": "__main__"})


@pytest.fixture(autouse=True)
def _in_folder(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(FOLDER)
    monkeypatch.setattr(sys, "path", [*sys.path])  # the scripts append to it


@pytest.mark.parametrize(
    ("name", "case", "spec", "kind", "message"),
    [
        ("flipped", SMALL, "", "values", "are wrong; at [0, 0, 0, 0]"),
        ("flipped", LARGE, "", "values", " are wrong; at ["),
        ("tail_lost", "n1c1h1w18_o1k1x1_s1x1_p0x0_d1x1_g1_float32", "", "values", "at [0, 0, 0, 16]"),
        ("tail_lost", "n1c8h9w40_o8k3x3_s1x1_p1x1_d1x1_g2_b_float32", "", "values", " are wrong; at ["),
        ("flipped", "n1c1h1w3_o1k1x2_s1x1_p0x0_d1x1_g1_int8", "", "values", " are wrong; at ["),
        ("flipped", "n1c4h9w20_o4k3x3_s1x2_p1x1_d2x1_g2_int16", "", "values", " are wrong; at ["),
        ("flipped", "n1c1h1w3_o1k1x2_s1x1_p0x0_d1x1_g1_complex64", "", "values", " are wrong; at ["),
        ("one_shape", SMALL, "", "shape", "shape (1, 1, 1, 1), expected (1, 1, 3, 4)"),
        ("widened", SMALL, "", "dtype", "dtype complex64, expected float32"),
        ("listed", SMALL, "", "type", "returned <class 'list'>, not np.ndarray"),
        ("raising", SMALL, "", "raised", "a valid call raised KeyError: 9"),
        ("cleaned", "n1c1h3w3_o1k1x1_s1x1_p0x0_d1x1_g1_float32", "special.nan.input", "values", "0.0, not nan"),
        ("halved", f"{SMALL};operands=gaussian", "", "accuracy", " are wrong; at ["),
        ("halved", f"{LARGE};operands=gaussian", "", "accuracy", " are wrong; at ["),
        ("zeroing", SMALL, "", "side_effect", "wrote to the input's memory"),
        ("one_buffer", SMALL, "behaviour.fresh_output", "aliased", "shares memory with an earlier output"),
        ("unstrided", f"{SMALL};layouts=fortran,contiguous,contiguous", "", "values", " are wrong; at ["),
        ("careless", f"{SMALL};invalid_call=more_channels", "", "answered_invalid", "one channel more than"),
    ],
)
def test_a_script_fails_for_the_kernel_alone(
    name: str, case: str, spec: str, kind: str, message: str, tmp_path: Path
) -> None:
    _assert_script_shows(failures_of(name, case, spec)[0], kind, message, tmp_path)


def _assert_script_shows(failure: Failure, kind: str, message: str, folder: Path) -> str:
    """Assert that a short script fails for the kernel, and passes for a right one; return it."""
    assert failure.fault.kind == kind
    line = write_script(failure, folder / "report.py")
    assert message in line
    text = (folder / "report.py").read_text()
    _, _, body = text.split('"""')
    assert text.count("\n") <= MAX_LINES
    assert max(map(len, body.splitlines())) <= 120
    assert "convgauge" not in body
    assert_right_kernel_is_accepted(text, failure.framework)
    return text


@pytest.mark.isa
@pytest.mark.skipif(not is_installed("torch"), reason="torch is not installed")
@pytest.mark.parametrize(
    ("name", "case", "spec", "kind", "message"),
    [
        ("flipped", "n1c1h3w3_o1k1x2_s1x1_p0x1_d1x1_g1_b_bfloat16", "", "values", "are wrong; at ["),
        ("flipped", "n1c4h9w20_o4k3x3_s1x2_p1x1_d2x1_g2_float16", "", "values", "are wrong; at ["),
        ("flipped", f"{SMALL};layouts=sliced,channels_last,offset", "", "values", "are wrong; at ["),
        ("half_gradient", SMALL, "training.gradient", "gradient", "are wrong; at ["),
        ("detached", SMALL, "training.gradient", "graph", "there is no gradient by the weight"),
        ("sharing", "n1c1h3w3_o1k1x1_s1x1_p0x0_d1x1_g1_float32", "", "side_effect", "wrote to the input's memory"),
        ("no_grad", SMALL, "behaviour.state", "global_state", "changed torch's gradient mode"),
    ],
)
def test_a_script_of_torch_fails(name: str, case: str, spec: str, kind: str, message: str, tmp_path: Path) -> None:
    text = _assert_script_shows(failures_of(name, case, spec, "torch")[0], kind, message, tmp_path)
    assert "import torch" in text


@pytest.mark.skipif(not is_installed("jax"), reason="jax is not installed")
@pytest.mark.parametrize(
    "case",
    [
        "n1c1h3w3_o1k1x2_s1x1_p0x1_d1x1_g1_b_float32",
        "n1c1h3w3_o1k1x2_s1x1_p0x1_d1x1_g1_b_bfloat16",
        "n1c4h9w20_o4k3x3_s1x2_p1x1_d2x1_g2_float32",
    ],
)
def test_a_script_of_jax_fails(case: str, tmp_path: Path) -> None:
    text = _assert_script_shows(failures_of("flipped", case, "", "jax")[0], "values", "are wrong; at [", tmp_path)
    assert "jax_enable_x64" not in text  # of no dtype of these cases


@pytest.mark.parametrize(
    ("name", "case", "spec", "reason"),
    [
        ("ending", SMALL, "", "its process ends"),
        ("cleaned", "n1c4h9w20_o4k3x3_s1x1_p0x0_d1x1_g1_float32", "special.nan.input", "special values"),
        ("counted", SMALL, "", "it passes"),
        ("narrow", SMALL.replace("_b", "").replace("p0x1", "p0x0"), "", "its calls are adapted"),
    ],
)
def test_a_failure_without_a_script_is_explained(
    name: str, case: str, spec: str, reason: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    failures = failures_of(name, case, spec)
    if name == "counted":  # it fails in every third call
        failures = [replace(failures_of("flipped", case)[0], origin=origin_of("right"), target=f"{KERNELS.name}:right")]
    with pytest.raises(NoScriptError, match=reason):
        write_script(failures[0], tmp_path / "report.py")
    assert not (tmp_path / "report.py").exists()


def origin_of(name: str) -> Origin:
    return resolve(f"{KERNELS.name}:{name}", "numpy")[0]


def test_a_changed_argument_is_shown(tmp_path: Path) -> None:
    case = f"{SMALL};stride:[1, 1]"
    _assert_script_shows(failures_of("popping", case)[0], "side_effect", "changed a list among the arguments", tmp_path)


def test_equal_calls_that_differ_are_shown(tmp_path: Path) -> None:
    failure = failures_of("flipped", SMALL)[0]
    unstable = replace(
        failure, origin=origin_of("counted"), target=f"{KERNELS.name}:counted",
        fault=replace(failure.fault, kind="unstable"),
    )  # fmt: skip
    _assert_script_shows(unstable, "unstable", "equal calls give other bits: calls [2, 5, ", tmp_path)


def test_calls_that_are_made_before_are_part_of_the_script(tmp_path: Path) -> None:
    failure = failures_of("flipped", SMALL)[0]
    earlier = replace(failure.call, weight=failure.call.weight + 1)
    state = replace(failure, origin=origin_of("remembering"), target=f"{KERNELS.name}:remembering")
    with pytest.raises(NoScriptError, match="it passes"):
        write_script(state, tmp_path / "report.py")
    text = _assert_script_shows(replace(state, before=[(earlier, 2)]), "values", "are wrong; at [", tmp_path)
    assert "for _ in range(2): kernel(" in text


def test_a_reproduction_after_other_calls_has_a_script(tmp_path: Path) -> None:
    case = SMALL.replace("h3", "h4")
    failures = failures_of("remembering", f"{case};seed=1", after=(SMALL, f"definition.cross_correlation@{SMALL}"))
    text = _assert_script_shows(failures[0], "values", "are wrong; at [", tmp_path)
    assert text.count("kernel(") >= 2


def test_a_case_that_passes_is_not_written(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    words = ["reproduce", f"{KERNELS.name}:right", SMALL, "--script", str(tmp_path / "report.py")]
    assert main(words) == ExitStatus.USAGE_ERROR
    assert "no case fails" in capsys.readouterr().err
    assert not (tmp_path / "report.py").exists()


def test_the_command_line_writes_a_script(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    words = ["reproduce", f"{KERNELS.name}:flipped", SMALL, "--script", str(tmp_path / "report.py")]
    assert main(words) == ExitStatus.NOT_REACHED
    assert "report.py; it fails today: AssertionError: " in capsys.readouterr().out
    assert f'spec_from_file_location("faulty_kernels", "{KERNELS.name}")' in (tmp_path / "report.py").read_text()


def test_a_module_is_imported_by_its_name() -> None:
    failure = failures_of("flipped", SMALL)[0]
    origin = resolve("torch.nn.functional:conv2d", "torch")[0]
    text = next(scripts(replace(failure, origin=origin, target="torch.nn.functional:conv2d")))
    assert "from torch.nn.functional import conv2d as kernel\n" in text
