"""Reproducibility: outputs on real operands that are equal bit for bit if something else than the operands changes.

No implementation has to be reproducible. The outcome is measured; along an axis that an implementation declares
(`reproducible=`, `--reproducible`) it is required. "The same" means that no output was seen to differ.
"""

from convgauge.conformance import Case, Judge, spec
from convgauge.conformance.cases import cases
from convgauge.conformance.reproducibility import (
    crops,
    has_crops,
    laid_out,
    parts_of_batch,
    repetitions,
    unchanged,
)
from convgauge.problem import Problem

DEEP = Problem(batch=2, in_channels=48, height=5, width=6, out_channels=2, kernel=(3, 3), padding=(1, 1), bias=True)
POINTWISE = DEEP.replace(in_channels=70, out_channels=9, width=7, kernel=(1, 1), padding=(0, 0))
DEPTHWISE = DEEP.replace(in_channels=10, out_channels=10, height=9, width=11, groups=10)
GROUPED = DEEP.replace(in_channels=36, out_channels=8, groups=4, kernel=(3, 2), padding=(1, 0), bias=False)
STRIDED = DEEP.replace(in_channels=7, out_channels=6, height=11, width=13, stride=(2, 2))
TABLE = [DEEP, POINTWISE, DEPTHWISE, GROUPED, STRIDED]
"""Problems of several kinds, since a kernel takes another path for each."""

LARGER = [
    DEEP.replace(in_channels=300, out_channels=16, height=12, width=12),
    DEEP.replace(in_channels=64, out_channels=32, height=33, width=35, batch=4),
    POINTWISE.replace(in_channels=512, out_channels=65, height=14, width=14),
    DEPTHWISE.replace(in_channels=64, out_channels=64, groups=64, height=29, width=31),
    STRIDED.replace(in_channels=32, out_channels=40, height=57, width=59),
]
"""Problems so large that a library distributes them over threads, or blocks them."""

LARGE_BATCH, SMALL_BATCH = 17, 4
THREADS = {"2": "2 threads", "3": "3 threads", "4": "4 threads"}
ADDRESSES = {str(n): f"operands {n} elements past a multiple of 64 bytes" for n in (0, 1, 3, 6)}
LAYOUTS = ("channels_last", "transposed", "offset")

SOURCE = "IEEE 754-2019, clause 11: reproducible floating-point results"


def table(judge: Judge) -> list[Case]:
    """Return the cases of a tier: the larger problems are not judged at quick."""
    return cases(TABLE if judge.setting.tier == "quick" else [*TABLE, *LARGER])


@spec("reproducible.run", level="measured", axis="run", source=SOURCE)
def test_runs_agree(judge: Judge) -> None:
    """Repeated calls with equal operands give equal bits."""
    judge.reproduces(table(judge), repetitions)


@spec("reproducible.batch", level="measured", axis="batch", source=SOURCE)
def test_batches_agree(judge: Judge) -> None:
    """An image alone, and in batches of several sizes, has equal bits."""
    batched = [problem.replace(batch=LARGE_BATCH) for problem in TABLE]
    if judge.setting.tier != "quick":
        batched += [problem.replace(batch=SMALL_BATCH) for problem in (*TABLE, *LARGER)]
    judge.reproduces(batched, parts_of_batch, needs=lambda case: case.problem.batch > 1)


@spec("reproducible.crop", level="measured", axis="crop", source=SOURCE)
def test_crops_agree(judge: Judge) -> None:
    """A crop of the input gives equal bits wherever the receptive field is whole."""
    judge.reproduces(table(judge), crops, needs=has_crops)


@spec("reproducible.threads", level="measured", axis="threads", source=SOURCE)
def test_thread_counts_agree(judge: Judge) -> None:
    """Several counts of threads give equal bits."""
    judge.reproduces(table(judge), extra=THREADS, mode="thread_counts")


@spec("reproducible.layout", level="measured", axis="layout", source=SOURCE)
def test_layouts_agree(judge: Judge) -> None:
    """Several memory layouts of the operands give equal bits."""
    layouts = [name for name in LAYOUTS if name in judge.description.layouts]
    if not layouts:
        judge.skip(f"{judge.description.framework} has one memory layout")
    judge.reproduces(table(judge), laid_out(layouts))


@spec("reproducible.address", level="measured", axis="address", source=SOURCE)
def test_addresses_agree(judge: Judge) -> None:
    """Operands at several alignments give equal bits."""
    judge.reproduces(table(judge), extra=ADDRESSES, mode="addresses")


@spec("reproducible.process", level="measured", axis="process", source=SOURCE)
def test_processes_agree(judge: Judge) -> None:
    """Two processes give equal bits.

    The quick tier judges subjects that declare it alone.
    """
    if judge.setting.tier == "quick" and judge.spec.level != "required":
        judge.skip("not measured at the quick tier: another process takes seconds to start")
    with judge.new_process() as other:
        judge.reproduces(table(judge), unchanged, elsewhere=other)
