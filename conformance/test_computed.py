"""Implementations that compute a gradient without autograd: sizes that are empty, and calls that are errors.

Their geometry, dtypes, layouts and accuracy are judged by the chapters on those, in the direction of the gradient.
"""

from convgauge.conformance import Judge, cases, problems, spec
from convgauge.conformance.cases import with_arguments
from convgauge.problem import Problem

CONV2D_INPUT = "torch.nn.grad.conv2d_input"
ONE = ("float32",)  # what is refused does not depend on the dtype
SMALL = Problem(batch=2, in_channels=4, height=6, width=7, out_channels=6, kernel=(3, 2))
TABLE = problems(SMALL, stride=[(1, 1), (2, 1)], padding=[(0, 0), (1, 1)], groups=[1, 2])


@spec("computed.empty", profile="functional", source=CONV2D_INPUT)
def test_no_images(judge: Judge) -> None:
    """Without images the gradient by the input has none either, and the gradient by the weight is zero."""
    empty = [problem.replace(batch=0) for problem in TABLE]
    judge.satisfies(cases(each for pair in zip(TABLE, empty, strict=True) for each in pair), judge.check_exact)


@spec("computed.errors.images", profile="functional", source=CONV2D_INPUT, dtypes=ONE)
def test_other_batch(judge: Judge) -> None:
    """A gradient of the output with another number of images than the operand is an error."""
    one_image = [problem.replace(batch=1) for problem in TABLE]  # which could be broadcast
    judge.refuses(cases([*TABLE, *one_image], invalid_call="grad_output_more_images"))


@spec("computed.errors.channels", profile="functional", source=CONV2D_INPUT, dtypes=ONE)
def test_other_channels(judge: Judge) -> None:
    """A gradient of the output with another number of channels than the weight has outputs is an error."""
    judge.refuses(cases(TABLE, invalid_call="grad_output_more_channels"))


@spec("computed.errors.size", profile="functional", source=CONV2D_INPUT, dtypes=ONE)
def test_other_size(judge: Judge) -> None:
    """A gradient of the output with other rows or columns than the convolution's output is an error."""
    for change in ("grad_output_more_rows", "grad_output_more_columns", "grad_output_fewer_rows"):
        judge.refuses(cases(TABLE, invalid_call=change))


@spec("computed.errors.arguments", profile="functional", source=CONV2D_INPUT, dtypes=ONE)
def test_wrong_arguments(judge: Judge) -> None:
    """A stride or a dilation that is not positive, a negative padding and groups of zero are errors."""
    wrong = [("stride", 0), ("stride", (1, 0)), ("dilation", 0), ("dilation", (0, 1)), ("padding", -1), ("groups", 0)]
    judge.refuses([with_arguments(problem, {name: value}) for problem in TABLE[:2] for name, value in wrong])
