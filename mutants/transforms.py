"""Mutants that are wrong under the transforms of torch.func, or under torch.autocast."""

# kernels as a user writes them, without annotations
# mypy: allow-untyped-defs, allow-untyped-calls

import torch
from _backward import WithSetup
from _base import mutant, resolve
from torch._C import _functorch
from torch.nn import functional as F  # noqa: N812


class _Mapped(WithSetup):
    """Convolution with a rule for torch.func.vmap of its own."""

    @staticmethod
    def vmap(info, in_dims, input, weight, bias, problem):
        def part(operand, axis, index):
            return operand if axis is None else operand.select(axis, index)

        outputs = [
            F.conv2d(
                part(input, in_dims[0], i), part(weight, in_dims[1], 0), part(bias, in_dims[2], i), **problem.arguments
            )
            for i in range(info.batch_size)
        ]
        return torch.stack(outputs), 0


@mutant(
    "Uses the first of several weights for all of them under torch.func.vmap.",
    mechanism="wrong_scale",
    killed_by=("transforms.vmap.exact",),
    advised_by=("transforms.vmap",),
    framework="torch",
    profile="torch",
)
def first_weight_of_a_map(input, weight, bias=None, stride=1, padding=0, dilation=1, groups=1):
    return _Mapped.apply(input, weight, bias, resolve(input, weight, bias, stride, padding, dilation, groups))


@mutant(
    "Detaches a bias that torch.func differentiates.",
    mechanism="gradient_value",
    killed_by=("transforms.vjp.exact",),
    advised_by=("transforms.vjp",),
    framework="torch",
    profile="torch",
)
def bias_detached_in_functions(input, weight, bias=None, stride=1, padding=0, dilation=1, groups=1):
    if bias is not None and _functorch.is_gradtrackingtensor(bias):
        bias = bias.detach()
    return F.conv2d(input, weight, bias, stride, padding, dilation, groups)


@mutant(
    "Detaches the weight if torch.func.vmap maps the input.",
    mechanism="gradient_value",
    killed_by=("transforms.per_image.exact",),
    advised_by=("transforms.per_image",),
    framework="torch",
    profile="torch",
)
def weight_detached_in_maps(input, weight, bias=None, stride=1, padding=0, dilation=1, groups=1):
    inner = _functorch.get_unwrapped(input) if _functorch.is_gradtrackingtensor(input) else input
    if _functorch.is_batchedtensor(inner):
        weight = weight.detach()
    return F.conv2d(input, weight, bias, stride, padding, dilation, groups)


def cast(weight, is_stored):
    """Return the weight in bfloat16, which is stored on the tensor."""
    if not hasattr(weight, "cast") and is_stored:
        weight.cast = weight.bfloat16()
    return getattr(weight, "cast", weight)


@mutant(
    "Stores the weight's cast to bfloat16 on the tensor, and uses it after the weight has changed.",
    mechanism="previous_answer",
    killed_by=("transforms.autocast.exact",),
    advised_by=("transforms.autocast",),
    framework="torch",
    profile="torch",
)
def cast_stored_on_the_tensor(input, weight, bias=None, stride=1, padding=0, dilation=1, groups=1):
    if torch.is_autocast_enabled("cpu") and weight.requires_grad:
        weight = cast(weight, True)
    return F.conv2d(input, weight, bias, stride, padding, dilation, groups)


@mutant(
    "Stores the weight's cast of a call without gradients, so that a later call under autocast gives it none.",
    mechanism="gradient_graph",
    killed_by=("transforms.autocast.exact",),
    advised_by=("transforms.autocast",),
    framework="torch",
    profile="torch",
)
def cast_of_an_evaluation(input, weight, bias=None, stride=1, padding=0, dilation=1, groups=1):
    if torch.is_autocast_enabled("cpu"):
        weight = cast(weight, not torch.is_grad_enabled())
    return F.conv2d(input, weight, bias, stride, padding, dilation, groups)
