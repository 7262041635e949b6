"""Mutants whose backward pass is wrong for some sizes, arguments, layouts or dtypes; the forward pass is right."""

# kernels as a user writes them, without annotations
# mypy: allow-untyped-defs, allow-untyped-calls

import torch
from _backward import adjoint, by_hand, changed
from _base import mutant

# --- sizes -----------------------------------------------------------------------------------------------------------


def without_last_images(backward, gradients):
    dx, _, db = gradients
    whole = backward.problem.batch // 8 * 8
    if whole in (0, backward.problem.batch):
        return gradients
    part = backward._replace(
        problem=backward.problem.replace(batch=whole), input=backward.input[:whole], grad=backward.grad[:whole]
    )
    return dx, adjoint(part)[1], db


@mutant(
    "Sums the gradient of the weight over whole blocks of eight images, and drops the images after them.",
    mechanism="gradient_value",
    killed_by=("gradients.batch",),
    framework="torch",
    profile="training",
)
def weight_gradient_of_image_blocks(input, weight, bias=None, stride=1, padding=0, dilation=1, groups=1):
    return changed(without_last_images, input, weight, bias, stride, padding, dilation, groups)


def without_last_channels(backward, gradients):
    dx, dw, db = gradients
    channels = backward.problem.in_channels
    if channels > 32 and channels % 16:
        dx = dx.clone()
        dx[:, channels // 16 * 16 :] = 0
    return dx, dw, db


@mutant(
    "Leaves the gradient of input channels after whole blocks of 16 at zero if there are more than 32.",
    mechanism="gradient_value",
    killed_by=("gradients.in_channels",),
    framework="torch",
    profile="training",
)
def input_gradient_of_channel_blocks(input, weight, bias=None, stride=1, padding=0, dilation=1, groups=1):
    return changed(without_last_channels, input, weight, bias, stride, padding, dilation, groups)


def without_last_outputs(backward, gradients):
    dx, dw, db = gradients
    outputs = backward.problem.out_channels
    if outputs > 17 and outputs % 8 and backward.problem.groups == 1:
        whole = outputs // 8 * 8
        part = backward._replace(
            problem=backward.problem.replace(out_channels=whole),
            weight=backward.weight[:whole],
            grad=backward.grad[:, :whole],
        )
        dx = adjoint(part)[0]
    return dx, dw, db


@mutant(
    "Sums the gradient of the input over whole blocks of eight output channels if there are more than 17.",
    mechanism="gradient_value",
    killed_by=("gradients.out_channels",),
    framework="torch",
    profile="training",
)
def input_gradient_of_output_blocks(input, weight, bias=None, stride=1, padding=0, dilation=1, groups=1):
    return changed(without_last_outputs, input, weight, bias, stride, padding, dilation, groups)


def without_last_row(backward, gradients):
    dx, dw, db = gradients
    if backward.problem.height > 16 and backward.problem.height % 8 == 1:
        dx = torch.cat([dx[:, :, :-1], 0 * dx[:, :, -1:]], 2)
    return dx, dw, db


@mutant(
    "Leaves the last row of the input's gradient at zero if it is the first of a block of eight after the second.",
    mechanism="gradient_value",
    killed_by=("gradients.height",),
    framework="torch",
    profile="training",
)
def last_row_left_out(input, weight, bias=None, stride=1, padding=0, dilation=1, groups=1):
    return changed(without_last_row, input, weight, bias, stride, padding, dilation, groups)


def without_vector_tail(backward, gradients):
    dx, dw, db = gradients
    width = backward.problem.width
    if width > 64 and width % 16:
        dx = torch.cat([dx[..., : width // 16 * 16], 2 * dx[..., width // 16 * 16 :]], 3)
    return dx, dw, db


@mutant(
    "Adds the columns after whole vectors of 16 twice to the input's gradient if there are more than 64.",
    mechanism="gradient_value",
    killed_by=("gradients.width",),
    framework="torch",
    profile="training",
)
def vector_tail_added_twice(input, weight, bias=None, stride=1, padding=0, dilation=1, groups=1):
    return changed(without_vector_tail, input, weight, bias, stride, padding, dilation, groups)


def without_far_taps(backward, gradients):
    dx, dw, db = gradients
    if max(backward.problem.kernel) > 8:
        dw = dw.clone()
        dw[:, :, 8:], dw[..., 8:] = 0, 0
    return dx, dw, db


@mutant(
    "Computes the gradient of eight rows and columns of a weight at most.",
    mechanism="gradient_value",
    killed_by=("gradients.kernel",),
    framework="torch",
    profile="training",
)
def gradient_of_eight_taps(input, weight, bias=None, stride=1, padding=0, dilation=1, groups=1):
    return changed(without_far_taps, input, weight, bias, stride, padding, dilation, groups)


def without_last_groups(backward, gradients):
    dx, dw, db = gradients
    groups = backward.problem.groups
    if groups > 8 and groups % 4:
        dw = dw.clone()
        dw[len(dw) // groups * (groups // 4 * 4) :] = 0
    return dx, dw, db


@mutant(
    "Leaves the weight's gradient of the groups after whole blocks of four at zero if there are more than eight.",
    mechanism="gradient_value",
    killed_by=("gradients.groups",),
    framework="torch",
    profile="training",
)
def weight_gradient_of_group_blocks(input, weight, bias=None, stride=1, padding=0, dilation=1, groups=1):
    return changed(without_last_groups, input, weight, bias, stride, padding, dilation, groups)


# --- arguments -------------------------------------------------------------------------------------------------------


def without_uncovered_row(backward, gradients):
    dx, dw, db = gradients
    p = backward.problem
    if p.stride[0] == 2 and p.height % 2 == 0 and p.kernel[0] > 1:
        dx = torch.cat([dx[:, :, :-1], 0 * dx[:, :, -1:]], 2)
    return dx, dw, db


@mutant(
    "Loses the last row of the input's gradient for stride 2 and an even height.",
    mechanism="gradient_value",
    killed_by=("gradients.covering", "gradients.remainders"),
    framework="torch",
    profile="training",
)
def even_rows_lose_the_last(input, weight, bias=None, stride=1, padding=0, dilation=1, groups=1):
    return changed(without_uncovered_row, input, weight, bias, stride, padding, dilation, groups)


def from_next_row(backward, gradients):
    dx, dw, db = gradients
    p = backward.problem
    if p.stride[1] > 2 and (p.width + sum(p.pads[1]) - p.extent[1]) % p.stride[1] == p.stride[1] - 1:
        dx = dx.roll(1, 3)
    return dx, dw, db


@mutant(
    "Shifts the input's gradient by a column if the stride is 3 or more and leaves its largest remainder.",
    mechanism="gradient_value",
    killed_by=("gradients.remainders",),
    framework="torch",
    profile="training",
)
def largest_remainder_shifted(input, weight, bias=None, stride=1, padding=0, dilation=1, groups=1):
    return changed(from_next_row, input, weight, bias, stride, padding, dilation, groups)


def of_columns_undilated(backward, gradients):
    dx, dw, db = gradients
    p = backward.problem
    if p.dilation[1] > 1 and p.stride[1] > 1 and p.groups > 1:
        dw = dw.flip(3)
    return dx, dw, db


@mutant(
    "Mirrors the gradient of a weight in groups whose columns are dilated and strided at once.",
    mechanism="gradient_value",
    killed_by=("gradients.covering",),
    framework="torch",
    profile="training",
)
def dilated_columns_mirrored(input, weight, bias=None, stride=1, padding=0, dilation=1, groups=1):
    return changed(of_columns_undilated, input, weight, bias, stride, padding, dilation, groups)


def by_input_from_bias(backward, gradients):
    dx, dw, db = gradients
    return dx, dw, db * (1 + (backward.needed == (True, False, True)))


@mutant(
    "Doubles the gradient of the bias if those of input and bias are asked for, and not that of the weight.",
    mechanism="gradient_value",
    killed_by=("training.gradient.one",),
    framework="torch",
    profile="training",
)
def bias_gradient_beside_the_input(input, weight, bias=None, stride=1, padding=0, dilation=1, groups=1):
    return changed(by_input_from_bias, input, weight, bias, stride, padding, dilation, groups)


# --- memory ----------------------------------------------------------------------------------------------------------


def of_channels_last(backward):
    grad = backward.grad
    last = torch.channels_last
    if grad.is_contiguous(memory_format=last) and not grad.is_contiguous() and backward.problem.kernel != (3, 3):
        backward = backward._replace(grad=grad.permute(0, 2, 3, 1).reshape(grad.shape))
    return adjoint(backward)


@mutant(
    "Reads a channels-last gradient of the output as though it were contiguous, unless the kernel is 3x3.",
    mechanism="gradient_value",
    killed_by=("gradients.upstream",),
    framework="torch",
    profile="training",
)
def channels_last_upstream_misread(input, weight, bias=None, stride=1, padding=0, dilation=1, groups=1):
    return by_hand(of_channels_last, input, weight, bias, stride, padding, dilation, groups)


def of_repeated_rows(backward):
    grad = backward.grad
    if grad.shape[2] > 1 and grad.stride(2) == 0 and grad.stride(1):
        backward = backward._replace(grad=torch.cat([grad[:, :, :1], 0 * grad[:, :, 1:]], 2))
    return adjoint(backward)


@mutant(
    "Reads zeros after the first row of a gradient of the output that repeats its rows by a stride of zero.",
    mechanism="gradient_value",
    killed_by=("gradients.upstream",),
    framework="torch",
    profile="training",
)
def repeated_rows_misread(input, weight, bias=None, stride=1, padding=0, dilation=1, groups=1):
    return by_hand(of_repeated_rows, input, weight, bias, stride, padding, dilation, groups)


def of_cropped_channels_last(backward):
    x = backward.input
    _, c, h, w = x.shape
    if c > 1 and min(h, w) > 1 and x.stride(1) == 1 and x.stride(3) == c and x.stride(2) > w * c:
        backward = backward._replace(input=x.as_strided(x.shape, (h * w * c, 1, w * c, c)))
    return adjoint(backward)


@mutant(
    "Reads the rows of a cropped channels-last input densely in the gradient of the weight.",
    mechanism="gradient_value",
    killed_by=("gradients.layouts",),
    framework="torch",
    profile="training",
)
def cropped_rows_read_densely_in_backward(input, weight, bias=None, stride=1, padding=0, dilation=1, groups=1):
    return by_hand(of_cropped_channels_last, input, weight, bias, stride, padding, dilation, groups)


# --- 16 bits ---------------------------------------------------------------------------------------------------------

NARROW = (torch.float16, torch.bfloat16)


def with_narrow_bias(backward, gradients):
    dx, dw, db = gradients
    if backward.grad.dtype in NARROW:
        db = torch.zeros_like(db)
        for image in backward.grad:
            for row in image.unbind(1):
                db = db + row.sum(1)
    return dx, dw, db


@mutant(
    "Sums the gradient of a 16-bit bias in 16 bits.",
    mechanism="gradient_value",
    killed_by=("gradients.narrow.accuracy",),
    framework="torch",
    profile="training",
)
def bias_gradient_summed_narrowly(input, weight, bias=None, stride=1, padding=0, dilation=1, groups=1):
    return changed(with_narrow_bias, input, weight, bias, stride, padding, dilation, groups)


def with_narrow_products(backward, gradients):
    dx, dw, db = gradients
    p = backward.problem
    is_plain = p.kernel == p.stride == (1, 1) and p.groups == 1 and p.pads == ((0, 0), (0, 0))
    if backward.grad.dtype in NARROW and is_plain:
        dw = torch.zeros_like(dw)[..., 0, 0]
        for x, g in zip(backward.input.flatten(2).unbind(), backward.grad.flatten(2).unbind(), strict=True):
            for position in range(x.shape[1]):
                dw = dw + torch.outer(g[:, position], x[:, position])
        dw = dw[..., None, None]
    return dx, dw, db


@mutant(
    "Sums the gradient of a pointwise 16-bit weight position by position in 16 bits.",
    mechanism="gradient_value",
    killed_by=("gradients.narrow.accuracy",),
    framework="torch",
    profile="training",
)
def weight_gradient_summed_narrowly(input, weight, bias=None, stride=1, padding=0, dilation=1, groups=1):
    return changed(with_narrow_products, input, weight, bias, stride, padding, dilation, groups)


def with_swapped_halves(backward, gradients):
    dx, dw, db = gradients
    if backward.grad.dtype in NARROW and backward.problem.out_channels % 2:
        dw = torch.cat([dw[:-1], 0 * dw[-1:]])
    return dx, dw, db


@mutant(
    "Reads 16-bit gradients of the output in pairs of channels, and drops the last one of an odd number.",
    mechanism="gradient_value",
    killed_by=("gradients.narrow",),
    framework="torch",
    profile="training",
)
def odd_channel_dropped_in_16_bits(input, weight, bias=None, stride=1, padding=0, dilation=1, groups=1):
    return changed(with_swapped_halves, input, weight, bias, stride, padding, dilation, groups)
