"""Races of several kinds of machine, and the order of their records."""

from __future__ import annotations

from pathlib import Path

import pytest

from convgauge import results
from convgauge.cluster.bench import Kind, batches, joined, kinds_of, numbered
from convgauge.cluster.worker import WorkerInfo
from convgauge.environment import Machine
from convgauge.layers.sets import Layer, LayerSet
from convgauge.problem import Problem
from convgauge.report.model import gather
from convgauge.request import BenchRequest

SMALL = [f"n1c2h{size}w7_o3k3x3_s1x1_p1x1_d1x1_g1_b_float32" for size in (6, 7, 8)]
LAYERS = LayerSet("small", tuple(Layer(Problem.parse(text)) for text in SMALL))


def machine(cores: int) -> Machine:
    return Machine("a processor", cores, 1 << 30, "Linux", "x86_64")


def info(cores: int, numpy: str = "2.0") -> WorkerInfo:
    return WorkerInfo("0.1", (("numpy", numpy),), machine(cores))


def test_each_kind_of_machine_races_every_layer() -> None:
    workers = {"a": info(2), "b": info(4), "c": info(2), "d": info(2, "1.26")}
    kinds = kinds_of(workers)
    assert list(kinds.values()) == [["a", "c"], ["b"], ["d"]]
    request = BenchRequest(("numpy_windows",), layers="small", budget_s=30.0)
    for kind, addresses in kinds.items():
        tasks = batches(request, LAYERS, kind, len(addresses))
        assert len(tasks) == len(addresses)
        assert sum(task.cost_s for task in tasks) == pytest.approx(30)
        layers = b"".join(attachment.content for task in tasks for attachment in task.attachments)
        assert all(layers.count(text.encode()) == 1 for text in SMALL)
        suitable = [name for name, worker in workers.items() if all(task.is_suitable(worker) for task in tasks)]
        assert suitable == addresses
    assert Kind.of(info(2)) == Kind.of(info(2))


def test_each_kind_of_machine_has_a_numbered_run() -> None:
    assert numbered(Path("runs/race.jsonl"), 2) == Path("runs/race-2.jsonl")


def test_kinds_of_machine_are_separate_environments_in_a_report() -> None:
    """Times of one environment are combined, so a common label does not join different machines."""

    def run(cores: int, label: str, numpy: str = "2.0") -> results.Run:
        return results.Run("", results.Header(1, "0.1", machine(cores), {"numpy": numpy}, 0, label=label), [], None)

    labelled = gather([run(2, "nightly"), run(2, "nightly", "1.26"), run(4, "nightly")])
    lengths = [(environment.name, len(environment.runs)) for environment in labelled.environments]
    assert lengths == [("nightly", 2), ("nightly (2)", 1)]
    unnamed = gather([run(2, ""), run(2, ""), run(2, "", "1.26"), run(4, "")])
    assert [len(environment.runs) for environment in unnamed.environments] == [2, 1, 1]


def test_records_are_in_the_order_of_layers() -> None:
    header = results.new_header(seed=0)

    def run(*texts: str) -> results.Run:
        timings: list[results.Record] = [
            results.TimingRecord("mine", text, [], None, None, None, "same", "mine", None, None, 1) for text in texts
        ]
        return results.Run("", header, timings, None)

    records = joined([("b", run(SMALL[1])), ("a", run(SMALL[0], SMALL[2]))], LAYERS)
    order = [(record.problem, record.worker) for record in records if isinstance(record, results.TimingRecord)]
    assert order == [(SMALL[0], "a"), (SMALL[1], "b"), (SMALL[2], "a")]
