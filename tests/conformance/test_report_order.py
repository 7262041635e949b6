"""Order of the reports of failing specs."""

from __future__ import annotations

from pathlib import Path

from convgauge.conformance.report_order import COMBINING_CHAPTERS, report_order
from support.paths import ROOT
from support.records import example, spec

PADDED = "n1c1h1w1_o1k1x1_s1x1_p0x1_d1x1_g1_float32"
LARGE = "n1c1h4w4_o1k3x3_s2x2_p1x1_d1x1_g1_float32"


def test_the_most_informative_report_comes_first() -> None:
    records = [
        spec(id="padding.pair", status="failed", counterexample=example(PADDED)),
        spec(id="stride.pair", chapter="stride", status="failed", counterexample=example(LARGE)),
        spec(id="covering.pairs", chapter="covering", status="failed", counterexample=example(PADDED)),
        spec(id="accuracy.wide", chapter="accuracy", status="failed", counterexample=example(PADDED, operands="wide")),
        spec(id="bias.crash", status="crashed"),
        spec(id="errors.stride", status="answered_invalid", counterexample=example(PADDED)),
        spec(id="arguments.by_position", level="recommended", status="failed", counterexample=example(PADDED)),
    ]
    backwards = records[::-1]
    assert sorted(backwards, key=report_order) == records


def test_chapters_of_combinations_exist() -> None:
    chapters = {path.stem.removeprefix("test_") for path in Path(ROOT / "conformance").glob("test_*.py")}
    assert set(COMBINING_CHAPTERS) <= chapters
