"""Domain: an expression that is parsed once and computed for many calls."""

from __future__ import annotations

import ast
import functools
import operator
from collections.abc import Mapping
from types import CodeType
from typing import Any, Callable

from convgauge.domain import kinds, syntax
from convgauge.domain.fields import FIELDS
from convgauge.domain.trees import compile_expression, parse_expression

_ARITHMETIC: dict[type[ast.operator], tuple[str, Callable[[Any, Any], Any]]] = {
    ast.Add: ("+", operator.add),
    ast.Sub: ("-", operator.sub),
    ast.Mult: ("*", operator.mul),
    ast.FloorDiv: ("//", operator.floordiv),
    ast.Mod: ("%", operator.mod),
}


def _of_numbers(function: Callable[[int, int], int]) -> Callable[[object, object], int]:
    """Return a function of numbers alone: Python's * also repeats texts and tuples, and its % formats texts."""

    def compute(left: object, right: object) -> int:
        if not (isinstance(left, int) and isinstance(right, int)):
            raise TypeError("not a number")
        return function(left, right)

    return compute


_GLOBALS: dict[str, Any] = {
    "__builtins__": {},
    **{function.__name__: function for function in (isinstance, len, min, max, abs)},
    **{kind.__name__: kind for kind in (int, tuple, list, str)},
    **{sign: _of_numbers(function) for sign, function in _ARITHMETIC.values()},
}
"""Everything that a compiled expression can name beside the fields."""


class _Guarded(ast.NodeTransformer):
    """Replacement of arithmetic by calls of functions that take numbers alone; no expression can spell their names."""

    def visit_BinOp(self, node: ast.BinOp) -> ast.expr:  # named by `ast`
        """Return the call."""
        self.generic_visit(node)
        sign, _ = _ARITHMETIC[type(node.op)]
        return ast.Call(ast.Name(sign, ast.Load()), [node.left, node.right], [])


OUTSIDE = "outside the declared domain"
"""Beginning of the reason why a call is not made; the conditions that it does not meet follow."""


class Domain:
    """Set of calls, given by a condition on their fields (`convgauge.domain.FIELDS`).

    Domains are immutable, and equal if their texts are. `parse` makes them.

    Attributes
    ----------
    text : str
        The condition.
    names : frozenset of str
        Fields that the condition names.
    """

    __slots__ = ("_code", "_condition", "names", "text")

    def __init__(self, text: str, condition: ast.expr) -> None:
        self.text = text
        self.names = frozenset(node.id for node in ast.walk(condition) if isinstance(node, ast.Name)) & FIELDS.keys()
        self._condition = condition
        self._code: CodeType = compile_expression(_Guarded().visit(parse_expression(text)))

    @staticmethod
    def parse(text: str) -> Domain:
        """Return the domain of an expression.

        Raises
        ------
        DomainError
            The expression does not parse, names an unknown field, is not a condition, or cannot be computed for some
            calls.
        """
        return _parse(" ".join(text.split()))

    def contains(self, fields: Mapping[str, Any]) -> bool:
        """Return True if the condition holds for a call; False if it does not, divides by 0 or cannot be computed.

        Parameters
        ----------
        fields : mapping
            Value of every field (`fields_of`).
        """
        try:
            return bool(eval(self._code, _GLOBALS, fields))
        except (TypeError, ZeroDivisionError, ValueError):  # of a division, or of an invalid call's arguments
            return False

    @property
    def is_everything(self) -> bool:
        """True if the domain is `EVERYTHING`, which needs no fields to be computed."""
        return self.text == "True"

    @property
    def conjuncts(self) -> tuple[Domain, ...]:
        """Conditions that ``and`` joins at the top level, in order; the domain itself if there is only one."""
        return _conjuncts(self)

    def violated(self, fields: Mapping[str, Any]) -> tuple[Domain, ...]:
        """Return the conjuncts that do not hold for a call.

        A conjunct that cannot be computed is left out if an earlier one does not hold, since that one guards it.
        """
        violated: list[Domain] = []
        for conjunct in self.conjuncts:
            try:
                holds = bool(eval(conjunct._code, _GLOBALS, fields))
            except (TypeError, ZeroDivisionError, ValueError):
                holds = bool(violated)
            if not holds:
                violated.append(conjunct)
        return tuple(violated)

    def exclusion(self, fields: Mapping[str, Any]) -> str:
        """Return the reason why a call is outside the domain as a declared one; "" if the call is inside."""
        violated = () if self.contains(fields) else self.violated(fields) or (self,)
        return f"{OUTSIDE}: {' and '.join(map(str, violated))}" if violated else ""

    def __and__(self, other: Domain) -> Domain:
        """Return the domain of calls that are in both, with each conjunct once."""
        conjuncts = [part for part in dict.fromkeys((*self.conjuncts, *other.conjuncts)) if not part.is_everything]
        if len(conjuncts) <= 1:
            return (*conjuncts, EVERYTHING)[0]
        terms = (f"({part})" if isinstance(part._condition, ast.BoolOp) else part.text for part in conjuncts)
        return _unchecked(" and ".join(terms))

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Domain) and self.text == other.text

    def __hash__(self) -> int:
        return hash(self.text)

    def __str__(self) -> str:
        return self.text

    def __repr__(self) -> str:
        return f"Domain.parse({self.text!r})"

    def __reduce__(self) -> tuple[Callable[[str], Domain], tuple[str]]:
        """Return how another process makes the same domain."""
        return Domain.parse, (self.text,)


@functools.lru_cache(maxsize=256)
def _parse(text: str) -> Domain:
    tree = syntax.parse(text)
    domain = Domain(text, tree.body)
    kinds.check_computable(tree, domain.names)
    return domain


@functools.lru_cache(maxsize=256)
def _conjuncts(domain: Domain) -> tuple[Domain, ...]:
    parts = [_unchecked(ast.get_source_segment(domain.text, part) or "") for part in _joined(domain._condition)]
    return tuple(dict.fromkeys(parts)) if len(parts) > 1 else (domain,)


def _joined(condition: ast.expr) -> list[ast.expr]:
    """Return the conditions that ``and`` joins."""
    if isinstance(condition, ast.BoolOp) and isinstance(condition.op, ast.And):
        return [part for value in condition.values for part in _joined(value)]
    return [condition]


@functools.lru_cache(maxsize=256)
def _unchecked(text: str) -> Domain:
    """Return the domain of parts of checked expressions; a part alone need not be computable for every call."""
    return Domain(text, parse_expression(text).body)


EVERYTHING = Domain.parse("True")
"""Domain of all calls."""


def domain_of(declared: str) -> Domain:
    """Return the domain that an option or a declaration gives; an empty text is everything. Raises `DomainError`."""
    return Domain.parse(declared) if declared.strip() else EVERYTHING
