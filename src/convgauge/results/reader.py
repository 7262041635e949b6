"""Reading runs: every line is checked, and an error names the file and the line."""

from __future__ import annotations

import gzip
import io
import zlib
from collections.abc import Iterator
from pathlib import Path
from typing import get_args

import msgspec

from convgauge.results.records import OLDEST_SCHEMA, REVISION, SCHEMA, Footer, Header, Record, Run, SpecRecord
from convgauge.results.upgrade import upgraded

_KINDS = {"", *(kind.__struct_config__.tag for kind in get_args(Record))}
_decoder = msgspec.json.Decoder(Record)


class DamagedFileError(ValueError):
    """A file that cannot be read as what it should be; the message names the file and, for a run, the line."""


class _Tagged(msgspec.Struct):
    type: str = ""


def read(path: Path) -> Run:
    """Return the run in a file, also in one packed by gzip.

    Raises
    ------
    DamagedFileError
        If a line does not read, stands in the wrong place or is there twice.
    OSError
        If the file cannot be opened.
    """
    records = list(_unpacked(path))
    if not records:
        raise DamagedFileError(f"{path} is empty: not a run")
    header, *rest = records
    if not isinstance(header, Header):
        raise DamagedFileError(f"{path}, line 1: a run begins with a header, not {type(header).__name__}")
    footer = rest.pop() if rest and isinstance(rest[-1], Footer) else None
    for line, record in enumerate(rest, start=2):
        if isinstance(record, (Header, Footer)):
            raise DamagedFileError(f"{path}, line {line}: a {type(record).__name__.lower()} in the middle of a run")
    _refuse_repeated(path, rest)
    assert footer is None or isinstance(footer, Footer)
    return Run(str(path), header, rest, footer)


def open_run(path: Path) -> gzip.GzipFile | io.BufferedReader:
    """Open a run file for reading; one that ends in .gz is unpacked. Raises `OSError`."""
    return gzip.open(path) if path.suffix == ".gz" else path.open("rb")


def _refuse_repeated(path: Path, records: list[Record]) -> None:
    """Refuse a spec that stands twice in a run, as after two writers or a copied line: it would count twice."""
    keys: set[tuple[str, ...]] = set()
    for line, record in enumerate(records, start=2):
        if isinstance(record, SpecRecord):
            key = (record.implementation, record.spec, record.dtype, record.device)
            if key in keys:
                raise DamagedFileError(f"{path}, line {line}: {' '.join(filter(None, key))} is there twice")
            keys.add(key)


def _unpacked(path: Path) -> Iterator[Record]:
    try:
        with open_run(path) as file:
            yield from _decoded(path, file)
    except (gzip.BadGzipFile, EOFError, zlib.error) as error:
        raise DamagedFileError(f"{path} does not unpack: {error}") from None


def _decoded(path: Path, lines: gzip.GzipFile | io.BufferedReader) -> Iterator[Record]:
    """Yield the records up to the end, or up to a line that was cut off; such a run has no footer."""
    schema, is_newer = SCHEMA, False
    for number, line in enumerate(lines, start=1):
        if not line.endswith(b"\n"):
            return
        if number == 1:
            schema, revision = _version(path, line)
            is_newer = (schema, revision) > (SCHEMA, REVISION)
        elif is_newer and _kind(line) not in _KINDS:
            continue
        try:
            yield _decoder.decode(upgraded(line, schema))
        except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as error:
            raise DamagedFileError(f"{path}, line {number}: {error}") from None


def _version(path: Path, line: bytes) -> tuple[int, int]:
    """Return schema and revision of the format, from a file's first line."""
    try:
        content = msgspec.json.decode(line)
        schema, revision = content.get("schema"), content.get("revision", 0)
    except (msgspec.DecodeError, UnicodeDecodeError, AttributeError, RecursionError):
        raise DamagedFileError(f"{path}, line 1: not a run of convgauge") from None
    if not isinstance(schema, int):
        raise DamagedFileError(f"{path}, line 1: no schema version, so not a run of convgauge")
    if not OLDEST_SCHEMA <= schema <= SCHEMA:
        raise DamagedFileError(
            f"{path}: schema {schema}, and this version of convgauge reads schemas {OLDEST_SCHEMA} to {SCHEMA}"
        )
    return schema, revision if isinstance(revision, int) else 0


def _kind(line: bytes) -> str:
    """Return the kind that a line names, or "" if the line names none."""
    try:
        return msgspec.json.decode(line, type=_Tagged).type
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
        return ""
