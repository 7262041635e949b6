"""Writing runs: each record is on disk as soon as it is known."""

from __future__ import annotations

import contextlib
import datetime
import os
import sys
from collections.abc import Sequence
from pathlib import Path

import msgspec

from convgauge import __version__
from convgauge.environment import machine, versions
from convgauge.results.reader import read
from convgauge.results.records import REVISION, SCHEMA, Header, Record
from convgauge.terms import Requirement

_encoder = msgspec.json.Encoder()


class UnwritableFileError(OSError):
    """A record that could not be written; the file still ends with its last whole line."""


class Writer:
    """Writer of one run.

    Parameters
    ----------
    path
        The run file; its folder is made if it is missing, and a file that is there is replaced.
    header
        The first line.

    Raises
    ------
    OSError
        If the path cannot be written.
    """

    def __init__(self, path: Path, header: Header) -> None:
        path.parent.mkdir(parents=True, exist_ok=True)
        self.path, self.header = path, header
        self._file = path.open("wb", buffering=0)
        self.write(header)

    @classmethod
    def append_to(cls, path: Path) -> Writer:
        """Return a writer that continues an incomplete run; a last line that was cut off is removed."""
        writer = cls.__new__(cls)
        writer.path, writer.header = path, read(path).header
        writer._file = path.open("r+b", buffering=0)
        whole = path.read_bytes().rpartition(b"\n")[0]
        writer._file.seek(len(whole) + 1)
        writer._file.truncate()
        return writer

    def write(self, record: Record) -> None:
        """Write one line.

        NaN and infinity must not be in it: JSON has no spelling for them, and msgspec writes null.

        Raises
        ------
        UnwritableFileError
            If the line cannot be written, as on a full disk; the part that was written is removed.
        """
        line = memoryview(_encoder.encode(record) + b"\n")
        written = 0
        try:
            while written < len(line):
                written += self._file.write(line[written:])
        except OSError as error:
            with contextlib.suppress(OSError):  # /dev/full has no length
                self._file.truncate(self._file.seek(-written, os.SEEK_CUR))
            raise UnwritableFileError(error.errno, error.strerror, str(self.path)) from None

    def close(self) -> None:
        """Close the file."""
        self._file.close()


def now() -> str:
    """Return this moment as headers give it: in UTC, to the second."""
    return datetime.datetime.now(datetime.UTC).isoformat(timespec="seconds")


def new_header(
    *,
    seed: int,
    profile: str = "",
    tier: str = "",
    started: str = "",
    shard: str = "",
    selection: str = "",
    expected: dict[str, str] | None = None,
    label: str = "",
    require: Requirement = "correct",
    supports: str = "",
    reproducible: Sequence[str] = (),
) -> Header:
    """Return a header for a run of this process on this machine; the command in it keeps no directory names."""
    words = ["convgauge", *sys.argv[1:]]
    command = " ".join(os.path.basename(word) if os.path.isabs(word) else word for word in words)
    return Header(
        schema=SCHEMA,
        suite=__version__,
        machine=machine(),
        versions=versions(),
        seed=seed,
        command=command,
        started=started,
        profile=profile,
        tier=tier,
        label=label,
        shard=shard,
        selection=selection,
        expected=expected or {},
        revision=REVISION,
        require=require,
        supports=supports,
        reproducible=list(reproducible),
    )
