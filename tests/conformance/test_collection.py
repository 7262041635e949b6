"""The bundled specification is collected without pytest."""

from __future__ import annotations

import inspect
import sys
from pathlib import Path

from convgauge.bundled import bundled
from convgauge.conformance.collection import collect_specs


def test_ids_are_unique() -> None:
    ids = [spec.id for spec, _ in collect_specs()]
    assert len(ids) == len(set(ids)) > 200


def test_every_chapter_is_collected_in_order() -> None:
    chapters = [path.stem.removeprefix("test_") for path in sorted(bundled("conformance").glob("test_*.py"))]
    collected = [spec.chapter for spec, _ in collect_specs()]
    assert list(dict.fromkeys(collected)) == chapters
    assert collected == sorted(collected, key=chapters.index)


def test_specs_of_a_chapter_are_in_the_order_of_lines() -> None:
    padding = [test for spec, test in collect_specs() if spec.chapter == "padding"]
    lines = [inspect.getsourcelines(test)[1] for test in padding]
    assert lines == sorted(lines)


def test_chapters_do_not_take_the_names_that_pytest_gives_them() -> None:
    modules = {test.__module__ for _, test in collect_specs()}
    assert all(name.startswith("convgauge._chapters.test_") for name in modules)
    assert all(Path(str(sys.modules[name].__file__)).is_file() for name in modules)
