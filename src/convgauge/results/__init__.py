"""The run file: newline-delimited JSON with a header, one record per line as soon as it is known, and a footer.

Every report is a pure function of such files. A file without a footer is incomplete. A module belongs here if it
defines, reads or writes records. It imports `environment` and `terms`.
"""

from convgauge.results.reader import DamagedFileError, open_run, read
from convgauge.results.records import (
    MAX_MARGINS,
    REVISION,
    SCHEMA,
    CauseRecord,
    Counterexample,
    Footer,
    Header,
    ImageRecord,
    ImplementationRecord,
    Judgement,
    LimitRecord,
    Picture,
    Record,
    Run,
    SpecRecord,
    TimingRecord,
    json_schema,
)
from convgauge.results.writer import UnwritableFileError, Writer, new_header, now

__all__ = [
    "MAX_MARGINS",
    "REVISION",
    "SCHEMA",
    "CauseRecord",
    "Counterexample",
    "DamagedFileError",
    "Footer",
    "Header",
    "ImageRecord",
    "ImplementationRecord",
    "Judgement",
    "LimitRecord",
    "Picture",
    "Record",
    "Run",
    "SpecRecord",
    "TimingRecord",
    "UnwritableFileError",
    "Writer",
    "json_schema",
    "new_header",
    "now",
    "open_run",
    "read",
]
