"""Frames between the engine and the process of an implementation.

A frame is a length and that many bytes. A command is a pickle. A reply is the length of a JSON text, the text, and the
bytes of its arrays: the engine reads it as data, so that it cannot run code there. In the text an array is a pair of
its dtype and its shape. `convgauge.process.replies` decodes replies.
"""

from __future__ import annotations

import io
import json
import pickle
import struct
from collections.abc import Callable
from dataclasses import MISSING, dataclass, fields
from typing import Any, Generic

import numpy as np

from convgauge.worker.call import Call
from convgauge.worker.messages import COMMANDS, R, Reply, WorkerCommand

LENGTH = struct.Struct("<Q")
LOST_PIPE_STATUS = 74  # exit status of a worker that cannot write: EX_IOERR of sysexits.h
MAX_FRAME_BYTES = 1 << 34  # a longer frame is noise
PICKLE_PROTOCOL = 4  # the newest of Python 3.9


@dataclass(frozen=True)
class Encoded(Generic[R]):
    """Frame of a command, with the class of its reply."""

    frame: bytes
    reply: type[R]


def encode(command: WorkerCommand[R]) -> Encoded[R]:
    """Return the frame of a command."""
    buffer = io.BytesIO()
    buffer.seek(LENGTH.size)
    pickler = pickle.Pickler(buffer, PICKLE_PROTOCOL)
    pickler.dispatch_table = _REDUCERS
    pickler.dump(command)
    size = buffer.tell() - LENGTH.size
    buffer.seek(0)
    buffer.write(LENGTH.pack(size))
    return Encoded(buffer.getvalue(), command.reply)


def decode(content: bytes) -> WorkerCommand[Reply]:
    """Return the command of a frame without its length."""
    command: WorkerCommand[Reply] = _Unpickler(io.BytesIO(content)).load()
    return command


def encode_reply(message: Reply) -> bytes:
    """Return the frame of a reply. Fields with their default value are left out."""
    arrays: list[np.ndarray] = []

    def plain(value: object) -> object:
        if isinstance(value, np.ndarray):
            arrays.append(value)
            return value.dtype.str, value.shape
        return _changed_fields(value)

    content = (type(message).__name__, _changed_fields(message))
    text = json.dumps(content, default=plain, ensure_ascii=False).encode("utf-8", "replace")
    parts = [LENGTH.pack(len(text)), text, *(array.tobytes() for array in arrays)]
    return LENGTH.pack(sum(map(len, parts))) + b"".join(parts)


_DEFAULTS: dict[type, dict[str, object]] = {}


def _changed_fields(message: object) -> dict[str, object]:
    defaults = _defaults(message)
    return {
        name: value
        for name, value in vars(message).items()
        if (default := defaults.get(name, MISSING)) is not value and (isinstance(value, np.ndarray) or value != default)
    }


def _defaults(message: Any) -> dict[str, object]:  # noqa: ANN401 - an instance of any dataclass
    """Return the defaults of a dataclass's fields."""
    kind = type(message)
    if kind not in _DEFAULTS:
        defaults = {field.name: field.default for field in fields(kind) if field.default is not MISSING}
        factories = {field.name: field.default_factory for field in fields(kind)}
        defaults.update({name: factory() for name, factory in factories.items() if factory is not MISSING})
        _DEFAULTS[kind] = defaults
    return _DEFAULTS[kind]


# --- pickles of commands: one function rebuilds messages and arrays, which keeps them short ---------------------------

_ARRAY = "ndarray"
Reduced = tuple[Callable[..., object], tuple[str, object]]


def _reduce_array(array: np.ndarray) -> Reduced:
    """Reduce an array to plain values, whose pickle does not depend on the version of NumPy."""
    return _rebuild, (_ARRAY, (array.dtype.str, array.shape, array.tobytes()))


def _reduce_message(message: object) -> Reduced:
    return _rebuild, (type(message).__name__, vars(message))


def _rebuild(name: str, content: Any) -> object:  # noqa: ANN401 - values of an array, or fields of a message
    if name == _ARRAY:
        dtype, shape, values = content
        return np.frombuffer(values, dtype=dtype).reshape(shape).copy()
    message: object = object.__new__(_MESSAGES[name])
    vars(message).update(content)
    return message


_MESSAGES: dict[str, type] = {**COMMANDS, Call.__name__: Call}
_REDUCERS: dict[type, Callable[[Any], Reduced]] = {
    np.ndarray: _reduce_array,
    **dict.fromkeys(_MESSAGES.values(), _reduce_message),
}


class _Unpickler(pickle.Unpickler):
    def find_class(self, module: str, name: str) -> Any:  # noqa: ANN401 - as in the base class
        """Take the function of this module, not of the copy that a kernel can import and change."""
        return _rebuild if module == __name__ else super().find_class(module, name)
