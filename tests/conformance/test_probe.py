"""Probe: the domain that is found is the true one, and a discovery ends for every kind of kernel."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from functools import cache
from itertools import product

import numpy as np
import pytest

from convgauge.conformance.cases import Case
from convgauge.conformance.probe import MAX_PROBES, MAX_SECONDS, discover
from convgauge.conformance.probe_space import spelled
from convgauge.conformance.random_problems import choose, random_problems
from convgauge.domain import Domain, fields_of
from convgauge.problem import Problem
from convgauge.worker.call import Call, Kind, Observation
from support.fake_runner import FakeRunner
from support.narrow_runner import LAYOUTS, Fields, NarrowRunner, Region, fields_of_call

pytestmark = pytest.mark.once

DTYPES = ("float32", "float64", "float16")

REGIONS: dict[str, Region] = {
    "groups > 1": lambda f: f["groups"] == 1,
    "one image without padding": lambda f: f["batch"] == 1 and f["padding_h"] == f["padding_w"] == 0,
    "3x3 valid on squares": lambda f: (
        f["kernel"] == (3, 3) and f["padding_h"] == f["padding_w"] == 0 and f["height"] == f["width"]
    ),
    "blocks of 32 channels": lambda f: f["in_channels"] % 32 == 0 and f["out_channels"] % 32 == 0,
    "stride as a number": lambda f: isinstance(f["stride"], int),
    "depthwise only": lambda f: f["groups"] == f["in_channels"],
    "float32 only": lambda f: f["dtype"] == "float32",
    "no empty batch": lambda f: f["batch"] > 0,
    "no empty image": lambda f: f["height"] > 0 and f["width"] > 0,
    "even height": lambda f: f["height"] % 2 == 0,
    "kernel up to 7": lambda f: max(f["kernel"]) <= 7,
    "needs a bias": lambda f: f["bias"],
    "no bias": lambda f: not f["bias"],
    "padding in numbers": lambda f: not isinstance(f["padding"], str),
    "stride 1": lambda f: f["stride_h"] == f["stride_w"] == 1,
    "width up to 64": lambda f: f["width"] <= 64,
    "height a multiple of stride": lambda f: f["height"] % f["stride_h"] == 0,
    "native byte order": lambda f: f["layout"] != "bigendian",
    "odd kernel": lambda f: f["kernel_h"] % 2 == f["kernel_w"] % 2 == 1,
    "one group or depthwise": lambda f: f["groups"] in (1, f["in_channels"]),
    "stride or dilation": lambda f: f["stride_h"] == f["stride_w"] == 1 or f["dilation_h"] == f["dilation_w"] == 1,
    "one group unless float32": lambda f: f["dtype"] == "float32" or f["groups"] == 1,
    "no bias with groups": lambda f: not f["bias"] or f["groups"] == 1,
    "channels per group": lambda f: f["in_channels"] // f["groups"] % 4 == 0,
    "padding of half the kernel": lambda f: (
        f["padding_h"] == f["kernel_h"] // 2 and f["padding_w"] == f["kernel_w"] // 2
    ),
    "pointwise": lambda f: (
        f["kernel"] == (1, 1)
        and f["groups"] == f["stride_h"] == f["stride_w"] == 1
        and f["padding_h"] == f["padding_w"] == 0
        and not isinstance(f["padding"], str)
    ),
    "patches": lambda f: (f["stride_h"], f["stride_w"]) == f["kernel"],
    "a textbook's kernel": lambda f: (
        f["groups"] == f["batch"] == 1
        and not f["bias"]
        and isinstance(f["padding"], int)
        and f["stride_h"] == f["stride_w"]
        and f["dilation_h"] == f["dilation_w"] == 1
        and f["kernel_h"] == f["kernel_w"]
    ),
}


@cache
def sample() -> list[Fields]:
    """Return the fields of 1,000 random problems with random spellings, dtypes and layouts."""
    return list(_fields(np.random.default_rng(5)))


def _fields(random: np.random.Generator) -> Iterator[Fields]:
    empty = Problem(kernel=(3, 3), padding=(2, 2), height=9, width=9)
    for changes in ({"batch": 0}, {"in_channels": 0}, {"out_channels": 0}, {"height": 0}, {"width": 0}):
        yield fields_of(empty.replace(**changes))
    for problem in random_problems(1000, "probe"):
        case = Case(problem.replace(dtype=choose(random, DTYPES)))
        for name in ("stride", "padding", "dilation"):
            case = spelled(case, name, choose(random, ("tuple", "int", "list"))) or case
        yield fields_of(case.problem, case.keywords(), (choose(random, LAYOUTS), "contiguous", "contiguous"))


@pytest.mark.parametrize("name", REGIONS)
def test_the_domain_that_is_found_is_the_true_one(name: str) -> None:
    discovery = discover(NarrowRunner(REGIONS[name]), "cpu", DTYPES)
    wrong = [fields for fields in sample() if discovery.domain.contains(fields) != bool(REGIONS[name](fields))]
    assert not wrong, discovery
    assert discovery.limits
    assert not discovery.reason
    assert discovery.probes <= MAX_PROBES


def test_limits_say_what_is_refused_and_how() -> None:
    def region(fields: Fields) -> bool:
        return bool(fields["groups"] == 1 and not isinstance(fields["padding"], str))

    discovery = discover(NarrowRunner(region), "cpu", DTYPES)
    assert sorted((limit.sentence, limit.expression) for limit in discovery.limits) == [
        ("groups > 1", "groups == 1"),
        ("padding by name", "not isinstance(padding, str)"),
    ]
    assert {(limit.error, limit.is_refusal) for limit in discovery.limits} == {("AssertionError: narrow", True)}


@pytest.mark.parametrize("dtype", ["float64", "int8"])
def test_a_kernel_of_one_rare_dtype_has_an_anchor(dtype: str) -> None:
    dtypes = ("float64", "float32", "float16", "complex64", "int8")
    discovery = discover(NarrowRunner(lambda f: f["dtype"] == dtype, dtypes), "cpu", dtypes)
    assert discovery.domain.text == f"dtype in ({dtype!r},)"


def test_a_kernel_that_answers_everything_has_no_limits() -> None:
    discovery = discover(NarrowRunner(lambda _: True), "cpu", DTYPES)
    assert discovery.domain.is_everything
    assert not discovery.limits
    assert not discovery.reason


def test_a_kernel_that_answers_nothing_has_a_reason() -> None:
    discovery = discover(NarrowRunner(lambda _: False), "cpu", DTYPES)
    assert discovery.domain.is_everything
    assert "typical calls is answered" in discovery.reason
    assert "AssertionError: narrow" in discovery.reason


@pytest.mark.parametrize("kind", ["crashed", "timed_out"])
def test_two_ended_processes_end_the_discovery(kind: str) -> None:
    runner = FakeRunner(lambda _: Observation(kind, message="died of signal 11"))  # type: ignore[arg-type]
    discovery = discover(runner, "cpu", DTYPES)
    assert len(runner.calls) == discovery.probes == 2
    assert "died of signal 11" in discovery.reason


def test_random_refusals_end_and_are_reported() -> None:
    random = np.random.default_rng(1)
    discovery = discover(NarrowRunner(lambda _: random.random() < 0.7), "cpu", DTYPES)
    assert discovery.probes <= MAX_PROBES
    assert "lie in no region" in discovery.reason


@pytest.mark.parametrize(("first", "second"), list(product(("groups", "batch"), ("height", "width"))))
def test_two_limits_are_separated(first: str, second: str) -> None:
    discovery = discover(NarrowRunner(lambda f: f[first] == 1 and f[second] <= 20), "cpu", DTYPES)
    assert {f"{first} == 1", f"{second} <= 20"} == {limit.expression for limit in discovery.limits}


def test_no_probe_is_made_outside_the_declared_domain() -> None:
    runner = NarrowRunner(lambda fields: fields["groups"] == 1 and fields["kernel_h"] == fields["kernel_w"])
    declared = Domain.parse("batch == 1 and kernel_h == kernel_w and in_channels % 2 == 0")
    discovery = discover(runner, "cpu", DTYPES, declared)
    assert runner.calls
    assert all(declared.contains(fields_of_call(call)) for call in runner.calls)
    assert discovery.domain.text == "groups == 1"


def test_a_declared_domain_without_typical_calls_is_a_reason() -> None:
    runner = NarrowRunner(lambda _: True)
    discovery = discover(runner, "cpu", DTYPES, Domain.parse("in_channels == 7777"))
    assert discovery.reason == "no typical call lies inside the declared domain"
    assert not runner.calls


@pytest.mark.parametrize("is_answered", [True, False])
def test_a_slow_kernel_ends_the_discovery(is_answered: bool) -> None:
    def kernel(call: object) -> Observation:
        kind: Kind = "answer" if is_answered else "refused"
        return Observation(kind, np.zeros(()) if is_answered else None, error=("ValueError",), seconds=2 * MAX_SECONDS)

    runner = FakeRunner(kernel, dtypes=DTYPES)
    discovery = discover(runner, "cpu", DTYPES)
    assert len(runner.calls) < 20
    assert is_answered or discovery.reason.startswith("no call was answered within")


def test_the_time_of_the_first_answer_does_not_count() -> None:
    times = iter([5 * MAX_SECONDS])
    region = REGIONS["groups > 1"]

    def kernel(call: Call) -> Observation:
        if region(fields_of_call(call)):
            return Observation("answer", np.zeros(()), seconds=next(times, 0.0))
        return Observation("refused", error=("ValueError",), message="one group")

    runner = FakeRunner(kernel, dtypes=DTYPES)
    runner.description = replace(runner.description, layouts=LAYOUTS)
    assert discover(runner, "cpu", DTYPES).domain == Domain.parse("groups == 1")
