"""Choice of the fastest other implementation for each layer."""

from __future__ import annotations

from collections.abc import Callable

import torch
from torch import Tensor

from convgauge import implementation
from convgauge.arguments import PaddingSize, Size, check_input, resolve
from convgauge.auto.candidates import is_small
from convgauge.auto.tuner import Tuner
from convgauge.problem import Problem

_tuner = Tuner()


@implementation(
    framework="torch",
    algorithm="choice",
    source="Frigo and Johnson 2005, The design and implementation of FFTW3; torch.backends.cudnn.benchmark",
    declines={"dtype": "bool, and dtypes that F.conv2d declines on a device"},
)
def auto(
    input: Tensor,
    weight: Tensor,
    bias: Tensor | None = None,
    stride: Size = 1,
    padding: PaddingSize = 0,
    dilation: Size = 1,
    groups: int = 1,
) -> Tensor:
    """Choose and prepare the registered implementation that is fastest for the layer.

    A cost model predicts every implementation's time: for each kind of problem (pointwise, depthwise, grouped, strided
    or dilated, dense) a power law of FLOPs and elements, fitted by ridge regression to measurements on this machine.
    Those that may be faster according to the model are timed with the layer's weights, against F.conv2d. The fastest
    is chosen if it is clearly faster, otherwise F.conv2d. `convgauge bench auto` makes the measurements for the model
    once, which takes a minute; until then the choice is F.conv2d. Model and choices are kept in the user's cache
    folder (CONVGAUGE_CACHE_DIR, if set), for this machine, these versions and this number of threads.

    Only implementations that declare grade A are candidates, so that a choice never costs accuracy. A plain call has
    no layer to choose for and is F.conv2d, as are prepared layers that are small, not in float32, not on a CPU, or
    that need gradients, and calls with an input that is not contiguous. The output is always contiguous. In bfloat16
    it computes in float32, because F.conv2d gives wrong answers on some CPUs.

    Cost and workspace: those of the chosen one; `convgauge bench auto --explain` names it, with the reason. `prepare`
    takes half a second, or the time of two dozen calls, for a new problem.
    """
    problem = resolve(input, weight, bias, stride, padding, dilation, groups)
    return _conv2d(problem, input, weight, bias)


def _conv2d(problem: Problem, input: Tensor, weight: Tensor, bias: Tensor | None) -> Tensor:
    """Call F.conv2d, except if it would be wrong: for empty images or filters, and in bfloat16 on some CPUs."""
    if 0 in problem.input_shape[1:] + problem.weight_shape:
        output = input.new_zeros(problem.output_shape)
        return output if bias is None else output + bias[:, None, None]
    if problem.dtype == "bfloat16" and input.device.type == "cpu":
        wide_bias = None if bias is None else bias.float()
        return torch.conv2d(input.float(), weight.float(), wide_bias, **problem.arguments).bfloat16()
    return torch.conv2d(input, weight, bias, **problem.arguments)


@auto.prepare
def prepare(problem: Problem, weight: Tensor, bias: Tensor | None) -> Callable[[Tensor], Tensor]:
    """Return the convolution of one layer, with the implementation that is expected to be fastest."""
    weight, bias = weight.detach().clone(), None if bias is None else bias.detach().clone()
    if weight.device.type != "cpu" or problem.dtype != "float32" or 0 in problem.input_shape + problem.weight_shape:

        def run_conv2d(input: Tensor) -> Tensor:
            check_input(problem, input)
            return _conv2d(problem, input, weight, bias)

        return run_conv2d

    stride, padding, dilation, groups = problem.stride, problem.padding, problem.dilation, problem.groups
    shape, conv2d = torch.Size(problem.input_shape), torch.conv2d  # local, for calls that take microseconds

    def plain(input: Tensor) -> Tensor:
        if input.shape != shape:
            check_input(problem, input)
        return conv2d(input, weight, bias, stride, padding, dilation, groups)

    if is_small(problem):
        return plain
    chosen = _tuner.choose(problem, weight.contiguous(), bias, torch.get_num_threads())
    if chosen is None:
        return plain

    def run(input: Tensor) -> Tensor:
        if input.shape != shape:
            check_input(problem, input)
        if not input.is_contiguous() or input.device.type != "cpu" or (input.requires_grad and torch.is_grad_enabled()):
            return plain(input)
        return chosen(input)

    return run


@auto.calibrate
def calibrate() -> None:
    """Make the measurements for the cost model if this machine has none."""
    _tuner.calibrate(torch.get_num_threads())


@auto.explain
def explain(problem: Problem) -> str:
    """Return the choice for a layer and its reason."""
    return _tuner.explain(problem, torch.get_num_threads())
