"""Files of the self-test: one JSON object each; its first fields distinguish it from a run file."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any, TypeVar

import msgspec

from convgauge.results import DamagedFileError

Content = TypeVar("Content")

MAX_HEAD_BYTES = 4096
"""Beginning of a file in which its first fields stand."""


def looks_like(path: Path, field: str) -> bool:
    """Return True if a file is an object that has a tier and a field at its beginning. Raises `OSError`."""
    with path.open("rb") as file:
        head = file.read(MAX_HEAD_BYTES)
    return head.lstrip().startswith(b"{") and b'"tier"' in head and f'"{field}"'.encode() in head


def read_object(path: Path, description: str, convert: Callable[[dict[str, Any]], Content]) -> Content:
    """Return the content of a file, converted.

    Parameters
    ----------
    path : Path
        The file.
    description : str
        What the file must be: "a kill matrix".
    convert : callable
        Function of the decoded object. It may raise `DamagedFileError` or `msgspec.ValidationError`.

    Raises
    ------
    DamagedFileError
        If the file is not what it must be.
    OSError
        If the file cannot be read.
    """
    try:
        return convert(msgspec.json.decode(path.read_bytes(), type=dict[str, Any]))
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as error:
        raise DamagedFileError(f"{path} is not {description}: {error}") from None
