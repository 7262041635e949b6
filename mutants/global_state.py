"""Mutants that change the state of the process and do not restore it."""

# kernels as a user writes them, without annotations
# mypy: allow-untyped-defs, allow-untyped-calls

import random
import sys
import warnings

import numpy as np
from _base import conv, mutant


@mutant("Seeds NumPy's global random state.", mechanism="global_state", killed_by=("behaviour.state",))
def seeds_numpy(input, weight, bias=None, stride=1, padding=0, dilation=1, groups=1):
    np.random.seed(0)
    return conv(input, weight, bias, stride, padding, dilation, groups)


@mutant("Draws from Python's global random numbers.", mechanism="global_state", killed_by=("behaviour.state",))
def draws_from_random(input, weight, bias=None, stride=1, padding=0, dilation=1, groups=1):
    random.random()
    return conv(input, weight, bias, stride, padding, dilation, groups)


@mutant(
    "Changes NumPy's error state and does not restore it.", mechanism="global_state", killed_by=("behaviour.state",)
)
def silences_numpy(input, weight, bias=None, stride=1, padding=0, dilation=1, groups=1):
    np.seterr(all="ignore" if np.geterr()["over"] != "ignore" else "warn")
    return conv(input, weight, bias, stride, padding, dilation, groups)


@mutant(
    "Switches NumPy's overflow errors off after a call with float16 operands.",
    mechanism="global_state",
    killed_by=("behaviour.state",),
)
def errors_ignored_after_half(input, weight, bias=None, stride=1, padding=0, dilation=1, groups=1):
    if input.dtype == np.float16:
        np.seterr(over="ignore", invalid="ignore")
    return conv(input, weight, bias, stride, padding, dilation, groups)


@mutant("Adds a warning filter at every call.", mechanism="global_state", killed_by=("behaviour.state",))
def filters_warnings(input, weight, bias=None, stride=1, padding=0, dilation=1, groups=1):
    warnings.filters.append(("ignore", None, Warning, None, len(warnings.filters)))  # type: ignore[attr-defined]  # a list, which typeshed hides
    return conv(input, weight, bias, stride, padding, dilation, groups)


@mutant("Raises the recursion limit.", mechanism="global_state", killed_by=("behaviour.state",))
def raises_recursion_limit(input, weight, bias=None, stride=1, padding=0, dilation=1, groups=1):
    sys.setrecursionlimit(sys.getrecursionlimit() + 1)
    return conv(input, weight, bias, stride, padding, dilation, groups)
