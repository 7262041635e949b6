"""Sentence of a counterexample: what the call was, what it gave, and what was expected."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from convgauge.conformance.case_words import case_words
from convgauge.conformance.checks import how_to_refuse
from convgauge.results import Counterexample
from convgauge.text import counted

MAX_MESSAGE = 160
"""Characters of a fault's message that the sentence holds; the report of the spec has all of it."""

PROCESSES: Mapping[str, str] = {"other_process": "in a second process, ", "forked_child": "in a forked child, "}
"""Processes in which a call fails, by the kind of its fault."""


def example_sentence(example: Counterexample) -> str:
    """Return one sentence: "padding (0, 1) on a 1×1 image gives shape (1, 1, 3, 1), expected (1, 1, 1, 3)"."""
    call = case_words(example.problem, example.operands, tuple(example.layouts), example.arguments)
    return f"{PROCESSES.get(example.kind, '')}{_after(example.after)}{call}{_result(example)}"


def _after(cases: Sequence[str]) -> str:
    """Return the calls that must come before, in words."""
    if not cases:
        return ""
    last = case_words(cases[-1])
    if len(cases) == 1:
        return f"after a call with {last}: "
    return f"after {counted(len(cases), 'call')}, the last with {last}: "


def _result(example: Counterexample) -> str:
    """Return what the call did, as the end of the sentence."""
    if example.kind == "raised":
        return f" raises {_exception(example)}"
    if example.kind == "gradient" and example.index:
        return f": {example.message}, {_value(example)}"
    if example.index:
        return f" gives {_value(example)}"
    if example.kind in ("shape", "dtype") and example.got:
        return f" gives {example.kind} {example.got}, expected {example.expected}"
    return f": {_shortened(example.message)}"


def _value(example: Counterexample) -> str:
    """Return the first wrong output: "3 at (0, 0, 1, 1), expected 4"."""
    position = f" at {tuple(example.index)}" if example.outputs != 1 else ""
    bound = f" within {example.bound}" if example.bound not in ("", "0") else ""
    return f"{example.got}{position}, expected {example.expected}{bound}"


def _exception(example: Counterexample) -> str:
    """Return the class and the text of an exception, without the advice that follows them in a message."""
    advice = f"; {how_to_refuse(example.got)}"
    return _shortened(example.message.removeprefix("raised ").replace(advice, "", 1))


def _shortened(text: str) -> str:
    line = " ".join(text.split())
    return line if len(line) <= MAX_MESSAGE else f"{line[: MAX_MESSAGE - 1]}…"
