"""Parameters of a case: the numbers and forms that can be changed one by one, and the case that they describe."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import replace
from typing import Any

from convgauge.conformance.cases import Case
from convgauge.domain import SPELLED
from convgauge.problem import Problem, ProblemError

Parameters = dict[str, Any]
"""Value of each parameter by its name, one of `PARAMETERS`."""

PAIRS = ("kernel", "stride", "padding", "dilation")
CHANNELS = ("in_channels", "out_channels")
LAYOUTS = ("layout", "weight_layout", "bias_layout")
HALVES = tuple(f"{name}_{axis}" for name in PAIRS for axis in "hw")
SIZES = ("batch", "in_channels", "height", "width", "out_channels")
FORMS = tuple(f"{name}_form" for name in SPELLED)

PARAMETERS = (*SIZES, "groups", "bias", *HALVES, "padding_word", *FORMS, "groups_form", *LAYOUTS, "prepared")
"""Names of the parameters. ``padding_word`` is "" if the padding is a number; ``…_form`` is an argument's spelling."""

PAIR, NUMBER, LIST, OMITTED = "pair", "number", "list", "omitted"
DEFAULTS = {"stride": 1, "padding": 0, "dilation": 1, "groups": 1}
"""Numbers that omitted arguments mean."""

_EXTENT = ("kernel", "dilation", "padding", "stride")
_AXES = (
    ("height", "kernel_h", "padding_h", "dilation_h", "stride_h"),
    ("width", "kernel_w", "padding_w", "dilation_w", "stride_w"),
)
_SPELLED = tuple((f"{name}_form", f"{name}_h", f"{name}_w") for name in SPELLED)

SUPPORT: Mapping[str, tuple[str, ...]] = {
    **{name: (name,) for name in (*SIZES, "groups", "bias", *LAYOUTS, "prepared")},
    **{half: (half,) for half in HALVES},
    **{f"padding_{axis}": (f"padding_{axis}", "padding_word") for axis in "hw"},
    "kernel": ("kernel_h", "kernel_w"),
    **{name: (f"{name}_h", f"{name}_w", f"{name}_form") for name in ("stride", "dilation")},
    "padding": ("padding_h", "padding_w", "padding_word", "padding_form"),
    "reduction": ("in_channels", "groups", "kernel_h", "kernel_w"),
    "depthwise": ("groups", "in_channels"),
    "out_h": ("height", *(f"{name}_h" for name in _EXTENT), "padding_word"),
    "out_w": ("width", *(f"{name}_w" for name in _EXTENT), "padding_word"),
    "dtype": (),
    "device": (),
}
"""Parameters on which each field of a domain depends."""


def support(names: frozenset[str]) -> tuple[str, ...]:
    """Return the parameters on which the named fields of a domain depend, in the order of `PARAMETERS`."""
    needed = {parameter for name in names for parameter in SUPPORT.get(name, ())}
    return tuple(name for name in PARAMETERS if name in needed)


def dependence(names: frozenset[str]) -> tuple[str, ...]:
    """Return the parameters that determine the named fields: those of `support`, and what padding by name adds to."""
    padded = [axis for axis in "hw" if f"padding_{axis}" in names]
    further = {f"{name}_{axis}" for axis in padded for name in ("kernel", "dilation")}
    needed = {*support(names), *further}
    return tuple(name for name in PARAMETERS if name in needed)


def parameters_of(case: Case) -> Parameters | None:
    """Return the parameters of a case, or None if it is invalid or spells an argument in a form that has no name."""
    if case.invalid_call:
        return None
    problem = case.problem
    values: Parameters = {name: getattr(problem, name) for name in (*SIZES, "groups", "bias")}
    for name in ("kernel", "stride", "dilation"):
        values[f"{name}_h"], values[f"{name}_w"] = getattr(problem, name)
    word = problem.padding if isinstance(problem.padding, str) else ""
    values["padding_h"], values["padding_w"] = (0, 0) if isinstance(problem.padding, str) else problem.padding
    values["padding_word"] = word
    values.update(zip(LAYOUTS, case.layouts, strict=True), prepared=case.prepared)
    values.update(dict.fromkeys((*FORMS, "groups_form"), PAIR))
    for name, value in case.arguments:
        form = _form(name, value, problem)
        if not form:
            return None
        values[f"{name}_form"] = form
    return values


def _form(name: str, value: object, problem: Problem) -> str:
    """Return the form of a spelled argument, or "" if it has no name or another value than the problem's."""
    meant = getattr(problem, name, None)
    if value is None:
        return OMITTED if meant in (DEFAULTS.get(name), (DEFAULTS.get(name),) * 2) else ""
    if name not in DEFAULTS or isinstance(value, bool):
        return ""
    if value == meant:
        return PAIR
    if type(value) is int:
        return NUMBER if meant == (value, value) else ""
    return LIST if isinstance(value, list) and tuple(value) == meant else ""


def case_of(values: Parameters, case: Case) -> Case | None:
    """Return a case with these parameters, else as ``case``; None if the parameters do not fit together."""
    fields: dict[str, Any] = {name: (values[f"{name}_h"], values[f"{name}_w"]) for name in PAIRS}
    fields.update((name, values[name]) for name in (*SIZES, "groups", "bias"))
    fields["padding"] = values["padding_word"] or fields["padding"]
    try:
        problem = Problem(**fields, dtype=case.problem.dtype)
    except ProblemError:
        return None
    layouts = tuple(values[name] for name in LAYOUTS)
    arguments = spelled(values)
    if arguments is None:
        return None
    return replace(case, problem=problem, layouts=layouts, arguments=arguments, prepared=values["prepared"])


def spelled(values: Parameters) -> tuple[tuple[str, Any], ...] | None:
    """Return the arguments that a call spells otherwise than its problem; None if the forms do not fit the values."""
    arguments = []
    for name, default in DEFAULTS.items():
        form = values[f"{name}_form"]
        if form == PAIR:
            continue
        if name == "groups":
            pair = (values["groups"],) * 2
        elif name == "padding" and values["padding_word"]:
            return None
        else:
            pair = (values[f"{name}_h"], values[f"{name}_w"])
        if form in (NUMBER, OMITTED) and pair[0] != pair[1]:
            return None
        if form == OMITTED and pair[0] != default:
            return None
        arguments.append((name, {NUMBER: pair[0], LIST: list(pair), OMITTED: None}[form]))
    return tuple(arguments)


def changed(values: Parameters, changes: Mapping[str, Any]) -> Parameters | None:
    """Return the parameters with some of them changed, and those changed with them that would not fit otherwise.

    Groups and channels stay multiples: a changed number of groups keeps the channels of a group, if it does not divide
    them. An image grows if the kernel would not fit. An argument in the form of one number has two equal halves. The
    result is None if the changes contradict each other.
    """
    new = {**values, **changes}
    if new["padding_word"] and ("padding_h" in changes or "padding_w" in changes):
        new["padding_word"] = changes.get("padding_word", "")
    if not (_fit_groups(values, new, changes) and _fit_forms(new, changes)):
        return None
    if new["padding_word"] == "same" and (new["stride_h"], new["stride_w"]) != (1, 1):
        return None
    for size, kernel, padding, dilation, _ in _AXES:
        least = new[dilation] * (new[kernel] - 1) + 1
        if new["padding_word"] == "same":
            least = 1
        elif not new["padding_word"]:
            least -= 2 * new[padding]
        if values[size] and new[size] < least:
            if size in changes:
                return None
            new[size] = least
    return new


def _fit_groups(values: Parameters, new: Parameters, changes: Mapping[str, Any]) -> bool:
    """Make the channels multiples of the groups; return False if all of them were given."""
    groups = new["groups"]
    if groups == 1:
        return True
    for name in CHANNELS:
        if new[name] % groups == 0:
            continue
        if name not in changes:
            new[name] = values[name] // values["groups"] * groups
        elif "groups" in changes:
            return False
        else:  # a depthwise layer stays one; other groups are not kept if they do not divide
            groups = new["groups"] = new[name] if values["groups"] == values["in_channels"] else 1
            new["out_channels"], multiplier = groups, max(1, values["out_channels"] // max(1, values["groups"]))
            if "out_channels" in changes or groups == 1:
                new["out_channels"] = changes.get("out_channels", values["out_channels"])
            else:
                new["out_channels"] = groups * multiplier
    return all(new[name] % groups == 0 for name in CHANNELS)


def _fit_forms(new: Parameters, changes: Mapping[str, Any]) -> bool:
    """Make the halves of an argument equal that is spelled as one number; return False if they were given unlike."""
    for form, height, width in _SPELLED:
        if new[form] not in (NUMBER, OMITTED):
            continue
        if new[height] == new[width]:
            continue
        if height in changes and width in changes:
            return False
        new[height] = new[width] = new[width] if width in changes else new[height]
    return True


def output_size(values: Parameters) -> tuple[int, int]:
    """Return the rows and columns of the output."""
    return _outputs(values, *_AXES[0]), _outputs(values, *_AXES[1])


def _outputs(values: Parameters, size: str, kernel: str, padding: str, dilation: str, stride: str) -> int:
    covered = values[dilation] * (values[kernel] - 1)
    word = values["padding_word"]
    pads = covered if word == "same" else 0 if word else 2 * values[padding]
    return int((values[size] + pads - covered - 1) // values[stride] + 1)


class Fields(Mapping[str, Any]):
    """Fields of a domain for parameters, each computed when it is read: a candidate needs only a few of them."""

    def __init__(self, values: Parameters, dtype: str, device: str) -> None:
        self._values, self._dtype, self._device = values, dtype, device

    def __getitem__(self, name: str) -> Any:  # noqa: ANN401 of several types
        values = self._values
        if name in ("padding_h", "padding_w"):
            return self._before(name[-1])
        if name in values:
            return values[name]
        if name in _DERIVED:
            return _DERIVED[name](self)
        return {"dtype": self._dtype, "device": self._device}[name]

    def _before(self, axis: str) -> int:
        """Return the rows or columns of padding before the input."""
        values = self._values
        word = values["padding_word"]
        if word == "same":
            return int(values[f"dilation_{axis}"] * (values[f"kernel_{axis}"] - 1) // 2)
        return 0 if word else int(values[f"padding_{axis}"])

    def _pair(self, name: str) -> object:
        values = self._values
        pair = (values[f"{name}_h"], values[f"{name}_w"])
        form = values.get(f"{name}_form", PAIR)
        if name == "padding" and values["padding_word"]:
            return values["padding_word"]
        return pair if form == PAIR else list(pair) if form == LIST else pair[0]

    def _reduction(self) -> int:
        values = self._values
        return int(values["in_channels"] // values["groups"] * values["kernel_h"] * values["kernel_w"])

    def __iter__(self) -> Iterator[str]:
        return iter(SUPPORT)

    def __len__(self) -> int:
        return len(SUPPORT)


_DERIVED: Mapping[str, Callable[[Fields], object]] = {
    "kernel": lambda fields: fields._pair("kernel"),
    "stride": lambda fields: fields._pair("stride"),
    "padding": lambda fields: fields._pair("padding"),
    "dilation": lambda fields: fields._pair("dilation"),
    "reduction": Fields._reduction,
    "depthwise": lambda fields: fields["groups"] == fields["in_channels"] > 1,
    "out_h": lambda fields: _outputs(fields._values, *_AXES[0]),
    "out_w": lambda fields: _outputs(fields._values, *_AXES[1]),
}
