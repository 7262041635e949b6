"""The race: timing implementations against each other so that the ratios can be trusted.

`bench` is the entry point; `convgauge.race.standings` turns its records into totals and means. A module belongs here if
it takes, audits or summarises samples. It imports `process`, `reference`, `layers` and `results`, no specification and
no array framework but NumPy. This module imports nothing heavy before `bench` is called.
"""

from __future__ import annotations

import contextlib
import time
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING

from convgauge.layers import BenchError
from convgauge.request import BenchRequest

if TYPE_CHECKING:
    from rich.console import Console

    from convgauge.race.benchmark import Benchmark
    from convgauge.registry import Origin
    from convgauge.results import Writer

__all__ = ["BenchError", "bench"]


def bench(request: BenchRequest, console: Console) -> int:
    """Race the targets of a request against its baseline on every layer.

    Records are written to ``request.output`` as they are known.

    Returns
    -------
    int
        Exit status: 0; 1 if an implementation was wrong or failed, or if it is slower than the baseline of
        ``request.against`` by more than the margin; 5 if nothing was ranked.

    Raises
    ------
    TargetError
        If a target does not exist.
    BenchError
        If the baseline, the layers, a revision or a thread count cannot be used.
    OSError
        If the output cannot be opened; `UnwritableFileError` if a record cannot be written.
    """
    from convgauge import registry
    from convgauge.race.benchmark import Benchmark

    origins = registry.resolve_all(request.targets, request.framework, ("forward", request.direction))
    started = time.monotonic()
    with _baseline(request, origins) as baseline:
        writer = _open_output(request) if request.output else None
        return _run(Benchmark(request, origins, console, writer, baseline), started)


@contextlib.contextmanager
def _baseline(request: BenchRequest, origins: list[Origin]) -> Iterator[Origin | None]:
    """Yield the origin of ``request.against``, or None without it."""
    if not request.against:
        yield None
        return
    from convgauge.race import revisions

    target = revisions.only_target(origins, request.against)
    with revisions.baseline_of(target, request.against, request.framework) as baseline:
        yield baseline


def _run(benchmark: Benchmark, started: float) -> int:
    from convgauge import results

    writer = benchmark.writer
    try:
        status = benchmark.run()
        if writer is not None:
            writer.write(results.Footer({}, round(time.monotonic() - started, 3), 0, status))
        return status
    finally:
        if writer is not None:
            writer.close()


def _open_output(request: BenchRequest) -> Writer:
    from convgauge import results

    header = results.new_header(seed=request.seed, started=results.now(), label=request.label)
    return results.Writer(Path(request.output), header)
