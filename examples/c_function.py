"""A C function, called through ctypes.

    cc -O2 -shared -fPIC -o examples/conv2d.so examples/conv2d.c
    convgauge check examples/c_function.py:conv2d --framework numpy --tier quick

The call runs in a separate process. An index past the end of an array is therefore a crash that is reported with its
problem, and the check continues. The variable CONV2D_LIBRARY names a library in another place.
"""

import ctypes
import os
from pathlib import Path

import numpy as np

from convgauge.arguments import resolve

library = ctypes.CDLL(os.environ.get("CONV2D_LIBRARY", Path(__file__).with_name("conv2d.so")))
library.conv2d.restype = None
library.conv2d.argtypes = [ctypes.c_void_p] * 5


def conv2d(input, weight, bias=None, stride=1, padding=0, dilation=1, groups=1):
    """Make the operands contiguous and aligned, and pass their addresses to C."""
    problem = resolve(input, weight, bias, stride, padding, dilation, groups, dtypes=("float32",))
    (top, _), (left, _) = problem.pads
    sizes = (*problem.input_shape, problem.out_channels, *problem.kernel, *problem.output_size)
    sizes = np.array((*sizes, *problem.stride, top, left, *problem.dilation, problem.groups), ctypes.c_long)
    output = np.empty(problem.output_shape, np.float32)
    operands = [np.require(array, np.float32, "CA") if array is not None else None for array in (input, weight, bias)]
    library.conv2d(*(None if array is None else array.ctypes.data for array in (*operands, output, sizes)))
    return output
