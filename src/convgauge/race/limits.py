"""What the machine can do at best, measured in the same run: matrix products and copies."""

from __future__ import annotations

from convgauge.race.contestant import Contestant, Out
from convgauge.results import LimitRecord

MATMUL_SIZE = 1024
"""Rows of the square matrices: 12 MB in float32, well past the size at which libraries reach their peak."""

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
        try:
            content, _, _ = contestant.ask(TIMEOUT, "race_matmul", dtype, MATMUL_SIZE, REPEATS)
        except Out:
            continue
        peak = 2 * MATMUL_SIZE**3 / (content["ns"] * 1e-9)
        found.append(LimitRecord("matmul", dtype, contestant.threads, peak, "FLOP/s"))
    content, _, _ = contestant.ask(TIMEOUT, "race_copy", COPY_BYTES // 4, REPEATS)
    bandwidth = 2 * COPY_BYTES / (content["ns"] * 1e-9)
    return [*found, LimitRecord("copy", "float32", contestant.threads, bandwidth, "bytes/s")]
