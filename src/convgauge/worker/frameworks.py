"""What differs between array frameworks: making an operand, reading an output, devices, threads and global state.

This module is imported in the process that runs the implementation, which may be another, older Python with nothing
but NumPy; each framework is imported only when it is asked for.
"""

from __future__ import annotations

import contextlib
import gc
import importlib.util
import os
import random
import sys
import warnings
from collections.abc import Callable, Iterator
from typing import Any

import numpy as np

from convgauge.dtypes import DTYPES
from convgauge.worker.layouts import carve

Array = Any
_SETTINGS = ("OMP_NUM_THREADS", "MKL_NUM_THREADS", "OPENBLAS_NUM_THREADS", "KMP_DUPLICATE_LIB_OK")
_SUBNORMAL = np.full(1, 5e-324)  # times 1 it is 0 where the processor has been told to flush


class NotAnArray(TypeError):
    """The implementation gave back something that is not its framework's array."""


class Framework:
    """How to speak to one array framework. ``device`` is a string in the framework's own spelling, "cpu" first."""

    name = ""
    dtypes: tuple[str, ...] = ()
    layouts: tuple[str, ...] = ()
    others: tuple[str, ...] = ()
    """Kinds of devices beside the CPU that the framework knows, present or not."""
    refills = True
    wait: Callable[[Any], Any] | None = None
    """Waits until an output has been computed, where calls give it before that."""

    def version(self) -> str:
        raise NotImplementedError

    def devices(self) -> tuple[str, ...]:
        """The devices present now."""
        return ("cpu",)

    def make(self, carrier: np.ndarray, dtype: str, device: str, layout: str) -> tuple[Array, Any]:
        """An operand with ``carrier``'s values, and the array whose memory is behind it, gaps included."""
        raise NotImplementedError

    def window(self, array: Any) -> Any:
        """What `bytes_of` and `span` look at: a NumPy array over the memory of ``array`` itself where there can be one.

        It shows what is written there later, at a fraction of the time that asking the framework takes.
        """
        return array

    def bytes_of(self, window: Any) -> bytes:
        """The content behind a `window` now, to see whether a call wrote to it."""
        raise NotImplementedError

    def form(self, array: Any) -> tuple[Any, ...]:
        """An operand's shape, strides and the like, which a call can change in place as it can the elements."""
        return ()

    def read(self, output: Any) -> tuple[np.ndarray, str]:
        """A copy of an output in its carrier, read once, and its dtype's name. Raises `NotAnArray`."""
        raise NotImplementedError

    def refill(self, operand: Array, carrier: np.ndarray) -> None:
        """Give an operand new content in place. Only where ``refills`` says that it can be done."""
        raise NotImplementedError

    def place(self, array: Any) -> str:
        """The device that an array is on."""
        return "cpu"

    def span(self, array: Any) -> tuple[int, int]:
        """First and one-past-last address of the bytes that ``array`` can reach; (0, 0) where unknown or empty."""
        window = self.window(array)
        return reach(window) if isinstance(window, np.ndarray) else (0, 0)

    def swapped(self, array: Any) -> bool:
        """Whether the bytes of its elements are not in the machine's own order."""
        return False

    def repeats(self, array: Any) -> bool:
        """Whether elements of ``array`` share memory by a stride of zero, so that writing to one changes another."""
        return False

    def synchronize(self) -> None:
        """Wait until the device has done what was asked of it."""

    def set_threads(self, number: int) -> None:
        """Use ``number`` threads in this framework's own pool."""

    def threads(self) -> int | None:
        """How many threads this framework's own pool uses; None where it has none of its own."""
        return None

    def stir(self) -> None:
        """Draw from the global random generators, so that one seeded anew to where it was shows."""
        random.random()
        np.random.random()

    @contextlib.contextmanager
    def unsettled(self) -> Iterator[None]:
        """Global settings moved from where earlier calls may have left them, and put back at the end.

        A call that sets them to one value each time would otherwise find that value there and seem to leave it.
        """
        random.random()
        np.random.random_sample()
        kept = {name: os.environ.get(name) for name in _SETTINGS}
        with np.errstate(divide="ignore", over="warn", under="ignore", invalid="warn"), warnings.catch_warnings():
            warnings.filterwarnings("default", message="a filter that is to stay the first")
            os.environ.update(dict.fromkeys(_SETTINGS, "3"))
            try:
                yield
            finally:
                for name, value in kept.items():
                    if value is None:
                        os.environ.pop(name, None)
                    else:
                        os.environ[name] = value

    def settings(self) -> dict[str, Any]:
        """The part of `state` that is still as it was when the implementation was loaded, whatever was called since.

        A late import may rightly add to the rest.
        """
        late = ("the warning filters", "the recursion limit", "the environment variables")
        return {name: value for name, value in self.state().items() if "random" not in name and name not in late}

    def state(self) -> dict[str, Any]:
        """Global state that a convolution has no business changing."""
        kind, keys, *rest = np.random.get_state(legacy=True)
        return {
            "Python's random state": hash(random.getstate()),
            "NumPy's random state": (kind, np.asarray(keys).tobytes(), *rest),
            "NumPy's error state": tuple(sorted(np.geterr().items())),
            "the warning filters": tuple(map(str, warnings.filters)),
            "the recursion limit": sys.getrecursionlimit(),
            "NumPy's print options": str(np.get_printoptions()),
            "the environment variables": dict(os.environ),
            "the working directory": os.getcwd(),
            "the processors it may run on": os.sched_getaffinity(0) if hasattr(os, "sched_getaffinity") else (),
            "the garbage collector": gc.isenabled(),
            "arithmetic with subnormal numbers": bool(_SUBNORMAL * 1.0 != 0.0),
        }


class _NumPy(Framework):
    name = "numpy"
    dtypes = ("float64", "float32", "float16", "complex64", "complex128", "int8", "int16", "int32", "int64")
    layouts = (
        "contiguous", "fortran", "channels_last", "transposed", "sliced", "cropped", "planes", "part", "offset",
        "negative", "broadcast", "odd_strides", "readonly", "unaligned", "bigendian",
    )  # fmt: skip

    def version(self) -> str:
        return np.__version__

    def make(self, carrier: np.ndarray, dtype: str, device: str, layout: str) -> tuple[Array, Any]:
        if layout == "unaligned":
            memory = np.zeros(carrier.nbytes + 1, dtype=np.uint8)
            view = memory[1:].view(carrier.dtype).reshape(carrier.shape)
            view[...] = carrier
            return view, memory
        native = carrier.astype(carrier.dtype.newbyteorder(">")) if layout == "bigendian" else carrier
        memory, view = carve(layout, native, lambda shape, fill: np.full(shape, fill, native.dtype), np.transpose)
        if layout == "broadcast":
            memory[...] = native[:1]
            return np.broadcast_to(memory, native.shape), memory
        if layout == "odd_strides":
            strides = _odd_strides(memory.shape, memory.strides, ODD * memory.itemsize)
            view = np.lib.stride_tricks.as_strided(memory, memory.shape, strides)
        view[...] = native
        if layout == "readonly":
            view.flags.writeable = False
        return view, memory

    def bytes_of(self, window: Any) -> bytes:
        return window.tobytes()  # type: ignore[no-any-return]  # window is Any: each framework has its own

    def form(self, array: Any) -> tuple[Any, ...]:
        return array.shape, array.strides, array.dtype, array.flags.writeable

    def read(self, output: Any) -> tuple[np.ndarray, str]:
        if not isinstance(output, np.ndarray):
            raise NotAnArray(f"gave back {_a(output)}, not a NumPy array")
        copy = np.array(output, copy=True, subok=False, order="C")
        name = copy.dtype.name
        return (copy.astype(DTYPES[name].carrier, copy=False) if name in DTYPES else copy), name

    def refill(self, operand: Array, carrier: np.ndarray) -> None:
        operand[...] = carrier

    def swapped(self, array: Any) -> bool:
        return not array.dtype.isnative

    def repeats(self, array: Any) -> bool:
        return array.size > 0 and any(size > 1 and step == 0 for size, step in zip(array.shape, array.strides))


_SAME_IN_NUMPY = {"float64", "float32", "float16", "int8", "int16", "int32", "int64"}


class _Torch(Framework):
    name = "torch"
    dtypes = (
        "float64", "float32", "float16", "bfloat16", "complex64", "complex128", "int8", "int16", "int32", "int64",
    )  # fmt: skip
    layouts = (
        "contiguous", "fortran", "channels_last", "transposed", "sliced", "cropped", "planes", "part", "offset",
        "broadcast", "odd_strides", "negated", "conjugated",
    )  # fmt: skip
    others = ("cuda", "mps", "xpu")

    def __init__(self) -> None:
        import torch

        self.torch = torch
        self._cuda = torch.cuda.is_available()
        self._plain = {getattr(torch, name): name for name in self.dtypes if name in _SAME_IN_NUMPY}

    def version(self) -> str:
        return str(self.torch.__version__)

    def devices(self) -> tuple[str, ...]:
        torch = self.torch
        found = ["cpu"]
        found += [f"cuda:{i}" for i in range(torch.cuda.device_count())] if torch.cuda.is_available() else []
        if torch.backends.mps.is_available():
            found.append("mps")
        if hasattr(torch, "xpu") and torch.xpu.is_available():
            found.append("xpu")
        return tuple(found)

    def make(self, carrier: np.ndarray, dtype: str, device: str, layout: str) -> tuple[Array, Any]:
        torch = self.torch
        kind = getattr(torch, dtype)
        plain = torch.from_numpy(np.array(carrier, order="C"))
        if layout == "contiguous" and device == "cpu":
            operand = plain if plain.dtype == kind else plain.to(kind)
            return operand, operand

        if layout == "negated":
            memory = -plain.to(device, kind)
            return torch._neg_view(memory), memory
        if layout == "conjugated":
            if not kind.is_complex:
                raise KeyError(f"{dtype} has no conjugates")
            memory = plain.to(device, kind).conj().resolve_conj()
            return memory.conj(), memory

        def empty(shape: tuple[int, ...], fill: Any) -> Any:
            return torch.full(shape, fill, dtype=kind, device=device)

        memory, view = carve(layout, carrier, empty, lambda array, axes: array.permute(axes))
        if layout == "broadcast":
            memory.copy_(plain[:1])
            return memory.expand(carrier.shape), memory
        if layout == "odd_strides":
            view = memory.as_strided(memory.shape, _odd_strides(memory.shape, memory.stride(), ODD))
        view.copy_(plain)
        return view, memory

    def window(self, array: Any) -> Any:
        plain = array.detach()
        if plain.device.type != "cpu" or plain.is_conj() or plain.is_neg():
            return plain
        return (plain.view(self.torch.int16) if plain.dtype == self.torch.bfloat16 else plain).numpy()

    def bytes_of(self, window: Any) -> bytes:
        if isinstance(window, np.ndarray):
            return window.tobytes()
        flat = window.contiguous().reshape(-1).view(self.torch.uint8) if window.numel() else window
        return flat.cpu().numpy().tobytes() if window.numel() else b""

    def span(self, array: Any) -> tuple[int, int]:
        if array.device.type == "cpu" and array.numel() and array.is_contiguous():
            start = array.data_ptr()
            return start, start + array.numel() * array.element_size()
        return super().span(array)

    def form(self, array: Any) -> tuple[Any, ...]:
        return array.shape, array.stride(), array.dtype, array.storage_offset(), array.requires_grad

    def read(self, output: Any) -> tuple[np.ndarray, str]:
        torch = self.torch
        if not isinstance(output, torch.Tensor):
            raise NotAnArray(f"gave back {_a(output)}, not a torch.Tensor")
        if type(output) is torch.Tensor and output.dtype in self._plain and output.device.type == "cpu":
            return np.array(output.detach().numpy(), order="C"), self._plain[output.dtype]
        name = str(output.dtype).replace("torch.", "")
        host = output.detach().to("cpu", copy=True).resolve_conj().resolve_neg()
        if name == "bfloat16":
            host = host.to(torch.float32)
        return np.array(host.numpy(), copy=True, order="C"), name

    def refill(self, operand: Array, carrier: np.ndarray) -> None:
        operand.data.copy_(self.torch.from_numpy(np.array(carrier, order="C")))  # .data: its version stays as it was

    def place(self, array: Any) -> str:
        return str(array.device)

    def repeats(self, array: Any) -> bool:
        return array.numel() > 0 and any(size > 1 and step == 0 for size, step in zip(array.shape, array.stride()))

    def synchronize(self) -> None:
        if self._cuda:
            self.torch.cuda.synchronize()

    def set_threads(self, number: int) -> None:
        self.torch.set_num_threads(number)

    def threads(self) -> int | None:
        return int(self.torch.get_num_threads())

    def stir(self) -> None:
        super().stir()
        self.torch.rand(1)

    @contextlib.contextmanager
    def unsettled(self) -> Iterator[None]:
        torch = self.torch
        threads = torch.get_num_threads()
        with super().unsettled():
            torch.rand(1)
            torch.set_num_threads(threads + 1)
            torch.set_flush_denormal(False)
            try:
                yield
            finally:
                torch.set_num_threads(threads)

    def state(self) -> dict[str, Any]:
        torch = self.torch
        return {
            **super().state(),
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


class _Jax(Framework):
    name = "jax"
    dtypes = (
        "float64", "float32", "float16", "bfloat16", "complex64", "complex128", "int8", "int16", "int32", "int64",
    )  # fmt: skip
    layouts = ("contiguous",)
    others = ("gpu", "tpu")
    refills = False
    wait = staticmethod(lambda output: output.block_until_ready())

    def __init__(self) -> None:
        import jax
        import jax.numpy

        jax.config.update("jax_enable_x64", True)
        self.jax = jax

    def version(self) -> str:
        return str(self.jax.__version__)

    def devices(self) -> tuple[str, ...]:
        others = {device.platform for device in self.jax.devices()} - {"cpu"}
        return ("cpu", *sorted(others))

    def make(self, carrier: np.ndarray, dtype: str, device: str, layout: str) -> tuple[Array, Any]:
        if layout != "contiguous":
            raise KeyError(layout)
        array = self.jax.numpy.asarray(carrier, dtype=getattr(self.jax.numpy, dtype))
        operand = self.jax.device_put(array, self.jax.devices(device.split(":", maxsplit=1)[0])[0])
        return operand, operand

    def bytes_of(self, window: Any) -> bytes:
        return np.asarray(window).tobytes()

    def read(self, output: Any) -> tuple[np.ndarray, str]:
        if not isinstance(output, self.jax.Array):
            raise NotAnArray(f"gave back {_a(output)}, not a jax.Array")
        name = str(output.dtype)
        copy = np.array(output)
        return (copy.astype(DTYPES[name].carrier) if name in DTYPES else copy), name

    def place(self, array: Any) -> str:
        return ",".join(sorted(device.platform for device in array.devices()))


def reach(array: np.ndarray) -> tuple[int, int]:
    """First and one-past-last address of the bytes of ``array``; (0, 0) where it has none."""
    if not array.size:
        return (0, 0)
    if array.flags.c_contiguous:
        return array.ctypes.data, array.ctypes.data + array.nbytes
    low, high = getattr(np.lib, "array_utils", np).byte_bounds(array)
    return int(low), int(high)


ODD = 7919  # elements: a stride that no dimension of a test has by chance


def _odd_strides(shape: tuple[int, ...], strides: tuple[int, ...], odd: int) -> tuple[int, ...]:
    """The strides, ``odd`` where an axis has one element and its stride is never used."""
    return tuple(odd if size == 1 else stride for size, stride in zip(shape, strides))


def _a(value: Any) -> str:
    """A value's type for a message: "None", "a list", "an int"."""
    if value is None:
        return "None"
    kind = type(value)
    name = kind.__name__ if kind.__module__ == "builtins" else f"{kind.__module__}.{kind.__name__}"
    return f"{'an' if name[:1] in 'aeiou' else 'a'} {name}"


_KINDS: dict[str, Callable[[], Framework]] = {"numpy": _NumPy, "torch": _Torch, "jax": _Jax}
_MADE: dict[str, Framework] = {}
NAMES = tuple(_KINDS)


def kind_of(name: str) -> Any:
    """The class that speaks to a framework, for what it says of itself; the framework is not imported."""
    return _KINDS[name]


def installed(name: str) -> bool:
    """Whether the framework's package is there, found out without importing it."""
    return importlib.util.find_spec(name) is not None


def framework(name: str) -> Framework:
    """The framework called ``name``, imported now. Raises `ImportError` where it is not installed."""
    if name not in _MADE:
        _MADE[name] = _KINDS[name]()
    return _MADE[name]
