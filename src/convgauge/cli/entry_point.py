"""The entry point of the command line: exit statuses, signals and errors.

The exit status is pytest's: 0 the required verdict is reached, 1 it is not, 2 interrupted, 3 internal error, 4 usage,
5 nothing executed.
"""

from __future__ import annotations

import contextlib
import signal
import sys
import threading
from collections.abc import Iterator, Sequence

import click

from convgauge.cli.errors import sentence
from convgauge.cli.group import group
from convgauge.terms import ExitStatus


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the command line and return its exit status.

    Parameters
    ----------
    arguments
        Words after the program's name; those of this process by default.
    """
    words = sys.argv[1:] if arguments is None else list(arguments)
    try:
        with _interrupted_by_sigterm():
            return int(group.main(words, prog_name="convgauge", standalone_mode=False))
    except click.Abort:
        return ExitStatus.INTERRUPTED
    except click.ClickException as error:
        print(f"convgauge: {sentence(error)}", file=sys.stderr)
        return ExitStatus.USAGE_ERROR


@contextlib.contextmanager
def _interrupted_by_sigterm() -> Iterator[None]:
    """Let SIGTERM interrupt as Ctrl-C does, so that records are written and children are ended."""
    if threading.current_thread() is not threading.main_thread():  # only the main thread handles signals
        yield
        return
    before = signal.signal(signal.SIGTERM, signal.default_int_handler)
    try:
        yield
    finally:
        signal.signal(signal.SIGTERM, before)
