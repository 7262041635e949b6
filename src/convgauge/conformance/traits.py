"""Traits of a case that a spec is about: a redrawn case keeps them, or it says nothing about the spec."""

from __future__ import annotations

import operator
from collections.abc import Callable, Mapping, Sequence

from convgauge.conformance.parameters import FORMS, LAYOUTS, PAIRS, SIZES, Parameters

LARGE = 256
"""Size from which a parameter does not fit a byte."""


def _pads(values: Parameters) -> bool:
    word = values["padding_word"]
    if word:
        return bool(word == "same" and (values["kernel_h"] > 1 or values["kernel_w"] > 1))
    return bool(values["padding_h"] or values["padding_w"])


def _has_unequal_pair(values: Parameters) -> bool:
    return any(values[f"{name}_h"] != values[f"{name}_w"] for name in PAIRS)


def _empty(values: Parameters) -> tuple[str, ...]:
    return tuple(name for name in SIZES if not values[name])


def _large(values: Parameters) -> bool:
    return any(type(value) is int and value >= LARGE for value in values.values())


TRAITS: Mapping[str, tuple[str, Callable[[Parameters], object], tuple[str, ...]]] = {
    "padding": ("padding", _pads, ("padding_h", "padding_w", "padding_word")),
    "padding_word": ("this padding by name", lambda values: values["padding_word"], ("padding_word",)),
    "no_padding": ("no padding", lambda values: not _pads(values), ("padding_h", "padding_w", "padding_word")),
    "stride": ("stride > 1", lambda v: max(v["stride_h"], v["stride_w"]) > 1, ("stride_h", "stride_w")),
    "dilation": ("dilation > 1", lambda v: max(v["dilation_h"], v["dilation_w"]) > 1, ("dilation_h", "dilation_w")),
    "groups": ("groups > 1", lambda values: values["groups"] > 1, ("groups",)),
    "bias": ("a bias", lambda values: values["bias"], ("bias",)),
    "no_bias": ("no bias", lambda values: not values["bias"], ("bias",)),
    "batch": ("several images", lambda values: values["batch"] > 1, ("batch",)),
    "channels": ("several input channels", lambda v: v["in_channels"] > v["groups"], ("in_channels", "groups")),
    "outputs": ("several output channels", lambda v: v["out_channels"] > v["groups"], ("out_channels", "groups")),
    "even_kernel": ("an even kernel", lambda v: 0 in (v["kernel_h"] % 2, v["kernel_w"] % 2), ("kernel_h", "kernel_w")),
    "unequal_pair": ("two different numbers in a pair", _has_unequal_pair, ()),
    "spelling": ("these spellings of arguments", operator.itemgetter(*FORMS, "groups_form"), FORMS),
    "layout": ("these memory layouts", operator.itemgetter(*LAYOUTS), LAYOUTS),
    "empty": ("these empty sizes", _empty, ()),
    "prepared": ("prepared layers", lambda values: values["prepared"], ("prepared",)),
    "large": (f"a parameter of {LARGE} and more", _large, ()),
}
"""Words of a trait ("the domain has no problem with …"), its value, and the parameters that it is made of."""

ALWAYS = ("layout", "empty", "prepared")
"""Traits that every spec keeps: a case has them only if it is about them."""

BY_CHAPTER: Mapping[str, tuple[str, ...]] = {
    "padding": ("padding", "padding_word"),
    "stride": ("stride",),
    "dilation": ("dilation",),
    "groups": ("groups",),
    "bias": ("bias", "no_bias"),
    "arguments": ("spelling",),
}
"""Further traits that the specs of a chapter keep, unless a spec names its own."""


OF_CALL_MODES = ("bias", "no_bias")
"""Traits that calls in another mode keep: a mode may pass a bias in its own way, or none."""


def kept_traits(chapter: str, named: Sequence[str] | None, mode: str = "") -> tuple[str, ...]:
    """Return the traits that a spec keeps in a call mode: those that it names, or else those of its chapter."""
    return (*ALWAYS, *(BY_CHAPTER.get(chapter, ()) if named is None else named), *(OF_CALL_MODES if mode else ()))


def keeps(traits: Sequence[str], old: Parameters, new: Parameters) -> bool:
    """Return True if new parameters have every one of the traits that the old ones have."""
    return keeper(traits, old)(new)


def keeper(traits: Sequence[str], old: Parameters) -> Callable[[Parameters], bool]:
    """Return a predicate of new parameters: True if they have every one of the traits that the old ones have."""
    values = [TRAITS[name][1] for name in traits]
    expected = [(value, trait) for value in values if (trait := value(old))]

    def is_kept(new: Parameters) -> bool:
        return all(trait == value(new) for value, trait in expected)

    return is_kept


def lost_traits(traits: Sequence[str], old: Parameters, new: Parameters) -> list[str]:
    """Return the words of the traits that new parameters have lost."""
    return [TRAITS[name][0] for name in traits if not keeps((name,), old, new)]
