"""Known defects of torch's CPU convolution, each probed by computing it.

A processor without the instructions of a kernel does not show the kernel's defects. A test therefore never expects
what one processor does: it asks here which defects are present, and a failure of torch is expected only if a defect
that is present explains it. docs/found.md describes each defect for users.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

Conv2d = Callable[..., Any]
"""A function with the signature of ``torch.nn.functional.conv2d``."""


@dataclass(frozen=True)
class Defect:
    """A known defect: its probe, and the specs and dtypes that fail where the probe finds it."""

    name: str
    is_present: Callable[[Conv2d], bool]
    spec_ids: frozenset[str] | None
    """Ids of the specs that fail, or None if every spec may fail."""
    dtypes: frozenset[str] | None
    """Dtypes in which they fail, or None if the dtype does not matter."""

    def explains(self, spec_id: str, dtype: str) -> bool:
        """Return True if the defect makes this spec fail in this dtype."""
        return (self.spec_ids is None or spec_id in self.spec_ids) and (self.dtypes is None or dtype in self.dtypes)


def drops_channels_without_input_channels(conv2d: Conv2d) -> bool:
    """Return True if the output of an input without channels has no channels, on every processor up to torch 2.13."""
    import torch

    return bool(conv2d(torch.ones(1, 0, 1, 1), torch.ones(1, 0, 1, 1)).shape[1] == 0)


def has_wrong_bfloat16_kernels(conv2d: Conv2d) -> bool:
    """Return True if bfloat16 outputs have nothing to do with the operands: oneDNN 3.12 on processors with AMX.

    Two kernels are wrong: outputs one column wide under a stride, and filters of twelve columns and more.
    """
    narrow_output = _is_inexact(conv2d, (1, 1, 78, 3), (1, 1, 3, 3), stride=3)
    return narrow_output or _is_inexact(conv2d, (1, 8, 2, 14), (1, 8, 1, 12), stride=1)


def _is_inexact(conv2d: Conv2d, input_shape: tuple[int, ...], weight_shape: tuple[int, ...], stride: int) -> bool:
    """Return True if a bfloat16 output is inexact for operands of which every sum is exact in bfloat16.

    The operands are small integers, and at most 96 products of at most 1 are added; bfloat16 holds integers up to 256.
    """
    import torch

    ones = torch.ones(input_shape), torch.ones(weight_shape)
    varied = tuple((torch.arange(operand.numel()) % 3 - 1).reshape(operand.shape) for operand in ones)
    for input, weight in (ones, varied):
        output = conv2d(input.bfloat16(), weight.bfloat16(), stride=stride)
        if not torch.equal(output.double(), torch.conv2d(input.double(), weight.double(), stride=stride)):
            return True
    return False


def flushes_bfloat16_subnormals(conv2d: Conv2d) -> bool:
    """Return True if bfloat16 subnormals become zero: VDPBF16PS does so, on processors with AVX512_BF16 or AMX."""
    import torch

    subnormal = torch.full((1, 1, 1, 1), 2.0**-130, dtype=torch.bfloat16)
    weight = torch.ones(1, 1, 1, 1, dtype=torch.bfloat16)
    # Kernels differ with the number of channels and with the filter.
    wider = (subnormal.expand(1, 16, 3, 3).contiguous(), weight.expand(16, 16, 3, 3).contiguous())
    return not (conv2d(subnormal, weight) != 0).all() or not (conv2d(*wider) != 0).all()


def spreads_nan_in_bfloat16(conv2d: Conv2d) -> bool:
    """Return True if a NaN reaches an output beside its receptive field.

    oneDNN's AVX-512 kernels add bfloat16 products two at a time; an odd sum takes in its neighbour with a weight of
    zero, and NaN times zero is NaN.
    """
    return any(_spreads_nan(conv2d, kernel, padding) for kernel, padding in (((1, 2), 0), ((3, 3), 1), ((5, 5), 1)))


def _spreads_nan(conv2d: Conv2d, kernel: tuple[int, int], padding: int) -> bool:
    """Return True if a NaN in one element of a plane makes an output NaN whose receptive field does not hold it."""
    import torch

    weight = torch.ones(1, 1, *kernel)
    for column in range(16):
        marked = torch.zeros(1, 1, 16, 16)
        marked[0, 0, 5, column] = 1
        reached = torch.conv2d(marked, weight, padding=padding) != 0
        input = torch.where(marked != 0, torch.nan, 1.0).bfloat16()
        if (conv2d(input, weight.bfloat16(), padding=padding).isnan() & ~reached).any():
            return True
    return False


BFLOAT16 = frozenset({"bfloat16"})
DEFECTS = (
    Defect(
        "an input without channels", drops_channels_without_input_channels, frozenset({"empty.in_channels.shape"}), None
    ),
    Defect("wrong bfloat16 kernels", has_wrong_bfloat16_kernels, None, BFLOAT16),
    Defect(
        "bfloat16 subnormals flushed", flushes_bfloat16_subnormals, frozenset({"accuracy.subnormal.bfloat16"}), BFLOAT16
    ),
    Defect("NaN spread in bfloat16", spreads_nan_in_bfloat16, frozenset({"special.local.bfloat16"}), BFLOAT16),
)


def present_defects(conv2d: Conv2d) -> list[Defect]:
    """Return the known defects that ``conv2d`` shows on this processor."""
    return [defect for defect in DEFECTS if defect.is_present(conv2d)]
