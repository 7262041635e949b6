"""A kernel with generated source, and with a fault in the generator.

    convgauge check examples/generated_kernel.py:conv2d --framework numpy --tier quick

The products of each output are added three at a time, and the remaining products are omitted. A 3x3 kernel has no
remaining products for any number of channels, so the usual test passes. The specification tests other kernels too. To
fix the fault, end `blocks` at ``len(taps)``.
"""

from functools import lru_cache

import numpy as np

from convgauge.arguments import resolve

UNROLL = 3


def conv2d(input, weight, bias=None, stride=1, padding=0, dilation=1, groups=1):
    """Compile a function for this shape, stride and dilation, and call it."""
    problem = resolve(input, weight, bias, stride, padding, dilation, groups, ("float32", "float64"))
    if problem.groups != 1:
        raise NotImplementedError("one group only")
    kernel = compiled(problem.in_channels, problem.kernel, problem.stride, problem.dilation, problem.output_size)
    output = np.zeros((len(weight), len(input), *problem.output_size), input.dtype)
    if bias is not None:
        output += bias[:, None, None, None]
    kernel(np.pad(input, ((0, 0), (0, 0), *problem.pads)), weight, output)
    return np.ascontiguousarray(output.swapaxes(0, 1))


@lru_cache(None)
def compiled(channels, kernel, stride, dilation, size):
    """Return the function that the generated source defines."""
    namespace = {}
    exec(generate(channels, kernel, stride, dilation, size), namespace)
    return namespace["kernel"]


def generate(channels, kernel, stride, dilation, size):
    """Return source text with one statement per block of products, for all outputs at the same time."""
    taps = [(c, i, j) for c in range(channels) for i in range(kernel[0]) for j in range(kernel[1])]
    blocks = range(0, len(taps) // UNROLL * UNROLL, UNROLL)  # the fault: the remaining taps are in no block
    lines = ["def kernel(x, w, y):", "    for o in range(len(w)):", "        pass"]
    for first in blocks:
        products = [product(*tap, stride, dilation, size) for tap in taps[first : first + UNROLL]]
        lines.append(f"        y[o] += {' + '.join(products)}")
    return "\n".join(lines)


def product(c, i, j, stride, dilation, size):
    """Return the source text of one weight times the pixels that it multiplies."""
    rows, columns = (
        f"{k * d}:{k * d + (n - 1) * s + 1}:{s}"
        for k, d, n, s in zip((i, j), dilation, size, stride, strict=True)
    )  # fmt: skip
    return f"w[o, {c}, {i}, {j}] * x[:, {c}, {rows}, {columns}]"
