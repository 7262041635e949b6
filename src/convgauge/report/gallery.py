"""The gallery: filtered photographs and confusion matrices of digits."""

from __future__ import annotations

import base64
import binascii
import hashlib
from typing import Any

from convgauge.report.folder import Folder
from convgauge.report.model import ImplementationEntry, Report
from convgauge.results import ImageRecord

Images = list[tuple[ImplementationEntry, ImageRecord]]


def contents(report: Report, folder: Folder) -> dict[str, Any]:
    """Write the images to ``folder`` and return the template's variables.

    ``shown`` holds by title each implementation's record, image and difference image; ``exact`` the oracle's image.
    """
    shown: dict[str, list[tuple[ImplementationEntry, ImageRecord, str, str]]] = {}
    for entry in report.entries:
        for image in entry.images_of("filter"):
            files = _write_image(folder, image.png), _write_image(folder, image.difference)
            shown.setdefault(image.title, []).append((entry, image, *files))
    exact = {
        image.title: _write_image(folder, image.png)
        for run in report.runs
        for image in run.records_of(ImageRecord)
        if image.implementation == "oracle"
    }
    return {"shown": shown, "exact": exact, "confusions": _confusions(report)}


def _confusions(report: Report) -> dict[str, list[tuple[list[list[int]], Images]]]:
    """Return by title the distinct confusion matrices, each with the implementations that gave it."""
    titles: dict[str, dict[str, Images]] = {}
    for entry in report.entries:
        for image in entry.images_of("confusion"):
            titles.setdefault(image.title, {}).setdefault(str(image.table), []).append((entry, image))
    return {title: [(images[0][1].table, images) for images in matrices.values()] for title, matrices in titles.items()}


def _write_image(folder: Folder, encoded: str) -> str:
    """Write a PNG image, once for all of equal content; return its path, or "" if ``encoded`` is not a PNG image."""
    try:
        content = base64.b64decode(encoded, validate=True)
    except (binascii.Error, ValueError):
        return ""
    if not content.startswith(b"\x89PNG\r\n\x1a\n"):
        return ""
    path = f"images/{hashlib.sha256(content).hexdigest()[:16]}.png"
    if not folder.has(path):
        folder.write(path, content)
    return path
