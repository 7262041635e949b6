"""The cost model, on measurements that are made up; and its file on disk. Nothing here is timed."""

from __future__ import annotations

import multiprocessing
from pathlib import Path

import numpy as np
import pytest

from convgauge.auto import cache, cost_model
from convgauge.auto.cache import Choice, Wisdom
from convgauge.auto.cost_model import Law, Measurement, Model
from convgauge.problem import Problem

KEY = {"threads": "1", "processor": "of a test"}


def problems(count: int, seed: int = 0, kernel: int = 3) -> list[Problem]:
    random = np.random.default_rng(seed)
    sizes = random.integers((16, 16, 8), (256, 256, 64), (count, 3)).tolist()
    return [Problem(1, c, h, h, o, (kernel,) * 2, padding=(kernel // 2,) * 2) for c, o, h in sizes]


def made_up(rates: dict[str, float], count: int = 12, noise: float = 0.0) -> list[Measurement]:
    """Seconds of implementations that do so many FLOPs in a second, and of one whose time is that of moving data."""
    random = np.random.default_rng(1)
    found = []
    for problem in problems(count):
        seconds = {name: 1e-6 + problem.flops / rate for name, rate in rates.items()}
        seconds["mover"] = 1e-6 + problem.least_bytes / 1e9
        found += [
            Measurement(name, problem.text, value * float(np.exp(noise * random.standard_normal())))
            for name, value in seconds.items()
        ]
    return found


@pytest.mark.parametrize("noise", [0.0, 0.1])
def test_a_law_predicts_other_problems(noise: float) -> None:
    model = Model(cost_model.fit(made_up({"quick": 4e10, "slow": 1e10}, noise=noise), "quick"), 36)
    for problem in problems(20, seed=2):
        predicted = model.predict(problem)
        assert set(predicted) == {"quick", "slow", "mover"}
        assert predicted["quick"] == pytest.approx(problem.flops / 4e10, rel=0.5)
        assert predicted["mover"] == pytest.approx(problem.least_bytes / 1e9, rel=0.5)
        assert predicted["quick"] < predicted["slow"]
        assert list(predicted.values()) == sorted(predicted.values())


def test_the_choice_changes_with_the_problem() -> None:
    """What is bound by products goes to one, what is bound by data to the other."""
    model = Model(cost_model.fit(made_up({"quick": 2e11}), "mover"), 24)
    heavy, light = (Problem(1, c, 56, 56, o, (3, 3), padding=(1, 1)) for c, o in ((256, 256), (256, 16)))
    assert next(iter(model.predict(heavy))) == "mover"
    assert next(iter(model.predict(light))) == "quick"


def test_too_few_measurements_are_no_law() -> None:
    few = made_up({"quick": 2e10}, count=cost_model.LEAST - 1)
    assert cost_model.fit(few, "quick") == {"dense": {}}
    assert Model(cost_model.fit(few, "quick"), len(few)).predict(problems(1)[0]) == {}


def test_a_kind_that_was_not_measured_is_not_predicted() -> None:
    model = Model(cost_model.fit(made_up({"quick": 2e10}), "quick"), 24)
    assert model.predict(problems(1, kernel=1)[0]) == {}


@pytest.mark.parametrize(
    ("changes", "kind"),
    [
        ({}, "dense"),
        ({"kernel": (1, 1)}, "pointwise"),
        ({"kernel": (1, 1), "stride": (2, 2)}, "strided or dilated"),
        ({"dilation": (2, 1)}, "strided or dilated"),
        ({"groups": 4}, "grouped"),
        ({"groups": 8}, "depthwise"),
        ({"groups": 8, "out_channels": 16}, "depthwise"),
    ],
)
def test_kinds(changes: dict[str, object], kind: str) -> None:
    assert cost_model.kind(Problem(1, 8, 9, 9, 8, (3, 3)).replace(**changes)) == kind


def test_contenders_are_those_that_may_be_faster_and_the_baseline() -> None:
    predicted = {"a": 1.0, "b": 4.0, "c": 1.5, "slow": 9.0, "base": 3.0}
    hoped = {"a": 0.9, "b": 1.0, "c": 1.4, "slow": 3.1, "base": 2.0}
    assert cost_model.contenders(predicted, hoped, "base", most=4) == ["base", "a", "b", "c"]
    assert cost_model.contenders(predicted, hoped, "base", most=3) == ["base", "a", "b"]
    assert cost_model.contenders({"a": 5.0, "base": 1.0}, {"a": 4.0, "base": 0.9}, "base", most=4) == ["base"]
    assert cost_model.contenders({"a": 1.0}, {"a": 1.0}, "base", most=4) == ["base"]


def test_a_few_measurements_are_not_believed_far_from_where_they_were_made() -> None:
    """Six small problems on which one is as fast as the baseline, but for chance, promise nothing on a large one."""
    measured = [
        one for one in made_up({"base": 4e10, "other": 4e10}, count=6, noise=0.2) if one.implementation != "mover"
    ]
    model = Model(cost_model.fit(measured, "base"), 12)
    large = Problem(1, 1024, 64, 64, 1024, (3, 3), padding=(1, 1))
    predicted = model.predict(large)
    assert 0.6 < predicted["other"] / predicted["base"] < 1.6
    assert model.laws["dense"]["other"].error > 1.15  # what is left out is off by more than what is fitted to


def test_who_is_hard_to_predict_is_hoped_to_be_faster() -> None:
    flat = [0.0] * 6
    model = Model({"pointwise": {"a": Law([1.0, *flat], 1.0), "b": Law([2.0, *flat], 4.0)}}, 2)
    problem = Problem.parse("n1c8h5w5_o8k1x1_s1x1_p0x0_d1x1_g1_float32")
    assert model.predict(problem) == {"a": 2.0, "b": 4.0}
    assert model.hope(problem) == {"a": 2.0, "b": 1.0}


def test_the_baseline_is_left_only_for_what_is_clearly_faster() -> None:
    assert cost_model.winner({"base": 1.0, "a": 0.96}, "base", clearly=0.95) == "base"
    assert cost_model.winner({"base": 1.0, "a": 0.94, "b": 0.93}, "base", clearly=0.95) == "b"
    assert cost_model.winner({"base": 1.0}, "base", clearly=0.95) == "base"


# --- on disk ---------------------------------------------------------------------------------------------------------


def filled(key: dict[str, str] = KEY) -> Wisdom:
    laws = {"dense": {"one": Law([1.0, 0.5], 1.2)}}
    return Wisdom(dict(key), Model(laws, 12, "today", 3.5), {"p": Choice("one", {"one": 1.0}, {"one": 1.1})})


def keep(path: Path, content: Wisdom) -> Wisdom:
    def change(kept: Wisdom) -> None:
        kept.model, kept.choices = content.model, content.choices

    return cache.update(path, content.key, change)


def test_what_is_kept_reads_back(tmp_path: Path) -> None:
    path = tmp_path / "new folder" / "costs.json"
    assert keep(path, filled()) == filled()
    assert cache.read(path, KEY) == filled()
    assert not list(path.parent.glob("*.new"))


def test_of_another_key_is_stale(tmp_path: Path) -> None:
    keep(tmp_path / "costs.json", filled())
    other = {**KEY, "processor": "another"}
    assert cache.read(tmp_path / "costs.json", other) == Wisdom(other)
    assert cache.place(KEY) != cache.place(other)


@pytest.mark.parametrize(
    "content", [b"", b"{", b"[]", b'{"key": 3}', b'{"key": {}, "model": {"laws": 1}}', b"\xff\xfe"]
)
def test_a_damaged_file_counts_as_none_and_is_replaced(tmp_path: Path, content: bytes) -> None:
    path = tmp_path / "costs.json"
    path.write_bytes(content)
    assert cache.read(path, KEY) == Wisdom(KEY)
    keep(path, filled())
    assert cache.read(path, KEY) == filled()


def test_a_file_cut_anywhere_is_never_half_believed(tmp_path: Path) -> None:
    path = tmp_path / "costs.json"
    keep(path, filled())
    whole = path.read_bytes()
    for end in range(len(whole)):
        path.write_bytes(whole[:end])
        assert cache.read(path, KEY) == Wisdom(KEY)


def test_where_nothing_can_be_written_the_caller_still_gets_it(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("in the way")
    assert keep(tmp_path / "file" / "costs.json", filled()) == filled()


def test_the_key_names_the_machine_the_versions_and_the_threads(monkeypatch: pytest.MonkeyPatch) -> None:
    key = cache.key(1)
    assert {"processor", "machine", "cores", "python", "numpy", "code"} <= set(key)
    assert cache.key(2) != key
    monkeypatch.setenv("OMP_NUM_THREADS", "77")
    assert cache.key(1) != key


def test_the_key_knows_when_an_implementation_changes(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "one.py").write_text("a = 1")
    monkeypatch.setattr(cache, "bundled", lambda _: tmp_path)
    before = cache._code()
    (tmp_path / "one.py").write_text("a = 2")
    assert cache._code() != before


def write_many(path: str, name: str) -> None:
    for number in range(8):
        cache.update(Path(path), KEY, lambda kept, text=f"{name}{number}": kept.choices.update({text: Choice(name)}))


def test_two_writers_at_once_lose_nothing(tmp_path: Path) -> None:
    path = tmp_path / "costs.json"
    context = multiprocessing.get_context("spawn")
    writers = [context.Process(target=write_many, args=(str(path), name)) for name in ("a", "b")]
    for writer in writers:
        writer.start()
    while any(writer.is_alive() for writer in writers):
        cache.read(path, KEY)  # what is there is whole at every moment
        if path.exists():
            assert cache.read(path, KEY).choices
    for writer in writers:
        writer.join()
        assert writer.exitcode == 0
    assert set(cache.read(path, KEY).choices) == {f"{name}{number}" for name in "ab" for number in range(8)}
    assert not list(tmp_path.glob("*.new"))
