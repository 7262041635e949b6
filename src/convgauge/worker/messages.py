"""Messages between the engine and the process of an implementation: one class per command and per reply.

A command names the reply that answers it: ``WarmUp(0.1)`` is answered by `WarmedUp`. A command that the implementation
does not complete is answered by `Refused`.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Generic, Literal, TypeVar

import numpy as np

from convgauge.worker.call import Call, Description, Observation

REPLIES: dict[str, type[Reply]] = {}
"""Reply classes by name."""

COMMANDS: dict[str, type] = {}
"""Command classes by name."""

Carriers = tuple["np.ndarray", "np.ndarray", "np.ndarray | None"]
"""Values of input, weight and bias in their carrier dtypes."""


class Reply:
    """Base class of replies, which the process sends."""

    def __init_subclass__(cls) -> None:
        REPLIES[cls.__name__] = cls


R = TypeVar("R", bound=Reply)


class WorkerCommand(Generic[R]):
    """Base class of commands, which the engine sends; each class names the class of its reply."""

    reply: type[R]

    def __init_subclass__(cls) -> None:
        COMMANDS[cls.__name__] = cls


# --- replies ---------------------------------------------------------------------------------------------------------


@dataclass
class Loaded(Reply):
    """The implementation is loaded."""

    description: Description


@dataclass
class LoadFailed(Reply):
    """The implementation cannot be loaded; ``trace`` is the traceback of its code, or empty."""

    error: str
    trace: str = ""


TargetKind = Literal["function", "class", "module", "autograd", "unknown"]
"""Kind of a target; "module" is one of torch."""


@dataclass
class InspectedParameter:
    """Parameter of a target: its role in conv2d, and the keys that are read from it if it is a dictionary."""

    name: str
    role: str = ""
    is_required: bool = False
    is_positional: bool = False
    default: str = ""
    keys: list[str] = field(default_factory=list)
    collects: bool = False


@dataclass
class Inspected(Reply):
    """Properties of a target: what it is called with, and the shapes of the arrays that an instance holds."""

    kind: TargetKind
    framework: str
    parameters: list[InspectedParameter]
    constructor: list[InspectedParameter] = field(default_factory=list)
    method: str = ""
    arrays: dict[str, list[int]] = field(default_factory=dict)
    constants: list[str] = field(default_factory=list)
    error: str = ""


@dataclass
class Observed(Reply):
    """Everything that a call did; ``number`` counts the calls of the process from 1."""

    number: int
    observation: Observation


@dataclass
class Refused(Reply):
    """The implementation raised an exception in a timing command."""

    kind: Literal["refused", "raised"]
    message: str


@dataclass
class Done(Reply):
    """The command is carried out."""


@dataclass
class Forked(Reply):
    """A fork answers the commands that follow, if ``has_forked``; else the process cannot be forked.

    ``pid`` is the id of the process that answers.
    """

    has_forked: bool
    pid: int


@dataclass
class Calibrated(Reply):
    """Duration of the calibration."""

    seconds: float


@dataclass
class Explained(Reply):
    """Explanation of the choice that the implementation made for a problem."""

    text: str


@dataclass
class Prepared(Reply):
    """Seconds of one ``prepare`` (None if there is none), and threads of the framework (None if it has no pool)."""

    seconds: float | None
    threads: int | None


@dataclass
class WarmedUp(Reply):
    """Duration of each call of the warm-up."""

    call_ns: list[int]


@dataclass
class Sampled(Reply):
    """Duration of a sample's calls without delays, of the delays, and of the command from its start to its end."""

    calls_ns: int
    delayed_ns: int
    elapsed_ns: int


@dataclass
class TimedOutput(Reply):
    """Output of the last timed call."""

    output: np.ndarray
    dtype: str


@dataclass
class PeakMemory(Reply):
    """Memory that one call adds at its peak, its output included; None if unknown."""

    peak_bytes: int | None


@dataclass
class Fastest(Reply):
    """Duration of the fastest repetition."""

    ns: int


# --- commands --------------------------------------------------------------------------------------------------------


@dataclass
class Load(WorkerCommand[Loaded]):
    """Load the implementation of an origin (fields of `convgauge.registry.Origin`).

    ``refusals`` names further exception classes that are refusals.
    """

    origin: Mapping[str, object]
    seed: int
    memory_bytes: int
    refusals: tuple[str, ...] = ()
    reply = Loaded


@dataclass
class Inspect(WorkerCommand[Inspected]):
    """Import the target of an origin and describe it, whatever it is."""

    origin: Mapping[str, object]
    reply = Inspected


@dataclass
class MakeCall(WorkerCommand[Observed]):
    """Make one call and observe it."""

    call: Call
    reply = Observed


@dataclass
class Fork(WorkerCommand[Forked]):
    """Let a fork of the process answer the commands up to `EndFork`.

    ``has_called`` is True if the fork is to inherit what calls have left in memory; else the process has made no call.
    """

    has_called: bool = False
    reply = Forked


@dataclass
class EndFork(WorkerCommand[Done]):
    """End the fork; its parent answers."""

    reply = Done


@dataclass
class EndProcess(WorkerCommand[Done]):
    """End the process as a program ends: what the implementation has registered for the exit is run."""

    reply = Done


@dataclass
class Calibrate(WorkerCommand[Calibrated]):
    """Run the implementation's ``calibrate``, if it has one, with so many threads."""

    threads: int
    reply = Calibrated


@dataclass
class Explain(WorkerCommand[Explained]):
    """Run the implementation's ``explain``, if it has one, on a problem given by its text."""

    problem: str
    reply = Explained


@dataclass
class Prepare(WorkerCommand[Prepared]):
    """Put operand sets in memory and prepare each.

    ``flips`` holds, for each set, the indices of elements whose sign a timed call may flip: of the input, or of the
    gradient of the output if there are ``grad_outputs``. Then gradients by the operands ``wanted`` are computed.
    """

    problem: str
    sets: Sequence[Carriers]
    flips: Sequence[Sequence[Sequence[int]]]
    threads: int
    grad_outputs: Sequence[np.ndarray] = ()
    wanted: str = ""
    reply = Prepared


@dataclass
class WarmUp(WorkerCommand[WarmedUp]):
    """Call until the duration of a call is stable, at most for about ``limit_s`` seconds."""

    limit_s: float
    reply = WarmedUp


@dataclass
class Sample(WorkerCommand[Sampled]):
    """Time the calls numbered ``first`` to ``last``."""

    first: int
    last: int
    reply = Sampled


@dataclass
class SampleIdle(WorkerCommand[Done]):
    """Do the work of `Sample` without its calls, so that the engine can measure the rest."""

    first: int
    last: int
    reply = Done


@dataclass
class DropOperands(WorkerCommand[Done]):
    """Return the memory of operands and output to the system."""

    reply = Done


@dataclass
class PlaceOperands(WorkerCommand[Done]):
    """Put the dropped operands elsewhere in memory and call on each set once."""

    reply = Done


@dataclass
class ReleaseOperands(WorkerCommand[Done]):
    """Forget operand sets and outputs."""

    reply = Done


@dataclass
class ReadOutput(WorkerCommand[TimedOutput]):
    """Send the output of the last timed call."""

    reply = TimedOutput


@dataclass
class MeasureMemory(WorkerCommand[PeakMemory]):
    """Measure the memory of one call."""

    reply = PeakMemory


@dataclass
class TimeProduct(WorkerCommand[Fastest]):
    """Time products of two square matrices of ``size`` rows."""

    dtype: str
    size: int
    repeats: int
    reply = Fastest


@dataclass
class TimeCopy(WorkerCommand[Fastest]):
    """Time copies of ``count`` float32 numbers."""

    count: int
    repeats: int
    reply = Fastest
