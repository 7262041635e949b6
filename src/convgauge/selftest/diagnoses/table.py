"""Table of diagnoses: the findings of a tier as a file, and the figures that follow from them."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from statistics import median
from typing import Any

import msgspec

from convgauge.results import DamagedFileError
from convgauge.selftest.diagnoses.finding import DiagnosisFinding
from convgauge.selftest.stored import looks_like, read_object

TABLE_SCHEMA = 1
"""Version of the file's format."""


@dataclass(frozen=True)
class Figure:
    """A measured quantity beside what must be reached.

    Attributes
    ----------
    label : str
        Quantity.
    value : float or None
        Measured value: a share from 0 to 1, or a number of ``unit``. None if there is nothing to measure.
    limit : float
        What must be reached.
    is_minimum : bool
        True if the value must be at least the limit, False if at most.
    unit : str
        Unit of the value; "" for a share.
    count, population : int
        Numbers that a share is computed from.
    """

    label: str
    value: float | None
    limit: float
    is_minimum: bool
    unit: str = ""
    count: int = 0
    population: int = 0

    @property
    def is_reached(self) -> bool:
        """True if the value is on the right side of the limit. A value of nothing reaches nothing."""
        if self.value is None:
            return False
        return self.value >= self.limit if self.is_minimum else self.value <= self.limit

    @property
    def measured_text(self) -> str:
        """Measured value in words."""
        if self.value is None:
            return "nothing to measure"
        if self.unit:
            return f"{self.value:.3g} {self.unit}"
        return f"{self.count} of {self.population} ({self.value:.1%})"

    @property
    def limit_text(self) -> str:
        """Limit in words: "≥ 80%"."""
        limit = f"{self.limit:g} {self.unit}" if self.unit else f"{self.limit:.0%}"
        return f"{'≥' if self.is_minimum else '≤'} {limit}"


@dataclass
class DiagnosisTable:
    """Findings of a tier; ``complete`` is True if all mutants and correct builds were examined."""

    tier: str
    diagnoses: list[DiagnosisFinding]
    complete: bool = True

    @property
    def mutants(self) -> list[DiagnosisFinding]:
        """Findings of the mutants that count."""
        return [finding for finding in self.diagnoses if finding.faulty and finding.is_judged]

    @property
    def correct(self) -> list[DiagnosisFinding]:
        """Findings of the correct builds that could be run."""
        return [finding for finding in self.diagnoses if not finding.faulty and finding.is_judged]

    @property
    def unjudged(self) -> list[DiagnosisFinding]:
        """Findings that do not count."""
        return [finding for finding in self.diagnoses if not finding.is_judged]

    @property
    def misdiagnosed(self) -> list[DiagnosisFinding]:
        """Mutants whose first cause is not of their kind, or that have several causes or a false one."""
        return [f for f in self.mutants if not (f.is_right_first and f.has_one_cause) or f.false_causes]

    @property
    def figures(self) -> list[Figure]:
        """Figures of the diagnosis."""
        known = [finding for finding in self.mutants if finding.has_candidate]
        counted = [*self.mutants, *self.correct]
        return [
            _share("one cause for one fault", [f.has_one_cause for f in self.mutants], 0.9),
            _share("one cause that explains every failing spec", [f.has_one_whole_cause for f in self.mutants], 0.9),
            _share("right mechanism first", [f.is_right_first for f in self.mutants], 0.8),
            _share("right mechanism first, of those with a candidate", [f.is_right_first for f in known], 0.95),
            _share("a false mechanism named", [bool(f.false_causes) for f in self.mutants], 0.01, is_minimum=False),
            _share("a cause named for a correct build", [bool(f.causes) for f in self.correct], 0.0, is_minimum=False),
            _share("check or diagnosis that ends in an error", [bool(f.error) for f in counted], 0.0, is_minimum=False),
            *self._quantities(),
        ]

    def _quantities(self) -> Iterator[Figure]:
        failed = [finding for finding in self.mutants if finding.has_failed]
        lines = [len(finding.text) for finding in failed]
        yield Figure("output, median", median(lines) if lines else None, 25, False, "lines")
        yield Figure("output, longest", max(lines, default=None), 40, False, "lines")
        clock = [finding.seconds for finding in failed]
        processor = [finding.cpu_seconds for finding in failed]
        for label, seconds in (("by the clock", clock), ("of the processor", processor)):
            yield Figure(f"diagnosis {label}, median", median(seconds) if seconds else None, 2, False, "s")
            yield Figure(f"diagnosis {label}, longest", max(seconds, default=None), 2, False, "s")
        idle = max((finding.seconds for finding in self.correct), default=None)
        yield Figure("diagnosis of a correct build, longest", idle, 0.01, False, "s")

    def content(self) -> dict[str, Any]:
        """Return the content of the file."""
        return {
            "schema": TABLE_SCHEMA,
            "tier": self.tier,
            "complete": self.complete,
            "figures": [asdict(figure) for figure in self.figures],
            "diagnoses": [asdict(finding) for finding in self.diagnoses],
        }


def _share(label: str, holds: Sequence[bool], limit: float, *, is_minimum: bool = True) -> Figure:
    value = sum(holds) / len(holds) if holds else None
    return Figure(label, value, limit, is_minimum, "", sum(holds), len(holds))


def is_table(path: Path) -> bool:
    """Return True if a file looks like a table of diagnoses.

    Raises
    ------
    OSError
        If the file cannot be read.
    """
    return looks_like(path, "figures")


def read(path: Path) -> DiagnosisTable:
    """Return the table that `DiagnosisTable.content` was written from.

    Raises
    ------
    DamagedFileError
        If the file is not a table of diagnoses, or one of an unknown schema.
    OSError
        If the file cannot be read.
    """

    def convert(content: dict[str, Any]) -> DiagnosisTable:
        if content.get("schema") != TABLE_SCHEMA:
            raise DamagedFileError(f"{path}: schema {content.get('schema')}, and this version reads {TABLE_SCHEMA}")
        return msgspec.convert(content, DiagnosisTable)

    return read_object(path, "a table of diagnoses", convert)
