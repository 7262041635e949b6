"""Ways to add the products of a convolution in a narrow type.

Each returns a function of filters (G, O / G, K) and receptive fields (N, G, K, P) that returns sums (N, G, O / G, P).
The products of one output are numbered channel by channel, and within a channel tap by tap.
"""

from __future__ import annotations

import numpy as np

from convgauge.diagnosis.plan import Adder, TooExpensiveError
from convgauge.diagnosis.rounding import Rounding
from convgauge.reference.operands import Array

MAX_ROUNDINGS = 120_000
"""Roundings of one simulated sum above which it is not computed: a mechanism is judged by smaller cases."""


def _outer(filters: Array, fields: Array, index: int) -> Array:
    """Return the products of one number for all outputs."""
    return np.asarray(filters[None, :, :, index, None] * fields[:, :, None, index])


def _check(filters: Array, fields: Array) -> None:
    if filters[0].size * fields.size > MAX_ROUNDINGS * max(1, fields.shape[2]):
        raise TooExpensiveError


def one_by_one(rounding: Rounding, *, rounds_products: bool, taps: int = 0, first: Array | None = None) -> Adder:
    """Return the sum that is rounded after each product.

    Parameters
    ----------
    rounding : callable
        Rounding of each partial sum.
    rounds_products : bool
        Round the products as well, before they are added; False for fused multiply-adds.
    taps : int
        Number of taps of the kernel, if the channels of one tap are added before those of the next; 0 for the order of
        the channels.
    first : numpy.ndarray, optional
        Value that the sum starts from, of shape (G, O / G, 1).
    """

    def add(filters: Array, fields: Array) -> Array:
        _check(filters, fields)
        count = filters.shape[-1]
        order = np.arange(count).reshape(-1, taps).T.ravel() if taps else np.arange(count)
        total = _start(filters, fields, first)
        for index in order:
            product = _outer(filters, fields, int(index))
            total = rounding(total + (rounding(product) if rounds_products else product))
        return total

    return add


def _start(filters: Array, fields: Array, first: Array | None) -> Array:
    shape = (*fields.shape[:2], filters.shape[1], fields.shape[3])
    return np.zeros(shape, fields.dtype) + (0 if first is None else first)


def by_blocks(rounding: Rounding, size: int, *, is_strided: bool = False) -> Adder:
    """Return the sum whose blocks of products are added exactly, rounded, and added with a rounding each.

    Parameters
    ----------
    rounding : callable
        Rounding of the sum of each block, and of each partial sum.
    size : int
        Products of one block: the taps of one channel if it is their number.
    is_strided : bool
        A block is every size-th product: one tap of all channels if it is the number of taps.
    """

    def add(filters: Array, fields: Array) -> Array:
        count = filters.shape[-1]
        blocks = [slice(i, None, size) for i in range(size)] if is_strided else _slices(count, size)
        parts = [rounding(np.asarray(filters[..., block] @ fields[:, :, block])) for block in blocks]
        total = parts[0] if parts else _start(filters, fields, None)
        for part in parts[1:]:
            total = rounding(total + part)
        return total

    return add


def _slices(count: int, size: int) -> list[slice]:
    return [slice(first, first + size) for first in range(0, count, size)]


def pairwise(rounding: Rounding, *, rounds_products: bool) -> Adder:
    """Return the sum by a binary tree, rounded at each of its nodes."""

    def add(filters: Array, fields: Array) -> Array:
        _check(filters, fields)
        products = [_outer(filters, fields, index) for index in range(filters.shape[-1])]
        level = [rounding(product) for product in products] if rounds_products else products
        while len(level) > 1:
            pairs = [rounding(a + b) for a, b in zip(level[::2], level[1::2], strict=False)]
            level = pairs + level[len(pairs) * 2 :]
        return level[0] if level else _start(filters, fields, None)

    return add


def of_rounded_products(rounding: Rounding) -> Adder:
    """Return the exact sum of rounded products."""

    def add(filters: Array, fields: Array) -> Array:
        _check(filters, fields)
        total = _start(filters, fields, None)
        for index in range(filters.shape[-1]):
            total = total + rounding(_outer(filters, fields, index))
        return total

    return add


def rounded_once(rounding: Rounding) -> Adder:
    """Return the exact sum, rounded."""
    return lambda filters, fields: rounding(np.asarray(filters @ fields))


def by_matrix_product(dtype: str) -> Adder:
    """Return the sum by this machine's matrix product in a floating-point dtype."""

    def add(filters: Array, fields: Array) -> Array:
        sums = filters.astype(dtype) @ fields.astype(dtype)
        return np.asarray(sums.astype(np.result_type(fields, np.float64)))

    return add


def skipping_zeros(*, weights: bool, inputs: bool) -> Adder:
    """Return the sum without the products of zero weights, of zero inputs, or of both, also if the other is NaN."""

    def add(filters: Array, fields: Array) -> Array:
        _check(filters, fields)
        total = _start(filters, fields, None)
        for index in range(filters.shape[-1]):
            is_zero = np.zeros(1, np.bool_)
            if weights:
                is_zero = is_zero | (filters[None, :, :, index, None] == 0)
            if inputs:
                is_zero = is_zero | (fields[:, :, None, index] == 0)
            total = total + np.where(is_zero, 0, _outer(filters, fields, index))
        return total

    return add


def skipping_zeros_unless_hit(filters: Array, fields: Array) -> Array:
    """Return the sum without zero weights for outputs in which no other weight meets NaN or infinity."""
    is_finite = np.isfinite(fields)
    hits = (filters != 0).astype(np.float64) @ (~is_finite).astype(np.float64)
    return np.where(hits > 0, filters @ fields, filters @ np.where(is_finite, fields, 0))
