"""Memory layouts as code: the lines that put an operand behind the strides of its layout."""

from __future__ import annotations

import math

from convgauge.conformance.bug_script.arrays import type_text
from convgauge.conformance.bug_script.failure import NoScriptError
from convgauge.domain import CONTIGUOUS
from convgauge.dtypes import DTYPES
from convgauge.worker.frameworks.base import ODD_STRIDE
from convgauge.worker.layouts import CARVERS, Maker, first_along, repeated_axis

USUAL = CONTIGUOUS[0]


class _Recorded:
    """Array of which only the code is known: it records what a layout does with its buffer."""

    def __init__(self, code: str) -> None:
        self.code = code

    def __getitem__(self, index: object) -> _Recorded:
        parts = index if isinstance(index, tuple) else (index,)
        return _Recorded(f"{self.code}[{', '.join(map(_index_text, parts))}]")

    def reshape(self, shape: tuple[int, ...]) -> _Recorded:
        return _Recorded(f"{self.code}.reshape({shape})")


def _index_text(part: object) -> str:
    if not isinstance(part, slice):
        return "..." if part is Ellipsis else str(part)
    bounds = ["" if bound is None else str(bound) for bound in (part.start, part.stop)]
    return ":".join(bounds if part.step is None else [*bounds, str(part.step)])


def layout_lines(name: str, layout: str, shape: tuple[int, ...], dtype: str, framework: str) -> list[str]:
    """Return the lines that give an operand a memory layout; none for a contiguous one.

    Parameters
    ----------
    name : str
        Name of the operand, which is assigned already. Its memory is then called ``NAME_memory``.
    layout : str
        Memory layout.
    shape : tuple of int
        Shape of the operand.
    dtype, framework : str
        Its dtype and framework.

    Raises
    ------
    NoScriptError
        If the layout cannot be written in the framework.
    """
    if layout == USUAL:
        return []
    if (framework, layout) in _FURTHER:
        return [line.format(name=name, shape=shape, stride=ODD_STRIDE) for line in _FURTHER[framework, layout]]
    if framework == "jax" or layout not in CARVERS:
        raise NoScriptError(f"its {name} has the memory layout {layout}, which a script does not write for {framework}")
    module, permute = {"numpy": ("np", "transpose"), "torch": ("torch", "permute")}[framework]
    fill = "np.nan" if DTYPES[dtype].kind in "fc" else f"np.iinfo(np.{dtype}).max"
    memory = f"{name}_memory"

    def buffer(size: tuple[int, ...]) -> _Recorded:
        memory_lines.append(f"{memory} = {module}.full({size}, {fill}, dtype={type_text(dtype, framework)})")
        return _Recorded(memory)

    def permuted(array: _Recorded, axes: tuple[int, ...]) -> _Recorded:
        return _Recorded(f"{array.code}.{permute}({axes})")

    memory_lines: list[str] = []
    _, view = CARVERS[layout](shape, Maker(buffer, permuted))
    axis = repeated_axis(layout, len(shape))
    if view.code == memory and axis is None:
        return []  # the layout is contiguous for an operand of so few axes
    source = name if axis is None else first_along(_Recorded(name), axis).code
    fill_line = [f"{view.code}[...] = {source}"] if math.prod(shape) else []
    whole = view.code if axis is None else _REPEATING[framework].format(view.code, shape)
    return [*memory_lines, *fill_line, f"{name} = {whole}"]


_REPEATING = {"numpy": "np.broadcast_to({}, {})", "torch": "{}.expand({})"}
"""Expression of an array that is repeated to a shape, by framework."""


_FURTHER: dict[tuple[str, str], list[str]] = {
    ("numpy", "readonly"): ["{name}.flags.writeable = False"],
    ("numpy", "unaligned"): [
        "{name}_memory = np.zeros({name}.nbytes + 1, np.uint8)",
        "{name}_memory[1:] = {name}.reshape(-1).view(np.uint8)",
        "{name} = {name}_memory[1:].view({name}.dtype).reshape({shape})",
    ],
    ("numpy", "bigendian"): ['{name} = {name}.astype({name}.dtype.newbyteorder(">"))'],
    ("numpy", "odd_strides"): [
        "{name}_strides = [s if n > 1 else {stride} * {name}.itemsize for n, s in zip({shape}, {name}.strides)]",
        "{name} = np.lib.stride_tricks.as_strided({name}, {shape}, {name}_strides)",
    ],
    ("torch", "odd_strides"): [
        "{name}_strides = [s if n > 1 else {stride} for n, s in zip({shape}, {name}.stride())]",
        "{name} = {name}.as_strided({shape}, {name}_strides)",
    ],
    ("torch", "negated"): ["{name} = torch._neg_view(-{name})"],
    ("torch", "conjugated"): ["{name} = {name}.conj().resolve_conj().conj()"],
}
"""Lines of the layouts that the adapters of frameworks make themselves, by framework and layout."""
