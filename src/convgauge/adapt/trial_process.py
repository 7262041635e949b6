"""Child process that inspects a target and tries adapters: a crash or a hang of the target costs one trial."""

from __future__ import annotations

import sys
from dataclasses import asdict
from pathlib import Path
from typing import TypeVar

from convgauge.process.child import Child
from convgauge.process.failures import ProcessFailure
from convgauge.process.replies import InvalidReply, decode
from convgauge.registry import LoadError, Origin
from convgauge.worker.call import Call, Observation
from convgauge.worker.messages import (
    Inspect,
    Inspected,
    Load,
    Loaded,
    LoadFailed,
    MakeCall,
    Observed,
    Reply,
    WorkerCommand,
)
from convgauge.worker.protocol import encode

IMPORT_TIMEOUT_S = 120.0
"""Seconds to import a target and its framework."""

CALL_TIMEOUT_S = 10.0
"""Seconds for a call on a small problem; a just-in-time compiler may run in it."""

ReplyType = TypeVar("ReplyType", bound=Reply)


class TrialProcess:
    """Process in which a target is inspected and adapters are called.

    Parameters
    ----------
    target : Origin
        The target.
    folder : Path
        Folder for the texts of adapters.
    python : str
        Path of the interpreter.
    """

    def __init__(self, target: Origin, folder: Path, python: str = sys.executable) -> None:
        self.target, self.folder, self.python = target, folder, python
        self._child: Child | None = None
        self._count = 0

    def inspect(self) -> Inspected:
        """Import the target and describe it. Raises `LoadError`."""
        command = Inspect({**asdict(self.target), "declaration": None})
        try:
            return self._request(command, Inspected, IMPORT_TIMEOUT_S)
        except ProcessFailure as failure:
            raise LoadError(f"{self.target}: its process {failure} while it was inspected") from None

    def load(self, text: str, framework: str) -> str:
        """Load the text of an adapter for the following calls; return why it cannot be loaded, or ""."""
        self._count += 1
        path = self.folder / f"adapter_{self._count}.py"
        path.write_text(text, encoding="utf-8")
        origin = Origin("file", str(path), "conv2d", "conv2d", framework)
        try:
            self._request(Load(vars(origin), 0, 0), Loaded, IMPORT_TIMEOUT_S)
        except (ProcessFailure, LoadError) as error:
            return str(error)
        return ""

    def observe(self, call: Call) -> Observation:
        """Make one call of the adapter that was loaded last."""
        try:
            return self._request(MakeCall(call), Observed, CALL_TIMEOUT_S).observation
        except ProcessFailure as failure:
            return Observation(failure.kind, message=f"its process {failure}")
        except LoadError as error:
            return Observation("not_called", message=str(error))

    @property
    def is_alive(self) -> bool:
        """True if the process that loaded the last adapter has not ended."""
        return self._child is not None

    def _request(self, command: WorkerCommand[ReplyType], kind: type[ReplyType], timeout_s: float) -> ReplyType:
        if self._child is None:
            if isinstance(command, MakeCall):
                raise ProcessFailure("not_called", "has ended in an earlier call")
            self._child = Child(self.python)
        child = self._child
        try:
            child.send(encode(command).frame)
            reply = decode(child.receive(timeout_s))
        except InvalidReply as error:
            self.close()
            raise ProcessFailure("crashed", f"wrote noise to the engine's pipe ({error})") from None
        except ProcessFailure:
            self.close()
            raise
        if isinstance(reply, LoadFailed):
            raise LoadError(reply.error, reply.trace)
        if not isinstance(reply, kind):
            self.close()
            raise ProcessFailure("crashed", "sent another reply than the expected one")
        return reply

    def close(self) -> None:
        """End the process."""
        if self._child is not None:
            self._child.close()
            self._child = None
