"""Syntax of an expression: the parts of Python that it may have, and one sentence about the first that it may not."""

from __future__ import annotations

import ast
import difflib
from collections.abc import Iterator
from typing import Union

from convgauge.domain.fields import FIELDS
from convgauge.domain.trees import parse_expression

FUNCTIONS = {
    "isinstance": "isinstance(x, int), also with tuple, list, str, or several in parentheses",
    "len": "length of a tuple, a list or a text",
    "min": "least of several numbers, or of a tuple or list",
    "max": "greatest of several numbers, or of a tuple or list",
    "abs": "absolute value of a number",
}
"""Functions by name."""

TYPES = ("int", "tuple", "list", "str")
"""Second arguments of isinstance."""

MAX_LENGTH = 2000
"""Characters: many times the longest useful expression, and so few that parsing takes less than 10 ms."""

MAX_DEPTH = 50
"""Levels of nested parts: far below Python's limit of recursion, which is 1,000."""

MAX_INTEGER = 2**63
"""Bound of integer constants. A product of the constants and sizes of 2,000 characters is computed in microseconds."""

Position = Union[ast.expr, ast.keyword]

_OPERATORS = (ast.Add, ast.Sub, ast.Mult, ast.FloorDiv, ast.Mod)
_COMPARISONS = (ast.Eq, ast.NotEq, ast.Lt, ast.LtE, ast.Gt, ast.GtE, ast.In, ast.NotIn)
_CONDITIONS = (ast.BoolOp, ast.Compare)

_FORMS = {
    ast.Attribute: "attributes are not read",
    ast.Subscript: "parts of a pair have fields of their own, such as stride_h and kernel_w",
    ast.IfExp: "write `and` and `or` instead of if",
    ast.Lambda: "functions are not defined",
    ast.ListComp: "comprehensions are not computed",
    ast.GeneratorExp: "comprehensions are not computed",
    ast.NamedExpr: "names are not assigned",
    ast.JoinedStr: "texts have no replacements",
    ast.Dict: "mappings are not used",
    ast.Set: "write a tuple such as (1, 3) instead of a set",
}
_REPLACEMENTS = {
    ast.Div: "write // for the quotient",
    ast.BitAnd: "write `and`",
    ast.BitOr: "write `or`",
    ast.Is: "write ==",
    ast.IsNot: "write !=",
}
_MISTAKES = (
    ("&&", "write `and`"),
    ("||", "write `or`"),
    ("!", "write `not`, or != to compare"),
    ("=", "write == to compare"),
)


class DomainError(ValueError):
    """Expression that is not a domain; the message is one sentence with the place and the next step."""


def parse(text: str) -> ast.Expression:
    """Return the tree of an expression whose parts are all allowed. Raises `DomainError`."""
    if len(text) > MAX_LENGTH:
        raise DomainError(f"the expression has {len(text)} characters, more than {MAX_LENGTH}: shorten it")
    if not text:
        raise DomainError("the expression is empty: write a condition such as groups == 1, or True for everything")
    if "\\" in text:
        column = text.index("\\") + 1
        raise DomainError(f"{text!r} does not parse at column {column}: remove the backslash")
    try:
        tree = parse_expression(text)
    except SyntaxError as error:
        raise DomainError(_syntax_error_text(text, error)) from None
    except (ValueError, RecursionError, MemoryError):
        raise DomainError(f"{text!r:.80} cannot be parsed: remove nested parts and control characters") from None
    if _depth(tree) > MAX_DEPTH:
        raise DomainError(f"{text!r:.80} is nested in more than {MAX_DEPTH} levels: write it with fewer parentheses")
    check_condition(tree.body)
    return tree


def source(node: ast.AST) -> str:
    """Return a part of an expression as text, shortened to fit in a message."""
    text = ast.unparse(node)
    return text if len(text) <= 60 else f"{text[:57]}..."


def at(node: Position) -> str:
    """Return the place of a part of an expression."""
    return f"`{source(node)}` at column {node.col_offset + 1}"


def _syntax_error_text(text: str, error: SyntaxError) -> str:
    column = error.offset if error.offset and error.offset > 0 else len(text) + 1  # 0 or less: it ends too early
    rest = text[column - 1 :]
    advice = next((advice for mistake, advice in _MISTAKES if rest.startswith(mistake)), "")
    if not advice:
        near = text[max(0, column - 3) : column + 2]
        unequal = text.replace("==", "").replace("<=", "").replace(">=", "").replace("!=", "")
        signs = [advice for mistake, advice in _MISTAKES if mistake in near and mistake in unequal]
        advice = (signs or ["write a condition such as groups == 1 and kernel_h == kernel_w"])[0]
    position = f"column {column} ({rest[:20]!r})" if rest else "its end"
    return f"{text!r:.80} does not parse at {position}: {advice}"


def _depth(tree: ast.AST) -> int:
    """Return the number of levels of a tree, counted without recursion."""
    level: list[ast.AST] = [tree]
    depth = 0
    while level:
        depth += 1
        level = [child for node in level for child in ast.iter_child_nodes(node)]
    return depth


def check_condition(node: ast.expr) -> None:
    """Check that a part is a condition, and that all of its parts are allowed. Raises `DomainError`."""
    if isinstance(node, ast.BoolOp):
        for value in node.values:
            check_condition(value)
    elif isinstance(node, ast.UnaryOp) and isinstance(node.op, ast.Not):
        check_condition(node.operand)
    else:
        _check_value(node)
        if not _is_condition(node):
            raise DomainError(
                f"{at(node)} is not a condition: compare it, for example `{source(node)} {_example(node)}`"
            )


def _is_condition(node: ast.expr) -> bool:
    if isinstance(node, ast.Name):
        return FIELDS[node.id].kinds == ("bool",)
    if isinstance(node, ast.Call):
        return isinstance(node.func, ast.Name) and node.func.id == "isinstance"
    return isinstance(node, _CONDITIONS) or (isinstance(node, ast.Constant) and isinstance(node.value, bool))


def _example(node: ast.expr) -> str:
    """Return a comparison that makes a condition of a value."""
    if isinstance(node, ast.BinOp) and isinstance(node.op, ast.Mod):
        return "== 0"
    kinds = FIELDS[node.id].kinds if isinstance(node, ast.Name) else ("int",)
    return {"str": "in ('float32',)", "tuple": "== (3, 3)"}.get(kinds[0], "== 1")


def _check_value(node: ast.expr) -> None:
    """Check that all parts of a value are allowed."""
    if isinstance(node, ast.BoolOp) or (isinstance(node, ast.UnaryOp) and isinstance(node.op, ast.Not)):
        check_condition(node)
    elif isinstance(node, ast.Name):
        _check_name(node)
    elif isinstance(node, ast.Constant):
        _check_constant(node)
    elif isinstance(node, ast.Call):
        _check_call(node)
    else:
        for part in _parts(node):
            _check_value(part)


def _parts(node: ast.expr) -> Iterator[ast.expr]:
    """Yield the operands of an allowed form. Raises `DomainError` for any other."""
    operators: list[ast.AST] = []
    if isinstance(node, (ast.Tuple, ast.List)):
        yield from node.elts
    elif isinstance(node, ast.UnaryOp) and isinstance(node.op, ast.USub):
        yield node.operand
    elif isinstance(node, ast.BinOp):
        operators = [node.op]
        yield from (node.left, node.right)
    elif isinstance(node, ast.Compare):
        operators = list(node.ops)
        yield from (node.left, *node.comparators)
    else:
        advice = _FORMS.get(type(node), "only fields, numbers, texts, comparisons, `and`, `or`, `not` and + - * // %")
        raise DomainError(f"{at(node)} is not part of the language: {advice}")
    for operator in operators:
        if not isinstance(operator, (*_OPERATORS, *_COMPARISONS)):
            advice = _REPLACEMENTS.get(type(operator), "the operators are + - * // % and comparisons")
            raise DomainError(f"{at(node)} has an operator that is not part of the language: {advice}")


def _check_name(node: ast.Name) -> None:
    if node.id in FIELDS:
        return
    if node.id in FUNCTIONS:
        raise DomainError(f"{at(node)} is a function: {FUNCTIONS[node.id]}")
    if node.id in TYPES:
        raise DomainError(f"{at(node)} is a type: write isinstance(padding, {node.id})")
    near = difflib.get_close_matches(node.id, FIELDS, n=3)
    hint = f"did you mean {' or '.join(near)}?" if near else f"the fields are {', '.join(FIELDS)}"
    raise DomainError(f"{at(node)} is not a field: {hint}")


def _check_constant(node: ast.Constant) -> None:
    value = node.value
    if not isinstance(value, (bool, int, str)):
        raise DomainError(f"{at(node)} is not an integer, a text, True or False: compare with one of these")
    if isinstance(value, int) and abs(value) > MAX_INTEGER:
        raise DomainError(f"{at(node)} is greater than {MAX_INTEGER}: no size is")


def _check_call(node: ast.Call) -> None:
    name = node.func.id if isinstance(node.func, ast.Name) else ""
    if name not in FUNCTIONS:
        raise DomainError(f"{at(node)} calls an unknown function: the functions are {', '.join(FUNCTIONS)}")
    if node.keywords or not node.args or any(isinstance(argument, ast.Starred) for argument in node.args):
        raise DomainError(f"{at(node)} has other arguments than {name} takes: {FUNCTIONS[name]}")
    count = {"isinstance": 2, "len": 1, "abs": 1}.get(name)
    if count is not None and len(node.args) != count:
        raise DomainError(f"{at(node)} has {len(node.args)} arguments, not {count}: {FUNCTIONS[name]}")
    if name == "isinstance":
        types_of(node)
    for argument in node.args[:1] if name == "isinstance" else node.args:
        _check_value(argument)


def types_of(node: ast.Call) -> tuple[str, ...]:
    """Return the names of the types with which a call of isinstance compares. Raises `DomainError`."""
    kinds = node.args[1]
    nodes = kinds.elts if isinstance(kinds, ast.Tuple) else [kinds]
    names = tuple(each.id for each in nodes if isinstance(each, ast.Name) and each.id in TYPES)
    if not names or len(names) < len(nodes):
        raise DomainError(f"{at(kinds)} is not one of the types {', '.join(TYPES)}: {FUNCTIONS['isinstance']}")
    return names
