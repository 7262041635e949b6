"""Origin of an implementation, and the errors of finding and loading it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from convgauge.registry.declaration import Declaration


class TargetError(LookupError):
    """There is no implementation of that name, file or module; the message lists similar names."""


class LoadError(Exception):
    """The code of an implementation cannot be loaded; ``trace`` is its traceback, or empty if it has none."""

    def __init__(self, message: str, trace: str = "") -> None:
        super().__init__(message)
        self.trace = trace


@dataclass(frozen=True)
class Origin:
    """Location of a function, in words that another process can follow.

    Parameters
    ----------
    kind : "file" or "module"
        Kind of the location.
    location : str
        Path of the file, or dotted name of the module.
    attribute : str
        Name of the function in it.
    name : str
        Name of the implementation.
    framework : str
        Framework that the caller demands; empty for the declared one.
    declaration : Declaration or None
        Declaration that was read from the source text.
    absent : str
        Package that is missing, and the command that installs it; empty if all packages are installed.
    """

    kind: Literal["file", "module"]
    location: str
    attribute: str
    name: str
    framework: str = ""
    declaration: Declaration | None = None
    absent: str = ""

    def __str__(self) -> str:
        return f"{self.location}:{self.attribute}"
