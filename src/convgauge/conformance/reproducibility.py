"""Reproducibility: further calls on the operands of a case, whose outputs are compared with the case's bit for bit."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, replace

import numpy as np

from convgauge.conformance.cases import Case
from convgauge.conformance.checks import check_form, is_unjudged, missing_output
from convgauge.conformance.procedure import NOTHING_SHOWN, Observe
from convgauge.conformance.tally import Tally
from convgauge.domain import CONTIGUOUS
from convgauge.problem import Problem
from convgauge.reference.assessment import Assessment
from convgauge.reference.compare import Fault
from convgauge.reference.operands import Array, Operands
from convgauge.text import counted
from convgauge.worker.call import Observation

Part = tuple[slice, ...]
WHOLE: Part = (slice(None),) * 4
"""Part of an output that is all of it."""

LARGE_GROUP = 4
"""Images of the larger one of the two parts of a batch that are called alone."""

REPEATS = 2
"""Further calls with the operands of a case."""


@dataclass(frozen=True)
class Variant:
    """Further call, and the parts of the two outputs that must be equal bit for bit.

    Attributes
    ----------
    description : str
        Difference of the call from that of the case, such as "images 0 to 3 alone".
    case : Case
        Case of the call.
    operands : Operands
        Its operands.
    part, variant_part : tuple of slice
        Parts of the outputs of the case and of the further call.
    """

    description: str
    case: Case
    operands: Operands
    part: Part = WHOLE
    variant_part: Part = WHOLE


Variants = Callable[[Case, Operands], Iterable[Variant]]
"""Function that returns the further calls of a case."""


# --- the further calls -----------------------------------------------------------------------------------------------


def repetitions(case: Case, operands: Operands) -> Iterator[Variant]:
    """Yield the same call again."""
    for number in range(REPEATS):
        yield Variant(f"call {number + 2}", case, operands)


def parts_of_batch(case: Case, operands: Operands) -> Iterator[Variant]:
    """Yield the first image of a batch alone, and the last images in a group."""
    count = case.problem.batch
    size = min(LARGE_GROUP, count - 1)
    for images in (slice(0, 1), slice(count - size, count)) if count > 1 else ():
        words = f"images {images.start} to {images.stop - 1} alone"
        smaller = replace(case, problem=case.problem.replace(batch=images.stop - images.start))
        part = Operands(operands.input[images].copy(), operands.weight, operands.bias)
        yield Variant(words, smaller, part, (images, *WHOLE[1:]))


def has_crops(case: Case) -> bool:
    """Return True if there is a crop of a case with an output whose receptive field is whole."""
    return any(True for _ in _crop_windows(case.problem))


def crops(case: Case, operands: Operands) -> Iterator[Variant]:
    """Yield crops of the input: without its last column, and the interior."""
    for rows, columns, part, variant_part in _crop_windows(case.problem):
        window = operands.input[:, :, rows, columns].copy()
        height, width = window.shape[2:]
        words = f"rows {rows.start} to {rows.stop - 1}, columns {columns.start} to {columns.stop - 1} alone"
        smaller = replace(case, problem=case.problem.replace(height=height, width=width))
        yield Variant(words, smaller, Operands(window, operands.weight, operands.bias), part, variant_part)


def _crop_windows(problem: Problem) -> Iterator[tuple[slice, slice, Part, Part]]:
    """Yield the rows and columns of crops, with the equal parts of the two outputs."""
    (down, right), height, width = problem.stride, problem.height, problem.width
    for rows, columns in (
        (slice(0, height), slice(0, width - 1)),
        (slice(down, height - 1), slice(right, width - 2)),
    ):
        vertical, horizontal = _equal_outputs(problem, 0, rows), _equal_outputs(problem, 1, columns)
        if vertical is not None and horizontal is not None:
            (part_rows, variant_rows), (part_columns, variant_columns) = vertical, horizontal
            yield (
                rows, columns, (*WHOLE[:2], part_rows, part_columns), (*WHOLE[:2], variant_rows, variant_columns),
            )  # fmt: skip


def _equal_outputs(problem: Problem, axis: int, window: slice) -> tuple[slice, slice] | None:
    """Return the outputs along an axis whose receptive field is whole in a window, in both outputs; None if none is.

    A field that reaches into the padding is whole if the window has the same border of the input.
    """
    size = (problem.height, problem.width)[axis]
    stride, (before, after) = problem.stride[axis], problem.pads[axis]
    extent = problem.dilation[axis] * (problem.kernel[axis] - 1) + 1
    count = (window.stop - window.start + before + after - extent) // stride + 1
    if window.stop <= window.start or count < 1:
        return None
    shift = window.start // stride
    whole = [
        output
        for output in range(shift, min(problem.output_size[axis], shift + count))
        if (not window.start or output * stride - before >= window.start)
        and (window.stop == size or output * stride - before + extent <= window.stop)
    ]
    if not whole:
        return None
    return slice(whole[0], whole[-1] + 1), slice(whole[0] - shift, whole[-1] + 1 - shift)


def laid_out(layouts: Sequence[str]) -> Variants:
    """Return the function of calls whose input and weight have each of some memory layouts."""

    def variants(case: Case, operands: Operands) -> Iterator[Variant]:
        for layout in layouts:
            yield Variant(f"layout {layout}", replace(case, layouts=(layout, layout, CONTIGUOUS[2])), operands)

    return variants


def unchanged(case: Case, operands: Operands) -> Iterator[Variant]:
    """Yield the same call once, for an observation elsewhere."""
    yield Variant("the call there", case, operands)


# --- the comparison --------------------------------------------------------------------------------------------------


@dataclass
class BitComparison:
    """Check that compares the output of a case with those of further calls.

    Attributes
    ----------
    variants : callable
        Function that returns the further calls.
    observe : Observe
        Function that makes them.
    extra : sequence of str
        Descriptions of the extra outputs of the case's call, each of which is compared as well.
    is_required : bool
        A difference is a fault. Otherwise it is counted only, and a call without output shows nothing.
    examples : list
        Cases that differ, with the difference; they are appended.
    """

    variants: Variants | None
    observe: Observe
    extra: Sequence[str]
    is_required: bool
    examples: list[tuple[Case, Fault]]

    def __call__(self, case: Case, operands: Operands, observation: Observation) -> Assessment:
        """Return the assessment of a case, with the number of comparisons and of differences."""
        form = check_form(case, observation)
        outputs = list(self._further(case, operands, observation))
        fault = form or next((each for each in outputs if isinstance(each, Fault)), None)
        if fault is not None and (form is not None or self.is_required):
            return Assessment(fault) if self.is_required else Assessment(unanswered=NOTHING_SHOWN)
        pairs = [each for each in outputs if not isinstance(each, Fault)]
        if not pairs or observation.output is None:
            return Assessment(unanswered=NOTHING_SHOWN)
        faults = [difference(observation.output, *pair) for pair in pairs]
        differing = [each for each in faults if each is not None]
        if differing:
            self.examples.append((case, differing[0]))
        return Assessment(
            differing[0] if differing and self.is_required else None,
            comparisons=len(pairs),
            differences=len(differing),
        )

    def _further(
        self, case: Case, operands: Operands, observation: Observation
    ) -> Iterator[Fault | tuple[str, Array, Part, Part]]:
        """Yield each further output with its description and parts, or the fault of a call that gave none."""
        for description, output in zip(self.extra, observation.extra_outputs, strict=False):
            if output is not None:
                yield description, output, WHOLE, WHOLE
        for variant in self.variants(case, operands) if self.variants is not None else ():
            further = self.observe(variant.case, variant.operands)
            if is_unjudged(further):
                continue
            fault = missing_output(further) or check_form(variant.case, further)
            if fault is not None or further.output is None:
                yield fault or Fault("failed", "there is no output", kind="type")
                continue
            yield variant.description, further.output, variant.part, variant.variant_part


def difference(output: Array, description: str, further: Array, part: Part, variant_part: Part) -> Fault | None:
    """Return the fault of two outputs that are not equal bit for bit, or None if they are.

    Parameters
    ----------
    output, further : numpy.ndarray
        Output of a case and of a further call. The latter is rounded to the dtype of the former.
    description : str
        Difference of the calls.
    part, variant_part : tuple of slice
        Parts that are compared.
    """
    first = np.ascontiguousarray(output[part])
    second = np.ascontiguousarray(further[variant_part].astype(first.dtype, copy=False))
    if first.shape != second.shape:
        message = f"{description}: the output's shape is {second.shape}, not {first.shape}"
        return Fault("failed", message, got=str(second.shape), expected=str(first.shape), kind="shape")
    mask = first.view(f"u{first.itemsize}") != second.view(f"u{first.itemsize}")
    if not mask.any():
        return None
    index = tuple(int(i) for i in np.argwhere(mask)[0])
    offset = tuple((each.start or 0) + i for each, i in zip(part, index, strict=True))
    wrong = int(mask.sum())
    message = f"{description}: {wrong} of {mask.size} outputs have other bits"
    return Fault(
        "failed", message, offset, _hex(second[index]), _hex(first[index]), "0", wrong, mask.size,
        kind="irreproducible",
    )  # fmt: skip


def _hex(value: np.floating[np.typing.NBitBase]) -> str:
    return float(value).hex()


def described(examples: Sequence[tuple[Case, Fault]], tally: Tally) -> str:
    """Return the note on the differences of a spec, with that of the smallest problem."""
    case, fault = min(examples, key=lambda example: example[0].problem.flops)
    count = f"{tally.differences} of {counted(tally.comparisons, 'comparison')}"
    return f"differs in {count}: {fault.message}, {fault.got} and {fault.expected} at {list(fault.index)} [{case}]"
