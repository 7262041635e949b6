"""Mechanisms that take a shortcut for operands of special values or structure, or assume a structure."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import replace

import numpy as np

from convgauge.diagnosis.kinds import MechanismKind
from convgauge.diagnosis.mechanism import Mechanism, family
from convgauge.diagnosis.plan import Plan
from convgauge.diagnosis.sample import Sample
from convgauge.diagnosis.witnesses import that_fit, witnesses
from convgauge.dtypes import round_to
from convgauge.reference.operands import Array

_KIND = MechanismKind.STRUCTURE_ASSUMED
_FILTER, _PLANE = (1, 2, 3), (2, 3)


def _mirrored(weight: Array, axis: int) -> Array:
    """Return the weight with its second half replaced by the mirror image of its first."""
    count = weight.shape[axis]
    order = np.minimum(np.arange(count), count - 1 - np.arange(count))
    return np.asarray(np.take(weight, order, axis=axis))


def _rank_one(weight: Array) -> Array:
    u, s, v = np.linalg.svd(weight)
    return np.asarray(u[..., :1] * s[..., None, :1] * v[..., :1, :])


def _outer_product(weight: Array) -> Array:
    """Return the product of each kernel's first column and first row, divided by their common element."""
    corner = weight[..., :1, :1]
    return np.asarray(weight[..., :, :1] * weight[..., :1, :] / np.where(corner == 0, 1, corner))


def _middle_doubled(weight: Array) -> Array:
    changed = weight.copy()
    changed[..., weight.shape[3] // 2] *= 2
    return changed


def _without_zero_sums(array: Array, axes: tuple[int, ...]) -> Array:
    return np.asarray(array * (array.sum(axis=axes, keepdims=True) != 0))


def _sparse(weight: Array) -> Array:
    """Return the weight with the two smaller ones of each four consecutive elements set to zero."""
    flat = weight.reshape(-1).copy()
    whole = flat[: flat.size // 4 * 4].reshape(-1, 4)
    order = np.argsort(np.abs(whole), axis=1, kind="stable")
    np.put_along_axis(whole, order[:, :2], 0, axis=1)
    return flat.reshape(weight.shape)


_ASSUMED: dict[str, tuple[str, Callable[[Array], Array]]] = {
    "rank_one": ("each kernel is replaced by the nearest one of rank one", _rank_one),
    "outer_product": ("each kernel is treated as the product of its first column and row", _outer_product),
    "mirrored_columns": ("the right half is treated as the mirror image of the left", lambda w: _mirrored(w, 3)),
    "mirrored_rows": ("the lower half is treated as the mirror image of the upper", lambda w: _mirrored(w, 2)),
    "averaged_with_mirror": ("it is averaged with its mirror image", lambda w: (w + w[..., ::-1]) / 2),
    "first_element": ("each kernel is treated as constant, with its first element", lambda w: w * 0 + w[..., :1, :1]),
    "mean": ("each kernel is replaced by its mean", lambda w: w * 0 + w.mean(axis=_PLANE, keepdims=True)),
    "signs": ("its elements are replaced by their signs", np.sign),
    "scaled_signs": (
        "its elements are replaced by their signs times the mean magnitude of the filter",
        lambda w: np.sign(w) * np.abs(w).mean(axis=_FILTER, keepdims=True),
    ),
    "zero_sum_kernels_dropped": ("kernels with the sum zero are dropped", lambda w: _without_zero_sums(w, _PLANE)),
    "zero_sum_filters_dropped": ("filters with the sum zero are dropped", lambda w: _without_zero_sums(w, _FILTER)),
    "middle_column_doubled": ("the middle column of each kernel counts twice", _middle_doubled),
    "first_channel_for_all": ("the first channel's kernel is used for all", lambda w: w * 0 + w[:, :1]),
    "first_filter_for_all": ("the first filter is used for all", lambda w: w * 0 + w[:1]),
    "sparse_2_of_4": ("of each four elements, the two smaller ones are dropped", _sparse),
}


def _is_symmetric(weight: Array, changed: Array) -> bool:
    return np.array_equal(weight, weight[..., ::-1])


def _is_nearly_equal(weight: Array, changed: Array) -> bool:
    return bool(np.abs(weight - changed).max() <= 2.0**-6 * np.abs(weight).max())


_CONDITIONS: dict[str, tuple[str, Callable[[Array, Array], bool], float]] = {
    "": ("", lambda weight, changed: True, 1.2),
    "_if_symmetric": (", if it is symmetric", _is_symmetric, 1.1),
    "_if_nearly": (", if it is nearly so", _is_nearly_equal, 1.1),
}


def _of_weight(slug: str, condition: str) -> Mechanism:
    words, change = _ASSUMED[slug]
    end, holds, cost = _CONDITIONS[condition]

    def changed_weight(plan: Plan, sample: Sample) -> Plan | None:
        weight = plan.weight
        if not weight.size or not np.isfinite(weight).all():
            return None
        changed = np.asarray(change(weight))
        is_changed = not np.array_equal(changed, weight) and holds(weight, changed)
        return replace(plan, weight=_rounded(changed, plan)) if is_changed else None

    kind = MechanismKind.WRONG_SCALE if "doubled" in slug else _KIND
    return Mechanism(f"weight_{slug}{condition}", kind, f"weight: {words}{end}", changed_weight, cost)


def _rounded(values: Array, plan: Plan) -> Array:
    return round_to(values, plan.dtype).astype(plan.weight.dtype)


def _filters(plan: Plan, is_equal: Callable[[Array, Array], bool], take: Callable[[Array], Array]) -> Plan | None:
    """Return the plan in which a filter is replaced by an earlier one of its group that is treated as equal."""
    weight, per_group = plan.weight.copy(), plan.weight.shape[0] // plan.groups
    for number in range(len(weight)):
        for earlier in range(number // per_group * per_group, number):
            if is_equal(plan.weight[earlier], plan.weight[number]):
                weight[number] = take(weight[earlier])
    return None if np.array_equal(weight, plan.weight) else replace(plan, weight=weight)


def _equal_first_rows(plan: Plan, sample: Sample) -> Plan | None:
    return _filters(plan, lambda a, b: np.array_equal(a[:, 0], b[:, 0]), lambda w: w)


def _equal_sums(plan: Plan, sample: Sample) -> Plan | None:
    return _filters(plan, lambda a, b: bool(a.sum() == b.sum()), lambda w: w)


def _equal_first_elements(plan: Plan, sample: Sample) -> Plan | None:
    return _filters(plan, lambda a, b: a.size > 0 and bool(a.flat[0] == b.flat[0]), lambda w: w)


def _opposite_filters(plan: Plan, sample: Sample) -> Plan | None:
    """Return the plan in which a filter that equals the previous one up to signs is its negative."""
    weight = plan.weight.copy()
    for number in range(1, len(weight)):
        if weight[number].size and np.array_equal(np.abs(weight[number]), np.abs(weight[number - 1])):
            weight[number] = -weight[number - 1]
    return None if np.array_equal(weight, plan.weight) else replace(plan, weight=weight)


def _repeated_images(is_equal: Callable[[Array, Array], bool]) -> Callable[[Plan, Sample], Plan | None]:
    """Return the change that answers an image as the previous one, if it is treated as equal to it."""

    def change(plan: Plan, sample: Sample) -> Plan | None:
        images = plan.input
        repeats = [i for i in range(1, len(images)) if images[i].size and is_equal(images[i], images[i - 1])]
        if not repeats:
            return None

        def repeat(output: Array) -> Array:
            changed = output.copy()
            for image in repeats:
                changed[image] = changed[image - 1]
            return changed

        return plan.finish(repeat)

    return change


def _balanced_images(plan: Plan, sample: Sample) -> Plan | None:
    changed = _without_zero_sums(plan.input, (1, 2, 3))
    return None if np.array_equal(changed, plan.input) else replace(plan, input=changed)


def _balanced_planes(plan: Plan, sample: Sample) -> Plan | None:
    changed = _without_zero_sums(plan.input, _PLANE)
    return None if np.array_equal(changed, plan.input) else replace(plan, input=changed)


def _constant_image(plan: Plan, sample: Sample) -> Plan | None:
    """Return the plan that answers a constant image with its middle output everywhere."""
    values = plan.input
    if values.size < 2 or not (values == values.flat[0]).all():
        return None

    def middle(output: Array) -> Array:
        rows, columns = output.shape[2] // 2, output.shape[3] // 2
        return np.broadcast_to(output[:, :, rows, columns][:, :, None, None], output.shape)

    return plan.finish(middle)


def _blank(value: str, condition: Callable[[Plan], bool]) -> Callable[[Plan, Sample], Plan | None]:
    """Return the change that answers with zeros, or with the bias, if a condition holds."""

    def change(plan: Plan, sample: Sample) -> Plan | None:
        if not condition(plan):
            return None
        if value == "zero" or plan.bias is None:
            return plan.finish(np.zeros_like)
        bias = plan.bias[:, None, None]
        return plan.finish(lambda output: np.broadcast_to(bias, output.shape))

    return change


def _is_whole_input(plan: Plan) -> bool:
    return plan.input.dtype.kind == "f" and plan.input.size > 0 and np.array_equal(plan.input, np.rint(plan.input))


def _has_zero_bias(plan: Plan) -> bool:
    return plan.bias is not None and not plan.bias.any()


def _blank_images(plan: Plan, sample: Sample) -> Plan | None:
    """Return the plan that answers an image of zeros with the bias, whatever the weight holds."""
    is_blank = ~plan.input.any(axis=(1, 2, 3), keepdims=True)
    if not is_blank.any():
        return None
    bias = 0 if plan.bias is None else plan.bias[:, None, None]
    return plan.finish(lambda output: np.where(is_blank, bias, output))


def _all() -> Iterator[Mechanism]:
    yield from (_of_weight(slug, condition) for slug in _ASSUMED for condition in _CONDITIONS)
    filters = "weight: filters of a group are treated as equal if their"
    yield Mechanism("filters_equal_by_first_row", _KIND, f"{filters} first rows are equal", _equal_first_rows)
    yield Mechanism("filters_equal_by_sum", _KIND, f"{filters} sums are equal", _equal_sums, 1.1)
    yield Mechanism(
        "filters_equal_by_element", _KIND, f"{filters} first elements are equal", _equal_first_elements, 1.1
    )
    sentence = "weight: a filter that equals the previous one up to signs is treated as its negative"
    yield Mechanism("opposite_filters_confused", _KIND, sentence, _opposite_filters)
    for slug, words, is_equal in _IMAGE_TESTS:
        sentence = f"input: an image is treated as equal to the previous one if their {words} are equal"
        yield Mechanism(f"images_equal_by_{slug}", _KIND, sentence, _repeated_images(is_equal))
    sentence = "input: images with the sum zero are treated as blank"
    yield Mechanism("zero_sum_images_dropped", _KIND, sentence, _balanced_images)
    sentence = "input: channels of an image with the sum zero are treated as blank"
    yield Mechanism("zero_sum_planes_dropped", _KIND, sentence, _balanced_planes, 1.1)
    sentence = "input: a constant image is answered with its middle output, without the border"
    yield Mechanism("constant_image_without_border", _KIND, sentence, _constant_image)
    yield from _blanks()


_IMAGE_TESTS: tuple[tuple[str, str, Callable[[Array, Array], bool]], ...] = (
    ("top_row", "top rows", lambda a, b: np.array_equal(a[:, 0], b[:, 0])),
    ("first_column", "first columns", lambda a, b: np.array_equal(a[..., 0], b[..., 0])),
    ("sum", "sums", lambda a, b: bool(a.sum() == b.sum())),
    ("first_channel", "first channels", lambda a, b: np.array_equal(a[0], b[0])),
    ("first_element", "first elements", lambda a, b: bool(a.flat[0] == b.flat[0])),
)


def _blanks() -> Iterator[Mechanism]:
    """Yield the shortcuts for operands of zeros, and of whole numbers."""
    cases: tuple[tuple[str, str, Callable[[Plan], bool]], ...] = (
        ("input", "an input of zeros", lambda plan: not plan.input.any()),
        ("weight", "a weight of zeros", lambda plan: not plan.weight.any()),
        ("bias", "a bias of zeros", _has_zero_bias),
    )
    for operand, words, condition in cases:
        kind = MechanismKind.BIAS_DROPPED if operand == "input" else _KIND
        sentence = f"{operand}: {words} gives zeros, whatever the other operands hold"
        yield Mechanism(f"zeros_for_zero_{operand}", kind, sentence, _blank("zero", condition))
        sentence = f"{operand}: {words} gives the bias alone, whatever the other operands hold"
        yield Mechanism(f"bias_for_zero_{operand}", _KIND, sentence, _blank("bias", condition), 1.1)
    sentence = "input: an image of zeros gives the bias, whatever the weight holds"
    yield Mechanism("blank_images_skipped", _KIND, sentence, _blank_images)
    sentence = "input: whole numbers give zeros"
    yield Mechanism("zeros_for_whole_input", _KIND, sentence, _blank("zero", _is_whole_input), 1.2)


@family
def structures(samples: Sequence[Sample]) -> Iterator[Mechanism]:
    """Yield the shortcuts that predict a failing sample."""
    yield from that_fit(_all(), witnesses(samples))
