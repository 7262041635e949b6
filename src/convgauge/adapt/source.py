"""Text of an adapter: a complete Python file that defines conv2d."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from textwrap import fill

from convgauge.adapt.arguments import CannotAdaptError, arguments, expressions, held_bias, held_weight
from convgauge.adapt.guess import Guess, roles
from convgauge.worker.messages import Inspected

SIGNATURE = "input, weight, bias=None, stride=1, padding=0, dilation=1, groups=1"

REFUSAL = "not supported"
"""Beginning of the message by which an adapter refuses what its target does not take."""

MAX_LINE = 112
"""Characters of a statement before it is written in several lines."""

INDENT = 4

RESERVED = frozenset(
    (
        *("input", "weight", "bias", "stride", "padding", "dilation", "groups", "conv2d", "pair", "number", "layer"),
        *("np", "torch", "jnp", "rows", "columns", "image", "names", "parameters", "output", "state", "x", "w"),
    )
)
"""Names that an adapter uses itself."""

CONDITIONS: Mapping[str, str] = {
    "no bias": "bias is None",
    "several images": "len(input) > 1",
    "kernels that are not square": "weight.shape[2] != weight.shape[3]",
    "images that are not square": "input.shape[2] != input.shape[3]",
    "kernels of one element": "weight.shape[2] == weight.shape[3] == 1",
    "bias": "bias is not None",
    "padding by name": "isinstance(padding, str)",
    "padding": "pair(padding) != (0, 0)",
    "unequal padding": "not isinstance(padding, str) and len(set(pair(padding))) > 1",
    "stride": "pair(stride) != (1, 1)",
    "unequal strides": "len(set(pair(stride))) > 1",
    "dilation": "pair(dilation) != (1, 1)",
    "unequal dilations": "len(set(pair(dilation))) > 1",
    "groups": "groups != 1",
}
"""Condition of each feature of trial problems that an adapter can refuse; padding by name stands before the numbers."""

PAIR = '''
def pair(size):
    """Return a size as (rows, columns)."""
    rows, columns = (size, size) if isinstance(size, int) else size
    return rows, columns
'''

NUMBER = '''
def number(size):
    """Return a size that is equal for rows and columns as one number."""
    rows, columns = pair(size)
    if rows != columns:
        raise NotImplementedError(f"{size}: one number for rows and columns only")
    return rows
'''


@dataclass(frozen=True)
class TargetImport:
    """Import of a target in an adapter.

    Attributes
    ----------
    lines : tuple of str
        Statements that import it, at the top of the file.
    top : str
        Name that the target's module gives it, up to the first dot.
    attribute : str
        Name of the target with its classes.
    title : str
        Target in the words of a docstring.
    """

    lines: tuple[str, ...]
    top: str
    attribute: str
    title: str

    @property
    def alias(self) -> str:
        """Name that the adapter uses for `top`."""
        return "kernel" if self.top in RESERVED else self.top

    @property
    def callee(self) -> str:
        """Expression of the target."""
        return self.alias + self.attribute.removeprefix(self.top)


def adapter_text(source: TargetImport, target: Inspected, guess: Guess) -> str:
    """Return the text of an adapter. Raises `CannotAdaptError`."""
    writer = _Writer(source, target, guess)
    body = [*writer.refusals(), *writer.statements()]
    code = "\n".join(f"    {line}" for line in body)
    helpers = "".join(
        f"\n{text}" for name, text in (("pair(", PAIR), ("number(", NUMBER)) if name in code or "number(" in code
    )
    used = f"{code}{helpers}"
    libraries = [line for name, line in _LIBRARIES.items() if f"{name}." in used]
    return "\n".join(
        [
            f'"""Adapter of {source.title} for convgauge.\n\n{fill(f"Form: {guess}.", MAX_LINE)}\n"""\n',
            *([*libraries, ""] if libraries else []),
            *source.lines,
            helpers,
            f"\ndef conv2d({SIGNATURE}):",
            f'    """Call {source.callee} as torch.nn.functional.conv2d is called."""',
            code,
            "",
        ]
    )


_LIBRARIES = {"np": "import numpy as np", "torch": "import torch", "jnp": "import jax.numpy as jnp"}

_STACKS = {"torch": "torch.stack", "jax": "jnp.stack"}


class _Writer:
    """Statements of one adapter."""

    def __init__(self, source: TargetImport, target: Inspected, guess: Guess) -> None:
        self.source, self.target, self.guess = source, target, guess
        self.transpose = "permute" if target.framework == "torch" else "transpose"
        self.values = expressions(target, guess, self.transpose)
        self.roles = roles(target)
        if target.kind in ("class", "module"):
            self.weight = held_weight(target, self.transpose)
            self.bias = held_bias(target)

    # --- what is refused ---

    def refusals(self) -> list[str]:
        """Return the statements that refuse what the target does not take."""
        absent = [name for name in ("stride", "padding", "dilation", "groups") if not self._has(name)]
        if not self._has_bias():
            absent.append("bias")
        if not self.guess.has_names and self.guess.padding != "names":
            absent.append("padding by name")
        names = {*absent, *self.guess.refused}
        refused = {condition: name for name, condition in CONDITIONS.items() if name in names}
        if self.guess.layout in ("CHW", "HWC", "HW"):
            refused["not len(input)"] = "empty batches"
        lines = []
        if refused:
            lines = _condition(list(refused))
            lines.append(f'    raise NotImplementedError("{REFUSAL}: {", ".join(refused.values())}")')
        return [*lines, *self._padding_lines()]

    def _has(self, size: str) -> bool:
        return size in self.roles or f"{size}_h" in self.roles

    def _has_bias(self) -> bool:
        if self.target.kind in ("class", "module"):
            return "bias" in self.roles or "has_bias" in self.roles or self.bias is not None
        return "bias" in self.roles

    def _padding_lines(self) -> list[str]:
        if "padding" not in self.roles:
            return []
        if self.guess.padding == "names":
            return [
                'names = {"same": "SAME", "valid": "VALID", (0, 0): "VALID"}',
                "padding = padding if isinstance(padding, str) else pair(padding)",
                'if padding not in names or (padding == "same" and pair(stride) != (1, 1)):',
                '    raise NotImplementedError("padding by numbers")',
            ]
        return ["rows, columns = pair(padding)"] if "rows" in self.values["padding"] else []

    # --- the call ---

    def statements(self) -> list[str]:
        """Return the statements that call the target. Raises `CannotAdaptError`."""
        callee = self.source.callee
        lines = [f"bias = {self._zeros()} if bias is None else bias"] if self.guess.has_zeros else []
        if self.target.kind == "autograd":
            callee = f"{callee}.apply"
        elif self.target.kind in ("class", "module"):
            lines += self._instance()
            callee = "layer" if self.target.method == "__call__" else f"layer.{self.target.method}"
        if self.target.kind == "module" and self.weight is not None:
            return [*lines, *self._functional_call()]
        return [*lines, *self._call(callee)]

    def _call(self, callee: str) -> list[str]:
        guess, values = self.guess, dict(self.values)
        if guess.layout == "HW":
            return self._plane_by_plane(callee)
        if guess.layout in ("CHW", "HWC"):
            values["input"] = "image" if guess.layout == "CHW" else f"image.{self.transpose}(1, 2, 0)"
            back = "" if guess.layout == "CHW" else f".{self.transpose}(2, 0, 1)"
            stack = _STACKS.get(self.target.framework, "np.stack")
            single = _lines(f"return {callee}", arguments(self.target.parameters, values), f"{guess.result}{back}")
            indented = [f"    {line}" for line in single]
            return ["def convolved(image):", *indented, f"return {stack}([convolved(image) for image in input])"]
        lines = []
        for name, role in (("x", "input"), ("w", "weight")):
            if values[role] != role and any(each.role == role for each in self.target.parameters):
                lines.append(f"{name} = {values[role]}")
                values[role] = name
        call = arguments(self.target.parameters, values)
        if guess.layout == "NCHW":
            return [*lines, *_lines(f"return {callee}", call, guess.result)]
        lines += _lines(f"output = {callee}", call, guess.result)
        return [*lines, f"return output.{self.transpose}(0, 3, 1, 2)"]

    def _plane_by_plane(self, callee: str) -> list[str]:
        """Return the sum over channels of a function of one plane and one kernel."""
        if self.target.kind != "function" or self.roles & {"bias", "groups"}:
            raise CannotAdaptError("planes are for functions of one image and one kernel")
        stack = _STACKS.get(self.target.framework, "np.stack")
        values = {**self.values, "input": "plane", "weight": "kernel_plane"}
        call = f"{callee}({', '.join(arguments(self.target.parameters, values))}){self.guess.result}"
        return [
            "def summed(image, filter):",
            f"    return sum({call} for plane, kernel_plane in zip(image, filter))",
            f"return {stack}([{stack}([summed(image, filter) for filter in weight]) for image in input])",
        ]

    def _instance(self) -> list[str]:
        """Return the statements that make an instance and give it the operands, with the random state kept."""
        call = arguments(self.target.constructor, self._constructor_values())
        statement = _lines(f"layer = {self.source.callee}", call)
        if self.weight is None:
            return statement
        if self.target.framework == "torch":
            lines = ["with torch.random.fork_rng(devices=[]):", *(f"    {line}" for line in statement)]
        else:
            lines = ["state = np.random.get_state()", *statement, "np.random.set_state(state)"]
        if self.target.kind == "class":
            lines.append(f"layer.{self.weight[0]} = {self.weight[1]}")
            lines += self._bias_lines()
        return lines

    def _constructor_values(self) -> dict[str, str]:
        if self.weight is not None or any(each.role == "weight" for each in self.target.parameters):
            return self.values
        # without arrays of its own, the instance is given them: "filters" is then the weight
        named = {each.name: each.role for each in self.target.constructor}
        if "weight" not in named.values() and "out_channels" not in named.values():
            raise CannotAdaptError(f"an instance holds no weight{self._reason()}")
        return {**self.values, "out_channels": self.values["weight"], "has_bias": "bias"}

    def _reason(self) -> str:
        return f" ({self.target.error})" if self.target.error else ""

    def _bias_lines(self) -> list[str]:
        if self.bias is None:
            return []
        name, value = self.bias
        if "has_bias" in self.roles:
            return ["if bias is not None:", f"    layer.{name} = {value}"]
        return [f"bias = {self._zeros()} if bias is None else bias", f"layer.{name} = {value}"]

    def _zeros(self) -> str:
        is_torch = self.target.framework == "torch"
        return "weight.new_zeros(len(weight))" if is_torch else "np.zeros(len(weight), weight.dtype)"

    def _functional_call(self) -> list[str]:
        assert self.weight is not None
        lines = [f'parameters = {{"{self.weight[0]}": {self.weight[1]}}}']
        if self.bias is not None:
            name, value = self.bias
            if "has_bias" not in self.roles:
                lines.append(f"bias = {self._zeros()} if bias is None else bias")
                lines.append(f'parameters["{name}"] = {value}')
            else:
                lines += ["if bias is not None:", f'    parameters["{name}"] = {value}']
        if any(each.role != "input" and each.is_required for each in self.target.parameters):
            raise CannotAdaptError("its forward method takes more than the input")
        back = f".{self.transpose}(0, 3, 1, 2)" if self.guess.layout == "NHWC" else ""
        if self.guess.layout not in ("NCHW", "NHWC"):
            raise CannotAdaptError("modules take batches")
        call = f"torch.func.functional_call(layer, parameters, ({self.values['input']},))"
        return [*lines, f"return {call}{self.guess.result}{back}"]


def _condition(parts: list[str]) -> list[str]:
    """Return an if statement in one line, or with one line per part if it is long."""
    line = f"if {' or '.join(parts)}:"
    if len(line) <= MAX_LINE:
        return [line]
    return ["if (", f"    {parts[0]}", *(f"    or {part}" for part in parts[1:]), "):"]


def _lines(function: str, call: list[str], subscript: str = "") -> list[str]:
    """Return a call as one line, its arguments in a line of their own, or each in one, as is needed."""
    joined = ", ".join(call)
    line = f"{function}({joined}){subscript}"
    if len(line) <= MAX_LINE:
        return [line]
    if len(joined) <= MAX_LINE - INDENT:
        return [f"{function}(", f"    {joined}", f"){subscript}"]
    return [f"{function}(", *(f"    {argument}," for argument in call), f"){subscript}"]
