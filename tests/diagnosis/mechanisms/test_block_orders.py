"""Family of orders with a block's size: the size is found on failing samples."""

from __future__ import annotations

from functools import cache

import pytest

from convgauge.diagnosis.mechanisms.block_orders import BlockOrder, channels_in_blocks, order_of
from convgauge.diagnosis.sample import Sample
from support.mutant_samples import fitting, observe, planted

ORDERS = [
    BlockOrder("bias", "divided", 2),
    BlockOrder("bias", "modulo", 3),
    BlockOrder("bias", "limited", 4),
    BlockOrder("bias", "swapped", 2),
    BlockOrder("output", "swapped", 2),
    BlockOrder("output", "reversed", 3),
    BlockOrder("sums", "divided", 2),
    BlockOrder("sums", "rolled", 2),
    BlockOrder("sums", "interleaved", 2),
    BlockOrder("input", "swapped", 2),
    BlockOrder("input", "reversed", 4),
]


@cache
def _right() -> list[Sample]:
    return observe("padding_skipped")


@pytest.mark.parametrize("order", ORDERS, ids=lambda order: order.mechanism().slug)
def test_a_planted_order_is_proposed(order: BlockOrder) -> None:
    samples = planted(order.mechanism(), _right())
    assert order.mechanism().slug in fitting(samples, channels_in_blocks(samples))


@pytest.mark.parametrize("name", ["power_of_two_flipped", "groups_interleaved", "bias_for_two_images"])
def test_nothing_is_proposed_that_explains_another_fault(name: str) -> None:
    samples = observe(name)
    assert not fitting(samples, channels_in_blocks(samples))


def test_the_orders_of_six_channels() -> None:
    orders = {form: order_of(form, 2, 6) for form in ("divided", "modulo", "limited", "swapped", "reversed", "rolled")}
    assert {form: order.tolist() for form, order in orders.items() if order is not None} == {
        "divided": [0, 0, 1, 1, 2, 2],
        "modulo": [0, 1, 0, 1, 0, 1],
        "limited": [0, 1, 1, 1, 1, 1],
        "swapped": [2, 3, 0, 1, 4, 5],
        "reversed": [1, 0, 3, 2, 5, 4],
        "rolled": [2, 3, 4, 5, 0, 1],
    }
    interleaved = order_of("interleaved", 2, 6)
    assert interleaved is not None
    assert interleaved.tolist() == [0, 3, 1, 4, 2, 5]
    assert order_of("interleaved", 4, 6) is None
