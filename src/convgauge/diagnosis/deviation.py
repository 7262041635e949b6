"""Deviation: the kind of what is wrong with the outputs of failing samples that no mechanism explains."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from convgauge.diagnosis.deviation_values import value_words
from convgauge.diagnosis.plan import NoOutputError
from convgauge.diagnosis.sample import Sample
from convgauge.diagnosis.shape_faults import differences_of_shapes
from convgauge.diagnosis.wrong_outputs import WrongOutputs
from convgauge.diagnosis.wrong_places import place_words
from convgauge.text import listed

MAX_SAMPLES = 40
"""Failing samples that are looked at, the smallest first: a statement holds for the rest as well, or is too special."""

_KINDS = {
    "raised": "an exception instead of an output",
    "crashed": "the end of the process",
    "timed_out": "no output in time",
    "dtype": "another dtype than expected",
    "type": "something else than an array",
    "gradient": "a wrong gradient",
    "unstable": "other bits in each call",
    "aliased": "an output that shares memory",
    "side_effect": "a changed operand",
    "irreproducible": "other bits where equal ones are declared",
    "relation": "outputs that contradict each other",
}

_DROPPED = "of one element is dropped from the output"


def describe_deviation(samples: Sequence[Sample]) -> str:
    """Return what is wrong in all of some failing samples: "the outputs of the last column are 0".

    Parameters
    ----------
    samples : sequence of Sample
        Failing samples.

    Returns
    -------
    str
        A sentence that holds for every sample; "" if there is no sample.
    """
    samples = sorted(samples, key=lambda sample: sample.problem.flops)
    kinds = list(dict.fromkeys(_kind(sample) for sample in samples))
    if kinds == ["shape"]:
        return _shape_words(samples[:MAX_SAMPLES])
    if kinds == ["relation"]:
        return f"the outputs break {listed(sorted({sample.spec for sample in samples}))}"
    if kinds != ["values"]:
        return " or ".join({"shape": "a wrong shape", "values": "wrong outputs", **_KINDS}[kind] for kind in kinds)
    wrong = [each for sample in samples[:MAX_SAMPLES] if (each := _wrong_outputs(sample)) is not None]
    if not wrong:
        return "outputs are wrong"
    return f"{place_words(wrong)} {value_words(wrong)}"


def _kind(sample: Sample) -> str:
    """Return the kind of what is wrong: "values", "shape" or one of `_KINDS`."""
    fault, observation = sample.fault, sample.observation
    if fault is not None and fault.kind in _KINDS:
        return fault.kind
    if observation.output is None:
        return observation.kind if observation.kind in _KINDS else "type"
    return "values" if observation.shape == sample.problem.output_shape else "shape"


def _wrong_outputs(sample: Sample) -> WrongOutputs | None:
    """Return the outputs of a sample with those that are wrong; None if they are not those of one plain call."""
    output = sample.observation.output
    if output is None or not sample.is_plain:
        return None
    try:
        expected = sample.expected
    except NoOutputError:
        return None
    mask = sample.fault.mask if sample.fault is not None else None
    if mask is None or mask.shape != output.shape:
        with np.errstate(invalid="ignore", over="ignore"):
            mask = ~(np.abs(output - expected) <= sample.tolerance)
        mask &= ~((output == expected) | (np.isnan(output) & np.isnan(expected)))
    return WrongOutputs(output, expected, mask, sample.problem, sample.tolerance) if mask.any() else None


def _shape_words(samples: Sequence[Sample]) -> str:
    """Return by how much the shapes of all outputs are wrong."""
    shapes = [(sample.observation.shape, sample.problem.output_shape) for sample in samples]
    statements = [differences_of_shapes(*pair) for pair in shapes]
    shared = [words for slug, words in statements[0].items() if all(slug in other for other in statements)]
    if sum(words.endswith(_DROPPED) for words in shared) > 1:
        return f"an axis {_DROPPED}"  # several axes have one element in each sample
    return shared[0] if shared else "the output's shape is wrong"
