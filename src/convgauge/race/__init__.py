"""The race: timing implementations against each other so that the ratios can be trusted.

`bench` is the whole of it; `convgauge.race.standings` turns its records into totals and means. Nothing here imports an
array framework other than NumPy, and this module imports nothing until it is used.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from convgauge.layers import BenchError

if TYPE_CHECKING:
    from rich.console import Console

    from convgauge.registry import Origin
    from convgauge.results import Writer

__all__ = ["DEFAULT_BASELINE", "DEFAULT_LAYERS", "BenchError", "bench"]

DEFAULT_BASELINE = "torch_conv2d"
DEFAULT_LAYERS = "resnet50"


def bench(
    origins: list[Origin],
    *,
    baseline: str = DEFAULT_BASELINE,
    layers: str = DEFAULT_LAYERS,
    budget: float | None,
    threads: list[int],
    seed: int,
    writer: Writer | None,
    console: Console,
    operands: str = "hot",
    explain: bool = False,
) -> int:
    """Race ``origins`` against ``baseline`` on every layer of ``layers``; returns the exit status.

    ``layers`` is a layer set's name, a file, or problems separated by commas. ``budget`` is in seconds for all of it
    (None: what the layer set needs, at most `benchmark.LARGEST_BUDGET` for each thread count). ``operands`` is "hot",
    or "cold" to rotate them past the cache. ``explain`` has those that choose for a layer say what they chose and why.
    Records go to ``writer`` as they are known. Status: 0; 1 when an implementation was wrong or failed; 5 when nothing
    was ranked. Raises `BenchError`.
    """
    from convgauge.race.benchmark import Bench

    return Bench(origins, baseline, layers, budget, threads, seed, writer, console, operands, explain).run()
