"""Cases, each one call that a spec judges: tables, products and sweeps of problems, and the text form of a case."""

from __future__ import annotations

import ast
import itertools
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, replace
from typing import Any

from convgauge.domain import CONTIGUOUS, fields_of
from convgauge.problem import Problem, ProblemError
from convgauge.worker.layouts import CARVERS, REPEATED

BASE = Problem(batch=2, in_channels=3, height=7, width=9, out_channels=4, kernel=(3, 2), padding=(1, 2), bias=True)
"""Default of a table's parameters: small, and of different sizes, so that a swap of two changes the output."""

EXOTIC_LAYOUTS = (
    *[name for name in CARVERS if name in REPEATED or name.startswith("reversed") or name.endswith("negative")],
    "readonly", "unaligned", "bigendian", "distant", "negated", "conjugated",
)  # fmt: skip
"""Memory layouts that few kernels support: a call with such an operand is answered rightly, or refused."""


@dataclass(frozen=True)
class Case:
    """One call of an implementation.

    The text form is ``PROBLEM;operands=wide;layouts=fortran,contiguous,contiguous;seed=3``; `parse` reads it.

    Attributes
    ----------
    problem : Problem
        Parameters of the convolution.
    operands : str
        Family of the operands: "exact" or a name of `convgauge.reference.operands.FAMILIES`.
    seed : int
        Seed of the operands.
    layouts : tuple of str
        Memory layouts of input, weight and bias.
    arguments : tuple of (str, value)
        Arguments that replace the problem's own in the call; the value None omits the argument.
    invalid_call : str
        Change that makes the call invalid, a name of `convgauge.conformance.invalid_calls.INVALID_CALLS`, or "".
    prepared : bool
        Make the call through ``prepare``.
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
        """Return the case of a text form.

        Parameters
        ----------
        text : str
            Text form of a case or of a problem.

        Raises
        ------
        ProblemError
            If the text is not a case.
        """
        problem, *parts = text.split(";")
        case = cls(Problem.parse(problem))
        for part in parts:
            name, equals, value = part.partition("=")
            argument, colon, literal = part.partition(":")
            if equals and name == "operands":
                case = replace(case, operands=value)
            elif equals and name in ("invalid_call", "tamper"):  # the second occurs in older reports
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

    def fields(self, device: str) -> dict[str, Any]:
        """Return the fields of the case's call on a device (see `convgauge.domain`)."""
        return fields_of(self.problem, self.keywords(), self.layouts, device, self.prepared)

    @property
    def is_exotic(self) -> bool:
        """True if an operand has an exotic memory layout, so that the call may be refused."""
        return any(layout in EXOTIC_LAYOUTS for layout in self.layouts)

    def keywords(self) -> dict[str, Any]:
        """Return the keyword arguments of the call."""
        merged = {**self.problem.arguments, **dict(self.arguments)}
        return {name: value for name, value in merged.items() if value is not None}


Needs = Callable[[Case], bool]
"""Predicate of a case: True if the statement of a spec holds for it, so that its check may judge it."""


def _literal(part: str, text: str) -> object:
    """Return the value of a Python literal. Raises `ProblemError`."""
    try:
        return ast.literal_eval(text)
    except (ValueError, SyntaxError):
        raise ProblemError(f"{part!r}: {text!r} is not a literal") from None


def problems(base: Problem = BASE, **axes: object) -> list[Problem]:
    """Return the problems of all combinations of values.

    Parameters
    ----------
    base : Problem
        Problem with the values of all other parameters.
    **axes
        Parameters of `Problem`, each with one value or a list of values.

    Returns
    -------
    list of Problem
        Combinations that are a convolution.
    """
    lists = {name: values if isinstance(values, list) else [values] for name, values in axes.items()}
    combinations = (dict(zip(lists, values, strict=True)) for values in itertools.product(*lists.values()))
    return _valid(base, combinations)


def sweep(base: Problem, axis: str, values: Iterable[int]) -> list[Problem]:
    """Return problems that differ in one size.

    Parameters
    ----------
    base : Problem
        Problem with all other parameters.
    axis : str
        Parameter of `Problem`; "kernel_h", "stride_w" and similar names are one half of a pair.
    values : iterable of int
        Values of the parameter; those without a convolution are left out.
    """
    return _valid(base, (_change(base, axis, value) for value in values))


def _valid(base: Problem, changes: Iterable[dict[str, Any]]) -> list[Problem]:
    """Return the base with each of the changes that leaves a valid problem."""
    valid = []
    for change in changes:
        try:
            valid.append(base.replace(**change))
        except ProblemError:
            continue
    return valid


def _change(base: Problem, axis: str, value: int) -> dict[str, Any]:
    """Return the change of a problem that sets one size."""
    if axis[-2:] not in ("_h", "_w"):
        return {axis: value}
    height, width = getattr(base, axis[:-2])
    return {axis[:-2]: (value, width) if axis.endswith("_h") else (height, value)}


def cases(problems: Iterable[Problem | Case], **changes: object) -> list[Case]:
    """Return problems as cases, each with ``changes`` (fields of `Case`)."""
    fields: dict[str, Any] = changes
    unchanged = [problem if isinstance(problem, Case) else Case(problem) for problem in problems]
    return [replace(case, **fields) for case in unchanged] if fields else unchanged


def with_arguments(problem: Problem, arguments: Mapping[str, Any]) -> Case:
    """Return a case whose call spells some arguments in another way: ``with_arguments(problem, {"stride": 2})``."""
    return Case(problem, arguments=tuple(arguments.items()))


def thin(cases: list[Case], budget: int) -> list[Case]:
    """Return at most ``budget`` of the cases, spread evenly from the first to the last."""
    if len(cases) <= budget:
        return cases
    step = (len(cases) - 1) / (budget - 1)
    return [cases[round(index * step)] for index in range(budget)]


def visible_shares(problem: Problem) -> Iterator[float]:
    """Yield the share of the output rows, and that of the columns, that depend on the input and not only on padding."""
    sizes = zip(
        problem.output_size, (problem.height, problem.width), problem.pads, problem.kernel, problem.stride,
        problem.dilation, strict=True,
    )  # fmt: skip
    for outputs, size, (before, _), kernel, stride, dilation in sizes:
        visible = [any(0 <= y * stride - before + i * dilation < size for i in range(kernel)) for y in range(outputs)]
        yield sum(visible) / outputs
