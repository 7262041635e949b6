"""Specs of the bundled specification with their test functions, collected without pytest."""

from __future__ import annotations

import difflib
import functools
import importlib.util
import sys
from collections.abc import Callable, Iterable
from pathlib import Path
from types import ModuleType
from typing import TYPE_CHECKING

from convgauge.bundled import bundled
from convgauge.conformance.spec import Spec
from convgauge.request import RequestError

if TYPE_CHECKING:
    from convgauge.conformance.judge import Judge

Test = Callable[["Judge"], object]
"""Test function of a spec. Its only argument is the judge."""


@functools.cache
def collect_specs() -> tuple[tuple[Spec, Test], ...]:
    """Return every spec with its test function, in the order of chapters and lines."""
    return tuple(
        (test.spec, test)
        for path in sorted(bundled("conformance").glob("test_*.py"))
        for test in vars(_import_chapter(path)).values()
        if callable(test) and hasattr(test, "spec") and test.spec.chapter == path.stem.removeprefix("test_")
    )


def require_known_specs(ids: Iterable[str], further: Iterable[str] = ()) -> None:
    """Raise `RequestError` if an id is neither of the bundled specification nor among ``further``; name near ones."""
    ids = list(ids)
    if not ids:
        return
    known = {spec.id for spec, _ in collect_specs()}.union(further)
    for unknown in (id for id in ids if id not in known):
        near = difflib.get_close_matches(unknown, known, n=3, cutoff=0.5)
        hint = f"; did you mean {', '.join(near)}?" if near else ""
        raise RequestError(f"no spec is called {unknown}{hint}", "specs")


def _import_chapter(path: Path) -> ModuleType:
    """Import a chapter under a name of the package, so that it does not collide with a module of pytest."""
    name = f"convgauge._chapters.{path.stem}"
    module_spec = importlib.util.spec_from_file_location(name, path)
    assert module_spec is not None
    assert module_spec.loader is not None
    module = importlib.util.module_from_spec(module_spec)
    sys.modules[name] = module
    if str(path.parent) not in sys.path:
        sys.path.append(str(path.parent))
    module_spec.loader.exec_module(module)
    return module
