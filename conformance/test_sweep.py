"""Sweeps: every size in turn through all small values and around powers of two, the others small.

Tiles and blocks fail at remainders, and index types at their limits. Both depend more often on one size than on
several, so that the others may be small. A size takes the values from 1 to 70 (20 at quick), and thus every remainder
by 64 and less, and the neighbours of larger powers of two.
"""

from collections.abc import Callable
from typing import Any

from convgauge.conformance import Judge, spec
from convgauge.conformance.size_sweeps import in_turn, is_thorough, sizes
from convgauge.problem import Problem

CONV2D = "torch.nn.functional.conv2d"
GEORGANAS = "Georganas et al. 2018, Anatomy of high-performance deep learning convolutions on SIMD architectures"

PLANE = Problem(batch=1, in_channels=1, height=4, width=5, out_channels=2, bias=True)
KINDS = [
    PLANE.replace(kernel=(3, 3), padding=(1, 1)),
    PLANE.replace(kernel=(1, 1), in_channels=2),
    PLANE.replace(kernel=(3, 3), padding=(1, 1), stride=(2, 2)),
    PLANE.replace(kernel=(3, 3), padding=(1, 1), in_channels=4, out_channels=4, groups=4),
    PLANE.replace(kernel=(5, 5), padding=(2, 2)),
    PLANE.replace(kernel=(3, 3)),
    PLANE.replace(kernel=(2, 2), stride=(2, 2)),
    PLANE.replace(kernel=(3, 3), padding=(2, 2), dilation=(2, 2)),
]
"""Kinds of convolution for which libraries have specialized kernels; each is swept."""


@spec("sweep.height", source=CONV2D)
def test_every_height(judge: Judge) -> None:
    """Every height is covered to its last row."""
    judge.exact(in_turn(judge, KINDS[:1], "height", sizes(judge)))


@spec("sweep.height.kinds", source=CONV2D)
def test_every_height_in_every_kind(judge: Judge) -> None:
    """Every height is covered by pointwise, depthwise, strided, dilated and large kernels."""
    judge.exact(in_turn(judge, KINDS[1:], "height", sizes(judge)))


@spec("sweep.width", source=CONV2D)
def test_every_width(judge: Judge) -> None:
    """Every width is covered to its last column."""
    judge.exact(in_turn(judge, KINDS[:1], "width", sizes(judge)))


@spec("sweep.width.kinds", source=CONV2D)
def test_every_width_in_every_kind(judge: Judge) -> None:
    """Every width is covered by pointwise, depthwise, strided, dilated and large kernels."""
    judge.exact(in_turn(judge, KINDS[1:], "width", sizes(judge)))


@spec("sweep.squares", source=CONV2D)
def test_squares(judge: Judge) -> None:
    """Square images of every size are covered to their last corner."""
    squares = [kind.replace(height=n, width=n) for n in sizes(judge, 70) for kind in KINDS[:1]]
    larger = [kind.replace(height=n, width=n) for n in (14, 28, 56) for kind in KINDS[1:]]
    judge.exact([*squares, *larger])


@spec("sweep.batch", source=CONV2D)
def test_every_batch(judge: Judge) -> None:
    """Batches of every size are covered to the last image, and every image by itself."""
    tiny = [kind.replace(height=3, width=4) for kind in KINDS[:4]]
    judge.exact(in_turn(judge, tiny, "batch", sizes(judge, 257)))


CHANNELED = [
    Problem(height=4, width=5, out_channels=2, kernel=(3, 3), padding=(1, 1), bias=True),
    Problem(height=3, width=3, out_channels=3, kernel=(1, 1), bias=True),
    Problem(height=5, width=4, out_channels=2, kernel=(3, 3), stride=(2, 2), bias=True),
    Problem(batch=2, height=2, width=3, out_channels=2, kernel=(2, 2)),
]


@spec("sweep.in_channels", source=CONV2D)
def test_every_number_of_input_channels(judge: Judge) -> None:
    """Input channels of every number are added up to the last one."""
    judge.exact(in_turn(judge, CHANNELED, "in_channels", sizes(judge)))


@spec("sweep.out_channels", source=CONV2D)
def test_every_number_of_output_channels(judge: Judge) -> None:
    """Output channels of every number are computed to the last one, each with its own filter."""
    judge.exact(
        in_turn(judge, [p.replace(in_channels=2, out_channels=1) for p in CHANNELED], "out_channels", sizes(judge))
    )


@spec("sweep.groups", keeps=("groups",), source=CONV2D)
def test_every_number_of_groups(judge: Judge) -> None:
    """Groups of every number are computed to the last one: depthwise, with a multiplier, and of several channels."""
    base = Problem(height=3, width=4, padding=(1, 1), bias=True)
    each = [(1, 1, (3, 3)), (1, 2, (2, 2)), (2, 1, (1, 1)), (2, 3, (3, 2))]
    judge.exact(
        [
            base.replace(kernel=kernel, groups=g, in_channels=g * i, out_channels=g * o)
            for index, g in enumerate(sizes(judge, 257))
            for i, o, kernel in (each if is_thorough(judge) else [each[index % len(each)]])
        ]
    )


@spec("sweep.channels_of_a_group", keeps=("groups",), source=CONV2D)
def test_every_number_of_channels_in_a_group(judge: Judge) -> None:
    """Groups of every number of inputs, and of every number of outputs, are computed to the last one."""
    values = sizes(judge, 40)
    base = Problem(height=3, width=4, kernel=(3, 2), padding=(1, 0), bias=True)
    judge.exact(
        [
            p
            for n in values
            for p in (
                base.replace(in_channels=2 * n, out_channels=4, groups=2),
                base.replace(in_channels=4, out_channels=2 * n, groups=2),
            )
        ]
    )


@spec("sweep.depthwise", keeps=("groups",), source=CONV2D)
def test_every_number_of_depthwise_channels(judge: Judge) -> None:
    """Depthwise kernels of 3 and 5 with stride 1 and 2 are right in every number of channels."""
    kinds = [
        (kernel, stride, padding)
        for kernel, padding in (((3, 3), (1, 1)), ((5, 5), (2, 2)), ((3, 3), (0, 0)))
        for stride in ((1, 1), (2, 2))
    ]
    judge.exact(
        [
            Problem(
                height=5,
                width=6,
                groups=c,
                in_channels=c,
                out_channels=c,
                kernel=kernel,
                stride=stride,
                padding=padding,
            )
            for index, c in enumerate(sizes(judge, 129))
            for kernel, stride, padding in (kinds if is_thorough(judge) else [kinds[index % len(kinds)]])
        ]
    )


def fitted(kernel: tuple[int, int], more: tuple[int, int], base: Problem = PLANE, **changes: Any) -> Problem:  # noqa: ANN401 of several types
    """Return a problem whose input is ``more`` rows and columns larger than its kernel."""
    return base.replace(height=kernel[0] + more[0], width=kernel[1] + more[1], kernel=kernel, **changes)


@spec("sweep.kernel.rows", source=CONV2D)
def test_every_kernel_height(judge: Judge) -> None:
    """Kernels of 1 to 31 rows and few columns are right, with and without padding."""
    judge.exact(
        [
            p
            for k in range(1, 32)
            for p in (fitted((k, 1 + k % 3), (2, 3)), PLANE.replace(height=6, kernel=(k, 1), padding=(k // 2, 0)))
        ]
    )


@spec("sweep.kernel.columns", source=CONV2D)
def test_every_kernel_width(judge: Judge) -> None:
    """Kernels of 1 to 31 columns and few rows are right, with and without padding."""
    judge.exact(
        [
            p
            for k in range(1, 32)
            for p in (fitted((1 + k % 3, k), (3, 2)), PLANE.replace(width=6, kernel=(1, k), padding=(0, k // 2)))
        ]
    )


@spec("sweep.kernel.squares", source=CONV2D)
def test_every_square_kernel(judge: Judge) -> None:
    """Square kernels of 1 to 31 are right, as large as the input, smaller, and reaching into the padding."""
    kernels = [(k, k) for k in range(1, 32)]
    judge.exact(
        [
            *(fitted(k, (k[0] % 3, 1)) for k in kernels),
            *(PLANE.replace(height=4, width=5, kernel=k, padding=(k[0] // 2, k[0] // 2)) for k in kernels[::3]),
            *(fitted(k, (3, 2), stride=(2, 2), in_channels=2) for k in kernels if is_thorough(judge)),
        ]
    )


@spec("sweep.kernel.grouped", keeps=("groups",), source=CONV2D)
def test_every_kernel_in_groups(judge: Judge) -> None:
    """Kernels of every size up to 13 are right in groups and depthwise, with stride 1 and 2."""
    grouped = [PLANE.replace(in_channels=4, out_channels=4, groups=g) for g in (2, 4)]
    judge.exact(
        [
            fitted((k, 1 + (k + i) % 13), (3, 4), base, stride=stride)
            for k in range(1, 14)
            for i, base in enumerate(grouped)
            for stride in ((1, 1), (2, 2))
        ]
    )


@spec("sweep.stride", keeps=("stride",), source=CONV2D)
def test_every_stride(judge: Judge) -> None:
    """Strides of every size along either axis are right, one, two and three steps far."""
    judge.exact(
        by_size(
            judge,
            lambda s: PLANE.replace(height=2 * s + 1 + s % 3, kernel=(2, 2), stride=(s, 1)),
            lambda s: PLANE.replace(width=2 * s + 2, kernel=(2, 1), stride=(1, s)),
            lambda s: PLANE.replace(height=s + 3, width=3 * s, kernel=(3, 3), padding=(1, 1), stride=(s, s)),
        )
    )


@spec("sweep.dilation", keeps=("dilation",), source=CONV2D)
def test_every_dilation(judge: Judge) -> None:
    """Dilations of every size along either axis are right, inside the input and reaching into the padding."""
    judge.exact(
        by_size(
            judge,
            lambda d: PLANE.replace(height=2 * d + 3, kernel=(3, 2), dilation=(d, 1)),
            lambda d: PLANE.replace(width=2 * d + 2, kernel=(2, 3), dilation=(1, d)),
            lambda d: PLANE.replace(height=d, width=d + 1, kernel=(3, 3), padding=(d, d), dilation=(d, d)),
        )
    )


@spec("sweep.padding", keeps=("padding",), source=CONV2D)
def test_every_padding(judge: Judge) -> None:
    """Padding of every size along either axis is right, far beyond the kernel's and the input's size."""
    judge.exact(
        by_size(
            judge,
            lambda n: PLANE.replace(in_channels=2, kernel=(2 * n, 2), padding=(n, 0)),
            lambda n: PLANE.replace(in_channels=2, kernel=(2, 2 * n), padding=(0, n)),
            lambda n: PLANE.replace(kernel=(n + 1, 2), padding=(n, 1), stride=(2, 1)),
        )
    )


def by_size(judge: Judge, *functions: Callable[[int], Problem]) -> list[Problem]:
    """Return the problem of each function for each size up to 129.

    If it is not thorough, every other size is left out, and the last function.
    """
    if is_thorough(judge):
        return [make(size) for size in sizes(judge, 129) for make in functions]
    return [make(size) for size in sizes(judge, 129)[::2] for make in functions[:-1]]


@spec("sweep.reduction", source=CONV2D)
def test_long_reductions(judge: Judge) -> None:
    """Thousands of products are added up for an output, from channels, from the kernel, and from both."""
    long = [
        (512, (3, 3)),
        (1025, (2, 2)),
        (2049, (1, 1)),
        (4100, (1, 1)),
        (64, (15, 15)),
        (300, (1, 31)),
        (130, (31, 1)),
    ]
    dense = [fitted(kernel, (1, 1), out_channels=3, in_channels=c) for c, kernel in long]
    groups = [fitted((3, 3), (1, 2), groups=2, in_channels=2 * c, out_channels=4) for c in (128, 257, 500)]
    judge.exact([*dense, *groups])


@spec("sweep.pointwise_channels", source=CONV2D)
def test_pointwise_channels(judge: Judge) -> None:
    """1 x 1 kernels multiply matrices of every remainder of rows, columns and terms."""
    values = [1, 3, 4, 7, 8, 9, 15, 16, 17, 31, 32, 33, 63, 64, 65]
    judge.exact(
        [
            Problem(
                height=1 + i % 5,
                width=values[(i + shift) % len(values)] % 20 + 1,
                in_channels=c,
                out_channels=o,
                bias=True,
            )
            for shift in (range(len(values)) if is_thorough(judge) else (2, 7))
            for i, c in enumerate(values)
            for o in [values[(i * 4 + shift) % len(values)]]
        ]
    )


@spec("sweep.blocks", source=GEORGANAS)
def test_channels_in_whole_blocks(judge: Judge) -> None:
    """Channels in whole blocks of 16 and more, for which libraries have their fastest kernels, are all right."""
    pairs = [(16, 16), (32, 64), (64, 64), (64, 48), (128, 32), (32, 128), (96, 80), (17, 64), (64, 33)]
    base = Problem(batch=1, height=5, width=6, kernel=(3, 3), padding=(1, 1), bias=True)
    depthwise = [
        Problem(height=15, width=18, in_channels=c, out_channels=c, groups=c, kernel=(3, 3), padding=(1, 1), stride=s)
        for c in (32, 64)
        for s in ((1, 1), (2, 2))
    ]
    judge.exact(
        [
            *(base.replace(in_channels=c, out_channels=o) for c, o in pairs),
            *(base.replace(in_channels=c, out_channels=o, kernel=(1, 1), padding=(0, 0)) for c, o in pairs),
            *(base.replace(in_channels=c, out_channels=o, stride=(2, 2)) for c, o in pairs[:4]),
            *(base.replace(in_channels=c, out_channels=c, groups=c // 16) for c in (32, 64)),
            *depthwise,
        ]
    )


@spec("sweep.tiles", source="Lavin and Gray 2016, Fast algorithms for convolutional neural networks")
def test_images_of_several_tiles(judge: Judge) -> None:
    """Images of several tiles along both axes are right at the seams, with small kernels and with large ones."""
    image = PLANE.replace(height=70, width=66, out_channels=1)
    judge.exact(
        [
            image.replace(kernel=(3, 3), padding=(1, 1)),
            image.replace(kernel=(5, 5), stride=(3, 3), padding=(2, 2)),
            image.replace(kernel=(3, 3), dilation=(4, 4), padding=(4, 4)),
            image.replace(kernel=(9, 9), padding=(4, 4), width=51),
            image.replace(kernel=(13, 12), height=50),
            image.replace(kernel=(31, 31), height=64, width=52),
            image.replace(kernel=(7, 7), stride=(2, 2), padding=(3, 3), in_channels=3, out_channels=2),
            image.replace(kernel=(3, 3), padding=(1, 1), in_channels=16, out_channels=16, height=33, width=35),
            image.replace(kernel=(2, 4), in_channels=4, out_channels=3, batch=2, height=34, width=41),
            image.replace(kernel=(1, 1), in_channels=24, out_channels=20, height=30, width=37),
            image.replace(kernel=(1, 1), in_channels=20, out_channels=24, height=57, width=61, stride=(2, 2)),
            image.replace(kernel=(3, 3), padding=(1, 1), in_channels=8, out_channels=8, groups=8, height=67, width=61),
            image.replace(kernel=(5, 3), padding=(2, 1), in_channels=8, out_channels=4, groups=2, height=37, width=45),
        ]
    )


WHOLE = ("float32", "float64")  # index types do not depend on the dtype, so two of different widths are enough


@spec("sweep.planes", keeps=("large",), source=CONV2D, dtypes=WHOLE, quick=("float32",))
def test_planes_of_more_than_sixteen_bits(judge: Judge) -> None:
    """Images of more than 65,536 pixels, square or in one row or column, are covered to the last."""
    single = PLANE.replace(out_channels=1)
    judge.exact(
        [
            single.replace(height=257, width=257, kernel=(3, 3), padding=(1, 1)),
            single.replace(height=1, width=70_000, kernel=(1, 3)),
            single.replace(height=70_000, width=1, kernel=(3, 1)),
            single.replace(height=1, width=33_000, kernel=(1, 2), stride=(1, 2)),
            single.replace(height=2, width=2, kernel=(2, 2), padding=(130, 130)),
            single.replace(height=300, width=300, kernel=(2, 2), stride=(2, 2)),
        ]
    )  # fmt: skip


@spec("sweep.volumes", source=CONV2D, dtypes=WHOLE, quick=("float32",))
def test_operands_of_more_than_sixteen_bits(judge: Judge) -> None:
    """Inputs, weights and outputs of more than 65,536 elements in total are covered to the last."""
    judge.exact(
        [
            Problem(in_channels=130, height=24, width=24, kernel=(1, 1), bias=True),
            Problem(out_channels=130, height=24, width=24, kernel=(1, 1), bias=True),
            Problem(batch=70, height=32, width=32, kernel=(2, 2)),
            Problem(in_channels=260, out_channels=260, height=1, width=2, kernel=(1, 1), bias=True),
            Problem(in_channels=520, out_channels=520, groups=260, height=12, width=12, kernel=(2, 2)),
        ]
    )


@spec("sweep.thousands", keeps=("large",), source=CONV2D, dtypes=WHOLE)
def test_a_thousand_of_everything(judge: Judge) -> None:
    """More than a thousand images, channels, groups, rows and columns are covered to the last."""
    columns = 34 if judge.setting.tier == "quick" else 1030  # so that loops over the pixels in plain Python end in time
    judge.exact(
        [
            Problem(batch=1025, in_channels=2, height=3, width=3, kernel=(2, 2), bias=True),
            Problem(in_channels=1500, height=2, width=2, kernel=(2, 1), bias=True),
            Problem(out_channels=1500, in_channels=2, height=2, width=3, kernel=(1, 2), bias=True),
            Problem(in_channels=1100, out_channels=1100, groups=1100, height=3, width=3, kernel=(3, 3), padding=(1, 1)),
            Problem(height=1030, width=columns, kernel=(1, 1), bias=True),
            Problem(height=2050, width=3, kernel=(3, 3), padding=(1, 1), bias=True),
            Problem(height=3, width=4099, kernel=(3, 3), padding=(1, 1), bias=True),
        ]
    )


@spec("sweep.megabytes", source=CONV2D, dtypes=("float32",))
def test_operands_of_megabytes(judge: Judge) -> None:
    """Weights of more than a megabyte, and inputs of more than eight, are read to the last element."""
    cases = [Problem(in_channels=257, out_channels=128, height=3, width=3, kernel=(3, 3), bias=True)]
    if judge.setting.tier != "quick":  # few outputs, so that loops in plain Python end in time
        cases.append(Problem(in_channels=512, out_channels=515, height=3, width=3, kernel=(3, 3)))
        cases.append(Problem(in_channels=3, height=841, width=841, kernel=(1, 1), stride=(40, 40), bias=True))
        cases.append(Problem(batch=2100, in_channels=8, height=12, width=12, kernel=(2, 2), stride=(10, 10)))
    judge.exact(cases)


@spec(
    "sweep.millions",
    source=CONV2D,
    dtypes=("float32",),
    no_mutant_because="it runs only at exhaustive, because its operands take hundreds of megabytes",
)
def test_more_elements_than_a_float_counts(judge: Judge) -> None:
    """More than 2^24 input or output elements are addressed: an index stored in float32 no longer counts them."""
    if judge.setting.tier != "exhaustive":
        judge.skip("at exhaustive, as the operands take hundreds of megabytes")
    judge.exact(
        [
            Problem(height=4200, width=4001, kernel=(2, 2), stride=(3, 7)),
            Problem(height=5, width=3_400_000),
            Problem(height=2100, width=2003, out_channels=4, bias=True),
        ]
    )


@spec("sweep.together", source=CONV2D)
def test_sizes_together(judge: Judge) -> None:
    """Remainders of several sizes at once, of rows, columns, channels and filters, are all covered."""
    few = [1, 3, 4, 5, 7, 8, 9, 12, 15, 16, 17, 20]
    count = 300 if is_thorough(judge) else 40
    table = []
    for i in range(count):
        kind = KINDS[i % len(KINDS)]
        groups = kind.groups
        table.append(
            kind.replace(
                height=max(3, few[(i * 7 + i // 12) % 12]),
                width=max(3, few[(i * 5 + i // 7) % 12]),
                in_channels=groups * (few[(i * 3 + i // 5) % 12] if groups == 1 else 1 + i % 3),
                out_channels=groups * (few[(i + i // 3) % 12] if groups == 1 else 1 + i % 2),
                batch=1 + i % 2,
                bias=bool(i % 3),
            )
        )
    judge.exact(table)
