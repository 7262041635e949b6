"""Refusals: exceptions by which a kernel states that it does not support a problem.

A refusal is `NotImplementedError`, an exception that a ``raise`` or ``assert`` statement of the kernel's own code
raises, or an exception of a class that the user lists. Every other exception is an error.
"""

from __future__ import annotations

import ast
import dis
import functools
import os
import sys
import sysconfig
from collections.abc import Iterable, Iterator
from types import FrameType, FunctionType, ModuleType, TracebackType
from typing import Any

from convgauge.registry import Implementation, Origin

RAISE_VARARGS = dis.opmap["RAISE_VARARGS"]
"""Instruction of ``raise`` and of a failing ``assert``."""

MAX_STUB_BYTES = 6
"""Size of the code that Python gives to the frame of a compiled function: three instructions, or none before 3.11."""

ONCE_DIFFERENTIABLE = "marked with @once_differentiable"
"""Part of the text by which torch refuses the second derivative of a function that declares only the first."""

MAX_LAYERS = 16  # decorators around a function; an object may answer every attribute by a new object

_UNUSUAL = (MemoryError, RecursionError)  # they may be raised anywhere, so that only their own name lists them
_INSTALLED = ("site-packages", "dist-packages")
_ENGINE = os.path.dirname(os.path.dirname(os.path.realpath(__file__)))


class OwnCode:
    """Files that belong to a kernel: those below some folders, without what is installed there.

    Parameters
    ----------
    roots : iterable of str
        Files and folders of the kernel.
    """

    def __init__(self, roots: Iterable[str]) -> None:
        self.roots = tuple(dict.fromkeys(os.path.realpath(root) for root in roots))
        self._known: dict[str, bool] = {}

    def __contains__(self, filename: str) -> bool:
        if filename not in self._known:
            path = os.path.realpath(filename)
            self._known[filename] = any(_belongs(path, root) for root in self.roots)
        return self._known[filename]

    def has(self, frame: FrameType) -> bool:
        """Return True if a frame runs code of the kernel, also code that the kernel generates as text."""
        filename = frame.f_code.co_filename
        if not filename.startswith("<"):
            return filename in self
        name = frame.f_globals.get("__name__")
        module = sys.modules.get(name) if type(name) is str else None
        origin = getattr(module, "__file__", None)
        return type(origin) is str and origin in self


def own_code(implementation: Implementation, origin: Origin | None = None) -> OwnCode:
    """Return the code of an implementation.

    For a file: its folder, or that of its package. For a module: its top-level package. If the function comes from a
    module that is not installed, that module's code belongs to it too, and so does what that module imports from files
    that are not installed: the kernel of an adapter in another folder.
    """
    roots: list[str] = []
    if origin is not None and origin.kind == "file":
        roots.append(_top_folder(origin.location))
    elif origin is not None:
        roots += _package_roots(origin.location.partition(".")[0])
    for function in _layers(implementation.function):
        name = getattr(function, "__module__", None)
        module = sys.modules.get(name) if isinstance(name, str) else None
        filename = getattr(module, "__file__", None)
        if module is not None and isinstance(filename, str) and not _is_installed(filename):
            roots.append(_top_folder(filename))
            roots += [_top_folder(file) for file in _imported_files(module) if not _is_installed(file)]
    return OwnCode(roots)


def _imported_files(module: ModuleType) -> Iterator[str]:
    """Yield the files of the functions, classes and modules that are global names of a module."""
    for value in list(vars(module).values()):
        filename: Any = None
        if isinstance(value, FunctionType):
            filename = value.__code__.co_filename
        elif isinstance(value, ModuleType):
            filename = vars(value).get("__file__")
        elif isinstance(value, type):
            name = type.__dict__["__module__"].__get__(value)
            filename = getattr(sys.modules.get(name), "__file__", None) if type(name) is str else None
        if isinstance(filename, str) and os.path.isfile(filename):
            yield filename


def is_refusal(error: BaseException, code: OwnCode, further_types: Iterable[str] = ()) -> bool:
    """Return True if an exception is a refusal. The exception may be hostile: nothing of its class is called."""
    kind, listed = type(error), frozenset(further_types)
    if issubclass(kind, _UNUSUAL):
        return bool(_names(kind) & listed)
    if not issubclass(kind, Exception):
        return False
    if issubclass(kind, NotImplementedError) or any(_names(base) & listed for base in classes(kind)):
        return True
    if issubclass(kind, RuntimeError) and ONCE_DIFFERENTIABLE in _first_argument(error):
        return True
    last = _raising_entry(error)
    if last is None or not code.has(last.tb_frame):
        return False
    return _is_raised_at(last) or last.tb_next is not None


def _first_argument(error: BaseException) -> str:
    """Return the text that an exception was made with, if it was made with a text."""
    arguments: tuple[Any, ...] = BaseException.__dict__["args"].__get__(error)
    return arguments[0] if arguments and type(arguments[0]) is str else ""


def _raising_entry(error: BaseException) -> TracebackType | None:
    """Return the traceback entry of the frame that raised an exception, or that called torch's assertion, or None."""
    path = list(entries(error))
    while path and _is_assertion(path[-1].tb_frame):
        path.pop()
    return path[-1] if path else None


def _is_assertion(frame: FrameType) -> bool:
    """Return True if a frame runs ``torch._check``, one of its kind, or ``torch._assert``."""
    return frame.f_globals.get("__name__") == "torch" and frame.f_code.co_name.startswith(("_check", "_assert"))


def entries(error: BaseException) -> Iterator[TracebackType]:
    """Yield the entries of an exception's traceback, the outermost first, whatever its class defines."""
    entry: TracebackType | None = BaseException.__dict__["__traceback__"].__get__(error)
    while entry is not None:
        yield entry
        entry = entry.tb_next


def classes(kind: type) -> tuple[type, ...]:
    """Return a class and its bases, the most derived first, whatever its metaclass defines."""
    bases: tuple[type, ...] = type.__dict__["__mro__"].__get__(kind)
    return bases


def class_name(kind: type) -> str:
    """Return the name of a class, whatever its metaclass defines."""
    name: str = type.__dict__["__name__"].__get__(kind)
    return name


def _names(kind: type) -> set[str]:
    """Return the names of a class: without and with its module."""
    module: Any = type.__dict__["__module__"].__get__(kind)
    qualified: str = type.__dict__["__qualname__"].__get__(kind)
    return {class_name(kind), qualified, *([f"{module}.{qualified}"] if type(module) is str else [])}


# --- the statement that raised ---------------------------------------------------------------------------------------


def _is_raised_at(entry: TracebackType) -> bool:
    """Return True if the instruction of a traceback entry is that of ``raise`` or ``assert``.

    An exception that an ``except`` block raises again keeps the entry of its origin. A frame of a compiled function
    has no instructions; there, the statement is read from the source.
    """
    index, instructions = entry.tb_lasti, entry.tb_frame.f_code.co_code
    if 0 <= index < len(instructions) and instructions[index] == RAISE_VARARGS:
        return True
    return len(instructions) <= MAX_STUB_BYTES and (
        raising_statement(entry.tb_frame.f_code.co_filename, entry.tb_lineno) is not None
    )


def raising_statement(filename: str, line: int | None) -> ast.Raise | ast.Assert | None:
    """Return the ``raise`` or ``assert`` statement at a line of a file, or None."""
    return next(
        (each for each in _raising_statements(filename) if line and each.lineno <= line <= (each.end_lineno or line)),
        None,
    )


@functools.lru_cache(maxsize=64)
def _raising_statements(filename: str) -> tuple[ast.Raise | ast.Assert, ...]:
    try:
        with open(filename, encoding="utf-8") as file:
            tree = ast.parse(file.read())
    except (OSError, ValueError, SyntaxError, RecursionError, MemoryError):
        return ()
    return tuple(node for node in ast.walk(tree) if isinstance(node, (ast.Raise, ast.Assert)))


# --- files -----------------------------------------------------------------------------------------------------------


def _layers(function: Any) -> Iterator[Any]:  # noqa: ANN401  # any callable of the user
    """Yield a callable, its class, and the functions that it wraps."""
    for _ in range(MAX_LAYERS):
        yield function
        yield type(function)
        following = (getattr(function, name, None) for name in ("__wrapped__", "func", "__func__", "py_func"))
        function = next((each for each in following if callable(each)), None)
        if function is None:
            return


def _top_folder(filename: str) -> str:
    """Return the folder of a file, or the folder of its top-level package if it is in one."""
    folder = os.path.dirname(os.path.realpath(filename))
    while os.path.isfile(os.path.join(folder, "__init__.py")):
        folder, parent = os.path.dirname(folder), folder
        if not os.path.isfile(os.path.join(folder, "__init__.py")):
            return parent
    return folder


def _package_roots(name: str) -> list[str]:
    """Return the folders of a top-level package; of a module outside of one, its folder, or itself if installed."""
    module = sys.modules.get(name)
    folders = getattr(module, "__path__", None)
    if folders is not None:
        return list(folders)
    filename = getattr(module, "__file__", None)
    if not isinstance(filename, str):
        return []
    return [filename if _is_installed(filename) else _top_folder(filename)]


@functools.lru_cache(maxsize=1)
def _foreign_folders() -> tuple[str, ...]:
    """Return the folders of the standard library, of installed packages, and of convgauge."""
    paths = sysconfig.get_paths()
    folders = [paths[key] for key in ("stdlib", "platstdlib", "purelib", "platlib")]
    return tuple(dict.fromkeys(os.path.realpath(folder) for folder in [*folders, _ENGINE]))


def _belongs(path: str, root: str) -> bool:
    """Return True if a file is ``root`` or below it; foreign code below it does not belong to it."""
    if not _is_within(path, root):
        return False
    if any(part in _INSTALLED for part in os.path.relpath(path, root).split(os.sep)):
        return False
    return all(_is_within(root, folder) for folder in _foreign_folders() if _is_within(path, folder))


def is_engine(filename: str) -> bool:
    """Return True if a file is a module of convgauge."""
    return _is_within(filename, _ENGINE) and "_bundled" not in filename


def _is_installed(filename: str) -> bool:
    path = os.path.realpath(filename)
    return any(part in _INSTALLED for part in path.split(os.sep)) or any(
        _is_within(path, folder) for folder in _foreign_folders()
    )


def _is_within(path: str, folder: str) -> bool:
    return path == folder or path.startswith(folder.rstrip(os.sep) + os.sep)
