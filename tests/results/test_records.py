"""Records as JSON."""

from __future__ import annotations

import json
from pathlib import Path

import msgspec
import pytest
from hypothesis import given, strategies

from convgauge import results
from convgauge.results import SpecRecord
from support.records import cause
from support.run_file import RECORD


@given(strategies.text(max_size=50))
def test_hostile_text_goes_through_unchanged(text: str) -> None:
    record = msgspec.structs.replace(RECORD, implementation=text, reason=text)
    line = msgspec.json.encode(record)
    assert b"\n" not in line
    assert msgspec.json.decode(line, type=SpecRecord) == record


def test_a_cause_is_written_and_read_as_it_is() -> None:
    record = cause(after=["n1c1h1w1_o1k1x1_s1x1_p0x0_d1x1_g1_float32"])
    assert msgspec.json.decode(msgspec.json.encode(record), type=results.Record) == record


def test_the_schema_describes_what_is_written(path: Path) -> None:
    schema = results.json_schema()
    assert schema["$defs"].keys() >= {"Header", "SpecRecord", "CauseRecord", "Footer"}
    jsonschema = pytest.importorskip("jsonschema")
    for line in [*path.read_text().splitlines(), msgspec.json.encode(cause()).decode()]:
        jsonschema.validate(json.loads(line), schema)
