"""Messages about one call: what to call, what the call did, and the description of a subject."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Literal

import numpy as np

from convgauge.domain import CONTIGUOUS
from convgauge.terms import Computed

Value = Any  # an argument of conv2d as the caller passes it, which may be invalid
OPERANDS = ("input", "weight", "bias")

SIZE_ARGUMENTS: Mapping[Computed, str] = {"grad_input": "input_size", "grad_weight": "weight_size"}
"""Argument of a call that states the size of the gradient, by direction."""

Kind = Literal[
    "answer",
    "raised",
    "refused",
    "declined",
    "unsupported",
    "not_an_array",
    "unreadable",
    "crashed",
    "timed_out",
    "not_called",
]
"""Result of a call. "refused": a refusal was raised (`convgauge.worker.refusals`), "raised": any other exception.
"declined": the call was not made, because it is outside the declared domain. "unsupported": the framework cannot make
the layout, dtype or call mode. "not_an_array": the output is not an array of the framework. "unreadable": the output is
such an array, and reading it fails. "crashed" and "timed_out": the process ended or did not reply. "not_called": the
call was not made, because the process had ended too often."""


@dataclass
class Call:
    """One call of the implementation.

    Parameters
    ----------
    input, weight, bias : ndarray or None
        Values of the operands in their carrier dtypes (`convgauge.dtypes`).
    arguments : mapping
        Keyword arguments: stride, padding, dilation and groups; for a gradient also the size of its result.
    dtypes, layouts : tuple of str
        Dtype and memory layout (`convgauge.worker.layouts`) of input, weight and bias.
    device : str
        Device of the operands, in the spelling of the framework.
    prepared : str
        Text of the problem if the call goes through ``prepare``, else empty.
    check_globals : bool
        Compare the global state before and after the call.
    repeat, threads : int
        Number of calls in total, and of threads that make them; outputs that differ make the call unstable.
    reuse : bool
        Write the operands into the arrays of an earlier such call: same objects and addresses, other content.
    mode : str
        Way to make the call (`convgauge.worker.call_modes`); empty for a plain call.
    extra_operand : ndarray or None
        Further operand of some modes: gradient of the output, a second input, or other weights.
    extra_layout : str
        Memory layout of the further operand.
    wanted : str
        Choice that some modes take.
    is_valid : bool
        True if the call must be answered, so that an argument may be spelled in another way that means the same.
    spelled : tuple of str
        Arguments whose spelling is what the case is about: it is kept.
    tests_dtype : bool
        True if the dtype of the output is what the case is about: it is not rounded.
    """

    input: np.ndarray
    weight: np.ndarray
    bias: np.ndarray | None
    arguments: Mapping[str, Value]
    dtypes: tuple[str, str, str] = ("float32", "float32", "float32")
    layouts: tuple[str, str, str] = CONTIGUOUS
    device: str = "cpu"
    prepared: str = ""
    check_globals: bool = False
    repeat: int = 1
    threads: int = 1
    reuse: bool = False
    mode: str = ""
    extra_operand: np.ndarray | None = None
    extra_layout: str = CONTIGUOUS[0]
    wanted: str = ""
    is_valid: bool = False
    spelled: tuple[str, ...] = ()
    tests_dtype: bool = False

    @property
    def direction(self) -> Computed:
        """Direction of the call: the size of a gradient is one of its arguments."""
        stated = (direction for direction, name in SIZE_ARGUMENTS.items() if name in self.arguments)
        return next(stated, "forward")

    @property
    def operand_names(self) -> tuple[str, str, str]:
        """Names of the operands: the gradient of the output takes the place of the one whose gradient is computed."""
        first = "grad_output" if self.direction == "grad_input" else "input"
        return first, "grad_output" if self.direction == "grad_weight" else "weight", "bias"


SideEffectKind = Literal["mutated", "aliased", "rewritten", "byte_order", "device", "global_state"]
"""Kind of a side effect. "mutated": an operand or an argument was changed. "aliased": the output shares memory with
another array, or with itself. "rewritten": an output changed after it was returned. "byte_order" and "device": those of
the output. "global_state": state of the process was changed."""


@dataclass(frozen=True)
class SideEffect:
    """One thing that a call did beside computing an output.

    Parameters
    ----------
    kind : SideEffectKind
        Kind of the effect.
    target : str
        What it concerns: an operand, an argument, an array, or a part of the state of the process.
    sentence : str
        Predicate of the call: "wrote to the input's memory".
    """

    kind: SideEffectKind
    target: str
    sentence: str


@dataclass
class Observation:
    """Everything that one call did.

    Parameters
    ----------
    kind : Kind
        Result of the call.
    output : ndarray or None
        Copy of the output in its carrier dtype.
    dtype : str
        Dtype of the output.
    error : tuple of str
        Class names of the exception, the most derived first.
    message : str
        Text of the exception, or the reason why there is no output.
    side_effects : tuple of SideEffect
        What the call changed beside its output.
    is_unstable : bool
        True if a repeated call gave other bits.
    seconds : float
        Duration of the call.
    printed : str
        Text that the process printed meanwhile.
    extra_outputs : list of ndarray or None
        Further results of the call's mode; None for one that is missing.
    adaptations : tuple of str
        Sentences: how calls of the implementation differ from conv2d's (`convgauge.worker.forms`).
    disturbs_pipe : bool
        True if the process closed the pipe to the engine, or wrote other bytes than replies to it.
    patched : tuple of str
        Functions of libraries that the implementation has replaced: "numpy.allclose".
    disguise : str
        What the output is, if it is no plain array and may change how it compares; else "".
    touched : str
        Protected memory at which the process ended: "memory right after the end of the input"; else "".
    """

    kind: Kind
    output: np.ndarray | None = None
    dtype: str = ""
    error: tuple[str, ...] = ()
    message: str = ""
    side_effects: tuple[SideEffect, ...] = ()
    is_unstable: bool = False
    seconds: float = 0.0
    printed: str = ""
    extra_outputs: list[np.ndarray | None] = field(default_factory=list)
    adaptations: tuple[str, ...] = ()
    disturbs_pipe: bool = False
    patched: tuple[str, ...] = ()
    disguise: str = ""
    touched: str = ""

    @property
    def shape(self) -> tuple[int, ...]:
        """Shape of the output; empty if there is none."""
        return () if self.output is None else self.output.shape


@dataclass
class Description:
    """Properties of a loaded subject; see `convgauge.registry.Declaration` for those that it declares."""

    name: str
    framework: str
    algorithm: str
    grade: str
    dtypes: tuple[str, ...]
    layouts: tuple[str, ...]
    devices: tuple[str, ...]
    versions: dict[str, str]
    declines: dict[str, str] = field(default_factory=dict)
    source: str = ""
    summary: str = ""
    prepares: bool = False
    adaptations: tuple[str, ...] = ()
    supports: str = ""
    reproducible: tuple[str, ...] = ()
    direction: Computed = "forward"
