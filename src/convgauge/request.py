"""The request: the options of one check, validated once and passed on as one object.

A field declares its option, and pytest's options are generated from the fields.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from enum import Enum
from typing import Any

from convgauge.terms import PROFILES, TIERS, Profile, Tier


class RequestError(ValueError):
    """An option whose value cannot be used; the message is one sentence that names it."""


class Verbosity(Enum):
    """Amount of text that a check prints."""

    VERDICTS = "verdicts only"
    FAULTS = "faults and progress"
    EVERY_SPEC = "a line for every spec"


@dataclass(frozen=True)
class Option:
    """The appearance of a field among pytest's options.

    ``help`` is one line without a period, ``metavar`` the placeholder of the value. ``flag`` replaces the field's own
    name.
    """

    help: str
    metavar: str = ""
    flag: str = ""


def option(default: Any, help: str, metavar: str = "", *, flag: str = "") -> Any:
    """Return a dataclass field that carries its `Option`."""
    return field(default=default, metadata={"option": Option(help, metavar, flag)})


@dataclass(frozen=True)
class CheckRequest:
    """The options of one check.

    ``targets`` are the implementations as a user names them. ``timeout_s`` is in seconds for one call, ``memory_mib``
    in MiB of address space (0: no limit). ``keyword`` and ``exit_first`` are pytest's own ``-k`` and ``-x``. Empty
    tuples stand for everything there is. Raises `RequestError` for a profile, tier, dtype or number
    that does not exist.
    """

    targets: tuple[str, ...] = ()
    framework: str = option("", "arrays that a plain function takes: numpy, torch or jax")
    profile: Profile = option("functional", "kernel, functional, training or torch")
    tier: Tier = option("standard", "quick, standard or exhaustive")
    dtypes: tuple[str, ...] = option((), "comma-separated, e.g. float32,float64; default: all", flag="--dtype")
    devices: tuple[str, ...] = option((), "comma-separated, e.g. cpu,cuda:0; default: all present", flag="--device")
    expect: str = option("", "TOML file of expected failures", "FILE")
    python: str = option("", "the Python that runs the implementation", "PATH")
    resume: str = option("", "continue an interrupted run", "RUN.jsonl")
    shard: str = option("", "run part K of N; `merge` joins the parts", "K/N")
    jobs: int = option(0, "specs judged at once; default: one per core, at most four", "N")
    label: str = option("", "name of this environment in reports", "NAME")
    timeout_s: float = option(20.0, "seconds for one call", "S", flag="--timeout")
    memory_mib: int = option(0, "address space of the implementation in MiB; 0: no limit", "MIB", flag="--memory")
    seed: int = option(0, "seed of all operands")
    isolation: bool = option(True, "call the implementation in this process, for debuggers", flag="--no-isolation")
    output: str = option("", "write the run to this file", "RUN.jsonl")
    specs: tuple[str, ...] = option((), "comma-separated ids of the only specs to run", flag="--spec")
    case: str = option("", "the only case to run, as a counterexample prints it", "CASE", flag="--only")
    keyword: str = ""
    exit_first: bool = False

    def __post_init__(self) -> None:
        """Raise `RequestError` if a value is not in its closed set."""
        _require_known("profile", self.profile, PROFILES)
        _require_known("tier", self.tier, TIERS)
        if self.dtypes:
            from convgauge.dtypes import DTYPES  # imports NumPy

            for dtype in self.dtypes:
                _require_known("dtype", dtype, tuple(DTYPES))
        if self.jobs < 0:
            raise RequestError(f"jobs = {self.jobs}: at least 1, or 0 for one per core")

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


def _require_known(name: str, value: str, known: tuple[str, ...]) -> None:
    if value not in known:
        raise RequestError(f"{name} {value!r} is not one of {', '.join(known)}")


def split_list(text: str) -> tuple[str, ...]:
    """Return the parts of a comma-separated value."""
    return tuple(filter(None, text.split(",")))
