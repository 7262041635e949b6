"""Origin of an implementation, and the errors of finding and loading it."""

from __future__ import annotations

from dataclasses import dataclass, replace
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
    is_renamed : bool
        True if the caller gave the name, as in ``mine=path/file.py:function``.
    """

    kind: Literal["file", "module"]
    location: str
    attribute: str
    name: str
    framework: str = ""
    declaration: Declaration | None = None
    absent: str = ""
    is_renamed: bool = False

    def __str__(self) -> str:
        return f"{self.location}:{self.attribute}"

    def renamed(self, name: str) -> Origin:
        """Return the same location under another name."""
        declaration = None if self.declaration is None else replace(self.declaration, name=name)
        return replace(self, name=name, declaration=declaration, is_renamed=True)

    def is_same_place(self, other: Origin) -> bool:
        """Return True if both are the same function of the same file or module."""
        return (self.kind, self.location, self.attribute) == (other.kind, other.location, other.attribute)
