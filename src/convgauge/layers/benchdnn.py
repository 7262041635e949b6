"""Descriptors of oneDNN's benchdnn: ``mb1ic64ih56oc64oh56kh3ph1n"res2a*3"``.

The grammar is that of benchdnn's convolution driver (oneDNN, tests/benchdnn/doc/knobs_conv.md): fields of letters and a
number in any order, ``_`` ignored, the name after ``n`` last. Dilation 0 is dense. Defaults: mb 2, g 1, strides 1,
dilations 0. If only the height or only the width of a field is given, it stands for both. A padding that is not given
follows from the size of the output, the same on both sides (benchdnn's sides may differ by one), and is 0 without one.
"""

from __future__ import annotations

import re

from convgauge.problem import Problem, ProblemError

_FIELD = re.compile(r"(mb|g|[io]c|[iokspd][dhw])(\d{1,10})", re.ASCII)
_NAME = re.compile(r'n"?(?P<name>[^"*]*?)(?:\*(?P<count>\d+))?"?', re.ASCII)
_FLAT = {"id": 1, "od": 1, "kd": 1, "sd": 1, "pd": 0, "dd": 0}
"""Values of the depth of a two-dimensional problem."""


def is_descriptor(text: str) -> bool:
    """Return True if a text begins as a descriptor does."""
    return re.match(r"_?(mb|g|ic|ih)\d", text) is not None


def parse(text: str) -> tuple[Problem, int, str]:
    """Return the problem (float32, no bias), its multiplicity and its name.

    Raises
    ------
    ProblemError
        If the text is not a descriptor, or if its problem is three-dimensional or padded unevenly.
    """
    fields, name, count = _split(text)
    for depth, flat in _FLAT.items():
        if fields.get(depth, flat) != flat:
            raise ProblemError(f"descriptor {text!r}: {depth}{fields[depth]} makes it three-dimensional")
    for channels in ("ic", "oc"):
        if channels not in fields:
            raise ProblemError(f"descriptor {text!r}: has no {channels}")
    return _problem(text, fields), count, name


def _split(text: str) -> tuple[dict[str, int], str, int]:
    """Return the numbers by their letters, the name, and the multiplicity."""
    fields: dict[str, int] = {}
    index = 0
    while index < len(text):
        if text[index] == "_":
            index += 1
        elif field := _FIELD.match(text, index):
            if field[1] in fields:
                raise ProblemError(f"descriptor {text!r}: {field[1]} stands twice")
            fields[field[1]] = int(field[2])
            index = field.end()
        elif name := _NAME.fullmatch(text, index):
            return fields, name["name"], int(name["count"] or 1)
        else:
            raise ProblemError(f"descriptor {text!r}: {text[index:]!r} is not a field of benchdnn")
    return fields, "", 1


def _problem(text: str, fields: dict[str, int]) -> Problem:
    size, kernel = _pair(text, fields, "i"), _pair(text, fields, "k")
    stride, gaps = _pair(text, fields, "s", 1), _pair(text, fields, "d", 0)
    padding, dilation = _pair(text, fields, "p", 0), (gaps[0] + 1, gaps[1] + 1)
    output = _pair(text, fields, "o") if fields.keys() & {"oh", "ow"} else None
    if output is not None and not fields.keys() & {"ph", "pw"}:
        both = [(output[i] - 1) * stride[i] - size[i] + (kernel[i] - 1) * dilation[i] + 1 for i in range(2)]
        padding = (max(0, -(-both[0] // 2)), max(0, -(-both[1] // 2)))
    problem = Problem(
        fields.get("mb", 2), fields["ic"], *size, fields["oc"], kernel, stride, padding, dilation, fields.get("g", 1)
    )
    if output is not None and problem.output_size != output:
        raise ProblemError(
            f"descriptor {text!r}: no even padding gives an output of {output[0]}x{output[1]}; {problem} has"
            f" {problem.output_size[0]}x{problem.output_size[1]}"
        )
    return problem


def _pair(text: str, fields: dict[str, int], letter: str, default: int | None = None) -> tuple[int, int]:
    """Return (height, width) of a field; either one stands for the other."""
    height, width = fields.get(f"{letter}h"), fields.get(f"{letter}w")
    first = next((value for value in (height, width, default) if value is not None), None)
    if first is None:
        raise ProblemError(f"descriptor {text!r}: has neither {letter}h nor {letter}w")
    return (first if height is None else height, first if width is None else width)
