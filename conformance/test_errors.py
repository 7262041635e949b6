"""Errors: calls that are no convolution are refused with an exception, and never answered."""

from collections.abc import Iterable, Sequence

from convgauge.conformance import Case, Judge, cases, problems, spec
from convgauge.conformance.cases import with_arguments
from convgauge.problem import Problem
from convgauge.reference import compare, oracle

CONV2D = "torch.nn.functional.conv2d"
ONE = ("float32",)  # what is refused does not depend on the dtype

SMALL = Problem(batch=2, in_channels=4, height=5, width=6, out_channels=6, kernel=(3, 2), bias=True)
SQUARE = SMALL.replace(in_channels=4, out_channels=4, height=4, width=4, kernel=(4, 4), batch=4)
"""Equal sizes, so that an implementation can only refuse the argument itself."""


UNBIASED = (
    SMALL,
    SQUARE,
    SMALL.replace(bias=False),
    SQUARE.replace(bias=False),
    SMALL.replace(bias=False, out_channels=1),
)
"""With and without a bias, because the length of a bias can reveal a wrong weight."""


def invalid_calls(*names: str, base: Iterable[Problem] = (SMALL, SQUARE)) -> list[Case]:
    """Return the base problems with each of the named invalid calls."""
    return [case for name in names for case in cases(base, invalid_call=name)]


THREE = (SMALL, SMALL.replace(kernel=(1, 1)), SMALL.replace(groups=2))


def misspelled(base: Iterable[Problem] = THREE, **arguments: Sequence[object]) -> list[Case]:
    """Return the base problems, each with one argument replaced by each of the values that are listed for it."""
    return [with_arguments(p, {name: value}) for name, values in arguments.items() for value in values for p in base]


@spec("errors.rank.input", profile="functional", source=CONV2D, dtypes=ONE)
def test_input_of_another_rank(judge: Judge) -> None:
    """An input of one, two or five axes is an error."""
    judge.refuses(invalid_calls("input_vector", "input_plane", "input_of_five_axes", base=UNBIASED))


@spec("errors.rank.weight", profile="functional", source=CONV2D, dtypes=ONE)
def test_weight_of_another_rank(judge: Judge) -> None:
    """A weight of two, three or five axes is an error."""
    judge.refuses(invalid_calls("weight_matrix", "weight_of_three_axes", "weight_of_five_axes", base=UNBIASED))


@spec("errors.rank.bias", profile="functional", source=CONV2D, dtypes=ONE)
def test_bias_of_another_rank(judge: Judge) -> None:
    """A bias that is a matrix, also one of a single row or column, is an error."""
    judge.refuses(invalid_calls("bias_matrix", "bias_row", "bias_plane"))


@spec("errors.channels", profile="functional", source=CONV2D, dtypes=ONE)
def test_channels_that_do_not_match(judge: Judge) -> None:
    """An input with more or fewer channels than the weight takes is an error, also where one of them is 1."""
    dense = (SMALL, SQUARE, SMALL.replace(kernel=(1, 1)), SMALL.replace(groups=2))
    judge.refuses(
        [
            *invalid_calls(
                "more_channels", "fewer_channels", "weight_more_channels", "weight_fewer_channels", base=dense
            ),
            *invalid_calls("input_of_one_channel", "weight_of_one_channel", base=dense),
            *invalid_calls("twice_the_channels", base=dense),
        ]
    )


@spec("errors.groups", profile="functional", source=CONV2D, dtypes=ONE)
def test_groups_that_do_not_divide(judge: Judge) -> None:
    """Groups that do not divide the input or output channels, or do not agree with the weight, are an error."""
    judge.refuses(
        [
            *misspelled((SMALL, SMALL.replace(kernel=(1, 1))), groups=[2, 3, 4, 5, 6, 12]),
            *misspelled((SMALL.replace(groups=2),), groups=[1, 4, 3]),
            *misspelled((SMALL.replace(groups=4, out_channels=4),), groups=[1, 2, 8]),
            *invalid_calls(
                "one_more_output",
                "one_less_output",
                base=(SMALL.replace(groups=2), SMALL.replace(groups=2, bias=False)),
            ),
        ]
    )


@spec("errors.groups.positive", profile="functional", source=CONV2D, dtypes=ONE)
def test_groups_that_are_not_positive(judge: Judge) -> None:
    """Groups of 0 and below are an error."""
    judge.refuses(misspelled(groups=[0, -1, -2]))


@spec("errors.bias", profile="functional", source=CONV2D, dtypes=ONE)
def test_bias_of_another_length(judge: Judge) -> None:
    """A bias with more or fewer elements than there are output channels is an error."""
    judge.refuses(
        invalid_calls(
            "bias_longer", "bias_shorter", "bias_of_none", "bias_twice", base=(SMALL, SQUARE, SMALL.replace(groups=2))
        )
    )


@spec("errors.bias.one", profile="functional", source=CONV2D, dtypes=ONE)
def test_bias_of_one_element(judge: Judge) -> None:
    """A bias of one element is not repeated for every channel but an error."""
    judge.refuses(
        invalid_calls("bias_of_one", base=(SMALL, SQUARE, SMALL.replace(groups=2), SMALL.replace(kernel=(1, 1))))
    )


@spec("errors.bias.columns", profile="functional", source=CONV2D, dtypes=ONE)
def test_bias_as_long_as_a_row(judge: Judge) -> None:
    """A bias with an element for each output column or row, not for each channel, is an error."""
    judge.refuses(
        invalid_calls(
            "bias_of_columns", base=(SMALL.replace(kernel=(1, 1), out_channels=3), SMALL.replace(out_channels=3))
        )
    )


@spec("errors.stride", profile="functional", source=CONV2D, dtypes=ONE)
def test_stride_below_one(judge: Judge) -> None:
    """A stride of 0 or below, along either axis, is an error."""
    judge.refuses(misspelled(stride=[0, -1, (0, 1), (1, 0), (-1, 1), (1, -2), (-1, -1)]))


@spec("errors.dilation", profile="functional", source=CONV2D, dtypes=ONE)
def test_dilation_below_one(judge: Judge) -> None:
    """A dilation of 0 or below, along either axis, is an error."""
    judge.refuses(misspelled((SMALL, SMALL.replace(kernel=(1, 1))), dilation=[0, -1, (0, 1), (1, 0), (-1, 1), (1, -2)]))


@spec("errors.padding", profile="functional", source=CONV2D, dtypes=ONE)
def test_padding_below_zero(judge: Judge) -> None:
    """Padding below 0, along either axis, is an error."""
    judge.refuses(misspelled(padding=[-1, (-1, 0), (0, -1), (1, -1), (-1, 1)]))


@spec("errors.words", profile="functional", source=CONV2D, dtypes=ONE)
def test_unknown_words(judge: Judge) -> None:
    """Padding in words other than 'same' and 'valid', in these very letters, is an error."""
    judge.refuses(
        misspelled(padding=["full", "SAME", "Valid", "same_upper", "SAME_LOWER", "reflect", "circular", "zeros", ""])
    )


@spec("errors.same_with_stride", profile="functional", source=CONV2D, dtypes=ONE)
def test_same_with_stride(judge: Judge) -> None:
    """Padding 'same' with a stride other than 1, along either axis, is an error."""
    same = (
        SMALL.replace(padding="same"),
        SMALL.replace(padding="same", kernel=(1, 1)),
        SMALL.replace(padding="same", kernel=(3, 3)),
    )
    judge.refuses(misspelled(same, stride=[2, (2, 1), (1, 2), (3, 3)]))


@spec("errors.kernel_too_large", profile="functional", source=CONV2D, dtypes=ONE)
def test_kernel_larger_than_the_padded_input(judge: Judge) -> None:
    """A kernel larger than the padded input along either axis, dilated or not, is an error, whatever the stride."""
    judge.refuses(
        [
            *invalid_calls(*(f"kernel_of_{n}_rows" for n in (6, 7, 12)), base=_strided(SMALL)),
            *invalid_calls(*(f"kernel_of_{n}_columns" for n in (7, 8, 12)), base=_strided(SMALL)),
            *invalid_calls("kernel_of_8_rows", "kernel_of_9_columns", base=_strided(SMALL.replace(padding=(1, 1)))),
            *(
                with_arguments(p, {"dilation": d})
                for p in _strided(SMALL)
                for d in [(3, 1), (1, 6), (4, 6), 7, (100, 100)]
            ),
        ]
    )


def _strided(base: Problem) -> list[Problem]:
    return problems(base, stride=[(1, 1), (2, 2), (3, 3)], bias=[True, False])


@spec("errors.lengths", profile="functional", source=CONV2D, dtypes=ONE)
def test_tuples_of_another_length(judge: Judge) -> None:
    """Stride, padding and dilation of no, three or four numbers are an error."""
    wrong = [(), (1, 1, 1), [1, 1, 1], (1, 1, 1, 1)]
    judge.refuses(misspelled((SMALL,), stride=wrong, padding=wrong, dilation=wrong))


@spec("errors.one_number", profile="functional", source=CONV2D, dtypes=ONE)
def test_tuples_of_one_number(judge: Judge) -> None:
    """Stride, padding or dilation of a single number in a tuple means that number along both axes, or is an error."""
    pairs = problems(SMALL, stride=[(2, 2)], padding=[(1, 1), (2, 2)], dilation=[(1, 1), (2, 2)])
    judge.refuses(
        [
            with_arguments(p, {name: (getattr(p, name)[0],)})
            for p in pairs
            for name in ("stride", "padding", "dilation")
        ],
        unless=judge.check_exact,
    )


@spec("errors.fractions", profile="functional", source=CONV2D, dtypes=ONE)
def test_sizes_that_are_not_whole(judge: Judge) -> None:
    """A stride, padding, dilation or number of groups that is not whole is an error, not rounded."""
    judge.refuses(
        misspelled(
            (SMALL,), stride=[1.5, (1, 1.5)], padding=[0.5, (0.5, 1)], dilation=[1.5, (1, 1.5)], groups=[1.5, 0.5]
        )
    )


@spec("errors.types", profile="functional", level="recommended", source=CONV2D, dtypes=ONE)
def test_sizes_that_are_no_integers(judge: Judge) -> None:
    """Numbers in words, floating-point numbers and None are no sizes."""
    judge.refuses(
        [
            *misspelled(
                (SMALL,), stride=["1", 1.0, "same"], padding=["1", 1.0], dilation=["1", 1.0], groups=["1", 1.0]
            ),
            *invalid_calls("stride_none", "padding_none", "dilation_none", "groups_none", base=(SMALL,)),
        ]
    )


@spec(
    "errors.mixed_dtypes",
    profile="functional",
    source="torch.nn.functional.conv2d; the array API standard's type promotion",
    dtypes=("float32", "float16", "bfloat16"),
)
def test_operands_of_two_dtypes(judge: Judge) -> None:
    """Operands of two floating dtypes are an error, or give the wider dtype with the accuracy of that dtype."""
    mixed = ("wider_input", "wider_weight", "wider_bias", "wider_input_and_bias", "wider_weight_and_bias")
    judge.refuses(invalid_calls(*mixed, base=(SMALL, SMALL.replace(kernel=(1, 1)))), unless=judge.check_promotion)


@spec("errors.mixed_with_integers", profile="functional", source=CONV2D, dtypes=ONE)
def test_floats_with_integers(judge: Judge) -> None:
    """A floating input with a weight or bias of integers, or the reverse, is an error, or gives the floating answer."""
    judge.refuses(
        invalid_calls("integer_input", "integer_weight", "integer_bias", base=(SMALL, SMALL.replace(kernel=(1, 1)))),
        unless=lambda case, operands, observation: compare.check_values(
            observation.output, oracle.answer(case.problem, operands), 0.25
        ),
    )
