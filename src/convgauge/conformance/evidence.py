"""Evidence: the judged cases of one implementation, as samples for the diagnosis."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping

import numpy as np

from convgauge.conformance.checks import is_unjudged
from convgauge.conformance.counted import Counted
from convgauge.conformance.history import LoggedCall
from convgauge.diagnosis.operand_values import operand_values
from convgauge.diagnosis.plan import MAX_PRODUCTS
from convgauge.diagnosis.sample import Sample
from convgauge.worker.call import Call

TRANSFORMED = "transformed"
"""Operand family of a case whose spec changes exact operands to others that are not integers, such as pixels."""

MAX_BYTES = 64 << 20
"""Operands and outputs of passing cases that are kept of one implementation. Failing cases are kept always."""

MAX_CASE_BYTES = 32 << 10
"""Operands and output of one passing case that is kept: predictions for larger ones would cost too much."""

History = tuple[LoggedCall, ...]


class Evidence:
    """Judged cases of one implementation. Threads may add cases at the same time."""

    def __init__(self) -> None:
        self.large: list[tuple[str, dict[str, object]]] = []  # spec and fields of failing cases that are not predicted
        self._calls: Counter[int] = Counter()  # by subject
        self._kept: list[tuple[Counted, bool, History]] = []
        self._bytes = 0
        self.failed = 0

    def add(self, counted: Counted) -> None:
        """Keep a case, unless it shows nothing, or is large and passed, or so large that no output is predicted."""
        if is_unjudged(counted.executed.observation) and counted.assessment.fault is None:
            return
        subject = id(counted.execution.subject)
        is_first = not self._calls[subject]
        self._calls[subject] += 1
        fault = counted.assessment.fault
        if fault is not None and not fault.not_called:
            self.failed += 1
        size = _bytes(counted)
        if counted.executed.case.problem.flops > 2 * MAX_PRODUCTS:
            if fault is not None:
                self.large.append((counted.spec, counted.executed.case.fields(counted.call.device)))
            return
        if fault is None and (size > MAX_CASE_BYTES or self._bytes + size > MAX_BYTES):
            return
        self._bytes += size if fault is None else 0
        self._kept.append((counted, is_first, _history(counted)))

    def samples(self) -> list[Sample]:
        """Return the samples of the cases that are kept: by spec, so that the order does not depend on threads."""
        ordered = sorted(self._kept, key=lambda entry: entry[0].spec)  # the cases of one spec stay in their order
        return [sample_of(counted, is_first=is_first, history=history) for counted, is_first, history in ordered]


class _Fields(Mapping[str, object]):
    """Fields of a call. The values of its operands are looked at only if they are asked for: most samples pass."""

    def __init__(self, fields: dict[str, object], call: Call) -> None:
        self._fields, self._call = fields, call
        self._is_complete = False

    def _complete(self) -> dict[str, object]:
        if not self._is_complete:
            self._fields |= operand_values(self._call)
            self._is_complete = True
        return self._fields

    def __getitem__(self, name: str) -> object:
        return self._fields[name] if name in self._fields else self._complete()[name]

    def __iter__(self) -> Iterator[str]:
        return iter(self._complete())

    def __len__(self) -> int:
        return len(self._complete())


def _are_whole(call: Call) -> bool:
    """Return True if all operands are integers, NaN or infinite, so that outputs are compared bit for bit."""
    given = [array for array in (call.input, call.weight, call.bias) if array is not None]
    return all(np.array_equal(array, np.rint(array), equal_nan=True) for array in given if array.dtype.kind == "f")


def _history(counted: Counted) -> History:
    """Return the calls before a case. Large ones, which would be kept in memory, belong to failing cases alone."""
    if counted.execution.log is None:
        return ()
    max_bytes = MAX_CASE_BYTES if counted.assessment.fault is None else None
    return counted.execution.log.before(counted.executed.observation, max_bytes=max_bytes)


def _bytes(counted: Counted) -> int:
    _, operands, observation = counted.executed
    arrays = (operands.input, operands.weight, operands.bias, observation.output)
    return sum(array.nbytes for array in arrays if array is not None)


def sample_of(counted: Counted, *, is_first: bool, history: History = ()) -> Sample:
    """Return the sample of a counted case, given the calls that its process answered before."""
    case, _, observation = counted.executed
    call = counted.call
    order = "first" if is_first else "later"
    is_drawn_exact = case.operands == "exact" and counted.procedure.options.is_plain
    are_whole = is_drawn_exact or _are_whole(call)
    further = {
        "family": case.operands,
        "mode": call.mode,
        "order": order,
        "spec": counted.spec,
        "whole": str(are_whole),
    }
    fields = _Fields({**case.fields(call.device), **further}, call)  # those of `features.FURTHER_FIELDS`
    family = case.operands if case.operands != "exact" or are_whole else TRANSFORMED
    return Sample(
        counted.spec, str(case), case.problem, family, call, observation, counted.assessment.fault, fields,
        counted.execution.declared_grade, tuple(before.call for before in history), counted.procedure.is_law,
        counted.procedure.is_answer_allowed, tuple(logged.call for logged in counted.execution.before),
    )  # fmt: skip
