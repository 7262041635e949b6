"""Requests: the options of one check or one race, validated once and passed on as one object.

A field declares its option. The options of the command line and of pytest, the keys of ``[tool.convgauge]`` and the
JSON that a cluster's workers read are generated from the fields: an option is added by adding a field.
"""

from __future__ import annotations

import math
from dataclasses import Field, dataclass, field, fields
from enum import Enum
from keyword import iskeyword
from typing import Any, Literal, TypeAlias, get_args

from convgauge.domain import DomainError, domain_of
from convgauge.registry.reproducibility import UnknownAxisError, axes_of
from convgauge.terms import DIRECTIONS, PROFILES, REQUIREMENTS, TIERS, Direction, Profile, Requirement, Tier

OperandPlacement = Literal["hot", "cold"]
Interface = Literal["command line", "pytest"]

SUPPORTS_HELP = "condition of the calls that the targets support, e.g. 'groups == 1'; others are declined"
REPRODUCIBLE_HELP = "comma-separated axes of equal bits, required of the targets: run, batch, crop, …"
REFUSALS_HELP = "comma-separated exception classes that refuse a problem"


class RequestError(ValueError):
    """Option whose value cannot be used; the message is one sentence that names it.

    ``field`` is the name of the request's field, or "" if the error is not about one option.
    """

    def __init__(self, message: str, field: str = "") -> None:
        super().__init__(message)
        self.field = field


class Verbosity(Enum):
    """Amount of text that a check prints."""

    VERDICTS = "verdicts and first causes"
    FAULTS = "causes and progress"
    EVERY_SPEC = "a line for every spec, and reports of those that fail"


@dataclass(frozen=True)
class Option:
    """Appearance of a field among the options of a command line.

    ``help`` is one line without a period, ``metavar`` the placeholder of the value. ``flag`` replaces the field's name,
    and a one-letter flag stands alone. ``only_in`` names the only interface that has the option. A project's
    pyproject.toml can set the option if it ``is_configurable``. ``is_file`` marks the path of a file.
    """

    help: str
    metavar: str = ""
    flag: str = ""
    only_in: Interface | None = None
    is_configurable: bool = True
    is_file: bool = False


def option(
    default: Any,  # noqa: ANN401  # a field's default has the field's type
    help: str,
    metavar: str = "",
    *,
    flag: str = "",
    only_in: Interface | None = None,
    is_configurable: bool = True,
    is_file: bool = False,
) -> Any:  # noqa: ANN401  # as `dataclasses.field`
    """Return a dataclass field that carries its `Option`."""
    return field(default=default, metadata={"option": Option(help, metavar, flag, only_in, is_configurable, is_file)})


@dataclass(frozen=True)
class CheckRequest:
    """Options of one check.

    ``targets`` are the implementations as a user names them. ``timeout_s`` is in seconds for one call, ``memory_mib``
    in MiB of address space (0: no limit). Empty tuples stand for everything there is. ``after`` holds the calls that a
    reproduction makes before its case (`convgauge.conformance.replay.EarlierCall`).

    Raises
    ------
    RequestError
        If a profile, tier or dtype does not exist, a number is out of range, ``supports`` is not a domain, an axis
        of ``reproducible`` does not exist, or a refusal is not the name of a class.
    """

    targets: tuple[str, ...] = ()
    framework: str = option("", "arrays that a plain function takes: numpy, torch or jax")
    supports: str = option("", SUPPORTS_HELP, "EXPR")
    reproducible: tuple[str, ...] = option((), REPRODUCIBLE_HELP, "AXIS[,AXIS]")
    profile: Profile = option("functional", "kernel, functional, training or torch")
    tier: Tier = option("standard", "quick, standard or exhaustive")
    dtypes: tuple[str, ...] = option((), "comma-separated, e.g. float32,float64; default: all", flag="--dtype")
    devices: tuple[str, ...] = option((), "comma-separated, e.g. cpu,cuda:0; default: all present", flag="--device")
    require: Requirement = option("correct", "verdict for exit status 0: correct, complete or conformant")
    expect: str = option("", "TOML file of expected failures", "FILE", is_file=True)
    python: str = option("", "the Python that runs the implementation", "PATH")
    resume: str = option("", "continue an interrupted run", "RUN.jsonl", is_configurable=False, is_file=True)
    shard: str = option("", "run part K of N; `merge` joins the parts", "K/N", is_configurable=False)
    jobs: int = option(0, "specs judged at once; default: one per core, at most four", "N")
    label: str = option("", "name of this environment in reports", "NAME")
    timeout_s: float = option(20.0, "seconds for a call; six times that for a first on a shape", "S", flag="--timeout")
    memory_mib: int = option(0, "address space of the implementation in MiB; 0: no limit", "MIB", flag="--memory")
    refusals: tuple[str, ...] = option((), REFUSALS_HELP, "TYPE[,TYPE]")
    seed: int = option(0, "seed of all operands; default: 0")
    isolation: bool = option(True, "call the implementation in this process, for debuggers", flag="--no-isolation")
    output: str = option("", "write the run to this file", "RUN.jsonl", is_file=True)
    specs: tuple[str, ...] = option((), "comma-separated ids of the only specs to run", flag="--spec", only_in="pytest")
    case: str = option(
        "", "the only case to run, as a counterexample prints it", "CASE", flag="--only", only_in="pytest"
    )
    after: tuple[str, ...] = ()
    keyword: str = option(
        "", "run only specs whose test matches, as in pytest", "EXPR", flag="-k", only_in="command line"
    )
    exit_first: bool = option(False, "stop at the first spec that fails", flag="-x", only_in="command line")

    def __post_init__(self) -> None:
        """Raise `RequestError` if a value is not in its closed set or range."""
        _require_known("profile", self.profile, PROFILES)
        _require_known("tier", self.tier, TIERS)
        _require_known("require", self.require, REQUIREMENTS)
        if self.dtypes:
            from convgauge.dtypes import DTYPES  # imports NumPy

            for dtype in self.dtypes:
                _require_known("dtypes", dtype, tuple(DTYPES), noun="dtype")
        for name in self.refusals:
            _require_class_name(name)
        _require_domain(self.supports)
        _require_axes(self.reproducible)
        if self.jobs < 0:
            raise RequestError(f"jobs = {self.jobs}: must be at least 1, or 0 for one per core", "jobs")
        if not self.timeout_s > 0:
            raise RequestError(f"timeout = {self.timeout_s:g} s: must be greater than 0", "timeout_s")
        if self.memory_mib < 0:
            raise RequestError(f"memory = {self.memory_mib} MiB: must be at least 1, or 0 for no limit", "memory_mib")

    @property
    def selection(self) -> str:
        """The options that narrow the check, in words; "" for every spec of the profile and tier."""
        narrowing = (
            ("-k ", self.keyword),
            ("only the specs ", ",".join(self.specs)),
            ("only the case ", self.case),
            ("only in ", ",".join(self.dtypes)),
            ("only on ", ",".join(self.devices)),
        )
        return ", ".join(words + value for words, value in narrowing if value)


@dataclass(frozen=True)
class BenchRequest:
    """Options of one race.

    ``targets`` are the implementations as a user names them. ``supports`` and ``refusals`` do not hold for the
    baseline, which every layer needs. ``layers`` is a layer set's name, a file, or problems separated by commas.
    ``against`` replaces the baseline, and the exit status then reports regressions. ``budget_s`` is in seconds for the
    whole race (None: as much as the layer set needs).
    ``threads`` are thread counts of every engine; each is raced by itself.

    Raises
    ------
    RequestError
        If a number is out of range, the placement of operands does not exist, ``supports`` is not a domain, or a
        refusal is not the name of a class.
    """

    targets: tuple[str, ...] = ()
    framework: str = option("", "arrays that a plain function takes: numpy, torch or jax")
    supports: str = option("", SUPPORTS_HELP, "EXPR")
    refusals: tuple[str, ...] = option((), REFUSALS_HELP, "TYPE[,TYPE]")
    baseline: str = option("torch_conv2d", "implementation that ratios are relative to", "NAME")
    against: str = option("", "race the target against itself at this git revision, or another target", "REV|TARGET")
    margin: float = option(2.0, "with --against: slower by more than this is a regression", "PERCENT")
    layers: str = option("resnet50", "layer set, file, problem, sweep:AXIS or model.py:function")
    budget_s: float | None = option(None, "seconds for the whole race", "S", flag="--budget")
    threads: tuple[int, ...] = option((1,), "threads of every engine", "N[,N]")
    direction: Direction = option("forward", "what is timed: the output, or gradients")
    operands: OperandPlacement = option("hot", "hot: operands stay in the cache; cold: they rotate past it")
    explain: bool = option(False, "print what `auto` chose for each layer, and why")
    seed: int = option(0, "seed of operands and schedule; default: 0")
    label: str = option("", "name of this environment in reports", "NAME")
    output: str = option("", "write the run to this file", "RUN.jsonl", is_file=True)

    def __post_init__(self) -> None:
        """Raise `RequestError` if a value is not in its closed set or range."""
        _require_known("operands", self.operands, get_args(OperandPlacement))
        _require_known("direction", self.direction, DIRECTIONS)
        for name in self.refusals:
            _require_class_name(name)
        _require_domain(self.supports)
        if not 0 <= self.margin < math.inf:
            raise RequestError(f"margin = {self.margin:g} %: must be 0 or more", "margin")
        if self.budget_s is not None and not self.budget_s > 0:
            raise RequestError(f"budget = {self.budget_s:g} s: must be greater than 0", "budget_s")
        if not self.threads:
            raise RequestError("threads: at least one thread count is needed", "threads")
        for threads in self.threads:
            if threads < 1:
                raise RequestError(f"threads = {threads}: must be at least 1", "threads")


Request: TypeAlias = CheckRequest | BenchRequest


def option_fields(request: type[Request], interface: Interface) -> dict[str, Field[Any]]:
    """Return the fields of a request that are options of an interface, by name."""
    return {
        each.name: each
        for each in fields(request)
        if "option" in each.metadata and each.metadata["option"].only_in in (None, interface)
    }


def _require_known(field: str, value: str, known: tuple[str, ...], noun: str = "") -> None:
    if value not in known:
        raise RequestError(f"{noun or field} {value!r} is not one of {', '.join(known)}", field)


def _require_class_name(name: str) -> None:
    if not all(part.isidentifier() and not iskeyword(part) for part in name.split(".")):
        raise RequestError(
            f"refusals: {name!r} is not the name of an exception class, e.g. ValueError or package.module.TheirError",
            "refusals",
        )


def _require_domain(expression: str) -> None:
    """Raise `RequestError` if a text is not the expression of a domain; an empty text is everything."""
    try:
        domain_of(expression)
    except DomainError as error:
        raise RequestError(f"supports: {error}", "supports") from None


def _require_axes(names: tuple[str, ...]) -> None:
    """Raise `RequestError` if a name is no axis of reproducibility."""
    try:
        axes_of(names)
    except UnknownAxisError as error:
        raise RequestError(str(error), "reproducible") from None


def split_list(text: str) -> tuple[str, ...]:
    """Return the parts of a comma-separated value."""
    return tuple(filter(None, text.split(",")))
