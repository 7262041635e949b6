"""The specification in the tests of a project: every spec is a test that is named by its id.

    pytest examples/test_my_kernel.py -k "padding or stride"

`conv2d` is defined at the top level of a file, so that the process that runs it can import it. Expected failures are
declared with a reason (argument ``expect``). If an expected failure passes, the test fails until its entry is removed.
"""

import numpy as np

from convgauge.arguments import resolve
from convgauge.testing import parametrize_with_specs


def conv2d(input, weight, bias=None, stride=1, padding=0, dilation=1, groups=1):
    """Contract a view of the windows with the filters."""
    problem = resolve(input, weight, bias, stride, padding, dilation, groups, ("float32", "float64"))
    if problem.groups != 1:
        raise NotImplementedError("one group only")
    padded = np.pad(input, ((0, 0), (0, 0), *problem.pads))
    windows = np.lib.stride_tricks.sliding_window_view(padded, problem.extent, axis=(2, 3))
    (sh, sw), (dh, dw) = problem.stride, problem.dilation
    output = np.einsum("nchwij,ocij->nohw", windows[:, :, ::sh, ::sw, ::dh, ::dw], weight)
    return output if bias is None else output + bias[:, None, None]


@parametrize_with_specs(conv2d, framework="numpy", profile="functional", tier="quick")
def test_conformance(spec):
    spec()
