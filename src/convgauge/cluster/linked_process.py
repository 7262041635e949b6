"""A process that runs one request and ends with the worker that started it.

The worker runs ``python -m convgauge.cluster.linked_process check|bench REQUEST.json`` and holds the other end of its
standard input. If the worker ends, its end closes, and this process ends; its own children end as their pipes close.
No machine therefore continues a part that another machine repeats.
"""

from __future__ import annotations

import os
import signal
import sys
import threading
from pathlib import Path
from typing import Literal, TypeAlias

import msgspec

from convgauge.request import BenchRequest, CheckRequest, Request, Verbosity
from convgauge.terms import ExitStatus

Command: TypeAlias = Literal["check", "bench"]
REQUESTS: dict[Command, type[Request]] = {"check": CheckRequest, "bench": BenchRequest}


def encode(request: Request) -> bytes:
    """Return the JSON of a request."""
    return msgspec.json.encode(request)


def decode(command: Command, text: bytes) -> Request:
    """Return the request of a command that ``text`` contains. Raises `msgspec.ValidationError`."""
    return msgspec.json.decode(text, type=REQUESTS[command])


def run(request: Request) -> int:
    """Run a request without progress lines, and return the exit status."""
    if isinstance(request, CheckRequest):
        from convgauge.conformance.run import check

        return check(request, Verbosity.VERDICTS)
    from rich.console import Console

    from convgauge import race
    from convgauge.registry import TargetError

    try:
        return race.bench(request, Console(quiet=True))
    except (TargetError, race.BenchError) as error:
        print(error, file=sys.stderr)
        return ExitStatus.USAGE_ERROR


def _end_with_worker() -> None:
    while os.read(sys.stdin.fileno(), 1):
        pass
    os._exit(ExitStatus.INTERNAL_ERROR)


def main(command: Command, path: Path) -> int:
    """Run the request in a file; SIGTERM interrupts it as Ctrl-C does, so that its children are ended."""
    signal.signal(signal.SIGTERM, signal.default_int_handler)
    threading.Thread(target=_end_with_worker, daemon=True).start()
    return run(decode(command, path.read_bytes()))


if __name__ == "__main__":
    sys.exit(main(sys.argv[1], Path(sys.argv[2])))  # type: ignore[arg-type]  # a worker names one of the commands
