"""Groups: which input channels an output sees, and with which weights."""

from typing import Any

from convgauge.conformance import Judge, spec
from convgauge.problem import Problem

CONV2D = "torch.nn.functional.conv2d"

SMALL = Problem(batch=2, height=5, width=6, kernel=(3, 2), padding=(1, 1), bias=True)


def grouped(groups: int, inputs: int, outputs: int, **changes: Any) -> Problem:  # noqa: ANN401 of several types
    """Return the small problem in groups, each with the given numbers of inputs and outputs."""
    return SMALL.replace(groups=groups, in_channels=groups * inputs, out_channels=groups * outputs, **changes)


@spec("groups.blocks", source=CONV2D)
def test_outputs_of_a_group_see_its_inputs_alone(judge: Judge) -> None:
    """The g-th block of outputs sees the g-th block of inputs and no other."""
    judge.exact([grouped(g, i, o) for g in (2, 3, 4) for i in (1, 2, 3) for o in (1, 2, 3)])


@spec("groups.neither_dense_nor_depthwise", source=CONV2D)
def test_groups_of_several_inputs_and_outputs(judge: Judge) -> None:
    """Groups of several inputs and several outputs each, as many or more or fewer, are neither dense nor depthwise."""
    judge.exact(
        [
            grouped(g, i, o, kernel=kernel)
            for g, i, o in [(2, 2, 2), (2, 3, 2), (2, 2, 5), (3, 2, 4), (4, 3, 2), (2, 4, 8), (8, 4, 4), (5, 7, 3)]
            for kernel in [(3, 3), (1, 1), (2, 3)]
        ]
    )


@spec("groups.depthwise", source=CONV2D)
def test_depthwise(judge: Judge) -> None:
    """With as many groups as channels, each output is one channel filtered."""
    judge.exact(
        [
            grouped(c, 1, 1, kernel=kernel, stride=stride)
            for c in (2, 3, 4, 8, 16)
            for kernel in [(3, 3), (1, 1), (2, 3), (5, 5)]
            for stride in [(1, 1), (2, 2)]
        ]
    )


@spec("groups.depthwise_multiplier", source=CONV2D)
def test_depthwise_with_several_outputs_a_channel(judge: Judge) -> None:
    """With m outputs for each channel, outputs m c to m c + m - 1 are those of channel c."""
    judge.exact(
        [
            grouped(c, 1, m, kernel=kernel, stride=stride)
            for c, m in [(2, 2), (3, 2), (2, 3), (4, 4), (5, 3), (8, 2), (16, 2), (3, 8)]
            for kernel in [(3, 3), (1, 1), (3, 2)]
            for stride in [(1, 1), (2, 1)]
        ]
    )


@spec("groups.many_to_one", source=CONV2D)
def test_one_output_a_group(judge: Judge) -> None:
    """Groups may have several inputs and a single output each."""
    judge.exact(
        [grouped(g, i, 1, kernel=kernel) for g in (2, 3, 4, 7) for i in (2, 3, 5, 8) for kernel in [(3, 3), (1, 1)]]
    )


@spec(
    "groups.sixteen_of_three",
    source="Xie, Girshick, Dollár, Tu and He 2017, Aggregated residual transformations; releases of OpenCV's dnn",
)
def test_sixteen_outputs_of_three_inputs(judge: Judge) -> None:
    """Groups of 16 outputs of 3 inputs, and others that fill a vector register unevenly, are right."""
    uneven = [(2, 3, 16), (4, 3, 16), (2, 3, 8), (3, 5, 16), (2, 16, 3), (2, 17, 4), (4, 4, 16), (2, 12, 20)]
    judge.exact([grouped(g, i, o, kernel=kernel) for g, i, o in uneven for kernel in [(3, 3), (1, 1)]])


@spec("groups.depthwise_stride_two", source="Sandler, Howard, Zhu, Zhmoginov and Chen 2018, MobileNetV2")
def test_depthwise_stride_two_with_few_and_many_channels(judge: Judge) -> None:
    """Depthwise kernels with stride 2 are right from few to many channels, at every parity of height and width."""
    judge.exact(
        [
            grouped(c, 1, 1, height=h, width=w, kernel=(k, k), stride=(2, 2), padding=(k // 2, k // 2))
            for c in (8, 15, 16, 17, 24, 32, 33)
            for h, w in [(7, 7), (8, 8), (7, 10)]
            for k in (3, 5)
        ]
    )


@spec("groups.many", source=CONV2D)
def test_many_groups(judge: Judge) -> None:
    """There may be many groups, more than rows, columns or images."""
    judge.exact(
        [
            grouped(g, i, o, height=3, width=4, kernel=(2, 2))
            for g in (31, 32, 33, 64, 65, 100, 129)
            for i, o in [(1, 1), (2, 1), (1, 2), (2, 3)]
        ]
    )


@spec("groups.batch", source=CONV2D)
def test_groups_of_every_image(judge: Judge) -> None:
    """Every image of the batch is grouped in the same way, with fewer, as many and more images than groups."""
    judge.exact([grouped(g, i, o, batch=n) for g in (2, 3, 4) for i, o in [(1, 1), (2, 3)] for n in (1, 2, 3, 4, 5)])


@spec("groups.without_bias", source=CONV2D)
def test_groups_without_bias(judge: Judge) -> None:
    """Grouping means the same with and without bias and padding."""
    judge.exact(
        [
            grouped(g, i, o, bias=bias, padding=padding)
            for g, i, o in [(2, 1, 1), (2, 2, 2), (3, 2, 1), (4, 1, 3)]
            for bias in (False, True)
            for padding in [(0, 0), (1, 0), (2, 2)]
        ]
    )
