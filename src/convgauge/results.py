"""A run on disk: newline-delimited JSON, a header, one record a line as soon as it is known, a footer with counts.

Everything that is shown or published is a function of such files. A file without a footer is incomplete and said to
be; a line that does not read is an error that names it.
"""

from __future__ import annotations

import contextlib
import datetime
import gzip
import io
import os
import re
import sys
import zlib
from collections.abc import Iterator
from pathlib import Path
from typing import Any, get_args

import msgspec

from convgauge import __version__
from convgauge.environment import Machine, machine, versions

SCHEMA = 1
"""The version of the format: raised when a field goes or comes to mean something else."""

REVISION = 1
"""Raised when a field or a kind of record is added. A reader reads every revision of its schema, newer ones too."""

STATUSES = (
    "passed", "failed", "errored", "crashed", "timed_out", "declined", "skipped", "xfailed", "xpassed", "mistrusted",
)  # fmt: skip
"""What may become of a spec; never folded together."""

FAULTS = ("failed", "errored", "crashed", "timed_out", "xpassed", "mistrusted")
"""The statuses that make an implementation nonconformant where the spec is required."""

MOST_MARGINS = 200
"""Cases of one spec whose margins are kept one by one."""

VERDICTS = ("conformant", "conformant with declines", "nonconformant", "unjudged")
GRADES = ("A", "B", "C", "F", "")


class Damaged(ValueError):
    """A run file that cannot be read; the message names the file and the line."""


class Unwritable(OSError):
    """A record could not be written; the file still ends with its last whole line."""


class Header(msgspec.Struct, frozen=True, tag="header", tag_field="type"):
    """The first line. ``suite`` is convgauge's version, ``versions`` those of Python and the libraries.

    ``schema`` and ``revision`` are the format's version: 1 and 0 make 1.0.

    ``label`` names the environment; runs of one label stand together in a report, those of others beside them.
    ``shard`` is "3/8" for the third of eight parts of a run, "" for a whole one. ``selection`` is what a run was
    narrowed to ("-k padding", "float32 only"), "" for all that its profile and tier hold. ``expected`` are the failures
    that were expected: by spec the reason. ``workers`` are the machines of a run on a cluster, by the worker's address;
    then ``machine`` is one of them.
    """

    schema: int
    suite: str
    machine: Machine
    versions: dict[str, str]
    seed: int
    command: str = ""
    started: str = ""
    profile: str = ""
    tier: str = ""
    label: str = ""
    shard: str = ""
    selection: str = ""
    expected: dict[str, str] = {}
    workers: dict[str, Machine] = {}
    revision: int = 0


class Picture(msgspec.Struct, frozen=True):
    """A small failing case to draw: nested lists as they are, "nan" and "inf" spelled out by the writer as None."""

    input: list[list[float | None]]
    weight: list[list[float | None]]
    got: list[list[float | None]]
    expected: list[list[float | None]]


class Counterexample(msgspec.Struct, frozen=True):
    """The smallest problem found on which a spec fails, and how to see it again.

    ``index`` is the first wrong output; ``got`` and ``expected`` are spelled as text, since they may be NaN.
    ``wrong`` of ``outputs`` elements are wrong. ``reproduce`` is a command line. ``printed`` is the end of what the
    implementation printed meanwhile.
    """

    problem: str
    operands: str
    seed: int
    message: str
    reproduce: str
    layouts: list[str] = []
    arguments: str = ""
    index: list[int] = []
    got: str = ""
    expected: str = ""
    bound: str = ""
    wrong: int = 0
    outputs: int = 0
    picture: Picture | None = None
    printed: str = ""


class SpecRecord(msgspec.Struct, frozen=True, tag="spec", tag_field="type"):
    """What became of one spec for one implementation, dtype and device.

    ``cases`` were judged; ``outcomes`` counts every case by its status. ``margin`` is the largest error divided by
    its bound; None where nothing was measured, ``margins`` those of the first cases and ``reductions`` how many
    products each output of these cases sums. ``sentence`` and ``source`` are the spec's own. ``failing`` lists the
    problems that it failed on. ``space`` has every valid case: by the letters of its problem's features
    (`convgauge.conformance.features`), how many were judged, how many of these were at fault, and how many were
    declined.
    """

    implementation: str
    spec: str
    level: str
    status: str
    cases: int
    dtype: str = ""
    device: str = ""
    margin: float | None = None
    reason: str = ""
    counterexample: Counterexample | None = None
    chapter: str = ""
    profile: str = ""
    sentence: str = ""
    source: str = ""
    outcomes: dict[str, int] = {}
    grade: str = ""
    margins: list[float] = []
    failing: list[str] = []
    seconds: float = 0.0
    reductions: list[int] = []
    space: dict[str, list[int]] = {}


class TimingRecord(msgspec.Struct, frozen=True, tag="timing", tag_field="type"):
    """One implementation's race on one problem against ``baseline``.

    ``seconds`` are the raw samples, seconds per call, one a round. ``ratio`` is the median over rounds of this
    implementation's time divided by the baseline's, ``low`` and ``high`` its interval, None where it was not ranked.
    ``verdict``: "baseline", "faster", "same", "slower", "undecided", "wrong", "declined", "failed", "absent".
    ``noise`` is the floor from the A/A control: the ratio's deviation from 1 that the baseline shows against itself.
    ``count`` is how often the layer stands in its network. ``flops`` counts two per product, padding included.
    ``peak_bytes`` is the memory that one call adds at its peak, its output included. ``alone_seconds`` a call takes
    without the others in between. ``control_seconds`` (the baseline's record only) are the A/A control's samples.
    ``busy`` is the part of the race's time in which the system ran something else, taken out of ``seconds`` (Linux).
    ``worker`` is the address of the worker of a cluster that ran the race, "" for this machine.
    """

    implementation: str
    problem: str
    seconds: list[float]
    ratio: float | None
    low: float | None
    high: float | None
    verdict: str
    baseline: str
    prepare_seconds: float | None
    peak_bytes: int | None
    flops: int
    layers: str = ""
    layer: str = ""
    count: int = 1
    noise: float | None = None
    threads: int = 1
    iterations: int = 1
    reason: str = ""
    algorithm: str = ""
    alone_seconds: float | None = None
    operands: str = "hot"
    least_bytes: int = 0
    control_seconds: list[float] = []
    busy: float = 0.0
    worker: str = ""


class ImplementationRecord(msgspec.Struct, frozen=True, tag="implementation", tag_field="type"):
    """One implementation of the run: what it declares, or why it is ``absent``."""

    implementation: str
    framework: str = ""
    algorithm: str = ""
    grade: str = ""
    source: str = ""
    summary: str = ""
    dtypes: list[str] = []
    declines: dict[str, str] = {}
    prepares: bool = False
    versions: dict[str, str] = {}
    devices: list[str] = []
    absent: str = ""


class ImageRecord(msgspec.Struct, frozen=True, tag="image", tag_field="type"):
    """What one implementation made of something that is best seen.

    ``kind`` "filter": a filter applied to a photograph, for the gallery. ``png`` is base64, ``difference`` the
    amplified absolute difference from the oracle's picture, ``largest`` that difference's largest element and ``bound``
    what it may be. The implementation "oracle" stands for the exact picture.

    ``kind`` "confusion": how digits were read. ``table`` counts them, a row a digit, a column what it was read as;
    ``largest`` is the error of the logit that comes closest to its bound, and ``bound`` that.

    ``kind`` "locality": where one NaN of the input went, ``table`` a number an output: 0 as due no NaN, 1 as due NaN,
    2 NaN though it does not see it, 3 no NaN though it does.
    """

    implementation: str
    title: str
    png: str
    difference: str = ""
    largest: float | None = None
    bound: float | None = None
    status: str = "passed"
    kind: str = "filter"
    table: list[list[int]] = []


class LimitRecord(msgspec.Struct, frozen=True, tag="limit", tag_field="type"):
    """A limit of the machine measured in this run: ``what`` is "matmul" (FLOP/s) or "copy" (bytes/s).

    ``worker`` is the address of the worker of a cluster that measured it, "" for this machine.
    """

    what: str
    dtype: str
    threads: int
    value: float
    unit: str
    worker: str = ""


class Judgement(msgspec.Struct, frozen=True):
    """The footer's summary of one implementation. ``executed`` and ``declined`` count cases."""

    verdict: str
    grade: str
    executed: int
    declined: int
    specs: dict[str, int] = {}


class Footer(msgspec.Struct, frozen=True, tag="footer", tag_field="type"):
    """The last line: verdicts by implementation, seconds elapsed, cases judged. ``exit`` is the exit status."""

    verdicts: dict[str, Judgement]
    elapsed: float
    cases: int
    exit: int = 0


Record = Header | ImplementationRecord | SpecRecord | TimingRecord | ImageRecord | LimitRecord | Footer

_encoder = msgspec.json.Encoder()
_decoder = msgspec.json.Decoder(Record)
_KINDS = {"", *(kind.__struct_config__.tag for kind in get_args(Record))}


class Run(msgspec.Struct):
    """A run as read: its records in order, and whether it is whole (``footer`` is there)."""

    path: str
    header: Header
    records: list[Record]
    footer: Footer | None

    def of(self, kind: type[Any]) -> list[Any]:
        """The records of one kind, in order."""
        return [record for record in self.records if isinstance(record, kind)]


class Writer:
    """Writes a run, each record as soon as it is known. Raises `OSError` where the path cannot be written."""

    def __init__(self, path: Path, header: Header) -> None:
        path.parent.mkdir(parents=True, exist_ok=True)
        self.path, self.header = path, header
        self._file = path.open("wb", buffering=0)
        self.write(header)

    @classmethod
    def onto(cls, path: Path) -> Writer:
        """A writer that goes on with an incomplete run; a last line that was cut off is taken away."""
        writer = cls.__new__(cls)
        writer.path, writer.header = path, read(path).header
        writer._file = path.open("r+b", buffering=0)
        whole = path.read_bytes().rpartition(b"\n")[0]
        writer._file.seek(len(whole) + 1)
        writer._file.truncate()
        return writer

    def write(self, record: Record) -> None:
        """Add one line. Numbers that JSON has no spelling for must not be in it (msgspec writes them as null).

        Raises `Unwritable`, as on a full disk; what was written of the line is taken away again.
        """
        line = memoryview(_encoder.encode(record) + b"\n")
        written = 0
        try:
            while written < len(line):
                written += self._file.write(line[written:])
        except OSError as error:
            with contextlib.suppress(OSError):  # /dev/full has no length
                self._file.truncate(self._file.seek(-written, os.SEEK_CUR))
            raise Unwritable(error.errno, error.strerror, str(self.path)) from None

    def close(self) -> None:
        self._file.close()


def read(path: Path) -> Run:
    """A run file, checked line by line. Raises `Damaged`, `OSError`."""
    records = list(_lines(path))
    if not records:
        raise Damaged(f"{path} is empty: not a run")
    header, *rest = records
    if not isinstance(header, Header):
        raise Damaged(f"{path}, line 1: a run begins with a header, not {type(header).__name__}")
    footer = rest.pop() if rest and isinstance(rest[-1], Footer) else None
    for place, record in enumerate(rest, start=2):
        if isinstance(record, (Header, Footer)):
            raise Damaged(f"{path}, line {place}: a {type(record).__name__.lower()} in the middle of a run")
    _check_once(path, rest)
    assert footer is None or isinstance(footer, Footer)
    return Run(str(path), header, rest, footer)


def _check_once(path: Path, records: list[Record]) -> None:
    """Refuse what two runs written to one file, or a line copied, would count twice."""
    seen: set[tuple[str, ...]] = set()
    for place, record in enumerate(records, start=2):
        if isinstance(record, SpecRecord):
            key = (record.implementation, record.spec, record.dtype, record.device)
            if key in seen:
                raise Damaged(f"{path}, line {place}: {' '.join(filter(None, key))} is there twice")
            seen.add(key)


def opened(path: Path) -> gzip.GzipFile | io.BufferedReader:
    """A run file for reading, also one that was packed by gzip, as a report offers them. Raises `OSError`."""
    return gzip.open(path) if path.suffix == ".gz" else path.open("rb")


def _lines(path: Path) -> Iterator[Record]:
    try:
        yield from _unpacked(path)
    except (gzip.BadGzipFile, EOFError, zlib.error) as error:
        raise Damaged(f"{path} does not unpack: {error}") from None


def _unpacked(path: Path) -> Iterator[Record]:
    newer = False
    with opened(path) as file:
        for number, line in enumerate(file, start=1):
            if not line.endswith(b"\n"):
                return  # cut off in the middle of a write: the run is incomplete, and says so by its missing footer
            if number == 1:
                newer = _revision(path, line) > REVISION
            elif newer and _kind(line) not in _KINDS:
                continue  # a kind of record that came later
            try:
                yield _decoder.decode(line)
            except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as error:
                raise Damaged(f"{path}, line {number}: {error}") from None


def _revision(path: Path, line: bytes) -> int:
    """The revision of the format that a file's first line tells. Raises `Damaged` where its schema cannot be read."""
    try:
        content = msgspec.json.decode(line)
        schema, revision = content.get("schema"), content.get("revision", 0)
    except (msgspec.DecodeError, UnicodeDecodeError, AttributeError, RecursionError):
        raise Damaged(f"{path}, line 1: not a run of convgauge") from None
    if not isinstance(schema, int):
        raise Damaged(f"{path}, line 1: no schema version, so not a run of convgauge")
    if schema != SCHEMA:
        raise Damaged(f"{path}: schema {schema}, and this version of convgauge reads schema {SCHEMA}")
    return revision if isinstance(revision, int) else 0


class _Tagged(msgspec.Struct):
    type: str = ""


def _kind(line: bytes) -> str:
    """The type that a line says it is of; "" where it says none."""
    try:
        return msgspec.json.decode(line, type=_Tagged).type
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
        return ""


def json_schema() -> dict[str, Any]:
    """JSON Schema of one line of a run."""
    return msgspec.json.schema(Record)


# --- what goes to a terminal or a page ---

_UNSEEN = re.compile(
    r"[\x00-\x08\x0b-\x1f\x7f-\x9f\u061c\u200b-\u200f\u2028-\u202e\u2060-\u2069\ufeff\ufff9-\ufffb\ud800-\udfff]"
)


def visible(text: str) -> str:
    """``text`` with control, zero-width and direction-changing characters replaced by visible ones.

    Newlines and tabs are kept; an escape becomes \\x1b, four characters that do nothing.
    """
    return text if text.isprintable() else _UNSEEN.sub(_picture, text)


def _picture(match: re.Match[str]) -> str:
    code = ord(match.group())
    return f"\\x{code:02x}" if code < 0x100 else f"\\u{code:04x}"


# --- the header's facts ----------------------------------------------------------------------------------------------


def now() -> str:
    """This moment, as headers say when a run was started: in UTC, to a second."""
    return datetime.datetime.now(datetime.UTC).isoformat(timespec="seconds")


def header(
    *,
    seed: int,
    profile: str = "",
    tier: str = "",
    started: str = "",
    shard: str = "",
    selection: str = "",
    expected: dict[str, str] | None = None,
    label: str = "",
) -> Header:
    """A header for a run made now, here. The command keeps no directory names."""
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
    )
