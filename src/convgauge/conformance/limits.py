"""Limits: the regions that an implementation does not answer, in words, as an expression, and with their cases."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property

from convgauge.domain import EVERYTHING, Domain
from convgauge.registry.signature import UnsupportedArgument
from convgauge.text import counted

_LOCATION = re.compile(r" \([^()]*:\d+\)$")
_LABEL = re.compile(r"(?P<sentence>[^:]*) \((?P<raises>raises )?(?P<error>\w+)\)")
_CLASS_AT_END = re.compile(r" \((\w+)\)$")
_NUMBERS = re.compile(r"\d+|…")

MAX_REASON = 120
"""Characters of an exception's text in a reason: one line of a terminal."""


@dataclass(frozen=True)
class Limit:
    """A region that an implementation does not answer.

    Attributes
    ----------
    expression : str
        Condition of the cases that it answers: "groups == 1".
    sentence : str
        The other cases in words: "groups > 1".
    error : str
        Class and text of the exception that most of them raise.
    is_refusal : bool
        True if the exception is a refusal; otherwise the implementation fails there without meaning to.
    """

    expression: str
    sentence: str
    error: str
    is_refusal: bool

    @property
    def label(self) -> str:
        """Sentence with the class of the exception, by which cases are counted: "groups > 1 (AssertionError)".

        The reason stands in place of a class if convgauge refuses the calls, which the implementation's form cannot
        express: "a bias: its signature has no bias".
        """
        name = self.error.partition(":")[0]
        if not name.isidentifier():
            return f"{self.sentence}: {self.error}"
        return f"{self.sentence} ({'' if self.is_refusal else 'raises '}{name})"

    @cached_property
    def domain(self) -> Domain:
        """Cases outside the region."""
        return Domain.parse(self.expression)


@dataclass(frozen=True)
class Discovery:
    """Domain and limits of an implementation, as found by probes.

    Attributes
    ----------
    domain : Domain
        Cases that it answers, as far as was found out: the conjunction of the limits' expressions.
    limits : tuple of Limit
        Regions that it does not answer.
    probes : int
        Number of calls that were made.
    anchor : str
        Text of a case that is answered, or "" if none was found.
    reason : str
        Sentence if the limits are unknown or incomplete, else "".
    """

    domain: Domain = EVERYTHING
    limits: tuple[Limit, ...] = ()
    probes: int = 0
    anchor: str = ""
    reason: str = ""


def error_text(error: Sequence[str], message: str) -> str:
    """Return the class and the text of an exception without the line that raised it: "ValueError: one group only".

    Parameters
    ----------
    error : sequence of str
        Class names of the exception, the most derived first; empty if there is an output that cannot be used.
    message : str
        Text of the exception, as in an `Observation`.
    """
    text = _LOCATION.sub("", message.partition("\n")[0]).strip()[:MAX_REASON]
    if error and error[0] == UnsupportedArgument.__name__:
        return text  # convgauge raised it, since the form of the implementation cannot express the call
    return ": ".join(filter(None, (*error[:1], text)))


def attribute(limits: Iterable[Limit], case_fields: Mapping[str, object], error: str) -> str:
    """Return the label of the limit that a case violates, or the text of its exception if there is none.

    Parameters
    ----------
    limits : iterable of Limit
        Limits of the implementation.
    case_fields : mapping
        Fields of the case (`convgauge.domain.fields_of`).
    error : str
        Exception of the case, as `error_text` returns it. Among several limits, that with the same text is taken.
    """
    violated = [limit for limit in limits if not limit.domain.contains(case_fields)]
    if not violated:
        return error
    same = [limit for limit in violated if _stable(limit.error) == _stable(error)]
    return (same or violated)[0].label


def merged(counts: Mapping[str, int]) -> Counter[str]:
    """Return counts by text, with one text for those that differ in numbers alone: these become "…".

    The label of a limit keeps its numbers.
    """
    groups: dict[str, list[str]] = {}
    for text in counts:
        groups.setdefault(text if _LABEL.fullmatch(text) else _stable(text), []).append(text)
    return Counter({_common(texts): sum(counts[text] for text in texts) for texts in groups.values()})


def _common(texts: Sequence[str]) -> str:
    """Return the text of which some texts are cases: with "…" for each number in which they differ."""
    columns = zip(*map(_NUMBERS.findall, texts), strict=True)
    numbers = iter([column[0] if len(set(column)) == 1 else "…" for column in columns])
    return _NUMBERS.sub(lambda _: next(numbers), texts[0])


def _stable(error: str) -> str:
    """Return the text of an exception with "…" for each number."""
    return _NUMBERS.sub("…", error)


def with_cases(reason: str, count: int) -> str:
    """Return a label or another reason with its number of cases, which joins a class in parentheses at its end."""
    cases = counted(count, "case")
    if match := _CLASS_AT_END.search(reason):
        return f"{reason[: match.start()]} ({match[1]}, {cases})"
    return f"{reason} ({cases})"


def is_of_errors(label: str) -> bool:
    """Return True if a label is that of a limit whose exception is no refusal."""
    return " (raises " in label


def proposal(limits: Iterable[str], domain: str) -> str:
    """Return how to declare the limits of an implementation that raises exceptions instead of refusals, or "".

    Parameters
    ----------
    limits : iterable of str
        Labels of its limits.
    domain : str
        The domain that was found, as an expression.
    """
    regions: dict[str, list[str]] = {}
    for label in limits:
        match = _LABEL.fullmatch(label)
        if match is not None and match["raises"]:
            regions.setdefault(match["error"], []).append(match["sentence"])
    if not regions or not domain:
        return ""
    errors = "; ".join(f"raises {error} wherever {' or '.join(sentences)}" for error, sentences in regions.items())
    return f'{errors}: if this is not supported, say so: --supports "{domain}"'
