"""Text of causes for a terminal: a headline, three lines for each cause, and what no cause explains."""

from __future__ import annotations

import textwrap
from collections.abc import Iterator, Mapping, Sequence

from convgauge.conformance.causes import failing_specs, named, unexplained_specs
from convgauge.conformance.example_sentence import example_sentence
from convgauge.results import CauseRecord, Judgement, SpecRecord
from convgauge.text import counted, escape_controls

LINE_CHARS = 110
"""Columns of a line of text; a command is never broken."""

SENTENCE_CHARS = 48
"""Columns of a cause's sentence, beside which its extent stands if there is room."""

INDENT = "   "
_LABEL_CHARS = 10  # of "smallest: "

MAX_CAUSES = 5
"""Causes that are printed unless every spec is."""

MAX_IDS = 5
"""Failing specs without a cause that are named unless every spec is."""


def headline(records: Sequence[SpecRecord], causes: Sequence[CauseRecord], noun: str = "failing spec") -> str:
    """Return the sentence on the number of causes: "2 causes explain all 85 failing specs (0 unexplained)."."""
    failing, unexplained = len(failing_specs(records)), len(unexplained_specs(records, causes))
    count, explained = len(named(causes)), failing - unexplained
    verb = "explains" if count == 1 else "explain"
    specs = f"the {noun}" if failing == 1 else f"all {counted(failing, noun)}"
    if not explained:
        return f"No known cause explains {specs.replace('all', 'the')}." if failing else ""
    if unexplained:
        specs = f"{explained:,} of {counted(failing, noun)}"
    return f"{counted(count, 'cause')} {verb} {specs} ({unexplained:,} unexplained)."


def remark_sentence(judgement: Judgement) -> str:
    """Return the remark on all failures as a sentence; "" if there is none."""
    remark = judgement.remark.rstrip(".")
    return f"{remark[:1].upper()}{remark[1:]}." if remark else ""


def cause_lines(
    judgement: Judgement, records: Sequence[SpecRecord], causes: Sequence[CauseRecord], *, shows_all: bool = False
) -> list[str]:
    """Return the lines below the headline: the causes, what has none, and what is not the cause.

    Parameters
    ----------
    judgement
        Judgement of the implementation.
    records
        Its records.
    causes
        Its causes.
    shows_all
        Print every cause and every failing spec.
    """
    most = len(causes) if shows_all else MAX_CAUSES
    explaining = named(causes)
    lines = [line for number, cause in enumerate(explaining[:most], 1) for line in numbered_lines(number, cause)]
    if len(explaining) > most:
        lines.append(f"and {counted(len(explaining) - most, 'more cause')}: -v")
    lines += _unexplained_lines(records, causes, shows_all=shows_all)
    if judgement.cleared:
        lines += wrapped(f"not the cause: {_cleared(judgement.cleared)}", INDENT)
    return [escape_controls(line) for line in lines]


def numbered_lines(number: int, cause: CauseRecord) -> list[str]:
    """Return the lines of one cause: the sentence with its extent, the smallest case, and the command for it."""
    start = f"{number}. {cause.sentence}"
    beside = f"{start:<{SENTENCE_CHARS}}  {extent(cause)}"
    if len(beside) <= LINE_CHARS:
        return [beside, *_case_lines(cause)]
    return [*wrapped(start, INDENT), *_labelled("where", extent(cause)), *_case_lines(cause)]


def extent(cause: CauseRecord) -> str:
    """Return the number of specs and cases of a cause, and its region: "79 specs, 393 cases, wherever stride > 1"."""
    specs = counted(len(cause.specs), "spec") if cause.specs else ""
    return ", ".join(filter(None, (specs, counted(cause.cases, "case"), region(cause))))


def region(cause: CauseRecord) -> str:
    """Return the region of a cause as the end of a sentence; "" if it is everywhere."""
    if not cause.region or cause.region.startswith(("wherever ", "for ", "in ")):
        return cause.region
    return f"wherever {cause.region}"


def _case_lines(cause: CauseRecord) -> list[str]:
    """Return the smallest case of a cause, and the command that runs it again on one line."""
    lines = [] if cause.counterexample is None else _labelled("smallest", example_sentence(cause.counterexample))
    return lines + ([f"{INDENT}{'again:':<{_LABEL_CHARS}}{cause.reproduce}"] if cause.reproduce else [])


def _labelled(label: str, text: str) -> list[str]:
    return wrapped(f"{INDENT}{label + ':':<{_LABEL_CHARS}}{text}", INDENT + " " * _LABEL_CHARS)


def wrapped(text: str, indent: str) -> list[str]:
    """Return text in lines of at most `LINE_CHARS`, the further ones indented."""
    return textwrap.wrap(
        text, LINE_CHARS, subsequent_indent=indent, break_long_words=False, break_on_hyphens=False
    )  # fmt: skip


def _unexplained_lines(
    records: Sequence[SpecRecord], causes: Sequence[CauseRecord], *, shows_all: bool
) -> Iterator[str]:
    """Yield the failing specs that no mechanism explains: by region if one is known, and the others by id."""
    left = unexplained_specs(records, causes)
    for cause in causes:
        specs = [spec for spec in cause.specs if spec in left]
        if cause.mechanism:
            continue
        left = [spec for spec in left if spec not in specs]
        yield from wrapped(_without_cause(cause, specs), INDENT)
        if specs:
            yield from _case_lines(cause)
    if left:
        verb = "has" if len(left) == 1 else "have"
        most = len(left) if shows_all else MAX_IDS
        further = f", … and {len(left) - most:,} more: -v" if len(left) > most else ""
        text = f"{counted(len(left), 'failing spec')} {verb} no cause that fits: {', '.join(left[:most])}{further}"
        yield from wrapped(text, INDENT)


def _without_cause(cause: CauseRecord, specs: Sequence[str]) -> str:
    """Return the line of a region without a mechanism; its specs may have other cases that a cause explains."""
    cases = counted(cause.cases, "case")
    if specs:
        verb = "has" if len(specs) == 1 else "have"
        where = ", ".join(filter(None, (cause.sentence, region(cause), cases)))
        return f"{counted(len(specs), 'failing spec')} {verb} no cause that fits: {where}"
    verb = "has" if cause.cases == 1 else "have"
    where = ", ".join(filter(None, (cause.sentence, region(cause))))
    return f"{cases} of specs explained above {verb} no cause that fits: {where}"


def _cleared(cleared: Mapping[str, int]) -> str:
    """Return the topics that are not the cause, with the least number of cases that passed in one of them."""
    least = counted(min(cleared.values()), "case")
    return f"{', '.join(cleared)} ({f'at least {least} each' if len(cleared) > 1 else least} passed)"
