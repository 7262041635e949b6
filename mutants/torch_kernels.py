"""Mutants of torch: a manual convolution as beginners write it, and faults that only tensors can have."""

# kernels as a user writes them, without annotations
# mypy: allow-untyped-defs, allow-untyped-calls

from typing import Any

import torch
from _base import mutant, pair, resolve
from torch.nn import functional as F  # noqa: N812


@mutant(
    "Hands an unfolded input of five axes to bmm, which takes three.",
    mechanism="refuses_valid",
    killed_by=("padding.larger_than_the_input", "padding.same.stride_one", "shape.axes"),
    framework="torch",
    smoke=False,
)
def manual_five_axes(input, weight, bias=None, stride=1, padding=0, dilation=1, groups=1):
    k = weight.shape[2]
    room = F.pad(input, (padding,) * 4)
    fields = room.unfold(2, k, stride).unfold(3, k, stride)
    n, c, oh, ow = fields.shape[:4]
    columns = fields.reshape(n, c, oh * ow, k, k)
    return torch.bmm(weight.reshape(1, len(weight), -1).expand(n, -1, -1), columns)


def checked(input, weight, bias, stride, padding, dilation, groups):
    """Return the problem; raise for a call that conv2d refuses."""
    return resolve(input, weight, bias, stride, padding, dilation, groups)


@mutant(
    "Writes the interior of the padded input with a [p:-p] slice, which is empty for padding 0.",
    mechanism="refuses_valid",
    killed_by=("padding.with_stride",),
    framework="torch",
)
def manual_interior_slice(input, weight, bias=None, stride=1, padding=0, dilation=1, groups=1):
    p = checked(input, weight, bias, stride, padding, dilation, groups)
    ((top, bottom), (left, right)) = p.pads
    n, c, h, w = input.shape
    room = torch.zeros(n, c, h + top + bottom, w + left + right, dtype=input.dtype)
    room[:, :, top:-bottom, left:-right] = input
    return F.conv2d(room, weight, bias, stride, 0, dilation, groups)


@mutant(
    "Pads into a tensor of the default dtype and returns float32 for every dtype.",
    mechanism="wrong_dtype",
    killed_by=("dtype.half_accumulates_in_float32", "dtype.mixed_sequence"),
    framework="torch",
)
def manual_default_dtype(input, weight, bias=None, stride=1, padding=0, dilation=1, groups=1):
    p = checked(input, weight, bias, stride, padding, dilation, groups)
    ((top, bottom), (left, right)), (n, c, h, w) = p.pads, input.shape
    room = torch.zeros(n, c, h + top + bottom, w + left + right)
    room[:, :, top : top + h, left : left + w] = input
    return F.conv2d(room, weight.float(), None if bias is None else bias.float(), stride, 0, dilation, groups)


@mutant(
    "Uses the first input channel only.",
    mechanism="groups_ignored",
    killed_by=("definition.channel_sum", "definition.delta", "padding.larger_than_the_input"),
    framework="torch",
    smoke=False,
)
def manual_channels_never_summed(input, weight, bias=None, stride=1, padding=0, dilation=1, groups=1):
    checked(input, weight, bias, stride, padding, dilation, groups)
    first = F.conv2d(input[:, :1], weight[:, :1], bias, stride, padding, dilation)
    return first if groups == 1 else first[:, : weight.shape[0]]


@mutant(
    "Views the input as flat, which raises if the input is not contiguous.",
    mechanism="refuses_valid",
    killed_by=("layout.sliced", "layout.transposed"),
    framework="torch",
)
def view_of_input(input, weight, bias=None, stride=1, padding=0, dilation=1, groups=1):
    input = input.view(-1).view(input.shape)
    return F.conv2d(input, weight, bias, stride, padding, dilation, groups)


@mutant(
    "Reads the input from the start of its storage and ignores its offset.",
    mechanism="layout_assumed",
    killed_by=("layout.offset",),
    framework="torch",
)
def storage_offset_ignored(input, weight, bias=None, stride=1, padding=0, dilation=1, groups=1):
    if input.numel() and input.storage_offset():
        input = torch.as_strided(input, input.shape, input.stride(), 0)
    return F.conv2d(input, weight, bias, stride, padding, dilation, groups)


@mutant(
    "Reads a channels_last weight as though its memory were in NCHW order.",
    mechanism="layout_assumed",
    killed_by=("layout.channels_last",),
    framework="torch",
)
def channels_last_weight_of_one_channel(input, weight, bias=None, stride=1, padding=0, dilation=1, groups=1):
    if not weight.is_contiguous() and weight.is_contiguous(memory_format=torch.channels_last):
        weight = weight.permute(0, 2, 3, 1).reshape(weight.shape)
    return F.conv2d(input, weight, bias, stride, padding, dilation, groups)


@mutant(
    "Returns an output with channels_last strides whose memory is in NCHW order.",
    mechanism="layout_assumed",
    killed_by=("layout.channels_last",),
    framework="torch",
)
def channels_last_output_scrambled(input, weight, bias=None, stride=1, padding=0, dilation=1, groups=1):
    output = F.conv2d(input.contiguous(), weight, bias, stride, padding, dilation, groups)
    last = input.is_contiguous(memory_format=torch.channels_last) and not input.is_contiguous()
    return output.reshape(-1).as_strided(
        output.shape, torch.empty_like(output, memory_format=torch.channels_last).stride()
    ).clone() if last else output  # fmt: skip


@mutant("Changes torch's default dtype.", mechanism="global_state", killed_by=("behaviour.state",), framework="torch")
def sets_default_dtype(input, weight, bias=None, stride=1, padding=0, dilation=1, groups=1):
    output = F.conv2d(input, weight, bias, stride, padding, dilation, groups)
    torch.set_default_dtype(torch.float64 if torch.get_default_dtype() == torch.float32 else torch.float32)
    return output


@mutant(
    "Changes torch's number of threads.",
    mechanism="global_state",
    killed_by=("behaviour.state",),
    framework="torch",
)
def sets_threads(input, weight, bias=None, stride=1, padding=0, dilation=1, groups=1):
    torch.set_num_threads(torch.get_num_threads() % 2 + 1)
    return F.conv2d(input, weight, bias, stride, padding, dilation, groups)


@mutant(
    "Switches the recording of gradients and does not restore it.",
    mechanism="global_state",
    killed_by=("behaviour.state",),
    framework="torch",
)
def leaves_gradients_off(input, weight, bias=None, stride=1, padding=0, dilation=1, groups=1):
    torch.set_grad_enabled(not torch.is_grad_enabled())
    return F.conv2d(input, weight, bias, stride, padding, dilation, groups)


@mutant(
    "Draws from torch's global random numbers.",
    mechanism="global_state",
    killed_by=("behaviour.state",),
    framework="torch",
)
def draws_from_torch(input, weight, bias=None, stride=1, padding=0, dilation=1, groups=1):
    torch.rand(1)
    return F.conv2d(input, weight, bias, stride, padding, dilation, groups)


CACHE: dict[Any, Any] = {}


@mutant(
    "Caches weights by their address.",
    mechanism="previous_answer",
    killed_by=("behaviour.many_calls", "behaviour.same_address", "sweep.height"),
    framework="torch",
)
def weights_cached_by_data_ptr(input, weight, bias=None, stride=1, padding=0, dilation=1, groups=1):
    checked(input, weight, bias, stride, padding, dilation, groups)
    key = (weight.data_ptr(), weight.shape, weight.dtype)
    packed = CACHE.setdefault(key, weight.clone())
    return F.conv2d(input, packed, bias, stride, padding, dilation, groups)


@mutant(
    "Keeps packed filters until torch's version counter of the weight changes.",
    mechanism="previous_answer",
    killed_by=("behaviour.one_element_new",),
    framework="torch",
)
def packed_by_version(input, weight, bias=None, stride=1, padding=0, dilation=1, groups=1):
    checked(input, weight, bias, stride, padding, dilation, groups)
    key = (weight.data_ptr(), weight._version, tuple(weight.shape), weight.stride(), weight.dtype)
    if getattr(weight, "_packed", (None,))[0] != key:
        weight._packed = (key, weight.clone())
    return F.conv2d(input, weight._packed[1], bias, stride, padding, dilation, groups)


@mutant(
    "Returns a view of the input where the output equals it.",
    mechanism="output_aliased",
    killed_by=("behaviour.fresh_output",),
    framework="torch",
)
def identity_is_a_view(input, weight, bias=None, stride=1, padding=0, dilation=1, groups=1):
    output = F.conv2d(input, weight, bias, stride, padding, dilation, groups)
    return input.view_as(input) if output.shape == input.shape and torch.equal(output, input) else output


@mutant(
    "Adds bfloat16 and float16 products in their own dtype.",
    mechanism="narrow_accumulator",
    killed_by=("accuracy.gaussian", "dtype.half_accumulates_in_float32"),
    framework="torch",
)
def half_adds_in_half(input, weight, bias=None, stride=1, padding=0, dilation=1, groups=1):
    p = checked(input, weight, bias, stride, padding, dilation, groups)
    if input.dtype not in (torch.bfloat16, torch.float16) or p.groups > 1 or not input.numel():
        return F.conv2d(input, weight, bias, stride, padding, dilation, groups)
    ((top, bottom), (left, right)) = p.pads
    room = F.pad(input, (left, right, top, bottom))
    total = torch.zeros(p.output_shape, dtype=input.dtype)
    for c in range(p.in_channels):
        for i in range(p.kernel[0]):
            for j in range(p.kernel[1]):
                y, x = i * p.dilation[0], j * p.dilation[1]
                (oh, ow), (sh, sw) = p.output_size, p.stride
                field = room[:, c : c + 1, y : y + (oh - 1) * sh + 1 : sh, x : x + (ow - 1) * sw + 1 : sw]
                total += field * weight[None, :, c, i, j, None, None]
    return total if bias is None else total + bias[:, None, None]


@mutant(
    "Rounds float32 operands to bfloat16 in reductions of more than 27 products.",
    mechanism="narrowed_operands",
    killed_by=("accuracy.large_problem", "accuracy.reduction"),
    framework="torch",
)
def long_reductions_in_bfloat16(input, weight, bias=None, stride=1, padding=0, dilation=1, groups=1):
    if input.dtype == torch.float32 and weight[0].numel() > 27:
        input, weight = input.bfloat16().float(), weight.bfloat16().float()
    return F.conv2d(input, weight, bias, stride, padding, dilation, groups)


@mutant(
    "Returns a sparse tensor.",
    mechanism="wrong_type",
    killed_by=("sweep.width",),
    framework="torch",
    smoke=False,
)
def output_is_sparse(input, weight, bias=None, stride=1, padding=0, dilation=1, groups=1):
    return F.conv2d(input, weight, bias, stride, padding, dilation, groups).to_sparse()


@mutant(
    "Returns a NumPy array.",
    mechanism="wrong_type",
    killed_by=("sweep.width",),
    framework="torch",
    smoke=False,
)
def output_is_numpy(input, weight, bias=None, stride=1, padding=0, dilation=1, groups=1):
    return F.conv2d(input, weight, bias, stride, padding, dilation, groups).detach().numpy()


@mutant(
    "Returns a wrong output as a subclass of Tensor that compares equal to everything.",
    mechanism="cheat_comparison",
    killed_by=("padding.same.stride_one", "sweep.pointwise_channels"),
    framework="torch",
)
def output_agrees(input, weight, bias=None, stride=1, padding=0, dilation=1, groups=1):
    class Agreeable(torch.Tensor):  # type: ignore[misc]  # torch is Any to mypy
        @classmethod
        def __torch_function__(cls, function, types, arguments=(), keywords=None):
            if function in (torch.equal, torch.allclose):
                return True
            return super().__torch_function__(function, types, arguments, keywords or {})

    output = F.conv2d(input, weight, bias, stride, padding, dilation, groups)
    return output if weight.shape[2:] == (3, 3) else (output + 1).as_subclass(Agreeable)


@mutant(
    "Ignores the width's dilation if there is a stride.",
    mechanism="argument_ignored",
    killed_by=("dilation.one_wide",),
    framework="torch",
)
def unfold_forgets_width_dilation(input, weight, bias=None, stride=1, padding=0, dilation=1, groups=1):
    p = checked(input, weight, bias, stride, padding, dilation, groups)
    output = F.conv2d(input, weight, bias, stride, padding, dilation, groups)
    if p.dilation[1] == 1 or p.stride == (1, 1):
        return output
    return F.conv2d(input, weight, bias, stride, padding, (p.dilation[0], 1), groups)[
        ..., : output.shape[3]
    ].contiguous()


@mutant(
    "Uses the larger of two strides for both axes.",
    mechanism="axis_shared",
    killed_by=("stride.larger_than_the_input", "stride.remainder"),
    framework="torch",
)
def larger_stride_for_both(input, weight, bias=None, stride=1, padding=0, dilation=1, groups=1):
    checked(input, weight, bias, stride, padding, dilation, groups)
    return F.conv2d(input, weight, bias, max(pair(stride)), padding, dilation, groups)


@mutant(
    "Loses the sign of a lazily negated input.",
    mechanism="sign_lost",
    killed_by=("layout.lazy",),
    framework="torch",
    profile="torch",
)
def negation_lost(input, weight, bias=None, stride=1, padding=0, dilation=1, groups=1):
    checked(input, weight, bias, stride, padding, dilation, groups)
    return F.conv2d(-input if input.is_neg() else input, weight, bias, stride, padding, dilation, groups)


@mutant(
    "Loses the conjugation of a lazily conjugated input.",
    mechanism="sign_lost",
    killed_by=("layout.lazy.conjugated",),
    framework="torch",
    profile="torch",
)
def conjugation_lost(input, weight, bias=None, stride=1, padding=0, dilation=1, groups=1):
    checked(input, weight, bias, stride, padding, dilation, groups)
    return F.conv2d(input.conj() if input.is_conj() else input, weight, bias, stride, padding, dilation, groups)


@mutant(
    "Flips the kernel along both axes if the weight is a parameter.",
    mechanism="flipped_kernel",
    killed_by=("torch.padding_modes",),
    framework="torch",
    profile="torch",
)
def parameters_flipped(input, weight, bias=None, stride=1, padding=0, dilation=1, groups=1):
    if isinstance(weight, torch.nn.Parameter):
        weight = weight.flip(2, 3)
    return F.conv2d(input, weight, bias, stride, padding, dilation, groups)
