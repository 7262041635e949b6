"""What checks and races on a cluster share: a target's name for a worker, and a part's run as it comes back."""

from __future__ import annotations

from pathlib import Path
from tempfile import TemporaryDirectory

from rich.console import Console

from convgauge import registry, results
from convgauge.cluster import ClusterError
from convgauge.cluster.scheduler import Done
from convgauge.cluster.worker import RUN
from convgauge.registry import Origin
from convgauge.results import Run
from convgauge.text import escape_controls

LINES = 8  # of what a part printed that are shown where it left no run


def spelled(origin: Origin) -> str:
    """A target that means this very implementation on a worker."""
    return origin.name if registry.known().get(origin.name) == origin else str(origin)


def read(done: Done) -> Run:
    """The run of a part; its path is the part's name. Raises `ClusterError` where there is none that is whole."""
    with TemporaryDirectory() as folder:
        path = Path(folder, RUN)
        path.write_bytes(done.outcome.run)
        try:
            run = results.read(path)
        except results.DamagedFileError:
            run = None
    if run is None or run.footer is None:
        last = [line for line in done.outcome.told.splitlines() if line.strip()][-LINES:]
        said = "\n".join(last).removeprefix("convgauge: ").removeprefix("ERROR: ")
        status = 4 if done.outcome.status == 4 else 3
        raise ClusterError(escape_controls(f"{done.worker}, {done.task.name}: {said}"), status)
    run.path = done.task.name
    return run


def say(console: Console, text: str, style: str = "") -> None:
    """A line, as it is."""
    console.print(text, style=style, highlight=False, markup=False, soft_wrap=True)
