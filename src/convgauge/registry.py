"""Implementations: how one is declared, found by name, and loaded.

A declaration is read from the source text (`scan`), so that listing what there is runs nobody's code; the function
itself is loaded (`load`) only in the process that is to call it.
"""

from __future__ import annotations

import ast
import difflib
import functools
import importlib
import importlib.metadata
import importlib.util
import inspect
import os
import sys
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Callable, TypeVar

from convgauge.bundled import bundled

Function = TypeVar("Function", bound=Callable[..., Any])

ENTRY_POINTS = "convgauge.implementations"
NORMWISE = ("fft", "winograd", "strassen")
SIGNATURE = "(input, weight, bias=None, stride=1, padding=0, dilation=1, groups=1)"


class TargetError(LookupError):
    """No implementation by that name, file or module; the message lists near ones."""


class LoadError(Exception):
    """The implementation's own code could not be loaded; ``trace`` is its own traceback, or "" where it has none."""

    def __init__(self, message: str, trace: str = "") -> None:
        super().__init__(message)
        self.trace = trace


@dataclass(frozen=True)
class Declaration:
    """What an implementation says of itself.

    ``algorithm`` is a short name ("direct", "im2col", "fft", ...), or "" where nothing is said. ``grade`` is the
    accuracy it promises ("A", "B", "C"), or "" for none: then B is asked of it. ``dtypes`` are those it supports,
    empty for all of its framework's. ``declines`` gives the reason for each kind of problem it refuses.
    """

    name: str
    framework: str = ""
    algorithm: str = ""
    grade: str = ""
    dtypes: tuple[str, ...] = ()
    declines: Mapping[str, str] = field(default_factory=dict)
    source: str = ""
    summary: str = ""


@dataclass
class Implementation:
    """A declared function; calling it calls the function. Attach once-per-layer work with its ``prepare`` decorator.

    One that learns about the machine attaches that with ``calibrate``, and with ``explain`` what it learnt.
    """

    declaration: Declaration
    function: Callable[..., Any]
    prepared: Callable[..., Any] | None = None
    calibrated: Callable[[], Any] | None = None
    explained: Callable[..., str] | None = None

    def __call__(self, *args: Any, **kwargs: Any) -> Any:
        return self.function(*args, **kwargs)

    def prepare(self, function: Function) -> Function:
        """Declare ``function(problem, weight, bias) -> run(input)`` as this implementation's once-per-layer part."""
        self.prepared = function
        return function

    def calibrate(self, function: Function) -> Function:
        """Declare ``function()`` as what may take seconds once for a machine; a race calls it before it times."""
        self.calibrated = function
        return function

    def explain(self, function: Function) -> Function:
        """Declare ``function(problem) -> text`` as what this implementation did on a prepared problem, and why."""
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
) -> Callable[[Callable[..., Any]], Implementation]:
    """Declare the function below as an implementation; see `Declaration` for the arguments.

    ``name`` defaults to the function's. ``grade`` defaults to what the algorithm can keep: "B" for FFT, Winograd and
    Strassen, "A" for all others. Arguments must be literals, since they are also read without running the file.
    """

    def declare(function: Callable[..., Any]) -> Implementation:
        said: dict[str, Any] = {"framework": framework, "algorithm": algorithm, "name": name, "grade": grade}
        said.update(dtypes=dtypes, declines=declines or {}, source=source)
        return Implementation(_declaration(function.__name__, inspect.getdoc(function) or "", said), function)

    return declare


def _declaration(function: str, doc: str, said: Mapping[str, Any]) -> Declaration:
    algorithm = said.get("algorithm", "")
    promise = "B" if algorithm.startswith(NORMWISE) else "A"
    return Declaration(
        name=said.get("name") or function,
        framework=said.get("framework", ""),
        algorithm=algorithm,
        grade=said.get("grade") or promise,
        dtypes=tuple(said.get("dtypes") or ()),
        declines=dict(said.get("declines") or {}),
        source=said.get("source", ""),
        summary=doc.strip().split("\n\n")[0].replace("\n", " "),
    )


@dataclass(frozen=True)
class Origin:
    """Where a function comes from, in words that another process can follow.

    ``kind`` is "file" (``place`` is a path) or "module" (``place`` is a dotted name); ``attribute`` the function in it.
    ``framework`` is what the caller said it wants, "" for what it declares. ``absent`` says which package is missing.
    """

    kind: str
    place: str
    attribute: str
    name: str
    framework: str = ""
    declaration: Declaration | None = None
    absent: str = ""

    def __str__(self) -> str:
        return f"{self.place}:{self.attribute}"


# --- frameworks ------------------------------------------------------------------------------------------------------


@functools.cache
def framework_names() -> tuple[str, ...]:
    """Return the names of the framework adapters: the modules of `convgauge.worker.frameworks`."""
    folder = Path(__file__).parent / "worker" / "frameworks"
    return tuple(sorted(path.stem for path in folder.glob("*.py") if path.stem not in ("__init__", "base")))


def is_installed(name: str) -> bool:
    """Return True if the package of a framework is installed; it is not imported."""
    return importlib.util.find_spec(name) is not None


# --- finding ---------------------------------------------------------------------------------------------------------

EXTRAS = {"cv2": "opencv", "skimage": "images", "sklearn": "images"}
"""Extras of modules that are not named like their extra."""


def scan(path: Path) -> list[Origin]:
    """The implementations that a file declares, read from its text. Raises `SyntaxError`, `OSError`."""
    tree = ast.parse(path.read_text(encoding="utf-8"), filename=str(path))
    absent = _absent_imports(tree)
    found = []
    for node in tree.body:
        if not isinstance(node, ast.FunctionDef):
            continue
        for decorator in node.decorator_list:
            if isinstance(decorator, ast.Call) and _called(decorator) == "implementation":
                said = {word.arg: _literal(word, path) for word in decorator.keywords if word.arg}
                declared = _declaration(node.name, ast.get_docstring(node) or "", said)
                found.append(Origin("file", str(path), node.name, declared.name, declared.framework, declared, absent))
    return found


def _literal(word: ast.keyword, path: Path) -> Any:
    try:
        return ast.literal_eval(word.value)
    except ValueError:
        raise TargetError(
            f"{path}, line {word.value.lineno}: {word.arg} must be a literal, since it is read without running the file"
        ) from None


def _called(call: ast.Call) -> str:
    return call.func.attr if isinstance(call.func, ast.Attribute) else getattr(call.func, "id", "")


def _absent_imports(tree: ast.Module) -> str:
    """The install command for what a file imports at its top and this environment lacks; "" where all is there."""
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
    """Every implementation shipped with the suite, by name, in the order of their names."""
    return _by_name([one for path in sorted(bundled("implementations").glob("*.py")) for one in scan(path)])


def known() -> dict[str, Origin]:
    """The built-in implementations and those that installed packages offer as entry points, by name."""
    origins = list(builtins().values())
    for point in importlib.metadata.entry_points(group=ENTRY_POINTS):
        module, _, attribute = point.value.partition(":")
        origins.append(Origin("module", module, attribute or point.name, point.name))
    return _by_name(origins)


def _by_name(origins: list[Origin]) -> dict[str, Origin]:
    found: dict[str, Origin] = {}
    for origin in origins:
        if origin.name in found:
            raise TargetError(f"two implementations are called {origin.name!r}: {found[origin.name]} and {origin}")
        found[origin.name] = origin
    return found


def resolve_all(targets: Iterable[str], framework: str = "") -> list[Origin]:
    """Return the implementations that targets name: all shipped ones for "builtin", one named twice once.

    Raises `TargetError`.
    """
    names = [name for target in targets for name in (builtins() if target == "builtin" else [target])]
    return [origin for name in dict.fromkeys(names) for origin in resolve(name, framework)]


def resolve(target: str, framework: str = "") -> list[Origin]:
    """What a target on the command line means: a registered name, ``module:function`` or ``path/file.py[:function]``.

    A file without a function stands for all that it declares. Raises `TargetError`.
    """
    if framework and framework not in framework_names():
        raise TargetError(f"framework {framework!r} is not one of {', '.join(framework_names())}")
    place, _, attribute = target.rpartition(":") if ":" in target else (target, "", "")
    if place.endswith(".py"):
        return _from_file(Path(place), attribute, framework)
    if attribute:
        return [Origin("module", place, attribute, attribute.rpartition(".")[2], framework)]
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


# --- loading ---------------------------------------------------------------------------------------------------------


def load(origin: Origin) -> Implementation:
    """The implementation itself. Runs its file or module; raises `LoadError` where that fails or it does not fit."""
    import traceback

    try:
        module = load_file(Path(origin.place)) if origin.kind == "file" else _load_module(origin.place)
    except BaseException as error:  # a file may also raise SystemExit
        frames = traceback.TracebackException.from_exception(error)
        frames.stack = traceback.StackSummary.from_list([f for f in frames.stack if not _ours(f.filename)])
        raise LoadError(
            f"{origin.place} does not import: {type(error).__name__}: {error}", "".join(frames.format())
        ) from None
    found: Any = module
    for part in origin.attribute.split("."):
        if not hasattr(found, part):
            functions = [name for name, value in vars(module).items() if callable(value) and not name.startswith("_")]
            near = difflib.get_close_matches(part, functions, n=3) or functions[:5]
            raise LoadError(f"{origin.place} has no {origin.attribute!r}; it has {', '.join(near) or 'no functions'}")
        found = getattr(found, part)
    loaded = found if isinstance(found, Implementation) else _plain(found, origin)
    framework, names = loaded.declaration.framework, framework_names()
    if framework not in names:
        raise LoadError(f"{origin}: framework {framework!r} is not one of {', '.join(names)}")
    _check_signature(loaded.function, origin)
    return loaded


def _plain(function: Any, origin: Origin) -> Implementation:
    """A function taken as it is; torch's arrays where torch is installed and nothing else was said."""
    if not callable(function):
        raise LoadError(f"{origin} is {type(function).__name__}, not a function {SIGNATURE}")
    framework = origin.framework or ("torch" if is_installed("torch") else "numpy")
    summary = (inspect.getdoc(function) or "").split("\n\n")[0].replace("\n", " ")
    return Implementation(
        Declaration(origin.name, framework, summary=summary), function, getattr(function, "prepare", None)
    )


def _check_signature(function: Any, origin: Origin) -> None:
    try:
        signature = inspect.signature(function)
    except (TypeError, ValueError):
        return  # builtins don't say; the first call will tell
    try:
        signature.bind(0, 0, None, stride=1, padding=0, dilation=1, groups=1)
    except TypeError as error:
        raise LoadError(f"{origin}{signature} cannot be called as f{SIGNATURE}: {error}") from None


def _ours(filename: str) -> bool:
    return filename == __file__ or "importlib" in filename


def load_file(path: Path) -> Any:
    if os.path.dirname(path) not in sys.path:
        sys.path.append(os.path.dirname(path))  # so that it may import the files beside it
    name = f"convgauge._loaded.{path.stem}"
    spec = importlib.util.spec_from_file_location(name, path)
    if spec is None or spec.loader is None:
        raise ImportError(f"{path} is not a Python file")
    module = importlib.util.module_from_spec(spec)
    sys.modules[name] = module
    spec.loader.exec_module(module)
    return module


def _load_module(name: str) -> Any:
    if "" not in sys.path and os.getcwd() not in sys.path:
        sys.path.insert(0, os.getcwd())
    return importlib.import_module(name)
