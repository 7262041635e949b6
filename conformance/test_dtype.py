"""Element types: what goes in comes out, and no type is quietly narrowed on the way."""

from convgauge.conformance import Case, Judge, problems, spec
from convgauge.dtypes import DTYPES, FLOATS
from convgauge.problem import Problem
from convgauge.reference.operands import Operands, draw

CONV2D = "torch.nn.functional.conv2d"
INTEGERS = tuple(name for name, dtype in DTYPES.items() if dtype.kind == "i")
COMPLEX = tuple(name for name, dtype in DTYPES.items() if dtype.kind == "c")

SMALL = problems(
    kernel=[(1, 1), (3, 2), (3, 3), (5, 5)], bias=[True, False], stride=[(1, 1), (2, 1)], padding=[(0, 0), (2, 2)]
)
LARGE = Problem(batch=1, in_channels=64, height=7, width=6, out_channels=8, kernel=(3, 3), padding=(1, 1), bias=True)


@spec("dtype.kept", quick=FLOATS, source=CONV2D)
def test_output_has_the_operands_dtype(judge: Judge) -> None:
    """The output's dtype is the operands', and integers that the dtype holds come out exactly."""
    table = [*SMALL, *problems(LARGE, in_channels=[16, 64], groups=[1, 4], padding=["same"])]
    judge.exact(table, tests_dtype=True)


@spec("dtype.float64", dtypes=("float64",), source=CONV2D)
def test_float64_is_not_narrowed(judge: Judge) -> None:
    """float64 is computed in float64: integers beyond 2^24 come out exactly, reals to sixteen digits."""
    judge.exact([*SMALL, *problems(LARGE, kernel=[(1, 1), (3, 3)], groups=[1, 8], stride=[(1, 1), (2, 2)])])
    judge.accurate(problems(LARGE, kernel=[(1, 1), (3, 3), (5, 5)], groups=[1, 8], stride=[(1, 1), (2, 2)]))


@spec("dtype.float32", dtypes=("float32",), source=CONV2D)
def test_float32_is_not_narrowed(judge: Judge) -> None:
    """float32 is computed in float32, neither in TF32 nor in bfloat16 or float16, whatever the magnitude."""
    table = problems(LARGE, kernel=[(1, 1), (3, 3), (5, 5)], groups=[1, 8], stride=[(1, 1), (2, 2)])
    judge.accurate(table)
    judge.accurate(table[::2], "near_overflow")
    judge.accurate(table[::2], "small_onto_large")


@spec("dtype.half_accumulates_in_float32", dtypes=("float16", "bfloat16"), quick=("float16", "bfloat16"), source=CONV2D)
def test_half_types_accumulate_in_float32(judge: Judge) -> None:
    """Sums of float16 and bfloat16 products are kept in float32 and rounded once."""
    table = problems(LARGE, in_channels=[16, 64, 256], kernel=[(1, 1), (3, 3)], bias=[True, False])
    judge.accurate(table, "positive")
    judge.accurate([*table, *problems(LARGE, in_channels=[512], height=5, width=5, groups=[1, 2])])


@spec("dtype.mixed_sequence", profile="functional", source=CONV2D)
def test_dtypes_in_turns(judge: Judge) -> None:
    """Calls of one shape in changing dtypes do not disturb each other, also on operands of the same values."""
    supported = judge.setting.among_dtypes(dtype for dtype in FLOATS if dtype in judge.description.dtypes)
    if len(supported) < 2:
        judge.skip("there is one dtype only: turns need two")
    judge.exact([problem.replace(dtype=dtype) for problem in SMALL[:8] for dtype in supported], mixed=True)
    narrowest = min(supported, key=lambda dtype: DTYPES[dtype].digits)

    def same(case: Case, operands: Operands) -> Operands:
        problem = case.problem.replace(dtype=narrowest)
        drawn = draw(problem, "exact", case.seed, max(judge.headroom(problem), judge.headroom(case.problem)))
        carrier = DTYPES[case.problem.dtype].carrier
        bias = None if drawn.bias is None else drawn.bias.astype(carrier)
        return Operands(drawn.input.astype(carrier), drawn.weight.astype(carrier), bias)

    table = SMALL[:1] if judge.setting.tier == "quick" else SMALL[:3]
    turns = [(seed, dtype) for seed, order in enumerate((supported, supported[::-1]), start=1) for dtype in order]
    due = [Case(problem.replace(dtype=dtype), seed=seed) for problem in table for seed, dtype in turns]
    judge.exact(due, transform=same, mixed=True)


@spec("dtype.integer", level="recommended", dtypes=INTEGERS, quick=("int32",), profile="functional", source=CONV2D)
def test_integers(judge: Judge) -> None:
    """Integer operands are added up exactly."""
    judge.exact(SMALL)


@spec("dtype.complex", level="recommended", dtypes=COMPLEX, quick=("complex64",), profile="functional", source=CONV2D)
def test_complex(judge: Judge) -> None:
    """Complex operands are multiplied without conjugation and added up exactly."""
    judge.exact(SMALL)
