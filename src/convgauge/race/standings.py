"""Summary of a run's timings: geometric means and network totals, each with its coverage of the layer set.

Pure functions of `TimingRecord`s, so that the terminal and the report show the same numbers.
"""

from __future__ import annotations

import math
import statistics
from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from convgauge.results import TimingRecord
from convgauge.terms import RANKED


@dataclass(frozen=True)
class Standing:
    """Summary of an implementation on a layer set at a thread count.

    Layers that were declined, wrong, failed or absent are left out of means and totals. They show in the coverage,
    never as a number.

    Parameters
    ----------
    implementation : str
        Name of the implementation.
    threads : int
        Threads of the race.
    layers : int
        Distinct layers of the set.
    ranked : int
        Distinct layers on which the implementation has a ratio.
    calls : int
        Layers of the network: the sum of multiplicities.
    ranked_calls : int
        Layers of the network on which the implementation has a ratio.
    mean_ratio : float or None
        Geometric mean of the ratios; None if nothing was ranked.
    low, high : float or None
        Bounds of the mean ratio: the means of the intervals' ends, which is cautious. None if a ranked layer has no
        interval.
    total_seconds : float or None
        Sum of the baseline's median seconds times multiplicity times ratio over the ranked layers, so that it is
        based on paired samples.
    baseline_seconds : float or None
        The same sum without the ratio.
    total_low, total_high : float or None
        Bounds of the total: the same sum with the ends of the intervals, which is cautious. None if a ranked layer has
        no interval.
    verdicts : dict
        Number of layers by verdict.
    layer_set : str
        Name of the layer set.
    """

    implementation: str
    threads: int
    layers: int
    ranked: int
    calls: int
    ranked_calls: int
    mean_ratio: float | None
    low: float | None
    high: float | None
    total_seconds: float | None
    baseline_seconds: float | None
    verdicts: dict[str, int]
    layer_set: str = ""
    total_low: float | None = None
    total_high: float | None = None

    @property
    def complete(self) -> bool:
        """True if every layer of the set was ranked, so that totals describe the network."""
        return self.ranked == self.layers > 0

    @property
    def total_ratio(self) -> float | None:
        """Network total over the baseline's, for the same layers."""
        if self.total_seconds is None or not self.baseline_seconds:
            return None
        return self.total_seconds / self.baseline_seconds

    @property
    def total_interval(self) -> tuple[float, float] | None:
        """Bounds of `total_ratio`; None if there are none."""
        if self.total_low is None or self.total_high is None or not self.baseline_seconds:
            return None
        return self.total_low / self.baseline_seconds, self.total_high / self.baseline_seconds


def standings(records: Iterable[TimingRecord]) -> list[Standing]:
    """Return the standing of each implementation on each layer set at each thread count.

    Returns
    -------
    list of Standing
        By layer set and thread count; the baseline is first, the others follow by mean ratio.
    """
    groups: dict[tuple[str, int, str], list[TimingRecord]] = {}
    for record in records:
        groups.setdefault((record.layers, record.threads, record.implementation), []).append(record)
    times = {
        (record.layers, record.threads, record.problem): statistics.median(record.seconds)
        for group in groups.values()
        for record in group
        if record.verdict == "baseline" and record.seconds
    }
    return sorted((_standing(group, times) for group in groups.values()), key=_order)


def _order(standing: Standing) -> tuple[str, int, bool, float]:
    is_baseline = "baseline" in standing.verdicts
    return standing.layer_set, standing.threads, not is_baseline, standing.mean_ratio or math.inf


def _standing(group: Sequence[TimingRecord], baseline: dict[tuple[str, int, str], float]) -> Standing:
    layer_set, threads = group[0].layers, group[0].threads
    ranked = [record for record in group if record.verdict in RANKED and record.ratio is not None and record.seconds]
    bounded = [record for record in ranked if record.low and record.high]
    all_bounded = bool(ranked) and len(bounded) == len(ranked)

    def seconds(record: TimingRecord) -> float:
        return baseline.get((layer_set, threads, record.problem), 0.0) * record.count

    return Standing(
        implementation=group[0].implementation,
        threads=threads,
        layers=len(group),
        ranked=len(ranked),
        calls=sum(record.count for record in group),
        ranked_calls=sum(record.count for record in ranked),
        mean_ratio=_geometric_mean([record.ratio or 1.0 for record in ranked]),
        low=_geometric_mean([record.low or 1.0 for record in bounded]) if all_bounded else None,
        high=_geometric_mean([record.high or 1.0 for record in bounded]) if all_bounded else None,
        total_seconds=sum(seconds(record) * (record.ratio or 1.0) for record in ranked) if ranked else None,
        baseline_seconds=sum(map(seconds, ranked)) if ranked else None,
        verdicts=dict(Counter(record.verdict for record in group)),
        layer_set=layer_set,
        total_low=math.fsum(seconds(record) * (record.low or 1.0) for record in bounded) if all_bounded else None,
        total_high=math.fsum(seconds(record) * (record.high or 1.0) for record in bounded) if all_bounded else None,
    )


def _geometric_mean(values: Sequence[float]) -> float | None:
    if not values or min(values) <= 0:  # a run file may contain any number
        return None
    return math.exp(math.fsum(map(math.log, values)) / len(values))
