"""The fastest of the others, chosen for each layer."""

import torch

from convgauge import implementation
from convgauge.arguments import check_input, resolve
from convgauge.auto.candidates import is_small
from convgauge.auto.tuner import Tuner

_tuner = Tuner()


@implementation(
    framework="torch",
    algorithm="choice",
    source="Frigo and Johnson 2005, The design and implementation of FFTW3 (wisdom); torch.backends.cudnn.benchmark",
    declines={"dtype": "bool, and what else F.conv2d declines on a device"},
)
def auto(input, weight, bias=None, stride=1, padding=0, dilation=1, groups=1):
    """Whichever registered implementation is fastest for the layer, chosen and packed by `prepare`.

    A cost model predicts every implementation's time: for each kind of problem (pointwise, depthwise, grouped, strided
    or dilated, dense) a power law of FLOPs and elements, fitted by ridge regression to measurements on this machine.
    Those that may be faster, as far as it can tell, are timed with the layer's weights, against F.conv2d; the fastest
    is taken where it is clearly faster, F.conv2d where none is. `convgauge bench auto` measures what the model is
    fitted to, once, which takes a minute; until then F.conv2d is taken. Model and choices are kept in the user's cache
    folder (CONVGAUGE_CACHE_DIR, if set), for this machine, these versions and this number of threads.

    Only implementations that promise grade A are chosen from, so that a choice never costs accuracy. A plain call has
    no layer to choose for and is F.conv2d, as are prepared layers that are small, not in float32, not on a CPU, or
    asked for gradients, and calls whose input is not contiguous. The output is contiguous, whoever is chosen. In
    bfloat16 it computes in float32, as F.conv2d gives wrong answers on some CPUs.

    Cost and workspace: those of the one chosen; `convgauge bench auto --explain` says which, and why. `prepare` takes
    half a second, or the time of two dozen calls, the first time it meets a problem.
    """
    problem = resolve(input, weight, bias, stride, padding, dilation, groups)
    return _plainly(problem, input, weight, bias)


def _plainly(problem, input, weight, bias):
    """F.conv2d, but for what it gets wrong: images or filters without elements, and bfloat16 on some CPUs."""
    if 0 in problem.input_shape[1:] + problem.weight_shape:
        output = input.new_zeros(problem.output_shape)
        return output if bias is None else output + bias[:, None, None]
    if problem.dtype == "bfloat16" and input.device.type == "cpu":
        wider = (one if one is None else one.float() for one in (input, weight, bias))
        return torch.conv2d(*wider, **problem.arguments).bfloat16()
    return torch.conv2d(input, weight, bias, **problem.arguments)


@auto.prepare
def prepare(problem, weight, bias):
    weight, bias = weight.detach().clone(), None if bias is None else bias.detach().clone()
    if weight.device.type != "cpu" or problem.dtype != "float32" or 0 in problem.input_shape + problem.weight_shape:
        return lambda input: check_input(problem, input) or _plainly(problem, input, weight, bias)

    arguments = (problem.stride, problem.padding, problem.dilation, problem.groups)
    shape, conv2d = torch.Size(problem.input_shape), torch.conv2d  # at hand, for calls that take microseconds

    def plain(input):
        if input.shape != shape:
            check_input(problem, input)
        return conv2d(input, weight, bias, *arguments)

    if is_small(problem):
        return plain
    chosen = _tuner.choose(problem, weight.contiguous(), bias, torch.get_num_threads())
    if chosen is None:
        return plain

    def run(input):
        if input.shape != shape:
            check_input(problem, input)
        if not input.is_contiguous() or input.device.type != "cpu" or (input.requires_grad and torch.is_grad_enabled()):
            return plain(input)
        return chosen(input)

    return run


@auto.calibrate
def calibrate():
    _tuner.calibrate(torch.get_num_threads())


@auto.explain
def explain(problem):
    return _tuner.explain(problem, torch.get_num_threads())
