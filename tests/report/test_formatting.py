"""Formatting of names, numbers and statuses."""

from __future__ import annotations

import re

import pytest

from convgauge.report import formatting, model
from convgauge.terms import GRAVITY
from support.records import run, spec


@pytest.mark.parametrize(
    "name", ["../../etc/passwd", "CON", ".hidden", "a/b", "", "é" * 300, "a\nb", "index", "Ä", "x" * 999]
)
def test_a_slug_is_a_plain_file_name(name: str) -> None:
    slug = formatting.slug(name)
    assert re.fullmatch(r"[a-z0-9][a-z0-9._-]{0,80}", slug)
    assert slug not in ("con", "index")


def test_names_that_fold_together_get_files_apart() -> None:
    names = ["Conv", "conv", "conv ", "CONV", "co/nv", "co-nv"]
    assert len({formatting.slug(name) for name in names}) == len(names)
    runs = run(*(spec(name) for name in ["a--b", *names]))
    assert len({entry.slug for entry in model.gather([runs]).entries}) == len(names) + 1


@pytest.mark.parametrize(
    ("value", "shown"),
    [(0.8249, "0.825×"), (1.0, "1.00×"), (12.345, "12.3×"), (3456.7, "3,457×"), (None, "–"), (0.0, "0.00×")],
)
def test_ratios_have_three_digits(value: float | None, shown: str) -> None:
    assert formatting.ratio(value) == shown


def test_percentages_are_never_spelled_with_an_exponent() -> None:
    shown = [formatting.percent(value) for value in (0.0421, 0.5, 9.99, 9.999, 80.9, None)]
    assert [text.replace("\N{NO-BREAK SPACE}", " ") for text in shown] == [
        "4.21 %", "50 %", "999 %", "1,000 %", "8,090 %", "–",
    ]  # fmt: skip


def test_every_status_has_a_symbol_a_letter_and_a_meaning() -> None:
    for table in (formatting.SYMBOLS, formatting.STATUS_LETTERS, formatting.MEANINGS):
        assert set(table) == set(GRAVITY)
        assert len(set(table.values())) == len(GRAVITY)
