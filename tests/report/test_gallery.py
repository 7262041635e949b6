"""The gallery."""

from __future__ import annotations

from pathlib import Path

from support.html_page import Page


def test_the_gallery_tells_how_digits_are_read(site: Path) -> None:
    page = Page(site / "gallery.html")
    assert "Handwritten digits" in page.text
    assert page.text.count("40 digits: row, the digit; column, its class") == 2, "two different sets of classes"
    assert page.text.count("The same classes from 6 implementations") == 2
    assert page.text.count("✓ passed 1e-06 1e-05") == 12, "the largest error and its bound"
