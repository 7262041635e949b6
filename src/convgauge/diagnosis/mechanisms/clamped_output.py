"""Family of clamps: outputs above or below a limit are replaced by it, as in a type that saturates."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from functools import partial

import numpy as np

from convgauge.diagnosis.kinds import MechanismKind
from convgauge.diagnosis.mechanism import Mechanism, family
from convgauge.diagnosis.plan import Plan
from convgauge.diagnosis.sample import Sample
from convgauge.diagnosis.trial import failing_calls, predicting


@family
def outputs_clamped(samples: Sequence[Sample]) -> Iterator[Mechanism]:
    """Yield the clamps to the largest and the smallest of all outputs of failing calls."""
    failing = [each for each in samples if each.fault is not None and each.is_plain and each.family == "exact"]
    outputs = [output for each in failing if (output := each.observation.output) is not None and output.size]
    real = [output for output in outputs if output.dtype.kind in "fiu" and np.isfinite(output).all()]
    if not real:
        return
    least, largest = (float(bound(map(bound_of, real))) for bound, bound_of in ((min, np.min), (max, np.max)))
    limits = ((None, largest), (least, None), (least, largest))
    yield from predicting((_clamped(*pair) for pair in limits), failing_calls(failing), len(limits))


def _clamped(least: float | None, largest: float | None) -> Mechanism:
    words = [f"above {largest:g}"] if largest is not None else []
    words += [f"below {least:g}"] if least is not None else []
    text = f"output: values {' or '.join(words)} are replaced by that limit"
    slug = "_".join(["output_clamped", *(f"{limit:g}" for limit in (least, largest) if limit is not None)])
    return Mechanism(slug, MechanismKind.NARROW_ACCUMULATOR, text, partial(_change, least, largest), 1.3)


def _change(least: float | None, largest: float | None, plan: Plan, sample: Sample) -> Plan | None:
    return None if plan.input.dtype.kind == "c" else plan.finish(lambda output: np.clip(output, least, largest))
