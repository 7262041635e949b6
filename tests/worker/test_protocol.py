"""Messages between the engine and the worker process: they arrive as they were sent, and nothing else is accepted."""

from __future__ import annotations

import json
import pickle
from dataclasses import fields, is_dataclass
from typing import Any

import numpy as np
import pytest

from convgauge.process.replies import InvalidReply
from convgauge.process.replies import decode as decode_reply
from convgauge.worker import messages
from convgauge.worker.call import Call, Description, Observation, SideEffect
from convgauge.worker.protocol import LENGTH, decode, encode, encode_reply

X = np.arange(12, dtype="float32").reshape(1, 2, 2, 3)
CALL = Call(X, X[:, ::-1], None, {"stride": (1, 2), "padding": "same", "groups": np.int64(1)}, extra_operand=X[0])

COMMANDS: list[messages.WorkerCommand[Any]] = [
    messages.Load({"kind": "file", "location": "k.py", "declaration": None}, 7, 1 << 40),
    messages.MakeCall(CALL),
    messages.Prepare("n1", [(X, X, None), (X, X, X)], [[], [(0, 0, 0, 1)]], 2),
    messages.Sample(3, 9),
    messages.DropOperands(),
]

REPLIES = [
    messages.Loaded(Description("k", "numpy", "", "B", ("float32",), ("contiguous",), ("cpu",), {"numpy": "2"})),
    messages.LoadFailed("no such file", "Traceback"),
    messages.Observed(3, Observation("answer", X, "float32", seconds=0.5, extra_outputs=[X[0], None, X[:0]])),
    messages.Observed(
        1,
        Observation(
            "raised", error=("ValueError",), message="größer ×", side_effects=(SideEffect("mutated", "input", "wrote"),)
        ),
    ),
    messages.Refused("refused", "not here"),
    messages.Done(),
    messages.Prepared(None, 4),
    messages.WarmedUp([3, 2, 1]),
    messages.Sampled(10, 0, 12),
    messages.TimedOutput(X, "float32"),
    messages.PeakMemory(None),
]


def assert_same(sent: Any, received: Any) -> None:
    """Compare two values field by field, arrays by content."""
    if isinstance(sent, np.ndarray):
        np.testing.assert_array_equal(sent, received)
        assert sent.dtype == received.dtype
    elif is_dataclass(sent):
        assert type(sent) is type(received)
        for field in fields(sent):
            assert_same(getattr(sent, field.name), getattr(received, field.name))
    elif isinstance(sent, (list, tuple)):
        assert len(sent) == len(received)
        for sent_item, received_item in zip(sent, received, strict=True):
            assert_same(sent_item, received_item)
    else:
        assert sent == received


@pytest.mark.parametrize("command", COMMANDS, ids=lambda command: type(command).__name__)
def test_a_command_arrives_as_it_was_sent(command: messages.WorkerCommand[Any]) -> None:
    frame = encode(command).frame
    assert LENGTH.unpack_from(frame) == (len(frame) - LENGTH.size,)
    assert_same(command, decode(frame[LENGTH.size :]))


@pytest.mark.parametrize("reply", REPLIES, ids=lambda reply: type(reply).__name__)
def test_a_reply_arrives_as_it_was_sent(reply: messages.Reply) -> None:
    frame = encode_reply(reply)
    assert LENGTH.unpack_from(frame) == (len(frame) - LENGTH.size,)
    assert_same(reply, decode_reply(frame[LENGTH.size :]))


def test_text_that_is_no_unicode_arrives_as_text() -> None:
    (message,) = [
        r.message for r in [received(messages.Refused("raised", "a\udc80b"))] if isinstance(r, messages.Refused)
    ]
    assert message == "a?b"


def received(reply: messages.Reply) -> messages.Reply:
    return decode_reply(encode_reply(reply)[LENGTH.size :])


def frame(content: Any, arrays: bytes = b"") -> bytes:
    text = json.dumps(content).encode()
    return LENGTH.pack(len(text)) + text + arrays


ARRAY = {"kind": "answer", "output": ["<f4", [2]]}


@pytest.mark.parametrize(
    "content",
    [
        b"",
        b"\0" * 7,
        LENGTH.pack(1 << 60) + b"[]",
        LENGTH.pack(3) + b"\xff\xfe\xfd",
        frame([]),
        frame({"type": "Done"}),
        frame(["Unknown", {}]),
        frame(["Observed", {}]),
        frame(["Observed", {"number": "1", "observation": {"kind": "answer"}}]),
        frame(["Observed", {"number": 1, "observation": {"kind": "excellent"}}]),
        frame(["Observed", {"number": 1, "observation": {"kind": "answer", "is_unstable": "no"}}]),
        frame(["Observed", {"number": 1, "observation": ARRAY}], b"1234567"),
        frame(["Observed", {"number": 1, "observation": {**ARRAY, "output": ["O", [1]]}}], b"12345678"),
        frame(["Observed", {"number": 1, "observation": {**ARRAY, "output": ["<f4", [-1]]}}], b"1234"),
        frame(["Observed", {"number": 1, "observation": {**ARRAY, "output": ["no dtype", [1]]}}], b"1234"),
        frame(["Observed", {"number": 1, "observation": {**ARRAY, "output": 5}}], b"1234"),
        frame(["Sampled", {"calls_ns": 1.5, "delayed_ns": 0, "elapsed_ns": 0}]),
        LENGTH.pack(200_000) + b"[" * 200_000,
        pickle.dumps([1, 2]),
    ],
)
def test_anything_else_is_an_invalid_reply(content: bytes) -> None:
    with pytest.raises(InvalidReply):
        decode_reply(content)


def test_each_command_names_its_reply() -> None:
    commands = [
        kind for kind in vars(messages).values() if isinstance(kind, type) and issubclass(kind, messages.WorkerCommand)
    ]
    assert len(commands) > 10
    for kind in commands:
        assert kind is messages.WorkerCommand or issubclass(kind.reply, messages.Reply)
