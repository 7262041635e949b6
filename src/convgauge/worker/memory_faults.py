"""Report of where a call touches protected memory, printed before the process ends.

A handler of SIGSEGV prints the distance of the fault from the operand beside which it lies. Then it restores the
handler that was there before, to which the same access leads again.
"""

from __future__ import annotations

import contextlib
import ctypes
import functools
import mmap
import os
import re
import signal
import sys
from collections.abc import Iterator, Mapping
from typing import Any

from convgauge.worker.guarded_memory import GUARD_PAGES

REPORTED = re.compile(r"^Touched (.*), which is protected\.$", re.MULTILINE)
"""Line that the handler prints if the fault is beside a guarded operand; the group is the place."""

ELSEWHERE = "Touched other memory that is not accessible."
"""Line that it prints for any other fault."""

AddressRange = tuple[int, int]

_SA_SIGINFO = 4  # see sigaction(2)
_SI_ADDR = 16  # offset of the address in a siginfo_t of 64-bit Linux
_STDERR = 2


class _Action(ctypes.Structure):
    """The struct sigaction of the C library on 64-bit Linux."""

    _fields_ = [
        ("handler", ctypes.c_void_p),
        ("mask", ctypes.c_ubyte * 128),
        ("flags", ctypes.c_int),
        ("restorer", ctypes.c_void_p),
    ]


_ranges: dict[str, AddressRange] = {}
_previous = _Action()


@contextlib.contextmanager
def reported_faults(ranges: Mapping[str, AddressRange]) -> Iterator[None]:
    """Report faults beside some arrays, by name, while the context lasts.

    Faults are reported if this process has one thread. The handler needs the lock of the interpreter, which another
    thread could hold while it waits for the one that has touched the memory.

    Parameters
    ----------
    ranges : mapping
        First and one-past-last address of the accessible memory of each array, which ends at pages.
    """
    is_outermost = not _ranges
    if not ranges or (is_outermost and not _can_report()):
        yield
        return
    _ranges.update(ranges)
    if is_outermost:
        _set_action(_Action(ctypes.cast(_handler(), ctypes.c_void_p).value, flags=_SA_SIGINFO), _previous)
    try:
        yield
    finally:
        for name in ranges:
            _ranges.pop(name, None)
        if is_outermost:
            _set_action(_previous, None)


def place_of(address: int, ranges: Mapping[str, AddressRange], guard: int) -> str:
    """Return the place of an address in the guard of an array, or "" if it is in none."""
    for name, (start, end) in ranges.items():
        if end <= address < end + guard:
            distance = _in_bytes(address - end) if address > end else "right"
            return f"memory {distance} after the end of the {name}"
        if start - guard <= address < start:
            return f"memory {_in_bytes(start - address)} before the start of the {name}"
    return ""


def _in_bytes(count: int) -> str:
    return "1 byte" if count == 1 else f"{count} bytes"


def _can_report() -> bool:
    """Return True on 64-bit Linux, in a process of one thread."""
    if sys.platform != "linux" or ctypes.sizeof(ctypes.c_void_p) != 8:
        return False
    try:
        return len(os.listdir("/proc/self/task")) == 1
    except OSError:
        return False


def _set_action(action: _Action, previous: _Action | None) -> None:
    _sigaction()(int(signal.SIGSEGV), ctypes.byref(action), None if previous is None else ctypes.byref(previous))


@functools.cache
def _sigaction() -> Any:  # noqa: ANN401 a function of ctypes
    return ctypes.CDLL(None).sigaction


def _print_place(number: int, info: int, context: int) -> None:
    """Print the place of a fault and restore the handler of before, to which the access then leads again."""
    try:
        address = ctypes.c_size_t.from_address(info + _SI_ADDR).value
        memory = place_of(address, _ranges, GUARD_PAGES * mmap.PAGESIZE)
        line = f"Touched {memory}, which is protected." if memory else ELSEWHERE
        os.write(_STDERR, f"\n{line}\n".encode())
    finally:
        _set_action(_previous, None)


@functools.cache
def _handler() -> Any:  # noqa: ANN401 a function pointer, which must outlive its installation
    return ctypes.CFUNCTYPE(None, ctypes.c_int, ctypes.c_void_p, ctypes.c_void_p)(_print_place)
