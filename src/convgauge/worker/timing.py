"""Timing of calls in the worker process: operand sets in memory, samples on command, nothing that runs in between."""

from __future__ import annotations

import gc
import random
import time
from collections.abc import Callable
from typing import Any

import numpy as np

from convgauge.problem import Problem
from convgauge.worker import messages
from convgauge.worker.delays import OwnDelays, without_preemption
from convgauge.worker.exceptions import class_names, text_of
from convgauge.worker.frameworks import Array, Gradients
from convgauge.worker.memory import peak_bytes_of, return_free_memory
from convgauge.worker.messages import Done, Fastest, Refused, Reply, WorkerCommand
from convgauge.worker.operand_set import OperandSet, joined
from convgauge.worker.refusals import is_refusal
from convgauge.worker.subject import Subject

clock = time.perf_counter_ns

STRETCH_NS = 300_000
"""Duration of calls after which their delay is read. Reading it after each call would slow the next: a system call
empties the processor's predictions (measured: 2 to 4 % of a call of 35 us)."""

CALLS_PER_WARMUP_CALL = 8
MAX_ERROR_TEXT = 1000  # characters

Handlers = dict[type[WorkerCommand[Any]], Callable[[Any], Reply]]


class Timing:
    """Handlers of the timing commands."""

    def __init__(self, subject: Subject) -> None:
        self._subject, self._framework = subject, subject.framework
        self._sets: list[OperandSet] = []
        self._random = random.Random()
        self._output: Array | None = None
        self._delays = OwnDelays()
        self._delayed_ns = 0

    def handlers(self) -> Handlers:
        """Return the handler of each command."""
        handlers: Handlers = {
            messages.Calibrate: self._calibrate,
            messages.Explain: self._explain,
            messages.Prepare: self._prepare,
            messages.WarmUp: self._warm_up,
            messages.Sample: self._sample,
            messages.SampleIdle: self._sample_idle,
            messages.DropOperands: self._drop_operands,
            messages.PlaceOperands: self._place_operands,
            messages.ReleaseOperands: self._release_operands,
            messages.ReadOutput: self._read_output,
            messages.MeasureMemory: self._measure_memory,
            messages.TimeProduct: self._time_product,
            messages.TimeCopy: self._time_copy,
        }
        return {command: self._guarded(handler) for command, handler in handlers.items()}

    def _calibrate(self, command: messages.Calibrate) -> messages.Calibrated:
        calibrate = self._subject.implementation.calibrated
        if calibrate is None:
            return messages.Calibrated(0.0)
        started = clock()
        self._framework.set_threads(command.threads)
        calibrate()
        return messages.Calibrated((clock() - started) * 1e-9)

    def _explain(self, command: messages.Explain) -> messages.Explained:
        explain = self._subject.implementation.explained
        return messages.Explained(str(explain(Problem.parse(command.problem))) if explain else "")

    def _guarded(self, handler: Callable[[Any], Reply]) -> Callable[[Any], Reply]:
        """Return a handler that replies with `Refused` if the implementation raises."""

        def handle(command: WorkerCommand[Reply]) -> Reply:
            try:
                return handler(command)
            except (KeyboardInterrupt, SystemExit):
                raise
            except BaseException as error:
                is_refused = is_refusal(error, self._subject.code, self._subject.refusals)
                return Refused("refused" if is_refused else "raised", _describe(error))

        return handle

    # --- operands ---

    def _prepare(self, command: messages.Prepare) -> messages.Prepared:
        self._release_operands()
        self._framework.set_threads(command.threads)
        self._delays.reopen()  # this process may be a fork of the one that opened the file
        self._random = random.Random()  # each fork would have the same numbers
        problem = Problem.parse(command.problem)
        seconds = []
        grad_outputs: list[np.ndarray | None] = [*command.grad_outputs] or [None for _ in command.sets]
        for operands, flips, grad_output in zip(command.sets, command.flips, grad_outputs):
            self._sets.append(OperandSet(self._subject, problem, operands, flips, grad_output, command.wanted))
            started, before = clock(), self._delays.read()
            self._sets[-1].prepare()
            self._framework.synchronize()
            delay = before.delay_until(self._delays.read())
            seconds.append((clock() - started - delay) * 1e-9)
        gc.collect()
        gc.freeze()  # later collections skip the many objects of a framework
        gc.disable()
        prepares = self._subject.implementation.prepared is not None
        return messages.Prepared(min(seconds) if prepares else None, self._framework.thread_count())

    def _release_operands(self, command: object = None) -> Done:
        self._sets, self._output = [], None
        gc.enable()
        return Done()

    def _drop_operands(self, command: messages.DropOperands) -> Done:
        self._output = None
        for operand_set in self._sets:
            operand_set.drop()
        gc.collect(1)
        return_free_memory()
        return Done()

    def _place_operands(self, command: messages.PlaceOperands) -> Done:
        """Place operands and call. No sign is flipped yet: an output kept from here is wrong in each timed call."""
        for operand_set in self._sets:
            operand_set.place_again(self._random)
            self._output = operand_set.run(operand_set.operands[0])
            if self._framework.wait is not None:
                self._framework.wait(self._output)
        self._framework.synchronize()
        return Done()

    # --- timed calls ---

    def _warm_up(self, command: messages.WarmUp) -> messages.WarmedUp:
        call_ns: list[int] = []
        deadline = clock() + int(command.limit_s * 1e9)
        while not call_ns or (clock() < deadline and not _is_stable(call_ns)):
            call_ns.append(self._time_calls(len(call_ns), len(call_ns)))
        return messages.WarmedUp(call_ns)

    def _sample(self, command: messages.Sample) -> messages.Sampled:
        gc.collect(1)
        started = clock()
        untimed = warmup_calls(command.last - command.first + 1)
        if untimed:
            self._time_calls(command.first - untimed, command.first - 1)
        calls_ns = self._time_calls(command.first, command.last)
        return messages.Sampled(calls_ns, self._delayed_ns, clock() - started)

    def _sample_idle(self, command: messages.SampleIdle) -> Done:
        gc.collect(1)
        for tick in range(command.first - warmup_calls(command.last - command.first + 1), command.last + 1):
            self._sets[tick % len(self._sets)].input_of(tick, len(self._sets))
        return Done()

    def _time_calls(self, first: int, last: int) -> int:
        """Return the nanoseconds of calls, each on the next operand set with one element changed since its last call.

        An output that is kept from an earlier call is therefore wrong. The change is not timed. Neither is the time in
        which this thread was ready to run and the system ran another: on a busy machine it would be most of the noise.
        """
        stretches: list[tuple[int, int, int]] = []
        wait = self._framework.wait
        taken = calls = 0
        before = self._delays.read()
        for tick in range(first, last + 1):
            operand_set = self._sets[tick % len(self._sets)]
            run, array = operand_set.run, operand_set.input_of(tick, len(self._sets))
            self._output = None
            started = clock()
            output = run(array)
            if wait is not None:
                wait(output)
            taken += clock() - started
            calls += 1
            self._output = output
            if taken >= STRETCH_NS or tick == last:
                now = self._delays.read()
                stretches.append((taken, before.delay_until(now), calls))
                taken, calls, before = 0, 0, now
        started = clock()
        self._framework.synchronize()
        self._delayed_ns = sum(delay for _, delay, _ in stretches)
        return without_preemption(stretches) + int(clock() - started)

    def _read_output(self, command: messages.ReadOutput) -> messages.TimedOutput:
        if not isinstance(self._output, Gradients):
            return messages.TimedOutput(*self._subject.form.rounded(*self._framework.read(self._output)))
        arrays, dtypes = zip(*map(self._framework.read, self._output))
        return messages.TimedOutput(joined(arrays), dtypes[0])

    def _measure_memory(self, command: messages.MeasureMemory) -> messages.PeakMemory:
        self._output = None
        gc.collect()
        return messages.PeakMemory(peak_bytes_of(lambda: self._time_calls(0, 0)))

    # --- limits of the machine ---

    def _time_product(self, command: messages.TimeProduct) -> Fastest:
        a, b = (self._square_matrix(command.size, command.dtype) for _ in range(2))
        return self._fastest(lambda: a @ b, command.repeats)

    def _time_copy(self, command: messages.TimeCopy) -> Fastest:
        source, target = np.ones(command.count, np.float32), np.zeros(command.count, np.float32)
        return self._fastest(lambda: np.copyto(target, source), command.repeats)

    def _square_matrix(self, size: int, dtype: str) -> Array:
        values = np.random.default_rng(0).integers(-2, 3, (size, size))
        carrier = values.astype("float64" if dtype == "float64" else "float32")
        return self._framework.make(carrier, dtype, "cpu", "contiguous")[0]

    def _fastest(self, work: Callable[[], object], repeats: int) -> Fastest:
        durations_ns = []
        for _ in range(repeats):
            started = clock()
            work()
            self._framework.synchronize()
            durations_ns.append(clock() - started)
        return Fastest(min(durations_ns))


def warmup_calls(calls: int) -> int:
    """Return the number of calls before a sample of so many: enough to bring code into the caches again."""
    return calls // CALLS_PER_WARMUP_CALL


def _is_stable(call_ns: list[int]) -> bool:
    """Return True if the last three calls agree within a tenth and no earlier call was faster."""
    latest = call_ns[-3:]
    return len(call_ns) >= 4 and max(latest) <= 1.1 * min(latest) and min(latest) >= 0.95 * min(call_ns)


def _describe(error: BaseException) -> str:
    return f"{class_names(error)[0]}: {text_of(error)[:MAX_ERROR_TEXT]}"
