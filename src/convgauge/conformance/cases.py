"""A case: one call that a spec judges. Cases are drawn by tables, products and sweeps, and read back from text."""

from __future__ import annotations

import ast
import itertools
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, replace
from typing import Any

from convgauge.problem import Problem, ProblemError
from convgauge.worker.call import CONTIGUOUS

BASE = Problem(
    batch=2, in_channels=3, height=7, width=9, out_channels=4, kernel=(3, 2), padding=(1, 2), bias=True
)  # fmt: skip
"""What a table leaves unsaid: small, with no two sizes alike, so that a swap of any two shows."""


@dataclass(frozen=True)
class Case:
    """One call: a problem, the family and seed of its operands, their layouts, and the spelling of the arguments.

    ``arguments`` replace the problem's own in the call, as (name, value) pairs; the value None omits the argument.
    ``invalid_call`` names a change that makes the call invalid (see `convgauge.conformance.invalid_calls`).
    ``prepared`` sends the call through ``prepare``. The text form reads back:
    ``PROBLEM;operands=wide;layouts=fortran,contiguous,contiguous;seed=3``.
    """

    problem: Problem
    operands: str = "exact"
    seed: int = 0
    layouts: tuple[str, str, str] = CONTIGUOUS
    arguments: tuple[tuple[str, Any], ...] = ()
    invalid_call: str = ""
    prepared: bool = False

    def __str__(self) -> str:
        parts = [self.problem.text]
        if self.operands != "exact":
            parts.append(f"operands={self.operands}")
        if self.layouts != CONTIGUOUS:
            parts.append(f"layouts={','.join(self.layouts)}")
        parts += [f"{name}:{value!r}" for name, value in self.arguments]
        if self.invalid_call:
            parts.append(f"invalid_call={self.invalid_call}")
        if self.prepared:
            parts.append("prepared=1")
        if self.seed:
            parts.append(f"seed={self.seed}")
        return ";".join(parts)

    @classmethod
    def parse(cls, text: str) -> Case:
        """The case that ``text`` stands for. Raises `ProblemError`."""
        problem, *parts = text.split(";")
        case = cls(Problem.parse(problem))
        for part in parts:
            name, equals, value = part.partition("=")
            argument, colon, literal = part.partition(":")
            if equals and name == "operands":
                case = replace(case, operands=value)
            elif equals and name in ("invalid_call", "tamper"):  # the second is that of older reports
                case = replace(case, invalid_call=value)
            elif equals and name == "seed" and value.isdecimal():
                case = replace(case, seed=int(value))
            elif equals and name == "prepared":
                case = replace(case, prepared=value == "1")
            elif equals and name == "layouts" and value.count(",") == 2:
                first, second, third = value.split(",")
                case = replace(case, layouts=(first, second, third))
            elif colon:
                case = replace(case, arguments=(*case.arguments, (argument, _literal(part, literal))))
            else:
                raise ProblemError(
                    f"{part!r} is not operands=, layouts=a,b,c, seed=, prepared=, invalid_call= or name:value"
                )
        return case

    def keywords(self) -> dict[str, Any]:
        """The keyword arguments of the call."""
        merged = {**self.problem.arguments, **dict(self.arguments)}
        return {name: value for name, value in merged.items() if value is not None}


def _literal(part: str, text: str) -> Any:
    try:
        return ast.literal_eval(text)
    except (ValueError, SyntaxError):
        raise ProblemError(f"{part!r}: {text!r} is not a literal") from None


def problems(base: Problem = BASE, **axes: Any) -> list[Problem]:
    """The product of the ``axes``' values, everything else as in ``base``.

    Combinations that are no convolution drop out. An axis is a parameter of `Problem` with one value or a list of them.
    """
    lists = {name: values if isinstance(values, list) else [values] for name, values in axes.items()}
    found = []
    for chosen in itertools.product(*lists.values()):
        try:
            found.append(base.replace(**dict(zip(lists, chosen, strict=True))))
        except ProblemError:
            continue
    return found


def sweep(base: Problem, axis: str, values: Iterable[int]) -> list[Problem]:
    """``base`` with one size going through ``values``; "kernel_h", "stride_w" and the like name half of a pair."""
    found = []
    for value in values:
        try:
            found.append(base.replace(**_one(base, axis, value)))
        except ProblemError:
            continue
    return found


def _one(base: Problem, axis: str, value: int) -> dict[str, Any]:
    if axis[-2:] not in ("_h", "_w"):
        return {axis: value}
    height, width = getattr(base, axis[:-2])
    return {axis[:-2]: (value, width) if axis.endswith("_h") else (height, value)}


def cases(what: Iterable[Problem | Case], **changes: Any) -> list[Case]:
    """Problems as cases, each with ``changes`` (fields of `Case`)."""
    made = [one if isinstance(one, Case) else Case(one) for one in what]
    return [replace(one, **changes) for one in made] if changes else made


def with_arguments(problem: Problem, arguments: Mapping[str, Any]) -> Case:
    """A case whose call spells some arguments otherwise: ``with_arguments(problem, {"stride": 2})``."""
    return Case(problem, arguments=tuple(arguments.items()))


def thin(made: list[Case], budget: int) -> list[Case]:
    """At most ``budget`` of the cases, spread evenly from the first to the last."""
    if len(made) <= budget:
        return made
    step = (len(made) - 1) / (budget - 1)
    return [made[round(place * step)] for place in range(budget)]


def visible_shares(problem: Problem) -> Iterator[float]:
    """The share of the output rows, and of the columns, that see the input at all and not only padding."""
    sizes = zip(
        problem.output_size, (problem.height, problem.width), problem.pads, problem.kernel, problem.stride,
        problem.dilation, strict=True,
    )  # fmt: skip
    for outputs, size, (before, _), kernel, stride, dilation in sizes:
        seen = [any(0 <= y * stride - before + i * dilation < size for i in range(kernel)) for y in range(outputs)]
        yield sum(seen) / outputs
