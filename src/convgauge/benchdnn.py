"""Problem descriptors of oneDNN's benchdnn, read and written: ``mb1ic64ih56oc64oh56kh3ph1n"res2a"``.

The grammar is ``gXmbX_icXidXihXiwX_ocXodXohXowX_kdXkhXkwX_sdXshXswX_pdXphXpwX_ddXdhXdwX_nNAME``: fields in any order,
``_`` means nothing, ``n`` begins the name and ends the problem. Defaults are g1, mb2, stride 1, dilation 0, where
**0 means dense**. A width that is left out is the height; where only widths are given, heights are 1. A padding that is
left out follows from the output's size: p = ((o - 1) s - i + (k - 1)(d + 1) + 1) / 2.
See https://github.com/uxlfoundation/oneDNN, tests/benchdnn/doc/knobs_conv.md.
"""

from __future__ import annotations

import re
from dataclasses import dataclass

from convgauge.problem import Problem, ProblemError

EXAMPLE = "mb1ic64ih56oc64oh56kh3ph1"
_FIELD = re.compile(r"(mb|g|[io]c|[iokspd][dhw])(\d+)", re.ASCII)
_TIMES = re.compile(r"(?P<name>.*)\*(?P<count>\d+)", re.ASCII)


@dataclass(frozen=True)
class Descriptor:
    """What one descriptor says: the problem, its name, and how often it stands in its network (``name*4``)."""

    problem: Problem
    name: str = ""
    count: int = 1


def read(text: str, *, bias: bool = False, dtype: str = "float32") -> Descriptor:
    """The descriptor ``text``; bias and dtype are no part of one. Raises `ProblemError`, saying what is wrong.

    Three-dimensional problems, and those padded more on one side than on the other, are refused.
    """
    fields, name = _fields(text)
    for axis in "iokspd":
        depth = fields.pop(f"{axis}d", None)
        if depth is not None and depth != (0 if axis in "pd" else 1):
            raise ProblemError(f"descriptor {text!r}: {axis}d{depth} makes it three-dimensional")
    for needed in ("ic", "oc"):
        if needed not in fields:
            raise ProblemError(f"descriptor {text!r} has no {needed}; example: {EXAMPLE}")
    (kernel, stride, padding, dilation, size) = zip(
        *(_axis(text, _along(text, fields, axis), axis) for axis in "hw"), strict=True
    )
    problem = Problem(
        batch=fields.get("mb", 2), in_channels=fields["ic"], height=size[0], width=size[1], out_channels=fields["oc"],
        kernel=kernel, stride=stride, padding=padding, dilation=dilation, groups=fields.get("g", 1), bias=bias,
        dtype=dtype,
    )  # fmt: skip
    for axis, found in zip("hw", problem.output_size, strict=True):
        said = _along(text, fields, axis).get("o", found)
        if said != found:
            raise ProblemError(
                f"descriptor {text!r}: o{axis}{said} is not the {found} that its sizes give, unless it is padded more"
                " on one side, which is not supported"
            )
    match = _TIMES.fullmatch(name)
    return Descriptor(problem, match["name"], int(match["count"])) if match else Descriptor(problem, name)


def write(problem: Problem, name: str = "", count: int = 1) -> str:
    """The shortest descriptor that `read` reads back as ``problem``. Raises `ProblemError` where padding is uneven."""
    (top, bottom), (left, right) = problem.pads
    if top != bottom or left != right:
        raise ProblemError(f"{problem} is padded more on one side than on the other, which a descriptor cannot say")
    values = {
        "i": (problem.height, problem.width),
        "o": problem.output_size,
        "k": problem.kernel,
        "s": problem.stride,
        "p": (top, left),
        "d": (problem.dilation[0] - 1, problem.dilation[1] - 1),
    }
    square = all(height == width for height, width in values.values())
    default = {"s": (1, 1), "d": (0, 0)}

    def sizes(letter: str) -> str:
        if values[letter] == default.get(letter):
            return ""
        height, width = values[letter]
        return f"{letter}h{height}" if square else f"{letter}h{height}{letter}w{width}"

    text = f"g{problem.groups}" if problem.groups != 1 else ""
    text += f"mb{problem.batch}ic{problem.in_channels}{sizes('i')}oc{problem.out_channels}{sizes('o')}"
    text += "".join(map(sizes, "kspd"))
    label = f"{name}*{count}" if count != 1 else name
    return text + (f'n"{label}"' if label else "")


def _fields(text: str) -> tuple[dict[str, int], str]:
    """The numbers by their letters, and the name."""
    fields: dict[str, int] = {}
    place = 0
    while place < len(text):
        if text[place] == "_":
            place += 1
            continue
        if text[place] == "n":
            return fields, text[place + 1 :].strip('"')
        match = _FIELD.match(text, place)
        if match is None:
            raise ProblemError(f"descriptor {text!r}: {text[place:]!r} is no field; example: {EXAMPLE}")
        if match[1] in fields:
            raise ProblemError(f"descriptor {text!r}: {match[1]} stands twice")
        fields[match[1]] = int(match[2])
        place = match.end()
    return fields, ""


def _along(text: str, fields: dict[str, int], axis: str) -> dict[str, int]:
    """The sizes along one axis: input, output, kernel, stride, padding and dilation, as far as they are known."""
    flat = not any(letter + "h" in fields for letter in "ik")
    found = {}
    for letter in "iokspd":
        own, height = fields.get(letter + axis), fields.get(letter + "h")
        if axis == "h" and flat:
            found[letter] = 0 if letter in "pd" else 1
        elif own is not None:
            found[letter] = own
        elif axis == "w" and height is not None:
            found[letter] = height
    for letter in "ik":
        if letter not in found:
            raise ProblemError(f"descriptor {text!r} has no {letter}{axis}; example: {EXAMPLE}")
    return found


def _axis(text: str, sizes: dict[str, int], axis: str) -> tuple[int, int, int, int, int]:
    """(kernel, stride, padding, dilation from 1, size) along one axis."""
    stride, dilation = sizes.get("s", 1), sizes.get("d", 0) + 1
    padding = sizes.get("p", 0)
    if "p" not in sizes and "o" in sizes:
        both = (sizes["o"] - 1) * stride - sizes["i"] + (sizes["k"] - 1) * dilation + 1
        padding = max(0, both) // 2
    return sizes["k"], stride, padding, dilation, sizes["i"]
