"""Text for a terminal or a page."""

from __future__ import annotations

import re
from collections.abc import Sequence

_CONTROLS = re.compile(
    r"[\x00-\x08\x0b-\x1f\x7f-\x9f\u061c\u200b-\u200f\u2028-\u202e\u2060-\u2069\ufeff\ufff9-\ufffb\ud800-\udfff]"
)


def unwritable(path: object, error: OSError) -> str:
    """Return the sentence about a run that cannot be written to a path."""
    return f"the run cannot be written to {path}: {error.strerror}"


def coverage_text(percent: float | None) -> str:
    """Return a coverage in percent with one digit: 100 % only if everything was answered, 0 % only if nothing was."""
    if percent is None:
        return "–"
    if percent in (0, 100):
        return f"{percent:.0f}\N{NO-BREAK SPACE}%"
    return f"{min(max(percent, 0.1), 99.9):.1f}\N{NO-BREAK SPACE}%"


def counted(count: int, noun: str) -> str:
    """Return a count with its noun: ``1 case``, ``2,000 cases``."""
    return f"{count:,} {noun}{'' if count == 1 else 's'}"


def listed(items: Sequence[str], most: int = 4) -> str:
    """Return items as a list in words: ``a, b and c``, with the number of those beyond ``most``."""
    shown = [*items[:most], *([f"{len(items) - most} more"] if len(items) > most else [])]
    return " and ".join(filter(None, [", ".join(shown[:-1]), *shown[-1:]]))


def escape_controls(text: str) -> str:
    r"""Return ``text`` with control, zero-width and direction-changing characters replaced by visible ones.

    Newlines and tabs stay. An escape becomes the four characters ``\x1b``, which do nothing.
    """
    return text if text.isprintable() else _CONTROLS.sub(_escaped, text)


def _escaped(match: re.Match[str]) -> str:
    code = ord(match.group())
    return f"\\x{code:02x}" if code < 0x100 else f"\\u{code:04x}"
