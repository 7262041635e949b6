"""The parts of a small run."""

from __future__ import annotations

from convgauge import results
from convgauge.environment import Machine
from convgauge.results import Footer, Header, Judgement, SpecRecord

HEADER = Header(results.SCHEMA, "0.1", Machine("a processor", 2, 1 << 30, "Linux", "x86_64"), {"python": "3"}, 7)
RECORD = SpecRecord("mine", "padding.pair", "required", "passed", 3, margin=0.5)
FOOTER = Footer({"mine": Judgement("conformant", "A", 3, 0)}, 1.5, 3)
