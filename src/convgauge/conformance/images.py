"""What is best seen: what a filter made of a photograph, how digits were read, where one NaN went."""

from __future__ import annotations

import base64
import importlib.util
import struct
import zlib
from functools import cache
from pathlib import Path
from typing import Any

import numpy as np

from convgauge.conformance.judge import Judge, NotApplicable
from convgauge.reference.operands import Array
from convgauge.results import ImageRecord
from convgauge.terms import Status

SIDE = 160  # pixels: enough to judge by eye, and some 20 kB a picture


@cache
def photograph() -> Array:
    """The photograph "camera" that scikit-image ships, gray levels from 0 to 1, (160, 160), means of 3 x 3 pixels.

    Raises `NotApplicable` where scikit-image is not installed or has no such file.
    """
    path = package_file("skimage", "data", "camera.png")
    try:
        from PIL import Image
    except ImportError as error:
        raise NotApplicable(f"{error} (python -m pip install 'convgauge[images]')") from None
    with Image.open(path) as image:
        pixels = np.asarray(image.convert("L"))
    start = (pixels.shape[0] - 3 * SIDE) // 2
    blocks = pixels[start : start + 3 * SIDE, start : start + 3 * SIDE].reshape(SIDE, 3, SIDE, 3)
    means: Array = blocks.mean(axis=(1, 3)) / 255.0
    return means


def package_file(package: str, *parts: str) -> Path:
    """Return the path of a data file of a package, found without the import, which takes seconds.

    Raises `NotApplicable` if the package is not installed or has no such file.
    """
    found = importlib.util.find_spec(package)
    for folder in (found.submodule_search_locations if found else None) or []:
        path = Path(folder, *parts)
        if path.is_file():
            return path
    raise NotApplicable(f"{package} is not installed or has no {parts[-1]} (python -m pip install 'convgauge[images]')")


def attach_filter(judge: Judge, title: str, output: Array, exact: Array, bound: Any) -> None:
    """Keep an implementation's picture and, for comparison, the exact one; both (height, width).

    Where no pixel is off by half a gray level the exact one stands for both, and the errors' picture shows the rest.
    """
    low, high = float(exact.min()), float(exact.max())
    size = np.abs(output.astype(np.float64) - exact)
    size[~np.isfinite(size)] = np.inf
    within = bool((size <= bound).all())
    allowed = float(np.max(bound))
    picture = png(exact, low, high)
    judge.images += [
        ImageRecord("oracle", title, picture),
        ImageRecord(
            judge.description.name,
            title,
            picture if float(size.max()) < (high - low) / 510 else png(np.nan_to_num(output), low, high),
            png(worst_of_blocks(np.minimum(size, allowed) if allowed else size * 0), 0.0, allowed, depth=4),
            float(size.max()) if np.isfinite(size).all() else None,
            allowed,
            "passed" if within else "failed",
        ),
    ]


def attach_confusion(judge: Judge, title: str, due: Array, read: Array, largest: float, bound: float) -> None:
    """Keep how classes were read: ``due`` and ``read`` are class numbers, ``largest`` the largest error of a logit."""
    classes = int(max(due.max(), read.max())) + 1
    table = np.zeros((classes, classes), int)
    np.add.at(table, (due, read), 1)
    kept = largest if np.isfinite(largest) else None
    status: Status = "passed" if largest <= bound else "failed"
    judge.images.append(
        ImageRecord(judge.description.name, title, "", "", kept, bound, status, "confusion", table.tolist())
    )


def attach_locality(judge: Judge, title: str, output: Array, expected: Array) -> None:
    """Keep where NaN went in one plane, (height, width), and where it was due."""
    got, due = np.isnan(output), np.isnan(expected)
    table = np.where(got, np.where(due, 1, 2), np.where(due, 3, 0))
    status: Status = "passed" if (got == due).all() else "failed"
    judge.images.append(
        ImageRecord(judge.description.name, title, "", "", None, None, status, "locality", table.tolist())
    )


def worst_of_blocks(plane: Array) -> Array:
    """The largest of each 4 x 4 elements: a picture of rounding errors, which packs badly, stays below a kilobyte."""
    height, width = (side // 4 for side in plane.shape)
    worst: Array = plane[: 4 * height, : 4 * width].reshape(height, 4, width, 4).max(axis=(1, 3))
    return worst


def png(plane: Array, low: float, high: float, depth: int = 8) -> str:
    """A plane as a gray PNG in base64, ``low`` black and ``high`` white, of 4 or 8 bits a pixel.

    A width of 4-bit pixels must be even. See the PNG specification, third edition.
    """
    scaled = np.clip((plane.astype(np.float64) - low) / ((high - low) or 1.0), 0.0, 1.0)
    rows = np.round(scaled * (2**depth - 1)).astype(np.uint8)
    height, width = rows.shape
    if depth == 4:
        rows = rows[:, ::2] << 4 | rows[:, 1::2]
    filter = 2 if depth == 8 else 0  # each row of a photograph as what it differs by from the one above; noise as it is
    if filter:
        rows = np.diff(rows, axis=0, prepend=np.zeros((1, width), np.uint8))
    numbers = np.full((height, 1), filter, np.uint8)  # with which each row begins
    parts = (
        (b"IHDR", struct.pack(">IIBBBBB", width, height, depth, 0, 0, 0, 0)),
        (b"IDAT", zlib.compress(np.concatenate([numbers, rows], axis=1).tobytes(), 9)),
        (b"IEND", b""),
    )
    chunks = (
        struct.pack(">I", len(body)) + name + body + struct.pack(">I", zlib.crc32(name + body)) for name, body in parts
    )
    return base64.b64encode(b"\x89PNG\r\n\x1a\n" + b"".join(chunks)).decode("ascii")
