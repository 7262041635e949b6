"""Commands that print figures: they run and print their tables; the size of the figures is not tested."""

from __future__ import annotations

import subprocess
import sys

import pytest

from support.paths import ROOT

STUDIES = ROOT / "benchmarks" / "studies"


@pytest.mark.isa
@pytest.mark.once
def test_the_roofline_of_every_layer_of_a_set() -> None:
    pytest.importorskip("torch")
    words = ["--layers", "smoke", "--rounds", "1"]
    done = subprocess.run(
        [sys.executable, STUDIES / "roofline.py", *words], capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stderr
    lines = [line for line in done.stdout.splitlines() if "float32" in line]
    assert lines
    for line in lines:
        *_, milliseconds, rate, least, limit, products, whole = (cell.strip() for cell in line.strip("│").split("│"))
        assert limit in ("products", "memory")
        assert all(float(figure) > 0 for figure in (milliseconds, least, products, whole))
        assert float(rate) >= 0
    assert "geometric mean" in done.stdout
