"""Text of the report: symbols of statuses, rounded numbers, and names that are safe in a page, a file or a terminal."""

from __future__ import annotations

import hashlib
import math
import re
import unicodedata

from convgauge.terms import Status, Verdict
from convgauge.text import counted, coverage_text, escape_controls

_STATUSES: dict[Status, tuple[str, str, str]] = {
    "passed": ("✓", "p", "every judged case was correct"),
    "failed": ("✗", "f", "wrong output, or changed memory or state that it does not own"),
    "errored": ("!", "e", "raised an exception on a valid call, or the wrong exception"),
    "crashed": ("※", "c", "the process died"),
    "timed_out": ("◷", "t", "the call did not return in time"),
    "answered_invalid": ("◇", "i", "an invalid call was answered: not strict, which is no wrong answer"),
    "refused": ("⊖", "r", "every valid case was called and refused"),
    "declined": ("–", "d", "every case is outside the declared domain, and was not called"),
    "skipped": ("○", "s", "the spec does not apply, or its device or dtype is missing"),
    "xfailed": ("≈", "x", "failed, as the list of expected failures states"),
    "xpassed": ("≠", "u", "passed, although a failure was expected"),
    "vacuous": ("?", "m", "a case could not have failed: a defect of the suite"),
}
SYMBOLS = {status: symbol for status, (symbol, _, _) in _STATUSES.items()}
STATUS_LETTERS = {status: letter for status, (_, letter, _) in _STATUSES.items()}
"""Letter of each status, for the compact table that the script of the pages searches."""

MEANINGS = {status: meaning for status, (_, _, meaning) in _STATUSES.items()}
LABELS = {
    "answered_invalid": "answered invalid",
    "timed_out": "timed out",
    "xfailed": "expected failure",
    "xpassed": "unexpected pass",
}
"""Labels of the statuses that are not shown by their name."""

VERDICT_MEANINGS: dict[Verdict, str] = {
    "conformant": "every answer is right, every valid problem is answered, every invalid call is refused",
    "complete": "every answer is right, every valid problem is answered, some invalid call is answered",
    "partial": "every answer is right, some valid problems are not answered",
    "unjudged": "too little was executed for a verdict",
    "wrong": "some answer is wrong, or a call crashed, hung or changed what it must not",
}
"""Meanings of the verdicts, from the best."""

_RESERVED = re.compile(r"(con|prn|aux|nul|com\d|lpt\d|index)(\..*)?", re.IGNORECASE)


def label(status: str) -> str:
    """Return the label of a status."""
    return LABELS.get(status, status)


def line(text: str) -> str:
    """Return ``text`` on one line, for a terminal, a heading or a cell of a Markdown table."""
    return text if text.isprintable() else escape_controls(text).replace("\n", "\\n").replace("\t", " ")


def slug(name: str) -> str:
    """Return a file name of letters, digits and ``._-`` for ``name``, which is neither hidden nor reserved.

    If the name had to be changed, the result ends in a digest, so that two names never share a file. Capitals are
    changed too, because some file systems fold them.
    """
    plain = unicodedata.normalize("NFKD", name).encode("ascii", "ignore").decode().lower()
    plain = re.sub(r"[^a-z0-9._-]+", "-", plain).strip(".-_")[:60].rstrip(".")
    if plain and plain == name and not _RESERVED.fullmatch(plain):
        return plain
    digest = hashlib.sha256(name.encode("utf-8", "surrogatepass")).hexdigest()[:8]
    return f"{plain}-{digest}" if plain else digest


def ratio(value: float | None) -> str:
    """Return a ratio with three digits: 0.82×, 12.3×, 340×."""
    if value is None or not math.isfinite(value):
        return "–"
    digits = max(0, 2 - math.floor(math.log10(value))) if value > 0 else 2
    return f"{value:,.{min(digits, 4)}f}×"


def seconds(value: float | None) -> str:
    """Return a duration in the unit that leaves one to three digits before the point."""
    if value is None or not math.isfinite(value):
        return "–"
    for unit, scale in (("s", 1.0), ("ms", 1e-3), ("µs", 1e-6)):
        if value >= scale:
            return f"{value / scale:.3g}\N{NO-BREAK SPACE}{unit}" if value < 100 else f"{value:,.0f}\N{NO-BREAK SPACE}s"
    return f"{value / 1e-9:.3g}\N{NO-BREAK SPACE}ns"


def big(value: float | None, unit: str = "") -> str:
    """Return a large number with a decimal prefix: 34.1 GFLOP/s, 2.0 GB."""
    if value is None or not math.isfinite(value):
        return "–"
    for prefix, scale in (("T", 1e12), ("G", 1e9), ("M", 1e6), ("k", 1e3)):
        if value >= scale:
            return f"{value / scale:.3g}\N{NO-BREAK SPACE}{prefix}{unit}"
    return f"{value:.3g}\N{NO-BREAK SPACE}{unit}"


def flop_rate(value: float) -> str:
    """Return a rate in FLOP/s with a decimal prefix."""
    return big(value, "FLOP/s")


def number(value: float | None) -> str:
    """Return a margin or an error with three significant digits."""
    return "–" if value is None else f"{value:.3g}"


def percent(value: float | None) -> str:
    """Return a share in percent with three digits, rounded to whole percent above 1,000 %: 4.21 %, 8,090 %."""
    if value is None or not math.isfinite(value):
        return "–"
    shown = f"{100 * value:.3g}" if abs(value) < 9.995 else f"{100 * value:,.0f}"
    return f"{shown}\N{NO-BREAK SPACE}%"


def coverage(percent: float | None) -> str:
    """Return a coverage in percent (see `convgauge.text.coverage_text`)."""
    return coverage_text(percent)


def strictness(is_strict: bool | None) -> str:
    """Return a strictness as a word of a table."""
    return "not tested" if is_strict is None else "yes" if is_strict else "no"


def plural(count: int, noun: str) -> str:
    """Return a count with its noun (see `convgauge.text.counted`)."""
    return counted(count, noun)
