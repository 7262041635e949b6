"""Mechanisms of a kernel that keeps something of an earlier call: its answer, its weights, or a plan of it.

What is kept, and the key of the cache, are read off failing samples: the earlier call of each that predicts its output,
and what these calls share with the failing ones.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace

import numpy as np

from convgauge.arguments import resolve
from convgauge.diagnosis.call_features import (
    ARGUMENTS,
    CHEAP,
    FEATURES,
    IMPLIED,
    SHAPES,
    Feature,
    argument,
    in_words,
    shared,
)
from convgauge.diagnosis.kinds import MechanismKind
from convgauge.diagnosis.mechanism import Mechanism, family
from convgauge.diagnosis.plan import NoOutputError, Plan, TooExpensiveError
from convgauge.diagnosis.sample import Sample
from convgauge.worker.call import Call

MAX_READ = 8
"""Failing samples of which the earlier calls are tried, the smallest ones."""

MAX_TRIED = 3
"""Failing samples of which one must be predicted, for a kind of reuse to be read off the others."""

MIN_READ = 2
"""Failing samples that earlier calls must predict."""


@dataclass(frozen=True)
class Reuse:
    """Something of an earlier call that a kernel may use again.

    Attributes
    ----------
    slug : str
        Slug of its mechanism.
    sentence : str
        Sentence of its mechanism, in which ``{}`` stands for the earlier call.
    change : callable
        Function of a plan, its call and an earlier call that returns the plan with what is used again; None if that
        changes nothing.
    noun : str
        What is used again, in the plural.
    value : callable or None
        Function of the earlier call that returns what is used again, if it has few values.
    """

    slug: str
    sentence: str
    change: Callable[[Plan, Call, Call], Plan | None]
    noun: str
    value: Feature | None = None


def _is_castable(array: np.ndarray, plan: Plan) -> bool:
    """Return True if a plan can hold an array of another call: complex numbers need a complex plan."""
    return np.can_cast(array.dtype, plan.weight.dtype, "same_kind")


def _weights(plan: Plan, call: Call, earlier: Call) -> Plan | None:
    if earlier.weight.shape != call.weight.shape or np.array_equal(earlier.weight, call.weight):
        return None
    if not _is_castable(earlier.weight, plan):
        return None
    return replace(plan, weight=earlier.weight.astype(plan.weight.dtype))


def _input(plan: Plan, call: Call, earlier: Call) -> Plan | None:
    if earlier.input.shape != call.input.shape or np.array_equal(earlier.input, call.input):
        return None
    if not _is_castable(earlier.input, plan):
        return None
    return replace(plan, input=earlier.input.astype(plan.input.dtype))


def _bias(plan: Plan, call: Call, earlier: Call) -> Plan | None:
    if call.bias is None or earlier.bias is None or earlier.bias.shape != call.bias.shape:
        return None
    if np.array_equal(earlier.bias, call.bias) or not _is_castable(earlier.bias, plan):
        return None
    return replace(plan, bias=earlier.bias.astype(plan.weight.dtype))


def _bias_presence(plan: Plan, call: Call, earlier: Call) -> Plan | None:
    return replace(plan, bias=None) if call.bias is not None and earlier.bias is None else None


def _stride(plan: Plan, call: Call, earlier: Call) -> Plan | None:
    stride = argument(earlier, "stride")
    return replace(plan, stride=stride) if isinstance(stride, tuple) and stride != plan.stride else None


def _dilation(plan: Plan, call: Call, earlier: Call) -> Plan | None:
    dilation = argument(earlier, "dilation")
    return replace(plan, dilation=dilation) if isinstance(dilation, tuple) and dilation != plan.dilation else None


def _pads(plan: Plan, call: Call, earlier: Call) -> Plan | None:
    padding = argument(earlier, "padding")
    if not isinstance(padding, tuple):
        return None
    pads = ((padding[0], padding[0]), (padding[1], padding[1]))
    return replace(plan, pads=pads) if pads != plan.pads else None


def _answer(plan: Plan, call: Call, earlier: Call) -> Plan | None:
    """Return the plan of an earlier call whose output has the shape of the call's."""
    if earlier.mode or not earlier.is_valid:
        return None
    arguments: dict[str, object] = dict(earlier.arguments)
    problem = resolve(earlier.input, earlier.weight, earlier.bias, **arguments)  # type: ignore[arg-type]
    whole = Plan.of(problem, earlier.input, earlier.weight, earlier.bias)
    size = tuple(plan.input.shape[:1]), tuple(plan.weight.shape[:1]), tuple(plan.size)
    return whole if size == (whole.input.shape[:1], whole.weight.shape[:1], tuple(whole.size)) else None


REUSES = (
    Reuse("weights_of_an_earlier_call", "weights: those of {} are used again", _weights, "weights"),
    Reuse("stride_of_an_earlier_call", "stride: that of {} is used again", _stride, "strides", FEATURES["stride"]),
    Reuse("padding_of_an_earlier_call", "padding: that of {} is used again", _pads, "paddings", FEATURES["padding"]),
    Reuse(
        "dilation_of_an_earlier_call",
        "dilation: that of {} is used again",
        _dilation,
        "dilations",
        FEATURES["dilation"],
    ),
    Reuse("bias_of_an_earlier_call", "bias: that of {} is used again", _bias, "biases"),
    Reuse(
        "no_bias_as_in_an_earlier_call",
        "bias: not added if {} had none",
        _bias_presence,
        "choices to add a bias",
        FEATURES["presence of a bias"],
    ),
    Reuse("input_of_an_earlier_call", "input: that of {} is used again", _input, "inputs"),
    Reuse("answer_of_an_earlier_call", "answer: that of {} is given again", _answer, "answers"),
)
"""Kinds of reuse, those that keep less first."""

WHICH = ("first", "last")
"""Positions, among the calls with one key, of the call that is used again."""


@family
def earlier_calls(samples: Sequence[Sample]) -> Iterator[Mechanism]:
    """Yield the mechanisms of each kind of reuse that predicts failing samples."""
    failing = [each for each in samples if each.fault is not None and each.is_plain and each.history]
    failing = sorted(failing, key=lambda sample: sample.problem.flops)[:MAX_READ]
    for reuse in REUSES:
        if any(_predicting(reuse, sample) for sample in failing[:MAX_TRIED]):
            yield from _read(reuse, failing)


def _read(reuse: Reuse, failing: Sequence[Sample]) -> Iterator[Mechanism]:
    """Yield the mechanisms of a kind of reuse, with the key of the cache as failing samples show it."""
    pairs = [(sample, calls) for sample in failing if (calls := _predicting(reuse, sample))]
    if len(pairs) < MIN_READ:
        return
    key = set.intersection(*(_most_shared(calls, sample.call) for sample, calls in pairs))
    for which in WHICH:
        yield _by_key(reuse, which, key)
        yield from (_by_key(reuse, which, smaller) for smaller in _smaller_keys(key))
    if reuse.value is None:  # of few values, one agrees by chance
        yield _by_any(reuse, key)


def _most_shared(calls: Sequence[Call], call: Call) -> set[str]:
    """Return the features that a call shares with the most similar of some calls, which all predict its output."""
    return max((shared(earlier, call) for earlier in calls), key=len)


def _smaller_keys(key: set[str]) -> Iterator[set[str]]:
    """Yield smaller keys: the samples that were read may share the rest by chance."""
    smaller = [key & set(IMPLIED[name]) | {name} for name in ("weight shape", "input", "weight") if name in key]
    smaller += [key & {"weight shape", "dtype", name} for name in ("sum of the weight", "first and last weight")]
    smaller += [key - set(ARGUMENTS), key & {*SHAPES, "dtype"}, key & {"input", "weight shape"}]
    for index, each in enumerate(smaller):
        if each and each != key and each not in smaller[:index]:
            yield each


def _predicting(reuse: Reuse, sample: Sample) -> list[Call]:
    """Return the earlier calls of a sample that predict its output, in their order."""
    if reuse.value is None:
        return [earlier for earlier in sample.history if _predicts(reuse, sample, earlier)]
    values = {reuse.value(earlier): earlier for earlier in sample.history}
    fitting = {value for value, earlier in values.items() if _predicts(reuse, sample, earlier)}
    return [earlier for earlier in sample.history if reuse.value(earlier) in fitting]


def _predicts(reuse: Reuse, sample: Sample, earlier: Call) -> bool:
    plan = _changed(reuse, sample, earlier)
    try:
        return plan is not None and sample.differs(plan) and sample.fits(plan)
    except (NoOutputError, TooExpensiveError):
        return False


def _changed(reuse: Reuse, sample: Sample, earlier: Call) -> Plan | None:
    try:
        return reuse.change(sample.plan, sample.call, earlier)
    except (TypeError, ValueError, AttributeError, NoOutputError):
        return None


def _by_key(reuse: Reuse, which: str, key: set[str]) -> Mechanism:
    """Return the mechanism that uses the first or the last call again that has the same key."""
    features = [FEATURES[name] for name in sorted(key, key=lambda name: (name not in CHEAP, name))]

    def change(plan: Plan, sample: Sample) -> Plan | None:
        in_turn = sample.history if which == "first" else reversed(sample.history)
        values = [feature(sample.call) for feature in features]
        same = (each for each in in_turn if all(f(each) == value for f, value in zip(features, values, strict=True)))
        earlier = next(same, None)
        return None if earlier is None else _changed(reuse, sample, earlier)

    words = in_words(key)
    call = f"the {which} call with {words}" if key else f"the {which} call"
    cache = f" (a cache keyed by {words.removeprefix('the same ')})" if key and which == "first" else ""
    cost = 1.0 + 0.02 * len(key) + (0.1 if which == "last" else 0.0)
    return Mechanism(reuse.slug, MechanismKind.PREVIOUS_ANSWER, reuse.sentence.format(call) + cache, change, cost)


def _by_any(reuse: Reuse, key: set[str]) -> Mechanism:
    """Return the mechanism that uses one of the earlier calls again, by a key that the calls do not show."""

    def change(plan: Plan, sample: Sample) -> Plan | None:
        plans = (_changed(reuse, sample, earlier) for earlier in sample.history)
        return next((changed for changed in plans if changed is not None), None)

    def fits(plan: Plan, sample: Sample) -> bool:
        return bool(_predicting(reuse, sample))

    sentence = reuse.sentence.format(f"an earlier call with {in_words(key)}" if key else "an earlier call")
    return Mechanism(reuse.slug, MechanismKind.PREVIOUS_ANSWER, sentence, change, 3.0, fits, lambda plan, sample: False)


def reused_of_earlier_process(sample: Sample) -> str:
    """Return what of an earlier process predicts the output of a sample, in the plural; "" if nothing does."""
    for reuse in REUSES:
        if any(_predicts(reuse, sample, earlier) for earlier in sample.before):
            return reuse.noun
    return ""
