"""``convgauge list``."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from click.testing import CliRunner

from convgauge import registry
from convgauge.cli.list import command, content
from support.command_line import convgauge


def test_text_names_implementations_and_specs() -> None:
    process = convgauge("list", "--specs")
    assert process.returncode == 0
    assert "numpy_windows" in process.stdout
    assert "numpy_conv2d_input  numpy, im2col, computes grad_input, grade A" in process.stdout
    assert "padding.same" in process.stdout


def test_json_has_declarations() -> None:
    content = json.loads(convgauge("list", "--json").stdout)
    specs = {spec["id"]: spec for spec in content["specs"]}
    assert "numpy_windows" in {implementation["name"] for implementation in content["implementations"]}
    assert specs["padding.int"]["profile"] == "functional"
    assert specs["padding.int"]["sentence"] == "Padding p means (p, p)."
    assert content["frameworks"]["numpy"] is True


def test_the_supported_domain_is_shown(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "narrow.py").write_text(
        "from convgauge import implementation\n"
        "@implementation(framework='numpy', algorithm='direct', supports='groups == 1')\n"
        "def narrow(input, weight, bias=None): ...\n"
    )
    monkeypatch.setattr("convgauge.registry.known", lambda: {"narrow": registry.scan(tmp_path / "narrow.py")[0]})
    assert content()["implementations"][0]["supports"] == "groups == 1"
    result = CliRunner().invoke(command)
    assert "supports groups == 1" in result.output


def test_no_color_has_precedence_over_forced_colour() -> None:
    """https://no-color.org."""
    assert "\x1b[3" not in convgauge("list", NO_COLOR="1", FORCE_COLOR="1").stdout


def test_a_reader_that_closes_the_pipe_gets_no_traceback() -> None:
    import subprocess
    import sys

    command = f"{sys.executable} -m convgauge list --specs | head -1"
    process = subprocess.run(["sh", "-c", command], capture_output=True, text=True, check=False)
    assert process.stdout.count("\n") == 1
    assert "Traceback" not in process.stderr
