"""Operands at protected pages: their values, their place in memory, and the place of a fault beside them."""

from __future__ import annotations

import mmap

import numpy as np
import pytest

from convgauge.registry import is_installed
from convgauge.worker.frameworks import framework
from convgauge.worker.guarded_memory import (
    BEGINS_AT_GUARD,
    ENDS_AT_GUARD,
    GUARDED_LAYOUTS,
    guarded,
    why_unavailable,
)
from convgauge.worker.memory_faults import place_of

pytestmark = pytest.mark.skipif(bool(why_unavailable()), reason=why_unavailable() or "pages can be protected")

FRAMEWORKS = [name for name in ("numpy", "torch") if is_installed(name)]


@pytest.mark.isa
@pytest.mark.parametrize("name", FRAMEWORKS)
@pytest.mark.parametrize("layout", GUARDED_LAYOUTS)
def test_an_operand_lies_directly_at_a_page(name: str, layout: str) -> None:
    array_framework = framework(name)
    for dtype in ("float16", "float32", "float64"):
        for shape in ((2, 3, 1, 7), (1, 2, 33, 65), (3,), (0, 2, 3, 3)):
            values = np.arange(np.prod(shape), dtype=dtype).reshape(shape)
            operand, memory = array_framework.make(values, dtype, "cpu", layout)
            np.testing.assert_array_equal(array_framework.read(operand)[0], values)
            low, high = array_framework.address_range(operand)
            outer = array_framework.address_range(memory)
            assert outer[0] % mmap.PAGESIZE == outer[1] % mmap.PAGESIZE == 0
            if values.size:
                assert high - low == values.nbytes
                assert (high == outer[1]) if layout == ENDS_AT_GUARD else (low == outer[0])


@pytest.mark.skipif(not is_installed("torch"), reason="torch is not installed")
def test_bfloat16_of_torch_ends_at_a_page() -> None:
    array_framework = framework("torch")
    values = np.array([1.0, -2.5, 3.0], np.float32)
    operand, memory = array_framework.make(values, "bfloat16", "cpu", ENDS_AT_GUARD)
    copy, dtype = array_framework.read(operand)
    np.testing.assert_array_equal(copy, values)
    assert (dtype, operand.data_ptr() + 6) == ("bfloat16", array_framework.address_range(memory)[1])


def test_memory_around_an_operand_is_no_number() -> None:
    content, memory = guarded(ENDS_AT_GUARD, 12)
    content[:] = 0
    assert np.isnan(memory[:-12].view(np.float16)).all()
    with pytest.raises(KeyError):
        guarded("contiguous", 12)


def test_the_place_of_a_fault_is_named_by_the_operand_beside_it() -> None:
    ranges = {"input": (0x10000, 0x11000), "weight": (0x50000, 0x52000)}
    assert place_of(0x11000, ranges, 0x1000) == "memory right after the end of the input"
    assert place_of(0x52010, ranges, 0x1000) == "memory 16 bytes after the end of the weight"
    assert place_of(0xFFFC, ranges, 0x1000) == "memory 4 bytes before the start of the input"
    assert place_of(0x12000, ranges, 0x1000) == place_of(0, ranges, 0x1000) == ""


def test_layouts_at_pages_are_distinct_from_those_of_other_specs() -> None:
    for name in FRAMEWORKS:
        assert not {ENDS_AT_GUARD, BEGINS_AT_GUARD} & set(framework(name).layouts)
