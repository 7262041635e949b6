"""Targets of a run: the implementations to judge, with their descriptions."""

from __future__ import annotations

from dataclasses import dataclass

from convgauge import registry
from convgauge.domain import Domain, domain_of
from convgauge.registry import Origin, TargetError, framework_names
from convgauge.request import CheckRequest, RequestError
from convgauge.results import ImplementationRecord
from convgauge.worker import frameworks
from convgauge.worker.call import Description


@dataclass
class Target:
    """Implementation of the run: its origin, its description once that is known, and the reason if it is absent.

    ``supports`` is the domain that the request declares, an expression; "" for everything, and
    ``required_axes`` are the axes of reproducibility that it declares.
    """

    origin: Origin
    description: Description | None = None
    absent: str = ""
    supports: str = ""
    required_axes: tuple[str, ...] = ()

    @property
    def name(self) -> str:
        """Name by which records refer to the implementation."""
        return self.origin.name

    @property
    def declared(self) -> Domain:
        """Domain that the implementation and the request declare together."""
        declared = self.description or self.origin.declaration
        return domain_of(declared.supports if declared else "") & domain_of(self.supports)

    @property
    def reproducible(self) -> tuple[str, ...]:
        """Axes of reproducibility that the implementation or the request declares."""
        declared = self.description or self.origin.declaration
        return registry.axes_of((*(declared.reproducible if declared else ()), *self.required_axes))


def resolve_targets(request: CheckRequest) -> list[Target]:
    """Return the targets that a request names. Raises `RequestError`."""
    try:
        origins = registry.resolve_all(request.targets, request.framework)
    except TargetError as error:
        raise RequestError(str(error)) from None
    # a library that is missing here may be installed for another Python
    return [
        Target(origin, None, "" if request.python else origin.absent, request.supports, request.reproducible)
        for origin in origins
    ]


def description_from_declaration(origin: Origin, devices: tuple[str, ...] = ("cpu",)) -> Description:
    """Return the description of an implementation that has not been loaded.

    It follows from the declaration, and from the dtypes and layouts of the framework.
    """
    declaration = origin.declaration or registry.Declaration(origin.name, origin.framework)
    kind = frameworks.adapter(declaration.framework or framework_names()[0])  # any, for a function that names none
    dtypes = tuple(dtype for dtype in kind.dtypes if not declaration.dtypes or dtype in declaration.dtypes)
    return Description(
        declaration.name, declaration.framework, declaration.algorithm, declaration.grade, dtypes, kind.layouts,
        devices, {}, supports=declaration.supports, reproducible=declaration.reproducible,
        direction=declaration.direction,
    )  # fmt: skip


def implementation_record(target: Target) -> ImplementationRecord:
    """Return the record that introduces an implementation: its description, or its declaration if it is absent."""
    description = target.description
    supports = "" if target.declared.is_everything else target.declared.text
    if description is None:
        declaration = target.origin.declaration or registry.Declaration(target.name, "")
        return ImplementationRecord(
            target.name,
            declaration.framework,
            declaration.algorithm,
            summary=declaration.summary,
            absent=target.absent,
            supports=supports,
            target=registry.short_target_of(target.origin),
            reproducible=list(target.reproducible),
        )
    return ImplementationRecord(
        target.name,
        description.framework,
        description.algorithm,
        description.grade,
        description.source,
        description.summary,
        list(description.dtypes),
        dict(description.declines),
        description.prepares,
        dict(description.versions),
        list(description.devices),
        adaptations=list(description.adaptations),
        supports=supports,
        target=registry.short_target_of(target.origin),
        reproducible=list(target.reproducible),
    )


def reproduction_options(origin: Origin, request: CheckRequest) -> tuple[str, ...]:
    """Return the options of the command line without which a reproduced case would be a different one."""
    words = ["--framework", origin.framework] if origin.framework else []
    supports = domain_of(request.supports)
    words += [] if supports.is_everything else ["--supports", supports.text]
    words += ["--reproducible", ",".join(request.reproducible)] if request.reproducible else []
    words += ["--python", registry.relative_to_here(request.python)] if request.python else []
    words += ["--memory", str(request.memory_mib)] if request.memory_mib else []
    words += ["--refusals", ",".join(request.refusals)] if request.refusals else []
    words += ["--timeout", f"{request.timeout_s:g}"] if request.timeout_s != CheckRequest.timeout_s else []
    return tuple(words)
