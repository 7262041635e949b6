"""Empty sizes: no images, no channels, no rows. Each has an answer or is an error; none returns old memory."""

from collections.abc import Iterable

from convgauge.conformance import Case, Judge, cases, problems, spec
from convgauge.problem import Problem
from convgauge.reference.compare import Fault
from convgauge.reference.operands import Operands
from convgauge.worker.call import Observation

CONV2D = "torch.nn.functional.conv2d"
ZERO_CHANNELS = "https://github.com/pytorch/pytorch/issues/56998"

SMALL = Problem(batch=2, in_channels=4, height=5, width=6, out_channels=6, kernel=(3, 2), bias=True)


def after_others(empty: Iterable[Problem]) -> list[Case]:
    """Return each of the problems after a full one of the same output, so that released memory is not zero."""
    return cases(each for problem in empty for each in (_full(problem), problem))


def _full(problem: Problem) -> Problem:
    return problem.replace(
        batch=max(1, problem.batch),
        in_channels=problem.in_channels or 2 * problem.groups,
        out_channels=problem.out_channels or problem.groups,
        height=problem.height or 5,
        width=problem.width or 5,
    )


@spec("empty.batch", profile="functional", source=CONV2D)
def test_no_images(judge: Judge) -> None:
    """Without images the output has none either, and the right number of channels, rows and columns."""
    none = SMALL.replace(batch=0)
    judge.satisfies(
        [
            *problems(
                none, kernel=[(1, 1), (3, 3)], padding=[(0, 0), (1, 1)], stride=[(1, 1), (2, 2)], bias=[True, False]
            ),
            *problems(none, groups=[2], padding=[(1, 0)], dilation=[(2, 1)]),
            *problems(none.replace(in_channels=6, groups=6), kernel=[(3, 3), (1, 1)]),
        ],
        judge.check_exact,
    )


@spec("empty.batch.same", profile="functional", source=CONV2D)
def test_no_images_with_padding_in_words(judge: Judge) -> None:
    """Without images padding 'same' and 'valid' mean what they mean with images."""
    judge.satisfies(
        problems(SMALL.replace(batch=0), padding=["same", "valid"], kernel=[(3, 3), (2, 2)], groups=[1, 2]),
        judge.check_exact,
    )


@spec("empty.in_channels", profile="functional", source=ZERO_CHANNELS)
def test_no_input_channels(judge: Judge) -> None:
    """Without input channels the sum is empty: each output is its bias, or the call is refused or gives nothing."""

    def check(case: Case, operands: Operands, observation: Observation) -> Fault | None:
        return (
            None
            if observation.output is not None and not observation.output.size
            else judge.check_exact(case, operands, observation)
        )

    judge.refuses(after_others(_channelless()), unless=check)


@spec("empty.in_channels.shape", profile="functional", level="recommended", source=ZERO_CHANNELS)
def test_no_input_channels_keep_the_shape(judge: Judge) -> None:
    """Without input channels the output has its usual shape, and each output is its bias, or zero without one."""
    judge.refuses(after_others(_channelless()), unless=judge.check_exact)


def _channelless() -> list[Problem]:
    return problems(
        SMALL.replace(in_channels=0),
        kernel=[(3, 2), (1, 1)],
        padding=[(0, 0), (1, 1)],
        groups=[1, 2],
        bias=[True, False],
    )


@spec("empty.out_channels", profile="functional", source=CONV2D)
def test_no_output_channels(judge: Judge) -> None:
    """Without output channels the output is empty and of the right shape, or the call is refused."""
    none = SMALL.replace(out_channels=0)
    judge.refuses(
        problems(
            none, kernel=[(3, 2), (1, 1)], padding=[(0, 0), (1, 1)], groups=[1, 2], bias=[True, False], batch=[0, 2]
        ),
        unless=judge.check_exact,
    )


@spec("empty.size_with_padding", profile="functional", source=CONV2D)
def test_no_rows_or_columns_but_padding(judge: Judge) -> None:
    """Without rows or columns, but with enough padding, each output is its bias, or the call is refused."""
    padded = [
        p
        for height, width in [(0, 5), (5, 0), (0, 0)]
        for p in problems(
            SMALL, height=[height], width=[width], padding=[(1, 1), (2, 2), (1, 3)], kernel=[(1, 1), (2, 2), (3, 2)],
            groups=[1, 2],
        )
    ]  # fmt: skip
    judge.refuses(after_others(padded), unless=judge.check_exact)


@spec("empty.size", profile="functional", source=CONV2D)
def test_no_rows_or_columns_at_all(judge: Judge) -> None:
    """Without rows or columns and without padding there is nothing to compute: an error, or an empty output."""

    def check(case: Case, operands: Operands, observation: Observation) -> Fault | None:
        assert observation.output is not None
        return (
            Fault("failed", "answered with numbers where there is nothing to convolve", kind="answered_invalid")
            if observation.output.size
            else None
        )

    full = problems(SMALL, kernel=[(1, 1), (3, 2)], bias=[True, False], padding=[(0, 0)])
    invalid_calls = ("input_without_rows", "input_without_columns", "input_without_pixels")
    judge.refuses([case for name in invalid_calls for case in cases(full, invalid_call=name)], unless=check)


@spec("empty.several", profile="functional", source=CONV2D)
def test_several_sizes_empty_at_once(judge: Judge) -> None:
    """If several sizes are 0 at once, the output is empty and of the right shape, or the call is refused."""
    judge.refuses(
        [
            *problems(SMALL.replace(batch=0), in_channels=[0], out_channels=[0, 6], groups=[1, 2]),
            *problems(SMALL.replace(batch=0), height=[0], padding=[(2, 1)], groups=[1, 2]),
            *problems(SMALL.replace(out_channels=0), in_channels=[0], padding=[(0, 0), (1, 1)]),
        ],
        unless=lambda case, operands, observation: (
            None
            if observation.output is not None and not observation.output.size
            else judge.check_exact(case, operands, observation)
        ),
    )
