"""The guide to domains: its tables are those of the code, and its expressions parse."""

from __future__ import annotations

import re

from convgauge.domain import FIELDS, FUNCTIONS, Domain
from convgauge.domain.syntax import MAX_LENGTH
from support.paths import ROOT

GUIDE = (ROOT / "docs" / "howto" / "domain.md").read_text(encoding="utf-8")


def rows(heading: str) -> list[tuple[str, str]]:
    """Return the rows of the table below a heading row."""
    _, _, rest = GUIDE.partition(f"| {heading} |\n|---|---|\n")
    table = rest.partition("\n\n")[0]
    return [(first.strip(), second.strip()) for _, first, second, _ in (row.split("|") for row in table.splitlines())]


def test_the_tables_are_those_of_the_code() -> None:
    assert rows("field | meaning") == [(f"`{name}`", field.meaning) for name, field in FIELDS.items()]
    assert rows("function | meaning") == [(f"`{name}`", meaning) for name, meaning in FUNCTIONS.items()]


def test_the_expressions_parse() -> None:
    expressions = [second.strip("`") for _, second in rows("limit | expression")]
    expressions += re.findall(r'supports(?: = |=| )"(.+?)"', GUIDE)
    assert len(expressions) > 15
    for expression in expressions:
        if expression != "group == 1":
            Domain.parse(expression)


def test_the_length_is_that_of_the_code() -> None:
    assert f"at most {MAX_LENGTH:,} characters" in GUIDE
