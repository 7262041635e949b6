"""Tables of the fastest implementations: means per layer set, and the fastest per kind of layer."""

from __future__ import annotations

from typing import Any

import msgspec
import pytest

from convgauge import report
from convgauge.report import ranking
from convgauge.results import TimingRecord
from convgauge.terms import RaceVerdict
from support.records import run, timing

POINTWISE = "n1c8h9w9_o8k1x1_s1x1_p0x0_d1x1_g1_float32"
DEPTHWISE = "n1c8h9w9_o8k3x3_s1x1_p1x1_d1x1_g8_float32"
LARGE = "n1c8h40w40_o8k31x31_s1x1_p15x15_d1x1_g1_float32"


def timed(name: str, problem: str, ratio: float, layers: str = "set", **changes: Any) -> TimingRecord:
    verdict: RaceVerdict = "baseline" if name == "base" else "undecided"
    algorithm = "library" if name == "base" else "fft"
    record = timing(name, problem, ratio, verdict, 1e-3, layers=layers, algorithm=algorithm, peak_bytes=3 << 20)
    return msgspec.structs.replace(record, **changes)


def table(*timings: TimingRecord) -> str:
    return report.markdown([run(*timings)])


def test_every_layer_set_has_its_mean_and_memory_its_maximum() -> None:
    text = table(
        timed("base", POINTWISE, 1.0), timed("fast", POINTWISE, 0.5), timed("base", LARGE, 1.0, "other"),
        timed("fast", LARGE, 0.125, "other", peak_bytes=5 << 20),
    )  # fmt: skip
    (row,) = [line for line in text.splitlines() if line.startswith("| fast | fft |")]
    assert row == "| fast | fft | 0.500× (1 of 1) | 0.125× (1 of 1) | 5.0 MiB |"


def test_the_fastest_of_each_layer_counts_for_its_kind() -> None:
    text = table(
        timed("base", POINTWISE, 1.0), timed("fast", POINTWISE, 2.0), timed("base", LARGE, 1.0),
        timed("fast", LARGE, 0.5), timed("base", DEPTHWISE, 1.0), timed("fast", DEPTHWISE, 1.5),
    )  # fmt: skip
    lines = text.splitlines()
    assert "| pointwise | library 1 (base) |" in lines
    assert "| kernel of 15 or more | fft 1 (fast) |" in lines
    assert "| depthwise | library 1 (base) |" in lines


def test_two_races_over_one_layer_set_have_different_titles() -> None:
    text = table(timed("base", POINTWISE, 1.0), timed("base", POINTWISE, 1.0, threads=2))
    assert "set, 1 thread," in text
    assert "set, 2 threads," in text


def test_without_a_race_there_is_no_table() -> None:
    assert "## Speed" not in table()


@pytest.mark.parametrize(
    ("problem", "name"),
    [
        (POINTWISE, "pointwise"),
        (DEPTHWISE, "depthwise"),
        (LARGE, "kernel of 15 or more"),
        ("n1c8h9w9_o8k3x3_s1x1_p1x1_d1x1_g2_float32", "grouped"),
        ("n1c8h9w9_o8k3x3_s2x2_p1x1_d1x1_g1_float32", "strided"),
        ("n1c8h9w9_o8k3x3_s1x1_p2x2_d2x2_g1_float32", "dilated"),
        ("n1c8h9w9_o8k3x3_s1x1_p2x2_d1x1_g1_float32", "3×3"),
        ("n1c8h9w9_o8k5x5_s1x1_p2x2_d1x1_g1_float32", "other"),
        ("not a problem", "other"),
    ],
)
def test_a_layer_is_of_one_kind(problem: str, name: str) -> None:
    assert ranking.kind(problem) == name
