"""Files that the engine runs, in a checkout."""

from __future__ import annotations

import pytest

from convgauge.bundled import bundled
from support.paths import ROOT


def test_the_file_is_that_of_the_checkout_or_its_copy_in_the_wheel() -> None:
    path = bundled("conformance", "test_padding.py")
    assert path.read_bytes() == (ROOT / "conformance" / "test_padding.py").read_bytes()
    assert path.parent.parent.name == "_bundled" or path.parent.parent == ROOT


def test_a_missing_file_is_named() -> None:
    with pytest.raises(
        FileNotFoundError, match=r"conformance/test_nothing\.py is neither in the installed package nor"
    ):
        bundled("conformance", "test_nothing.py")
