"""What the machine can do at best, measured in the same run: matrix products and copies."""

from __future__ import annotations

from convgauge.race.contestant import Contestant, Out
from convgauge.results import LimitRecord

MATMUL_SIZES = (256, 1024)
"""Rows of the square matrices: 12 MB in float32 for the larger, well past where libraries reach their peak."""

SLOW_PRODUCT = 0.02
"""Seconds of the smaller product from which on the larger is not tried: this dtype has no fast product here."""

COPY_BYTES = 128 << 20
"""Bytes copied, each read and written once: past any cache."""

REPEATS = 4
TIMEOUT = 60.0


def measure(contestant: Contestant, dtypes: list[str]) -> list[LimitRecord]:
    """Matrix-product peak (FLOP/s, 2 n^3 per product) for each dtype and copy bandwidth (bytes/s, read and written).

    Measured in the process of ``contestant`` with its framework and its threads; a dtype in which the framework has
    no matrix product is left out.
    """
    found = []
    for dtype in dtypes:
        peak = _matmul_peak(contestant, dtype)
        if peak:
            found.append(LimitRecord("matmul", dtype, contestant.threads, peak, "FLOP/s"))
    content, _, _ = contestant.ask(TIMEOUT, "race_copy", COPY_BYTES // 4, REPEATS)
    bandwidth = 2 * COPY_BYTES / (content["ns"] * 1e-9)
    return [*found, LimitRecord("copy", "float32", contestant.threads, bandwidth, "bytes/s")]


def _matmul_peak(contestant: Contestant, dtype: str) -> float:
    """FLOP/s of the fastest matrix product; 0 where the framework has none in this dtype."""
    peak = 0.0
    for size in MATMUL_SIZES:
        try:
            content, _, _ = contestant.ask(TIMEOUT, "race_matmul", dtype, size, REPEATS)
        except Out:
            return peak
        seconds = float(content["ns"]) * 1e-9
        peak = max(peak, 2 * size**3 / seconds)
        if seconds > SLOW_PRODUCT:
            return peak
    return peak
