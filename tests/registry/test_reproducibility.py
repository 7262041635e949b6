"""Declaration of the axes of reproducibility."""

from __future__ import annotations

from pathlib import Path

import pytest

from convgauge.registry import AXES, TargetError, UnknownAxisError, axes_of, implementation, scan


def test_axes_are_returned_once_and_in_order() -> None:
    assert axes_of(("threads", "batch", "threads")) == ("batch", "threads")
    assert axes_of("run") == ("run",)
    assert axes_of(AXES) == tuple(AXES)


def test_an_unknown_axis_is_an_error() -> None:
    with pytest.raises(UnknownAxisError, match="'weather' is not one of run"):
        axes_of(("weather",))


def test_a_declaration_has_its_axes() -> None:
    @implementation(framework="numpy", algorithm="direct", reproducible=("batch",))
    def kernel(input: object, weight: object) -> None: ...

    assert kernel.declaration.reproducible == ("batch",)


def test_an_unknown_axis_in_a_file_is_an_error_that_names_its_line(tmp_path: Path) -> None:
    path = tmp_path / "kernel.py"
    text = "@implementation(framework='numpy', algorithm='direct', reproducible=('weather',))\ndef kernel(): ...\n"
    path.write_text(text)
    with pytest.raises(TargetError, match=r"kernel\.py, line 1: kernel: reproducible: 'weather' is not one of"):
        scan(path)
