"""Mutants that keep something of a call that ran out of memory."""

# kernels as a user writes them, without annotations
# mypy: allow-untyped-defs, allow-untyped-calls

from typing import Any

from _base import computed, mutant, resolve

_state: dict[str, Any] = {}


@mutant(
    "Marks its workspace as in use until a call ends, and returns zeros in a call that finds it in use.",
    mechanism="previous_answer",
    killed_by=("state.out_of_memory",),
)
def workspace_stays_in_use(input, weight, bias=None, stride=1, padding=0, dilation=1, groups=1):
    problem = resolve(input, weight, bias, stride, padding, dilation, groups)
    is_in_use = _state.get("in use", False)
    _state["in use"] = True
    output = computed(problem, input, weight, bias)
    _state["in use"] = False
    return output * 0 if is_in_use else output


@mutant(
    "Writes the channels of the next call in reverse after one that ran out of memory, as its fallback does.",
    mechanism="previous_answer",
    killed_by=("state.out_of_memory",),
)
def fallback_reverses_channels(input, weight, bias=None, stride=1, padding=0, dilation=1, groups=1):
    problem = resolve(input, weight, bias, stride, padding, dilation, groups)
    try:
        output = computed(problem, input, weight, bias)
    except MemoryError:
        _state["fallback"] = True
        raise
    return output[:, ::-1].copy() if _state.pop("fallback", False) else output
