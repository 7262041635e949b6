"""Mutants that need a size: remainders of tiles and blocks, and the borders between them."""

# kernels as a user writes them, without annotations
# mypy: allow-untyped-defs, allow-untyped-calls

import numpy as np
from _base import computed, conv, mutant, resolve


@mutant(
    "Leaves columns after the last multiple of 16 at zero if there are more than 16.",
    mechanism="tail_dropped",
    killed_by=("sweep.width",),
)
def column_tile_tail(input, weight, bias=None, stride=1, padding=0, dilation=1, groups=1):
    output = conv(input, weight, bias, stride, padding, dilation, groups)
    width = output.shape[3]
    if width > 16:
        output[..., width // 16 * 16 :] = 0
    return output


@mutant(
    "Leaves rows after the last multiple of 32 at zero if there are more than 32.",
    mechanism="tail_dropped",
    killed_by=("sweep.planes",),
)
def row_tile_tail(input, weight, bias=None, stride=1, padding=0, dilation=1, groups=1):
    output = conv(input, weight, bias, stride, padding, dilation, groups)
    height = output.shape[2]
    if height > 32:
        output[:, :, height // 32 * 32 :] = 0
    return output


@mutant(
    "Repeats the previous block in output channels after the last multiple of 8 if there are more than 8.",
    mechanism="tail_dropped",
    killed_by=("sweep.pointwise_channels",),
)
def output_channel_tail(input, weight, bias=None, stride=1, padding=0, dilation=1, groups=1):
    output = conv(input, weight, bias, stride, padding, dilation, groups)
    channels = output.shape[1]
    if channels > 8 and channels % 8:
        tail = channels % 8
        output[:, -tail:] = output[:, -tail - 8 : -8]
    return output


@mutant(
    "Drops products after the last multiple of 8 in reductions of more than 64.",
    mechanism="tail_dropped",
    killed_by=("sweep.megabytes", "sweep.reduction"),
)
def reduction_tail(input, weight, bias=None, stride=1, padding=0, dilation=1, groups=1):
    o, *rest = weight.shape
    length = int(np.prod(rest))
    if length > 64 and length % 8:
        weight = weight.reshape(o, length).copy()
        weight[:, length // 8 * 8 :] = 0
        weight = weight.reshape(o, *rest)
    return conv(input, weight, bias, stride, padding, dilation, groups)


@mutant(
    "Leaves the last of an odd number of columns at zero in 3x3 kernels, like Winograd tiles without a remainder.",
    mechanism="tail_dropped",
    killed_by=("sweep.width",),
)
def winograd_odd_column(input, weight, bias=None, stride=1, padding=0, dilation=1, groups=1):
    problem = resolve(input, weight, bias, stride, padding, dilation, groups)
    output = computed(problem, input, weight, bias)
    if problem.kernel == (3, 3) and problem.stride == (1, 1) and output.shape[3] % 2:
        output[..., -1] = 0
    return output


@mutant(
    "Leaves the last row at zero if height and width differ modulo 4.",
    mechanism="tail_dropped",
    killed_by=("sweep.width",),
)
def parity_of_sizes(input, weight, bias=None, stride=1, padding=0, dilation=1, groups=1):
    output = conv(input, weight, bias, stride, padding, dilation, groups)
    if input.shape[2] % 4 != input.shape[3] % 4:
        output[:, :, -1:] = 0
    return output


@mutant(
    "Leaves output channels after the first 128 at zero.",
    mechanism="tail_dropped",
    killed_by=("sweep.out_channels", "sweep.volumes"),
    tier="standard",
)
def outputs_beyond_128(input, weight, bias=None, stride=1, padding=0, dilation=1, groups=1):
    output = conv(input, weight, bias, stride, padding, dilation, groups)
    output[:, 128:] = 0
    return output


@mutant(
    "Drops input channels of a group after the first 128.",
    mechanism="tail_dropped",
    killed_by=("sweep.in_channels",),
)
def inputs_beyond_128(input, weight, bias=None, stride=1, padding=0, dilation=1, groups=1):
    if weight.shape[1] > 128:
        weight = weight.copy()
        weight[:, 128:] = 0
    return conv(input, weight, bias, stride, padding, dilation, groups)


@mutant(
    "Computes only the first 1,024 outputs of a plane, as a block of 1,024 threads does.",
    mechanism="tail_dropped",
    killed_by=("sweep.planes", "sweep.width"),
)
def block_of_1024(input, weight, bias=None, stride=1, padding=0, dilation=1, groups=1):
    output = conv(input, weight, bias, stride, padding, dilation, groups)
    n, o, h, w = output.shape
    output.reshape(n, o, h * w)[..., 1024:] = 0
    return output


@mutant(
    "Drops products after the first 2,048, as a filter buffer of that size does.",
    mechanism="tail_dropped",
    killed_by=("sweep.megabytes",),
)
def filter_buffer_of_2048(input, weight, bias=None, stride=1, padding=0, dilation=1, groups=1):
    o, *rest = weight.shape
    length = int(np.prod(rest))
    if length > 2048:
        weight = weight.reshape(o, length).copy()
        weight[:, 2048:] = 0
        weight = weight.reshape(o, *rest)
    return conv(input, weight, bias, stride, padding, dilation, groups)


@mutant(
    "Computes only the first 8 images of a batch.",
    mechanism="tail_dropped",
    killed_by=("sweep.batch", "sweep.width"),
)
def eight_images(input, weight, bias=None, stride=1, padding=0, dilation=1, groups=1):
    output = conv(input, weight, bias, stride, padding, dilation, groups)
    output[8:] = 0
    return output


@mutant(
    "Repeats the previous images after each chunk of 64, because it ignores the chunk's number.",
    mechanism="tail_dropped",
    killed_by=("sweep.batch", "sweep.thousands"),
)
def batch_chunk_of_64(input, weight, bias=None, stride=1, padding=0, dilation=1, groups=1):
    output = conv(input, weight, bias, stride, padding, dilation, groups)
    if len(output) > 64:
        output[64:] = output[: len(output) - 64]
    return output


@mutant(
    "Drops the last element of kernels of more than 64 elements.",
    mechanism="tail_dropped",
    killed_by=("sweep.kernel.columns",),
)
def kernel_of_64_elements(input, weight, bias=None, stride=1, padding=0, dilation=1, groups=1):
    if weight.shape[2] * weight.shape[3] > 64:
        weight = weight.copy()
        weight[..., -1, -1] = 0
    return conv(input, weight, bias, stride, padding, dilation, groups)


@mutant(
    "Uses the 65th group's filters for all groups after it.",
    mechanism="groups_ignored",
    killed_by=("sweep.depthwise",),
)
def groups_beyond_64(input, weight, bias=None, stride=1, padding=0, dilation=1, groups=1):
    if groups > 64 and weight.size:
        weight = weight.copy()
        per = weight.shape[0] // groups
        weight[65 * per :] = np.tile(weight[64 * per : 65 * per], (groups - 65, 1, 1, 1))
    return conv(input, weight, bias, stride, padding, dilation, groups)


@mutant(
    "Ignores the dilation of 3x3 kernels.",
    mechanism="argument_ignored",
    killed_by=("covering.squares.dilated_evenly", "dilation.atrous"),
)
def fast_path_ignores_dilation(input, weight, bias=None, stride=1, padding=0, dilation=1, groups=1):
    problem = resolve(input, weight, bias, stride, padding, dilation, groups)
    if problem.kernel != (3, 3) or problem.dilation == (1, 1):
        return computed(problem, input, weight, bias)
    dense = computed(problem.replace(dilation=(1, 1)), input, weight, bias)
    return dense[:, :, : problem.output_size[0], : problem.output_size[1]].copy()


@mutant(
    "Drops the kernel's last column at the border of a tile of 32 columns.",
    mechanism="tile_border",
    killed_by=("sweep.width",),
)
def tile_without_halo(input, weight, bias=None, stride=1, padding=0, dilation=1, groups=1):
    problem = resolve(input, weight, bias, stride, padding, dilation, groups)
    output = computed(problem, input, weight, bias)
    if output.shape[3] > 32 and problem.kernel[1] > 1:
        without = weight.copy()
        without[..., -1] = 0
        output[..., 31] = computed(problem, input, without, bias)[..., 31]
    return output


@mutant(
    "Adds one to the last output of planes whose size is not a multiple of 4.",
    mechanism="tile_border",
    killed_by=("sweep.megabytes", "sweep.planes"),
)
def plane_not_a_multiple_of_four(input, weight, bias=None, stride=1, padding=0, dilation=1, groups=1):
    output = conv(input, weight, bias, stride, padding, dilation, groups)
    plane = output.shape[2] * output.shape[3]
    if plane % 4 and output.size:
        output[:, :, -1, -1] += 1
    return output


@mutant(
    "Adds one to the last column if the input has 23 columns.",
    mechanism="tile_border",
    killed_by=("sweep.kernel.squares",),
)
def width_of_23(input, weight, bias=None, stride=1, padding=0, dilation=1, groups=1):
    output = conv(input, weight, bias, stride, padding, dilation, groups)
    if input.shape[3] == 23:
        output[..., -1] += 1
    return output


@mutant(
    "Counts input channels in 8 bits, so that they wrap after 256.",
    mechanism="index_overflow",
    killed_by=("sweep.in_channels",),
)
def channel_index_of_a_byte(input, weight, bias=None, stride=1, padding=0, dilation=1, groups=1):
    if input.shape[1] > 256:
        order = np.arange(input.shape[1]) % 256
        input = input[:, order]
    return conv(input, weight, bias, stride, padding, dilation, groups)


@mutant(
    "Counts the outputs of a plane in 16 bits, so that they wrap after 65,536.",
    mechanism="index_overflow",
    killed_by=("sweep.planes",),
    tier="standard",
)
def plane_index_of_16_bits(input, weight, bias=None, stride=1, padding=0, dilation=1, groups=1):
    output = conv(input, weight, bias, stride, padding, dilation, groups)
    n, o, h, w = output.shape
    if h * w > 65536:
        flat = output.reshape(n, o, h * w)
        flat[..., 65536:] = flat[..., : h * w - 65536]
    return output


@mutant(
    "Computes at most 65,535 planes, as a grid with 16 bits does.",
    mechanism="index_overflow",
    killed_by=("adversarial.sixteen_bits",),
    tier="standard",
)
def grid_of_65535(input, weight, bias=None, stride=1, padding=0, dilation=1, groups=1):
    output = conv(input, weight, bias, stride, padding, dilation, groups)
    n, o, h, w = output.shape
    output.reshape(n * o, h, w)[65535:] = 0
    return output
