"""Tests of the causes of kernels that keep something of an earlier call, from their judged cases to the sentence."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace
from typing import Any

import numpy as np
import pytest

from convgauge.conformance.cases import Case, problems
from convgauge.conformance.collection import collect_specs
from convgauge.conformance.evidence import Evidence
from convgauge.conformance.history import Histories
from convgauge.conformance.judge import Judge
from convgauge.conformance.setting import Setting
from convgauge.diagnosis.cause import Cause
from convgauge.diagnosis.explain import explain
from convgauge.diagnosis.kinds import MechanismKind
from convgauge.problem import Problem
from convgauge.worker.call import Call
from support.fake_runner import Kernel, exact_output
from support.stateful_runner import NewKernel, StatefulRunner, by_shape, caching, counting

TESTS = {spec.id: (spec, test) for spec, test in collect_specs()}
SPECS = ("behaviour.same_shape", "behaviour.one_element_new", "behaviour.interleaved")

Keep = Callable[[dict[Any, Any], Call], "Call | None"]


def keeping(keep: Keep) -> NewKernel:
    """Return the kernels that compute the call that ``keep`` returns, given what earlier calls left."""

    def new_kernel() -> Kernel:
        state: dict[Any, Any] = {}
        return lambda call: exact_output(keep(state, call) or call)

    return new_kernel


SMALL = Problem(batch=1, in_channels=2, height=6, width=7, out_channels=2, kernel=(3, 3), bias=True)
STRIDES = problems(SMALL, height=[6, 7], width=[6, 7], stride=[(2, 2), (3, 3), (4, 4)], batch=[1, 2])
BIASES = problems(SMALL, bias=[True, False], out_channels=[2, 3, 4], kernel=[(1, 1), (3, 3)], height=[5, 6])


def cause_of(new_kernel: NewKernel, specs: Sequence[str] = SPECS, table: Sequence[Problem] = ()) -> Cause:
    """Return the first cause of a kernel that some specs judge, or `exact` on a table in a random order."""
    evidence, runner = Evidence(), StatefulRunner(new_kernel)
    setting = Setting(minimizes=False, on_counted=evidence.add, histories=Histories(), max_faults=40)
    if table:
        due = [Case(problem, seed=1 + turn) for turn in range(3) for problem in table]
        random = np.random.default_rng(0)
        judge = Judge(TESTS["behaviour.interleaved"][0], runner, "float32", "cpu", setting)
        judge.exact([due[index] for index in random.permutation(len(due))])
    for spec in () if table else specs:
        declared, test = TESTS[spec]
        test(Judge(declared, runner, "float32", "cpu", replace(setting, tier="quick")))
    return explain(evidence.samples()).causes[0]


def by_all_shapes(call: Call) -> Any:
    return call.input.shape, call.weight.shape, exact_output(call).shape


def stride_of_the_first(state: dict[Any, Any], call: Call) -> Call:
    stride = state.setdefault(by_all_shapes(call), call.arguments["stride"])
    return replace(call, arguments={**call.arguments, "stride": stride})


def no_bias_as_in_the_first(state: dict[Any, Any], call: Call) -> Call:
    has_bias = state.setdefault(call.weight.shape, call.bias is not None)
    return call if has_bias else replace(call, bias=None)


def answer_of_the_input(state: dict[Any, Any], call: Call) -> Call:
    key = call.input.tobytes(), by_all_shapes(call), str(call.arguments), call.bias is None
    first: Call = state.setdefault(key, call)
    return first


def weights_of_the_last(state: dict[Any, Any], call: Call) -> Call:
    last = state.get(call.weight.shape, call.weight)
    state[call.weight.shape] = call.weight
    return replace(call, weight=last)


def weights_of_the_sum(state: dict[Any, Any], call: Call) -> Call:
    return replace(call, weight=state.setdefault((call.weight.shape, float(call.weight.sum())), call.weight))


@pytest.mark.parametrize(
    ("keep", "table", "slug", "words"),
    [
        (stride_of_the_first, STRIDES, "stride_of_an_earlier_call", "that of the first call with the same shapes"),
        (
            no_bias_as_in_the_first,
            BIASES,
            "no_bias_as_in_an_earlier_call",
            "bias: not added if the first call with the same weight shape had none",
        ),
        (weights_of_the_last, BIASES, "weights_of_an_earlier_call", "of the last call with the same weight shape"),
    ],
)
def test_what_is_kept_of_an_earlier_call_is_named(keep: Keep, table: Sequence[Problem], slug: str, words: str) -> None:
    cause = cause_of(keeping(keep), table=table)
    assert (cause.mechanism, cause.kind) == (slug, MechanismKind.PREVIOUS_ANSWER)
    assert words in cause.sentence


@pytest.mark.parametrize(
    ("keep", "specs", "words"),
    [
        (answer_of_the_input, ("adversarial.kernel.separable",), "of the first call with the same input"),
        (weights_of_the_sum, SPECS[1:2], "(a cache keyed by sum of the weight)"),
    ],
)
def test_the_key_of_a_cache_is_read_off_the_samples(keep: Keep, specs: Sequence[str], words: str) -> None:
    cause = cause_of(keeping(keep), specs)
    assert cause.kind == MechanismKind.PREVIOUS_ANSWER
    assert words in cause.sentence


def test_a_cache_of_weights_is_named_with_its_key() -> None:
    cause = cause_of(caching(by_shape), table=BIASES)
    assert cause.mechanism == "weights_of_an_earlier_call"
    assert cause.sentence == (
        "weights: those of the first call with the same weight shape are used again (a cache keyed by weight shape)"
    )
    assert cause.region == ""


def test_weights_by_an_unknown_key_are_those_of_an_earlier_call() -> None:
    """The key is something that the calls do not show, as an address is."""
    random = np.random.default_rng(0)

    def keep(state: dict[Any, Any], call: Call) -> Call:
        address = int(random.integers(3))
        return replace(call, weight=state.setdefault((call.weight.shape, address), call.weight))

    cause = cause_of(keeping(keep), table=BIASES)
    assert cause.mechanism == "weights_of_an_earlier_call"
    assert "of an earlier call with the same weight shape" in cause.sentence


@pytest.mark.parametrize(
    "new_kernel",
    [
        counting(lambda number: number % 7 == 0),
        lambda: lambda call: exact_output(call) + np.float32(call.input.shape[2] > 5),
    ],
)
def test_other_faults_are_no_reuse(new_kernel: NewKernel) -> None:
    assert cause_of(new_kernel, table=BIASES).kind != MechanismKind.PREVIOUS_ANSWER
