"""Tests of operands whose images are billions of elements apart: their values, offsets and use of memory."""

from __future__ import annotations

import mmap
import resource
import sys

import numpy as np
import pytest

from convgauge.registry import is_installed
from convgauge.worker.distant import DISTANCE, reserve
from convgauge.worker.frameworks import framework

pytestmark = pytest.mark.skipif(not sys.platform.startswith("linux"), reason="memory is reserved on Linux alone")


@pytest.mark.isa
@pytest.mark.parametrize("name", [name for name in ("numpy", "torch") if is_installed(name)])
@pytest.mark.parametrize("shape", [(2, 3, 4, 5), (1, 3, 4, 5), (5, 1, 1, 1), (7,)])
def test_an_operand_holds_its_values_and_takes_little_memory(name: str, shape: tuple[int, ...]) -> None:
    values = np.arange(1, 1 + np.prod(shape), dtype=np.float32).reshape(shape)
    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    array_framework = framework(name)
    operand, memory = array_framework.make(values, "float32", "cpu", "distant")
    assert np.array_equal(array_framework.read(operand)[0], values)
    assert len(array_framework.bytes_of(array_framework.memory_view(memory))) == values.nbytes
    low, high = array_framework.address_range(operand)
    assert high - low > 4 * DISTANCE
    assert resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before < 300 << 10  # KiB, with the import of torch


def test_offsets_in_32_bits_are_those_of_reserved_memory() -> None:
    for count in (2, 3, 4, 5, 16):
        reserved = reserve((count, 2, 3, 4), 4)
        for number in range(count):
            offset = reserved.start + ((number * reserved.strides[0] + (1 << 31)) % (1 << 32) - (1 << 31))
            assert 0 <= offset <= len(reserved.memory) // 4 - 24
        last = (count - 1) * reserved.strides[0]
        assert last >= DISTANCE
        assert last % (1 << 32) > 0


@pytest.mark.parametrize("shape", [(1, 1, 1, 1), (), (2, 0, 3, 3)])
def test_operands_of_one_element_are_not_made(shape: tuple[int, ...]) -> None:
    with pytest.raises(KeyError):
        reserve(shape, 4)


def test_a_system_without_so_much_address_space_makes_none(monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(*_: object, **__: object) -> None:
        raise OSError("Cannot allocate memory")

    monkeypatch.setattr(mmap, "mmap", refuse)
    with pytest.raises(KeyError):
        reserve((2, 3), 4)
