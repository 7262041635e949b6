"""Mutants whose custom operators state what they do not do: false fake outputs, schemas and saved operands."""

# kernels as a user writes them, without annotations
# mypy: allow-untyped-defs, allow-untyped-calls

import torch
from _backward import WithSetup
from _base import mutant, resolve
from torch.nn import functional as F  # noqa: N812

LIBRARY = torch.library.Library("convgauge_mutants", "DEF")
CONV = "(Tensor input, Tensor weight, Tensor? bias, SymInt[] stride, SymInt[] pads, SymInt[] dilation, SymInt groups)"


def computed(input, weight, bias, stride, pads, dilation, groups):
    """Return the convolution; ``pads`` are left, right, top and bottom."""
    output = F.conv2d(F.pad(input, pads), weight, bias, stride, 0, dilation, groups)
    return output.contiguous()


def operator(name, fake, kernel=computed):
    """Define an operator with the parameters of a convolution, and return it."""
    LIBRARY.define(f"{name}{CONV} -> Tensor")
    LIBRARY.impl(name, kernel, "CPU")
    torch.library.register_fake(f"convgauge_mutants::{name}", fake, lib=LIBRARY)
    return getattr(torch.ops.convgauge_mutants, name)


def called(function, input, weight, bias, *arguments):
    """Call an operator with the arguments of conv2d."""
    p = resolve(input, weight, bias, *arguments)
    ((top, bottom), (left, right)) = p.pads
    return function(input, weight, bias, p.stride, (left, right, top, bottom), p.dilation, p.groups)


def size(input, weight, stride, pads, dilation):
    """Return the height and the width of the output."""
    left, right, top, bottom = pads
    sums = (input.shape[2] + top + bottom, input.shape[3] + left + right)
    return [(sums[axis] - dilation[axis] * (weight.shape[2 + axis] - 1) - 1) // stride[axis] + 1 for axis in range(2)]


def of_the_unpadded(input, weight, bias, stride, pads, dilation, groups):
    return input.new_empty(input.shape[0], weight.shape[0], *size(input, weight, stride, (0, 0, 0, 0), dilation))


unpadded = operator("fake_without_padding", of_the_unpadded)


@mutant(
    "Registers a fake output of the size that the output has without padding.",
    mechanism="false_declaration",
    killed_by=("operators.fake",),
    framework="torch",
    profile="torch",
)
def fake_output_without_padding(input, weight, bias=None, stride=1, padding=0, dilation=1, groups=1):
    return called(unpadded, input, weight, bias, stride, padding, dilation, groups)


def of_two_images(input, weight, bias, stride, pads, dilation, groups):
    return input.new_empty(2, weight.shape[0], *size(input, weight, stride, pads, dilation))


two_images = operator("fake_of_two_images", of_two_images)


@mutant(
    "Registers a fake output of 2 images, the batch that it was tried out with.",
    mechanism="false_declaration",
    killed_by=("operators.fake",),
    framework="torch",
    profile="torch",
)
def fake_output_of_two_images(input, weight, bias=None, stride=1, padding=0, dilation=1, groups=1):
    return called(two_images, input, weight, bias, stride, padding, dilation, groups)


def right_size(input, weight, bias, stride, pads, dilation, groups):
    return input.new_empty(input.shape[0], weight.shape[0], *size(input, weight, stride, pads, dilation))


def in_the_inputs_format(input, *arguments):
    """Return the convolution in channels-last memory if the input is in it."""
    output = computed(input, *arguments)
    is_last = input.is_contiguous(memory_format=torch.channels_last) and not input.is_contiguous()
    return output.contiguous(memory_format=torch.channels_last) if is_last else output


channels_last = operator("fake_in_row_major_order", right_size, in_the_inputs_format)


@mutant(
    "Registers a contiguous fake output, though the output is in channels-last memory if the input is.",
    mechanism="false_declaration",
    killed_by=("operators.fake",),
    advised_by=("operators.registered",),
    framework="torch",
    profile="torch",
)
def fake_output_in_another_format(input, weight, bias=None, stride=1, padding=0, dilation=1, groups=1):
    return called(channels_last, input, weight, bias, stride, padding, dilation, groups)


LIBRARY.define("pad(Tensor input, SymInt[] pads) -> Tensor")
LIBRARY.impl("pad", lambda input, pads: F.pad(input, pads) if any(pads) else input, "CPU")
torch.library.register_fake("convgauge_mutants::pad", lambda input, pads: F.pad(input, pads).clone(), lib=LIBRARY)


@mutant(
    "Pads by an operator that returns its input itself if there is no padding, which its schema does not state.",
    mechanism="false_declaration",
    killed_by=("operators.schema",),
    framework="torch",
    profile="torch",
)
def padding_returns_its_input(input, weight, bias=None, stride=1, padding=0, dilation=1, groups=1):
    p = resolve(input, weight, bias, stride, padding, dilation, groups)
    ((top, bottom), (left, right)) = p.pads
    room = torch.ops.convgauge_mutants.pad(input, (left, right, top, bottom))
    return F.conv2d(room, weight, bias, stride, 0, dilation, groups)


def store(output, *operands):
    output.copy_(computed(*operands))


LIBRARY.define(f"into(Tensor output, {CONV[1:]} -> ()")
LIBRARY.impl("into", store, "CPU")
torch.library.register_fake("convgauge_mutants::into", lambda *operands: None, lib=LIBRARY)


@mutant(
    "Writes its output to an argument that the schema does not mark as written, so that torch.compile drops the call.",
    mechanism="false_declaration",
    also=("stale_memory",),  # the compiled call returns memory that was never written
    killed_by=("operators.compiled.exact", "operators.schema"),
    framework="torch",
    profile="torch",
    tier="standard",
)
def output_written_without_mark(input, weight, bias=None, stride=1, padding=0, dilation=1, groups=1):
    p = resolve(input, weight, bias, stride, padding, dilation, groups)
    output = input.new_zeros(p.output_shape)
    called(lambda *operands: torch.ops.convgauge_mutants.into(output, *operands), input, weight, bias, stride, padding,
           dilation, groups)  # fmt: skip
    return output


def view_inside(room, pads):
    left, right, top, bottom = pads
    return room[:, :, top : room.shape[2] - bottom, left : room.shape[3] - right]


LIBRARY.define("inside(Tensor room, SymInt[] pads) -> Tensor")
LIBRARY.impl("inside", view_inside, "CPU")
torch.library.register_fake("convgauge_mutants::inside", lambda *operands: view_inside(*operands).clone(), lib=LIBRARY)


@mutant(
    "Writes the input to the interior of a padded array through a view that the operator's schema does not state.",
    mechanism="false_declaration",
    also=("argument_ignored", "stale_memory", "wrong_scale"),  # a functionalized call convolves the empty array
    killed_by=("operators.functionalized.exact", "operators.schema"),
    advised_by=("operators.functionalized",),
    framework="torch",
    profile="torch",
)
def interior_written_through_a_view(input, weight, bias=None, stride=1, padding=0, dilation=1, groups=1):
    p = resolve(input, weight, bias, stride, padding, dilation, groups)
    ((top, bottom), (left, right)) = p.pads
    room = input.new_zeros(p.batch, p.in_channels, p.height + top + bottom, p.width + left + right)
    torch.ops.convgauge_mutants.inside(room, (left, right, top, bottom)).copy_(input)
    return F.conv2d(room, weight, bias, stride, 0, dilation, groups)


class _Saved(WithSetup):
    """Convolution whose setup_context saves a tensor in the place of another."""

    @staticmethod
    def setup_context(context, inputs, output):
        input, weight, _, context.problem = inputs
        context.save_for_backward(output if output.shape == input.shape else input, weight)


@mutant(
    "Saves its output in the place of its input in setup_context if they have one shape.",
    mechanism="gradient_value",
    killed_by=("gradients.batch", "graphs.retained"),
    framework="torch",
    profile="training",
)
def output_saved_for_the_input(input, weight, bias=None, stride=1, padding=0, dilation=1, groups=1):
    return _Saved.apply(input, weight, bias, resolve(input, weight, bias, stride, padding, dilation, groups))
