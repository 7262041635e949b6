"""Pictures for the applied chapter: a photograph, and what a filter made of it, as PNG without an image library."""

from __future__ import annotations

import base64
import importlib.util
import struct
import zlib
from functools import cache
from pathlib import Path
from typing import Any

import numpy as np

from convgauge.conformance.judge import Judge, Skip
from convgauge.operands import Array
from convgauge.results import ImageRecord

SIDE = 160  # pixels: enough to judge by eye, and some 20 kB a picture


@cache
def photograph() -> Array:
    """The photograph "camera" that scikit-image ships, gray levels from 0 to 1, (160, 160), means of 3 x 3 pixels.

    Raises `Skip` where scikit-image is not installed or has no such file.
    """
    path = shipped("skimage", "data", "camera.png")
    try:
        from PIL import Image
    except ImportError as error:
        raise Skip(f"{error} (python -m pip install 'convgauge[images]')") from None
    with Image.open(path) as image:
        pixels = np.asarray(image.convert("L"))
    start = (pixels.shape[0] - 3 * SIDE) // 2
    blocks = pixels[start : start + 3 * SIDE, start : start + 3 * SIDE].reshape(SIDE, 3, SIDE, 3)
    means: Array = blocks.mean(axis=(1, 3)) / 255.0
    return means


def shipped(package: str, *parts: str) -> Path:
    """A data file of a package, found without importing it, which takes seconds. Raises `Skip` where there is none."""
    found = importlib.util.find_spec(package)
    for folder in (found.submodule_search_locations if found else None) or []:
        path = Path(folder, *parts)
        if path.is_file():
            return path
    raise Skip(f"{package} is not installed or has no {parts[-1]} (python -m pip install 'convgauge[images]')")


def record(judge: Judge, title: str, output: Array, exact: Array, bound: Any) -> None:
    """Keep an implementation's picture and, for comparison, the exact one; both (height, width)."""
    low, high = float(exact.min()), float(exact.max())
    size = np.abs(output.astype(np.float64) - exact)
    size[~np.isfinite(size)] = np.inf
    within = bool((size <= bound).all())
    allowed = float(np.max(bound))
    judge.images += [
        ImageRecord("oracle", title, png(exact, low, high)),
        ImageRecord(
            judge.said.name,
            title,
            png(np.nan_to_num(output), low, high),
            png(np.minimum(size, allowed) if allowed else size * 0, 0.0, allowed),
            float(size.max()) if np.isfinite(size).all() else None,
            allowed,
            "passed" if within else "failed",
        ),
    ]


def png(plane: Array, low: float, high: float) -> str:
    """A plane as a gray PNG in base64, ``low`` black and ``high`` white (PNG specification, third edition)."""
    scaled = np.clip((plane.astype(np.float64) - low) / ((high - low) or 1.0), 0.0, 1.0)
    rows = np.round(scaled * 255).astype(np.uint8)
    height, width = rows.shape
    unfiltered = np.zeros((height, 1), np.uint8)  # each row begins with its filter's number: 0, none
    parts = (
        (b"IHDR", struct.pack(">IIBBBBB", width, height, 8, 0, 0, 0, 0)),
        (b"IDAT", zlib.compress(np.concatenate([unfiltered, rows], axis=1).tobytes(), 9)),
        (b"IEND", b""),
    )
    chunks = (
        struct.pack(">I", len(body)) + name + body + struct.pack(">I", zlib.crc32(name + body)) for name, body in parts
    )
    return base64.b64encode(b"\x89PNG\r\n\x1a\n" + b"".join(chunks)).decode("ascii")
