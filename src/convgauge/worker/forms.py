"""Form of an implementation: how it is called, found out from its signature and from calls that raise.

A function takes the operands under other names, lacks a bias or a dilation, takes a stride as one number only, or
returns a cache beside its output. A `Form` makes conv2d's call in the way that the function takes, and keeps a sentence
about each such adaptation. What the function cannot express raises `UnsupportedArgument`: a limit, not a fault.

A spelling is tried out only after a call raised an exception, and on a problem made simple: one group, stride and
dilation of 1. It is adopted if the usual spelling raises twice and the other one answers twice. A function that raises
in some calls alone therefore keeps its exception.
"""

from __future__ import annotations

import itertools
from collections.abc import Callable, Sequence

import numpy as np

from convgauge.domain import SPELLED
from convgauge.dtypes import DTYPES
from convgauge.registry.signature import OPERANDS, USUAL, SignatureError, UnsupportedArgument, parameters_of
from convgauge.worker.call import Call
from convgauge.worker.frameworks import Array
from convgauge.worker.spelling import (
    USUAL_SPELLING,
    Given,
    MissingBias,
    Spelling,
    Value,
    as_pairs,
    described,
    simplified,
    with_small_kernel,
)

ROUNDED = ("float32", "float16")
"""Dtypes of operands for which a float64 result is rounded: NumPy's default dtype is float64."""

OUTPUT_RANK = 4

Run = Callable[[Array], Array]


class Form:
    """A function and the way in which it is called.

    Parameters
    ----------
    function : callable
        The function.
    rounds : bool
        True if float64 results for narrower operands are rounded to the operands' dtype.
    """

    def __init__(self, function: Callable[..., Value], *, rounds: bool = False) -> None:
        self.function, self.rounds = function, rounds
        try:
            self.parameters = parameters_of(function)
        except SignatureError:
            self.parameters = USUAL  # its first call shows it
        self.spelling = USUAL_SPELLING
        self.is_valid = self.tests_dtype = False
        self.spelled: tuple[str, ...] = ()
        self._dtypes: tuple[str, ...] = ()
        self._taken = self._rounding = ""
        self._has_answered = False
        self._decided: set[str] = set()  # properties of the spelling that are known

    @property
    def adaptations(self) -> tuple[str, ...]:
        """One sentence per adaptation that was made so far."""
        of_results = filter(None, (self._taken, self._rounding))
        return (*self.parameters.adaptations(), *self.spelling.adaptations(), *of_results)

    def begin(self, call: Call) -> None:
        """Note the properties of a call that is made next."""
        self.is_valid, self.spelled, self.tests_dtype = call.is_valid, call.spelled, call.tests_dtype
        self._dtypes = call.dtypes[: 2 if call.bias is None else 3]

    def __call__(self, *operands: Array, **arguments: Value) -> Array:
        """Make a call that is written as one of conv2d, in the form that the function takes."""
        if len(operands) > len(OPERANDS) or any(name in arguments for name in OPERANDS):
            return self._call_as_written(operands, arguments)
        given = {**dict(zip(OPERANDS, operands)), **arguments}
        try:
            return self._call(given, self.spelling)
        except (UnsupportedArgument, MemoryError):  # the spelling does not change how much memory there is
            raise
        except Exception:
            if not self.is_valid or not self._finds_spelling(given):
                self._refuse_spelling(given)
                raise
        try:
            return self._call(given, self.spelling)
        except UnsupportedArgument:
            raise
        except Exception:
            self._refuse_spelling(given)
            raise

    def make_first_call(self, dtype: str, operands: Sequence[Array], arguments: Given) -> None:
        """Make a valid call if none has been answered, so that the spelling and the result of calls are known."""
        self.is_valid, self.spelled, self.tests_dtype, self._dtypes = True, (), False, (dtype,)
        if not self._has_answered:
            self(*operands, **arguments)

    def bound(self, weight: Array, bias: Array, arguments: Given) -> Run:
        """Return the call as a function of the input, with as little work as possible in it."""
        function, takes_first = self.function, bool(self._taken)
        if self.parameters.is_usual and self.spelling == USUAL_SPELLING and not takes_first:
            return lambda array: function(array, weight, bias, **arguments)
        marker = object()  # stands for the input
        by_position, by_name = self.arranged(marker, weight, bias, **arguments)
        index = next(i for i, value in enumerate(by_position) if value is marker)
        before, after = by_position[:index], by_position[index + 1 :]
        if takes_first:
            return lambda array: function(*before, array, *after, **by_name)[0]
        return lambda array: function(*before, array, *after, **by_name)

    def arranged(self, *operands: Array, **arguments: Value) -> tuple[list[Value], dict[str, Value]]:
        """Return the positional and the keyword arguments of the function for a call of conv2d."""
        given = {**dict(zip(OPERANDS, operands)), **arguments}
        return self.parameters.arrange(self.spelling.applied(given, self.spelled))

    def result(self, output: Value) -> Array:
        """Return the output: the first of a tuple or list, if it is an array of four axes.

        An output is a batch, so that a list with an array per image is none.
        """
        self._has_answered = True
        if not isinstance(output, (tuple, list)) or not output:
            return output
        if getattr(output[0], "ndim", 0) != OUTPUT_RANK:
            return output
        self._taken = f"takes the first of {len(output)} results"
        return output[0]

    def rounded(self, output: np.ndarray, dtype: str) -> tuple[np.ndarray, str]:
        """Return an output in float64 rounded once to the dtype of the operands, if they are narrower.

        Raises
        ------
        UnsupportedArgument
            The dtype of the output is what the case is about.
        """
        if not self.rounds or dtype != "float64" or len(set(self._dtypes)) != 1 or self._dtypes[0] not in ROUNDED:
            return output, dtype
        narrow = self._dtypes[0]
        if self.tests_dtype:
            raise UnsupportedArgument(f"gives float64 for {narrow} operands")
        self._rounding = "gives float64 for narrower operands; rounded to their dtype"
        with np.errstate(over="ignore"):
            return output.astype(DTYPES[narrow].carrier), narrow

    def _call_as_written(self, operands: tuple[Array, ...], arguments: dict[str, Value]) -> Array:
        if not self.parameters.is_usual:
            raise UnsupportedArgument(f"its parameters are {self.parameters.text}")
        return self.result(self.function(*operands, **arguments))

    def _call(self, given: Given, spelling: Spelling, spelled: tuple[str, ...] | None = None) -> Array:
        arguments = spelling.applied(given, self.spelled if spelled is None else spelled)
        by_position, by_name = self.parameters.arrange(arguments)
        return self.result(self.function(*by_position, **by_name))

    def _answers(self, given: Given, spelling: Spelling, spelled: tuple[str, ...] = ()) -> bool:
        """Return True if a call gives an output."""
        try:
            self._call(given, spelling, spelled)
        except Exception:
            return False
        return True

    # --- spellings ---

    def _finds_spelling(self, given: Given) -> bool:
        """Adopt a spelling in which the function answers; return True if the spelling has changed."""
        before, has_name = self.spelling, isinstance(given.get("padding"), str)
        self._find_numbers_and_bias(given, with_small_kernel(given, (0, 0)) if has_name else simplified(given))
        if has_name and "names" not in self._decided:
            self._find_names(given)
        return self.spelling != before

    def _find_numbers_and_bias(self, given: Given, simple: Given) -> None:
        candidates = [candidate for candidate in self._candidates(given) if candidate != self.spelling]
        if not candidates:
            return
        if self._answers(simple, self.spelling):
            self._decide(given)
            return
        for candidate in candidates:
            if self._answers(simple, candidate):
                adopted = self._narrowed(simple, candidate)
                if not self._answers(simple, self.spelling) and self._answers(simple, adopted):
                    self.spelling = adopted
                    self._decide(given)
                return

    def _find_names(self, given: Given) -> None:
        """Note that padding has no names if no name is taken where the number 0 is."""
        if not self._answers(with_small_kernel(given, (0, 0)), self.spelling):
            return
        self._decided.add("names")
        if not any(self._answers(with_small_kernel(given, name), self.spelling) for name in ("same", "valid")):
            self.spelling = Spelling(self.spelling.numbers, False, self.spelling.missing_bias)

    def _decide(self, given: Given) -> None:
        self._decided.add("numbers")
        if given.get("bias", 0) is None:
            self._decided.add("bias")

    def _candidates(self, given: Given) -> list[Spelling]:
        """Return the spellings of what is not decided, the simplest change first."""
        numbers = [self.spelling.numbers]
        if "numbers" not in self._decided:
            numbers.append(SPELLED)
        fillings: list[MissingBias] = [self.spelling.missing_bias]
        if "bias" not in self._decided and given.get("bias", 0) is None:
            fillings += self.parameters.fillings()
        return [
            Spelling(sizes, self.spelling.has_names, filling) for filling, sizes in itertools.product(fillings, numbers)
        ]

    def _narrowed(self, simple: Given, spelling: Spelling) -> Spelling:
        """Return the spelling without the numbers that the function does not need."""
        for name in SPELLED:
            fewer = tuple(each for each in spelling.numbers if each != name)
            candidate = Spelling(fewer, spelling.has_names, spelling.missing_bias)
            if fewer != spelling.numbers and self._answers(simple, candidate):
                spelling = candidate
        return spelling

    def _refuse_spelling(self, given: Given) -> None:
        """Raise `UnsupportedArgument` if the function answers a valid call with each size as a pair instead."""
        if not self.is_valid or not self.spelled:
            return
        try:
            usual = as_pairs(given)
        except (TypeError, ValueError):
            return
        self.spelling.applied(usual)  # raises `UnsupportedArgument` for a pair where one number is taken
        if any(not self._answers(usual, self.spelling) for _ in range(2)):
            return
        if self._answers(given, self.spelling, self.spelled):
            return  # it raises in some calls alone
        names = [name for name in self.spelled if name in SPELLED]
        for name in names:  # the first that is refused alone, so that mixtures are counted with it
            if not self._answers({**usual, name: given[name]}, self.spelling, (name,)):
                raise UnsupportedArgument(f"does not take {described(name, given[name])}") from None
        spellings = (described(name, given[name]) for name in names)
        raise UnsupportedArgument(f"does not take {' and '.join(spellings)}") from None


def what_to_return(output: Value) -> str:
    """Return a sentence on the adapter of a function whose result is no array, or an empty text."""
    adapter = "; an adapter is\ndef conv2d(*operands, **arguments):\n    return kernel(*operands, **arguments)"
    if isinstance(output, dict):
        arrays = [key for key, value in output.items() if hasattr(value, "ndim")]
        return f" of {', '.join(map(str, output))}{adapter}[{arrays[0]!r}]" if arrays else ""
    if isinstance(output, (tuple, list)):
        ranks = [getattr(value, "ndim", 0) for value in output]
        if OUTPUT_RANK in ranks:
            return f" that contains an array of 4 axes{adapter}[{ranks.index(OUTPUT_RANK)}]"
    return ""
