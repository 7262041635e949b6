"""Upgrades of lines of older schemas to the words of this one."""

from __future__ import annotations

import re
from typing import Any

import msgspec

from convgauge.results.records import SCHEMA

VACUOUS_IN_SCHEMA_1 = "mistrusted"
"""Name of the status ``vacuous`` in schema 1."""

NOTE_IN_SCHEMA_1 = re.compile(r"(?:^|; )(covers \d+ of \d+ combinations .*)", re.DOTALL)
"""Note of a spec in schema 1, which has it at the end of the reason."""

VERDICTS_IN_SCHEMA_2 = {"conformant with declines": "partial", "nonconformant": "wrong"}
"""Verdicts of schemas 1 and 2 that have another name today. They do not tell a lenient implementation from a wrong one:
an answered invalid call made it nonconformant too."""


def upgraded(line: bytes, schema: int) -> bytes:
    """Return a line of an older schema as this one writes it; a line that needs no change as it is."""
    if schema == SCHEMA or not _may_change(line, schema):
        return line
    content = msgspec.json.decode(line)
    if schema == 1:
        _upgrade_vacuous(content)
    for judgement in (content.get("verdicts") or {}).values():
        judgement["verdict"] = VERDICTS_IN_SCHEMA_2.get(judgement.get("verdict"), judgement.get("verdict"))
    return msgspec.json.encode(content)


def _may_change(line: bytes, schema: int) -> bool:
    """Return False if the line has none of the words that changed, so that it need not be parsed twice."""
    return b'"verdicts"' in line or (schema == 1 and (VACUOUS_IN_SCHEMA_1.encode() in line or b"covers " in line))


def _upgrade_vacuous(content: dict[str, Any]) -> None:
    """Rename the status ``vacuous``, and move a note out of the reason."""
    if note := NOTE_IN_SCHEMA_1.search(content.get("reason") or ""):
        content["reason"], content["note"] = content["reason"][: note.start()], note[1]
    if content.get("status") == VACUOUS_IN_SCHEMA_1:
        content["status"] = "vacuous"
    judgements = (content.get("verdicts") or {}).values()
    for counts in (content.get("outcomes"), *(judgement.get("specs") for judgement in judgements)):
        if counts and VACUOUS_IN_SCHEMA_1 in counts:
            counts["vacuous"] = counts.pop(VACUOUS_IN_SCHEMA_1)
