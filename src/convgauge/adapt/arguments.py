"""Expressions of an adapter: what is passed for each parameter of the target, as Python source."""

from __future__ import annotations

from collections.abc import Mapping

from convgauge.adapt.guess import Guess, roles_of
from convgauge.worker.inspection import CHANNELS_IN, CHANNELS_OUT, KERNEL, role
from convgauge.worker.messages import Inspected, InspectedParameter

WEIGHT_AXES: Mapping[str, tuple[int, ...]] = {
    "OIHW": (0, 1, 2, 3),
    "HWIO": (2, 3, 1, 0),
    "OHWI": (0, 2, 3, 1),
    "IOHW": (1, 0, 2, 3),
    "HWOI": (2, 3, 0, 1),
}

PADDINGS: Mapping[str, str] = {
    "pair": "pair(padding)",
    "number": "number(padding)",
    "top, bottom, left, right": "(rows, rows, columns, columns)",
    "left, right, top, bottom": "(columns, columns, rows, rows)",
    "pairs": "((rows, rows), (columns, columns))",
    "names": "names[padding]",
}


class CannotAdaptError(ValueError):
    """A target has no adapter of this kind; the message is one sentence."""


def expressions(target: Inspected, guess: Guess, transpose: str) -> dict[str, str]:
    """Return the source of what each role takes; ``transpose`` is the name of the framework's method."""
    halves = {
        f"{name}_{half}": f"pair({name})[{index}]"
        for name in ("stride", "padding", "dilation")
        for index, half in enumerate("hw")
    }
    padding = PADDINGS[guess.padding]
    if guess.has_names:
        padding = f"padding if isinstance(padding, str) else {padding}"
    has_groups = any(each.role == "groups" for each in target.constructor)
    return {
        **halves,
        "input": _transposed("input", {"NHWC": (0, 2, 3, 1)}.get(guess.layout), transpose),
        "weight": _transposed("weight", _axes(guess), transpose),
        "bias": "bias" if len(guess.bias) == 1 else _reshaped(guess),
        "stride": f"{guess.stride}(stride)",
        "padding": padding,
        "dilation": _dilation(guess),
        "groups": "groups",
        "in_channels": "weight.shape[1] * groups" if has_groups else "weight.shape[1]",
        "out_channels": "weight.shape[0]",
        "kernel_size": f"{guess.kernel_size}(weight.shape[2:])",
        "kernel_h": "weight.shape[2]",
        "kernel_w": "weight.shape[3]",
        "has_bias": "bias is not None",
    }


def _reshaped(guess: Guess) -> str:
    reshaped = f"bias.reshape{guess.bias}"
    return reshaped if guess.has_zeros else f"None if bias is None else {reshaped}"


def _axes(guess: Guess) -> tuple[int, ...] | None:
    axes = WEIGHT_AXES[guess.weight]
    return None if axes == tuple(sorted(axes)) else axes


def _transposed(name: str, axes: tuple[int, ...] | None, method: str) -> str:
    return name if axes is None else f"{name}.{method}{axes}"


def _dilation(guess: Guess) -> str:
    if guess.first_dilation:
        return f"{guess.dilation}(dilation)"
    return "number(dilation) - 1" if guess.dilation == "number" else "tuple(step - 1 for step in pair(dilation))"


def arguments(parameters: list[InspectedParameter], values: Mapping[str, str]) -> list[str]:
    """Return the arguments of a call as source: operands and required ones by position, the others by name.

    Raises `CannotAdaptError`.
    """
    parts: list[str] = []
    is_leading = True
    for each in parameters:
        if each.collects:
            is_leading = False
            continue
        value = values.get(each.role) or _dictionary(each, values)
        if value is None:
            if each.is_required:
                raise CannotAdaptError(f"the meaning of its parameter {each.name} is unknown")
            is_leading = False
        elif each.is_positional or (is_leading and (each.is_required or each.role in ("input", "weight", "bias"))):
            if not is_leading:
                raise CannotAdaptError(f"its parameter {each.name} follows one of unknown meaning")
            parts.append(value)
        else:
            is_leading = False
            parts.append(f"{each.name}={value}")
    return parts


def _dictionary(parameter: InspectedParameter, values: Mapping[str, str]) -> str | None:
    """Return a dictionary with the keys that are read from a parameter, or None if none is an argument of conv2d."""
    items = [f'"{key}": {values[role(key, is_constructor=False)]}' for key in parameter.keys if _is_known(key, values)]
    return f"{{{', '.join(items)}}}" if items and roles_of(parameter) else None


def _is_known(key: str, values: Mapping[str, str]) -> bool:
    return role(key, is_constructor=False) in values


# --- arrays of an instance -------------------------------------------------------------------------------------------


def held_weight(target: Inspected, transpose: str) -> tuple[str, str] | None:
    """Return the name of an instance's weight and the source of its value, or None if it holds none."""
    for name, shape in target.arrays.items():
        for kernel in (KERNEL, (KERNEL[0],) * 2):
            value = _weight_of_shape(shape, kernel, transpose)
            if value:
                return name, value
    return None


def _weight_of_shape(shape: list[int], kernel: tuple[int, int], transpose: str) -> str:
    sizes = (CHANNELS_OUT, CHANNELS_IN, *kernel)
    for axes in WEIGHT_AXES.values():
        if shape == [sizes[axis] for axis in axes]:
            return _transposed("weight", None if axes == (0, 1, 2, 3) else axes, transpose)
    products = CHANNELS_IN * kernel[0] * kernel[1]
    if shape == [CHANNELS_OUT, products]:
        return "weight.reshape(len(weight), -1)"
    return "weight.reshape(len(weight), -1).T" if shape == [products, CHANNELS_OUT] else ""


def held_bias(target: Inspected) -> tuple[str, str] | None:
    """Return the name of an instance's bias and the source of its value, or None if it holds none."""
    for name, shape in target.arrays.items():
        if CHANNELS_OUT in shape and sorted(shape)[:-1] == [1] * (len(shape) - 1):
            sizes = ["-1" if size == CHANNELS_OUT else "1" for size in shape]
            return name, "bias" if len(shape) == 1 else f"bias.reshape({', '.join(sizes)})"
    return None
