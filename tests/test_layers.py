"""Layer sets: their files, their facts, and what is said of bad ones."""

from __future__ import annotations

from pathlib import Path

import pytest

from convgauge.race import BenchError, layers

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


@pytest.mark.parametrize("name", layers.names())
def test_every_set_reads_and_says_where_it_comes_from(name: str) -> None:
    found = layers.load(name)
    assert found.name == name
    assert found.title
    assert found.source
    assert found.licence
    assert found.derived
    problems = [layer.problem for layer in found.layers]
    assert len(set(problems)) == len(problems)
    assert all(layer.name for layer in found.layers)


@pytest.mark.parametrize("name", DISTINCT)
def test_networks_have_as_many_convolutions_as_published(name: str) -> None:
    found = layers.load(name)
    assert (len(found.layers), found.calls) == DISTINCT[name]


def test_resnet50_makes_four_billion_products() -> None:
    """4.09 billion in its convolutions: He et al. 2015, table 1, give 3.8 for the stride on the 1x1; v1.5 has more."""
    found = layers.load("resnet50")
    assert sum(layer.problem.flops * layer.count for layer in found.layers) / 2e9 == pytest.approx(4.09, abs=0.01)


def test_problems_may_be_given_as_they_are() -> None:
    text = "n1c8h16w16_o8k3x3_s1x1_p1x1_d1x1_g1_float32"
    found = layers.load(f"{text}, {text.replace('h16', 'h15')}")
    assert [str(layer.problem) for layer in found.layers] == [text, text.replace("h16", "h15")]


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
        layers.load(str(path))
    assert "mine.toml" in str(error.value)


def test_an_unknown_set_lists_near_ones() -> None:
    with pytest.raises(BenchError, match="did you mean mobilenet_v2"):
        layers.load("mobilenet")
    with pytest.raises(BenchError, match=r"there are: .*resnet50"):
        layers.load("qqqqq")
    with pytest.raises(BenchError, match="No such file"):
        layers.load("nowhere/mine.toml")
