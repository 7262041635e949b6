"""A run in a temporary file, for what reads the run although no file was requested."""

from __future__ import annotations

import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from typing import TypeVar

from convgauge.request import Request

R = TypeVar("R", bound=Request)


@contextmanager
def temporary_output(request: R) -> Iterator[R]:
    """Yield a request whose run is written to a file: the requested one, or a temporary one."""
    if request.output or getattr(request, "resume", ""):
        yield request
        return
    with tempfile.TemporaryDirectory() as folder:
        yield replace(request, output=str(Path(folder) / "run.jsonl"))
