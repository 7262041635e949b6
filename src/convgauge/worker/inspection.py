"""Inspection of a target that is no convolution yet: its parameters, and the arrays that an instance holds."""

from __future__ import annotations

import ast
import inspect
import textwrap
from collections.abc import Iterable, Iterator
from typing import Any

from convgauge.registry.callables import (
    autograd_function,
    constructor_parameters,
    is_autograd_function,
    is_torch_module,
    vars_of,
)
from convgauge.registry.signature import meaning
from convgauge.worker.messages import Inspected, InspectedParameter, TargetKind

Target = Any
Value = Any

CHANNELS_IN, CHANNELS_OUT, KERNEL = 5, 4, (3, 2)
"""Sizes of an instance that is made to see the shapes of its arrays: all different."""

ROLES = {
    "in_channels": "in_channel inchannels c_in cin in_ch ch_in channels_in n_in nin in_c input_channels in_planes"
    " in_features num_channels channels n_channels in_dim input_dim input_depth depth",
    "out_channels": "out_channel outchannels c_out cout out_ch ch_out channels_out n_out nout out_c output_channels"
    " out_planes num_filters n_filters nfilters out_dim output_dim filters n_kernels num_kernels",
    "kernel_size": "kernelsize ksize k size k_size filter_size kernel kernel_shape window f",
    "kernel_h": "kh k_h kernel_height filter_height hh",
    "kernel_w": "kw k_w kernel_width filter_width ww",
    "has_bias": "bias use_bias with_bias has_bias",
    "stride_h": "sh s_h stride_y strideh",
    "stride_w": "sw s_w stride_x stridew",
    "padding_h": "ph p_h pad_h pad_y padding_y",
    "padding_w": "pw p_w pad_w pad_x padding_x",
    "dilation_h": "dh d_h dil_h dilation_y",
    "dilation_w": "dw d_w dil_w dilation_x",
}
"""Roles of parameters beside conv2d's own arguments, with the names that mean them."""

_NAMED = {name: role for role, names in ROLES.items() for name in (role, *names.split())}

METHODS = ("forward", "__call__", "call", "conv", "conv2d", "convolve", "apply", "run", "predict")
"""Methods of a class that may be the convolution; the first that exists is."""


def inspect_target(target: Target, framework: str) -> Inspected:
    """Return what a target is and what it is called with. It may run the constructor of a class."""
    if isinstance(target, type):
        return _of_class(target, framework)
    if not callable(target):
        return Inspected("unknown", framework, [], error=f"is {type(target).__name__}, no function")
    function = target.forward if is_torch_module(type(target)) else target
    parameters = _with_operands(_parameters(function, is_constructor=False), ("input", "weight"))
    if not any(each.role == "weight" for each in parameters):
        return Inspected("unknown", framework, [], error="takes no weight; name its class instead of an instance")
    return Inspected("function", framework, parameters, constants=_constants(function))


def _with_operands(parameters: list[InspectedParameter], roles: tuple[str, ...]) -> list[InspectedParameter]:
    """Return parameters of which the first ones of unknown meaning are the operands that no name means."""
    for role_name in roles:
        if any(each.role == role_name for each in parameters):
            continue
        unknown = [each for each in parameters[:2] if not each.role and not each.keys and not each.collects]
        if unknown:
            unknown[0].role = role_name
    return parameters


def _of_class(target: type, framework: str) -> Inspected:
    if is_autograd_function(target):
        signature = autograd_function(target).__signature__
        parameters = [_parameter(each, "", is_constructor=False) for each in signature.parameters.values()]
        return Inspected("autograd", "torch", _with_operands(parameters, ("input", "weight")))
    kind: TargetKind = "module" if is_torch_module(target) else "class"
    defined = vars_of(target)
    method = next((name for name in METHODS if name in defined), "")
    if not method:
        return Inspected("unknown", framework, [], error="is a class without a method that is called with an image")
    function = getattr(target, method)
    parameters = _parameters(function, is_constructor=False)
    if not isinstance(inspect.getattr_static(target, method), (staticmethod, classmethod)):
        parameters = parameters[1:]  # without the instance
    parameters = _with_operands(parameters, ("input",))
    source = inspect.getsource(target) if _has_source(target) else ""
    constructor = [_parameter(each, source, is_constructor=True) for each in constructor_parameters(target)]
    arrays, error = _arrays(target, constructor, kind)
    return Inspected(kind, framework, parameters, constructor, method, arrays, _constants(function), error)


def _parameters(function: Target, *, is_constructor: bool) -> list[InspectedParameter]:
    try:
        signature = inspect.signature(function)
    except (TypeError, ValueError):
        return []
    source = inspect.getsource(function) if _has_source(function) else ""
    return [_parameter(each, source, is_constructor=is_constructor) for each in signature.parameters.values()]


def _parameter(each: inspect.Parameter, source: str, *, is_constructor: bool) -> InspectedParameter:
    return InspectedParameter(
        each.name,
        role(each.name, is_constructor=is_constructor),
        each.default is each.empty and each.kind not in (each.VAR_POSITIONAL, each.VAR_KEYWORD),
        each.kind in (each.POSITIONAL_ONLY, each.VAR_POSITIONAL),
        repr(each.default) if each.default is not each.empty else "",
        keys_of(source, each.name),
        each.kind in (each.VAR_POSITIONAL, each.VAR_KEYWORD),
    )


def role(name: str, *, is_constructor: bool) -> str:
    """Return what a parameter takes: an argument of conv2d, or one of `ROLES`; empty if its name is unknown.

    In a constructor, "kernel" and "filters" are sizes and "bias" says if there is one.
    """
    plain = name.strip("_").lower()
    if is_constructor:
        return _NAMED.get(plain) or meaning(name)
    return meaning(name) or _NAMED.get(plain, "")


def keys_of(source: str, name: str) -> list[str]:
    """Return the keys that a function reads from a parameter: those of ``name["key"]`` and ``name.get("key")``."""
    try:
        tree = ast.parse(textwrap.dedent(source))
    except SyntaxError:
        return []
    return list(dict.fromkeys(_keys(tree, name)))


def _keys(tree: ast.AST, name: str) -> Iterator[str]:
    for node in ast.walk(tree):
        key: Value = None
        if isinstance(node, ast.Subscript) and getattr(node.value, "id", "") == name:
            key = node.slice
        elif isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute) and node.args:
            reads = node.func.attr in ("get", "pop", "setdefault") and getattr(node.func.value, "id", "") == name
            key = node.args[0] if reads else None
        if isinstance(key, ast.Constant) and isinstance(key.value, str):
            yield key.value


def _constants(function: Target) -> list[str]:
    """Return the names of paddings in the source of a function, in capitals or not as it has them."""
    if not _has_source(function):
        return []
    source = inspect.getsource(function)
    return [name for name in ("SAME", "VALID", "same", "valid") if f'"{name}"' in source or f"'{name}'" in source]


def _has_source(target: Target) -> bool:
    try:
        inspect.getsource(target)
    except (OSError, TypeError):
        return False
    return True


# --- arrays of an instance -------------------------------------------------------------------------------------------


def _arrays(target: type, constructor: Iterable[InspectedParameter], kind: str) -> tuple[dict[str, list[int]], str]:
    """Return the shapes of an instance's arrays by name, and the reason if there is no instance."""
    error = ""
    for kernel in (KERNEL, (KERNEL[0],) * 2):
        for has_numbers in (False, True):
            values = _values(kernel, has_numbers=has_numbers)
            arguments = {each.name: values[each.role] for each in constructor if each.role in values}
            try:
                instance = target(**arguments)
            except Exception as failure:
                error = error or f"{type(failure).__name__}: {failure}"
                continue
            return dict(_shapes(instance, kind)), ""
    return {}, error


def _values(kernel: tuple[int, int], *, has_numbers: bool) -> dict[str, Value]:
    return {
        "in_channels": CHANNELS_IN,
        "out_channels": CHANNELS_OUT,
        "kernel_size": kernel[0] if has_numbers else kernel,
        "kernel_h": kernel[0],
        "kernel_w": kernel[1],
        "has_bias": True,
    }


def _shapes(instance: Value, kind: str) -> Iterator[tuple[str, list[int]]]:
    pairs = instance.named_parameters() if kind == "module" else vars(instance).items()
    for name, value in pairs:
        shape = getattr(value, "shape", None)
        if isinstance(shape, tuple) and all(isinstance(size, int) for size in shape):
            yield name, [int(size) for size in shape]
