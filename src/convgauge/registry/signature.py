"""Parameters of a function, matched with the arguments of conv2d by their names."""

from __future__ import annotations

import inspect
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Callable, Literal

Value = Any  # an argument of a call

SIGNATURE = "(input, weight, bias=None, stride=1, padding=0, dilation=1, groups=1)"

ARGUMENTS = ("input", "weight", "bias", "stride", "padding", "dilation", "groups")
OPERANDS = ARGUMENTS[:3]

DEFAULTS: Mapping[str, Value] = {"bias": None, "stride": 1, "padding": 0, "dilation": 1, "groups": 1}

SYNONYMS: Mapping[str, tuple[str, ...]] = {
    "input": ("x", "inp", "inputs", "image", "images", "img", "data", "src", "activation", "activations", "fmap"),
    "weight": ("w", "weights", "wt", "kernel", "kernels", "filter", "filters", "filt", "filts"),
    "bias": ("b", "biases"),
    "stride": ("s", "strides", "step", "steps"),
    "padding": ("p", "pad", "pads", "paddings"),
    "dilation": ("d", "dil", "dilate", "dilations", "dilation_rate"),
    "groups": ("g", "group", "n_groups", "num_groups", "ngroups", "feature_group_count"),
}
"""Other names of each argument. A name of several letters is compared without its case and its underscores' ends."""

MEANINGS: Mapping[str, str] = {name: argument for argument in ARGUMENTS for name in (argument, *SYNONYMS[argument])}
"""Argument of conv2d by the name of a parameter."""

POSITIONAL = (inspect.Parameter.POSITIONAL_ONLY, inspect.Parameter.POSITIONAL_OR_KEYWORD)
COLLECTING = (inspect.Parameter.VAR_POSITIONAL, inspect.Parameter.VAR_KEYWORD)


class SignatureError(ValueError):
    """A signature has no clear counterpart of an argument; the message is one sentence about the parameter."""


class UnsupportedArgument(NotImplementedError):
    """The form of an implementation cannot express an argument of the call: a limit of the implementation."""


@dataclass(frozen=True)
class Parameter:
    """A parameter of a function: its name, the argument that it takes, and how it is passed.

    ``argument`` is empty for a parameter that is left at its default.
    """

    name: str
    argument: str
    is_positional: bool
    default: Value = inspect.Parameter.empty

    @property
    def has_default(self) -> bool:
        """True if the parameter may be omitted."""
        return self.default is not inspect.Parameter.empty


@dataclass(frozen=True)
class Parameters:
    """Parameters of a function in their order.

    Parameters
    ----------
    text : str
        The signature as Python shows it; empty if it has none.
    parameters : tuple of Parameter
        The parameters.
    is_usual : bool
        True if the function is called as conv2d is: operands by position, arguments by their names.
    """

    text: str
    parameters: tuple[Parameter, ...]
    is_usual: bool

    def has(self, argument: str) -> bool:
        """Return True if the function takes an argument of conv2d."""
        return self.is_usual or any(parameter.argument == argument for parameter in self.parameters)

    def requires(self, argument: str) -> bool:
        """Return True if the function takes an argument and has no default for it."""
        return any(each.argument == argument and not each.has_default for each in self.parameters)

    def fillings(self) -> list[Literal["omitted", "zeros"]]:
        """Return what may be passed for a bias that is None; nothing if None is the function's own default."""
        default = next((each.default for each in self.parameters if each.argument == "bias"), None)
        if default is None:
            return []
        return ["zeros"] if self.requires("bias") else ["omitted", "zeros"]

    def arrange(self, given: Mapping[str, Value]) -> tuple[list[Value], dict[str, Value]]:
        """Return the positional and the keyword arguments of a call, given those of conv2d by name.

        Raises
        ------
        UnsupportedArgument
            The function lacks an argument that is given with another value than its default, or has no default for
            one that is not given.
        """
        self._check(given)
        if self.is_usual:
            operands = [given[name] for name in OPERANDS if name in given]
            return operands, {name: value for name, value in given.items() if name not in OPERANDS}
        by_position: list[Value] = []
        by_name: dict[str, Value] = {}
        omitted: list[Value] = []  # defaults of positional parameters that are passed only if a later one is
        for parameter in self.parameters:
            if parameter.argument not in given:
                if parameter.is_positional:
                    omitted.append(parameter.default)
            elif parameter.is_positional:
                by_position += [*omitted, given[parameter.argument]]
                omitted = []
            else:
                by_name[parameter.name] = given[parameter.argument]
        return by_position, by_name

    def _check(self, given: Mapping[str, Value]) -> None:
        for argument, value in given.items():
            if not self.has(argument) and not is_default(argument, value):
                raise UnsupportedArgument(f"its signature has no {argument}")
        for argument in ARGUMENTS:
            if argument not in given and self.requires(argument):
                raise UnsupportedArgument(f"its {argument} has no default value")

    def adaptations(self) -> tuple[str, ...]:
        """Return one sentence per difference from conv2d's call."""
        if self.is_usual:
            return ()
        renamed = {
            each.argument: each.name
            for each in self.parameters
            if each.argument and each.argument not in ("input", "weight", each.name)
        }
        sentences = [f"passes {argument} as {name}" for argument, name in renamed.items()]
        absent = [argument for argument in ARGUMENTS if not self.has(argument)]
        if absent:
            sentences.append(f"is called without {_listed(absent)}, which its signature lacks")
        unknown = [each.name for each in self.parameters if not each.argument]
        if unknown:
            sentences.append(f"leaves {_listed(unknown)} at the default")
        operands = [each.argument for each in self.parameters if each.argument in ("input", "weight")]
        if operands != ["input", "weight"]:
            sentences.append("passes the weight before the input")
        return tuple(sentences)


USUAL = Parameters("", (), is_usual=True)
"""Parameters of a function whose signature is unknown."""


def parameters_of(function: Callable[..., Value]) -> Parameters:
    """Return the parameters of a function. Raises `SignatureError`."""
    try:
        signature = inspect.signature(function)
    except (TypeError, ValueError):
        return USUAL  # a builtin function has no signature; its first call shows it
    return match(signature)


def has_parameter(function: Callable[..., Value], name: str) -> bool:
    """Return True if the signature of a function has a parameter of this name, which may be passed by it."""
    try:
        parameter = inspect.signature(function).parameters.get(name)
    except (TypeError, ValueError):
        return False
    return parameter is not None and parameter.kind not in (*COLLECTING, parameter.POSITIONAL_ONLY)


def match(signature: inspect.Signature, *, by_position: bool = False) -> Parameters:
    """Return the parameters of a signature, matched with the arguments of conv2d.

    Parameters
    ----------
    signature : inspect.Signature
        Signature of the function as it is called.
    by_position : bool
        True for a function that takes no keywords.

    Raises
    ------
    SignatureError
        A parameter has no clear meaning.
    """
    if not by_position and _is_usual(signature):
        return Parameters(str(signature), _usual_parameters(signature), is_usual=True)
    named = [each for each in signature.parameters.values() if each.kind not in COLLECTING]
    meanings = _meanings(named)
    operands = [meanings.get(each.name) for each in named[:2]]
    keeps_order = True  # operands stand first, so that they can be passed by position whatever their names
    parameters = []
    for each in named:
        argument = meanings.get(each.name, "")
        if not argument and each.default is each.empty:
            raise SignatureError(f"its parameter {each.name} is no argument of conv2d")
        keeps_order = keeps_order and (argument in OPERANDS)
        is_positional = each.kind in POSITIONAL and (
            by_position or each.kind is each.POSITIONAL_ONLY or (keeps_order and None not in operands)
        )
        parameters.append(Parameter(each.name, argument, is_positional, each.default))
    return Parameters(str(signature), tuple(parameters), is_usual=False)


def _is_usual(signature: inspect.Signature) -> bool:
    """Return True if conv2d's own call fits the signature and its bias is no other argument."""
    bias = object()
    try:
        bound = signature.bind(None, None, bias, stride=1, padding=0, dilation=1, groups=1)
    except TypeError:
        return False
    takers = [name for name, value in bound.arguments.items() if value is bias]
    return all(meaning(name) in ("", "bias") for name in takers)


def _usual_parameters(signature: inspect.Signature) -> tuple[Parameter, ...]:
    """Return the parameters of a usual signature: the first three are the operands."""
    positional = [each for each in signature.parameters.values() if each.kind in POSITIONAL][:3]
    operands = dict(zip((each.name for each in positional), OPERANDS))
    return tuple(
        Parameter(each.name, operands.get(each.name, each.name if each.name in DEFAULTS else ""), True, each.default)
        for each in signature.parameters.values()
        if each.kind not in COLLECTING
    )


def _meanings(named: list[inspect.Parameter]) -> dict[str, str]:
    """Return the argument of each parameter that has a clear one. Raises `SignatureError`."""
    by_argument: dict[str, list[str]] = {}
    for each in named:
        by_argument.setdefault(meaning(each.name), []).append(each.name)
    unclear = by_argument.pop("", [])
    meanings: dict[str, str] = {}
    for argument, names in by_argument.items():
        chosen = argument if argument in names else names[0]
        required = [each.name for each in named if each.name in names and each.default is each.empty]
        if len(names) > 1 and required not in ([], [chosen]):
            raise SignatureError(f"its parameters {_listed(names)} both mean {argument}")
        meanings[chosen] = argument
    _name_operands(named, unclear, meanings)
    return meanings


def _name_operands(named: list[inspect.Parameter], unclear: list[str], meanings: dict[str, str]) -> None:
    """Give the first two parameters the meanings input and weight, if their names are no other arguments'.

    Raises `SignatureError`.
    """
    for argument in ("input", "weight"):
        if argument in meanings.values():
            continue
        first = [each.name for each in named[:2] if each.name in unclear and each.name not in meanings]
        if not first:
            raise SignatureError(f"no parameter takes the {argument}")
        meanings[first[0]] = argument


def meaning(name: str) -> str:
    """Return the argument of conv2d that a parameter's name means, or an empty text."""
    plain = name.strip("_")
    return MEANINGS.get(plain) or MEANINGS.get(plain.lower(), "")


def is_default(argument: str, value: Value) -> bool:
    """Return True if an argument has the value that it has where it is omitted, however that is spelled."""
    if argument == "bias":
        return value is None
    if isinstance(value, (tuple, list)):
        return argument != "groups" and len(value) in (1, 2) and all(is_default(argument, half) for half in value)
    if isinstance(value, str):
        return argument == "padding" and value == "valid"
    is_number = hasattr(type(value), "__index__") and not isinstance(value, bool)
    return is_number and argument in DEFAULTS and bool(value == DEFAULTS[argument])


def _listed(names: list[str]) -> str:
    return " and ".join(filter(None, [", ".join(names[:-1]), names[-1]]))
