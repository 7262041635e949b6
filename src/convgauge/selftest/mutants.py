"""The zoo: faulty convolutions that the specification must catch, and sound ones that it must not accuse.

Like implementations, they are files that the engine runs and does not import: what they declare is read from their
text, and each is loaded in a child process of its own.
"""

from __future__ import annotations

import ast
from dataclasses import dataclass
from pathlib import Path

from convgauge import registry
from convgauge.bundled import bundled
from convgauge.registry import Origin


@dataclass(frozen=True)
class Exhibit:
    """One function of the zoo.

    ``faulty`` ones are to be caught by at least one of ``caught_by`` (chapters or spec ids) at ``tier`` in
    ``profile``; of a sound one's shortcomings the recommended specs ``noted_by`` are to tell. ``smoke``: whether it
    passes the smoke test that most people write. ``timeout`` is in seconds a call.
    """

    name: str
    path: Path
    sentence: str
    faulty: bool
    framework: str = "numpy"
    profile: str = "functional"
    caught_by: tuple[str, ...] = ()
    noted_by: tuple[str, ...] = ()
    smoke: bool = True
    tier: str = "quick"
    timeout: float = 20.0

    @property
    def origin(self) -> Origin:
        """Where it is loaded from, as any function named on the command line is."""
        return registry.resolve(f"{self.path}:{self.name}", self.framework)[0]

    def expects(self, chapter: str, id: str) -> bool:
        """Whether this chapter or spec is among those that should catch it."""
        return chapter in self.caught_by or id in self.caught_by


def place() -> Path:
    """The zoo's folder: in the installed package, or among the tests of a checkout."""
    return bundled("tests", "zoo")


def exhibits(folder: Path | None = None) -> list[Exhibit]:
    """All that the zoo's files declare, in the order of files and lines. Raises `ValueError` for a name used twice."""
    found: dict[str, Exhibit] = {}
    for path in sorted((folder or place()).glob("[a-z]*.py")):
        for node in ast.parse(path.read_text(encoding="utf-8"), filename=str(path)).body:
            exhibit = _declared(node, path)
            if exhibit is None:
                continue
            if exhibit.name in found:
                raise ValueError(f"{path} and {found[exhibit.name].path} both declare {exhibit.name}")
            found[exhibit.name] = exhibit
    return list(found.values())


def _declared(node: ast.stmt, path: Path) -> Exhibit | None:
    """What a ``@fault(…)`` or ``@sound(…)`` above a function or a class says."""
    if not isinstance(node, (ast.FunctionDef, ast.ClassDef)):
        return None
    for decorator in node.decorator_list:
        if isinstance(decorator, ast.Call) and getattr(decorator.func, "id", "") in ("fault", "sound"):
            said = {word.arg: ast.literal_eval(word.value) for word in decorator.keywords if word.arg}
            said |= {key: tuple(said.get(key, ())) for key in ("caught_by", "noted_by")}
            faulty = getattr(decorator.func, "id", "") == "fault"
            return Exhibit(node.name, path, ast.literal_eval(decorator.args[0]), faulty, **said)
    return None
