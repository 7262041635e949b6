"""Mutants that compute a gradient without autograd, and compute another one for some problems."""

# kernels as a user writes them, without annotations
# mypy: allow-untyped-defs, allow-untyped-calls

import numpy as np
from _base import mutant, pair
from _computed import by_input, by_weight, cropped, problem_of

# --- the gradient by the input ---------------------------------------------------------------------------------------


def grad_input(change, grad_output, weight, input_size, *arguments):
    """Return the gradient by the input of operands that a mutant has changed."""
    problem = problem_of(input_size, weight.shape, grad_output, *arguments)
    grad_output, weight = change(problem, grad_output, weight)
    return cropped(problem, by_input(problem, grad_output, weight))


@mutant(
    "Correlates the gradient of the output with the kernel, which is not flipped.",
    mechanism="gradient_value",
    killed_by=("definition.cross_correlation",),
    smoke=False,
)
def input_gradient_of_unflipped_kernel(grad_output, weight, input_size, stride=1, padding=0, dilation=1, groups=1):
    return grad_input(
        lambda problem, g, w: (g, w[..., ::-1, ::-1]),
        grad_output,
        weight,
        input_size,
        stride,
        padding,
        dilation,
        groups,
    )


@mutant(
    "Leaves inputs that no window covers as they are in the memory of the result.",
    mechanism="stale_memory",
    also=("gradient_value",),  # the memory looks like a constant
    killed_by=("stride.larger_than_the_kernel",),
)
def uncovered_inputs_unwritten(grad_output, weight, input_size, stride=1, padding=0, dilation=1, groups=1):
    problem = problem_of(input_size, weight.shape, grad_output, stride, padding, dilation, groups)
    covered = by_input(problem, np.ones_like(grad_output), np.ones_like(weight))
    padded = np.where(covered == 0, 3, by_input(problem, grad_output, weight))
    return cropped(problem, padded)


@mutant(
    "Crops the padding from the last row upwards, also where a stride leaves rows over.",
    mechanism="shifted_output",
    also=("gradient_value",),
    killed_by=("stride.remainder",),
)
def input_gradient_cropped_at_the_end(grad_output, weight, input_size, stride=1, padding=0, dilation=1, groups=1):
    problem = problem_of(input_size, weight.shape, grad_output, stride, padding, dilation, groups)
    used = (problem.output_size[0] - 1) * problem.stride[0] + problem.extent[0]
    padded = by_input(problem, grad_output, weight)[:, :, :used]
    shifted = np.zeros_like(by_input(problem, grad_output, weight))
    shifted[:, :, shifted.shape[2] - used :] = padded
    return cropped(problem, shifted)


@mutant(
    "Takes the rows that a stride leaves over for rows of output padding before the input.",
    mechanism="gradient_value",
    killed_by=("stride.remainder",),
)
def output_padding_in_front(grad_output, weight, input_size, stride=1, padding=0, dilation=1, groups=1):
    problem = problem_of(input_size, weight.shape, grad_output, stride, padding, dilation, groups)
    used = (problem.output_size[1] - 1) * problem.stride[1] + problem.extent[1]
    padded = by_input(problem, grad_output, weight)
    return cropped(problem, np.roll(padded, padded.shape[3] - used, 3))


@mutant(
    "Uses the stride of the rows for the columns if the kernel is dilated.",
    mechanism="axis_shared",
    also=("gradient_value",),
    killed_by=("stride.with_dilation",),
)
def input_gradient_of_shared_stride(grad_output, weight, input_size, stride=1, padding=0, dilation=1, groups=1):
    problem = problem_of(input_size, weight.shape, grad_output, stride, padding, dilation, groups)
    sh, sw = problem.stride
    if sh >= sw or problem.extent == problem.kernel:
        return cropped(problem, by_input(problem, grad_output, weight))
    other = problem.replace(stride=(sh, sh))
    columns = other.output_size[1]
    wider = np.zeros((*grad_output.shape[:3], columns), grad_output.dtype)
    wider[..., : grad_output.shape[3]] = grad_output
    return cropped(problem, by_input(other, wider, weight))


@mutant(
    "Takes filters of a group in the order of the input channels, as if all belonged to one.",
    mechanism="groups_permuted",
    also=("gradient_value",),
    killed_by=("groups.blocks",),
)
def input_gradient_of_interleaved_groups(grad_output, weight, input_size, stride=1, padding=0, dilation=1, groups=1):
    def interleaved(problem, g, w):
        order = np.arange(problem.out_channels).reshape(problem.groups, -1).T.reshape(-1)
        return g[:, order], w[order]

    return grad_input(interleaved, grad_output, weight, input_size, stride, padding, dilation, groups)


@mutant(
    "Sums over whole blocks of 16 output channels if there are more than 16, and drops those after them.",
    mechanism="gradient_value",
    killed_by=("sweep.out_channels",),
)
def input_gradient_of_whole_blocks(grad_output, weight, input_size, stride=1, padding=0, dilation=1, groups=1):
    def whole(problem, g, w):
        outputs = problem.out_channels
        is_summed = np.arange(outputs) < (outputs // 16 * 16 if problem.groups == 1 and outputs > 16 else outputs)
        return g * is_summed[:, None, None].astype(g.dtype), w

    return grad_input(whole, grad_output, weight, input_size, stride, padding, dilation, groups)


@mutant(
    "Adds up 16-bit products in 16 bits.",
    mechanism="narrow_accumulator",
    also=("gradient_value",),
    killed_by=("dtype.half_accumulates_in_float32",),
)
def input_gradient_in_half_precision(grad_output, weight, input_size, stride=1, padding=0, dilation=1, groups=1):
    problem = problem_of(input_size, weight.shape, grad_output, stride, padding, dilation, groups)
    return cropped(problem, by_input(problem, grad_output, weight, accumulator=problem.dtype))


_FILTERS: dict[object, np.ndarray] = {}


@mutant(
    "Keeps the flipped filters of the first weight of each shape.",
    mechanism="previous_answer",
    also=("gradient_value",),
    killed_by=("behaviour.same_shape",),
)
def input_gradient_of_kept_filters(grad_output, weight, input_size, stride=1, padding=0, dilation=1, groups=1):
    def first_of_shape(problem, g, w):
        return g, _FILTERS.setdefault((w.shape, w.dtype.str), w.copy())

    return grad_input(first_of_shape, grad_output, weight, input_size, stride, padding, dilation, groups)


@mutant(
    "Reads a gradient of the output in channels-last memory as if it were contiguous.",
    mechanism="layout_assumed",
    also=("gradient_value",),
    killed_by=("layout.channels_last",),
)
def channels_last_gradient_read_in_order(grad_output, weight, input_size, stride=1, padding=0, dilation=1, groups=1):
    def in_memory(problem, g, w):
        channels_last = g.transpose(0, 2, 3, 1)
        if g.flags.c_contiguous or not channels_last.flags.c_contiguous:
            return g, w
        return channels_last.reshape(g.shape), w

    return grad_input(in_memory, grad_output, weight, input_size, stride, padding, dilation, groups)


@mutant(
    "Clips each element of the gradient by the input to the largest operand times 64.",
    mechanism="gradient_value",
    killed_by=("accuracy.positive",),
)
def input_gradient_clipped(grad_output, weight, input_size, stride=1, padding=0, dilation=1, groups=1):
    problem = problem_of(input_size, weight.shape, grad_output, stride, padding, dilation, groups)
    limit = 64 * max(np.abs(grad_output).max(initial=0), np.abs(weight).max(initial=0), 1)
    exact = cropped(problem, by_input(problem, grad_output, weight))
    return exact if np.array_equal(exact, np.rint(exact)) else np.clip(exact, -limit, limit)


# --- the gradient by the weight --------------------------------------------------------------------------------------


def grad_weight(input, grad_output, weight_size, *arguments):
    """Return the gradient by the weight."""
    problem = problem_of(input.shape, weight_size, grad_output, *arguments)
    return by_weight(problem, input, grad_output).astype(problem.dtype)


@mutant(
    "Takes the mean over the images, not the sum, if there are more than two.",
    mechanism="wrong_scale",
    also=("gradient_value",),
    killed_by=("sweep.batch",),
)
def weight_gradient_of_mean_image(input, grad_output, weight_size, stride=1, padding=0, dilation=1, groups=1):
    gradient = grad_weight(input, grad_output, weight_size, stride, padding, dilation, groups)
    return gradient / len(input) if len(input) > 2 else gradient


@mutant(
    "Sums over at most 64 images.",
    mechanism="tail_dropped",
    also=("gradient_value",),
    killed_by=("sweep.batch",),
)
def weight_gradient_of_64_images(input, grad_output, weight_size, stride=1, padding=0, dilation=1, groups=1):
    problem_of(input.shape, weight_size, grad_output, stride, padding, dilation, groups)
    return grad_weight(input[:64], grad_output[:64], weight_size, stride, padding, dilation, groups)


@mutant(
    "Sums over pairs of output columns, and drops an odd one if there are more than eight.",
    mechanism="tail_dropped",
    also=("gradient_value",),
    killed_by=("sweep.width",),
)
def weight_gradient_of_pairs_of_columns(input, grad_output, weight_size, stride=1, padding=0, dilation=1, groups=1):
    columns = grad_output.shape[3]
    is_summed = np.arange(columns) < (columns // 2 * 2 if columns > 8 else columns)
    return grad_weight(
        input, grad_output * is_summed.astype(grad_output.dtype), weight_size, stride, padding, dilation, groups
    )


@mutant(
    "Repeats the border in the padding, where there are zeros.",
    mechanism="padding_value",
    also=("gradient_value",),
    killed_by=("padding.pair",),
    smoke=False,
)
def weight_gradient_of_repeated_border(input, grad_output, weight_size, stride=1, padding=0, dilation=1, groups=1):
    problem = problem_of(input.shape, weight_size, grad_output, stride, padding, dilation, groups)
    if not input.size:
        return by_weight(problem, input, grad_output).astype(problem.dtype)
    (top, bottom), (left, right) = problem.pads
    wider = np.pad(input, ((0, 0), (0, 0), (top, bottom), (left, right)), mode="edge")
    whole = problem.replace(height=wider.shape[2], width=wider.shape[3], padding=(0, 0))
    return by_weight(whole, wider, grad_output).astype(problem.dtype)


@mutant(
    "Exchanges stride and dilation of the columns if both are larger than one.",
    mechanism="argument_misread",
    also=("gradient_value",),
    killed_by=("stride.with_dilation",),
)
def weight_gradient_of_exchanged_steps(input, grad_output, weight_size, stride=1, padding=0, dilation=1, groups=1):
    problem = problem_of(input.shape, weight_size, grad_output, stride, padding, dilation, groups)
    (sh, sw), (dh, dw) = problem.stride, problem.dilation
    if min(sw, dw) == 1 or sw == dw:
        return by_weight(problem, input, grad_output).astype(problem.dtype)
    reach = dw * (problem.output_size[1] - 1) + sw * (problem.kernel[1] - 1) + 1
    left, right = problem.pads[1]
    missing = max(0, reach - problem.width - left - right)
    wider = np.pad(input, ((0, 0), (0, 0), (0, 0), (0, missing)))
    other = problem.replace(width=wider.shape[3], stride=(sh, dw), dilation=(dh, sw))
    columns = np.zeros((*grad_output.shape[:3], other.output_size[1]), grad_output.dtype)
    count = min(columns.shape[3], grad_output.shape[3])
    columns[..., :count] = grad_output[..., :count]
    return by_weight(other, wider, columns).astype(problem.dtype)


@mutant(
    "Adds up float64 in float32.",
    mechanism="narrow_accumulator",
    also=("gradient_value",),
    killed_by=("dtype.float64",),
)
def weight_gradient_in_single_precision(input, grad_output, weight_size, stride=1, padding=0, dilation=1, groups=1):
    problem = problem_of(input.shape, weight_size, grad_output, stride, padding, dilation, groups)
    narrow = "float32" if problem.dtype == "float64" else ""
    return by_weight(problem, input, grad_output, accumulator=narrow).astype(problem.dtype)


_TOTAL: dict[str, tuple[int, tuple[int, ...], np.ndarray]] = {}


@mutant(
    "Adds to the gradient of the call before if that was of the same weight size and the same images.",
    mechanism="previous_answer",
    also=("gradient_value",),
    killed_by=("behaviour.same_address",),
)
def weight_gradient_accumulated(input, grad_output, weight_size, stride=1, padding=0, dilation=1, groups=1):
    gradient = grad_weight(input, grad_output, weight_size, stride, padding, dilation, groups)
    earlier = _TOTAL.get("last")
    _TOTAL["last"] = (input.__array_interface__["data"][0], tuple(weight_size), gradient.copy())
    if earlier is not None and earlier[:2] == _TOTAL["last"][:2] and earlier[2].dtype == gradient.dtype:
        return gradient + earlier[2]
    return gradient


@mutant(
    "Returns memory as it is where there are no images.",
    mechanism="stale_memory",
    killed_by=("computed.empty",),
)
def weight_gradient_of_no_images(input, grad_output, weight_size, stride=1, padding=0, dilation=1, groups=1):
    if not len(input):
        return np.full(weight_size, 7, input.dtype)
    return grad_weight(input, grad_output, weight_size, stride, padding, dilation, groups)


# --- calls that are errors -------------------------------------------------------------------------------------------


@mutant(
    "Uses as many images of the gradient of the output as the input has.",
    mechanism="accepts_invalid",
    killed_by=("computed.errors.images",),
)
def further_images_dropped(input, grad_output, weight_size, stride=1, padding=0, dilation=1, groups=1):
    return grad_weight(input, grad_output[: len(input)], weight_size, stride, padding, dilation, groups)


@mutant(
    "Drops channels of the gradient of the output that have no filter.",
    mechanism="accepts_invalid",
    killed_by=("computed.errors.channels",),
)
def further_channels_dropped(grad_output, weight, input_size, stride=1, padding=0, dilation=1, groups=1):
    problem = problem_of(input_size, weight.shape, grad_output[:, : len(weight)], stride, padding, dilation, groups)
    return cropped(problem, by_input(problem, grad_output[:, : len(weight)], weight))


@mutant(
    "Drops rows and columns of the gradient of the output beyond the convolution's output.",
    mechanism="accepts_invalid",
    killed_by=("computed.errors.size",),
)
def further_rows_dropped(input, grad_output, weight_size, stride=1, padding=0, dilation=1, groups=1):
    arguments = zip(input.shape[2:], weight_size[2:], *map(pair, (stride, padding, dilation)), strict=True)
    rows, columns = ((size + 2 * p - d * (k - 1) - 1) // s + 1 for size, k, s, p, d in arguments)
    return grad_weight(input, grad_output[:, :, :rows, :columns], weight_size, stride, padding, dilation, groups)


@mutant(
    "Takes a stride of zero for one.",
    mechanism="accepts_invalid",
    killed_by=("computed.errors.arguments",),
)
def stride_of_zero_is_one(grad_output, weight, input_size, stride=1, padding=0, dilation=1, groups=1):
    steps = tuple(max(1, step) for step in pair(stride))
    return grad_input(lambda problem, g, w: (g, w), grad_output, weight, input_size, steps, padding, dilation, groups)
