"""Memory layouts: the same values with other strides give the same answer. Gaps between them contain NaN.

A call with an operand of an exotic layout (`convgauge.conformance.cases.EXOTIC_LAYOUTS`) may be refused.
"""

from convgauge.conformance import Judge, problems, spec
from convgauge.conformance.cases import EXOTIC_LAYOUTS, Case
from convgauge.conformance.size_sweeps import is_thorough
from convgauge.problem import Problem
from convgauge.worker.layouts import combined_layouts

NDARRAY = "numpy.ndarray.strides; torch.Tensor.stride"

BASE = Problem(batch=2, in_channels=4, height=6, width=7, out_channels=6, kernel=(3, 2), padding=(1, 1), bias=True)
TABLE = [
    BASE,
    BASE.replace(batch=17, height=4, width=5, kernel=(3, 3)),
    *problems(BASE, kernel=[(1, 1)], padding=[(0, 0)]),
    *problems(BASE, kernel=[(3, 3)], stride=[(2, 2), (1, 1)], batch=[1, 3]),
    *problems(BASE, in_channels=[1], out_channels=[1, 4], kernel=[(3, 3), (1, 1)]),
    *problems(BASE, groups=[2], dilation=[(1, 2)]),
    *problems(BASE, in_channels=4, out_channels=4, groups=[4], kernel=[(3, 3)]),
    *problems(BASE, in_channels=[16], out_channels=[16], kernel=[(3, 3), (1, 1)], height=8, width=8),
    *problems(BASE, height=1, width=[1, 9], kernel=[(1, 1)], padding=[(0, 0)]),
    *problems(BASE, batch=1, height=5, width=5, kernel=[(5, 5)], padding=[(0, 0)]),
]


LAZY = ("negated", "conjugated")
"""Layouts in which torch has still to negate or conjugate the operand."""


def laid(layout: str) -> list[Case]:
    """Return the table with one operand in the layout and with all three of them; the rest is contiguous."""
    plain = "contiguous"
    triples = [(layout, plain, plain), (plain, layout, plain), (plain, plain, layout), (layout, layout, layout)]
    table = [problem for problem in TABLE if layout != "broadcast" or problem.output_size > (1, 1)]
    return [Case(problem, layouts=layouts) for problem in table for layouts in triples]


def among(judge: Judge, layout: str) -> None:
    """Judge a layout that the framework supports; otherwise skip the spec with the reason."""
    if layout not in judge.description.layouts:
        judge.skip(f"{judge.description.framework} cannot make a {layout} array")
    judge.exact(laid(layout))


@spec("layout.fortran", profile="functional", source=NDARRAY)
def test_fortran(judge: Judge) -> None:
    """Operands in column-major order, all axes reversed in memory, give the same answer."""
    among(judge, "fortran")


@spec("layout.channels_last", profile="functional", source="torch.channels_last")
def test_channels_last(judge: Judge) -> None:
    """Operands with channels innermost in memory give the same answer, also with one channel."""
    among(judge, "channels_last")


@spec("layout.transposed", profile="functional", source=NDARRAY)
def test_transposed(judge: Judge) -> None:
    """Operands with rows and columns swapped in memory give the same answer."""
    among(judge, "transposed")


@spec("layout.sliced", profile="functional", source=NDARRAY)
def test_sliced(judge: Judge) -> None:
    """Operands that are every second element of a larger array give the same answer."""
    among(judge, "sliced")


@spec("layout.cropped", profile="functional", source=NDARRAY)
def test_cropped(judge: Judge) -> None:
    """Operands cut from the interior of larger ones give the same answer."""
    among(judge, "cropped")


@spec("layout.planes", profile="functional", source=NDARRAY)
def test_planes(judge: Judge) -> None:
    """Operands whose planes are whole, but not next to each other, give the same answer."""
    among(judge, "planes")


@spec("layout.part", profile="functional", source=NDARRAY)
def test_part(judge: Judge) -> None:
    """Operands that are some channels of larger ones give the same answer."""
    among(judge, "part")


@spec("layout.offset", profile="functional", source="torch.Tensor.storage_offset")
def test_offset(judge: Judge) -> None:
    """Operands that start in the middle of their memory give the same answer."""
    among(judge, "offset")


@spec("layout.negative", profile="functional", source=NDARRAY)
def test_negative_strides(judge: Judge) -> None:
    """Operands stored backwards give the same answer, or are refused."""
    among(judge, "negative")


@spec("layout.broadcast", profile="functional", source="numpy.broadcast_to; torch.Tensor.expand")
def test_broadcast(judge: Judge) -> None:
    """Operands that repeat one element along the first axis with a stride of 0 give the same answer, or are refused."""
    among(judge, "broadcast")


@spec("layout.odd_strides", profile="functional", source="numpy's relaxed strides")
def test_strides_of_single_elements(judge: Judge) -> None:
    """The stride along an axis of one element means nothing, whatever it is."""
    among(judge, "odd_strides")


@spec("layout.readonly", profile="functional", source="numpy.ndarray.flags")
def test_readonly(judge: Judge) -> None:
    """Operands that may not be written to give the same answer, or are refused."""
    among(judge, "readonly")


@spec("layout.unaligned", profile="functional", source="numpy.ndarray.flags")
def test_unaligned(judge: Judge) -> None:
    """Operands at odd addresses give the same answer, or are refused."""
    among(judge, "unaligned")


@spec("layout.bigendian", profile="functional", source="numpy.dtype.byteorder")
def test_bigendian(judge: Judge) -> None:
    """Operands in the other byte order give the same answer, in either byte order, or are refused."""
    among(judge, "bigendian")


@spec("layout.distant", profile="functional", frameworks=("numpy", "torch"), source=NDARRAY)
def test_offsets_of_more_than_32_bits(judge: Judge) -> None:
    """Operands whose images or filters are more than 2^32 elements apart give the same answer, or are refused."""
    if judge.device != "cpu":
        judge.skip("asked of CPUs only")
    plain = "contiguous"
    triples = [("distant", plain, plain), (plain, "distant", plain), ("distant", "distant", plain)]
    table = [BASE, *(KINDS if judge.setting.tier != "quick" else KINDS[:2])]
    judge.exact([Case(problem, layouts=layouts) for problem in table for layouts in triples])


@spec("layout.mixed", profile="functional", source=NDARRAY)
def test_mixed(judge: Judge) -> None:
    """Input, weight and bias may each be laid out otherwise."""
    known = [layout for layout in judge.description.layouts if layout not in ("contiguous", "broadcast", *LAZY)]
    if not known:
        judge.skip(f"{judge.description.framework} makes contiguous arrays only")
    count = len(known)
    mixed = [(known[i], known[(i + j) % count], known[(i + 2 * j) % count]) for i in range(count) for j in (1, 2, 3)]
    judge.exact([Case(TABLE[index % len(TABLE)], layouts=layouts) for index, layouts in enumerate(mixed)])


KINDS = [
    BASE.replace(kernel=(1, 1), padding=(0, 0), height=4),
    BASE.replace(kernel=(3, 3)),
    BASE.replace(kernel=(3, 3), stride=(2, 2), height=8),
    BASE.replace(in_channels=5, out_channels=5, groups=5, kernel=(3, 3)),
    BASE.replace(in_channels=6, out_channels=4, groups=2, dilation=(1, 2)),
    BASE.replace(in_channels=17, kernel=(2, 2), batch=3, padding=(0, 1), height=4),
]
"""Kinds of convolution for which libraries have code of their own, with the sizes of several images and channels."""


def combined(judge: Judge, exotic: bool) -> list[str]:
    """Return the combined layouts that the framework can make; skip the spec if there is none."""
    named = [name for name in combined_layouts(judge.description.layouts) if (name in EXOTIC_LAYOUTS) == exotic]
    if not named:
        judge.skip(f"{judge.description.framework} cannot make such arrays")
    return named


def alone(layout: str) -> list[Case]:
    """Return a layout of the input and of the weight with every kind, and of the bias with one."""
    plain = "contiguous"
    triples = [(layout, plain, plain), (plain, layout, plain)]
    return [
        *(Case(kind, layouts=layouts) for kind in KINDS for layouts in triples),
        Case(KINDS[0], layouts=(plain, plain, layout)),
    ]


def together(layouts: list[str], shifts: range) -> list[Case]:
    """Return cases whose three operands have different layouts, those of the weight shifted against the input's."""
    count = len(layouts)
    return [
        Case(KINDS[(i + shift) % len(KINDS)], layouts=(layout, layouts[(i + shift) % count], layouts[(i + 1) % count]))
        for i, layout in enumerate(layouts)
        for shift in shifts
    ]


def judge_combined(judge: Judge, layouts: list[str]) -> None:
    """Judge each layout alone, in calls of their own so that every kind is due at quick, and then all together."""
    for layout in layouts:
        judge.exact(alone(layout))
    judge.exact(together(layouts, range(len(layouts) if is_thorough(judge) else 2)))


@spec("layout.combined", profile="functional", source=NDARRAY)
def test_gaps_in_permuted_memory(judge: Judge) -> None:
    """Operands that are parts, crops or slices of channels-last and transposed memory give the same answer."""
    judge_combined(judge, combined(judge, exotic=False))


@spec("layout.combined.exotic", profile="functional", source="numpy.broadcast_to; torch.Tensor.expand")
def test_repeated_and_reversed_axes(judge: Judge) -> None:
    """Operands that repeat or reverse single axes, or permuted memory, give the same answer, or are refused."""
    judge_combined(judge, combined(judge, exotic=True))


@spec(
    "layout.lazy", profile="torch", frameworks=("torch",), dtypes=("float64", "float32"), source="torch.Tensor.is_neg"
)
def test_negation_put_off(judge: Judge) -> None:
    """An operand that torch has still to negate is refused, or read as the values that it stands for."""
    judge.refuses(laid("negated"), unless=judge.check_exact)


@spec(
    "layout.lazy.conjugated",
    profile="torch",
    frameworks=("torch",),
    dtypes=("complex128", "complex64"),
    quick=("complex64",),
    source="torch.Tensor.is_conj",
)
def test_conjugation_put_off(judge: Judge) -> None:
    """An operand that torch has still to conjugate is refused, or read as the values that it stands for."""
    judge.refuses(laid("conjugated"), unless=judge.check_exact)
