"""Base class of framework adapters: how operands are made, outputs are read, and memory is inspected."""

from __future__ import annotations

import contextlib
from abc import ABC, abstractmethod
from collections.abc import Callable, Iterator, Mapping
from typing import Any

import numpy as np

from convgauge.worker import global_state

Array = Any  # an array of some framework: frameworks have no common type
Operand = tuple[Array, Array]  # an operand, and the array of all its memory, gaps included
MemoryView = Any  # a NumPy array over the memory of an array, or the array itself if there can be none

ODD_STRIDE = 7919  # elements: a stride that no dimension of a test has by chance

LINE_BYTES = 64
"""Bytes of a line of the cache, the largest alignment that a vector instruction distinguishes."""

ADAPTERS: dict[str, type[Framework]] = {}
"""Adapter classes by name of the framework."""


class NotAnArray(TypeError):
    """The output is not an array of the framework."""


class Gradients(tuple):  # type: ignore[type-arg]  # of arrays, which have no common type
    """Gradients that one backward pass returned."""


class Framework(ABC):
    """Adapter of one array framework.

    A subclass registers itself. It is the only one in a module of this package that has the framework's name. The
    framework is imported when the adapter is instantiated, not before.
    """

    name = ""
    dtypes: tuple[str, ...] = ()
    layouts: tuple[str, ...] = ()
    other_devices: tuple[str, ...] = ()
    """Kinds of devices beside the CPU that the framework supports, present or not."""
    wide_variables: Mapping[str, str] = {}
    """Variables of the environment that enable `wide_dtypes` in a process; empty if all dtypes are enabled."""
    wide_dtypes: tuple[str, ...] = ()
    """Dtypes that are supported only in a process with `wide_variables`."""
    can_refill = True
    """True if operands can be written to."""
    has_fixed_threads = False
    """True if the number of threads is set when the process starts."""
    wait: Callable[[Array], object] | None = None
    """Function that waits until an output is computed, for frameworks that return it earlier."""

    def __init_subclass__(cls) -> None:
        ADAPTERS[cls.name] = cls

    # --- operands and outputs ---

    @abstractmethod
    def version(self) -> str:
        """Return the version of the framework."""

    @abstractmethod
    def make(self, carrier: np.ndarray, dtype: str, device: str, layout: str) -> Operand:
        """Return an operand with the values of ``carrier``, and the array of its memory. Raises `KeyError`."""

    @abstractmethod
    def read(self, output: Array) -> tuple[np.ndarray, str]:
        """Return a copy of an output in its carrier dtype, read once, and the name of its dtype.

        Raises `NotAnArray`.
        """

    def refill(self, operand: Array, carrier: np.ndarray) -> None:
        """Write new values to an operand in place. Only if `can_refill`."""
        raise NotImplementedError

    def copy_at(self, array: Array, elements: int) -> Array:
        """Return a contiguous copy that begins so many elements past an address that `LINE_BYTES` divides.

        Raises `NotImplementedError` if the framework chooses the addresses.
        """
        raise NotImplementedError

    def backward(self, forward: Callable[..., Array], arrays: list[Array], wanted: str) -> Callable[[Array], Gradients]:
        """Call a function once, and return its backward pass, which may be made many times.

        Parameters
        ----------
        forward : callable
            Function of input, weight and bias.
        arrays : list of arrays
            Input, weight, and bias or None.
        wanted : str
            Letters of the operands, "i" and "w", whose gradients are computed.

        Returns
        -------
        callable
            Function from the gradient of the output to the wanted gradients.
        """
        raise NotImplementedError(f"{self.name} has no automatic differentiation here")

    def devices(self) -> tuple[str, ...]:
        """Return the devices that are present, in the framework's spelling, "cpu" first."""
        return ("cpu",)

    def synchronize(self) -> None:
        """Wait until the device has completed its work."""
        return

    def set_threads(self, count: int) -> None:
        """Set the number of threads in the framework's pool."""
        return

    def thread_count(self) -> int | None:
        """Return the number of threads in the framework's pool, or None if it has none."""
        return None

    # --- memory ---

    def memory_view(self, array: Array) -> MemoryView:
        """Return what `bytes_of` reads: if possible a NumPy array over the memory of ``array``.

        The view shows later writes, at a fraction of the time that reading through the framework takes.
        """
        return array

    @abstractmethod
    def bytes_of(self, view: MemoryView) -> bytes:
        """Return the present content of a `memory_view`."""

    def address_range(self, array: Array) -> tuple[int, int]:
        """Return the first and one-past-last address of ``array``; (0, 0) if unknown or empty."""
        view = self.memory_view(array)
        return _address_range(view) if isinstance(view, np.ndarray) else (0, 0)

    def metadata(self, array: Array) -> tuple[object, ...]:
        """Return shape, strides and other properties that a call can change in place."""
        return ()

    def device_of(self, array: Array) -> str:
        """Return the device of an array."""
        return "cpu"

    def is_byteswapped(self, array: Array) -> bool:
        """Return True if the elements are not in the byte order of the machine."""
        return False

    def has_zero_strides(self, array: Array) -> bool:
        """Return True if elements share memory by a stride of 0: a write to one changes another."""
        return False

    # --- global state ---

    def global_state(self) -> global_state.GlobalState:
        """Return the state of Python, NumPy and the framework that a call must not change."""
        return global_state.global_state()

    def perturb_rng(self) -> None:
        """Draw from the global random generators."""
        global_state.perturb_rng()

    @contextlib.contextmanager
    def perturbed_globals(self) -> Iterator[None]:
        """Move global settings to other values, and restore them at the end."""
        with global_state.perturbed_globals():
            yield


def _address_range(array: np.ndarray) -> tuple[int, int]:
    if not array.size:
        return (0, 0)
    if array.flags.c_contiguous:
        return array.ctypes.data, array.ctypes.data + array.nbytes
    low, high = getattr(np.lib, "array_utils", np).byte_bounds(array)
    return int(low), int(high)


def odd_strides(shape: tuple[int, ...], strides: tuple[int, ...], odd: int) -> tuple[int, ...]:
    """Return the strides, with ``odd`` for an axis of one element, whose stride is never used."""
    return tuple(odd if size == 1 else stride for size, stride in zip(shape, strides))


def type_name(value: object) -> str:
    """Return the type of a value for a message: "None", "a list", "an int"."""
    if value is None:
        return "None"
    kind = type(value)
    name = kind.__name__ if kind.__module__ == "builtins" else f"{kind.__module__}.{kind.__name__}"
    return f"{'an' if name[:1] in 'aeiou' else 'a'} {name}"
