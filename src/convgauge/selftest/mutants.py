"""Declarations of mutants, which the specification must kill, and of correct builds, which it must not fail.

The files of mutants are run by the engine and not imported, as implementations are. Their declarations are read from
the files' text, and each function is loaded in a child process of its own.
"""

from __future__ import annotations

import ast
from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path

import msgspec

from convgauge import registry
from convgauge.bundled import bundled
from convgauge.conformance.spec import Spec
from convgauge.diagnosis.kinds import MechanismKind
from convgauge.registry import Origin
from convgauge.terms import Profile, Tier

_DECORATORS = {"mutant": True, "correct": False}
"""Decorators that declare a function, and the value of `Mutant.faulty`."""


class Mutant(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Declaration of a mutant, or of a correct build if ``faulty`` is False.

    Attributes
    ----------
    name, path
        The function and its file.
    sentence
        Statement of what is computed instead, or of what is unusual about a correct build.
    mechanism
        Kind of the fault; None for a correct build.
    also
        Further kinds that describe the fault as well. A comment in the file states why.
    framework
        Framework of the operands.
    profile, tier
        Profile, and smallest tier, in which a mutant is due to be killed.
    killed_by
        Ids of required specs that kill it: the most specific ones, not all.
    advised_by
        Ids of recommended specs that report it.
    smoke
        True if it passes the usual smoke test.
    problem
        Problem of its smoke test, if it refuses the usual one.
    timeout
        Limit of a call in seconds.
    """

    name: str
    path: Path
    sentence: str
    faulty: bool
    mechanism: MechanismKind | None = None
    also: tuple[MechanismKind, ...] = ()
    framework: str = "numpy"
    profile: Profile = "functional"
    killed_by: tuple[str, ...] = ()
    advised_by: tuple[str, ...] = ()
    smoke: bool = True
    problem: str = ""
    tier: Tier = "quick"
    timeout: float = 20.0

    @property
    def kinds(self) -> tuple[MechanismKind, ...]:
        """Kinds that describe the fault, the declared one first; none for a correct build."""
        return () if self.mechanism is None else (self.mechanism, *self.also)

    @property
    def origin(self) -> Origin:
        """Origin of the function, as of any function that the command line names."""
        return registry.resolve(f"{self.path}:{self.name}", self.framework)[0]

    @property
    def sources(self) -> list[Path]:
        """Files that the function depends on: its own, and those that its folder and the one above share."""
        return [self.path, *sorted(self.path.parent.glob("_*.py")), *sorted(folder().glob("_*.py"))]

    def names(self, spec: str) -> bool:
        """Return True if the declaration names a spec."""
        return spec in self.killed_by or spec in self.advised_by


def folder() -> Path:
    """Return the folder of the mutants, in the installed package or in a checkout."""
    return bundled("mutants")


def mutants(root: Path | None = None) -> list[Mutant]:
    """Return all mutants, then all correct builds, in the order of files and lines.

    Raises
    ------
    ValueError
        If a name is used twice, or if a declaration has an unknown keyword, mechanism, profile or tier.
    """
    root = root or folder()
    declared: dict[str, Mutant] = {}
    for path in [*sorted(root.glob("[a-z]*.py")), *sorted((root / "correct").glob("[a-z]*.py"))]:
        for mutant in _scan(path):
            if mutant.name in declared:
                raise ValueError(f"{path} and {declared[mutant.name].path} both declare {mutant.name}")
            declared[mutant.name] = mutant
    return list(declared.values())


def select(words: Sequence[str], declared: Iterable[Mutant] | None = None) -> list[Mutant]:
    """Return the mutants whose name has one of the words or whose file is one of them; all if there is no word."""
    declared = mutants() if declared is None else declared
    return [
        mutant
        for mutant in declared
        if not words or any(word in mutant.name or word == mutant.path.stem for word in words)
    ]


def by_spec(declared: Iterable[Mutant], specs: Iterable[Spec]) -> dict[str, list[Mutant]]:
    """Return the mutants and correct builds that name each spec, by its id.

    Raises
    ------
    ValueError
        If ``killed_by`` names anything but the id of a required spec, or ``advised_by`` of a recommended one.
    """
    levels = {spec.id: spec.level for spec in specs}
    naming: dict[str, list[Mutant]] = {id: [] for id in levels}
    for mutant in declared:
        for level, ids in (("required", mutant.killed_by), ("recommended", mutant.advised_by)):
            for id in ids:
                # a measured spec is required of a mutant that declares its axis
                if levels.get(id) not in (level, "measured" if level == "required" else level):
                    raise ValueError(f"{mutant.path}: {mutant.name} names {id}, which is not a {level} spec")
                naming[id].append(mutant)
    return naming


def _scan(path: Path) -> Iterator[Mutant]:
    """Yield the declarations ``@mutant(…)`` and ``@correct(…)`` of a file."""
    for node in ast.parse(path.read_text(encoding="utf-8"), filename=str(path)).body:
        if not isinstance(node, ast.FunctionDef | ast.ClassDef):
            continue
        for decorator in node.decorator_list:
            name = getattr(decorator.func, "id", "") if isinstance(decorator, ast.Call) else ""
            if isinstance(decorator, ast.Call) and name in _DECORATORS:
                yield _declared(node.name, path, decorator, _DECORATORS[name])


def _declared(name: str, path: Path, decorator: ast.Call, faulty: bool) -> Mutant:
    """Return the declaration of a decorator, whose arguments are literals."""
    fields = {keyword.arg: ast.literal_eval(keyword.value) for keyword in decorator.keywords if keyword.arg}
    fields |= {"name": name, "path": path, "sentence": ast.literal_eval(decorator.args[0]), "faulty": faulty}
    try:
        mutant = msgspec.convert(fields, Mutant)
    except msgspec.ValidationError as error:
        raise ValueError(f"{path}: {name}: {error}") from None
    if faulty != (mutant.mechanism is not None):
        raise ValueError(f"{path}: {name}: a mutant has a mechanism, a correct build has none")
    return mutant
