"""Rules of conv2d that a call breaks: what an implementation that answers it does not check."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence

from convgauge.worker.call import OPERANDS, Call

_NUMBERS = {0: "no", 1: "one", 2: "two", 3: "three", 4: "four", 5: "five"}
_DEFAULTS = {"stride": 1, "padding": 0, "dilation": 1, "groups": 1}
_PLURALS = {"stride": "strides", "padding": "paddings", "dilation": "dilations", "groups": "groups"}
_AXES = {"input": 4, "weight": 4, "bias": 1}


def broken_rules(call: Call) -> list[str]:
    """Return what is wrong with a call, each as a plural noun: "strides of zero". Empty if nothing is found.

    The rules are those of outputs: of a gradient, nothing is found.
    """
    if call.direction != "forward":
        return []
    arguments = {**_DEFAULTS, **call.arguments}
    rules = [*_axes(call), *_spellings(arguments), *_dtypes(call)]
    if not rules:
        rules = [*_channels(call, arguments["groups"]), *_bias(call), *_sizes(call, arguments)]
    return list(dict.fromkeys(rules))


def broken_arguments(call: Call) -> set[str]:
    """Return the arguments that a call spells wrongly; "operands" stands for all that is wrong beside them."""
    arguments = {**_DEFAULTS, **call.arguments}
    names = {name for name, value in arguments.items() if any(_spellings({name: value}))}
    return names or {"operands"}


def _axes(call: Call) -> Iterator[str]:
    for name in OPERANDS:
        array = getattr(call, name)
        if array is not None and array.ndim != _AXES[name]:
            plural = "biases" if name == "bias" else f"{name}s"
            yield f"{plural} of {_counted(array.ndim, 'axis', 'axes')}"


def _dtypes(call: Call) -> Iterator[str]:
    dtypes = call.dtypes[: 2 if call.bias is None else 3]
    if len(set(dtypes)) > 1:
        yield "operands of two dtypes"


def _counted(count: int, noun: str, plural: str = "") -> str:
    return f"{_NUMBERS.get(count, str(count))} {noun if count == 1 else plural or noun + 's'}"


# --- arguments -------------------------------------------------------------------------------------------------------


def _spellings(arguments: Mapping[str, object]) -> Iterator[str]:
    """Yield what is wrong with arguments by themselves."""
    for name, value in arguments.items():
        plural = _PLURALS[name]
        if value is None:
            yield f"{plural} of None"
        elif isinstance(value, str):
            yield from _words(name, value)
        elif isinstance(value, (tuple, list)):
            if len(value) != 2:
                yield f"{plural} of {_counted(len(value), 'number')}"
            yield from _numbers(name, value)
        else:
            yield from _numbers(name, [value])


def _words(name: str, value: str) -> Iterator[str]:
    if name != "padding":
        yield f"{_PLURALS[name]} in text"
    elif value.isdecimal():
        yield "paddings in text"
    elif value not in ("same", "valid"):
        yield (
            "'same' and 'valid' in other letters"
            if value.lower() in ("same", "valid")
            else "unknown words for the padding"
        )


def _numbers(name: str, values: Sequence[object]) -> Iterator[str]:
    plural, least = _PLURALS[name], _DEFAULTS[name]
    for value in values:
        if isinstance(value, float):
            yield f"{plural} with fractions" if value != int(value) else f"floating-point {plural}"
        elif isinstance(value, int) and value < 0:
            yield f"negative {plural}"
        elif isinstance(value, int) and value < least:
            yield f"{plural} of zero"


# --- operands --------------------------------------------------------------------------------------------------------


def _channels(call: Call, groups: object) -> Iterator[str]:
    channels, (outputs, per_group) = call.input.shape[1], call.weight.shape[:2]
    if not isinstance(groups, int):
        return
    if channels % groups:
        yield "groups that do not divide the input channels"
    if outputs % groups:
        yield "groups that do not divide the output channels"
    if channels % groups == 0 and channels > per_group * groups:
        yield "inputs with more channels than the weight takes"
    if channels % groups == 0 and channels < per_group * groups:
        yield "inputs with fewer channels than the weight takes"


def _bias(call: Call) -> Iterator[str]:
    if call.bias is None or call.bias.size == call.weight.shape[0]:
        return
    if call.bias.size <= 1:
        yield f"biases of {_counted(call.bias.size, 'element')}"
    else:
        yield f"biases that are too {'long' if call.bias.size > call.weight.shape[0] else 'short'}"


def _sizes(call: Call, arguments: Mapping[str, object]) -> Iterator[str]:
    strides, dilations = _pair(arguments["stride"]), _pair(arguments["dilation"])
    if arguments["padding"] == "same":
        if max(strides) > 1:
            yield "strides with the padding 'same'"
        return
    pads = (0, 0) if isinstance(arguments["padding"], str) else _pair(arguments["padding"])
    sizes, kernel = call.input.shape[2:], call.weight.shape[2:]
    if min(sizes) == 0:
        yield "inputs without rows or columns"
    elif any(d * (k - 1) + 1 > n + 2 * p for d, k, n, p in zip(dilations, kernel, sizes, pads, strict=True)):
        yield "kernels larger than the padded input"


def _pair(value: object) -> tuple[int, int]:
    return (value[0], value[-1]) if isinstance(value, (tuple, list)) else (value, value)  # type: ignore[return-value]  # checked by `_spellings`


# --- the rules that explain several calls ----------------------------------------------------------------------------


def unchecked_rules(calls: Sequence[Call]) -> list[str]:
    """Return rules of which each of some answered calls breaks one, the fewest that a greedy choice gives.

    A call that breaks several rules and is answered shows that none of them is checked.
    """
    broken = [set(rules) for rules in map(broken_rules, calls) if rules]
    order = list(dict.fromkeys(rule for rules in map(broken_rules, calls) for rule in rules))
    chosen: list[str] = []
    while broken:
        best = max(order, key=lambda rule: sum(rule in rules for rules in broken))
        chosen.append(best)
        broken = [rules for rules in broken if best not in rules]
    return chosen
