"""Problems in the words of oneDNN's benchdnn: ``mb1ic64ih56oc64oh56kh3ph1n"res2a*3"``.

The grammar is that of benchdnn's convolution driver (oneDNN, tests/benchdnn/doc/knobs_conv.md): letters and numbers in
any order, ``_`` ignored, ``n`` last. Dilation 0 is dense. What is left out: mb 2, g 1, strides 1, dilations 0, no
padding unless the output's size asks for some (the same on both sides, where benchdnn's may differ by one); a width
is the height's where only one of them is given.
"""

from __future__ import annotations

import re

from convgauge.problem import Problem, ProblemError

_FIELD = re.compile(r"(mb|g|ic|oc|id|od|ih|oh|iw|ow|kd|sd|pd|dd|kh|kw|sh|sw|ph|pw|dh|dw)(\d{1,10})")
_NAMED = re.compile(r'n"?(?P<name>[^"*]*?)(?:\*(?P<count>\d+))?"?')
_DEPTH = ("id", "od", "kd", "sd", "pd", "dd")


def is_descriptor(text: str) -> bool:
    """Whether a text begins as a descriptor does."""
    return re.match(r"_?(mb|g|ic|ih)\d", text) is not None


def parse(text: str) -> tuple[Problem, int, str]:
    """(problem, multiplicity, name) of a descriptor; float32, no bias. Raises `ProblemError`."""
    found: dict[str, int] = {}
    place, name, count = 0, "", 1
    while place < len(text):
        if text[place] == "_":
            place += 1
        elif (field := _FIELD.match(text, place)) is not None:
            found[field[1]] = int(field[2])
            place = field.end()
        elif (named := _NAMED.fullmatch(text, place)) is not None:
            name, count = named["name"], int(named["count"] or 1)
            break
        else:
            raise ProblemError(f"descriptor {text!r}: {text[place:]!r} is no field of benchdnn's")
    return _problem(text, found), count, name


def _problem(text: str, found: dict[str, int]) -> Problem:
    if any(name in found for name in _DEPTH):
        raise ProblemError(f"descriptor {text!r}: a depth makes it three-dimensional")
    for name in ("ic", "oc"):
        if name not in found:
            raise ProblemError(f"descriptor {text!r}: has no {name}")

    def pair(letter: str, default: int | None = None) -> tuple[int, int]:
        high, wide = found.get(f"{letter}h"), found.get(f"{letter}w")
        first = next((value for value in (high, wide, default) if value is not None), None)
        if first is None:
            raise ProblemError(f"descriptor {text!r}: has neither {letter}h nor {letter}w")
        return (first if high is None else high, first if wide is None else wide)

    size, kernel, stride, gaps = pair("i"), pair("k"), pair("s", 1), pair("d", 0)
    dilation = (gaps[0] + 1, gaps[1] + 1)
    output = pair("o") if "oh" in found or "ow" in found else None
    axes = range(2)
    padding = pair("p", 0)
    if output is not None and "ph" not in found and "pw" not in found:
        reach = [(output[i] - 1) * stride[i] - size[i] + (kernel[i] - 1) * dilation[i] + 1 for i in axes]
        padding = (max(0, -(-reach[0] // 2)), max(0, -(-reach[1] // 2)))
    problem = Problem(
        found.get("mb", 2), found["ic"], *size, found["oc"], kernel, stride, padding, dilation, found.get("g", 1)
    )
    if output is not None and problem.output_size != output:
        raise ProblemError(
            f"descriptor {text!r}: no even padding gives an output of {output[0]}x{output[1]}; {problem} has"
            f" {problem.output_size[0]}x{problem.output_size[1]}"
        )
    return problem
