"""Kinds of faults: every place that makes a fault states what is wrong as a field."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from pathlib import Path
from typing import get_args

import pytest

from convgauge.terms import FaultKind

ROOT = Path(__file__).parents[2]
FILES = [path for folder in ("src/convgauge", "conformance") for path in sorted((ROOT / folder).rglob("*.py"))]


def made_faults(path: Path) -> Iterator[ast.Call]:
    """Yield the calls of `Fault` in a file."""
    for node in ast.walk(ast.parse(path.read_text())):
        if isinstance(node, ast.Call) and isinstance(node.func, ast.Name) and node.func.id == "Fault":
            yield node


MADE = [(path, call) for path in FILES for call in made_faults(path)]


@pytest.mark.parametrize(("path", "call"), MADE, ids=[f"{path.stem}-{call.lineno}" for path, call in MADE])
def test_a_fault_has_a_kind(path: Path, call: ast.Call) -> None:
    assert "kind" in {keyword.arg for keyword in call.keywords}, f"{path}:{call.lineno}"


def test_every_kind_is_documented() -> None:
    text = (ROOT / "src/convgauge/terms.py").read_text()
    documented = text[text.index('"""Kind of what is wrong.') :]
    assert {kind for kind in get_args(FaultKind) if f'"{kind}"' not in documented} == set()
