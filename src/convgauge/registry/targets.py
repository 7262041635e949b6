"""Search for implementations: by name, by file or by module, without running their code."""

from __future__ import annotations

import ast
import difflib
import importlib.metadata
import importlib.util
import re
from collections.abc import Collection, Iterable
from pathlib import Path

from convgauge.bundled import bundled
from convgauge.domain import DomainError
from convgauge.domain.trees import parse_module
from convgauge.registry.declaration import Value, declaration_of
from convgauge.registry.frameworks import framework_names
from convgauge.registry.origin import Origin, TargetError
from convgauge.registry.reproducibility import UnknownAxisError
from convgauge.terms import COMPUTED

ENTRY_POINTS = "convgauge.implementations"

NAME = re.compile(r"\w[\w.-]*")
"""Name that a target may give to an implementation: it is part of the addresses of a report's pages."""

EXTRAS = {"cv2": "opencv", "skimage": "images", "sklearn": "images"}
"""Extras of modules that are not named like their extra."""


def scan(path: Path) -> list[Origin]:
    """Return the implementations that a file declares, read from its text.

    Raises `SyntaxError`, `OSError`, or `TargetError` if an argument of the decorator cannot be used.
    """
    tree = parse_module(path.read_text(encoding="utf-8"), str(path))
    absent = _absent_imports(tree)
    origins = []
    for node in tree.body:
        if not isinstance(node, ast.FunctionDef):
            continue
        for decorator in node.decorator_list:
            if isinstance(decorator, ast.Call) and _callee(decorator) == "implementation":
                values = {keyword.arg: _literal(keyword, path) for keyword in decorator.keywords if keyword.arg}
                try:
                    declared = declaration_of(node.name, ast.get_docstring(node) or "", values)
                except DomainError as error:
                    raise TargetError(f"{path}, line {decorator.lineno}: supports of {node.name}: {error}") from None
                except UnknownAxisError as error:
                    raise TargetError(f"{path}, line {decorator.lineno}: {node.name}: {error}") from None
                origins.append(
                    Origin("file", str(path), node.name, declared.name, declared.framework, declared, absent)
                )
    return origins


def _literal(keyword: ast.keyword, path: Path) -> Value:
    try:
        return ast.literal_eval(keyword.value)
    except ValueError:
        raise TargetError(
            f"{path}, line {keyword.value.lineno}: {keyword.arg} must be a literal, since it is read without running"
            " the file"
        ) from None


def _callee(call: ast.Call) -> str:
    return call.func.attr if isinstance(call.func, ast.Attribute) else getattr(call.func, "id", "")


def _absent_imports(tree: ast.Module) -> str:
    """Return the missing package that a file imports at its top, with its install command, or an empty text."""
    for node in tree.body:
        names = [a.name for a in node.names] if isinstance(node, ast.Import) else []
        if isinstance(node, ast.ImportFrom) and node.module and not node.level:
            names = [node.module]
        for name in names:
            top = name.split(".")[0]
            if importlib.util.find_spec(top) is None:
                return f"{top} is not installed (python -m pip install 'convgauge[{EXTRAS.get(top, top)}]')"
    return ""


def builtins() -> dict[str, Origin]:
    """Return every implementation of the suite by name, in the order of the files' names."""
    return _by_name([origin for path in sorted(bundled("implementations").glob("*.py")) for origin in scan(path)])


def known() -> dict[str, Origin]:
    """Return the built-in implementations and those that installed packages offer as entry points, by name."""
    return _by_name([*builtins().values(), *_entry_points()])


def _entry_points() -> list[Origin]:
    points = importlib.metadata.entry_points(group=ENTRY_POINTS)
    parts = [(point.name, *point.value.partition(":")) for point in points]
    return [Origin("module", module, attribute or name, name) for name, module, _, attribute in parts]


def _by_name(origins: list[Origin]) -> dict[str, Origin]:
    by_name: dict[str, Origin] = {}
    for origin in origins:
        if origin.name in by_name:
            raise TargetError(f"two implementations are called {origin.name!r}: {by_name[origin.name]} and {origin}")
        by_name[origin.name] = origin
    return by_name


def resolve_all(targets: Iterable[str], framework: str = "", directions: Collection[str] = COMPUTED) -> list[Origin]:
    """Return the implementations that targets name, each once; "builtin" names all of the suite in some directions.

    Raises
    ------
    TargetError
        There is no such target, or two targets of one name are different implementations.
    """
    names = [name for target in targets for name in (_builtin_names(directions) if target == "builtin" else [target])]
    by_name: dict[str, Origin] = {}
    for name in dict.fromkeys(names):
        for origin in resolve(name, framework):
            require_distinct(by_name.setdefault(origin.name, origin), origin)
    return list(by_name.values())


def _builtin_names(directions: Collection[str]) -> list[str]:
    declared = {name: origin.declaration for name, origin in builtins().items()}
    return [name for name, each in declared.items() if each is None or each.direction in directions]


def require_distinct(first: Origin, second: Origin) -> None:
    """Raise `TargetError` if two implementations have one name, since records refer to them by it."""
    if first.name == second.name and not first.is_same_place(second):
        raise TargetError(
            f"two targets are called {first.name!r}, {first} and {second}: name one of them, for example"
            f" {first.name}_2={second}"
        )


def target_of(origin: Origin) -> str:
    """Return the target that names an implementation, from every folder of this machine."""
    target = next((each.name for each in _near(origin) if each.is_same_place(origin)), str(origin))
    return f"{origin.name}={target}" if origin.is_renamed else target


def _near(origin: Origin) -> list[Origin]:
    """Return the registered implementations of the same file, or of all modules."""
    if origin.kind == "module":
        return _entry_points()
    path = Path(origin.location)
    return scan(path) if path.parent == bundled("implementations") and origin.declaration is not None else []


def short_target_of(origin: Origin) -> str:
    """Return the shortest target that names an implementation, from the working directory."""
    name, target = split_name(target_of(origin))
    return f"{name}={relative_to_here(target)}" if name else relative_to_here(target)


def relative_to_here(path: str) -> str:
    """Return a path relative to the working directory if it lies below it, as a user would type it."""
    try:
        return str(Path(path).relative_to(Path.cwd()))
    except ValueError:
        return path


def resolve(target: str, framework: str = "") -> list[Origin]:
    """Return the implementations that a target of the command line names.

    Parameters
    ----------
    target : str
        A registered name, ``module:function`` or ``path/file.py[:function]``. A file without a function stands for all
        implementations that it declares. ``NAME=TARGET`` gives the implementation another name.
    framework : str
        Framework that the caller demands, or empty.

    Raises
    ------
    TargetError
        There is no such target.
    """
    if framework and framework not in framework_names():
        raise TargetError(f"framework {framework!r} is not one of {', '.join(framework_names())}")
    name, target = split_name(target)
    if not name:
        return _resolve(target, framework)
    origins = list(builtins().values()) if target == "builtin" else _resolve(target, framework)
    if len(origins) != 1:
        raise TargetError(f"{target!r} stands for {len(origins)} implementations: give the name to one of them")
    (origin,) = origins
    if name != origin.name and name in known():
        raise TargetError(f"the name {name!r} is that of a registered implementation: choose another for {target!r}")
    return [origin if name == origin.name else origin.renamed(name)]


def split_name(target: str) -> tuple[str, str]:
    """Return the name that a target gives, or "", and the rest: ``mine=kernel.py:conv2d`` gives the name "mine".

    A file whose path contains the sign is a file.
    """
    name, _, rest = target.partition("=")
    is_file = Path(target.rpartition(":")[0] or target).is_file()
    return (name, rest) if rest and NAME.fullmatch(name) and not is_file else ("", target)


def _resolve(target: str, framework: str) -> list[Origin]:
    location, _, attribute = target.rpartition(":") if ":" in target else (target, "", "")
    if location.endswith(".py"):
        return _from_file(Path(location), attribute, framework)
    if attribute:
        return [Origin("module", location, attribute, attribute.rpartition(".")[2], framework)]
    registered = known()
    if target in registered:
        return [registered[target]]
    near = difflib.get_close_matches(target, registered, n=3, cutoff=0.4)
    hint = f"did you mean {' or '.join(near)}?" if near else f"registered: {', '.join(registered)}"
    raise TargetError(
        f"no implementation is called {target!r}; {hint}"
        " (a kernel of your own: path/file.py:function or module:function)"
    )


def _from_file(path: Path, attribute: str, framework: str) -> list[Origin]:
    if not path.is_file():
        raise TargetError(f"there is no file {path}")
    path = path.resolve()
    try:
        declared = scan(path)
    except (SyntaxError, UnicodeDecodeError):
        declared = []  # loading it shows its own traceback
    if not attribute:
        if not declared:
            raise TargetError(f"{path.name} declares no @implementation; name a function: {path.name}:FUNCTION")
        return declared
    for origin in declared:
        if attribute in (origin.name, origin.attribute):
            return [origin]
    return [Origin("file", str(path), attribute, attribute, framework)]
