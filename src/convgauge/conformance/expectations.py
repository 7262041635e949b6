"""Expected failures: data of the user, with a reason for each spec."""

from __future__ import annotations

import tomllib
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from convgauge.request import RequestError
from convgauge.results import SpecRecord


@dataclass(frozen=True)
class Expectation:
    """Reason of an expected failure, and the URL where it is tracked."""

    reason: str
    url: str = ""

    def __str__(self) -> str:
        return f"{self.reason} {self.url}".strip()


def read_expectations(path: str) -> dict[str, Expectation]:
    """Return the expected failures of a TOML file, by spec id; none for an empty path.

    Each spec has a table with ``reason`` and, optionally, ``url``.

    Raises
    ------
    RequestError
        If the file cannot be read, or a table has no reason.
    """
    if not path:
        return {}
    try:
        content = tomllib.loads(Path(path).read_text(encoding="utf-8"))
    except (OSError, ValueError, RecursionError) as error:  # TOML, UTF-8, huge numbers, deep nesting
        raise RequestError(f"expected failures {path}: {error}") from None
    expectations = {}
    for name, entry in _flatten(content):
        if not isinstance(entry, dict) or not isinstance(entry.get("reason"), str) or not entry["reason"]:
            raise RequestError(f'expected failures {path}: ["{name}"] needs a reason = "..."')
        expectations[name] = Expectation(entry["reason"], str(entry.get("url", "")))
    return expectations


def _flatten(content: Mapping[str, Any], prefix: str = "") -> Iterator[tuple[str, Any]]:
    """Yield the tables by dotted name: TOML reads ``[padding.same]`` as nested tables, ``["padding.same"]`` as one."""
    for name, value in content.items():
        if isinstance(value, dict) and value and all(isinstance(entry, dict) for entry in value.values()):
            yield from _flatten(value, f"{prefix}{name}.")
        else:
            yield prefix + name, value


def unexpected_passes(
    reasons: Mapping[str, str], records: Sequence[SpecRecord], implementation: str, *, is_narrowed: bool
) -> list[SpecRecord]:
    """Return a record with status ``xpassed`` for each expected failure that did not occur.

    An expected failure did not occur if its spec passed in every dtype, or if no spec has that id.

    Parameters
    ----------
    reasons
        Reason of each expected failure, by spec id.
    records
        All records of the run.
    implementation
        Implementation that the new records name.
    is_narrowed
        True if the run was narrowed to some specs: only those that ran count.
    """
    passes = []
    for name, reason in reasons.items():
        results = [record for record in records if record.spec == name]
        if any(record.status == "xfailed" for record in results) or (is_narrowed and not results):
            continue
        outcome = "it passed" if results else "no such spec was run"
        passes.append(
            SpecRecord(
                implementation,
                name,
                level="required",
                status="xpassed",
                cases=0,
                reason=f"expected to fail ({reason}), but {outcome}: remove the entry",
                chapter=results[0].chapter if results else "",
            )
        )
    return passes
