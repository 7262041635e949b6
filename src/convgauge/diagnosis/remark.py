"""Remark on the whole of an implementation's failures: it fails in every case, always raises, or fails at random."""

from __future__ import annotations

from collections.abc import Sequence

from convgauge.diagnosis.cause import Cause
from convgauge.diagnosis.sample import Sample

MIN_CALLS = 10
"""Valid calls of which a remark says "every"."""


def remark(failing: Sequence[Sample], passing: Sequence[Sample], causes: Sequence[Cause]) -> str:
    """Return a sentence on all failures, or "" if the causes say it all.

    Parameters
    ----------
    failing, passing : sequences of Sample
        Judged calls of one implementation.
    causes : sequence of Cause
        Causes that were found.
    """
    valid = [sample for sample in failing if sample.is_answer_allowed]
    if _contradicts_itself(valid, passing):
        return "of equal calls, some pass and others fail: at random, or by what was called before"
    if len(valid) < MIN_CALLS or any(sample.is_answer_allowed for sample in passing):
        return ""
    if all(sample.observation.kind == "raised" for sample in valid):
        names = sorted({sample.observation.error[0] for sample in valid if sample.observation.error})
        return f"all of {len(valid)} valid calls raise {' or '.join(names[:3])}: call it once by hand first"
    if any(cause.mechanism for cause in causes):
        return ""
    return f"all of {len(valid)} valid calls fail, so that nothing sets one cause apart from another"


def _contradicts_itself(failing: Sequence[Sample], passing: Sequence[Sample]) -> bool:
    """Return True if equal calls of one spec failed and passed, whatever was called before."""
    wrong = {(sample.spec, sample.case) for sample in failing if sample.is_plain and not sample.history}
    right = {(sample.spec, sample.case) for sample in passing if sample.is_plain}
    repeated = wrong & right
    return bool(
        {_content(sample) for sample in failing if (sample.spec, sample.case) in repeated}
        & {_content(sample) for sample in passing if (sample.spec, sample.case) in repeated}
    )


def _content(sample: Sample) -> tuple[str, str, bytes, bytes]:
    """Return what makes a call equal to another one: a spec may change the operands of a case."""
    return sample.spec, sample.case, sample.call.input.tobytes(), sample.call.weight.tobytes()
