"""Problems: the parameters of one 2-D convolution, with a text form that is its id and can be parsed.

``n1c64h56w56_o64k3x3_s1x1_p1x1_d1x1_g1_b_float32`` is one image of 64 channels of 56 x 56, 64 outputs, a 3 x 3
kernel, stride, padding, dilation (height first), one group, a bias, float32. Padding may also read ``psame`` or
``pvalid``; ``_b`` is left out if there is no bias. ``_grad_input`` or ``_grad_weight`` at the end stands for the
gradient of that convolution by its input or by its weight.
"""

from __future__ import annotations

import dataclasses
import re
from dataclasses import dataclass
from functools import cached_property
from typing import Any, Literal, Union, get_args

from convgauge.dtypes import DTYPES
from convgauge.terms import COMPUTED, Computed

Pair = tuple[int, int]
Padding = Union[Pair, str]
Shape = tuple[int, int, int, int]

ProblemKind = Literal["depthwise", "grouped", "dilated", "strided", "pointwise", "kernel of 15 or more", "3×3", "other"]
PROBLEM_KINDS: tuple[ProblemKind, ...] = get_args(ProblemKind)
"""Kinds of problems, for which different algorithms are fast. A problem is of the first kind that applies."""

LARGE_KERNEL = 15
"""Rows or columns of a kernel from which FFT is usually faster than matrix products."""

_TEXT = re.compile(
    r"n(?P<batch>\d{1,10})c(?P<in_channels>\d{1,10})h(?P<height>\d{1,10})w(?P<width>\d{1,10})"
    r"_o(?P<out_channels>\d{1,10})k(?P<kh>\d{1,10})x(?P<kw>\d{1,10})"
    r"_s(?P<sh>\d{1,10})x(?P<sw>\d{1,10})"
    r"_p(?P<padding>same|valid|(?P<ph>\d{1,10})x(?P<pw>\d{1,10}))"
    r"_d(?P<dh>\d{1,10})x(?P<dw>\d{1,10})"
    r"_g(?P<groups>\d{1,10})"
    r"(?P<bias>_b)?"
    r"_(?P<dtype>[a-z]+\d{1,10})"
    r"(_(?P<direction>grad_input|grad_weight))?",
    re.ASCII,
)
EXAMPLE = "n1c64h56w56_o64k3x3_s1x1_p1x1_d1x1_g1_b_float32"
_LARGEST = 2**31 - 1


class ProblemError(ValueError):
    """Parameters that are not those of a convolution; the message states which one is wrong, and why."""


@dataclass(frozen=True)
class Problem:
    """Parameters of one convolution, or of one of its gradients, immutable and hashable.

    Shapes: input (batch, in_channels, height, width), weight (out_channels, in_channels / groups, height, width),
    bias (out_channels,) or None. Pairs are (height, width). Batch, channels and sizes may be 0.

    ``direction`` is "forward" for the output. For the gradient by the input or by the weight, the gradient of the
    output takes the place of that operand; the numbers are those of the convolution, which has no bias, and whose
    padding is a pair.

    Raises
    ------
    ProblemError
        The parameters do not fit together.
    """

    batch: int = 1
    in_channels: int = 1
    height: int = 1
    width: int = 1
    out_channels: int = 1
    kernel: Pair = (1, 1)
    stride: Pair = (1, 1)
    padding: Padding = (0, 0)
    dilation: Pair = (1, 1)
    groups: int = 1
    bias: bool = False
    dtype: str = "float32"
    direction: Computed = "forward"

    def __post_init__(self) -> None:
        try:
            is_valid = self._has_valid_numbers()
        except (TypeError, ValueError):
            is_valid = False
        if not is_valid:
            self._check_numbers()
        if self.dtype not in DTYPES:
            raise ProblemError(f"dtype {self.dtype!r} is not one of {', '.join(DTYPES)}")
        for name, channels in (("in_channels", self.in_channels), ("out_channels", self.out_channels)):
            if channels % self.groups:
                raise ProblemError(f"{name} = {channels} is not a multiple of groups = {self.groups}")
        if self.direction != "forward":
            self._check_gradient()
        if self.padding == "same" and self.stride != (1, 1):
            raise ProblemError(f"padding 'same' needs stride 1, not {self.stride}")
        for axis, size, extent, (before, after) in zip("hw", (self.height, self.width), self.extent, self.pads):
            if size + before + after < extent:
                raise ProblemError(
                    f"the kernel covers {extent} rows or columns ({axis}), more than the padded input's"
                    f" {size + before + after}: nothing to put out"
                )

    def _check_gradient(self) -> None:
        if self.direction not in COMPUTED:
            raise ProblemError(f"direction {self.direction!r} is not one of {', '.join(COMPUTED)}")
        if self.bias:
            raise ProblemError(f"a {self.direction} has no bias")
        if isinstance(self.padding, str):
            raise ProblemError(f"padding {self.padding!r} of a {self.direction} is not a pair")

    def _has_valid_numbers(self) -> bool:
        """Return True if all numbers are valid. It is fast; `_check_numbers` names the one that is not."""
        (kh, kw), (sh, sw), (dh, dw) = kernel, stride, dilation = self.kernel, self.stride, self.dilation
        padding = (0, 0) if self.padding in ("same", "valid") else self.padding
        sizes = (self.batch, self.in_channels, self.height, self.width, self.out_channels, *padding)
        positive = (kh, kw, sh, sw, dh, dw, self.groups)
        return (
            {type(kernel), type(stride), type(dilation), type(padding)} == {tuple}
            and len(sizes) == 7
            and set(map(type, sizes + positive)) == {int}
            and min(sizes) >= 0
            and min(positive) >= 1
            and max(sizes + positive) <= _LARGEST
        )

    def _check_numbers(self) -> None:
        if isinstance(self.padding, str) and self.padding not in ("same", "valid"):
            raise ProblemError(f"padding {self.padding!r} is neither a pair, 'same' nor 'valid'")
        padding = (0, 0) if isinstance(self.padding, str) else self.padding
        bounds: dict[str, tuple[int, object]] = {
            "batch": (0, self.batch),
            "in_channels": (0, self.in_channels),
            "height": (0, self.height),
            "width": (0, self.width),
            "out_channels": (0, self.out_channels),
            "groups": (1, self.groups),
            "kernel": (1, self.kernel),
            "stride": (1, self.stride),
            "padding": (0, padding),
            "dilation": (1, self.dilation),
        }
        for name, (bound, value) in bounds.items():
            numbers: tuple[object, ...] = (value,)
            if name in ("kernel", "stride", "padding", "dilation"):
                if not (isinstance(value, tuple) and len(value) == 2):
                    raise ProblemError(f"{name} = {value!r} is not a pair (height, width)")
                numbers = value
            for number in numbers:
                if type(number) is not int or not bound <= number <= _LARGEST:
                    raise ProblemError(f"{name} = {value!r}: each number must be a whole one from {bound} up")

    def __str__(self) -> str:
        return self.text

    @cached_property
    def text(self) -> str:
        """Id of the problem, which `parse` reads."""
        padding = self.padding if isinstance(self.padding, str) else "{}x{}".format(*self.padding)
        return (
            f"n{self.batch}c{self.in_channels}h{self.height}w{self.width}"
            f"_o{self.out_channels}k{self.kernel[0]}x{self.kernel[1]}"
            f"_s{self.stride[0]}x{self.stride[1]}_p{padding}_d{self.dilation[0]}x{self.dilation[1]}"
            f"_g{self.groups}{'_b' if self.bias else ''}_{self.dtype}"
            f"{'' if self.direction == 'forward' else '_' + self.direction}"
        )

    @classmethod
    def parse(cls, text: str) -> Problem:
        """Return the problem with the given id.

        Raises
        ------
        ProblemError
            The text is not an id; the message names its first wrong field.
        """
        match = _TEXT.fullmatch(text)
        if match is None:
            raise ProblemError(_first_error(text))
        got = match.groupdict()
        sizes = ("batch", "in_channels", "height", "width", "out_channels", "groups")
        return cls(
            **{name: int(got[name]) for name in sizes},
            kernel=(int(got["kh"]), int(got["kw"])),
            stride=(int(got["sh"]), int(got["sw"])),
            padding=got["padding"] if got["ph"] is None else (int(got["ph"]), int(got["pw"])),
            dilation=(int(got["dh"]), int(got["dw"])),
            bias=got["bias"] is not None,
            dtype=got["dtype"],
            direction=next((each for each in COMPUTED if each == got["direction"]), "forward"),
        )

    def replace(self, **changes: Any) -> Problem:  # noqa: ANN401 parameters of several types
        """Return this problem with some parameters changed."""
        return dataclasses.replace(self, **changes)

    @property
    def extent(self) -> Pair:
        """Rows and columns that the dilated kernel covers: d (k - 1) + 1."""
        return (self.dilation[0] * (self.kernel[0] - 1) + 1, self.dilation[1] * (self.kernel[1] - 1) + 1)

    @property
    def pads(self) -> tuple[Pair, Pair]:
        """Numbers of zeros ((above, below), (left of, right of)) the input.

        'same' adds extent - 1 along each axis, the odd one below and to the right.
        Source: torch.nn.functional.conv2d.
        """
        if self.padding == "same":
            (eh, ew) = self.extent
            return (((eh - 1) // 2, eh // 2), ((ew - 1) // 2, ew // 2))
        if isinstance(self.padding, str):
            return ((0, 0), (0, 0))
        return ((self.padding[0],) * 2, (self.padding[1],) * 2)

    @cached_property
    def output_size(self) -> Pair:
        """Output rows and columns: floor((size + pads - extent) / stride) + 1."""
        (top, bottom), (left, right) = self.pads
        return (
            (self.height + top + bottom - self.extent[0]) // self.stride[0] + 1,
            (self.width + left + right - self.extent[1]) // self.stride[1] + 1,
        )

    @cached_property
    def forward(self) -> Problem:
        """Convolution of which the problem is a gradient; the problem itself if it is none."""
        return self if self.direction == "forward" else self.replace(direction="forward")

    @property
    def input_shape(self) -> Shape:
        """Shape of the first operand: (N, C, H, W); for "grad_input" that of the gradient of the output."""
        return self._in_place("grad_input", (self.batch, self.in_channels, self.height, self.width))

    @property
    def weight_shape(self) -> Shape:
        """Shape of the second operand: (O, C/G, KH, KW); for "grad_weight" that of the gradient of the output."""
        return self._in_place("grad_weight", (self.out_channels, self.in_channels // self.groups, *self.kernel))

    @property
    def output_shape(self) -> Shape:
        """Shape of the result: (N, O, OH, OW); for a gradient that of the operand by which it is taken."""
        if self.direction == "forward":
            return (self.batch, self.out_channels, *self.output_size)
        return self.forward.input_shape if self.direction == "grad_input" else self.forward.weight_shape

    def _in_place(self, direction: Computed, shape: Shape) -> Shape:
        """Return the shape of an operand, or of the gradient of the output if that stands in its place."""
        return self.forward.output_shape if self.direction == direction else shape

    @property
    def kind(self) -> ProblemKind:
        """Kind of the problem. One group, or a dilation of one element, counts as none."""
        if self.groups > 1:
            return "depthwise" if self.groups == self.in_channels else "grouped"
        if self.extent != self.kernel:
            return "dilated"
        if self.stride != (1, 1):
            return "strided"
        if self.kernel == (1, 1):
            return "pointwise"
        if max(self.kernel) >= LARGE_KERNEL:
            return "kernel of 15 or more"
        return "3×3" if self.kernel == (3, 3) else "other"

    @property
    def reduction(self) -> int:
        """Number of products K of which one element of the result is the sum, those with padding included.

        It is C/G KH KW for an output, O/G KH KW for the gradient by the input, N OH OW for that by the weight.
        """
        return self.reduction_in(self.direction)

    def reduction_in(self, direction: Computed) -> int:
        """Return the number of products of one element of the output, or of a gradient of this convolution."""
        if direction == "grad_weight":
            return self.batch * self.output_size[0] * self.output_size[1]
        channels = self.in_channels if direction == "forward" else self.out_channels
        return channels // self.groups * self.kernel[0] * self.kernel[1]

    @property
    def flops(self) -> int:
        """Number of operations: 2 N O OH OW (C / G) KH KW, with the products with padding, without the bias.

        A gradient has as many as the output.
        """
        outputs = self.batch * self.out_channels * self.output_size[0] * self.output_size[1]
        return 2 * outputs * self.reduction_in("forward")

    @property
    def least_bytes(self) -> int:
        """Number of bytes moved if each operand is read once and the output is written once."""
        elements = sum(_product(shape) for shape in (self.input_shape, self.weight_shape, self.output_shape))
        width = {"float64": 8, "float32": 4, "float16": 2, "bfloat16": 2, "complex64": 8, "complex128": 16}
        size = width.get(self.dtype) or int(self.dtype[3:]) // 8
        return (elements + (self.out_channels if self.bias else 0)) * size

    @property
    def arguments(self) -> dict[str, Any]:
        """Keyword arguments of the call: stride, padding, dilation and groups, in their simplest form."""
        return {
            "stride": self.stride,
            "padding": self.padding,
            "dilation": self.dilation,
            "groups": self.groups,
        }


def _product(numbers: tuple[int, ...]) -> int:
    result = 1
    for number in numbers:
        result *= number
    return result


def _first_error(text: str) -> str:
    """Return a message about the first field of a problem's text that cannot be parsed."""
    fields = [
        ("n1c64h56w56 (batch, channels, height, width)", r"n\d+c\d+h\d+w\d+"),
        ("o64k3x3 (outputs, kernel)", r"o\d+k\d+x\d+"),
        ("s1x1 (stride)", r"s\d+x\d+"),
        ("p1x1, psame or pvalid (padding)", r"p(same|valid|\d+x\d+)"),
        ("d1x1 (dilation, 1 is dense)", r"d\d+x\d+"),
        ("g1 (groups)", r"g\d+"),
    ]
    parts = text.split("_")
    for index, (form, pattern) in enumerate(fields):
        part = parts[index] if index < len(parts) else ""
        if not re.fullmatch(pattern, part, re.ASCII):
            return f"problem {text!r}: field {index + 1} should look like {form}, not {part!r}; example: {EXAMPLE}"
    return (
        f"problem {text!r}: should end in an optional _b (bias), a dtype such as _float32, and _grad_input or"
        f" _grad_weight for a gradient; example: {EXAMPLE}"
    )
