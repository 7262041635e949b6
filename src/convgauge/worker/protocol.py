"""The frames between the engine and the process that runs an implementation.

Towards the child a frame is a pickle of plain values and arrays' bytes. From the child it is JSON and arrays' bytes:
what an implementation's process sends is read as data and can never run code here.
"""

from __future__ import annotations

import json
import math
import pickle
import struct
from collections.abc import Sequence
from typing import Any, get_args

import numpy as np

from convgauge.worker.call import Call, Description, Kind, Observation

LENGTH = struct.Struct("<Q")
ARRAYS = ("output", "extra_outputs")  # the fields of an observation that are arrays
OPERANDS = ("input", "weight", "bias", "extra_operand")  # the fields of a call that are arrays
LIMIT = 1 << 34  # bytes; a longer frame is taken for noise


class GarbledFrame(ValueError):
    """Bytes that no honest child sends."""


def packed(array: np.ndarray | None) -> Any:
    return None if array is None else (array.dtype.str, array.shape, array.tobytes())


def unpacked(packed: Any) -> np.ndarray | None:
    if packed is None:
        return None
    dtype, shape, content = packed
    return np.frombuffer(content, dtype=dtype).reshape(shape).copy()


def request(command: str, *values: Any) -> bytes:
    """A frame for the child: a command and plain values."""
    content = pickle.dumps((command, values), protocol=4)
    return LENGTH.pack(len(content)) + content


def call_request(call: Call) -> bytes:
    """A frame that asks for one call."""
    fields = dict(vars(call))
    for name in OPERANDS:
        fields[name] = packed(fields[name])
    return request("call", fields)


def call_from(fields: dict[str, Any]) -> Call:
    """The call that `call_request` packed."""
    for name in OPERANDS:
        fields[name] = unpacked(fields[name])
    return Call(**fields)


def reply(content: dict[str, Any], arrays: Sequence[np.ndarray] = ()) -> bytes:
    """A frame for the parent: JSON values, then the arrays' bytes."""
    described = [(array.dtype.str, array.shape) for array in arrays]
    text = json.dumps({**content, "arrays": described}).encode()
    parts = [LENGTH.pack(len(text)), text, *(array.tobytes() for array in arrays)]
    return LENGTH.pack(sum(map(len, parts))) + b"".join(parts)


def read_reply(frame: bytes) -> tuple[dict[str, Any], list[np.ndarray]]:
    """What `reply` packed. Raises `GarbledFrame`."""
    try:
        (size,) = LENGTH.unpack_from(frame)
        content = json.loads(frame[LENGTH.size : LENGTH.size + size])
        start = LENGTH.size + size
        arrays = []
        for dtype, shape in content.pop("arrays"):
            kind = np.dtype(dtype)
            if kind.hasobject:
                raise GarbledFrame("an array of objects")
            count = math.prod(map(int, shape))
            arrays.append(np.frombuffer(frame, kind, count, start).reshape(shape))
            start += count * kind.itemsize
        return content, arrays
    except (ValueError, KeyError, TypeError, AttributeError, struct.error, RecursionError) as error:
        raise GarbledFrame(str(error)) from None


_UNSAID = vars(Observation("not_called"))  # what a reply leaves out, since it goes without saying


def observation_reply(seen: Observation, number: int) -> bytes:
    """A frame that tells of one call, the ``number``-th of its process."""
    fields = {name: value for name, value in vars(seen).items() if name not in ARRAYS and value != _UNSAID[name]}
    arrays = [seen.output, *seen.extra_outputs]
    present = [array is not None for array in arrays]
    return reply(
        {"number": number, "observation": fields, "present": present}, [array for array in arrays if array is not None]
    )


def observation_from(content: dict[str, Any], arrays: list[np.ndarray]) -> Observation:
    """The observation that `observation_reply` packed. Raises `GarbledFrame`."""
    try:
        fields = content["observation"]
        if fields["kind"] not in get_args(Kind):
            raise GarbledFrame("an observation of unknown kind")
        for name in ("error", "side_effects"):
            fields[name] = tuple(map(str, fields.get(name, ())))
        came = iter(arrays)
        output, *extra_outputs = [next(came) if present else None for present in content["present"]]
        return Observation(**fields, output=output, extra_outputs=extra_outputs)
    except (KeyError, TypeError, ValueError, StopIteration) as error:
        raise GarbledFrame(str(error)) from None


def description_from(content: dict[str, Any]) -> Description:
    """A `Description` sent as its fields. Raises `GarbledFrame`."""
    try:
        fields = content["description"]
        for name in ("dtypes", "layouts", "devices"):
            fields[name] = tuple(map(str, fields[name]))
        return Description(**fields)
    except (KeyError, TypeError) as error:
        raise GarbledFrame(str(error)) from None
