"""Temporary folder of a self-test, in which mutants keep what they store on disk."""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager
from tempfile import TemporaryDirectory

VARIABLE = "TMPDIR"


@contextmanager
def temporary_folder() -> Iterator[None]:
    """Give the processes that are started meanwhile a temporary folder of their own, and remove it afterwards."""
    before = os.environ.get(VARIABLE)
    with TemporaryDirectory(prefix="convgauge-selftest-", ignore_cleanup_errors=True) as folder:
        os.environ[VARIABLE] = folder
        try:
            yield
        finally:
            del os.environ[VARIABLE]
            if before is not None:
                os.environ[VARIABLE] = before
