"""Declaration of an implementation, by a decorator or read from the source text."""

from __future__ import annotations

import inspect
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Callable, TypeVar

from convgauge.domain import Domain
from convgauge.registry.reproducibility import axes_of
from convgauge.terms import Computed

Function = TypeVar("Function", bound=Callable[..., Any])
Value = Any  # an argument or a result of an implementation

NORMWISE = ("fft", "winograd", "strassen")


@dataclass(frozen=True)
class Declaration:
    """Properties that an implementation declares.

    Parameters
    ----------
    name : str
        Name by which it is found.
    framework : str
        Name of its framework.
    algorithm : str
        Short name ("direct", "im2col", "fft"), or empty if it declares none.
    grade : str
        Declared accuracy ("A", "B" or "C"); empty if it declares none, then B is required.
    dtypes : tuple of str
        Dtypes that it supports; empty for all of its framework.
    declines : mapping
        Reason for each kind of problem that it declines.
    supports : str
        Domain of the calls that it supports, an expression (see `convgauge.domain`); empty for all calls.
    source : str
        Paper or library that describes the algorithm.
    summary : str
        First paragraph of its docstring.
    reproducible : tuple of str
        Axes along which it declares equal bits (see `convgauge.registry.reproducibility.AXES`); empty for none.
    direction : {"forward", "grad_input", "grad_weight"}
        What it computes: the output, or the gradient by the input or by the weight (`convgauge.registry.as_operator`).
    """

    name: str
    framework: str = ""
    algorithm: str = ""
    grade: str = ""
    dtypes: tuple[str, ...] = ()
    declines: Mapping[str, str] = field(default_factory=dict)
    source: str = ""
    summary: str = ""
    supports: str = ""
    reproducible: tuple[str, ...] = ()
    direction: Computed = "forward"


@dataclass
class Implementation:
    """A declared function, called by calling this object.

    The decorator ``prepare`` attaches the work that is done once per layer, ``calibrate`` the measurement of a machine,
    and ``explain`` the explanation of a choice. ``is_declared`` is False for a function without the decorator
    `implementation`. ``adaptations`` are sentences: how a target that is no function became one.
    """

    declaration: Declaration
    function: Callable[..., Any]
    prepared: Callable[..., Any] | None = None
    calibrated: Callable[[], Any] | None = None
    explained: Callable[..., str] | None = None
    is_declared: bool = True
    adaptations: tuple[str, ...] = ()

    def __call__(self, *args: Value, **kwargs: Value) -> Value:
        """Call the function."""
        return self.function(*args, **kwargs)

    def prepare(self, function: Function) -> Function:
        """Declare ``function(problem, weight, bias) -> run(input)`` as the work that is done once per layer."""
        self.prepared = function
        return function

    def calibrate(self, function: Function) -> Function:
        """Declare ``function()`` as the measurement that may take seconds once per machine; a race makes it first."""
        self.calibrated = function
        return function

    def explain(self, function: Function) -> Function:
        """Declare ``function(problem) -> text`` as the explanation of the choice for a prepared problem."""
        self.explained = function
        return function


def implementation(
    *,
    framework: str,
    algorithm: str,
    name: str = "",
    grade: str = "",
    dtypes: tuple[str, ...] = (),
    declines: Mapping[str, str] | None = None,
    source: str = "",
    supports: str = "",
    reproducible: tuple[str, ...] = (),
    direction: Computed = "forward",
) -> Callable[[Callable[..., Any]], Implementation]:
    """Declare the function below as an implementation.

    The arguments must be literals, since they are also read without running the file.

    Parameters
    ----------
    framework, algorithm, dtypes, declines, source, supports, reproducible, direction
        Properties; see `Declaration`.
    name : str
        Name; the function's by default.
    grade : str
        Declared accuracy. By default the accuracy that the algorithm can keep: "B" for FFT, Winograd and Strassen, "A"
        for all others.

    Raises
    ------
    DomainError
        If ``supports`` is not an expression of a domain.
    UnknownAxisError
        If ``reproducible`` names something else than an axis of reproducibility.
    """

    def declare(function: Callable[..., Any]) -> Implementation:
        values: dict[str, Any] = {"framework": framework, "algorithm": algorithm, "name": name, "grade": grade}
        values.update(dtypes=dtypes, declines=declines or {}, source=source, supports=supports)
        values.update(reproducible=reproducible, direction=direction)
        return Implementation(declaration_of(function.__name__, inspect.getdoc(function) or "", values), function)

    return declare


def declaration_of(function: str, doc: str, values: Mapping[str, Any]) -> Declaration:
    """Return the declaration of a function: the decorator's arguments, and defaults from its name and docstring.

    Raises `DomainError` if the domain of the supported calls is not an expression, and `UnknownAxisError`.
    """
    supports = values.get("supports", "")
    algorithm = values.get("algorithm", "")
    default_grade = "B" if algorithm.startswith(NORMWISE) else "A"
    return Declaration(
        name=values.get("name") or function,
        framework=values.get("framework", ""),
        algorithm=algorithm,
        grade=values.get("grade") or default_grade,
        dtypes=tuple(values.get("dtypes") or ()),
        declines=dict(values.get("declines") or {}),
        source=values.get("source", ""),
        summary=first_paragraph(doc),
        supports=Domain.parse(supports).text if supports else "",
        reproducible=axes_of(values.get("reproducible") or ()),
        direction=values.get("direction") or "forward",
    )


def first_paragraph(doc: str) -> str:
    """Return the first paragraph of a docstring in one line."""
    return doc.strip().split("\n\n")[0].replace("\n", " ")
