"""Syntax trees, made by one thread at a time."""

from __future__ import annotations

import ast
import threading
from types import CodeType

_LOCK = threading.Lock()
"""CPython counts the depth of trees for all threads together, and raises `SystemError` if two of them convert a tree.

Source: https://github.com/python/cpython/issues/106905.
"""


def parse_expression(text: str) -> ast.Expression:
    """Return the tree of an expression. Raises as `ast.parse` does."""
    with _LOCK:
        return ast.parse(text, mode="eval")


def parse_module(text: str, filename: str) -> ast.Module:
    """Return the tree of a module. Raises as `ast.parse` does."""
    with _LOCK:
        return ast.parse(text, filename=filename)


def compile_expression(tree: ast.Expression) -> CodeType:
    """Return the code of an expression."""
    with _LOCK:
        return compile(ast.fix_missing_locations(tree), "<domain>", "eval")
