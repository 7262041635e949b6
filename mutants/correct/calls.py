"""Correct NumPy builds that are declared or called unusually, or that decline or print much."""

# kernels as a user writes them, without annotations
# mypy: allow-untyped-defs, allow-untyped-calls

import contextlib
import ctypes
import functools
import sys
import warnings

import numpy as np
from _parts import computed, conv, correct, pair, resolve

from convgauge import implementation


@correct("Declines dilation, groups, words, empty or scattered operands and every dtype but float32.")
def declines_much(input, weight, bias=None, stride=1, padding=0, dilation=1, groups=1):
    problem = resolve(input, weight, bias, stride, padding, dilation, groups)
    if problem.dilation != (1, 1) or problem.groups > 1 or isinstance(padding, str) or problem.dtype != "float32":
        raise NotImplementedError("dense float32 convolutions only")
    if 0 in input.shape or 0 in weight.shape or not input.flags.c_contiguous or not weight.flags.c_contiguous:
        raise NotImplementedError("contiguous operands with elements only")
    return computed(problem, input, weight, bias)


@correct("Declares that it declines invalid arguments.")
@implementation(framework="numpy", algorithm="direct", declines={"errors": "arguments are not checked"})
def declines_bad_arguments(input, weight, bias=None, stride=1, padding=0, dilation=1, groups=1):
    """Decline invalid arguments."""
    try:
        problem = resolve(input, weight, bias, stride, padding, dilation, groups)
    except (ValueError, TypeError) as error:
        raise NotImplementedError(str(error)) from None
    assert isinstance(padding, str) or len(pair(padding)) >= 1
    return computed(problem, input, weight, bias)


@correct("Asserts its limits: one group, no dilation, and a padding in numbers.")
def asserts_its_limits(input, weight, bias=None, stride=1, padding=0, dilation=1, groups=1):
    assert groups == 1
    assert dilation in (1, (1, 1), [1, 1]), f"dilation {dilation} is not supported"
    if isinstance(padding, str):
        raise TypeError("padding must be a number or a pair")
    return conv(input, weight, bias, stride, padding, dilation, groups)


@correct("Computes with the padding as though it were numbers, which fails for strings.")
def padding_counted(input, weight, bias=None, stride=1, padding=0, dilation=1, groups=1):
    padding = padding if isinstance(padding, (tuple, list)) else padding + 0
    return conv(input, weight, bias, stride, padding, dilation, groups)


@correct("Looks its arguments up in a table, which fails for lists.")
def lists_refused(input, weight, bias=None, stride=1, padding=0, dilation=1, groups=1):
    hash((stride, padding, dilation))
    return conv(input, weight, bias, stride, padding, dilation, groups)


@correct("Has no default for the bias: a call without a bias must pass None.")
def bias_without_a_default(input, weight, bias, stride=1, padding=0, dilation=1, groups=1):
    return conv(input, weight, bias, stride, padding, dilation, groups)


@correct("Takes a stride and a dilation as one number only, and other names.")
def numbers_only(x, w, b=None, strides=1, padding=0, dil=1, group=1):
    strides, dil = strides + 0, dil + 0
    return conv(x, w, b, strides, padding, dil, group)


@correct("Takes writable pointers to its operands, which fails for read-only ones.")
def read_only_refused(input, weight, bias=None, stride=1, padding=0, dilation=1, groups=1):
    for array in (input, weight):
        if array.size and array.flags.c_contiguous and array.dtype.isnative:
            ctypes.c_char.from_buffer(array)
    return conv(input, weight, bias, stride, padding, dilation, groups)


@correct("Refuses invalid calls with an exception class of its own.")
def refuses_with_its_own_exception(input, weight, bias=None, stride=1, padding=0, dilation=1, groups=1):
    class KernelError(ArithmeticError):
        pass

    try:
        problem = resolve(input, weight, bias, stride, padding, dilation, groups)
    except (ValueError, TypeError) as error:
        raise KernelError("bad call") from error
    return computed(problem, input, weight, bias)


@correct("Refuses invalid calls by a failed assertion.")
def refuses_by_assertion(input, weight, bias=None, stride=1, padding=0, dilation=1, groups=1):
    try:
        problem = resolve(input, weight, bias, stride, padding, dilation, groups)
    except NotImplementedError:
        raise
    except (ValueError, TypeError):
        problem = None
    assert problem is not None
    return computed(problem, input, weight, bias)


@correct("Takes the arguments after the bias by keyword only.", advised_by=("arguments.by_position",))
def keywords_only(input, weight, bias=None, *, stride=1, padding=0, dilation=1, groups=1):
    return conv(input, weight, bias, stride, padding, dilation, groups)


@correct("Collects operands by * and arguments by **.")
def collected_keywords(*operands, **arguments):
    return conv(*operands, **arguments)


@correct("Takes arguments of its own after the usual ones.")
def more_arguments(input, weight, bias=None, stride=1, padding=0, dilation=1, groups=1, *, tile=8, out=None):
    return conv(input, weight, bias, stride, padding, dilation, groups)


@correct("Takes the operands by position only, under other names.", advised_by=("arguments.by_keyword",))
def other_names(x, k, b=None, /, stride=1, padding=0, dilation=1, groups=1):
    return conv(x, k, b, stride, padding, dilation, groups)


class _Callable:
    """Object that calls a function."""

    def __init__(self, function):
        self.function = function

    def __call__(self, input, weight, bias=None, stride=1, padding=0, dilation=1, groups=1):
        return self.function(input, weight, bias, stride, padding, dilation, groups)


@correct("Is a callable object.")
@_Callable
def callable_object(input, weight, bias, stride, padding, dilation, groups):
    return conv(input, weight, bias, stride, padding, dilation, groups)


def _with_tile(function):
    """Return a function with its tile bound."""
    return functools.partial(function, tile=8)


@correct("Is a partial function.")
@_with_tile
def partial_function(input, weight, bias=None, stride=1, padding=0, dilation=1, groups=1, tile=4):
    return conv(input, weight, bias, stride, padding, dilation, groups)


@correct("Prints and warns at every call.")
def prints_and_warns(input, weight, bias=None, stride=1, padding=0, dilation=1, groups=1):
    print("convolving", input.shape, weight.shape)
    print("on standard error", file=sys.stderr)
    warnings.warn("a warning of this kernel", UserWarning, stacklevel=2)
    return conv(input, weight, bias, stride, padding, dilation, groups)


@correct("Prints a megabyte for every batch of two images.")
def floods_standard_output(input, weight, bias=None, stride=1, padding=0, dilation=1, groups=1):
    if input.shape[0] == 2:
        print("x" * (1 << 20))
    return conv(input, weight, bias, stride, padding, dilation, groups)


@correct("Changes NumPy's error state during the call and restores it.")
def restores_the_error_state(input, weight, bias=None, stride=1, padding=0, dilation=1, groups=1):
    with np.errstate(all="ignore"), contextlib.suppress(ZeroDivisionError):
        return conv(input, weight, bias, stride, padding, dilation, groups)


@correct("Returns a tuple of the output and None.")
def output_in_a_tuple(input, weight, bias=None, stride=1, padding=0, dilation=1, groups=1):
    return conv(input, weight, bias, stride, padding, dilation, groups), None
