"""A run file that the tests of reading and writing share."""

from __future__ import annotations

from pathlib import Path

import pytest

from convgauge.results import Writer
from support.run_file import FOOTER, HEADER, RECORD


@pytest.fixture
def path(tmp_path: Path) -> Path:
    path = tmp_path / "deep" / "run.jsonl"
    writer = Writer(path, HEADER)
    writer.write(RECORD)
    writer.write(FOOTER)
    writer.close()
    return path
