"""Targets that are no functions: classes, instances, torch modules and autograd functions, made callable."""

from __future__ import annotations

import inspect
from typing import Any, Callable

Value = Any  # a target, an argument or a result


class NotCallableError(TypeError):
    """A target cannot be called as a convolution; the message says what it is."""


class SignedCallable:
    """A callable with a signature that Python cannot find by itself."""

    def __init__(self, function: Callable[..., Value], signature: inspect.Signature) -> None:
        self.function = self.__wrapped__ = function
        self.__signature__ = signature

    def __call__(self, *args: Value, **kwargs: Value) -> Value:
        """Call the function."""
        return self.function(*args, **kwargs)


def as_function(target: Value) -> tuple[Callable[..., Value], tuple[str, ...]]:
    """Return the function of a target, and sentences about what was done to have it. Raises `NotCallableError`."""
    if isinstance(target, type):
        return _of_class(target)
    if not callable(target):
        raise NotCallableError(f"is {type(target).__name__}, not a function")
    return _of_instance(target), ()


def _of_class(target: type) -> tuple[Callable[..., Value], tuple[str, ...]]:
    if is_autograd_function(target):
        return autograd_function(target), (f"calls {target.__name__}.apply",)
    required = [
        each.name
        for each in constructor_parameters(target)
        if each.default is each.empty and each.kind not in (each.VAR_POSITIONAL, each.VAR_KEYWORD)
    ]
    if required:
        raise NotCallableError(f"is a class whose constructor takes {', '.join(required)}")
    if not hasattr(target, "forward") and "__call__" not in vars_of(target):
        raise NotCallableError("is a class without __call__")
    return _of_instance(target()), ("calls an instance of the class",)


def _of_instance(target: Value) -> Callable[..., Value]:
    """Return a callable whose signature is the forward method's, for a torch module."""
    forward = getattr(target, "forward", None)
    if is_torch_module(type(target)) and forward is not None:
        return SignedCallable(target, inspect.signature(forward))
    return target  # type: ignore[no-any-return]  # it is callable


def autograd_function(target: Value) -> SignedCallable:
    """Return the apply method of an autograd function, with the parameters of its forward method by position."""
    parameters = [
        each.replace(kind=each.POSITIONAL_ONLY)
        for each in inspect.signature(target.forward).parameters.values()
        if each.kind in (each.POSITIONAL_ONLY, each.POSITIONAL_OR_KEYWORD)
    ]
    has_context = "setup_context" not in vars(target)  # else the context is passed to that method instead
    return SignedCallable(target.apply, inspect.Signature(parameters[1:] if has_context else parameters))


def constructor_parameters(target: type) -> list[inspect.Parameter]:
    """Return the parameters of a class's constructor, without the instance; none if they cannot be read."""
    try:
        return list(inspect.signature(target).parameters.values())
    except (TypeError, ValueError):
        return []


def vars_of(target: type) -> set[str]:
    """Return the names that a class and its bases define, those of `object` excluded."""
    return {name for base in target.__mro__[:-1] for name in vars(base)}


def is_torch_module(target: type) -> bool:
    """Return True for a class derived from torch.nn.Module; torch is not imported."""
    return _is_derived(target, "torch.nn.modules.module", "Module")


def is_autograd_function(target: type) -> bool:
    """Return True for a class derived from torch.autograd.Function; torch is not imported."""
    return _is_derived(target, "torch.autograd.function", "Function")


def _is_derived(target: type, module: str, name: str) -> bool:
    return any((base.__module__, base.__name__) == (module, name) for base in target.__mro__)
