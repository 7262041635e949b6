"""Change: one difference between two runs."""

from __future__ import annotations

from dataclasses import dataclass

from convgauge.report import formatting


@dataclass(frozen=True)
class Change:
    """One difference: its kind, the name of the result, its earlier and its present value.

    ``kind`` is a key of `convgauge.report.diff.CHANGE_KINDS`. ``growth`` is the part by which a ratio grew.
    """

    kind: str
    what: str
    was: str
    now: str
    growth: float = 0.0

    def __str__(self) -> str:
        return formatting.line(f"{self.what}: {self.was} → {self.now}")
