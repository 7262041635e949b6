"""Hints about expressions that are correct and probably do not mean what they say."""

from __future__ import annotations

import ast
from collections.abc import Iterator

from convgauge.domain.fields import SPELLED
from convgauge.domain.language import Domain
from convgauge.domain.trees import parse_expression


def hints(domain: Domain) -> list[str]:
    """Return a sentence for each comparison of an argument as spelled with a number.

    Such a comparison excludes the calls that spell the same value as a pair. A domain that also names the type of the
    argument means the spelling.
    """
    tree = parse_expression(domain.text)
    intended = {name for call in _calls(tree) for name in _names(call)}
    compared = dict.fromkeys(name for comparison in _comparisons(tree) for name in _names(comparison))
    return [
        f"{name} is as spelled in the call, and {name}=(1, 1) is not {name}=1: {name}_h and {name}_w are numbers for"
        " every spelling"
        for name in compared
        if name in SPELLED and name not in intended
    ]


def _calls(tree: ast.AST) -> Iterator[ast.Call]:
    return (node for node in ast.walk(tree) if isinstance(node, ast.Call))


def _comparisons(tree: ast.AST) -> Iterator[ast.Compare]:
    """Yield the comparisons with a number, or with a sequence of numbers only."""
    for node in ast.walk(tree):
        if isinstance(node, ast.Compare) and any(map(_is_numeric, (node.left, *node.comparators))):
            yield node


def _is_numeric(node: ast.expr) -> bool:
    numbers = node.elts if isinstance(node, (ast.Tuple, ast.List)) and node.elts else [node]
    return all(isinstance(number, ast.Constant) and type(number.value) is int for number in numbers)


def _names(node: ast.AST) -> set[str]:
    return {each.id for each in ast.walk(node) if isinstance(each, ast.Name)}
