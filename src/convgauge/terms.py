"""Closed sets of words: profiles, tiers, levels, statuses, grades and verdicts."""

from __future__ import annotations

from enum import IntEnum
from typing import Literal, get_args

Profile = Literal["kernel", "functional", "training", "torch"]
PROFILES: tuple[Profile, ...] = get_args(Profile)
"""Profiles, each of which contains those before it."""

Tier = Literal["quick", "standard", "exhaustive"]
TIERS: tuple[Tier, ...] = get_args(Tier)
"""Tiers, from the fewest cases to the most."""

Level = Literal["required", "recommended", "measured"]
LEVELS: tuple[Level, ...] = get_args(Level)
"""Consequences of a fault. A measured spec has none; it is required of an implementation that declares its axis."""

Agreement = Literal["same", "differs", "unmeasured"]
"""Result along an axis of reproducibility: no output differed, one did, or none was compared."""

Status = Literal[
    "crashed", "timed_out", "errored", "failed", "vacuous", "xpassed", "answered_invalid",
    "xfailed", "refused", "declined", "skipped", "passed",
]  # fmt: skip
GRAVITY: tuple[Status, ...] = get_args(Status)
"""Statuses of a spec, gravest first; no two of them are ever merged. A vacuous spec has a case that cannot fail.

- "answered_invalid": an invalid call was answered.
- "refused": the implementation was called on a valid problem and refused it.
- "declined": it was not called, because the problem or the dtype is outside its declared domain.
"""

FAULTS: tuple[Status, ...] = GRAVITY[: GRAVITY.index("answered_invalid")]
"""Statuses of a spec that is not met."""

STRICTNESS_FAULTS: tuple[Status, ...] = ("answered_invalid",)
"""Statuses of a spec on invalid calls that is not met: the implementation is not strict, and may be correct."""

UNANSWERED: tuple[Status, ...] = ("refused", "declined")
"""Statuses of a valid case that the implementation does not answer, without being wrong."""

FaultKind = Literal[
    "", "values", "accuracy", "shape", "dtype", "type", "raised", "crashed", "timed_out", "side_effect", "aliased",
    "global_state", "unstable", "answered_invalid", "gradient", "relation", "declaration", "device", "layout", "graph",
    "noise", "rewritten", "vacuous", "other_process", "forked_child", "out_of_bounds", "irreproducible", "operator",
]  # fmt: skip
"""Kind of what is wrong.

- "values", "accuracy", "shape", "dtype", "type", "layout", "device": a property of the output; "dtype" includes its
  byte order, and "type" an output that is no array.
- "raised", "crashed", "timed_out": no output. "noise": the process disturbed the messages. "out_of_bounds": it ended
  because it touched memory before or after an operand.
- "side_effect": an operand or an argument was changed. "aliased": the output shares memory with another array, or with
  itself. "rewritten": an output changed after it was returned. "global_state": state of the process was changed.
- "unstable": equal calls gave other bits.
- "answered_invalid": an invalid call was answered.
- "gradient": values or shape of a gradient. "graph": a gradient is missing, or there is one that was not requested.
- "relation": the relation of several outputs.
- "declaration": a declared grade or domain is false.
- "operator": the schema or the fake implementation of a custom operator of torch is false.
- "vacuous": the case proves nothing.
- "other_process": a process fails that is started after an earlier one. "forked_child": a child fails that is forked
  after calls. The usual process answers such a case rightly.
- "irreproducible": two outputs differ in a bit that are declared to be equal.

Every fault of this package and its specification has one; "" is left to faults that tests make up.
"""

Grade = Literal["A", "B", "C", "F", ""]
GRADES: tuple[Grade, ...] = get_args(Grade)
"""Grades of accuracy, from the best to the worst; "" if no accuracy was measured."""

Verdict = Literal["wrong", "unjudged", "partial", "complete", "conformant"]
VERDICTS: tuple[Verdict, ...] = get_args(Verdict)
"""Rungs of the ladder of verdicts, from the lowest."""

Requirement = Literal["correct", "complete", "conformant"]
REQUIREMENTS: tuple[Requirement, ...] = get_args(Requirement)
"""Demands on a verdict, from the weakest. An implementation is correct if its verdict is partial or better."""

RaceVerdict = Literal[
    "baseline", "faster", "same", "slower", "undecided",
    "other_precision", "implausible", "wrong", "declined", "failed", "absent",
]  # fmt: skip
"""Verdicts of one implementation's race on one problem.

- "other_precision": its outputs are right to a precision that differs from the baseline's, so it is not ranked.
- "implausible": its time is below what the machine can do.
"""

RACE_VERDICTS: tuple[RaceVerdict, ...] = get_args(RaceVerdict)

RANKED: tuple[RaceVerdict, ...] = RACE_VERDICTS[: RACE_VERDICTS.index("other_precision")]
"""Verdicts of an implementation whose outputs were right and which was timed."""


Computed = Literal["forward", "grad_input", "grad_weight"]
COMPUTED: tuple[Computed, ...] = get_args(Computed)
"""Directions in which a problem is computed: the output, or its gradient by the input or by the weight."""

Direction = Literal["forward", "grad_input", "grad_weight", "both"]
DIRECTIONS: tuple[Direction, ...] = get_args(Direction)
"""Directions of a race: the output, its gradient by the input or by the weight, or both gradients."""


class ExitStatus(IntEnum):
    """Exit status of a command; the numbers are those of pytest."""

    REACHED = 0
    NOT_REACHED = 1
    INTERRUPTED = 2
    INTERNAL_ERROR = 3
    USAGE_ERROR = 4
    NOTHING_EXECUTED = 5


def includes(profile: Profile, other: Profile) -> bool:
    """Return True if ``profile`` contains the specs of ``other``."""
    return PROFILES.index(other) <= PROFILES.index(profile)


def reaches(verdict: Verdict, requirement: Requirement) -> bool:
    """Return True if a verdict is at least what is required."""
    lowest: Verdict = "partial" if requirement == "correct" else requirement
    return VERDICTS.index(lowest) <= VERDICTS.index(verdict)
