"""Limits of the machine, measured in the same run: matrix products and copies."""

from __future__ import annotations

from convgauge.race.contestant import Contestant, Withdrawn
from convgauge.results import LimitRecord
from convgauge.worker.messages import TimeCopy, TimeProduct

MATMUL_SIZES = (256, 1024)
"""Rows of the square matrices: 12 MB in float32 for the larger, well above the size at which libraries peak."""

SLOW_PRODUCT_S = 0.02
"""Seconds of the smaller product above which the larger is not tried: this dtype has no fast product here."""

COPY_BYTES = 128 << 20
"""Bytes copied, each read and written once: larger than any cache."""

LIMIT_REPEATS = 4
"""Repetitions, of which the fastest counts."""

LIMIT_TIMEOUT_S = 60.0
"""Seconds for one measurement."""


def measure(contestant: Contestant, dtypes: list[str]) -> list[LimitRecord]:
    """Measure the matrix-product peak for each dtype, and the copy bandwidth.

    Parameters
    ----------
    contestant : Contestant
        Process in which the measurement runs, with its framework and its threads.
    dtypes : list of str
        A dtype in which the framework has no matrix product is left out of the result.

    Returns
    -------
    list of LimitRecord
        FLOP/s, 2 n^3 per product of n x n matrices; bytes/s, read and written.
    """
    peaks = {dtype: _matmul_peak(contestant, dtype) for dtype in dtypes}
    records = [
        LimitRecord("matmul", dtype, contestant.threads, peak, "FLOP/s") for dtype, peak in peaks.items() if peak
    ]
    fastest = contestant.request(TimeCopy(COPY_BYTES // 4, LIMIT_REPEATS), LIMIT_TIMEOUT_S)
    bandwidth = 2 * COPY_BYTES / (fastest.ns * 1e-9)
    return [*records, LimitRecord("copy", "float32", contestant.threads, bandwidth, "bytes/s")]


def _matmul_peak(contestant: Contestant, dtype: str) -> float:
    """Return the FLOP/s of the fastest matrix product; 0 if the framework has none in this dtype."""
    peak = 0.0
    for size in MATMUL_SIZES:
        try:
            fastest = contestant.request(TimeProduct(dtype, size, LIMIT_REPEATS), LIMIT_TIMEOUT_S)
        except Withdrawn:
            return peak
        seconds = fastest.ns * 1e-9
        peak = max(peak, 2 * size**3 / seconds)
        if seconds > SLOW_PRODUCT_S:
            return peak
    return peak
