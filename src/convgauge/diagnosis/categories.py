"""Categories: fields whose values are words, and the conditions that a field has one of some values."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field

from convgauge.diagnosis.atom import PLAIN, Test
from convgauge.diagnosis.backward import GRADIENT_MODES
from convgauge.diagnosis.condition import Condition
from convgauge.diagnosis.features import OPERAND_LAYOUTS, Table
from convgauge.domain import FIELDS

MAX_MEMBERS = 3
"""Values that a condition may list; a longer list repeats the sample instead of a rule."""

MEMBER = 0.1
"""Cost of each value that a condition lists, beside that of a switch."""


@dataclass(frozen=True)
class Category:
    """A field whose values are words.

    Attributes
    ----------
    name : str
        Name of the field.
    template : str
        Words for a value of which ``words`` has none.
    usual : str or None
        Value of a usual call; None if there is none.
    unusual : str
        Words for all values but the usual one.
    words : mapping
        Words by value.
    sets : mapping
        Sets of values by their words.
    surcharge : float
        Cost, beside that of a switch.
    """

    name: str
    template: str
    usual: str | None = None
    unusual: str = ""
    words: Mapping[str, str] = field(default_factory=dict)
    sets: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    surcharge: float = 0.0

    def conditions(self, table: Table) -> Iterator[Condition]:
        """Yield the conditions that the field has one value, another than the usual one, or one of a known set."""
        for value in sorted(map(str, table.distinct(self.name))):
            yield self._condition((value,), self._words(value))
        for words, members in self.sets.items():
            yield self._condition(members, words, PLAIN + self.surcharge + MEMBER)
        if self.usual is not None and self.unusual:
            expression = f"{self.name} != {self.usual!r}" if self.name in FIELDS else ""
            is_usual = _is_among(self.name, (self.usual,))
            yield Condition(expression, self.unusual, PLAIN + self.surcharge, lambda table: ~is_usual(table))

    def membership(self, values: Iterable[object]) -> Condition | None:
        """Return the condition that the field has one of several values, or None if these are one or too many."""
        members = sorted(set(map(str, values)))
        if not 1 < len(members) <= MAX_MEMBERS or (self.unusual == "" and self.usual in members):
            return None
        words = [self._words(member) for member in members]
        return self._condition(members, f"{', '.join(words[:-1])} or {words[-1]}")

    def _words(self, value: str) -> str:
        return self.words.get(value) or self.template.format(value.replace("_", " "))

    def _condition(self, members: Sequence[str], words: str, cost: float | None = None) -> Condition:
        is_usual = members[0] == self.usual and len(members) == 1
        cost = PLAIN + self.surcharge + MEMBER * (len(members) + is_usual) if cost is None else cost
        values = ", ".join(map(repr, members))
        equal = f"{self.name} == {values}" if len(members) == 1 else f"{self.name} in ({values})"
        return Condition(equal if self.name in FIELDS else "", words, cost, _is_among(self.name, members))


def _is_among(name: str, members: Sequence[str]) -> Test:
    return lambda table: table.is_among(name, members)


def _layouts(name: str, operand: str) -> Category:
    words = {
        "contiguous": f"contiguous {operand}",
        "fortran": f"Fortran order of the {operand}",
        "channels_last": f"channels-last {operand}",
        "transposed": f"transposed {operand}",
        "negative": f"negative strides of the {operand}",
        "readonly": f"read-only {operand}",
        "unaligned": f"unaligned {operand}",
        "bigendian": f"foreign byte order of the {operand}",
        "distant": f"{operand} whose first axis spans more than 2^32 elements",
    }
    return Category(name, f"layout {{}} of the {operand}", "contiguous", f"{operand} that is not contiguous", words)


def _contents(operand: str) -> Category:
    words = {
        "usual": f"usual values of the {operand}",
        "nan": f"NaN in the {operand}",
        "infinity": f"infinity in the {operand}",
        "zeros": f"zeros alone in the {operand}",
        "constant": f"one value alone in the {operand}",
        "single": f"a single element that is not zero in the {operand}",
        "balanced": f"values of the {operand} that sum to zero",
        "not_negative": f"no negative value in the {operand}",
        "not_positive": f"no positive value in the {operand}",
    }
    sets = {f"NaN or infinity in the {operand}": ("nan", "infinity")}
    return Category(f"{operand}_values", "{}", "usual", "", words, sets)


CATEGORIES = (
    Category(
        "dtype",
        "{}",
        sets={
            "complex dtypes": ("complex64", "complex128"),
            "integer dtypes": ("int8", "uint8", "int16", "int32", "int64"),
            "half precision": ("float16", "bfloat16"),
        },
    ),
    *(_layouts(name, operand) for name, operand in OPERAND_LAYOUTS.items()),
    *(_contents(operand) for operand in OPERAND_LAYOUTS.values()),
    Category(
        "family",
        "{} operands",
        "exact",
        "operands that are not integers",
        {
            "exact": "integers as operands",
            "gaussian": "Gaussian operands",
            "wide": "operands of many magnitudes",
            "cancelling": "operands that cancel",
            "near_overflow": "operands near overflow",
            "small_onto_large": "small products after a large one",
            "biased": "a bias far above the products",
            "mixed_zeros": "operands with many zeros",
        },
        {"subnormal operands": ("subnormal", "subnormal_weights")},
    ),
    Category(
        "mode",
        "calls {}",
        "",
        "",
        {
            "": "plain calls",
            "by_keyword": "operands by name",
            "by_position": "arguments by position",
            "without_bias": "a bias that is left out",
            "numpy_integers": "NumPy integers as arguments",
            "one_array": "one array as input and weight",
        },
        {"gradients": GRADIENT_MODES},
    ),
    Category(
        "order",
        "{}",
        words={"first": "the first call of the process", "later": "not the first call of the process"},
        surcharge=0.5,
    ),
    Category(
        "whole",
        "{}",
        words={"True": "whole numbers as operands", "False": "operands that are not all whole numbers"},
        surcharge=0.3,
    ),
    Category("device", "device {}"),
    Category("prepared", "{}", "False", words={"True": "prepared layers", "False": "calls without `prepare`"}),
)
"""Fields whose values are words, with the words for them."""
