"""Detection of side effects: writes to operands, shared memory, and outputs that change after they were returned."""

from __future__ import annotations

from collections import deque
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Optional

from convgauge.worker.call import OPERANDS, SideEffect
from convgauge.worker.frameworks import Array, Framework, MemoryView, Operand

MAX_EARLIER_OUTPUTS = 3  # outputs that are inspected again after later calls: a kernel may rotate a few buffers
MAX_EARLIER_BYTES = 1 << 20  # size of the largest output that is inspected again


@dataclass
class Snapshot:
    """Memory and metadata of an array at one moment."""

    view: MemoryView
    address_range: tuple[int, int]
    content: bytes
    metadata: tuple[object, ...]

    def overlaps(self, address_range: tuple[int, int]) -> bool:
        """Return True if the memory has bytes of ``address_range``."""
        return address_range[0] < self.address_range[1] and self.address_range[0] < address_range[1]


Snapshots = Sequence[Optional[Snapshot]]


class SideEffectDetector:
    """Comparison of memory before and after a call, and of earlier outputs with their first content."""

    def __init__(self, framework: Framework) -> None:
        self.framework = framework
        self._earlier_outputs: deque[Snapshot] = deque(maxlen=MAX_EARLIER_OUTPUTS)

    def snapshot(self, array: Array, memory: Array) -> Snapshot:
        """Record the metadata of ``array`` and the content of ``memory``, which contains it."""
        framework = self.framework
        view = framework.memory_view(memory)
        return Snapshot(view, framework.address_range(memory), framework.bytes_of(view), framework.metadata(array))

    def find(self, operands: Sequence[Operand | None], before: Snapshots, output: Array) -> tuple[SideEffect, ...]:
        """Return the side effects of a call that returned ``output``."""
        snapshot = self.snapshot(output, output)
        effects = (
            *self._output_properties(operands, output),
            *self._operand_changes(operands, before, snapshot),
            *self._wrong_device(operands, output),
            *self._earlier_output_changes(snapshot),
        )
        self._remember(snapshot)
        return effects

    def _output_properties(self, operands: Sequence[Operand | None], output: Array) -> Iterator[SideEffect]:
        framework = self.framework
        if framework.has_zero_strides(output):
            yield SideEffect("aliased", "itself", "returned an output whose elements share memory")
        if framework.is_byteswapped(output) and not any(
            framework.is_byteswapped(operand[0]) for operand in operands if operand is not None
        ):
            sentence = "returned an output in another byte order than the operands'"
            yield SideEffect("byte_order", "output", sentence)

    def _operand_changes(
        self, operands: Sequence[Operand | None], before: Snapshots, output: Snapshot
    ) -> Iterator[SideEffect]:
        for name, operand, old in zip(OPERANDS, operands, before):
            if operand is None or old is None:
                continue
            if self.framework.bytes_of(old.view) != old.content:
                yield SideEffect("mutated", name, f"wrote to the {name}'s memory")
            if self.framework.metadata(operand[0]) != old.metadata:
                yield SideEffect("mutated", name, f"changed the {name}'s shape, strides or flags")
            if old.overlaps(output.address_range):
                yield SideEffect("aliased", name, f"output shares memory with the {name}")

    def _wrong_device(self, operands: Sequence[Operand | None], output: Array) -> Iterator[SideEffect]:
        assert operands[0] is not None
        device, expected = self.framework.device_of(output), self.framework.device_of(operands[0][0])
        if device != expected:
            sentence = f"put the output on {device}, not on {expected} where the input is"
            yield SideEffect("device", device, sentence)

    def _earlier_output_changes(self, output: Snapshot) -> Iterator[SideEffect]:
        if any(earlier.overlaps(output.address_range) for earlier in self._earlier_outputs):
            yield SideEffect("aliased", "earlier output", "output shares memory with an earlier output")
            return
        for earlier in self._earlier_outputs:
            if self.framework.bytes_of(earlier.view) != earlier.content:
                yield SideEffect("rewritten", "earlier output", "an earlier output changed after it was returned")
                return

    def _remember(self, output: Snapshot) -> None:
        """Keep an output for inspection after later calls, unless it is large."""
        if len(output.content) < MAX_EARLIER_BYTES:
            self._earlier_outputs.append(output)
        else:
            self._earlier_outputs.clear()
