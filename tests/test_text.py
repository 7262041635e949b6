"""Text that is safe in a terminal and in a page."""

from __future__ import annotations

import pytest

from convgauge.text import escape_controls


@pytest.mark.parametrize(
    ("text", "escaped"),
    [
        ("plain, é, 漢 and ÷", "plain, é, 漢 and ÷"),
        ("two\nlines\tand a tab", "two\nlines\tand a tab"),
        ("\x1b[31mred", r"\x1b[31mred"),
        ("\r\x00\x7f\x9b", r"\x0d\x00\x7f\x9b"),
        ("left\u202eright\u200b", r"left\u202eright\u200b"),
        ("\ud800", r"\ud800"),
    ],
)
def test_control_characters_are_replaced_by_visible_ones(text: str, escaped: str) -> None:
    assert escape_controls(text) == escaped
    assert escape_controls(escaped) == escaped
