"""Tests of counterexamples of kernels with a state: what fails by itself is decided in fresh processes."""

from __future__ import annotations

import shlex

import numpy as np
import pytest

from convgauge.conformance.collection import collect_specs
from convgauge.conformance.history import Histories
from convgauge.conformance.judge import Judge
from convgauge.conformance.setting import Setting
from convgauge.results import Counterexample
from support.fake_runner import exact_output
from support.stateful_runner import StatefulRunner, at_random, by_shape, caching, counting

TESTS = {spec.id: (spec, test) for spec, test in collect_specs()}


def counterexample(runner: StatefulRunner, spec: str, setting: Setting | None = None) -> Counterexample | None:
    declared, test = TESTS[spec]
    setting = setting or Setting(tier="quick", histories=Histories())
    judge = Judge(declared, runner, "float32", "cpu", setting)
    test(judge)
    return judge.counterexample


def wrong_with_bias() -> StatefulRunner:
    """Return a runner without a state that is wrong on every call with a bias."""
    return StatefulRunner(lambda: lambda call: exact_output(call) + np.float32(call.bias is not None))


@pytest.mark.parametrize("forks", [True, False])
def test_a_case_of_a_cache_has_the_call_that_fills_it(forks: bool) -> None:
    example = counterexample(StatefulRunner(caching(by_shape), forks=forks), "behaviour.same_shape")
    assert example is not None
    assert example.message.endswith("(only after a call with the same problem and other operands)")
    assert len(example.after) == 1
    words = shlex.split(example.reproduce)
    assert words[:2] == ["convgauge", "reproduce"]
    assert words[words.index("--after") + 1] == example.after[0]


def test_a_plain_call_takes_the_place_of_one_that_a_spec_changes() -> None:
    example = counterexample(StatefulRunner(caching(by_shape)), "behaviour.one_element_new")
    assert example is not None
    assert [("@" in text) for text in example.after] == [False]


def test_a_call_that_only_its_spec_makes_is_named_with_the_spec() -> None:
    def new_kernel():  # type: ignore[no-untyped-def]
        modes = []

        def kernel(call):  # type: ignore[no-untyped-def]
            modes.append(call.mode)
            return exact_output(call) + np.float32(modes[:-1].count("one_array"))

        return kernel

    example = counterexample(StatefulRunner(new_kernel), "behaviour.one_array")
    assert example is not None
    assert example.after[0].startswith("behaviour.one_array@n1c1h3w4")


def test_a_kernel_that_counts_its_calls_has_their_number() -> None:
    runner = StatefulRunner(counting(lambda number: number % 60 == 0))
    example = counterexample(runner, "behaviour.many_calls")
    assert example is not None
    assert "(only after 59 earlier calls)" in example.message
    assert example.after[0].startswith("59*")


@pytest.mark.parametrize("seed", range(8))
def test_a_kernel_that_fails_at_random_gets_no_sequence(seed: int) -> None:
    runner, setting = StatefulRunner(at_random(seed)), Setting(tier="quick", histories=Histories())
    messages = []
    for spec in ("behaviour.same_shape", "behaviour.interleaved", "behaviour.many_calls", "stride.pair"):
        example = counterexample(runner, spec, setting)
        assert example is not None
        assert example.after == []
        messages.append(example.message)
    assert any("at random" in message for message in messages)


@pytest.mark.parametrize("forks", [True, False])
def test_a_fault_without_a_state_is_reduced(forks: bool) -> None:
    runner = wrong_with_bias()
    runner.forks = forks
    setting = Setting(tier="quick", histories=Histories())
    for spec in ("behaviour.same_shape", "behaviour.interleaved"):
        example = counterexample(runner, spec, setting)
        assert example is not None
        assert example.message == "1 of 1 outputs are wrong"
        assert example.after == []
    assert runner.fresh_processes == (4 if forks else 0)


def test_a_disturbed_second_process_decides_nothing() -> None:
    """Without forks, the second process is disturbed by the trials of the first spec; a new process decides."""
    runner = StatefulRunner(caching(by_shape), forks=False)
    setting = Setting(tier="quick", histories=Histories())
    for spec in ("behaviour.same_shape", "behaviour.interleaved", "behaviour.many_calls"):
        example = counterexample(runner, spec, setting)
        assert example is not None
        assert "(only after " in example.message or "(not when" in example.message
    assert 0 < runner.fresh_processes <= 12


def test_a_case_that_is_wrong_in_the_first_call_of_a_process_fails_by_itself() -> None:
    runner = StatefulRunner(counting(lambda number: number == 1), forks=False)
    example = counterexample(runner, "behaviour.same_shape")
    assert example is not None
    assert "(" not in example.message


def test_searches_end_when_the_budget_is_spent() -> None:
    setting = Setting(tier="quick", histories=Histories())
    setting.histories.budget.forks = 0
    runner = StatefulRunner(caching(by_shape))
    example = counterexample(runner, "behaviour.same_shape", setting)
    assert example is not None
    assert example.message.endswith("(not when the case was run again by itself)")
    assert example.reproduce.startswith("convgauge check fake -k behaviour.same_shape")
    assert runner.fresh_processes == 1
