"""Measured costs of shards: ``python tools/refresh_spec_durations.py RUN.jsonl… [--reference NAME] [--write]``.

The script prints how evenly each run would be distributed over shards, by the measured time of its items. The figure is
the time of the slowest shard divided by the mean of all. It is printed for cuts by the shipped estimates, and for items
that are dealt out in turns, which also starts a process per implementation and shard.

``--write`` writes a new table from the runs. Each tier in it needs a run of the reference, a fast kernel whose seconds
are mostly those of the suite. The seconds of other implementations are divided by those of the reference in the same
run, so that the load of the machine has no effect.
"""

from __future__ import annotations

import argparse
import re
import statistics
from collections import defaultdict
from collections.abc import Sequence
from pathlib import Path

import msgspec

from convgauge import results
from convgauge.bundled import bundled
from convgauge.conformance import shards
from convgauge.results import Run, SpecRecord

SHARDS = (2, 4, 8, 16, 32)
START = 1.0  # seconds; NumPy takes half of one, the larger frameworks two or three


def measured(runs: Sequence[Run], reference: str) -> shards.CostTable:
    """Return the table of the runs. For a spec and a tier, the first run with the reference counts."""
    specs: dict[str, dict[str, tuple[float, float]]] = {}
    for run in runs:
        grouped: dict[str, list[SpecRecord]] = defaultdict(list)
        for record in run.records_of(SpecRecord):
            if record.implementation == reference:
                grouped[record.spec].append(record)
        if grouped:
            known = specs.get(run.header.tier, {})
            specs[run.header.tier] = {**{spec: _row(records) for spec, records in sorted(grouped.items())}, **known}
    beyond: dict[str, list[float]] = defaultdict(list)
    for run in runs:
        rows = specs.get(run.header.tier, {})
        records = [r for r in run.records_of(SpecRecord) if r.spec in rows and r.status in ("passed", "failed")]
        references = [record for record in records if record.implementation == reference]
        expected = sum(rows[record.spec][0] for record in references)
        slow = sum(record.seconds for record in references) / expected if references else 1.0
        for record in records:
            beyond[record.implementation] += [record.seconds / slow - rows[record.spec][0], _cases(record)]
    pace = {name: sum(values[::2]) / sum(values[1::2]) for name, values in sorted(beyond.items())}
    slower = {name: _short(value) for name, value in pace.items() if value > 0 and name != reference}
    return shards.CostTable(runs[0].header.machine.processor, START, specs, slower)


def _row(records: Sequence[SpecRecord]) -> tuple[float, float]:
    seconds = statistics.fmean(record.seconds for record in records)
    return _short(seconds), _short(statistics.fmean(_cases(record) for record in records))


def _cases(record: SpecRecord) -> int:
    return sum(record.outcomes.values())


def _short(value: float) -> float:
    return float(f"{value:.3g}")


def balance(run: Run) -> None:
    """Print how evenly a run is distributed over shards."""
    records = run.records_of(SpecRecord)
    took = [record.seconds for record in records]
    estimated = shards.estimates([(record.spec, record.implementation) for record in records], run.header.tier)
    print(f"{run.path}: {len(records)} items, {sum(took):.0f} s, the longest {max(took):.2f} s")
    for of in SHARDS:
        cuts = [shards.cut(estimated, first, of) for first in range(of)]
        by_cost = _worst([took[cut] for cut in cuts])
        dealt = _worst([took[first::of] for first in range(of)])
        starts = sum(len({record.implementation for record in records[cut]}) for cut in cuts)
        named = len({record.implementation for record in records})
        print(
            f"  {of:3d} shards: the slowest {by_cost:.2f} of the mean, {starts} processes started;"
            f" dealt out {dealt:.2f}, {named * of} processes"
        )


def _worst(parts: Sequence[Sequence[float]]) -> float:
    """Return the largest sum of a part, divided by the mean of all."""
    sums = [sum(part) for part in parts]
    return max(sums) * len(sums) / sum(sums)


def main() -> None:
    """Run the command line."""
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("runs", nargs="+", type=Path, metavar="RUN.jsonl")
    parser.add_argument("--reference", default="numpy_windows")
    parser.add_argument("--write", action="store_true", help="write conformance/data/costs.json")
    options = parser.parse_args()
    runs = [results.read(path) for path in options.runs]
    if options.write:
        path = bundled("conformance", "data") / "costs.json"
        encoded = msgspec.json.format(msgspec.json.encode(measured(runs, options.reference)), indent=1).decode()
        path.write_text(re.sub(r"\[\s+(\S+)\s+(\S+)\s+\]", r"[\1 \2]", encoded) + "\n")  # one row per line
        shards.cost_table.cache_clear()
    for run in runs:
        balance(run)


if __name__ == "__main__":
    main()
