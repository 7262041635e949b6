"""Faults that take several things at once: a layout, a dtype, a size, the operands' values, an earlier call."""

import numpy as np
from _parts import computed, conv, fault, resolve
from numpy.lib.stride_tricks import as_strided

from convgauge import implementation


def dense(array):
    """The elements found where they would be if the array had no gaps."""
    steps = np.cumprod((array.itemsize, *array.shape[:0:-1]))[::-1]
    return as_strided(array, array.shape, tuple(int(step) for step in steps)).copy()


# --- layouts ---------------------------------------------------------------------------------------------------------


@fault("A weight whose planes are whole is read as though they lay next to each other.", caught_by=["layout.planes"])
def planes_read_densely(input, weight, bias=None, stride=1, padding=0, dilation=1, groups=1):
    resolve(input, weight, bias, stride, padding, dilation, groups)
    kh, kw = weight.shape[2:]
    whole = weight.strides[2:] == (kw * weight.itemsize, weight.itemsize) and min(weight.shape) > 1
    if whole and weight.strides[1] > kh * kw * weight.itemsize:
        weight = dense(weight)
    return conv(input, weight, bias, stride, padding, dilation, groups)


@fault("The step from one image to the next is taken to be that of images without gaps.", caught_by=["layout.part"])
def images_read_densely(input, weight, bias=None, stride=1, padding=0, dilation=1, groups=1):
    resolve(input, weight, bias, stride, padding, dilation, groups)
    inner = tuple(input.itemsize * step for step in (input.shape[2] * input.shape[3], input.shape[3], 1))
    if input.size and input.strides[1:] == inner and min(input.shape) > 1:
        input = dense(input)
    return conv(input, weight, bias, stride, padding, dilation, groups)


@fault("With 16 images and more, a weight that is not contiguous is read as though it were.",
       caught_by=["layout", "random", "covering"])  # fmt: skip
def dense_weight_in_large_batches(input, weight, bias=None, stride=1, padding=0, dilation=1, groups=1):
    p = resolve(input, weight, bias, stride, padding, dilation, groups)
    if p.batch >= 16 and not weight.flags.c_contiguous and weight.flags.f_contiguous:
        weight = np.ascontiguousarray(weight.reshape(-1, order="A").reshape(weight.shape))
    return conv(input, weight, bias, stride, padding, dilation, groups)


# --- arguments -------------------------------------------------------------------------------------------------------


@fault("Dilation and groups have changed places: by position they are the wrong way round.",
       caught_by=["arguments.order"])  # fmt: skip
def groups_before_dilation(input, weight, bias=None, stride=1, padding=0, groups=1, dilation=1):
    return conv(input, weight, bias, stride, padding, dilation, groups)


@fault("A pair of NumPy's integers is taken for its first.", caught_by=["arguments.numpy_integers"])
def numpy_pair_halved(input, weight, bias=None, stride=1, padding=0, dilation=1, groups=1):
    if isinstance(stride, (tuple, list)) and all(isinstance(one, np.integer) for one in stride):
        stride = int(stride[0])
    return conv(input, weight, bias, stride, padding, dilation, groups)


@fault("A padding in a list of one is made a pair in the caller's own list.", caught_by=["arguments.lists_of_one"])
def list_extended(input, weight, bias=None, stride=1, padding=0, dilation=1, groups=1):
    stride, dilation = (
        one[0] if isinstance(one, (list, tuple)) and len(one) == 1 else one for one in (stride, dilation)
    )
    if isinstance(padding, list) and len(padding) == 1:
        padding *= 2
    if isinstance(padding, tuple) and len(padding) == 1:
        padding *= 2
    return conv(input, weight, bias, stride, padding, dilation, groups)


# --- values ----------------------------------------------------------------------------------------------------------


@fault("int64 weights beyond 32 bits lose what is above.", caught_by=["adversarial.integer.unlike"])
def low_half_of_the_weights(input, weight, bias=None, stride=1, padding=0, dilation=1, groups=1):
    if weight.dtype == np.int64:
        weight = weight.astype(np.int32).astype(np.int64)
    return conv(input, weight, bias, stride, padding, dilation, groups)


@fault("int16 sums saturate.", caught_by=["adversarial.integer.wraps"])
def saturated(input, weight, bias=None, stride=1, padding=0, dilation=1, groups=1):
    if input.dtype != np.int16:
        return conv(input, weight, bias, stride, padding, dilation, groups)
    wide = (None if one is None else one.astype(np.int64) for one in (input, weight, bias))
    return np.clip(conv(*wide, stride, padding, dilation, groups), -(2**15), 2**15 - 1).astype(np.int16)


@fault("Complex weights are conjugated where there are groups.", caught_by=["adversarial.complex", "random.complex"])
def grouped_and_conjugated(input, weight, bias=None, stride=1, padding=0, dilation=1, groups=1):
    return conv(input, weight.conj() if groups > 1 else weight, bias, stride, padding, dilation, groups)


@fault("int32 problems of more than a million products are done in float32.", caught_by=["adversarial.integer"])
def many_products_in_float(input, weight, bias=None, stride=1, padding=0, dilation=1, groups=1):
    p = resolve(input, weight, bias, stride, padding, dilation, groups)
    if input.dtype == np.int32 and p.flops > 2_000_000:
        drawn = (None if one is None else one.astype(np.float32) for one in (input, weight, bias))
        return conv(*drawn, stride, padding, dilation, groups).astype(np.int32)
    return conv(input, weight, bias, stride, padding, dilation, groups)


@fault("Integers go through float32 where the stride differs by axis and the batch is even.",
       caught_by=["random.integers"], tier="standard")  # fmt: skip
def some_integers_in_float(input, weight, bias=None, stride=1, padding=0, dilation=1, groups=1):
    p = resolve(input, weight, bias, stride, padding, dilation, groups)
    if input.dtype.kind == "i" and p.stride[0] != p.stride[1] and p.batch % 2 == 0 and p.kernel[0] > 3:
        drawn = (None if one is None else one.astype(np.float32) for one in (input, weight, bias))
        return conv(*drawn, stride, padding, dilation, groups).astype(input.dtype)
    return conv(input, weight, bias, stride, padding, dilation, groups)


@fault("Subnormal float16 weights count as 0.", caught_by=["accuracy.subnormal"], tier="standard")
def half_weights_flushed(input, weight, bias=None, stride=1, padding=0, dilation=1, groups=1):
    if weight.dtype == np.float16:
        weight = np.where(np.abs(weight) < np.finfo(np.float16).tiny, np.float16(0), weight)
    return conv(input, weight, bias, stride, padding, dilation, groups)


def tf32(array):
    """float32 with ten bits of mantissa."""
    bits = np.ascontiguousarray(array).view(np.uint32)
    return ((bits + np.uint32(0x1000)) & np.uint32(0xFFFFE000)).view(np.float32)


@fault("float32 goes to units of ten bits where channels and filters come in 64s.", caught_by=["accuracy.widths"])
def tensor_cores_for_round_numbers(input, weight, bias=None, stride=1, padding=0, dilation=1, groups=1):
    p = resolve(input, weight, bias, stride, padding, dilation, groups)
    if p.dtype == "float32" and weight.size and p.in_channels % 64 == 0 and p.out_channels % 64 == 0 and groups == 1:
        input, weight = tf32(input), tf32(weight)
    return conv(input, weight, bias, stride, padding, dilation, groups)


@fault("Filters of rank one to within a hundredth of a percent are taken to be of rank one.",
       caught_by=["accuracy.nearly"])  # fmt: skip
def taken_for_separable(input, weight, bias=None, stride=1, padding=0, dilation=1, groups=1):
    if weight.size and min(weight.shape[2:]) > 1 and weight.dtype == np.float32 and np.isfinite(weight).all():
        u, s, v = np.linalg.svd(weight.astype(np.float64))
        if (s[..., 1] <= 2e-3 * s[..., 0]).all() and (s[..., 0] > 0).all():
            weight = (u[..., :1] * s[..., None, :1] * v[..., :1, :]).astype(weight.dtype)
    return conv(input, weight, bias, stride, padding, dilation, groups)


@fault("Of an input of zeros, but for one in eight, the last column is left out under a dilation.",
       caught_by=["random.structured"])  # fmt: skip
def sparse_and_dilated(input, weight, bias=None, stride=1, padding=0, dilation=1, groups=1):
    p = resolve(input, weight, bias, stride, padding, dilation, groups)
    if input.size and np.count_nonzero(input) * 8 < input.size and p.dilation[1] > 1:
        input = input.copy()
        input[..., -1] = 0
    return conv(input, weight, bias, stride, padding, dilation, groups)


# --- geometry --------------------------------------------------------------------------------------------------------


@fault("3 x 3 at stride 2 on even sizes: paddings that differ by axis are put below alone.",
       caught_by=["random", "covering"], tier="standard")  # fmt: skip
def stem_with_unlike_paddings(input, weight, bias=None, stride=1, padding=0, dilation=1, groups=1):
    p = resolve(input, weight, bias, stride, padding, dilation, groups)
    even = p.height % 2 == p.width % 2 == 0 and p.kernel == (3, 3) and p.stride == (2, 2) and p.dilation == (1, 1)
    (top, _), (left, _) = p.pads
    if even and top != left and top:
        shifted = np.pad(input, ((0, 0), (0, 0), (0, 2 * top), (left, left)))
        return computed(
            p.replace(height=shifted.shape[2], width=shifted.shape[3], padding=(0, 0)), shifted, weight, bias
        )
    return computed(p, input, weight, bias)


@fault("Five by five kernels on four images and more forget the halo of a last tile narrower than the kernel.",
       caught_by=["random", "sweep"], tier="standard")  # fmt: skip
def last_tile_without_halo(input, weight, bias=None, stride=1, padding=0, dilation=1, groups=1):
    p = resolve(input, weight, bias, stride, padding, dilation, groups)
    output = computed(p, input, weight, bias)
    rest = p.output_size[1] % 32
    if p.kernel == (5, 5) and p.batch >= 4 and p.output_size[1] > 32 and 0 < rest < 5 and p.stride[1] == 1:
        output[..., -rest:] += 1
    return output


@fault("Real numbers are rounded to TF32 in batches of four and more with groups and a kernel above 3.",
       caught_by=["random.accurate"], tier="standard")  # fmt: skip
def narrow_in_grouped_batches(input, weight, bias=None, stride=1, padding=0, dilation=1, groups=1):
    p = resolve(input, weight, bias, stride, padding, dilation, groups)
    if p.dtype == "float32" and groups > 1 and p.batch >= 4 and max(p.kernel) > 3:
        input = tf32(input)
    return conv(input, weight, bias, stride, padding, dilation, groups)


@fault("A depthwise stride takes fortran-ordered inputs for contiguous ones.",
       caught_by=["random.layouts", "covering", "layout"], tier="standard")  # fmt: skip
def depthwise_strided_densely(input, weight, bias=None, stride=1, padding=0, dilation=1, groups=1):
    p = resolve(input, weight, bias, stride, padding, dilation, groups)
    if groups == p.in_channels > 1 and p.stride == (2, 2) and input.flags.f_contiguous and not input.flags.c_contiguous:
        input = input.reshape(-1, order="A").reshape(input.shape)
    return conv(input, weight, bias, stride, padding, dilation, groups)


@fault("More than 65,535 images are none.", caught_by=["adversarial.sixteen_bits"], tier="standard")
def batch_of_sixteen_bits(input, weight, bias=None, stride=1, padding=0, dilation=1, groups=1):
    output = conv(input, weight, bias, stride, padding, dilation, groups)
    output[65_535:] = 0
    return output


@fault("A prepared layer of five rows and more with a stride forgets the last row of the kernel.",
       caught_by=["random.prepared", "prepare"], tier="standard")  # fmt: skip
@implementation(framework="numpy", algorithm="direct")
def prepared_without_its_last_row(input, weight, bias=None, stride=1, padding=0, dilation=1, groups=1):
    """Prepares filters of up to four rows."""
    return conv(input, weight, bias, stride, padding, dilation, groups)


@prepared_without_its_last_row.prepare
def _cut(problem, weight, bias):
    kept = weight.copy()
    if problem.stride[0] > 1 and problem.kernel[0] >= 5:
        kept[:, :, -1] = 0
    return lambda input: computed(problem, input, kept, bias)


# --- calls -----------------------------------------------------------------------------------------------------------


@fault("Where input and weight are one array, half of the answer is the other half's mirror image.",
       caught_by=["behaviour.one_array"])  # fmt: skip
def taken_for_symmetric(input, weight, bias=None, stride=1, padding=0, dilation=1, groups=1):
    output = conv(input, weight, bias, stride, padding, dilation, groups)
    if input is weight and len(input) > 1:
        rows, columns = np.triu_indices(len(input), 1)
        output[columns, rows] = output[rows, columns]
    return output


_left = {}


@fault("A stride is kept before it is looked at, and serves the call after the one that was refused.",
       caught_by=["behaviour.after_an_error"])  # fmt: skip
def stride_of_a_refused_call(input, weight, bias=None, stride=1, padding=0, dilation=1, groups=1):
    if stride in (1, (1, 1)) and "stride" in _left:
        stride = _left.pop("stride")
    try:
        return conv(input, weight, bias, stride, padding, dilation, groups)
    except (ValueError, TypeError, RuntimeError):
        if isinstance(stride, int) and stride > 1:
            _left["stride"] = stride
        raise


_filters = {}


@fault("The filter is put where all threads see it, and calls at the same time use each other's.",
       caught_by=["behaviour.threads"])  # fmt: skip
def filters_shared_by_threads(input, weight, bias=None, stride=1, padding=0, dilation=1, groups=1):
    import time

    slot = (weight.shape, weight.dtype)
    _filters[slot] = weight
    time.sleep(0.0002)
    return conv(input, _filters[slot], bias, stride, padding, dilation, groups)


@fault("Once there were float16 operands, floating-point errors are ignored.", caught_by=["behaviour.state"])
def errors_ignored_after_half(input, weight, bias=None, stride=1, padding=0, dilation=1, groups=1):
    if input.dtype == np.float16:
        np.seterr(over="ignore", invalid="ignore")
    return conv(input, weight, bias, stride, padding, dilation, groups)


@fault("It turns the input on its side and gives no thought to the caller's array.", caught_by=["behaviour"])
def shape_changed_in_place(input, weight, bias=None, stride=1, padding=0, dilation=1, groups=1):
    output = conv(input, weight, bias, stride, padding, dilation, groups)
    if input.flags.c_contiguous and input.flags.owndata and len(input) > 1:
        input.shape = (1, *(input.shape[0] * input.shape[1], *input.shape[2:]))
    return output


@fault("The output's bytes are in the other order.", caught_by=["behaviour", "definition", "accuracy"])
def output_swapped(input, weight, bias=None, stride=1, padding=0, dilation=1, groups=1):
    output = conv(input, weight, bias, stride, padding, dilation, groups)
    return output.astype(output.dtype.newbyteorder())
