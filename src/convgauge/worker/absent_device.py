"""Exceptions by which a library reports that the device of a kernel is absent: a limit of the machine, not a fault."""

from __future__ import annotations

from collections.abc import Sequence

ABSENT_DEVICE = (
    # torch: built without the device, no driver, no device
    "Found no NVIDIA driver",
    "Torch not compiled with",
    "is not linked with support for",
    "No CUDA GPUs are available",
    "no CUDA-capable device is detected",
    "Cannot access accelerator device when none is available",
    # the checks that kernels of torch make
    "must be a CUDA tensor",
    "is_cuda",
    # CuPy
    "cudaErrorNoDevice",
    "cudaErrorInsufficientDriver",
    # Numba
    "Error at driver init",
    # JAX
    "no platforms that are instances of",
    "Unknown backend cuda",
    "Unknown backend gpu",
)
"""Parts of the text of such exceptions."""

TRITON = ("0 active drivers", "cannot be accessed from Triton (cpu tensor?)")
"""Parts of the text of Triton's exceptions: without a GPU, and for operands that are not on one."""

INTERPRETER = "TRITON_INTERPRET=1 in the environment runs Triton kernels on the CPU"

ABSENT = "its device is absent"
"""Start of the message of such an exception on a machine that has the CPU alone."""

ELSEWHERE = "it takes operands on its own device only"
"""Start of the message of such an exception on another machine."""


def has_absent_device(text: str) -> bool:
    """Return True if the text of an exception states that a device is absent."""
    return any(part in text for part in (*ABSENT_DEVICE, *TRITON))


def described(text: str, devices: Sequence[str]) -> str:
    """Return the message of such an exception on a machine with some devices."""
    return f"{ABSENT if len(devices) == 1 else ELSEWHERE}{advice(text)}: {text}"


def advice(text: str) -> str:
    """Return how a kernel is run without its device, if the exception is one of Triton; else an empty text."""
    return f"; {INTERPRETER}" if any(part in text for part in TRITON) else ""
