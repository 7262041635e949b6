"""The dump of Python's fault handler in a process that died, reduced to the error and the frames of the kernel."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path

from convgauge import worker

MAX_FRAMES = 4
"""Frames that are shown: the line of the error, and its callers."""

ERROR = "Fatal Python error: "
"""Beginning of a dump."""
_THREAD = re.compile(r"(Current thread|Thread) 0x\w+.* \(most recent call first\):")
_FRAME = re.compile(r'  File "(.*)", line \d+ in ')
_REST = re.compile(r"|Extension modules: .*|  <.*>|  Garbage-collecting|  \.\.\.")
_CALLERS = tuple(str(Path(worker.__file__).parents[1] / package) for package in ("worker", "registry"))


def condense_dump(text: str) -> str:
    """Return printed text with the dump at its end reduced to the error and the frames of the kernel.

    The dump lists the frames of every thread and all extension modules. Whole, it would displace the last words
    of the kernel from the end of the text, to which a record is cut.
    """
    start = text.rfind(ERROR)
    return text if start < 0 else text[:start] + "\n".join(_condensed(text[start:].splitlines()))


def _condensed(lines: list[str]) -> Iterator[str]:
    """Yield the error, the last frames of the current thread that are the kernel's, and lines after the dump."""
    yield lines[0]
    is_current, frames = False, 0
    for line in lines[1:]:
        if thread := _THREAD.fullmatch(line):
            is_current = thread[1] == "Current thread"
            if is_current:
                yield "Current thread (most recent call first):"
        elif frame := _FRAME.match(line):
            if is_current and frames < MAX_FRAMES and not frame[1].startswith(_CALLERS):
                frames += 1
                yield line
        elif not _REST.fullmatch(line):
            yield line
