"""Refusals across the process boundary: the classes that the user lists reach the worker."""

from __future__ import annotations

import sys
from pathlib import Path

import numpy as np
import pytest

from convgauge.process.by_width import start_subject
from convgauge.process.runner import Limits
from convgauge.registry import resolve
from convgauge.worker.call import Call

KERNELS = """
from parts import checks


def fails(input, weight, bias=None, stride=1, padding=0, dilation=1, groups=1):
    return int("one")


def refuses(input, weight, bias=None, stride=1, padding=0, dilation=1, groups=1):
    checks.one_group(2)
"""
CHECKS = 'def one_group(groups):\n    assert groups == 1, "one group only"\n'


@pytest.mark.parametrize("isolated", [True, False], ids=["in a process", "in this process"])
@pytest.mark.parametrize(
    ("name", "refusals", "kind"),
    [("fails", (), "raised"), ("fails", ("KeyError", "ValueError"), "refused"), ("refuses", (), "refused")],
)
def test_listed_classes_and_the_folder_of_the_file_make_refusals(
    isolated: bool, name: str, refusals: tuple[str, ...], kind: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.syspath_prepend(tmp_path)  # restores the path, which loading a file extends
    for module in ("parts", "parts.checks"):
        monkeypatch.delitem(sys.modules, module, raising=False)
    (tmp_path / "parts").mkdir()
    (tmp_path / "parts/checks.py").write_text(CHECKS)
    (tmp_path / f"kernels_{isolated}.py").write_text(KERNELS)
    (origin,) = resolve(f"{tmp_path}/kernels_{isolated}.py:{name}", "numpy")
    subject = start_subject(origin, Limits(), isolated=isolated, refusals=refusals)
    try:
        subject.wait_ready()
        call = Call(np.ones((1, 1, 2, 2), np.float32), np.ones((1, 1, 1, 1), np.float32), None, {})
        observation = subject.observe(call)
    finally:
        subject.close()
    assert observation.kind == kind
    if name == "refuses":
        assert observation.message == "one group only (checks.py:2)"
