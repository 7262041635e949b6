"""The textbook layer: nn.Conv2d(1, 32, kernel_size=3, stride=1, padding=1) on a 16 x 16 image."""

from convgauge.conformance import Judge, problems, spec
from convgauge.problem import Problem

LAYER = Problem(in_channels=1, height=16, width=16, out_channels=32, kernel=(3, 3), padding=(1, 1), bias=True)


@spec("example.layer", source="torch.nn.Conv2d")
def test_one_channel_becomes_thirty_two_of_the_same_size(judge: Judge) -> None:
    """A 3 x 3 kernel with padding 1 turns a 1 x 1 x 16 x 16 input into a 1 x 32 x 16 x 16 output, all of it right."""
    judge.exact(problems(LAYER, bias=[True, False], batch=[1, 2]))


@spec("example.stack", source="torch.nn.Conv2d")
def test_the_layers_behind_it(judge: Judge) -> None:
    """Further layers of a small network, on the channels of the first and at half its size, are right as well."""
    judge.exact(
        problems(LAYER, in_channels=[32], out_channels=[16, 10], height=[8, 16], width=[8, 16], stride=[(1, 1), (2, 2)])
    )
