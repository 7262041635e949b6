"""Text of the race's numbers: durations, and ratios with their intervals."""

from __future__ import annotations


def format_seconds(value: float) -> str:
    """Format a duration in seconds with three digits and a unit: "1.53 ms"."""
    for unit, size in (("s", 1.0), ("ms", 1e-3), ("µs", 1e-6)):
        if value >= size:
            return f"{value / size:.3g} {unit}"
    return f"{value * 1e9:.3g} ns"


def format_ratio(value: float | None, low: float | None, high: float | None) -> str:
    """Format a ratio with its interval, with as many digits as tell them apart: "1.02 [1.011, 1.03]"."""
    if value is None:
        return "–"
    if low is None or high is None:
        return f"{value:.3g}"
    digits = 3 if high - low > 0.03 * value else 4
    return f"{value:.{digits}g} [{low:.{digits}g}, {high:.{digits}g}]"
