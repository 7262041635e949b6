"""Adapter of PyTorch."""

from __future__ import annotations

import contextlib
import math
from collections.abc import Callable, Iterator
from typing import Any

import numpy as np

from convgauge.worker.distant import reserve
from convgauge.worker.frameworks.base import (
    LINE_BYTES,
    ODD_STRIDE,
    Array,
    Framework,
    Gradients,
    MemoryView,
    NotAnArray,
    Operand,
    odd_strides,
    type_name,
)
from convgauge.worker.global_state import GlobalState
from convgauge.worker.guarded_memory import GUARDED_LAYOUTS, guarded
from convgauge.worker.layouts import carve, first_along, repeated_axis

_SAME_IN_NUMPY = {"float64", "float32", "float16", "int8", "int16", "int32", "int64"}


class TorchAdapter(Framework):
    """PyTorch; devices are "cpu", "cuda:0", "mps", and so on."""

    name = "torch"
    dtypes = ("float64", "float32", "float16", "bfloat16", "complex64", "complex128", "int8", "int16", "int32", "int64")
    layouts = (
        "contiguous", "fortran", "channels_last", "transposed", "sliced", "cropped", "planes", "part", "offset",
        "broadcast", "odd_strides", "negated", "conjugated",
    )  # fmt: skip
    other_devices = ("cuda", "mps", "xpu")

    def __init__(self) -> None:
        import torch

        self.torch = torch
        self._cuda = torch.cuda.is_available()
        self._plain = {getattr(torch, name): name for name in self.dtypes if name in _SAME_IN_NUMPY}

    def version(self) -> str:
        return str(self.torch.__version__)

    def devices(self) -> tuple[str, ...]:
        torch = self.torch
        present = ["cpu"]
        present += [f"cuda:{i}" for i in range(torch.cuda.device_count())] if torch.cuda.is_available() else []
        if torch.backends.mps.is_available():
            present.append("mps")
        if hasattr(torch, "xpu") and torch.xpu.is_available():
            present.append("xpu")
        return tuple(present)

    def make(self, carrier: np.ndarray, dtype: str, device: str, layout: str) -> Operand:
        torch = self.torch
        kind = getattr(torch, dtype)
        plain = torch.from_numpy(np.array(carrier, order="C"))
        if layout == "contiguous" and device == "cpu":
            operand = plain if plain.dtype == kind else plain.to(kind)
            return operand, operand

        if layout in ("negated", "conjugated"):
            return self._make_lazy(plain.to(device, kind), layout)
        if layout in (*GUARDED_LAYOUTS, "distant"):
            if device != "cpu":
                raise KeyError(layout)
            view, memory = self._reserve(plain.shape, kind, layout)
            view.copy_(plain)
            return view, memory

        def empty(shape: tuple[int, ...], fill: float) -> Array:
            return torch.full(shape, fill, dtype=kind, device=device)

        memory, view = carve(layout, carrier, empty, lambda array, axes: array.permute(axes))
        axis = repeated_axis(layout, carrier.ndim)
        if axis is not None:
            view.copy_(first_along(plain, axis))
            return view.expand(carrier.shape), memory
        if layout == "odd_strides":
            view = memory.as_strided(memory.shape, odd_strides(memory.shape, memory.stride(), ODD_STRIDE))
        view.copy_(plain)
        return view, memory

    def _make_lazy(self, array: Array, layout: str) -> Operand:
        """Return an operand that torch has still to negate or conjugate. Raises `KeyError`."""
        if layout == "negated":
            memory = -array
            return self.torch._neg_view(memory), memory
        if not array.dtype.is_complex:
            raise KeyError(f"{array.dtype} has no conjugates")
        memory = array.conj().resolve_conj()
        return memory.conj(), memory

    def _reserve(self, shape: tuple[int, ...], kind: Any, layout: str) -> Operand:  # noqa: ANN401 a dtype of torch
        """Return an operand without values in memory that this process maps itself. Raises `KeyError`."""
        torch = self.torch
        if layout == "distant":
            reserved = reserve(tuple(shape), kind.itemsize)
            view = torch.frombuffer(reserved.memory, dtype=kind).as_strided(shape, reserved.strides, reserved.start)
            return view, view
        content, memory = guarded(layout, math.prod(shape) * kind.itemsize)
        return torch.from_numpy(content).view(kind).reshape(shape), torch.from_numpy(memory)

    def memory_view(self, array: Array) -> MemoryView:
        plain = array.detach()
        if plain.device.type != "cpu" or plain.is_conj() or plain.is_neg():
            return plain
        return (plain.view(self.torch.int16) if plain.dtype == self.torch.bfloat16 else plain).numpy()

    def bytes_of(self, view: MemoryView) -> bytes:
        if isinstance(view, np.ndarray):
            return view.tobytes()
        flat = view.contiguous().reshape(-1).view(self.torch.uint8) if view.numel() else view
        return flat.cpu().numpy().tobytes() if view.numel() else b""

    def address_range(self, array: Array) -> tuple[int, int]:
        if array.device.type == "cpu" and array.numel() and array.is_contiguous():
            start = array.data_ptr()
            return start, start + array.numel() * array.element_size()
        return super().address_range(array)

    def metadata(self, array: Array) -> tuple[object, ...]:
        return array.shape, array.stride(), array.dtype, array.storage_offset(), array.requires_grad

    def read(self, output: Array) -> tuple[np.ndarray, str]:
        torch = self.torch
        if not isinstance(output, torch.Tensor):
            raise NotAnArray(f"returned {type_name(output)}, not a torch.Tensor")
        is_plain = type(output) is torch.Tensor and output.dtype in self._plain and output.device.type == "cpu"
        if is_plain and not output.is_neg():
            return np.array(output.detach().numpy(), order="C"), self._plain[output.dtype]
        name = str(output.dtype).replace("torch.", "")
        host = output.detach().to("cpu", copy=True).resolve_conj().resolve_neg()
        if name == "bfloat16":
            host = host.to(torch.float32)
        return np.array(host.numpy(), copy=True, order="C"), name

    def refill(self, operand: Array, carrier: np.ndarray) -> None:
        operand.data.copy_(self.torch.from_numpy(np.array(carrier, order="C")))  # .data: its version stays as it was

    def copy_at(self, array: Array, elements: int) -> Array:
        line = LINE_BYTES // array.element_size()
        buffer = self.torch.empty(array.numel() + line + elements, dtype=array.dtype, device=array.device)
        start = -(buffer.data_ptr() // array.element_size()) % line + elements
        return buffer[start : start + array.numel()].view(array.shape).copy_(array)

    def backward(self, forward: Callable[..., Array], arrays: list[Array], wanted: str) -> Callable[[Array], Gradients]:
        leaves = [
            None if array is None else array.detach().requires_grad_(letter in wanted)
            for letter, array in zip("iwb", arrays)
        ]
        output = forward(*leaves)
        due = [leaf for letter, leaf in zip("iwb", leaves) if letter in wanted]
        grad = self.torch.autograd.grad
        return lambda grad_output: Gradients(grad(output, due, grad_output, retain_graph=True))

    def device_of(self, array: Array) -> str:
        return str(array.device)

    def has_zero_strides(self, array: Array) -> bool:
        return array.numel() > 0 and any(size > 1 and step == 0 for size, step in zip(array.shape, array.stride()))

    def synchronize(self) -> None:
        if self._cuda:
            self.torch.cuda.synchronize()

    def set_threads(self, count: int) -> None:
        self.torch.set_num_threads(count)

    def thread_count(self) -> int | None:
        return int(self.torch.get_num_threads())

    def perturb_rng(self) -> None:
        super().perturb_rng()
        self.torch.rand(1)

    @contextlib.contextmanager
    def perturbed_globals(self) -> Iterator[None]:
        torch = self.torch
        threads = torch.get_num_threads()
        with super().perturbed_globals():
            torch.rand(1)
            torch.set_num_threads(threads + 1)
            torch.set_flush_denormal(False)
            try:
                yield
            finally:
                torch.set_num_threads(threads)

    def global_state(self) -> GlobalState:
        torch = self.torch
        return {
            **super().global_state(),
            "torch's random state": torch.random.get_rng_state().numpy().tobytes(),
            "torch's default dtype": torch.get_default_dtype(),
            "torch's thread count": torch.get_num_threads(),
            "torch's gradient mode": torch.is_grad_enabled(),
            "torch's deterministic mode": torch.are_deterministic_algorithms_enabled(),
            "torch's default device": str(torch.empty(0).device),
            "torch's precision of float32 products": torch.get_float32_matmul_precision(),
            "torch's use of oneDNN": torch._C._get_mkldnn_enabled(),
            "torch's inference mode": torch.is_inference_mode_enabled(),
        }
