"""The process that an implementation lives in: it reads requests, makes the calls and tells what they did."""

from __future__ import annotations

import ctypes
import faulthandler
import importlib
import importlib.util
import os
import pickle
import signal
import sys
from collections.abc import Callable
from typing import Any

from convgauge.worker.global_state import seed_rng
from convgauge.worker.protocol import LENGTH, call_from, observation_reply, reply
from convgauge.worker.subject import Subject
from convgauge.worker.timing import Timing


def main(requests: int, replies: int) -> None:
    """Serve until the parent hangs up; ``requests`` and ``replies`` are file descriptors."""
    die_with_parent()
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # the parent decides what an interruption means
    faulthandler.enable()
    source = os.fdopen(requests, "rb", buffering=1 << 20)
    server = _Server(replies)
    while True:
        head = source.read(LENGTH.size)
        if len(head) < LENGTH.size:
            os._exit(0)
        (size,) = LENGTH.unpack(head)
        command, values = pickle.loads(source.read(size))
        server.handlers[command](*values)


def die_with_parent() -> None:
    """Ask Linux to kill this process when its parent dies, however it dies."""
    if sys.platform == "linux":
        ctypes.CDLL(None).prctl(1, signal.SIGKILL)  # PR_SET_PDEATHSIG


def _withdraw() -> None:
    """Have what imports convgauge from now on get a second copy of it.

    An implementation that replaces parts of the harness replaces those of the copy, which nobody looks through.
    """
    package = sys.modules["convgauge"]
    for name in [name for name in sys.modules if name.partition(".")[0] == "convgauge"]:
        del sys.modules[name]
    spec = importlib.util.spec_from_file_location(
        "convgauge", package.__file__, submodule_search_locations=list(package.__path__)
    )
    assert spec is not None and spec.loader is not None
    copy = sys.modules["convgauge"] = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(copy)


class _Server:
    def __init__(self, replies: int) -> None:
        self.replies = replies
        self.subject: Any = None
        self.calls = 0
        self.handlers: dict[str, Callable[..., None]] = {"load": self.load, "call": self.call}
        self.handlers.update(Timing(self).handlers())

    def send(self, frame: bytes) -> None:
        view = memoryview(frame)
        while view:
            view = view[os.write(self.replies, view) :]

    def load(self, origin: dict[str, Any], seed: int, memory: int) -> None:
        """Load an implementation and describe it, or say why not."""
        _limit_memory(memory)
        seed_rng(seed)
        _withdraw()
        registry = importlib.import_module("convgauge.registry")
        try:
            self.subject = Subject(registry.load(registry.Origin(**origin)))
        except registry.LoadError as error:
            self.send(reply({"error": str(error), "trace": error.trace}))
            return
        except ImportError as error:
            self.send(reply({"error": f"{origin['place']}: {error}", "trace": ""}))
            return
        self.send(reply({"description": dict(vars(self.subject.describe()))}))

    def call(self, fields: dict[str, Any]) -> None:
        """Make one call."""
        seen = self.subject.observe(call_from(fields))
        self.calls += 1
        self.send(observation_reply(seen, self.calls))


def _limit_memory(size: int) -> None:
    """Refuse to map more than ``size`` bytes (0: no limit), where the system can."""
    if size:
        import resource

        resource.setrlimit(resource.RLIMIT_AS, (size, size))
