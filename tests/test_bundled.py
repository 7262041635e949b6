"""Files that the engine runs, in a checkout."""

from __future__ import annotations

import pytest

from convgauge.bundled import bundled
from support.paths import ROOT


def test_a_checkout_has_the_files_at_its_root() -> None:
    assert bundled("conformance", "test_padding.py") == ROOT / "conformance" / "test_padding.py"


def test_a_missing_file_is_named() -> None:
    with pytest.raises(
        FileNotFoundError, match=r"conformance/test_nothing\.py is neither in the installed package nor"
    ):
        bundled("conformance", "test_nothing.py")
