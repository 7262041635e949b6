"""Faults that need a size: tails of tiles and blocks, borders between them, index types that overflow."""

import numpy as np
from _parts import computed, conv, fault, resolve


@fault("Columns beyond a multiple of 16 are left at zero once there are more than 16.", caught_by=["sweep", "covering"])
def column_tile_tail(input, weight, bias=None, stride=1, padding=0, dilation=1, groups=1):
    output = conv(input, weight, bias, stride, padding, dilation, groups)
    width = output.shape[3]
    if width > 16:
        output[..., width // 16 * 16 :] = 0
    return output


@fault("Rows beyond a multiple of 32 are left at zero once there are more than 32.", caught_by=["sweep", "covering"])
def row_tile_tail(input, weight, bias=None, stride=1, padding=0, dilation=1, groups=1):
    output = conv(input, weight, bias, stride, padding, dilation, groups)
    height = output.shape[2]
    if height > 32:
        output[:, :, height // 32 * 32 :] = 0
    return output


@fault("The column at a 32-wide tile's border misses its neighbour: no halo.", caught_by=["sweep", "covering"])
def tile_without_halo(input, weight, bias=None, stride=1, padding=0, dilation=1, groups=1):
    problem = resolve(input, weight, bias, stride, padding, dilation, groups)
    output = computed(problem, input, weight, bias)
    if output.shape[3] > 32 and problem.kernel[1] > 1:
        without = weight.copy()
        without[..., -1] = 0
        output[..., 31] = computed(problem, input, without, bias)[..., 31]
    return output


@fault("Output channels beyond a multiple of 8 repeat the block before once there are more than 8.",
       caught_by=["sweep", "covering"])  # fmt: skip
def output_channel_tail(input, weight, bias=None, stride=1, padding=0, dilation=1, groups=1):
    output = conv(input, weight, bias, stride, padding, dilation, groups)
    channels = output.shape[1]
    if channels > 8 and channels % 8:
        tail = channels % 8
        output[:, -tail:] = output[:, -tail - 8 : -8]
    return output


@fault("A reduction of more than 64 products loses what is beyond a multiple of 8.", caught_by=["sweep", "covering"])
def reduction_tail(input, weight, bias=None, stride=1, padding=0, dilation=1, groups=1):
    o, *rest = weight.shape
    length = int(np.prod(rest))
    if length > 64 and length % 8:
        weight = weight.reshape(o, length).copy()
        weight[:, length // 8 * 8 :] = 0
        weight = weight.reshape(o, *rest)
    return conv(input, weight, bias, stride, padding, dilation, groups)


@fault("An odd number of columns leaves the last one at zero: tiles of F(2x2, 3x3) with no remainder.",
       caught_by=["sweep", "covering"])  # fmt: skip
def winograd_odd_column(input, weight, bias=None, stride=1, padding=0, dilation=1, groups=1):
    problem = resolve(input, weight, bias, stride, padding, dilation, groups)
    output = computed(problem, input, weight, bias)
    if problem.kernel == (3, 3) and problem.stride == (1, 1) and output.shape[3] % 2:
        output[..., -1] = 0
    return output


@fault("The 3x3 fast path is also taken for a dilated kernel.", caught_by=["dilation", "sweep", "covering"])
def fast_path_ignores_dilation(input, weight, bias=None, stride=1, padding=0, dilation=1, groups=1):
    problem = resolve(input, weight, bias, stride, padding, dilation, groups)
    if problem.kernel != (3, 3) or problem.dilation == (1, 1):
        return computed(problem, input, weight, bias)
    dense = computed(problem.replace(dilation=(1, 1)), input, weight, bias)
    return dense[:, :, : problem.output_size[0], : problem.output_size[1]].copy()


@fault("Height and width that differ modulo 4 lose the last row.", caught_by=["sweep", "covering"])
def parity_of_sizes(input, weight, bias=None, stride=1, padding=0, dilation=1, groups=1):
    output = conv(input, weight, bias, stride, padding, dilation, groups)
    if input.shape[2] % 4 != input.shape[3] % 4:
        output[:, :, -1:] = 0
    return output


@fault("A plane whose size is no multiple of 4 has its last output wrong.", caught_by=["sweep", "covering"])
def plane_not_a_multiple_of_four(input, weight, bias=None, stride=1, padding=0, dilation=1, groups=1):
    output = conv(input, weight, bias, stride, padding, dilation, groups)
    plane = output.shape[2] * output.shape[3]
    if plane % 4 and output.size:
        output[:, :, -1, -1] += 1
    return output


@fault("Channels are counted in 8 bits: from 256 input channels on they wrap.", caught_by=["sweep", "covering"])
def channel_index_of_a_byte(input, weight, bias=None, stride=1, padding=0, dilation=1, groups=1):
    if input.shape[1] > 256:
        order = np.arange(input.shape[1]) % 256
        input = input[:, order]
    return conv(input, weight, bias, stride, padding, dilation, groups)


@fault("More than 128 output channels: those beyond are zero.", caught_by=["sweep", "covering"], tier="standard")
def outputs_beyond_128(input, weight, bias=None, stride=1, padding=0, dilation=1, groups=1):
    output = conv(input, weight, bias, stride, padding, dilation, groups)
    output[:, 128:] = 0
    return output


@fault("More than 128 input channels a group: those beyond are dropped.", caught_by=["sweep", "covering"])
def inputs_beyond_128(input, weight, bias=None, stride=1, padding=0, dilation=1, groups=1):
    if weight.shape[1] > 128:
        weight = weight.copy()
        weight[:, 128:] = 0
    return conv(input, weight, bias, stride, padding, dilation, groups)


@fault(
    "Positions are counted in 16 bits: planes over 65,536 outputs wrap.",
    caught_by=["sweep", "covering"],
    tier="standard",
)
def plane_index_of_16_bits(input, weight, bias=None, stride=1, padding=0, dilation=1, groups=1):
    output = conv(input, weight, bias, stride, padding, dilation, groups)
    n, o, h, w = output.shape
    if h * w > 65536:
        flat = output.reshape(n, o, h * w)
        flat[..., 65536:] = flat[..., : h * w - 65536]
    return output


@fault("Images times channels are a grid of at most 65,535: those beyond are never computed.",
       caught_by=["sweep", "covering", "adversarial"], tier="standard")  # fmt: skip
def grid_of_65535(input, weight, bias=None, stride=1, padding=0, dilation=1, groups=1):
    output = conv(input, weight, bias, stride, padding, dilation, groups)
    n, o, h, w = output.shape
    output.reshape(n * o, h, w)[65535:] = 0
    return output


@fault(
    "A block has at most 1,024 threads: outputs of a plane beyond that are never computed.",
    caught_by=["sweep", "covering"],
)
def block_of_1024(input, weight, bias=None, stride=1, padding=0, dilation=1, groups=1):
    output = conv(input, weight, bias, stride, padding, dilation, groups)
    n, o, h, w = output.shape
    output.reshape(n, o, h * w)[..., 1024:] = 0
    return output


@fault("The filter is kept in a buffer of 2,048 elements: longer reductions lose the rest.",
       caught_by=["sweep", "covering"])  # fmt: skip
def filter_buffer_of_2048(input, weight, bias=None, stride=1, padding=0, dilation=1, groups=1):
    o, *rest = weight.shape
    length = int(np.prod(rest))
    if length > 2048:
        weight = weight.reshape(o, length).copy()
        weight[:, 2048:] = 0
        weight = weight.reshape(o, *rest)
    return conv(input, weight, bias, stride, padding, dilation, groups)


@fault("Only the first 8 images of a batch are computed.", caught_by=["sweep", "covering"])
def eight_images(input, weight, bias=None, stride=1, padding=0, dilation=1, groups=1):
    output = conv(input, weight, bias, stride, padding, dilation, groups)
    output[8:] = 0
    return output


@fault("Images beyond 64 repeat those before: the batch is chunked and the chunk's number forgotten.",
       caught_by=["sweep", "covering"])  # fmt: skip
def batch_chunk_of_64(input, weight, bias=None, stride=1, padding=0, dilation=1, groups=1):
    output = conv(input, weight, bias, stride, padding, dilation, groups)
    if len(output) > 64:
        output[64:] = output[: len(output) - 64]
    return output


@fault("Exactly one odd size fails: 23 columns read one element beyond the row.", caught_by=["sweep", "covering"])
def width_of_23(input, weight, bias=None, stride=1, padding=0, dilation=1, groups=1):
    output = conv(input, weight, bias, stride, padding, dilation, groups)
    if input.shape[3] == 23:
        output[..., -1] += 1
    return output


@fault("Kernels of more than 64 elements lose the last one.", caught_by=["sweep", "covering"])
def kernel_of_64_elements(input, weight, bias=None, stride=1, padding=0, dilation=1, groups=1):
    if weight.shape[2] * weight.shape[3] > 64:
        weight = weight.copy()
        weight[..., -1, -1] = 0
    return conv(input, weight, bias, stride, padding, dilation, groups)


@fault("More than 64 groups share the last one's filters.", caught_by=["groups", "sweep", "covering"])
def groups_beyond_64(input, weight, bias=None, stride=1, padding=0, dilation=1, groups=1):
    if groups > 64 and weight.size:
        weight = weight.copy()
        per = weight.shape[0] // groups
        weight[65 * per :] = np.tile(weight[64 * per : 65 * per], (groups - 65, 1, 1, 1))
    return conv(input, weight, bias, stride, padding, dilation, groups)
