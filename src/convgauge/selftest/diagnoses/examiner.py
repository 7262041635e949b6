"""Examiner: a process that examines mutants, one after the other, and is replaced if it hangs or ends."""

from __future__ import annotations

from collections.abc import Callable
from multiprocessing import get_context
from multiprocessing.connection import Connection
from multiprocessing.process import BaseProcess
from pathlib import Path

from convgauge.selftest.diagnoses.examination import examine
from convgauge.selftest.diagnoses.finding import DiagnosisFinding
from convgauge.selftest.mutants import Mutant
from convgauge.terms import Tier
from convgauge.worker.server import die_with_parent

MAX_EXAMINATION_S = 900.0
"""Seconds after which an examination is given up: of a loaded machine, where a check takes a minute."""

Examine = Callable[[Mutant, Tier, Path | None], DiagnosisFinding]


class Examiner:
    """Process that examines one mutant at a time; its memo serves all of them.

    Parameters
    ----------
    max_s : float
        Limit of one examination in seconds.
    examination : callable
        Function that the process calls.
    evidence : Path or None
        Folder of judged cases.
    """

    def __init__(
        self, max_s: float = MAX_EXAMINATION_S, examination: Examine = examine, evidence: Path | None = None
    ) -> None:
        self._max_s, self._evidence = max_s, evidence
        self._examine = examination
        self._process: BaseProcess | None = None
        self._connection: Connection | None = None

    def examine(self, mutant: Mutant, tier: Tier) -> DiagnosisFinding:
        """Return the finding of a mutant; one with an error if the process ends or exceeds the limit."""
        connection = self._connection or self._start()
        try:
            connection.send((mutant, tier, self._evidence))
            if connection.poll(self._max_s):
                finding: DiagnosisFinding = connection.recv()
                return finding
            error = f"the examination exceeded {self._max_s:g} s"
        except (EOFError, OSError):
            error = "the process of the examination ended"
        self.close()
        return DiagnosisFinding(mutant.name, mutant.faulty, [str(kind) for kind in mutant.kinds], error=error)

    def _start(self) -> Connection:
        context = get_context("spawn")
        self._connection, other = context.Pipe()
        self._process = context.Process(target=_serve, args=(other, self._examine), daemon=False)
        self._process.start()
        other.close()
        return self._connection

    def close(self) -> None:
        """End the process."""
        if self._connection is not None:
            self._connection.close()
        if self._process is not None:
            self._process.kill()
            self._process.join()
        self._connection = self._process = None


def _serve(connection: Connection, examination: Examine) -> None:
    """Examine what is asked for until the connection is closed."""
    die_with_parent()  # otherwise a process outlives a parent that is killed
    while True:
        try:
            arguments = connection.recv()
        except (EOFError, OSError):
            return
        connection.send(examination(*arguments))
