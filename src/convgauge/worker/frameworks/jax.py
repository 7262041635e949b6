"""Adapter of JAX."""

from __future__ import annotations

import numpy as np

from convgauge.dtypes import DTYPES
from convgauge.worker.frameworks.base import Array, Framework, MemoryView, NotAnArray, Operand, type_name


class JaxAdapter(Framework):
    """JAX; arrays cannot be written to, and 64-bit types are supported in a process that enables them."""

    name = "jax"
    dtypes = ("float64", "float32", "float16", "bfloat16", "complex64", "complex128", "int8", "int16", "int32", "int64")
    layouts = ("contiguous",)
    wide_variables = {"JAX_ENABLE_X64": "1"}
    wide_dtypes = ("float64", "complex128", "int64")
    has_fixed_threads = True
    other_devices = ("gpu", "tpu")
    can_refill = False
    wait = staticmethod(lambda output: output.block_until_ready())

    def __init__(self) -> None:
        import jax
        import jax.numpy

        self.jax = jax

    def version(self) -> str:
        return str(self.jax.__version__)

    def devices(self) -> tuple[str, ...]:
        return ("cpu", *sorted({device.platform for device in self.jax.devices()} - {"cpu"}))

    def make(self, carrier: np.ndarray, dtype: str, device: str, layout: str) -> Operand:
        if layout != "contiguous":
            raise KeyError(layout)
        if dtype in self.wide_dtypes and not self.jax.config.jax_enable_x64:
            raise TypeError(f"JAX has no {dtype} in this process: its 64-bit types are not enabled (JAX_ENABLE_X64=1)")
        array = self.jax.numpy.asarray(carrier, dtype=getattr(self.jax.numpy, dtype))
        operand = self.jax.device_put(array, self.jax.devices(device.split(":", maxsplit=1)[0])[0])
        return operand, operand

    def bytes_of(self, view: MemoryView) -> bytes:
        return np.asarray(view).tobytes()

    def read(self, output: Array) -> tuple[np.ndarray, str]:
        if not isinstance(output, self.jax.Array):
            raise NotAnArray(f"returned {type_name(output)}, not a jax.Array")
        name = str(output.dtype)
        copy = np.array(output)
        return (copy.astype(DTYPES[name].carrier) if name in DTYPES else copy), name

    def device_of(self, array: Array) -> str:
        return ",".join(sorted(device.platform for device in array.devices()))
