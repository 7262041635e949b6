"""Condition: one part of a region of failures, with its expression, its words and its cost."""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass

from convgauge.diagnosis.atom import Test
from convgauge.diagnosis.features import Column, Table

_WORDS = {
    "in_channels": "input channels",
    "out_channels": "output channels",
    "kernel_h": "kernel height",
    "kernel_w": "kernel width",
    "stride_h": "vertical stride",
    "stride_w": "horizontal stride",
    "padding_h": "vertical padding",
    "padding_w": "horizontal padding",
    "dilation_h": "vertical dilation",
    "dilation_w": "horizontal dilation",
    "out_h": "output height",
    "out_w": "output width",
}
"""Words for the fields of `convgauge.domain` whose names are no words."""

_NAME = re.compile("|".join(_WORDS))
_LONG_NUMBER = re.compile(r"\b\d{4,}\b")


@dataclass(frozen=True)
class Bound:
    """Bound of a number: cases above or below a value.

    Attributes
    ----------
    column : callable
        Function that returns the number of each case of a table.
    is_above : bool
        Cases are above the value; otherwise they are below.
    expression, sentence : str
        Condition with "{}" in place of the value: in the language of `convgauge.domain`, and in words.
    cost : float
        Complexity.
    """

    column: Callable[[Table], Column]
    is_above: bool
    expression: str
    sentence: str
    cost: float

    def at(self, value: int) -> Condition:
        """Return the condition with a value."""
        expression, sentence = self.expression.format(value), self.sentence.format(f"{value:,}")
        return Condition(expression, sentence, self.cost, self._test(value), self)

    def _test(self, value: int) -> Test:
        if self.is_above:
            return lambda table: self.column(table) > value
        return lambda table: self.column(table) < value


@dataclass(frozen=True)
class Condition:
    """A condition that the cases of a region meet.

    Attributes
    ----------
    expression : str
        The condition, in the language of `convgauge.domain`; "" if it is on a field that this language has not.
    sentence : str
        Cases that meet the condition, in words: "groups > 1".
    cost : float
        Complexity; the lower, the simpler.
    holds : callable
        Function that returns, for each case of a table, True if it meets the condition.
    bound : Bound or None
        Bound of a number, if that is the condition.
    """

    expression: str
    sentence: str
    cost: float
    holds: Test
    bound: Bound | None = None


def in_words(sentence: str) -> str:
    """Return a sentence with words in place of the names of fields, and separators in long numbers."""
    words = _NAME.sub(lambda match: _WORDS[match[0]], sentence)
    words = words.replace(" that differs by axis", " differs by axis").replace(" other than by name", " in numbers")
    if words == "kernel 1":
        return "1×1 kernel"
    return _LONG_NUMBER.sub(lambda match: f"{int(match[0]):,}", words)
