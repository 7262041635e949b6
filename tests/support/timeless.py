"""Records of a run without times, to compare two runs of one request."""

from __future__ import annotations

import msgspec

from convgauge.results import Footer, Header, Record, Run, SpecRecord


def records_without_times(run: Run) -> list[Record]:
    """Return the records between header and footer in their order, without seconds."""
    return [
        msgspec.structs.replace(record, seconds=0.0) if isinstance(record, SpecRecord) else record
        for record in run.records
        if not isinstance(record, Footer)
    ]


def header_without_times(run: Run) -> Header:
    """Return the header without the moment and the command."""
    return msgspec.structs.replace(run.header, started="", command="")


def footer_without_times(run: Run) -> Footer:
    """Return the footer without the elapsed seconds."""
    assert run.footer is not None
    return msgspec.structs.replace(run.footer, elapsed=0.0)
