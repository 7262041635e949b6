"""Cleared topics: parameters that are not the cause of any failure."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

from convgauge.diagnosis.cause import Cause
from convgauge.diagnosis.features import OPERAND_LAYOUTS, Fields
from convgauge.diagnosis.sample import Sample

MIN_PASSED = 20
"""Passing samples in which a parameter must be active."""

MAX_RATIO = 1.5
"""Largest ratio of the share of failing samples with an active parameter to that without. A larger one shows that the
failures have to do with it, even if not all of them need it."""


@dataclass(frozen=True)
class Topic:
    """A parameter: its name, the test of the fields in which it is active, and words that refer to it."""

    name: str
    is_active: Callable[[Fields], bool]
    words: tuple[str, ...]


def _above(least: int, *names: str) -> Callable[[Fields], bool]:
    def test(fields: Fields) -> bool:
        return any(isinstance(value := fields.get(name), int) and value > least for name in names)

    return test


def _has_other_layout(fields: Fields) -> bool:
    return any(fields.get(name, "contiguous") != "contiguous" for name in OPERAND_LAYOUTS)


TOPICS = (
    Topic("stride", _above(1, "stride_h", "stride_w"), ("stride", "phase", "remainder", "output size", "output_size")),
    Topic("padding", _above(0, "padding_h", "padding_w"), ("pad", "'same'", "border", "edge")),
    Topic("dilation", _above(1, "dilation_h", "dilation_w"), ("dilat",)),
    Topic("groups", _above(1, "groups"), ("group", "depthwise", "channel")),
    Topic("bias", lambda fields: bool(fields.get("bias")), ("bias",)),
    Topic("batch", _above(1, "batch"), ("batch", "image")),
    Topic(
        "rectangular kernels",
        lambda f: f.get("kernel_h") != f.get("kernel_w"),
        ("kernel", "filter", "axes", "reduction"),
    ),
    Topic(
        "dtype",
        lambda fields: fields.get("dtype", "float32") != "float32",
        ("float", "int", "dtype", "precision", "half", "complex", "round", "accumulat", "subnormal", "overflow"),
    ),
    Topic(
        "memory layout",
        _has_other_layout,
        ("layout", "strides", "contiguous", "memory", "order", "last", "transposed", "address", "aligned"),
    ),
)
"""Parameters that may be cleared."""


def cleared_topics(failing: Sequence[Sample], passing: Sequence[Sample], causes: Sequence[Cause]) -> dict[str, int]:
    """Return the parameters that are not the cause of any failure, with the number of passing samples that use each.

    A parameter is cleared if no cause refers to it, if each cause has a failing sample in which it is not active, if
    some failing sample has it active, and if such samples do not fail more often than others.

    Parameters
    ----------
    failing, passing : sequences of Sample
        Samples; those of invalid calls say nothing about a parameter.
    causes : sequence of Cause
        Causes of the failures. Nothing is cleared if a failing sample has no cause.
    """
    explained = {id(sample) for cause in causes for sample in cause.samples}
    if not failing or any(id(sample) not in explained for sample in failing):
        return {}
    failing, passing = ([s for s in samples if s.is_answer_allowed] for samples in (failing, passing))
    counts = {topic.name: _passed(topic, failing, passing, causes) for topic in TOPICS}
    return {name: count for name, count in counts.items() if count}


def _passed(topic: Topic, failing: Sequence[Sample], passing: Sequence[Sample], causes: Sequence[Cause]) -> int:
    """Return the number of passing samples in which a parameter is active; 0 if it may be a cause."""
    if any(_refers(cause, topic) or _needs(cause, topic) for cause in causes):
        return 0
    failed = sum(topic.is_active(sample.fields) for sample in failing)
    passed = sum(topic.is_active(sample.fields) for sample in passing)
    others, all_others = len(failing) - failed, len(failing) + len(passing) - failed - passed
    if passed < MIN_PASSED or not failed or not others or failed * all_others > MAX_RATIO * others * (failed + passed):
        return 0
    return passed


def _refers(cause: Cause, topic: Topic) -> bool:
    text = f"{cause.sentence} {cause.region} {cause.expression} {cause.mechanism} {cause.kind}".lower()
    return any(word in text for word in topic.words)


def _needs(cause: Cause, topic: Topic) -> bool:
    """Return True if a parameter is active in each sample of a cause.

    It suffices that it is active in one if nothing states where the cause acts. A cause of invalid calls needs none.
    """
    active = [topic.is_active(sample.fields) for sample in cause.samples if sample.is_answer_allowed]
    return bool(active) and (all(active) if cause.mechanism or cause.region else any(active))
