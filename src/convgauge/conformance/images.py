"""Pictures of a run: filtered photographs, a confusion matrix of digits, the spread of one NaN."""

from __future__ import annotations

import base64
import importlib.util
import struct
import zlib
from functools import cache
from pathlib import Path

import numpy as np

from convgauge.conformance.judge import Judge, NotApplicable
from convgauge.reference.operands import Array
from convgauge.results import ImageRecord
from convgauge.terms import Status

SIDE = 160
"""Pixels along each side of a picture: enough to judge by eye, and about 20 kB."""


@cache
def photograph() -> Array:
    """Return the photograph "camera" of scikit-image, gray levels from 0 to 1, means of 3 x 3 pixels.

    Returns
    -------
    numpy.ndarray
        Array of shape (160, 160) in float64.

    Raises
    ------
    NotApplicable
        If scikit-image is not installed or has no such file.
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
    """Return the path of a data file of a package, without the import, which takes seconds.

    Raises
    ------
    NotApplicable
        If the package is not installed or has no such file.
    """
    spec = importlib.util.find_spec(package)
    for folder in (spec.submodule_search_locations if spec else None) or []:
        path = Path(folder, *parts)
        if path.is_file():
            return path
    raise NotApplicable(f"{package} is not installed or has no {parts[-1]} (python -m pip install 'convgauge[images]')")


def attach_filter(judge: Judge, title: str, output: Array, exact: Array, bound: float | Array) -> None:
    """Attach a filtered photograph, the exact one and the picture of the errors.

    If no pixel differs by half a gray level, the exact picture is attached for both.

    Parameters
    ----------
    judge : Judge
        Judge of the spec.
    title : str
        Title of the picture.
    output, exact : numpy.ndarray
        Output and exact output, of shape (height, width).
    bound : float or numpy.ndarray
        Largest error allowed, for all pixels or for each.
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
    """Attach a confusion matrix.

    Parameters
    ----------
    judge : Judge
        Judge of the spec.
    title : str
        Title of the matrix.
    due, read : numpy.ndarray
        Class numbers, labels and predictions.
    largest, bound : float
        Largest error of a logit, and its bound.
    """
    classes = int(max(due.max(), read.max())) + 1
    table = np.zeros((classes, classes), int)
    np.add.at(table, (due, read), 1)
    error = largest if np.isfinite(largest) else None
    status: Status = "passed" if largest <= bound else "failed"
    judge.images.append(
        ImageRecord(judge.description.name, title, "", "", error, bound, status, "confusion", table.tolist())
    )


def attach_locality(judge: Judge, title: str, output: Array, expected: Array) -> None:
    """Attach the positions of NaN in one plane: those in the output and those in the expected output.

    Parameters
    ----------
    judge : Judge
        Judge of the spec.
    title : str
        Title of the picture.
    output, expected : numpy.ndarray
        Output and expected output, of shape (height, width).
    """
    got, due = np.isnan(output), np.isnan(expected)
    table = np.where(got, np.where(due, 1, 2), np.where(due, 3, 0))
    status: Status = "passed" if (got == due).all() else "failed"
    judge.images.append(
        ImageRecord(judge.description.name, title, "", "", None, None, status, "locality", table.tolist())
    )


def worst_of_blocks(plane: Array) -> Array:
    """Return the largest of each 4 x 4 elements, to keep a picture of errors, which compresses badly, below 1 kB."""
    height, width = (side // 4 for side in plane.shape)
    worst: Array = plane[: 4 * height, : 4 * width].reshape(height, 4, width, 4).max(axis=(1, 3))
    return worst


def png(plane: Array, low: float, high: float, depth: int = 8) -> str:
    """Encode a plane as a gray PNG in base64.

    Parameters
    ----------
    plane : numpy.ndarray
        Array of shape (height, width); the width is even if ``depth`` is 4.
    low, high : float
        Values that are black and white.
    depth : {4, 8}
        Bits per pixel.

    Source
    ------
    PNG specification, third edition.
    """
    scaled = np.clip((plane.astype(np.float64) - low) / ((high - low) or 1.0), 0.0, 1.0)
    rows = np.round(scaled * (2**depth - 1)).astype(np.uint8)
    height, width = rows.shape
    if depth == 4:
        rows = rows[:, ::2] << 4 | rows[:, 1::2]
    filter = 2 if depth == 8 else 0  # photographs: differences from the row above; noise: no filter
    if filter:
        rows = np.diff(rows, axis=0, prepend=np.zeros((1, width), np.uint8))
    numbers = np.full((height, 1), filter, np.uint8)  # first byte of each row
    parts = (
        (b"IHDR", struct.pack(">IIBBBBB", width, height, depth, 0, 0, 0, 0)),
        (b"IDAT", zlib.compress(np.concatenate([numbers, rows], axis=1).tobytes(), 9)),
        (b"IEND", b""),
    )
    chunks = (
        struct.pack(">I", len(body)) + name + body + struct.pack(">I", zlib.crc32(name + body)) for name, body in parts
    )
    return base64.b64encode(b"\x89PNG\r\n\x1a\n" + b"".join(chunks)).decode("ascii")
