"""Atoms of fields that are no numbers: a bias, depthwise, how an argument is spelled, a memory layout."""

from __future__ import annotations

from collections.abc import Iterator

from convgauge.diagnosis.atom import NUMBER, PLAIN, RELATION, Atom, Test, has_value
from convgauge.diagnosis.features import OPERAND_LAYOUTS, SPELLINGS, Table
from convgauge.domain import SPELLED

EXCLUSION = 0.05
"""Surcharge of the exclusion of one dtype, so that a list of two dtypes is preferred to it, and it to a longer one."""

_WORDS = {"int": "as a number", "tuple": "as a tuple", "list": "as a list", "str": "by name"}


def switch_atoms() -> Iterator[Atom]:
    """Yield conditions on the bias, on depthwise calls, and on the spelling of arguments."""
    with_bias, depthwise = has_value("bias", True), has_value("depthwise", True)
    yield Atom("bias", "calls without a bias", PLAIN, with_bias, affirmative="a bias", negation="not bias")
    yield Atom("not bias", "a bias", PLAIN, has_value("bias", False))
    sentence, affirmative = "calls that are not depthwise", "depthwise calls"
    yield Atom("depthwise", sentence, RELATION, depthwise, affirmative=affirmative, negation="not depthwise")
    yield Atom("not depthwise", "depthwise calls", RELATION, has_value("depthwise", False))
    for name in SPELLED:
        yield from _spelling_atoms(name)
    for word in ("same", "valid"):
        is_other = has_value("padding", word, wanted=False)
        negation = f"padding == {word!r}"
        yield Atom(
            f"padding != {word!r}",
            f"padding {word!r}",
            RELATION,
            is_other,
            (),
            f"padding other than {word!r}",
            negation,
        )


def _spelling_atoms(name: str) -> Iterator[Atom]:
    for spelling in SPELLINGS:
        words = _WORDS[spelling]
        expression, sentence = f"isinstance({name}, {spelling})", f"{name} other than {words}"
        negation, contrary = f"not isinstance({name}, {spelling})", f"{name} {words}"
        is_spelled = _is_spelled(name, spelling)
        yield Atom(expression, sentence, PLAIN, is_spelled, affirmative=contrary, negation=negation)
        yield Atom(negation, contrary, PLAIN, _is_spelled(name, spelling, wanted=False))
    default = 0 if name == "padding" else 1
    for value in (default, (default, default)):
        yield Atom(f"{name} == {value!r}", f"{name} other than {value!r}", NUMBER, has_value(name, value))


def _is_spelled(name: str, spelling: str, *, wanted: bool = True) -> Test:
    return lambda table: (table.spellings(name) == spelling) == wanted


def word_atoms(table: Table) -> Iterator[Atom]:
    """Yield the conditions that the dtype is, and is not, one of a table's, and that an operand is not in a layout."""
    for dtype in sorted(set(map(str, table.values("dtype")))):
        yield Atom(f"dtype == {dtype!r}", f"dtype other than {dtype}", NUMBER, has_value("dtype", dtype))
        yield Atom(f"dtype != {dtype!r}", dtype, RELATION + EXCLUSION, has_value("dtype", dtype, wanted=False))
    for name, operand in OPERAND_LAYOUTS.items():
        for layout in sorted(set(map(str, table.values(name)))):
            sentence = f"layout {layout} of the {operand}"
            yield Atom(f"{name} != {layout!r}", sentence, RELATION, has_value(name, layout, wanted=False))
