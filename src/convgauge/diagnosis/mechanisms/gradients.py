"""Mechanisms of wrong gradients: of the input, of the weight, of the bias, or of all of them."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence

import numpy as np

from convgauge.diagnosis.backward import Backward, GradientCase, Gradients
from convgauge.diagnosis.gradient_mechanism import (
    GradientMechanism,
    Predict,
    gradient_family,
    gradient_mechanism,
)
from convgauge.diagnosis.mechanisms.memory import strides_ignored
from convgauge.diagnosis.sample import Sample
from convgauge.reference.operands import Array

OPERANDS = ("input", "weight", "bias")
MAX_CASES = 24
"""Failing cases from which constant factors are read."""
MAX_RATIOS = 3
"""Constant factors that are tried for each operand."""


# --- parameters of the backward pass ---------------------------------------------------------------------------------

Fields = Callable[[Backward], Mapping[str, object]]

PARAMETERS: Mapping[str, tuple[str, Fields]] = {
    "stride_swapped": ("the strides of rows and columns are swapped", lambda b: {"stride": b.stride[::-1]}),
    "stride_ignored": ("the stride is ignored", lambda b: {"stride": (1, 1)}),
    "dilation_swapped": ("the dilations of rows and columns are swapped", lambda b: {"dilation": b.dilation[::-1]}),
    "dilation_ignored": ("the dilation is ignored", lambda b: {"dilation": (1, 1)}),
    "padding_swapped": ("the paddings of rows and columns are swapped", lambda b: {"pads": b.pads[::-1]}),
    "padding_ignored": ("the padding is ignored", lambda b: {"pads": ((0, 0), (0, 0))}),
    "padding_mirrored": ("the padding is on the other side", lambda b: {"pads": tuple(p[::-1] for p in b.pads)}),
}
"""Changes that concern the gradients of input and weight, with their sentences."""

UPSTREAM: Mapping[str, tuple[str, Fields]] = {
    "upstream_ignored": ("the upstream gradient is read as ones", lambda b: {"upstream": np.ones_like(b.upstream)}),
}
"""Changes that concern every gradient."""

OF_THE_INPUT: Mapping[str, tuple[str, Fields]] = {
    "kernel_flipped": ("the kernel is not flipped", lambda b: {"weight": b.weight[..., ::-1, ::-1]}),
    "kernel_rows_flipped": ("the kernel is not flipped along its rows", lambda b: {"weight": b.weight[..., ::-1, :]}),
    "kernel_columns_flipped": (
        "the kernel is not flipped along its columns",
        lambda b: {"weight": b.weight[..., ::-1]},
    ),
    "kernel_transposed": ("axes of the kernel are swapped", lambda b: {"weight": np.swapaxes(b.weight, 2, 3)}),
    "not_conjugated": ("the weight is not conjugated", lambda b: {"weight": b.weight.conj()}),
}
"""Changes that concern the gradient of the input alone."""

OF_THE_WEIGHT: Mapping[str, tuple[str, Fields]] = {
    "not_conjugated": ("the input is not conjugated", lambda b: {"input": b.input.conj()}),
}
"""Changes that concern the gradient of the weight alone."""

OF_BOTH: Mapping[str, tuple[str, Fields]] = {
    "not_conjugated": (
        "the operands are not conjugated",
        lambda b: {"input": b.input.conj(), "weight": b.weight.conj()},
    ),
}
"""Changes that concern the gradients of input and weight together."""


PARAMETERS_OF: Mapping[str, Mapping[str, tuple[str, Fields]]] = {
    "": {**PARAMETERS, **OF_BOTH},
    "input": {**PARAMETERS, **OF_THE_INPUT},
    "weight": {**PARAMETERS, **OF_THE_WEIGHT},
    "bias": {},
}
"""Changes by the operand whose gradient they concern; "" for all operands together."""


def _with(backward: Backward, gradients: Gradients, only: str) -> Gradients:
    """Return the right gradients, that of one operand from others; all from others if ``only`` is empty."""
    return backward.gradients._replace(**{only: getattr(gradients, only)}) if only else gradients


@gradient_family
def parameters_of_the_backward_pass(failing: Sequence[GradientCase]) -> Iterator[GradientMechanism]:
    """Yield a mechanism for each wrong parameter: of the gradient of one operand, or of all."""
    for only in ("", *OPERANDS):
        for slug, (sentence, change) in {**UPSTREAM, **PARAMETERS_OF[only]}.items():
            whose = f"gradient of the {only}" if only else "gradients"
            predict = _changing(change, only)
            yield GradientMechanism(f"gradient_{slug}{only and '_' + only}", f"{whose}: {sentence}", predict, 1.2, only)


def _changing(change: Fields, only: str) -> Predict:
    return lambda backward, sample: _with(backward, backward.changed(**change(backward)), only)


@gradient_mechanism("gradients: those of a kernel that is flipped along both axes")
def gradient_of_a_flipped_kernel(backward: Backward, sample: Sample) -> Gradients:
    """Flip the kernel before the backward pass, and so the gradient of the weight after it."""
    flipped = backward.changed(weight=backward.weight[..., ::-1, ::-1])
    weight = backward.gradients.weight
    return flipped._replace(weight=None if weight is None else weight[..., ::-1, ::-1])


@gradient_mechanism("gradients: the strides of the upstream gradient are ignored")
def upstream_layout_ignored(backward: Backward, sample: Sample) -> Gradients:
    """Read an upstream gradient as if it were contiguous, from its first element."""
    read = strides_ignored(backward.upstream, sample.call.extra_layout)
    return backward.gradients if read is None else backward.changed(upstream=read.values)


# --- changes of a right gradient -------------------------------------------------------------------------------------


@gradient_family
def changes_of_a_gradient(failing: Sequence[GradientCase]) -> Iterator[GradientMechanism]:
    """Yield a mechanism for each change of the gradient of one operand."""
    for only in OPERANDS:
        for slug, (sentence, change) in _changes(only).items():
            cost = 1.1 if only == "weight" and "shifted" in slug else 1.0  # two columns are shifted if mirrored
            predict = _finishing(change, only)
            text = f"gradient of the {only}: {sentence}"
            yield GradientMechanism(f"gradient_{slug}_{only}", text, predict, cost, only)


Change = Callable[[Array, Backward], Array]


def _finishing(change: Change, only: str) -> Predict:
    def predict(backward: Backward, sample: Sample) -> Gradients:
        return backward.gradients._replace(**{only: change(getattr(backward.gradients, only), backward)})

    return predict


def _positions(backward: Backward) -> int:
    return int(np.prod(backward.upstream.shape[2:]))


def _changes(only: str) -> dict[str, tuple[str, Change]]:
    """Return the changes that concern the gradient of an operand, with their sentences."""
    changes: dict[str, tuple[str, Change]] = {"zero": ("it is zero", lambda g, b: g * 0)}
    if only == "bias":
        return changes | _SCALED
    for axis, name in ((2, "row"), (3, "column")):
        for step, side in ((1, "next"), (-1, "previous")):
            changes[f"shifted_{side}_{name}"] = (f"shifted to the {side} {name}", _rolled(step, axis))
        changes[f"mirrored_{name}s"] = (f"mirrored along its {name}s", _flipped(axis))
    changes["rotated"] = ("rotated by half a turn", lambda g, b: g[..., ::-1, ::-1])
    changes["transposed"] = ("rows and columns are swapped", lambda g, b: np.swapaxes(g, 2, 3))
    axis = 1 if only == "input" else 0
    changes["next_group"] = ("of the previous group", lambda g, b: np.roll(g, g.shape[axis] // b.groups, axis))
    changes["previous_group"] = ("of the next group", lambda g, b: np.roll(g, -(g.shape[axis] // b.groups), axis))
    return changes | (_SCALED if only == "weight" else {})


def _rolled(step: int, axis: int) -> Change:
    return lambda g, b: np.roll(g, step, axis)


def _flipped(axis: int) -> Change:
    return lambda g, b: np.flip(g, axis)


_SCALED: dict[str, tuple[str, Change]] = {
    "mean_of_batch": ("averaged over the batch, not summed", lambda g, b: g / len(b.upstream)),
    "mean_of_positions": ("averaged over the output positions, not summed", lambda g, b: g / _positions(b)),
    "mean": ("averaged, not summed", lambda g, b: g / (len(b.upstream) * _positions(b))),
    "times_batch": ("multiplied by the batch size", lambda g, b: g * len(b.upstream)),
}


@gradient_family
def images_of_a_sum(failing: Sequence[GradientCase]) -> Iterator[GradientMechanism]:
    """Yield mechanisms by which the gradient of weight or bias is that of one image."""
    for only in ("weight", "bias"):
        for name, index in (("first", 0), ("last", -1)):
            text = f"gradient of the {only}: the {name} image's alone, not the sum over the batch"
            yield GradientMechanism(f"gradient_of_{name}_image_{only}", text, _of_image(index, only), only=only)


def _of_image(index: int, only: str) -> Predict:
    def predict(backward: Backward, sample: Sample) -> Gradients:
        part = slice(index, index + 1 or None)
        gradients = backward.changed(input=backward.input[part], upstream=backward.upstream[part])
        return _with(backward, gradients, only)

    return predict


# --- blocks ----------------------------------------------------------------------------------------------------------

BLOCKS = (2, 4, 8, 16, 32)
AXES_OF_THE_OUTPUT = ("images", "output channels", "output rows", "output columns")
AXES_OF: Mapping[str, tuple[str, ...]] = {
    "input": ("images", "input channels", "rows", "columns"),
    "weight": ("output channels", "input channels", "kernel rows", "kernel columns"),
}


@gradient_family
def whole_blocks(failing: Sequence[GradientCase]) -> Iterator[GradientMechanism]:
    """Yield mechanisms that drop what is left of an axis after whole blocks: of the sums, or of the gradient."""
    passes = [backward for case in failing for backward, _ in case.passes]
    for only, axes in AXES_OF.items():
        results = [getattr(backward, only) for backward in passes]
        for axis, name in enumerate(AXES_OF_THE_OUTPUT):
            for block in _blocks(axis, [backward.upstream for backward in passes]):
                text = f"gradient of the {only}: sums over whole blocks of {block} {name}, and drops those after them"
                predict = _changing(_upstream_of_blocks(block, axis), only)
                yield GradientMechanism(
                    f"gradient_drops_{name.split()[-1]}_of_{block}_{only}", text, predict, 1.6, only
                )
        for axis, name in enumerate(axes):
            for block in _blocks(axis, results):
                text = f"gradient of the {only}: zero in the {name} after whole blocks of {block}"
                predict = _finishing(_blocks_of_result(block, axis), only)
                slug = f"gradient_leaves_{name.replace(' ', '_')}_of_{block}_{only}"
                yield GradientMechanism(slug, text, predict, 1.7, only)


def _blocks(axis: int, arrays: Sequence[Array]) -> list[int]:
    """Return the sizes of blocks after which something is left in one of several arrays."""
    sizes = {array.shape[axis] for array in arrays}
    return [block for block in BLOCKS if any(size > block and size % block for size in sizes)]


def _upstream_of_blocks(block: int, axis: int) -> Fields:
    return lambda b: {"upstream": _whole(b.upstream, block, axis)}


def _blocks_of_result(block: int, axis: int) -> Change:
    return lambda g, b: _whole(g, block, axis)


def _whole(array: Array, block: int, axis: int) -> Array:
    """Return an array with zeros after whole blocks along an axis."""
    is_inside = np.arange(array.shape[axis]) < array.shape[axis] // block * block
    return np.where(is_inside.reshape([-1 if each == axis else 1 for each in range(array.ndim)]), array, 0)


# --- factors ---------------------------------------------------------------------------------------------------------


@gradient_family
def constant_factors(failing: Sequence[GradientCase]) -> Iterator[GradientMechanism]:
    """Yield a mechanism for each factor by which the gradient of an operand was multiplied."""
    factors: dict[str, list[float]] = {name: [] for name in OPERANDS}
    for case in failing[:MAX_CASES]:
        for backward, got in case.passes:
            for name in OPERANDS:
                factors[name] += _factor(getattr(got, name), getattr(backward.gradients, name))
    for name in OPERANDS:
        for factor in sorted(set(factors[name]), key=factors[name].count)[-MAX_RATIOS:]:
            text = f"gradient of the {name}: multiplied by {factor:g}"
            predict = _finishing(lambda g, b, factor=factor: g * factor, name)  # type: ignore[misc]  # the loop's value
            yield GradientMechanism(f"gradient_scaled_{name}", text, predict, 1.5, name)


def _factor(got: Array | None, right: Array | None) -> list[float]:
    """Return the factor between two gradients, if there is one other than 0 and 1."""
    if got is None or right is None or got.shape != right.shape or not right.any() or got.dtype.kind == "c":
        return []
    index = np.unravel_index(int(np.abs(right).argmax()), right.shape)
    factor = round(float(got[index] / right[index]), 4)
    is_factor = factor not in (0.0, 1.0) and np.allclose(got, right * factor, rtol=1e-4)
    return [factor] if is_factor else []
