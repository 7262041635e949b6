"""The suite: cases, checks, the judge and the run, and the names with which a spec is written.

A module belongs here if it selects, runs, judges or records cases. It imports `process`, `reference` and `results`, and
neither the race nor the report. The pytest modules of the specification use the names below::

    from convgauge.conformance import Judge, problems, spec


    @spec("padding.same.even_kernel", source="torch.nn.functional.conv2d")
    def test_same_puts_the_odd_row_last(judge: Judge) -> None:
        \"\"\"With padding='same' and an even kernel, the extra row and column are added at the bottom and right.\"\"\"
        judge.exact(problems(kernel=[(2, 2), (4, 3)], padding=["same"]))
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from convgauge.conformance.cases import Case, cases, problems, sweep
from convgauge.conformance.spec import Spec, spec

if TYPE_CHECKING:
    from convgauge.conformance.judge import Judge

__all__ = ["Case", "Judge", "Spec", "cases", "problems", "spec", "sweep"]


def __getattr__(name: str) -> object:
    """Import the judge on first use: it imports the process, which the other names do not need."""
    if name == "Judge":
        from convgauge.conformance.judge import Judge

        return Judge
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
