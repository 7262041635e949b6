"""Text of the report: symbols for statuses, numbers for people, names made safe for a page, a file or a terminal."""

from __future__ import annotations

import hashlib
import math
import re
import unicodedata

from convgauge.text import escape_controls

SYMBOLS = {
    "passed": "✓",
    "failed": "✗",
    "errored": "!",
    "crashed": "※",
    "timed_out": "◷",
    "declined": "–",
    "skipped": "○",
    "xfailed": "≈",
    "xpassed": "≠",
    "vacuous": "?",
}
LABELS = {"timed_out": "timed out", "xfailed": "expected failure", "xpassed": "unexpected pass"}
MEANINGS = {
    "passed": "every case was as the sentence says",
    "failed": "wrong answers",
    "errored": "raised, or raised the wrong thing",
    "crashed": "took its process down",
    "timed_out": "did not return in time",
    "declined": "raised NotImplementedError: no answer, and no wrong one",
    "skipped": "a device or dtype is not there",
    "xfailed": "failed, as the run was told to expect",
    "xpassed": "passed, though a failure was expected",
    "vacuous": "the case could not have failed, so passing it says nothing",
}
LETTERS = {
    "passed": "p",
    "failed": "f",
    "errored": "e",
    "crashed": "c",
    "timed_out": "t",
    "declined": "d",
    "skipped": "s",
    "xfailed": "x",
    "xpassed": "u",
    "vacuous": "m",
}
"""One letter a status, for the compact table that the pages' script searches."""

_RESERVED = re.compile(r"(con|prn|aux|nul|com\d|lpt\d|index)(\..*)?", re.IGNORECASE)


def label(status: str) -> str:
    """A status in words; one that this version does not know is shown as it is."""
    return LABELS.get(status, status)


def symbol(status: str) -> str:
    return SYMBOLS.get(status, "·")


def line(text: str) -> str:
    """``text`` on one line, for a terminal, a heading or a cell of a Markdown table."""
    return text if text.isprintable() else escape_controls(text).replace("\n", "\\n").replace("\t", " ")


def slug(name: str) -> str:
    """A file name for ``name``: letters, digits, ``._-`` only, never hidden, reserved or another name's.

    A name that had to be changed, or has capitals (some file systems fold them), carries a digest, so that two names
    never share a file.
    """
    plain = unicodedata.normalize("NFKD", name).encode("ascii", "ignore").decode().lower()
    plain = re.sub(r"[^a-z0-9._-]+", "-", plain).strip(".-_")[:60].rstrip(".")
    if plain and plain == name and not _RESERVED.fullmatch(plain):
        return plain
    digest = hashlib.sha256(name.encode("utf-8", "surrogatepass")).hexdigest()[:8]
    return f"{plain}-{digest}" if plain else digest


def ratio(value: float | None) -> str:
    """A ratio with three digits: 0.82×, 12.3×, 340×."""
    if value is None or not math.isfinite(value):
        return "–"
    digits = max(0, 2 - math.floor(math.log10(value))) if value > 0 else 2
    return f"{value:,.{min(digits, 4)}f}×"


def seconds(value: float | None) -> str:
    """A duration in the unit that leaves one to three digits before the point."""
    if value is None or not math.isfinite(value):
        return "–"
    for unit, scale in (("s", 1.0), ("ms", 1e-3), ("µs", 1e-6)):
        if value >= scale:
            return f"{value / scale:.3g}\N{NO-BREAK SPACE}{unit}" if value < 100 else f"{value:,.0f}\N{NO-BREAK SPACE}s"
    return f"{value / 1e-9:.3g}\N{NO-BREAK SPACE}ns"


def big(value: float | None, unit: str) -> str:
    """A large number with a decimal prefix: 34.1 GFLOP/s, 2.0 GB."""
    if value is None or not math.isfinite(value):
        return "–"
    for prefix, scale in (("T", 1e12), ("G", 1e9), ("M", 1e6), ("k", 1e3)):
        if value >= scale:
            return f"{value / scale:.3g}\N{NO-BREAK SPACE}{prefix}{unit}"
    return f"{value:.3g}\N{NO-BREAK SPACE}{unit}"


def number(value: float | None) -> str:
    """A margin or an error: three significant digits, 0 as 0."""
    return "–" if value is None else f"{value:.3g}"


def percent(value: float | None) -> str:
    """A share with three digits, in whole per cents from a thousand on: 4.2 %, 8,090 %."""
    if value is None or not math.isfinite(value):
        return "–"
    shown = f"{100 * value:.3g}" if abs(value) < 9.995 else f"{100 * value:,.0f}"
    return f"{shown}\N{NO-BREAK SPACE}%"


def plural(count: int, noun: str, several: str = "") -> str:
    """``1 case``, ``2,000 cases``."""
    return f"{count:,} {noun if count == 1 else several or noun + 's'}"
