"""Reproducibility card: along each axis, if any output of an implementation was seen to differ in a bit."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from convgauge.conformance.verdict import reproducibility
from convgauge.registry import AXES
from convgauge.report.model import ImplementationEntry
from convgauge.results import SpecRecord
from convgauge.terms import Agreement


@dataclass(frozen=True)
class AxisResult:
    """Result along one axis.

    Attributes
    ----------
    axis : str
        Name of the axis; ``words`` state what varies.
    agreement : Agreement
        "same", "differs" or "unmeasured".
    comparisons, differences : int
        Outputs that were compared, and those that differ.
    is_declared : bool
        The implementation declares equal bits.
    note : str
        First difference, or the reason why nothing was compared.
    """

    axis: str
    words: str
    agreement: Agreement
    comparisons: int
    differences: int
    is_declared: bool
    note: str


def card(entry: ImplementationEntry) -> list[AxisResult]:
    """Return the results of an implementation in the order of the axes; empty if no run measured it."""
    agreements = reproducibility(entry.specs)
    return [_result(entry, axis, agreements[axis]) for axis in AXES if axis in agreements]


def table(entries: Iterable[ImplementationEntry]) -> list[tuple[ImplementationEntry, dict[str, AxisResult]]]:
    """Return the implementations that were measured, each with its results by axis."""
    cards = [(entry, card(entry)) for entry in entries]
    return [(entry, {result.axis: result for result in results}) for entry, results in cards if results]


def _result(entry: ImplementationEntry, axis: str, agreement: Agreement) -> AxisResult:
    records = [record for record in entry.specs if record.axis == axis]
    return AxisResult(
        axis,
        AXES[axis],
        agreement,
        sum(record.comparisons for record in records),
        sum(record.differences for record in records),
        axis in entry.about.reproducible,
        _note(records),
    )


def _note(records: Sequence[SpecRecord]) -> str:
    texts = (record.note or record.reason for record in sorted(records, key=lambda record: -record.differences))
    return next(filter(None, texts), "")
