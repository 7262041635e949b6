"""Start of worker processes with fixed addresses."""

from __future__ import annotations

import ctypes
import sys
import time

import pytest

from convgauge.process.child import Child


@pytest.mark.skipif(sys.platform != "linux", reason="addresses can be fixed on Linux only")
def test_fixed_addresses_are_those_of_every_other_process() -> None:
    def start(fixed: bool) -> str:
        child = Child(fixed=fixed)
        try:
            end = time.monotonic() + 20
            while time.monotonic() < end:
                with open(f"/proc/{child.process.pid}/maps") as file:
                    lines = [line.split()[0] for line in file if line.rstrip().endswith("[heap]")]
                if lines:
                    return lines[0].partition("-")[0]
                time.sleep(0.01)
            return pytest.fail("no heap in twenty seconds")
        finally:
            child.close()

    personality = ctypes.CDLL(None).personality
    before = personality(ctypes.c_ulong(0xFFFFFFFF))
    if before < 0 or personality(before | 0x0040000) < 0:
        pytest.skip("this system does not let a process choose how its memory is laid out")
    personality(before)
    assert len({start(fixed=False) for _ in range(4)}) > 1
    assert len({start(fixed=True) for _ in range(4)}) == 1
