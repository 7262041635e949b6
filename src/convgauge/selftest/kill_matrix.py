"""The kill matrix: which spec of the suite caught which planted fault, as the self-test writes it to a file."""

from __future__ import annotations

from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

import msgspec

from convgauge.results import Damaged

SCHEMA = 1
"""Version of the file's format."""


@dataclass
class Finding:
    """What became of one exhibit: by spec id, the status in which it was caught, or accused.

    ``advised``: the same of recommended specs, which ``overlooked`` those that should have told of a sound one's
    shortcoming did not.
    ``fingerprint`` tells whether the exhibit or the specification has changed since.
    """

    name: str
    faulty: bool
    smoke: bool
    due: bool = True
    caught: dict[str, str] = field(default_factory=dict)
    advised: dict[str, str] = field(default_factory=dict)
    mistrusted: list[str] = field(default_factory=list)
    overlooked: list[str] = field(default_factory=list)
    expected: bool = False
    specs: int = 0
    cases: int = 0
    seconds: float = 0.0
    reason: str = ""
    fingerprint: str = ""

    @property
    def good(self) -> bool:
        """Whether the suite did its duty: a fault caught where it is due, a sound implementation let be."""
        right = bool(self.caught) == self.faulty and not self.overlooked
        return (right or not self.due) and not self.mistrusted


@dataclass
class Matrix:
    """The kill matrix. ``specs`` are the ids of all that were run on at least one exhibit, with their sentences.

    ``whole``: whether every spec was run on every exhibit; ``ended_early``: whether a fault's run was ended by the
    first spec that caught it. ``kept``: why a spec stays though it should catch nothing.
    """

    tier: str
    findings: list[Finding]
    specs: dict[str, str]
    whole: bool = True
    kept: dict[str, str] = field(default_factory=dict)
    ended_early: bool = False

    @property
    def faults(self) -> list[Finding]:
        return [one for one in self.findings if one.faulty]

    @property
    def sound(self) -> list[Finding]:
        return [one for one in self.findings if not one.faulty]

    @property
    def catches(self) -> dict[str, list[str]]:
        """By spec, the faults that it catches."""
        return {id: [one.name for one in self.faults if id in one.caught] for id in self.specs}

    @property
    def survivors(self) -> list[Finding]:
        return [one for one in self.findings if one.faulty and one.due and not one.caught]

    @property
    def later(self) -> list[Finding]:
        """Faults that are not due at this tier and were not caught."""
        return [one for one in self.findings if one.faulty and not one.due and not one.caught]

    @property
    def accused(self) -> list[Finding]:
        return [one for one in self.findings if not one.faulty and one.caught]

    @property
    def sole(self) -> dict[str, list[str]]:
        """The specs that alone catch some fault, with those faults."""
        found: dict[str, list[str]] = {}
        for one in self.findings:
            if one.faulty and len(one.caught) == 1:
                found.setdefault(next(iter(one.caught)), []).append(one.name)
        return found

    @property
    def idle(self) -> list[str]:
        """The specs that catch nothing: the required ones no fault, the recommended ones nothing to advise on."""
        busy = {id for one in self.findings for id in [*one.advised, *(one.caught if one.faulty else ())]}
        return sorted(set(self.specs) - busy)

    def table(self) -> dict[str, Any]:
        """What is written to a file."""
        return {
            "schema": SCHEMA,
            "tier": self.tier,
            "findings": [asdict(one) for one in self.findings],
            "specs": self.specs,
            "survivors": [one.name for one in self.survivors],
            "accused": [one.name for one in self.accused],
            "sole": self.sole,
            "idle": self.idle if self.whole else None,
            "whole": self.whole,
            "kept": self.kept,
            "ended_early": self.ended_early,
        }


def is_matrix(path: Path) -> bool:
    """Whether a file looks like a kill matrix, and not like a run, whose first line is a header. Raises `OSError`."""
    with path.open("rb") as file:
        head = file.read(4096)
    return head.lstrip().startswith(b"{") and b'"tier"' in head and b'"findings"' in head


def read(path: Path) -> Matrix:
    """The matrix that `Matrix.table` was written of. Raises `Damaged`, `OSError`."""
    try:
        content = msgspec.json.decode(path.read_bytes())
        found = msgspec.convert(content, Matrix)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as error:
        raise Damaged(f"{path} is not a kill matrix: {error}") from None
    if content.get("schema", SCHEMA) != SCHEMA:
        raise Damaged(f"{path}: schema {content['schema']}, and this version of convgauge reads schema {SCHEMA}")
    return found
