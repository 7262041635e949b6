"""Adapter of NumPy."""

from __future__ import annotations

import numpy as np

from convgauge.dtypes import DTYPES
from convgauge.worker.distant import reserve
from convgauge.worker.frameworks.base import (
    LINE_BYTES,
    ODD_STRIDE,
    Array,
    Framework,
    MemoryView,
    NotAnArray,
    Operand,
    odd_strides,
    type_name,
)
from convgauge.worker.guarded_memory import GUARDED_LAYOUTS, guarded
from convgauge.worker.layouts import carve, first_along, repeated_axis


class NumpyAdapter(Framework):
    """NumPy."""

    name = "numpy"
    dtypes = ("float64", "float32", "float16", "complex64", "complex128", "int8", "int16", "int32", "int64")
    layouts = (
        "contiguous", "fortran", "channels_last", "transposed", "sliced", "cropped", "planes", "part", "offset",
        "negative", "broadcast", "odd_strides", "readonly", "unaligned", "bigendian",
    )  # fmt: skip

    def version(self) -> str:
        return np.__version__

    def make(self, carrier: np.ndarray, dtype: str, device: str, layout: str) -> Operand:
        if layout == "unaligned":
            memory = np.zeros(carrier.nbytes + 1, dtype=np.uint8)
            view = memory[1:].view(carrier.dtype).reshape(carrier.shape)
            view[...] = carrier
            return view, memory
        if layout == "distant":
            reserved = reserve(carrier.shape, carrier.itemsize)
            start, *steps = (number * carrier.itemsize for number in (reserved.start, *reserved.strides))
            view = np.ndarray(carrier.shape, carrier.dtype, reserved.memory, start, steps)
            view[...] = carrier
            return view, view
        if layout in GUARDED_LAYOUTS:
            content, memory = guarded(layout, carrier.nbytes)
            view = content.view(carrier.dtype).reshape(carrier.shape)
            view[...] = carrier
            return view, memory
        native = carrier.astype(carrier.dtype.newbyteorder(">")) if layout == "bigendian" else carrier
        memory, view = carve(layout, native, lambda shape, fill: np.full(shape, fill, native.dtype), np.transpose)
        axis = repeated_axis(layout, native.ndim)
        if axis is not None:
            view[...] = first_along(native, axis)
            return np.broadcast_to(view, native.shape), memory
        if layout == "odd_strides":
            strides = odd_strides(memory.shape, memory.strides, ODD_STRIDE * memory.itemsize)
            view = np.lib.stride_tricks.as_strided(memory, memory.shape, strides)
        view[...] = native
        if layout == "readonly":
            view.flags.writeable = False
        return view, memory

    def bytes_of(self, view: MemoryView) -> bytes:
        return view.tobytes()  # type: ignore[no-any-return]  # view is Any: each framework has its own

    def metadata(self, array: Array) -> tuple[object, ...]:
        return array.shape, array.strides, array.dtype, array.flags.writeable

    def read(self, output: Array) -> tuple[np.ndarray, str]:
        if not isinstance(output, np.ndarray):
            raise NotAnArray(f"returned {type_name(output)}, not a NumPy array")
        copy = np.array(output, copy=True, subok=False, order="C")
        name = copy.dtype.name
        return (copy.astype(DTYPES[name].carrier, copy=False) if name in DTYPES else copy), name

    def refill(self, operand: Array, carrier: np.ndarray) -> None:
        operand[...] = carrier

    def copy_at(self, array: Array, elements: int) -> Array:
        line = LINE_BYTES // array.itemsize
        buffer = np.empty(array.size + line + elements, array.dtype)
        start = -(buffer.ctypes.data // array.itemsize) % line + elements
        copy = buffer[start : start + array.size].reshape(array.shape)
        copy[...] = array
        return copy

    def is_byteswapped(self, array: Array) -> bool:
        return not array.dtype.isnative

    def has_zero_strides(self, array: Array) -> bool:
        return array.size > 0 and any(size > 1 and step == 0 for size, step in zip(array.shape, array.strides))
