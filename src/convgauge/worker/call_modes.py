"""Ways to make a call: by keyword, prepared, under transformations of torch; `*_modes` beside it has further ones.

Each mode is a function with the decorator `call_mode`; its name is the mode's name in `Call.mode`. It receives the
implementation, the framework, the call and its arrays (input, weight, and bias or None). It returns the output and
further results.
"""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

from convgauge.problem import Problem
from convgauge.registry import Implementation
from convgauge.registry.signature import has_parameter
from convgauge.worker.call import OPERANDS, Call, Value
from convgauge.worker.forms import Form
from convgauge.worker.frameworks import Array, Framework
from convgauge.worker.guarded_memory import GUARDED_LAYOUTS
from convgauge.worker.memory_faults import reported_faults

LETTERS = "iwb"  # of input, weight and bias in `Call.wanted`

Arrays = list[Array]  # input, weight, and bias or None
Outputs = tuple[Array, list[Array]]
CallMode = Callable[[Implementation, Framework, Call, Arrays], Outputs]

CALL_MODES: dict[str, CallMode] = {}


class UnsupportedCall(Exception):
    """The framework cannot make such a call; the message states the reason."""


def call_mode(function: CallMode) -> CallMode:
    """Register a function as the call mode of its name."""
    CALL_MODES[function.__name__] = function
    return function


def call_plainly(implementation: Implementation, call: Call, arrays: Arrays) -> Array:
    """Call the implementation with positional operands and named arguments, through ``prepare`` if the call asks so."""
    if call.prepared:
        return _prepared(implementation, call, arrays[1], arrays[2])(arrays[0])
    return implementation(*arrays, **call.arguments)


def _prepared(implementation: Implementation, call: Call, weight: Array, bias: Array) -> Callable[[Array], Array]:
    assert implementation.prepared is not None
    run: Callable[[Array], Array] = implementation.prepared(Problem.parse(call.prepared), weight, bias)
    return run


def extra_operand(framework: Framework, call: Call) -> Array:
    """Return the extra operand in its layout, as an array of the input's dtype on the call's device."""
    assert call.extra_operand is not None
    return framework.make(call.extra_operand, call.dtypes[0], call.device, call.extra_layout)[0]


# --- how the arguments are passed ------------------------------------------------------------------------------------


@call_mode
def by_keyword(implementation: Implementation, framework: Framework, call: Call, arrays: Arrays) -> Outputs:
    """Pass every argument by name."""
    return implementation(**dict(zip(OPERANDS, arrays)), **call.arguments), []


@call_mode
def by_position(implementation: Implementation, framework: Framework, call: Call, arrays: Arrays) -> Outputs:
    """Pass every argument by position."""
    return implementation(*arrays, *(call.arguments[name] for name in ("stride", "padding", "dilation", "groups"))), []


@call_mode
def without_bias(implementation: Implementation, framework: Framework, call: Call, arrays: Arrays) -> Outputs:
    """Leave the bias, which is None, to its default."""
    return implementation(*arrays[:2], **call.arguments), []


@call_mode
def numpy_integers(implementation: Implementation, framework: Framework, call: Call, arrays: Arrays) -> Outputs:
    """Pass every number among the arguments as a NumPy integer."""

    def converted(value: Value) -> Value:
        if isinstance(value, (tuple, list)):
            return type(value)(map(converted, value))
        return np.int64(value) if isinstance(value, int) else value

    return implementation(*arrays, **{name: converted(value) for name, value in call.arguments.items()}), []


@call_mode
def one_array(implementation: Implementation, framework: Framework, call: Call, arrays: Arrays) -> Outputs:
    """Pass the same array as input and as weight."""
    return implementation(arrays[0], arrays[0], arrays[2], **call.arguments), []


@call_mode
def into_output(implementation: Implementation, framework: Framework, call: Call, arrays: Arrays) -> Outputs:
    """Pass the extra operand, if there is one, as ``out``, which the function writes its output to."""
    form: Form = implementation.function  # type: ignore[assignment]  # `Subject` made it
    if not has_parameter(form.function, "out"):
        raise UnsupportedCall("the function has no parameter named out")
    if call.extra_operand is None:
        return implementation(*arrays, **call.arguments), []
    out, memory = framework.make(call.extra_operand, call.dtypes[0], call.device, call.extra_layout)
    by_position, by_name = form.arranged(*arrays, **call.arguments)
    guarded = {"output": framework.address_range(memory)} if call.extra_layout in GUARDED_LAYOUTS else {}
    with reported_faults(guarded):
        form.function(*by_position, **by_name, out=out)
    return out, []


# --- prepare ---------------------------------------------------------------------------------------------------------


@call_mode
def several_inputs(implementation: Implementation, framework: Framework, call: Call, arrays: Arrays) -> Outputs:
    """Prepare once, then run the input, the extra operand and the input again."""
    run = _prepared(implementation, call, arrays[1], arrays[2])
    first = run(arrays[0])
    return first, [run(extra_operand(framework, call)), run(arrays[0])]


@call_mode
def two_layers(implementation: Implementation, framework: Framework, call: Call, arrays: Arrays) -> Outputs:
    """Prepare two layers, the second with the extra operand as its weight, and run them in turns."""
    run = _prepared(implementation, call, arrays[1], arrays[2])
    other = _prepared(implementation, call, extra_operand(framework, call), arrays[2])
    first = run(arrays[0])
    return first, [other(arrays[0]), run(arrays[0])]


@call_mode
def overwritten(implementation: Implementation, framework: Framework, call: Call, arrays: Arrays) -> Outputs:
    """Prepare a layer, write the extra operand into the array of its weight, then run it."""
    if not framework.can_refill:
        raise UnsupportedCall(f"{framework.name}'s arrays cannot be written to")
    assert call.extra_operand is not None
    run = _prepared(implementation, call, arrays[1], arrays[2])
    framework.refill(arrays[1], call.extra_operand)
    return run(arrays[0]), []


TRACED = ("compiled", "compiled_dynamic", "exported", "functionalized")
"""Modes in which the framework runs the code itself, and replaces the exceptions that the code raises."""


# --- torch -----------------------------------------------------------------------------------------------------------


@call_mode
def unbatched(implementation: Implementation, framework: Framework, call: Call, arrays: Arrays) -> Outputs:
    """Pass the first image without its batch axis."""
    return implementation(arrays[0][0], *arrays[1:], **call.arguments), []


@call_mode
def meta(implementation: Implementation, framework: Framework, call: Call, arrays: Arrays) -> Outputs:
    """Pass operands without content. Extra output: True if the output is on the meta device."""
    import torch

    output = implementation(*(None if array is None else array.to("meta") for array in arrays), **call.arguments)
    return torch.zeros(output.shape, dtype=output.dtype), [torch.tensor([output.is_meta])]


@call_mode
def channels_last(implementation: Implementation, framework: Framework, call: Call, arrays: Arrays) -> Outputs:
    """Make a plain call. Extra output: True if the output is in channels-last memory."""
    import torch

    output = implementation(*arrays, **call.arguments)
    return output, [torch.tensor([output.is_contiguous(memory_format=torch.channels_last)])]


@call_mode
def compiled(implementation: Implementation, framework: Framework, call: Call, arrays: Arrays) -> Outputs:
    """Trace the call into one graph by torch.compile; no code generator is used, since none may be installed."""
    import torch

    torch._dynamo.reset()
    form: Form = implementation.function  # type: ignore[assignment]  # `Subject` made it
    by_position, by_name = form.arranged(*arrays, **call.arguments)
    function = torch.compile(form.function, backend="aot_eager", fullgraph=True, dynamic=False)
    return form.result(function(*by_position, **by_name)), []


@call_mode
def vmapped(implementation: Implementation, framework: Framework, call: Call, arrays: Arrays) -> Outputs:
    """Map the call over the images by torch.func.vmap."""
    import torch

    images = arrays[0][:, None]
    output = torch.func.vmap(lambda image: implementation(image, *arrays[1:], **call.arguments))(images)
    return output[:, 0], []


@call_mode
def vmapped_operand(implementation: Implementation, framework: Framework, call: Call, arrays: Arrays) -> Outputs:
    """Map the call over the operand ``wanted`` and its opposite by torch.func.vmap. Extra output: of the opposite."""
    import torch

    index = LETTERS.index(call.wanted)
    operands = list(arrays)
    operands[index] = torch.stack([arrays[index], -arrays[index]])
    axes = tuple(0 if number == index else None for number in range(len(operands)))
    output = torch.func.vmap(lambda *each: implementation(*each, **call.arguments), in_dims=axes)(*operands)
    return output[0], [output[1]]


@call_mode
def autocast(implementation: Implementation, framework: Framework, call: Call, arrays: Arrays) -> Outputs:
    """Call under torch.autocast to bfloat16."""
    import torch

    with torch.autocast(arrays[0].device.type, dtype=torch.bfloat16):
        return implementation(*arrays, **call.arguments), []


@call_mode
def used_later(implementation: Implementation, framework: Framework, call: Call, arrays: Arrays) -> Outputs:
    """Call without a gradient, then use the output in a graph that has one. Extra output: that graph's gradient."""
    import torch

    output = implementation(*arrays, **call.arguments)
    factor = torch.full((), 3, dtype=output.dtype, requires_grad=True)
    (output * factor).sum().backward()
    output.add_(0)
    return output, [factor.grad]


@call_mode
def in_module(implementation: Implementation, framework: Framework, call: Call, arrays: Arrays) -> Outputs:
    """Replace F.conv2d in an nn.Conv2d whose padding mode is ``wanted``."""
    import torch

    class Layer(torch.nn.Conv2d):  # type: ignore[misc]  # torch is not type-checked here
        def _conv_forward(self, input: Array, weight: Array, bias: Array) -> Array:
            padded = torch.nn.functional.pad(input, self._reversed_padding_repeated_twice, mode=call.wanted)
            return implementation(padded, weight, bias, self.stride, 0, self.dilation, self.groups)

    problem = Problem.parse(call.prepared)
    layer = Layer(
        problem.in_channels, problem.out_channels, problem.kernel, problem.stride, problem.padding, problem.dilation,
        problem.groups, problem.bias, call.wanted, "meta", arrays[1].dtype,
    )  # fmt: skip
    operands = {"weight": arrays[1], **({} if arrays[2] is None else {"bias": arrays[2]})}
    parameters = {name: torch.nn.Parameter(array, requires_grad=False) for name, array in operands.items()}
    return torch.func.functional_call(layer, parameters, arrays[0]), []
