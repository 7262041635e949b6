"""Parser of a page of the report, which fails if the elements do not nest."""

from __future__ import annotations

from html.parser import HTMLParser
from pathlib import Path

_VOID = {"meta", "link", "img", "input", "br"}


class Page(HTMLParser):
    """Ids, addresses, attributes and text of a page."""

    def __init__(self, path: Path) -> None:
        super().__init__()
        self.source = path.read_text("utf-8")
        self.ids: list[str] = []
        self.addresses: list[str] = []
        self.attributes: list[tuple[str, str, str]] = []
        self._open: list[str] = []
        self._texts: list[str] = []
        self.feed(self.source)
        assert self._open == [], f"never closed: {self._open}"

    @property
    def text(self) -> str:
        """Visible text, with single spaces."""
        return " ".join(" ".join(self._texts).split())

    def handle_startendtag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self._add(tag, attrs)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self._add(tag, attrs)
        if tag not in _VOID:
            self._open.append(tag)

    def handle_endtag(self, tag: str) -> None:
        assert self._open.pop() == tag, f"</{tag}> closes nothing"

    def handle_data(self, data: str) -> None:
        if self._open and self._open[-1] not in ("script", "style"):
            self._texts.append(data)

    def _add(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        for name, value in attrs:
            self.attributes.append((tag, name, value or ""))
            if name == "id":
                self.ids.append(value or "")
            if name in ("href", "src"):
                self.addresses.append(value or "")


def pages(site: Path) -> list[Path]:
    """Return the paths of all pages of a report."""
    paths = sorted(site.rglob("*.html"))
    assert paths
    return paths
