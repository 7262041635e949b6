"""What a run's timings come to: geometric means and network totals, each with how much of the layer set it stands for.

Pure functions of `TimingRecord`s, so that the terminal and the report say the same.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from convgauge.results import TimingRecord
from convgauge.terms import RANKED


@dataclass(frozen=True)
class Standing:
    """One implementation over a layer set at a thread count.

    ``mean_ratio`` is the geometric mean of its ratios over the ``ranked`` of ``layers`` distinct layers that have one
    (the rule: layers that were declined, wrong, failed or absent are left out and show in the coverage, never as a
    number). ``baseline_seconds`` adds up the baseline's median seconds times multiplicity over the ranked layers, which
    are ``ranked_calls`` of the network's ``calls``; ``total_seconds`` adds up the same times each layer's ratio, so
    that it rests on paired samples. ``low`` and ``high`` bound the mean ratio: the means of the layers' ends, which is
    cautious. None where nothing was ranked, or a ranked layer has no interval.
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

    @property
    def complete(self) -> bool:
        """Whether every layer of the set was ranked, so that totals stand for the network."""
        return self.ranked == self.layers > 0

    @property
    def total_ratio(self) -> float | None:
        """Its network total over the baseline's, over the same layers."""
        if self.total_seconds is None or not self.baseline_seconds:
            return None
        return self.total_seconds / self.baseline_seconds


def standings(records: Iterable[TimingRecord]) -> list[Standing]:
    """Each implementation's standing on a layer set at a thread count, the baseline first, then by mean ratio."""
    groups: dict[tuple[str, int, str], list[TimingRecord]] = {}
    for record in records:
        groups.setdefault((record.layers, record.threads, record.implementation), []).append(record)
    times = {
        (record.layers, record.threads, record.problem): _median(record.seconds)
        for group in groups.values()
        for record in group
        if record.verdict == "baseline" and record.seconds
    }
    found = [_standing(name, group, times) for (_, _, name), group in groups.items()]

    def place(one: Standing) -> tuple[str, int, bool, float]:
        return one.layer_set, one.threads, "baseline" not in one.verdicts, one.mean_ratio or math.inf

    return sorted(found, key=place)


def _standing(name: str, group: Sequence[TimingRecord], baseline: dict[tuple[str, int, str], float]) -> Standing:
    layer_set, threads = group[0].layers, group[0].threads
    ranked = [one for one in group if one.verdict in RANKED and one.ratio is not None and one.seconds]
    bounded = [one for one in ranked if one.low and one.high]
    verdicts: dict[str, int] = {}
    for one in group:
        verdicts[one.verdict] = verdicts.get(one.verdict, 0) + 1

    def seconds(one: TimingRecord) -> float:
        return baseline.get((layer_set, threads, one.problem), 0.0) * one.count

    whole = bool(ranked) and len(bounded) == len(ranked)
    return Standing(
        implementation=name,
        threads=threads,
        layers=len(group),
        ranked=len(ranked),
        calls=sum(one.count for one in group),
        ranked_calls=sum(one.count for one in ranked),
        mean_ratio=_geometric_mean([one.ratio or 1.0 for one in ranked]),
        low=_geometric_mean([one.low or 1.0 for one in bounded]) if whole else None,
        high=_geometric_mean([one.high or 1.0 for one in bounded]) if whole else None,
        total_seconds=sum(seconds(one) * (one.ratio or 1.0) for one in ranked) if ranked else None,
        baseline_seconds=sum(map(seconds, ranked)) if ranked else None,
        verdicts=verdicts,
        layer_set=layer_set,
    )


def _geometric_mean(values: Sequence[float]) -> float | None:
    if not values or min(values) <= 0:  # a file may say anything
        return None
    return math.exp(math.fsum(map(math.log, values)) / len(values))


def _median(values: Sequence[float]) -> float:
    ordered = sorted(values)
    middle = len(ordered) // 2
    return ordered[middle] if len(ordered) % 2 else (ordered[middle - 1] + ordered[middle]) / 2
