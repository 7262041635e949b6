"""Tests of layer sets: their files, their published figures, and the messages on bad ones."""

from __future__ import annotations

from pathlib import Path

import pytest

from convgauge.layers import sets
from convgauge.race import BenchError

DISTINCT = {
    "alexnet": (5, 5),
    "vgg16": (9, 13),
    "resnet50": (23, 53),
    "inception_v3": (43, 94),
    "densenet121": (66, 120),
    "mobilenet_v2": (30, 52),
    "efficientnet_b0": (46, 81),
    "convnext_tiny": (8, 22),
    "deeplabv3": (30, 61),
}


@pytest.mark.parametrize("name", sets.names())
def test_every_set_reads_and_has_its_provenance(name: str) -> None:
    layer_set = sets.load(name)
    assert layer_set.name == name
    assert layer_set.title
    assert layer_set.source
    assert layer_set.licence
    assert layer_set.derived
    problems = [layer.problem for layer in layer_set.layers]
    assert len(set(problems)) == len(problems)
    assert all(layer.name for layer in layer_set.layers)


@pytest.mark.parametrize("name", DISTINCT)
def test_networks_have_as_many_convolutions_as_published(name: str) -> None:
    layer_set = sets.load(name)
    assert (len(layer_set.layers), layer_set.calls) == DISTINCT[name]


def test_resnet50_makes_four_billion_products() -> None:
    """4.09 billion in its convolutions: He et al. 2015, table 1, give 3.8 for the stride on the 1x1; v1.5 has more."""
    layer_set = sets.load("resnet50")
    assert sum(layer.problem.flops * layer.count for layer in layer_set.layers) / 2e9 == pytest.approx(4.09, abs=0.01)


@pytest.mark.parametrize(
    ("name", "published", "dense"),
    [
        ("alexnet", 0.71, 9216 * 4096 + 4096 * 4096 + 4096 * 1000),
        ("vgg16", 15.47, 25088 * 4096 + 4096 * 4096 + 4096 * 1000),
        ("resnet50", 4.09, 2048 * 1000),
        ("inception_v3", 5.71, 2048 * 1000),
        ("densenet121", 2.83, 1024 * 1000),
        ("mobilenet_v2", 0.30, 1280 * 1000),
        ("efficientnet_b0", 0.39, 1280 * 1000),
    ],
)
def test_products_are_those_that_torchvision_publishes(name: str, published: float, dense: int) -> None:
    """Billions of products by its model cards; ``dense`` of them in fully connected layers."""
    products = sum(layer.problem.flops * layer.count for layer in sets.load(name).layers) // 2
    assert (products + dense) / 1e9 == pytest.approx(published, rel=0.02)


@pytest.mark.parametrize(
    ("descriptor", "text", "count", "name"),
    [
        ('mb1ic64ih56oc64oh56kh3ph1n"res2a*3"', "n1c64h56w56_o64k3x3_s1x1_p1x1_d1x1_g1_float32", 3, "res2a"),
        ("ic17oc17_ih8oh4kh1ph0sh2", "n2c17h8w8_o17k1x1_s2x2_p0x0_d1x1_g1_float32", 1, ""),
        ("g32mb4ic32ih28iw30oc32kh3kw5dh1ph2pw4", "n4c32h28w30_o32k3x5_s1x1_p2x4_d2x2_g32_float32", 1, ""),
        ("mb1_ic3ih224oc64oh112kh7sh2_nconv1", "n1c3h224w224_o64k7x7_s2x2_p3x3_d1x1_g1_float32", 1, "conv1"),
        ("ic16ih7oc32kh3", "n2c16h7w7_o32k3x3_s1x1_p0x0_d1x1_g1_float32", 1, ""),
        ("ic3ih227oc96oh55kh11sh4", "n2c3h227w227_o96k11x11_s4x4_p0x0_d1x1_g1_float32", 1, ""),
        ("ic1ih9oc1oh9kh3dh2", "n2c1h9w9_o1k3x3_s1x1_p3x3_d3x3_g1_float32", 1, ""),
        (
            "ic4id1ih9iw8_g2mb3_oc6od1oh4ow3_kd1kh3kw2_sd1sh2sw3_pd0ph0pw1_dd0dh0dw0_nsome_name",
            "n3c4h9w8_o6k3x2_s2x3_p0x1_d1x1_g2_float32",
            1,
            "some_name",
        ),
    ],
)
def test_benchdnns_descriptors_are_read(descriptor: str, text: str, count: int, name: str) -> None:
    (layer,) = sets.load(descriptor).layers
    assert (str(layer.problem), layer.count, layer.name) == (text, count, name)


@pytest.mark.parametrize(
    ("descriptor", "message"),
    [
        ("mb1ic3id8ih8oc4kh3", "three-dimensional"),
        ("mb1ic3ih8oc4kd3kh3", "kd3 makes it three-dimensional"),
        ("mb1ic3oc4kh3", "neither ih nor iw"),
        ("mb1ic3ic3ih8oc4kh3", "ic stands twice"),
        ("mb1ic3ih8kh3", "has no oc"),
        ("mb1ic3ih8oc4kh3qq7", "'qq7'"),
        ("mb1ic3ih8oc4oh9kh3ph0", "no even padding"),
    ],
)
def test_a_bad_descriptor_is_refused(descriptor: str, message: str) -> None:
    with pytest.raises(BenchError, match=message):
        sets.load(descriptor)


def test_a_file_may_list_problems(tmp_path: Path) -> None:
    path = tmp_path / "shapes_mine"
    path.write_text("# mine\n--reset\nmb1ic8ih8oc8kh3ph1\n\nn1c8h8w8_o8k3x3_s1x1_p1x1_d1x1_g1_float32\n")
    assert len({str(layer.problem) for layer in sets.load(str(path)).layers}) == 1
    path.write_text("n1c8h8\n")
    with pytest.raises(BenchError, match="line 1: problem 'n1c8h8'"):
        sets.load(str(path))
    path.write_text("# nothing\n")
    with pytest.raises(BenchError, match="no problem in it"):
        sets.load(str(path))


def test_problems_may_be_given_as_they_are() -> None:
    text = "n1c8h16w16_o8k3x3_s1x1_p1x1_d1x1_g1_float32"
    layer_set = sets.load(f"{text}, {text.replace('h16', 'h15')}")
    assert [str(layer.problem) for layer in layer_set.layers] == [text, text.replace("h16", "h15")]


@pytest.mark.parametrize(
    ("content", "message"),
    [
        ("", "no \\[\\[layer\\]\\]"),
        ("layer = 3", "no \\[\\[layer\\]\\]"),
        ("[[layer]]\ncount = 2", "layer 1: has no problem"),
        ('[[layer]]\nproblem = "n1"', "layer 1: problem 'n1'"),
        ('[[layer]]\nproblem = "n1c8h1w1_o8k3x3_s1x1_p0x0_d1x1_g1_float32"', "layer 1: the kernel covers"),
        ('[[layer]]\nproblem = "n1c8h8w8_o8k3x3_s1x1_p0x0_d1x1_g1_float32"\ncount = 0', "count = 0"),
        ("[[layer", "Expected"),
    ],
)
def test_a_bad_file_is_named_with_what_is_wrong(tmp_path: Path, content: str, message: str) -> None:
    path = tmp_path / "mine.toml"
    path.write_text(content)
    with pytest.raises(BenchError, match=message) as error:
        sets.load(str(path))
    assert "mine.toml" in str(error.value)


def test_an_unknown_set_lists_near_ones() -> None:
    with pytest.raises(BenchError, match="did you mean mobilenet_v2"):
        sets.load("mobilenet")
    with pytest.raises(BenchError, match=r"there are: .*resnet50"):
        sets.load("qqqqq")
    with pytest.raises(BenchError, match="No such file"):
        sets.load("nowhere/mine.toml")


MODEL = """
import torch
from torch import nn

print("noise")


def plain():
    inner = nn.Sequential(nn.Conv2d(3, 8, 3, stride=2, padding=1), nn.ReLU(), nn.Conv2d(8, 8, 3, padding=1, bias=False))
    last = nn.Conv2d(4, 4, 5, groups=2)
    return nn.Sequential(inner, inner[2], nn.ConvTranspose2d(8, 4, 2), nn.AdaptiveAvgPool2d(8), last)


def with_input():
    return nn.Conv2d(1, 2, (1, 3), dilation=2), (torch.zeros(2, 1, 9, 9, dtype=torch.float32),)


def along_a_line():
    return nn.Conv1d(1, 1, 3), (torch.zeros(1, 1, 9),)


def no_model():
    return 3


def ends():
    import os
    os._exit(7)
"""


def test_a_models_layers_are_read_without_weights(tmp_path: Path) -> None:
    pytest.importorskip("torch")
    path = tmp_path / "mine.py"
    path.write_text(MODEL)
    layer_set = sets.load(f"{path}:plain")
    assert [(str(layer.problem), layer.count, layer.name) for layer in layer_set.layers] == [
        ("n1c3h224w224_o8k3x3_s2x2_p1x1_d1x1_g1_b_float32", 1, "0.0"),
        ("n1c8h112w112_o8k3x3_s1x1_p1x1_d1x1_g1_float32", 2, "0.2"),
        ("n1c4h8w8_o4k5x5_s1x1_p0x0_d1x1_g2_b_float32", 1, "4"),
    ]
    assert (layer_set.name, layer_set.calls) == ("plain", 4)
    (layer,) = sets.load(f"{path}:with_input").layers
    assert str(layer.problem) == "n2c1h9w9_o2k1x3_s1x1_p0x0_d2x2_g1_b_float32"


@pytest.mark.parametrize(
    ("function", "message"),
    [
        ("along_a_line", "no 2-D convolution"),
        ("no_model", "returned int, not a torch.nn.Module"),
        ("missing", "missing"),
        ("ends", "exit status 7"),
    ],
)
def test_a_model_that_gives_no_layers_says_why(tmp_path: Path, function: str, message: str) -> None:
    pytest.importorskip("torch")
    path = tmp_path / "mine.py"
    path.write_text(MODEL)
    with pytest.raises(BenchError, match=message):
        sets.load(f"{path}:{function}")


def test_a_model_in_a_file_that_is_not_there_is_refused(tmp_path: Path) -> None:
    with pytest.raises(BenchError, match=r"mine\.py:model"):
        sets.load(f"{tmp_path}/mine.py:model")
