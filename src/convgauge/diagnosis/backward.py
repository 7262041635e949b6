"""Backward pass of a convolution, as a kernel may read it: its gradients with changed operands or parameters."""

from __future__ import annotations

from dataclasses import dataclass, replace
from functools import cached_property
from typing import NamedTuple, Self

import numpy as np

from convgauge.diagnosis.plan import Pads
from convgauge.diagnosis.sample import Sample
from convgauge.problem import Pair
from convgauge.reference.operands import Array

PLAIN_MODES = (
    "gradient", "gradient_of_sum", "gradient_interleaved", "gradient_in_thread", "gradient_recomputed",
    "gradient_of_function", "gradient_modified", "gradient_autocast", "gradient_autocast_after_evaluation",
)  # fmt: skip
"""Call modes whose extra outputs are the gradients by the operands of the call."""
NEGATED_MODES = ("gradient_after_update", "gradient_autocast_after_update")
"""Call modes that negate the weight before the call whose gradients are taken."""
FIRST_ORDER_MODES = (*PLAIN_MODES, *NEGATED_MODES, "gradient_retained", "gradient_hooked", "two_graphs")
"""Call modes whose extra outputs are gradients by the operands."""
GRADIENT_MODES = (
    *FIRST_ORDER_MODES, "gradient_accumulated", "gradient_shared", "gradient_in_place", "second_gradient",
)  # fmt: skip
"""Call modes that take gradients."""


class Gradients(NamedTuple):
    """Gradients by input, weight and bias; None for one that is not observed."""

    input: Array | None
    weight: Array | None
    bias: Array | None


@dataclass(frozen=True, eq=False)
class Backward:
    """Everything that determines the gradients of <output, upstream>.

    Attributes
    ----------
    input, weight : numpy.ndarray
        Operands in float64, or conjugated in complex128.
    upstream : numpy.ndarray
        Gradient of the output (N, O, OH, OW).
    stride, dilation : tuple of int
        Steps along height and width.
    pads : tuple of tuple of int
        ((above, below), (left, right)).
    groups : int
        Number of groups.
    """

    input: Array
    weight: Array
    upstream: Array
    stride: Pair
    pads: Pads
    dilation: Pair
    groups: int

    @classmethod
    def of(cls, sample: Sample) -> Self:
        """Return the right backward pass of a call that takes gradients.

        A gradient by the input does not depend on the input, nor one by the weight on the weight: it is zero here.
        """
        problem, call = sample.problem, sample.call
        wide = "complex128" if call.input.dtype.kind == "c" else "float64"
        input, weight, upstream = call.input, call.weight, call.extra_operand
        if problem.direction == "grad_input":
            input, upstream = np.zeros(problem.output_shape), call.input
        elif problem.direction == "grad_weight":
            weight, upstream = np.zeros(problem.output_shape), call.weight
        elif upstream is None or call.mode == "gradient_of_sum":
            upstream = np.ones(problem.output_shape)
        return cls(
            input.conj().astype(wide), weight.conj().astype(wide), upstream.astype(wide), problem.stride,
            problem.pads, problem.dilation, problem.groups,
        )  # fmt: skip

    @cached_property
    def gradients(self) -> Gradients:
        """Gradients by input, weight and bias."""
        by_input, by_weight = np.zeros_like(self._padded), np.zeros_like(self.weight)
        batch, outputs = self.upstream.shape[:2]
        (oh, ow), per_group = self.upstream.shape[2:], self.weight.shape[1]
        split: Array = self.upstream.reshape(batch, self.groups, outputs // self.groups, oh * ow)
        upstream = split.transpose(1, 2, 0, 3).reshape(self.groups, outputs // self.groups, -1)
        filters = self.weight.reshape(self.groups, -1, *self.weight.shape[1:])
        for i, j in np.ndindex(*self.weight.shape[2:]):
            window = self._window(i, j)
            split = self._padded[window].reshape(batch, self.groups, per_group, oh * ow)
            fields = split.transpose(1, 2, 0, 3).reshape(self.groups, per_group, -1)
            by_weight[:, :, i, j] = (upstream @ fields.transpose(0, 2, 1)).reshape(outputs, per_group)
            given = (filters[..., i, j].transpose(0, 2, 1) @ upstream).reshape(self.groups, per_group, batch, oh, ow)
            by_input[window] += given.transpose(2, 0, 1, 3, 4).reshape(batch, -1, oh, ow)
        (top, _), (left, _) = self.pads
        height, width = self.input.shape[2:]
        return Gradients(
            by_input[:, :, top : top + height, left : left + width], by_weight, self.upstream.sum(axis=(0, 2, 3))
        )

    @cached_property
    def _padded(self) -> Array:
        """Padded input, with zeros as far as the last window reaches."""
        ((top, bottom), (left, right)), sizes = self.pads, self.input.shape[2:]
        reach = [
            s * (n - 1) + d * (k - 1) + 1
            for s, n, d, k in zip(
                self.stride, self.upstream.shape[2:], self.dilation, self.weight.shape[2:], strict=True
            )
        ]
        more = [max(0, r - n - sum(side)) for r, n, side in zip(reach, sizes, self.pads, strict=True)]
        return np.pad(self.input, ((0, 0), (0, 0), (top, bottom + more[0]), (left, right + more[1])))

    def _window(self, i: int, j: int) -> tuple[slice, ...]:
        starts = (i * self.dilation[0], j * self.dilation[1])
        spatial = [
            slice(start, start + step * (count - 1) + 1, step)
            for start, step, count in zip(starts, self.stride, self.upstream.shape[2:], strict=True)
        ]
        return (slice(None), slice(None), *spatial)

    def changed(self, **fields: object) -> Gradients:
        """Return the gradients with changed fields."""
        return replace(self, **fields).gradients  # type: ignore[arg-type]  # the names are those of the fields


@dataclass(frozen=True, eq=False)
class GradientCase:
    """A judged call that takes first derivatives."""

    sample: Sample

    @staticmethod
    def has(sample: Sample) -> bool:
        """Return True if the gradients of a sample's call can be predicted."""
        if sample.is_gradient:
            return sample.observation.output is not None and sample.is_plain
        return sample.call.mode in FIRST_ORDER_MODES and bool(sample.observation.extra_outputs)

    @property
    def computed(self) -> str:
        """Operand by which the implementation computes the gradient; "" if autograd takes those by all operands."""
        return {"grad_input": "input", "grad_weight": "weight"}.get(self.sample.problem.direction, "")

    @cached_property
    def passes(self) -> tuple[tuple[Backward, Gradients], ...]:
        """Each right backward pass of the call, with the gradients that were observed."""
        if self.sample.is_gradient:
            result = Gradients(None, None, None)._replace(**{self.computed: self.sample.observation.output})
            return ((Backward.of(self.sample), result),)
        got = [*self.sample.observation.extra_outputs, *[None] * 4]
        first, mode = Backward.of(self.sample), self.sample.call.mode
        if mode == "gradient_retained":
            again = replace(first, upstream=-2 * first.upstream)
            return (first, Gradients(*got[:3])), (again, Gradients(*got[3:6]))
        if mode in NEGATED_MODES:
            first = replace(first, weight=-first.weight)
        elif mode == "gradient_hooked":
            first = replace(first, upstream=-2 * first.upstream)
        if mode != "two_graphs":
            return ((first, Gradients(*got[:3])),)
        second = replace(first, input=-first.input[..., ::-1, ::-1], weight=-first.weight[..., ::-1, ::-1])
        return (first, Gradients(got[0], got[1], None)), (second, Gradients(got[2], got[3], None))
