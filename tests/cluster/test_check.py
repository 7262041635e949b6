"""Division of a check into parts."""

from __future__ import annotations

import pytest

from convgauge.cluster import check
from convgauge.cluster.scheduler import WorkerTask
from convgauge.registry import resolve_all
from convgauge.request import CheckRequest


def plan(*targets: str, slots: int) -> list[WorkerTask]:
    return check.plan(CheckRequest(targets, tier="quick"), resolve_all(targets), slots, lambda _: True)


def test_parts_are_shards_of_each_implementation_of_similar_cost(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(check, "MIN_TASK_S", 0.1)
    tasks = plan("numpy_windows", "numpy_im2col", slots=4)
    targets = [task.request.targets[0] for task in tasks]
    count = targets.count("numpy_windows")  # depends on the measured costs; about eight parts each
    assert 6 <= count <= 10
    assert 14 <= len(tasks) <= 18
    assert targets == ["numpy_windows"] * count + ["numpy_im2col"] * (len(tasks) - count)
    shards = [task.request.shard for task in tasks[:count] if isinstance(task.request, CheckRequest)]
    assert shards == [f"{number}/{count}" for number in range(1, count + 1)]
    assert max(task.cost_s for task in tasks) < 2 * min(task.cost_s for task in tasks)


def test_a_part_takes_longer_than_starting_it() -> None:
    assert all(task.cost_s > check.MIN_TASK_S / 2 for task in plan("numpy_windows", slots=1000))
