"""Framework adapters: one file each, which the registry finds by its name."""

from __future__ import annotations

import numpy as np
import pytest

from convgauge.conformance.execution import repeated
from convgauge.registry import framework_names, is_installed
from convgauge.worker import layouts
from convgauge.worker.frameworks import adapter, framework
from convgauge.worker.frameworks.base import ADAPTERS

INSTALLED = [name for name in framework_names() if is_installed(name)]


def test_each_file_has_one_adapter_of_its_name() -> None:
    assert set(framework_names()) == set(ADAPTERS) >= {"numpy", "torch", "jax"}
    for name in framework_names():
        assert adapter(name).__module__ == f"convgauge.worker.frameworks.{name}"
        for layout in adapter(name).layouts:
            assert layout in layouts.CARVERS or f'"{layout}"' in str(layouts.__doc__), layout


@pytest.mark.parametrize("name", INSTALLED)
def test_every_layout_holds_the_values_that_it_was_made_with(name: str) -> None:
    values = np.arange(1, 121, dtype=np.float32).reshape(2, 3, 4, 5)
    array_framework = framework(name)
    for layout in array_framework.layouts:
        if layout in ("broadcast", "conjugated"):  # one element repeated; complex values alone
            continue
        operand, memory = array_framework.make(values, "float32", "cpu", layout)
        copy, dtype = array_framework.read(operand)
        np.testing.assert_array_equal(copy, values, err_msg=layout)
        assert dtype == "float32"
        low, high = array_framework.address_range(operand)
        outer = array_framework.address_range(memory)
        assert (low, high) == (0, 0) or (outer[0] <= low < high <= outer[1])


@pytest.mark.parametrize("name", [name for name in INSTALLED if adapter(name).can_refill])
def test_an_operand_keeps_its_memory_when_it_is_refilled(name: str) -> None:
    array_framework = framework(name)
    operand, _ = array_framework.make(np.ones((1, 1, 2, 2), np.float32), "float32", "cpu", "contiguous")
    view, before = array_framework.memory_view(operand), array_framework.address_range(operand)
    array_framework.refill(operand, np.full((1, 1, 2, 2), 3, np.float32))
    assert array_framework.address_range(operand) == before
    assert array_framework.bytes_of(view) == np.full(4, 3, np.float32).tobytes()


@pytest.mark.parametrize("name", [name for name in INSTALLED if "sliced" in adapter(name).layouts])
def test_every_combined_layout_holds_the_values_that_it_was_made_with(name: str) -> None:
    array_framework = framework(name)
    combined = layouts.combined_layouts(array_framework.layouts)
    assert len(combined) >= 13
    for layout in combined:
        values = repeated(np.arange(1, 121, dtype=np.float32).reshape(2, 3, 4, 5), layout)
        operand, memory = array_framework.make(values, "float32", "cpu", layout)
        np.testing.assert_array_equal(array_framework.read(operand)[0], values, err_msg=layout)
        low, high = array_framework.address_range(operand)
        outer = array_framework.address_range(memory)
        assert outer[0] <= low < high <= outer[1], layout


@pytest.mark.parametrize("name", [name for name in INSTALLED if "sliced" in adapter(name).layouts])
def test_combined_layouts_have_the_strides_of_their_order_in_memory(name: str) -> None:
    values = np.ones((2, 3, 4, 5), np.float32)
    for layout in ("channels_last_cropped", "channels_last_part", "channels_last_offset", "channels_last_sliced"):
        operand, _ = framework(name).make(values, "float32", "cpu", layout)
        strides = operand.strides if name == "numpy" else operand.stride()
        assert min(strides) == strides[1], layout


def test_a_framework_without_gaps_has_no_combined_layout() -> None:
    assert layouts.combined_layouts(("contiguous",)) == ()
