"""Types of an expression's parts: proof that it can be computed for every valid call."""

from __future__ import annotations

import ast
import itertools
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any, Callable

from convgauge.domain.fields import FIELDS, SPELLED, Kind
from convgauge.domain.syntax import DomainError, at, types_of

UNKNOWN = object()
"""Value of a part that depends on the call."""

_KINDS: dict[type, Kind] = {bool: "bool", int: "int", str: "str", tuple: "tuple", list: "list"}
_NUMBERS = ("int", "bool")
_ORDERED = (ast.Lt, ast.LtE, ast.Gt, ast.GtE)


@dataclass(frozen=True)
class Part:
    """Type of a part of an expression, and its value if that is the same for all calls of a kind."""

    kind: Kind
    value: object = UNKNOWN

    @property
    def is_known(self) -> bool:
        """True if the value is known."""
        return self.value is not UNKNOWN

    @classmethod
    def of(cls, value: object) -> Part:
        """Return the part of a value."""
        return cls(_KINDS[type(value)], value)


TRUTH = Part("bool")
NUMBER = Part("int")

Environment = Mapping[str, Part]


class _Incomputable(Exception):
    """A part cannot be computed; the message is the reason."""

    def __init__(self, node: ast.expr, reason: str, advice: str = "compare numbers with numbers") -> None:
        super().__init__(f"{at(node)} {reason}")
        self.names = {each.id for each in ast.walk(node) if isinstance(each, ast.Name)}
        self.advice = advice


def check_computable(tree: ast.Expression, names: Iterable[str]) -> None:
    """Check an expression with every kind of spelling of the arguments that it names.

    Raises
    ------
    DomainError
        A part cannot be computed for some calls, or the expression is false for all.
    """
    results = {_is_false(tree.body, environment) for environment in _environments(set(names))}
    if results == {True}:
        raise DomainError(f"{at(tree.body)} is false for every call: compare each field with values that it can have")


def _is_false(condition: ast.expr, environment: Environment) -> bool:
    """Return True if a condition is false for all calls of a kind. Raises `DomainError`."""
    try:
        return _part(condition, environment).value is False
    except _Incomputable as error:
        raise DomainError(f"{error}{_advice(error, environment)}") from None


def _environments(names: set[str]) -> Iterator[Environment]:
    """Yield the fields with each combination of the kinds of those that are named."""
    choices = {name: [Part(kind) for kind in field.kinds[:1]] for name, field in FIELDS.items()}
    for name in names.intersection(SPELLED):
        choices[name] = [Part(kind) for kind in FIELDS[name].kinds if kind != "str"]
    if "padding" in names:
        choices["padding"] += [Part.of("same"), Part.of("valid")]
    if "dtype" in names:
        from convgauge.dtypes import DTYPES  # imports NumPy

        choices["dtype"] = [Part.of(dtype) for dtype in DTYPES]
    for values in itertools.product(*choices.values()):
        yield dict(zip(choices, values))


def _advice(error: _Incomputable, environment: Environment) -> str:
    """Return the spelling for which a part cannot be computed, and the next step."""
    name = next((name for name in SPELLED if name in error.names), "")
    if not name:
        return f": {error.advice}"
    part = environment[name]
    spelling = repr(part.value) if part.is_known else {"int": "an int"}.get(part.kind, f"a {part.kind}")
    guard = f"isinstance({name}, (tuple, list))" if part.kind == "int" else f"isinstance({name}, int)"
    return f" if {name} is {spelling}: use {name}_h and {name}_w, or put `{guard} and` before it"


def _part(node: ast.expr, environment: Environment) -> Part:
    if isinstance(node, ast.Constant):
        return Part.of(node.value)
    if isinstance(node, ast.Name):
        return environment[node.id]
    return _FORMS[type(node)](node, environment)


def _junction(node: ast.BoolOp, environment: Environment) -> Part:
    """Return the part of ``and`` or ``or``; operands after one that decides it are not computed."""
    deciding = isinstance(node.op, ast.Or)
    parts = []
    for operand in node.values:
        parts.append(_part(operand, environment))
        if parts[-1].value is deciding:
            return Part("bool", deciding)
    return Part("bool", not deciding) if all(part.is_known for part in parts) else TRUTH


def _sign(node: ast.UnaryOp, environment: Environment) -> Part:
    """Return the part of ``not`` or of a negative number."""
    operand = _part(node.operand, environment)
    if isinstance(node.op, ast.Not):
        return Part("bool", not operand.value) if operand.is_known else TRUTH
    if operand.kind not in _NUMBERS:
        raise _Incomputable(node, f"negates a {operand.kind}")
    return Part("int", -operand.value) if isinstance(operand.value, int) else NUMBER


def _sequence(node: ast.Tuple | ast.List, environment: Environment) -> Part:
    elements = [_part(element, environment) for element in node.elts]
    kind: Kind = "list" if isinstance(node, ast.List) else "tuple"
    if not all(element.is_known for element in elements):
        return Part(kind)
    values = [element.value for element in elements]
    return Part(kind, values if kind == "list" else tuple(values))


def _arithmetic(node: ast.BinOp, environment: Environment) -> Part:
    left, right = _part(node.left, environment), _part(node.right, environment)
    for operand in (left, right):
        if operand.kind not in _NUMBERS:
            raise _Incomputable(node, f"computes with a {operand.kind}")
    if isinstance(node.op, (ast.FloorDiv, ast.Mod)) and right.value == 0:
        raise DomainError(f"{at(node)} divides by 0: divide by another number")
    return NUMBER


def _comparison(node: ast.Compare, environment: Environment) -> Part:
    left = _part(node.left, environment)
    results = []
    for operator, comparator in zip(node.ops, node.comparators):
        right = _part(comparator, environment)
        results.append(_compare(node, operator, left, right))
        if results[-1].value is False:
            return results[-1]
        left = right
    return Part("bool", True) if all(result.is_known for result in results) else TRUTH


def _compare(node: ast.Compare, operator: ast.cmpop, left: Part, right: Part) -> Part:
    if isinstance(operator, _ORDERED):
        return _order(node, left, right)
    if isinstance(operator, (ast.Eq, ast.NotEq)):
        return _negated(_equality(left, right), isinstance(operator, ast.NotEq))
    return _negated(_membership(node, left, right), isinstance(operator, ast.NotIn))


def _negated(result: Part, is_negated: bool) -> Part:
    return Part("bool", not result.value) if is_negated and result.is_known else result


def _order(node: ast.Compare, left: Part, right: Part) -> Part:
    for operand in (left, right):
        if operand.kind not in _NUMBERS:
            raise _Incomputable(node, f"orders a {operand.kind}", "compare texts and pairs with == or in")
    return TRUTH


def _equality(left: Part, right: Part) -> Part:
    if left.is_known and right.is_known:
        return Part("bool", left.value == right.value)
    is_same_kind = left.kind == right.kind or {left.kind, right.kind} <= set(_NUMBERS)
    return TRUTH if is_same_kind else Part("bool", False)


def _membership(node: ast.Compare, left: Part, right: Part) -> Part:
    if right.kind in _NUMBERS:
        raise _Incomputable(node, "searches an int", "write a tuple such as (1, 3) after `in`")
    if right.kind == "str" and left.kind != "str":
        raise _Incomputable(node, f"searches a text for a {left.kind}")
    if not right.is_known:
        return TRUTH
    if isinstance(right.value, str):
        return Part("bool", left.value in right.value) if isinstance(left.value, str) else TRUTH
    assert isinstance(right.value, (tuple, list))
    results = [_equality(left, Part.of(value)).value for value in right.value]
    if True in results:
        return Part("bool", True)
    return TRUTH if UNKNOWN in results else Part("bool", False)


def _call(node: ast.Call, environment: Environment) -> Part:
    assert isinstance(node.func, ast.Name)
    if node.func.id == "isinstance":
        kind = _part(node.args[0], environment).kind
        return Part("bool", kind in types_of(node) or (kind == "bool" and "int" in types_of(node)))
    arguments = [_part(argument, environment) for argument in node.args]
    allowed: tuple[str, ...] = _NUMBERS
    if node.func.id == "len":
        allowed = ("tuple", "list", "str")
    elif len(arguments) == 1 and node.func.id != "abs":
        allowed = ("tuple", "list")
    for argument in arguments:
        if argument.kind not in allowed:
            raise _Incomputable(node, f"takes no {argument.kind}")
        if node.func.id in ("min", "max") and argument.is_known and allowed != _NUMBERS:
            _check_numbers(node, argument.value)
    return NUMBER


def _check_numbers(node: ast.Call, values: object) -> None:
    """Check that a constant sequence has numbers, and at least one."""
    if not values or not all(isinstance(value, int) for value in values):  # type: ignore[attr-defined]
        raise DomainError(f"{at(node)} needs numbers: write at least one, and no texts")


_FORMS: dict[type[ast.expr], Callable[[Any, Environment], Part]] = {
    ast.BoolOp: _junction,
    ast.UnaryOp: _sign,
    ast.Tuple: _sequence,
    ast.List: _sequence,
    ast.BinOp: _arithmetic,
    ast.Compare: _comparison,
    ast.Call: _call,
}
