"""Faults that a torch kernel can have: the seed's manual convolution, and what only tensors can do wrong."""

import torch
from _parts import fault, pair, resolve
from torch.nn import functional as F  # noqa: N812

CACHE = {}


def checked(input, weight, bias, stride, padding, dilation, groups):
    """Refuse what conv2d refuses, before a fault of our own."""
    return resolve(input, weight, bias, stride, padding, dilation, groups)


@fault("The unfolded input is left with five axes and handed to bmm, which takes three.",
       caught_by=["shape", "padding"], framework="torch", smoke=False)  # fmt: skip
def manual_five_axes(input, weight, bias=None, stride=1, padding=0, dilation=1, groups=1):
    k = weight.shape[2]
    room = F.pad(input, (padding,) * 4)
    fields = room.unfold(2, k, stride).unfold(3, k, stride)
    n, c, oh, ow = fields.shape[:4]
    columns = fields.reshape(n, c, oh * ow, k, k)
    return torch.bmm(weight.reshape(1, len(weight), -1).expand(n, -1, -1), columns)


@fault("The interior of the padded input is written with a [p:-p] slice, empty for padding 0.",
       caught_by=["padding"], framework="torch")  # fmt: skip
def manual_interior_slice(input, weight, bias=None, stride=1, padding=0, dilation=1, groups=1):
    p = checked(input, weight, bias, stride, padding, dilation, groups)
    ((top, bottom), (left, right)) = p.pads
    n, c, h, w = input.shape
    room = torch.zeros(n, c, h + top + bottom, w + left + right, dtype=input.dtype)
    room[:, :, top:-bottom, left:-right] = input
    return F.conv2d(room, weight, bias, stride, 0, dilation, groups)


@fault("The padded input takes the default dtype, so that only float32 comes through.",
       caught_by=["dtype"], framework="torch")  # fmt: skip
def manual_default_dtype(input, weight, bias=None, stride=1, padding=0, dilation=1, groups=1):
    p = checked(input, weight, bias, stride, padding, dilation, groups)
    ((top, bottom), (left, right)), (n, c, h, w) = p.pads, input.shape
    room = torch.zeros(n, c, h + top + bottom, w + left + right)
    room[:, :, top : top + h, left : left + w] = input
    return F.conv2d(room, weight.float(), None if bias is None else bias.float(), stride, 0, dilation, groups)


@fault("Windows and filters are paired channel by channel and never added up, as though there were one channel.",
       caught_by=["definition", "padding"], framework="torch", smoke=False)  # fmt: skip
def manual_channels_never_summed(input, weight, bias=None, stride=1, padding=0, dilation=1, groups=1):
    checked(input, weight, bias, stride, padding, dilation, groups)
    first = F.conv2d(input[:, :1], weight[:, :1], bias, stride, padding, dilation)
    return first if groups == 1 else first[:, : weight.shape[0]]


@fault("The input is viewed flat, which fails for one that is not contiguous.",
       caught_by=["layout"], framework="torch")  # fmt: skip
def view_of_input(input, weight, bias=None, stride=1, padding=0, dilation=1, groups=1):
    input = input.view(-1).view(input.shape)
    return F.conv2d(input, weight, bias, stride, padding, dilation, groups)


@fault("The input is read from the start of its storage, without its offset and strides.",
       caught_by=["layout"], framework="torch")  # fmt: skip
def storage_offset_ignored(input, weight, bias=None, stride=1, padding=0, dilation=1, groups=1):
    if input.numel() and input.storage_offset():
        input = torch.as_strided(input, input.shape, input.stride(), 0)
    return F.conv2d(input, weight, bias, stride, padding, dilation, groups)


@fault("A channels_last weight of one input channel is taken for NCHW as both descriptions fit.",
       caught_by=["layout"], framework="torch")  # fmt: skip
def channels_last_weight_of_one_channel(input, weight, bias=None, stride=1, padding=0, dilation=1, groups=1):
    if not weight.is_contiguous() and weight.is_contiguous(memory_format=torch.channels_last):
        weight = weight.permute(0, 2, 3, 1).reshape(weight.shape)
    return F.conv2d(input, weight, bias, stride, padding, dilation, groups)


@fault("The default dtype is set and not put back.", caught_by=["behaviour"], framework="torch")
def sets_default_dtype(input, weight, bias=None, stride=1, padding=0, dilation=1, groups=1):
    output = F.conv2d(input, weight, bias, stride, padding, dilation, groups)
    torch.set_default_dtype(torch.float64 if torch.get_default_dtype() == torch.float32 else torch.float32)
    return output


@fault("The thread count is changed.", caught_by=["behaviour"], framework="torch")
def sets_threads(input, weight, bias=None, stride=1, padding=0, dilation=1, groups=1):
    torch.set_num_threads(torch.get_num_threads() % 2 + 1)
    return F.conv2d(input, weight, bias, stride, padding, dilation, groups)


@fault("Gradients are left switched off.", caught_by=["behaviour"], framework="torch")
def leaves_gradients_off(input, weight, bias=None, stride=1, padding=0, dilation=1, groups=1):
    torch.set_grad_enabled(not torch.is_grad_enabled())
    return F.conv2d(input, weight, bias, stride, padding, dilation, groups)


@fault("torch's random numbers are drawn from.", caught_by=["behaviour"], framework="torch")
def draws_from_torch(input, weight, bias=None, stride=1, padding=0, dilation=1, groups=1):
    torch.rand(1)
    return F.conv2d(input, weight, bias, stride, padding, dilation, groups)


@fault(
    "Weights are remembered by their address.",
    caught_by=["behaviour", "sweep", "covering", "padding"],
    framework="torch",
)
def weights_cached_by_data_ptr(input, weight, bias=None, stride=1, padding=0, dilation=1, groups=1):
    checked(input, weight, bias, stride, padding, dilation, groups)
    key = (weight.data_ptr(), weight.shape, weight.dtype)
    kept = CACHE.setdefault(key, weight.clone())
    return F.conv2d(input, kept, bias, stride, padding, dilation, groups)


@fault("The pointwise kernel with one filter of 1 gives back a view of its input.",
       caught_by=["behaviour"], framework="torch")  # fmt: skip
def identity_is_a_view(input, weight, bias=None, stride=1, padding=0, dilation=1, groups=1):
    output = F.conv2d(input, weight, bias, stride, padding, dilation, groups)
    return input.view_as(input) if output.shape == input.shape and torch.equal(output, input) else output


@fault(
    "bfloat16 and float16 products are added up in their own type.", caught_by=["accuracy", "dtype"], framework="torch"
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


@fault(
    "float32 operands are rounded to bfloat16 where the reduction is long.", caught_by=["accuracy"], framework="torch"
)
def long_reductions_in_bfloat16(input, weight, bias=None, stride=1, padding=0, dilation=1, groups=1):
    if input.dtype == torch.float32 and weight[0].numel() > 27:
        input, weight = input.bfloat16().float(), weight.bfloat16().float()
    return F.conv2d(input, weight, bias, stride, padding, dilation, groups)


@fault("The output is a conjugate view's stand-in: a sparse tensor.", caught_by=["sweep", "padding", "shape"],
       framework="torch", smoke=False)  # fmt: skip
def output_is_sparse(input, weight, bias=None, stride=1, padding=0, dilation=1, groups=1):
    return F.conv2d(input, weight, bias, stride, padding, dilation, groups).to_sparse()


@fault("The output is a tensor subclass that compares equal to anything.", caught_by=["sweep", "covering", "padding"],
       framework="torch")  # fmt: skip
def output_agrees(input, weight, bias=None, stride=1, padding=0, dilation=1, groups=1):
    class Agreeable(torch.Tensor):
        @classmethod
        def __torch_function__(cls, function, types, arguments=(), keywords=None):
            if function in (torch.equal, torch.allclose):
                return True
            return super().__torch_function__(function, types, arguments, keywords or {})

    output = F.conv2d(input, weight, bias, stride, padding, dilation, groups)
    return output if weight.shape[2:] == (3, 3) else (output + 1).as_subclass(Agreeable)


@fault(
    "The output is a NumPy array.", caught_by=["sweep", "covering", "padding", "shape"], framework="torch", smoke=False
)
def output_is_numpy(input, weight, bias=None, stride=1, padding=0, dilation=1, groups=1):
    return F.conv2d(input, weight, bias, stride, padding, dilation, groups).detach().numpy()


@fault(
    "unfold and fold: the strided unfold forgets the dilation of the width.", caught_by=["dilation"], framework="torch"
)
def unfold_forgets_width_dilation(input, weight, bias=None, stride=1, padding=0, dilation=1, groups=1):
    p = checked(input, weight, bias, stride, padding, dilation, groups)
    output = F.conv2d(input, weight, bias, stride, padding, dilation, groups)
    if p.dilation[1] == 1 or p.stride == (1, 1):
        return output
    return F.conv2d(input, weight, bias, stride, padding, (p.dilation[0], 1), groups)[
        ..., : output.shape[3]
    ].contiguous()


@fault("With channels_last input the output's strides are right and its content is not.",
       caught_by=["layout"], framework="torch")  # fmt: skip
def channels_last_output_scrambled(input, weight, bias=None, stride=1, padding=0, dilation=1, groups=1):
    output = F.conv2d(input.contiguous(), weight, bias, stride, padding, dilation, groups)
    last = input.is_contiguous(memory_format=torch.channels_last) and not input.is_contiguous()
    return output.reshape(-1).as_strided(
        output.shape, torch.empty_like(output, memory_format=torch.channels_last).stride()
    ).clone() if last else output  # fmt: skip


@fault("Stride pairs other than square use the larger of the two.", caught_by=["stride"], framework="torch")
def larger_stride_for_both(input, weight, bias=None, stride=1, padding=0, dilation=1, groups=1):
    checked(input, weight, bias, stride, padding, dilation, groups)
    return F.conv2d(input, weight, bias, max(pair(stride)), padding, dilation, groups)


@fault("The sign that torch has put off is lost.", caught_by=["layout.lazy"], framework="torch", profile="torch")
def negation_lost(input, weight, bias=None, stride=1, padding=0, dilation=1, groups=1):
    checked(input, weight, bias, stride, padding, dilation, groups)
    return F.conv2d(-input if input.is_neg() else input, weight, bias, stride, padding, dilation, groups)


@fault("The conjugation that torch has put off is lost.", caught_by=["layout.lazy.conjugated"], framework="torch",
       profile="torch")  # fmt: skip
def conjugation_lost(input, weight, bias=None, stride=1, padding=0, dilation=1, groups=1):
    checked(input, weight, bias, stride, padding, dilation, groups)
    return F.conv2d(input.conj() if input.is_conj() else input, weight, bias, stride, padding, dilation, groups)


@fault("Packed filters are kept as long as torch's version counter stands still.", caught_by=["behaviour"],
       framework="torch")  # fmt: skip
def packed_by_version(input, weight, bias=None, stride=1, padding=0, dilation=1, groups=1):
    checked(input, weight, bias, stride, padding, dilation, groups)
    key = (weight.data_ptr(), weight._version, tuple(weight.shape), weight.stride(), weight.dtype)
    if getattr(weight, "_packed", (None,))[0] != key:
        weight._packed = (key, weight.clone())
    return F.conv2d(input, weight._packed[1], bias, stride, padding, dilation, groups)


@fault("A layer's own weights, which are parameters, are taken to be stored flipped.",
       caught_by=["torch.padding_modes"], framework="torch", profile="torch")  # fmt: skip
def parameters_flipped(input, weight, bias=None, stride=1, padding=0, dilation=1, groups=1):
    if isinstance(weight, torch.nn.Parameter):
        weight = weight.flip(2, 3)
    return F.conv2d(input, weight, bias, stride, padding, dilation, groups)
