"""Cost of a case: how long its operands take to draw, and a simple kernel to answer it."""

from __future__ import annotations

from convgauge.conformance.parameters import Parameters, output_size

FILTER_COST = 500
"""Elements that one filter of one channel stands for: a loop of Python over them calls NumPy some times, 10 µs."""
PIXEL_COST = 200
"""Elements that one pixel of the output stands for. Sweeps need images of 129 x 129, which stay below `MAX_COST`."""


def case_cost(values: Parameters) -> int:
    """Return the FLOPs of a convolution with these parameters, the elements of its input, and the cost of its loops.

    The elements are drawn too. Many kernels loop over the pairs of an output and an input channel, and many over the
    pixels of the output.
    """
    rows, columns = (max(0, size) for size in output_size(values))
    outputs = values["batch"] * values["out_channels"] * rows * columns
    elements = values["batch"] * values["in_channels"] * values["height"] * values["width"]
    filters = values["out_channels"] * (values["in_channels"] // values["groups"])
    return int(
        2 * outputs * values["kernel_h"] * values["kernel_w"] * (values["in_channels"] // values["groups"])
        + elements
        + FILTER_COST * filters
        + PIXEL_COST * rows * columns
    )
