"""Loading of implementations. Their code runs only here."""

from __future__ import annotations

import difflib
import importlib
import importlib.util
import inspect
import os
import sys
import traceback
from dataclasses import replace
from pathlib import Path
from types import ModuleType
from typing import Any, Callable

from convgauge.registry.callables import NotCallableError, as_function
from convgauge.registry.declaration import Declaration, Implementation, Value, first_paragraph
from convgauge.registry.frameworks import framework_names, is_installed
from convgauge.registry.gradient_signature import as_operator, direction_of
from convgauge.registry.origin import LoadError, Origin
from convgauge.registry.signature import SIGNATURE, SignatureError, parameters_of

FRAMEWORKS_BY_IMPORT = ("torch", "jax", "numpy")
"""Frameworks in the order in which an import of them decides what a function without declaration takes: kernels of
torch and JAX import NumPy too."""


def load(origin: Origin) -> Implementation:
    """Return the implementation. This runs its file or module.

    Raises
    ------
    LoadError
        The code raises, has no such function, or the function has a signature that cannot be adapted.
    """
    module = _import(origin)
    target = _attribute(module, origin)
    loaded = target if isinstance(target, Implementation) else _undeclared(target, module, origin)
    framework, names = loaded.declaration.framework, framework_names()
    if framework not in names:
        raise LoadError(f"{origin}: framework {framework!r} is not one of {', '.join(names)}")
    loaded = _in_its_direction(loaded, origin)
    _check_signature(loaded.function, origin)
    if loaded.declaration.name == origin.name:
        return loaded
    return replace(loaded, declaration=replace(loaded.declaration, name=origin.name))


def _in_its_direction(loaded: Implementation, origin: Origin) -> Implementation:
    """Return an implementation of a gradient as a function that is called as a convolution is. Raises `LoadError`."""
    declaration, function = loaded.declaration, loaded.function
    direction = declaration.direction if loaded.is_declared else direction_of(function)
    if direction == "forward":
        return loaded
    try:
        operator = as_operator(function, direction)
    except SignatureError as error:
        raise LoadError(f"{origin} cannot be called as {direction}: {error}") from None
    return replace(loaded, declaration=replace(declaration, direction=direction), function=operator)


def load_target(origin: Origin) -> tuple[Value, str]:
    """Return what an origin names, whatever it is, and its framework. This runs its file or module.

    Raises `LoadError`.
    """
    module = _import(origin)
    target = _attribute(module, origin)
    if isinstance(target, Implementation):
        return target.function, target.declaration.framework
    return target, origin.framework or imported_framework(module)


def _import(origin: Origin) -> ModuleType:
    try:
        return load_file(Path(origin.location)) if origin.kind == "file" else _load_module(origin.location)
    except BaseException as error:  # a file may also raise SystemExit
        frames = traceback.TracebackException.from_exception(error)
        frames.stack = traceback.StackSummary.from_list([f for f in frames.stack if not _is_engine(f.filename)])
        raise LoadError(
            f"{origin.location} does not import: {type(error).__name__}: {error}", "".join(frames.format())
        ) from None


def _attribute(module: ModuleType, origin: Origin) -> Value:
    value: Any = module
    for part in origin.attribute.split("."):
        if not hasattr(value, part):
            names = [name for name, value in vars(module).items() if callable(value) and not name.startswith("_")]
            near = ", ".join(difflib.get_close_matches(part, names, n=3) or names[:5]) or "no functions"
            raise LoadError(f"{origin.location} has no {origin.attribute!r}; it has {near}")
        value = getattr(value, part)
    return value


def _undeclared(target: Value, module: ModuleType, origin: Origin) -> Implementation:
    """Return a target without a declaration. Its framework is the one that its module imports, if none is demanded."""
    try:
        function, adaptations = as_function(target)
    except NotCallableError as error:
        raise LoadError(f"{origin} {error}; needed is a function {SIGNATURE}{_how_to_adapt(origin)}") from None
    except Exception as error:
        raise LoadError(f"{origin} cannot be instantiated: {type(error).__name__}: {error}") from None
    summary = first_paragraph(inspect.getdoc(target) or "")
    declaration = Declaration(origin.name, origin.framework or imported_framework(module), summary=summary)
    return Implementation(
        declaration, function, getattr(target, "prepare", None), is_declared=False, adaptations=adaptations
    )


def imported_framework(module: ModuleType) -> str:
    """Return the framework that a module imports; torch, or NumPy if that is not installed, if it imports none."""
    tops = {
        str(getattr(value, "__name__" if isinstance(value, ModuleType) else "__module__", "")).partition(".")[0]
        for value in vars(module).values()
    }
    default = "torch" if is_installed("torch") else "numpy"
    return next((name for name in FRAMEWORKS_BY_IMPORT if name in tops), default)


def _check_signature(function: Callable[..., Any], origin: Origin) -> None:
    try:
        parameters_of(function)
    except SignatureError as error:
        signature = inspect.signature(function)
        raise LoadError(
            f"{origin}{signature} cannot be called as f{SIGNATURE}: {error}{_how_to_adapt(origin)}"
        ) from None


def _how_to_adapt(origin: Origin) -> str:
    return f"\nconvgauge adapt {origin} prints an adapter: a function that calls it"


def _is_engine(filename: str) -> bool:
    return Path(filename).parent == Path(__file__).parent or "importlib" in filename


def load_file(path: Path) -> ModuleType:
    """Import a file as a module. Its folder is added to the import path. Raises what the file raises."""
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


def _load_module(name: str) -> ModuleType:
    if "" not in sys.path and os.getcwd() not in sys.path:
        sys.path.insert(0, os.getcwd())
    return importlib.import_module(name)
