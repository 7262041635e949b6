"""Kill matrix: the specs that kill each mutant, as the self-test writes them to a file."""

from __future__ import annotations

from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

import msgspec

from convgauge.results import DamagedFileError
from convgauge.selftest.stored import looks_like, read_object

MATRIX_SCHEMA = 2
"""Version of the file's format."""


@dataclass
class Finding:
    """Result of one mutant or correct build.

    ``killed_by`` holds the status of each required spec that failed it, ``advised_by`` that of each recommended one.
    ``unconfirmed`` are specs that its declaration names and that ran without failing it. ``due`` is False if the
    mutant need not be killed at this tier. ``vacuous`` are specs whose own case proved nothing. ``fingerprint`` changes
    with the mutant's file and with the specification.
    """

    name: str
    faulty: bool
    smoke: bool
    due: bool = True
    killed_by: dict[str, str] = field(default_factory=dict)
    advised_by: dict[str, str] = field(default_factory=dict)
    vacuous: list[str] = field(default_factory=list)
    unconfirmed: list[str] = field(default_factory=list)
    killed_as_named: bool = False
    specs: int = 0
    cases: int = 0
    seconds: float = 0.0
    reason: str = ""
    fingerprint: str = ""

    @property
    def is_expected(self) -> bool:
        """True if a mutant was killed by a spec that it names, or a correct build only advised as it names."""
        if self.vacuous:
            return False
        if self.faulty:
            return self.killed_as_named or not self.due
        return not self.killed_by and not self.unconfirmed


@dataclass
class Matrix:
    """Kill matrix of a tier.

    ``specs`` are the sentences of all specs that were run on a mutant, by id. ``complete`` is True if every spec was
    run on every mutant; ``first_kill_only`` if a mutant's run ended at the first spec that killed it.
    ``no_mutant_because`` holds the reasons of specs that kill no mutant.
    """

    tier: str
    findings: list[Finding]
    specs: dict[str, str]
    complete: bool = True
    no_mutant_because: dict[str, str] = field(default_factory=dict)
    first_kill_only: bool = False

    @property
    def mutants(self) -> list[Finding]:
        """Findings of the mutants."""
        return [finding for finding in self.findings if finding.faulty]

    @property
    def correct(self) -> list[Finding]:
        """Findings of the correct builds."""
        return [finding for finding in self.findings if not finding.faulty]

    @property
    def kills(self) -> dict[str, list[str]]:
        """Names of the mutants that each spec kills."""
        return {id: [mutant.name for mutant in self.mutants if id in mutant.killed_by] for id in self.specs}

    @property
    def advice(self) -> dict[str, list[str]]:
        """Names of the mutants that each recommended spec reports."""
        return {id: [mutant.name for mutant in self.mutants if id in mutant.advised_by] for id in self.specs}

    @property
    def survivors(self) -> list[Finding]:
        """Mutants that are due at this tier and were not killed."""
        return [mutant for mutant in self.mutants if mutant.due and not mutant.killed_by]

    @property
    def not_due(self) -> list[Finding]:
        """Mutants that are not due at this tier and were not killed."""
        return [mutant for mutant in self.mutants if not mutant.due and not mutant.killed_by]

    @property
    def killed_otherwise(self) -> list[Finding]:
        """Mutants that were killed, but by none of the specs that they name."""
        return [mutant for mutant in self.mutants if mutant.due and mutant.killed_by and not mutant.killed_as_named]

    @property
    def false_positives(self) -> list[Finding]:
        """Correct builds that a required spec failed."""
        return [build for build in self.correct if build.killed_by]

    @property
    def unique_kills(self) -> dict[str, list[str]]:
        """Names of the mutants that a spec alone kills, by spec."""
        kills: dict[str, list[str]] = {}
        for mutant in self.mutants:
            if len(mutant.killed_by) == 1:
                kills.setdefault(next(iter(mutant.killed_by)), []).append(mutant.name)
        return kills

    @property
    def kills_nothing(self) -> list[str]:
        """Required specs that kill no mutant, and recommended ones that report nothing."""
        failed = {id for finding in self.findings for id in finding.advised_by}
        return sorted(set(self.specs) - failed - {id for mutant in self.mutants for id in mutant.killed_by})

    def table(self) -> dict[str, Any]:
        """Return the content of the file."""
        return {
            "schema": MATRIX_SCHEMA,
            "tier": self.tier,
            "findings": [asdict(finding) for finding in self.findings],
            "specs": self.specs,
            "survivors": [mutant.name for mutant in self.survivors],
            "false_positives": [build.name for build in self.false_positives],
            "unique_kills": self.unique_kills,
            "kills_nothing": self.kills_nothing if self.complete else None,
            "complete": self.complete,
            "no_mutant_because": self.no_mutant_because,
            "first_kill_only": self.first_kill_only,
        }


def is_matrix(path: Path) -> bool:
    """Return True if a file looks like a kill matrix. A run, by contrast, begins with its header.

    Raises
    ------
    OSError
        If the file cannot be read.
    """
    return looks_like(path, "findings")


def read(path: Path) -> Matrix:
    """Return the matrix that `Matrix.table` was written from.

    Raises
    ------
    DamagedFileError
        If the file is no kill matrix, or one of an unknown schema.
    OSError
        If the file cannot be read.
    """

    def convert(content: dict[str, Any]) -> Matrix:
        schema = content.get("schema", 1)
        if schema not in (1, MATRIX_SCHEMA):
            raise DamagedFileError(
                f"{path}: schema {schema}, and this version of convgauge reads schemas 1 and {MATRIX_SCHEMA}"
            )
        return msgspec.convert(_from_schema_1(content) if schema == 1 else content, Matrix)

    return read_object(path, "a kill matrix", convert)


_RENAMED = {
    "caught": "killed_by",
    "advised": "advised_by",
    "mistrusted": "vacuous",
    "overlooked": "unconfirmed",
    "expected": "killed_as_named",
    "whole": "complete",
    "kept": "no_mutant_because",
    "ended_early": "first_kill_only",
}
"""Fields of schema 2 by their names in schema 1."""


def _from_schema_1(content: dict[str, Any]) -> dict[str, Any]:
    """Return the content of a file of schema 1 under the names of schema 2."""
    renamed = {_RENAMED.get(key, key): value for key, value in content.items()}
    findings = content.get("findings")
    if isinstance(findings, list) and all(isinstance(finding, dict) for finding in findings):
        renamed["findings"] = [
            {_RENAMED.get(key, key): value for key, value in finding.items()} for finding in findings
        ]
    return renamed
