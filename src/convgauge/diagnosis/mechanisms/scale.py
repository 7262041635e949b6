"""Mechanisms that multiply the sums or the output, add a constant, or normalise; the constants are read off."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator, Sequence
from dataclasses import replace
from typing import Literal

import numpy as np

from convgauge.diagnosis.kinds import MechanismKind
from convgauge.diagnosis.mechanism import Mechanism, family
from convgauge.diagnosis.plan import Plan
from convgauge.diagnosis.sample import Sample
from convgauge.diagnosis.witnesses import that_fit, witnesses
from convgauge.dtypes import round_to
from convgauge.reference.operands import Array

Axes = tuple[int, ...]
Site = Literal["output", "sums", "weight"]
_KIND = MechanismKind.WRONG_SCALE

MAX_RELATIVE_ERROR = 2.0**-20
"""Relative error of a factor that is read off a float32 output, with a margin of 16 roundings."""

MAX_SIZE_ERROR = 0.02
"""Relative error of a factor that is read off outputs with few digits, or with a bias."""

_SIZES: dict[str, tuple[str, Callable[[Plan], float]]] = {
    "products": ("the number of products", lambda plan: plan.reduction),
    "taps": ("the number of taps of the kernel", lambda plan: math.prod(plan.weight.shape[2:])),
    "kernel_rows": ("the rows of the kernel", lambda plan: plan.weight.shape[2]),
    "kernel_columns": ("the columns of the kernel", lambda plan: plan.weight.shape[3]),
    "group_channels": ("the input channels of a group", lambda plan: plan.weight.shape[1]),
    "channels": ("the number of input channels", lambda plan: plan.input.shape[1]),
    "filters": ("the number of output channels", lambda plan: plan.weight.shape[0]),
    "groups": ("the number of groups", lambda plan: plan.groups),
    "images": ("the number of images", lambda plan: plan.input.shape[0]),
    "stride": ("the product of the strides", lambda plan: math.prod(plan.stride)),
    "dilation": ("the product of the dilations", lambda plan: math.prod(plan.dilation)),
    "pixels": ("the number of pixels of the image", lambda plan: math.prod(plan.input.shape[2:])),
    "root_products": ("the root of the number of products", lambda plan: math.sqrt(plan.reduction)),
}
_SITES: dict[Site, str] = {"output": "output", "sums": "sums without the bias", "weight": "weight"}


def scaled(plan: Plan, site: Site, factor: float) -> Plan:
    """Return a plan with its output, sums or weight multiplied by a factor; a weight is rounded to its dtype."""
    if site == "output":
        return plan.finish(lambda output: output * factor)
    if site == "sums":
        return replace(plan, sum_finishes=(*plan.sum_finishes, lambda sums: sums * factor))
    wide = plan.weight.dtype
    return replace(plan, weight=round_to(plan.weight * factor, plan.dtype).astype(wide))


def _by_size(site: Site, size: str, *, divides: bool) -> Mechanism:
    words, number = _SIZES[size]

    def change(plan: Plan, sample: Sample) -> Plan | None:
        factor = number(plan)
        if factor in (0, 1) or (divides and plan.input.dtype.kind == "i"):
            return None
        return scaled(plan, site, 1 / factor if divides else factor)

    verb = "divided" if divides else "multiplied"
    cost = {"sums": 1.0, "output": 1.05, "weight": 1.1}[site]
    return Mechanism(f"{site}_{verb}_by_{size}", _KIND, f"{_SITES[site]}: {verb} by {words}", change, cost)


def _by_constant(site: Site, factor: float) -> Mechanism:
    def change(plan: Plan, sample: Sample) -> Plan | None:
        if plan.input.dtype.kind == "i" and factor != round(factor):
            return None
        return scaled(plan, site, factor)

    cost = 1.5 if site == "output" else 1.55  # a constant that is read off explains more by chance
    return Mechanism(f"{site}_times_{factor:.9g}", _KIND, f"{_SITES[site]}: multiplied by {factor:.9g}", change, cost)


def _offset(constant: float) -> Mechanism:
    def change(plan: Plan, sample: Sample) -> Plan:
        return plan.finish(lambda output: output + np.asarray(constant).astype(output.dtype))

    return Mechanism(
        f"output_plus_{constant:.9g}", _KIND, f"output: {constant:.9g} is added to every output", change, 1.2
    )


def short(value: float) -> float:
    """Return the shortest decimal number that a value read off outputs may stand for."""
    for digits in range(1, 10):
        shortened = float(f"{value:.{digits}g}")
        if abs(shortened - value) <= MAX_RELATIVE_ERROR * abs(value):
            return shortened
    return value


def factors(sample: Sample) -> Iterator[tuple[Site, float]]:
    """Yield the factors of the output, and of the sums, by which a failing output follows the right one."""
    output = np.asarray(sample.observation.output)
    if output.dtype.kind == "c":
        return
    sites: list[tuple[Site, Array]] = [("output", np.zeros(1))]
    if sample.plan.bias is not None:
        sites.append(("sums", sample.plan.bias[:, None, None]))
    for site, bias in sites:
        got, right = output.astype(np.float64) - bias, sample.expected.astype(np.float64) - bias
        usable = np.isfinite(got) & np.isfinite(right) & (right != 0)
        if usable.any():
            factor = short(float((got[usable] * right[usable]).sum() / np.square(right[usable]).sum()))
            if np.isfinite(factor) and factor not in (0.0, 1.0):
                yield site, factor


def offsets(sample: Sample) -> Iterator[float]:
    """Yield the constant that is added to every output, if there is one."""
    output = np.asarray(sample.observation.output)
    if output.dtype.kind == "c":
        return
    with np.errstate(all="ignore"):
        difference = output.astype(np.float64) - sample.expected.astype(np.float64)
    difference = difference[np.isfinite(difference)]
    if difference.size > 1 and difference.any():
        constant = float(np.median(difference))
        if np.abs(difference - constant).max() <= 0.25 * abs(constant):
            yield short(constant) if abs(constant - round(constant)) > 1e-3 else float(round(constant))


def _centred(values: Array, axes: Axes) -> Array:
    return np.asarray(values - values.mean(axis=axes, keepdims=True)) if values.size else values


def _over_largest(values: Array, axes: Axes) -> Array:
    return np.asarray(values / np.abs(values).max(axis=axes, keepdims=True))


def _standardised(values: Array, axes: Axes) -> Array:
    return np.asarray(_centred(values, axes) / values.std(axis=axes, keepdims=True)) if values.size else values


def _over_sum(values: Array, axes: Axes) -> Array:
    return np.asarray(values / values.sum(axis=axes, keepdims=True))


def _over_norm(values: Array, axes: Axes) -> Array:
    return np.asarray(values / np.sqrt(np.square(np.abs(values)).sum(axis=axes, keepdims=True)))


_NORMALISATIONS: dict[str, tuple[str, Callable[[Array, Axes], Array]]] = {
    "centred": ("the mean is subtracted", _centred),
    "over_largest": ("divided by the largest magnitude", _over_largest),
    "standardised": ("mean and standard deviation are normalised", _standardised),
    "over_sum": ("divided by the sum", _over_sum),
    "over_norm": ("divided by the norm", _over_norm),
}
_SCOPES: dict[str, tuple[dict[str, str], Axes]] = {
    "all": ({"output": "", "weight": ""}, (0, 1, 2, 3)),
    "each": ({"output": " of each image", "weight": " of each filter"}, (1, 2, 3)),
    "plane": ({"output": " of each plane", "weight": " of each plane"}, (2, 3)),
}


def _normalisation(operand: str, slug: str, scope: str) -> Mechanism:
    words, normalise = _NORMALISATIONS[slug]
    of, axes = _SCOPES[scope]

    def change(plan: Plan, sample: Sample) -> Plan | None:
        if plan.input.dtype.kind == "i":
            return None
        if operand == "output":
            return plan.finish(lambda output: normalise(output, axes))
        with np.errstate(all="ignore"):
            return replace(plan, weight=normalise(plan.weight, axes))

    return Mechanism(f"{operand}_{slug}_{scope}", _KIND, f"{operand}: {words}{of[operand]}", change, 1.1)


def _normalised() -> Iterator[Mechanism]:
    """Yield the normalisations of the output and of the weight."""
    for operand in ("output", "weight"):
        for slug in _NORMALISATIONS:
            yield from (_normalisation(operand, slug, scope) for scope in _SCOPES)


def _is_plausible(size: str, read: Sequence[tuple[Sample, list[tuple[Site, float]]]], *, divides: bool) -> bool:
    """Return True if a size, or one divided by it, is near a factor that was read off a sample."""
    number = _SIZES[size][1]
    for sample, of_sample in read:
        size_factor = number(sample.plan)
        expected = 1 / size_factor if divides and size_factor else size_factor
        if any(abs(factor - expected) <= MAX_SIZE_ERROR * abs(expected) for _, factor in of_sample):
            return True
    return not all(of_sample for _, of_sample in read)


@family
def scales(samples: Sequence[Sample]) -> Iterator[Mechanism]:
    """Yield the factors, constants and normalisations that predict a failing sample."""
    failing = witnesses(samples)
    sites: tuple[Site, ...] = ("sums", "output", "weight")
    with np.errstate(all="ignore"):
        read = [(sample, list(factors(sample))) for sample in failing]
        plausible = [(size, d) for size in _SIZES for d in (True, False) if _is_plausible(size, read, divides=d)]
        constants = {factor: None for _, of_sample in read for factor in of_sample}
        added = {constant: None for sample in failing for constant in offsets(sample)}
    yield from that_fit([_by_size(site, size, divides=d) for site in sites for size, d in plausible], failing)
    yield from that_fit([_by_constant(site, factor) for site, factor in constants], failing)
    yield from that_fit([_offset(constant) for constant in added], failing)
    yield from that_fit(_normalised(), failing)
