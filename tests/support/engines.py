"""Engines of the built-in implementations, read from the imports of their files."""

import ast
import sys
from pathlib import Path

from support.paths import ROOT


def imported_modules(path: Path) -> set[str]:
    """Return the top-level modules that a file imports, without those of the standard library."""
    statements = [node for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))) if _is_import(node)]
    names = {alias.name for node in statements if isinstance(node, ast.Import) for alias in node.names}
    names |= {node.module or "" for node in statements if isinstance(node, ast.ImportFrom)}
    return {name.partition(".")[0] for name in names} - sys.stdlib_module_names


def _is_import(node: ast.AST) -> bool:
    return isinstance(node, ast.Import | ast.ImportFrom)


def engines() -> set[str]:
    """Return the modules that some implementation imports, and that are not installed with convgauge."""
    modules = set[str]().union(*map(imported_modules, (ROOT / "implementations").glob("*.py")))
    return modules - {"convgauge", "numpy"}
