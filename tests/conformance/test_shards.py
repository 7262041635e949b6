"""Shards that cost the same, and the estimates that they are cut by."""

from __future__ import annotations

import statistics

import pytest
from hypothesis import given
from hypothesis import strategies as st

from convgauge import cli
from convgauge.conformance import shards
from convgauge.conformance.collection import collect_specs
from convgauge.conformance.shards import WHOLE, Shard


@pytest.mark.parametrize("shard", ["0/2", "3/2", "one/two", "2"])
def test_a_shard_that_cannot_exist(shard: str) -> None:
    assert cli.main(["check", "numpy_windows", "--tier", "quick", "-q", "--shard", shard]) == 4


def test_a_shard_reads_back() -> None:
    assert Shard.parse(str(Shard(2, 8))) == Shard(2, 8)
    assert Shard.parse(str(WHOLE)) == WHOLE


@given(
    seconds=st.lists(st.floats(0, 100, allow_subnormal=False), min_size=1, max_size=60),
    of=st.integers(1, 12),
)
def test_parts_hold_every_item_once_and_nearly_their_share(seconds: list[float], of: int) -> None:
    parts = [seconds[shards.cut(seconds, first, of)] for first in range(of)]
    assert [item for part in parts for item in part] == seconds
    share, largest = sum(seconds) / of, max(seconds)
    assert all(abs(sum(part) - share) <= largest * (1 + 1e-9) + 1e-9 for part in parts)


def test_an_expensive_item_counts_by_its_cost() -> None:
    parts = [shards.cut([8, 1, 1, 1, 1, 1, 1, 1, 1], first, 2) for first in range(2)]
    assert parts == [slice(0, 1), slice(1, 9)]


def test_estimates_follow_the_spec_the_implementation_and_the_tier() -> None:
    table = shards.cost_table()
    slow_spec, fast_spec = max(table.specs["quick"].items(), key=lambda row: row[1])[0], "shape.size"
    slow = max(table.pace, key=lambda name: table.pace[name])
    items = [(fast_spec, "numpy_windows"), (slow_spec, "numpy_windows"), (slow_spec, slow), (slow_spec, slow)]
    first, second, started, again = shards.estimates(items, "quick")
    assert second > first - table.start > 0
    assert again > second
    assert started == again + table.start
    every = [(spec, "numpy_windows") for spec in table.specs["quick"]]
    assert sum(shards.estimates(every, "standard")) > sum(shards.estimates(every, "quick"))


def test_a_spec_that_has_not_been_measured_gets_the_median() -> None:
    table = shards.cost_table()
    (seconds,) = shards.estimates([("brand.new", "kernel")], "quick")
    every = [row[0] for row in table.specs["quick"].values()]
    assert seconds - table.start == pytest.approx(statistics.median(every))


def test_the_table_contains_most_specs_of_its_reference() -> None:
    ids = {spec.id for spec, _ in collect_specs() if not spec.frameworks or "numpy" in spec.frameworks}
    assert len(ids & set(shards.cost_table().specs["quick"])) > 0.9 * len(ids)
