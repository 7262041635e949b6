"""The worker process: reads commands, makes the calls and sends replies."""

from __future__ import annotations

import ctypes
import faulthandler
import importlib
import importlib.util
import os
import signal
import sys
from collections.abc import Callable
from typing import Any

from convgauge.worker.absent_device import advice
from convgauge.worker.forks import Forks, can_fork, can_fork_after_calls
from convgauge.worker.global_state import seed_rng
from convgauge.worker.inspection import inspect_target
from convgauge.worker.messages import (
    Done,
    EndFork,
    EndProcess,
    Fork,
    Forked,
    Inspect,
    Load,
    Loaded,
    LoadFailed,
    MakeCall,
    Observed,
    Reply,
    WorkerCommand,
)
from convgauge.worker.protocol import LENGTH, LOST_PIPE_STATUS, decode, encode_reply
from convgauge.worker.subject import Subject
from convgauge.worker.timing import Timing

PR_SET_PDEATHSIG = 1  # see prctl(2)
COMMAND_BUFFER_BYTES = 1 << 20

Handler = Callable[[Any], Reply]
"""Function from a command of its class to a reply."""


def main(commands: int, replies: int) -> None:
    """Serve until `EndProcess`, or until the engine closes its end; both parameters are file descriptors."""
    die_with_parent()
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # the engine handles an interruption
    faulthandler.enable()
    source = os.fdopen(commands, "rb", buffering=COMMAND_BUFFER_BYTES)
    server = _Server()
    while True:
        head = source.read(LENGTH.size)
        if len(head) < LENGTH.size:
            os._exit(0)
        (size,) = LENGTH.unpack(head)
        command = decode(source.read(size))
        reply = encode_reply(server.handle(command))
        try:
            _write(replies, reply)
        except OSError:
            os._exit(LOST_PIPE_STATUS)
        if isinstance(command, EndProcess):
            return


def die_with_parent() -> None:
    """Ask Linux to kill this process when its parent ends."""
    if sys.platform == "linux":
        ctypes.CDLL(None).prctl(PR_SET_PDEATHSIG, signal.SIGKILL)


def _write(descriptor: int, frame: bytes) -> None:
    view = memoryview(frame)
    while view:
        view = view[os.write(descriptor, view) :]


class _Server:
    """Handlers of all commands. An implementation is loaded first."""

    def __init__(self) -> None:
        self._calls = 0
        self._forks = Forks()
        self._is_engine_hidden = False
        self._handlers: dict[type[WorkerCommand[Any]], Handler] = {
            Load: self._load,
            Inspect: self._inspect,
            EndProcess: lambda _: Done(),
        }

    def handle(self, command: WorkerCommand[Reply]) -> Reply:
        """Carry a command out."""
        return self._handlers[type(command)](command)

    def _load(self, command: Load) -> Reply:
        _limit_memory(command.memory_bytes)
        seed_rng(command.seed)
        self._hide_engine_once()
        registry = importlib.import_module("convgauge.registry")
        try:
            origin = registry.Origin(**command.origin)
            subject = Subject(registry.load(origin), origin, command.refusals)
        except registry.LoadError as error:
            return LoadFailed(str(error) + advice(str(error)), error.trace)
        except ImportError as error:
            return LoadFailed(f"{command.origin['location']}: {error}")
        self._subject = subject
        self._handlers.update({MakeCall: self._make_call, Fork: self._fork, EndFork: self._end_fork})
        self._handlers.update(Timing(subject).handlers())
        return Loaded(subject.describe())

    def _hide_engine_once(self) -> None:
        if not self._is_engine_hidden:
            self._is_engine_hidden = True
            _hide_engine()

    def _inspect(self, command: Inspect) -> Reply:
        self._hide_engine_once()
        registry = importlib.import_module("convgauge.registry")
        try:
            target, framework = registry.load_target(registry.Origin(**command.origin))
        except registry.LoadError as error:
            return LoadFailed(str(error), error.trace)
        return inspect_target(target, framework)

    def _make_call(self, command: MakeCall) -> Observed:
        observation = self._subject.observe(command.call)
        self._calls += 1
        return Observed(self._calls, observation)

    def _fork(self, command: Fork) -> Reply:
        """Fork. The fork returns at once; this process does when the fork has ended, and so answers `EndFork`.

        A GPU's driver that was initialized before a fork does not work in it.
        """
        is_possible = can_fork_after_calls() if command.has_called else can_fork()
        if not is_possible or self._subject.framework.devices() != ("cpu",):
            return Forked(has_forked=False, pid=os.getpid())
        if not self._forks.fork():
            return Done()
        die_with_parent()
        return Forked(has_forked=True, pid=os.getpid())

    def _end_fork(self, command: EndFork) -> Reply:
        self._forks.end()
        return Done()


def _hide_engine() -> None:
    """Hide the modules of this process: later imports of convgauge get a fresh copy.

    An implementation that replaces parts of the engine replaces those of the copy, which the worker does not use.
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


def _limit_memory(size: int) -> None:
    """Limit the address space to ``size`` bytes (0: no limit), where the system can."""
    if size:
        import resource

        resource.setrlimit(resource.RLIMIT_AS, (size, size))
