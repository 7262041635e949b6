"""Derive the layer sets: run each network on the meta device and record every convolution.

Run it in a separate environment, because the networks come from other packages::

    python -m venv derive && derive/bin/pip install torch==2.14.1 torchvision==0.29.1 diffusers==0.42.1
    derive/bin/python tools/derive_layer_sets.py [NAME ...]

The meta device computes shapes and nothing else, so no weights are needed. Shapes are facts about the published
architectures; no code and no data of them is copied. The script writes ``benchmarks/layers/NAME.toml``.
"""

from __future__ import annotations

import sys
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import torch
import torchvision
from torch import nn

sys.path.insert(0, str(Path(__file__).parents[1] / "src"))
from convgauge.layers.torch_model import convolutions

LAYERS = Path(__file__).parents[1] / "benchmarks" / "layers"
VISION = f"torchvision.models, {torchvision.__version__.split('+')[0]}"
VISION_LICENCE = "BSD-3-Clause (torchvision); the shapes are facts"


@dataclass(frozen=True)
class Network:
    """Network that is run on ``inputs``, with title, source, licence and a description of the run."""

    title: str
    source: str
    licence: str
    build: Callable[[], nn.Module]
    inputs: Callable[[], tuple[torch.Tensor, ...]]
    description: str

    def layers(self) -> list[tuple[str, int, str]]:
        """Return (problem, count, name of the first module) per distinct convolution, in the order of first calls."""
        with torch.device("meta"):
            model, inputs = self.build().eval(), self.inputs()
        return convolutions(model, inputs)


@dataclass(frozen=True)
class Collection:
    """Layer set of no single network: (problem, name) pairs, each counted once."""

    title: str
    source: str
    licence: str
    problems: Callable[[], list[tuple[str, str]]]
    description: str

    def layers(self) -> list[tuple[str, int, str]]:
        """Return (problem, 1, name) per problem."""
        return [(text, 1, name) for text, name in self.problems()]


def problem(
    input: tuple[int, ...],
    weight: tuple[int, ...],
    bias: bool = False,
    stride: tuple[int, ...] = (1, 1),
    padding: tuple[int, ...] = (0, 0),
    dilation: tuple[int, ...] = (1, 1),
    groups: int = 1,
) -> str:
    """Return the text of a problem from shapes (N, C, H, W) and (O, C / groups, KH, KW)."""
    (n, c, h, w), (o, _, kh, kw) = input, weight
    pairs = "_".join(f"{letter}{a}x{b}" for letter, (a, b) in zip("spd", (stride, padding, dilation), strict=True))
    return f"n{n}c{c}h{h}w{w}_o{o}k{kh}x{kw}_{pairs}_g{groups}{'_b' if bias else ''}_float32"


# --- networks --------------------------------------------------------------------------------------------------------


def _vision(name: str, size: int, title: str, paper: str) -> Network:
    """Return a torchvision model that is run on one square image."""
    backbone = {"weights_backbone": None} if "deeplab" in name else {}
    return Network(
        title,
        f"{VISION}: {paper}",
        VISION_LICENCE,
        lambda: torchvision.models.get_model(name, weights=None, **backbone),
        lambda: (torch.empty(1, 3, size, size),),
        f"one {size} x {size} image, inference",
    )


class UNet(nn.Module):  # type: ignore[misc]  # torch is Any to mypy
    """The U-Net of the paper: 3x3 convolutions without padding, so that each level loses four rows and columns."""

    def __init__(self) -> None:
        super().__init__()
        widths = (64, 128, 256, 512, 1024)
        self.down = nn.ModuleList([self.pair(a, b) for a, b in zip((1, *widths), widths, strict=False)])
        self.raise_ = nn.ModuleList([nn.ConvTranspose2d(2 * c, c, 2, 2) for c in widths[-2::-1]])
        self.up = nn.ModuleList([self.pair(2 * c, c) for c in widths[-2::-1]])
        self.last = nn.Conv2d(64, 2, 1)

    @staticmethod
    def pair(before: int, after: int) -> nn.Sequential:
        """Return two convolutions, each followed by a rectifier."""
        return nn.Sequential(nn.Conv2d(before, after, 3), nn.ReLU(), nn.Conv2d(after, after, 3), nn.ReLU())

    def forward(self, image: torch.Tensor) -> torch.Tensor:
        """Return the segmentation of an image."""
        skips: list[torch.Tensor] = []
        for level in self.down:
            image = level(nn.functional.max_pool2d(skips[-1], 2) if skips else image)
            skips.append(image)
        for raise_, level, skip in zip(self.raise_, self.up, skips[-2::-1], strict=True):
            image = raise_(image)
            edge = (skip.shape[-1] - image.shape[-1]) // 2
            image = level(torch.cat([skip[:, :, edge:-edge, edge:-edge], image], 1))
        return self.last(image)


def _diffusion() -> nn.Module:
    import diffusers

    return diffusers.UNet2DConditionModel(sample_size=64, cross_attention_dim=768)


def _diffusion_version() -> str:
    import importlib.metadata
    import importlib.util

    return importlib.metadata.version("diffusers") if importlib.util.find_spec("diffusers") else "not installed"


# --- collections -----------------------------------------------------------------------------------------------------


def large_kernels() -> list[tuple[str, str]]:
    """Return depthwise stages of RepLKNet-31B, SLaK and ConvNeXt, and dense kernels of 7 to 63 on 8 channels."""
    problems = []
    for channels, size, kernel in ((128, 56, 31), (256, 28, 29), (512, 14, 27), (1024, 7, 13)):
        problems.append((_depthwise(channels, size, (kernel, kernel)), f"RepLKNet-31B, {kernel}x{kernel} on {size}"))
    problems += [
        (_depthwise(96, 56, kernel), f"SLaK-T, {kernel[0]}x{kernel[1]}") for kernel in ((51, 5), (5, 51), (5, 5))
    ]
    problems.append((_depthwise(96, 56, (7, 7)), "ConvNeXt-T, 7x7"))
    for kernel in (7, 11, 15, 23, 31, 47, 63):
        text = problem((1, 8, 64, 64), (8, 8, kernel, kernel), padding=(kernel // 2,) * 2)
        problems.append((text, f"dense {kernel}x{kernel}, 8 channels"))
    return problems


def _depthwise(channels: int, size: int, kernel: tuple[int, int]) -> str:
    padding = (kernel[0] // 2, kernel[1] // 2)
    return problem((1, channels, size, size), (channels, 1, *kernel), padding=padding, groups=channels)


def image_filters() -> list[tuple[str, str]]:
    """Return gradient and blur filters on grey images, and one filter on each of three channels."""
    problems = []
    for title, (height, width) in {"512²": (512, 512), "full HD": (1080, 1920), "4K": (2160, 3840)}.items():
        grey = (1, 1, height, width)
        problems.append((problem(grey, (2, 1, 3, 3), padding=(1, 1)), f"Sobel x and y, grey {title}"))
        problems.append(
            (problem(grey, (1, 1, 1, 15), padding=(0, 7)), f"a row of a separable blur of 15, grey {title}")
        )
        for kernel in (3, 5, 15):
            text = problem((1, 3, height, width), (3, 1, kernel, kernel), padding=(kernel // 2,) * 2, groups=3)
            problems.append((text, f"{kernel}x{kernel} on each colour, {title}"))
    return problems


SETS: dict[str, Network | Collection] = {
    "alexnet": _vision("alexnet", 224, "AlexNet", "Krizhevsky 2014, arXiv:1404.5997"),
    "vgg16": _vision("vgg16", 224, "VGG-16", "Simonyan and Zisserman 2014, arXiv:1409.1556"),
    "resnet50": _vision(
        "resnet50", 224, "ResNet-50 (v1.5: the stride is on the 3x3)", "He et al. 2015, arXiv:1512.03385"
    ),
    "inception_v3": _vision("inception_v3", 299, "Inception v3", "Szegedy et al. 2015, arXiv:1512.00567"),
    "densenet121": _vision("densenet121", 224, "DenseNet-121", "Huang et al. 2016, arXiv:1608.06993"),
    "mobilenet_v2": _vision("mobilenet_v2", 224, "MobileNet v2", "Sandler et al. 2018, arXiv:1801.04381"),
    "efficientnet_b0": _vision("efficientnet_b0", 224, "EfficientNet-B0", "Tan and Le 2019, arXiv:1905.11946"),
    "convnext_tiny": _vision("convnext_tiny", 224, "ConvNeXt-T", "Liu et al. 2022, arXiv:2201.03545"),
    "deeplabv3": _vision("deeplabv3_resnet50", 520, "DeepLab v3 on ResNet-50", "Chen et al. 2017, arXiv:1706.05587"),
    "unet": Network(
        "U-Net",
        "Ronneberger et al. 2015, arXiv:1505.04597, figure 1",
        "Apache-2.0 (written for this suite from the paper); the shapes are facts",
        UNet,
        lambda: (torch.empty(1, 1, 572, 572),),
        "one 572 x 572 image, inference, the transposed convolutions left out",
    ),
    "diffusion_unet": Network(
        "U-Net of Stable Diffusion 1",
        f"diffusers.UNet2DConditionModel, {_diffusion_version()}: Rombach et al. 2021, arXiv:2112.10752",
        "Apache-2.0 (diffusers); the shapes are facts",
        _diffusion,
        lambda: (torch.empty(1, 4, 64, 64), torch.empty(1), torch.empty(1, 77, 768)),
        "one denoising step on one 64 x 64 latent (a 512 x 512 image)",
    ),
    "large_kernels": Collection(
        "Large kernels, 5 to 63",
        "Ding et al. 2022, arXiv:2203.06717; Liu et al. 2022, arXiv:2207.03620; Liu et al. 2022, arXiv:2201.03545",
        "Apache-2.0; the shapes are facts",
        large_kernels,
        "the papers' depthwise stages, and a sweep of dense kernels",
    ),
    "image_filters": Collection(
        "Image filters, 512² to 4K",
        "made for this suite: the usual filters of image processing at usual sizes",
        "Apache-2.0",
        image_filters,
        "one image in float32",
    ),
}


def toml(name: str) -> str:
    """Return the text of a layer set's file."""
    layer_set = SETS[name]
    layers = layer_set.layers()
    lines = [
        f'title = "{layer_set.title}"',
        f'source = "{layer_set.source}"',
        f'licence = "{layer_set.licence}"',
        f'derived = "python tools/derive_layer_sets.py {name}: {layer_set.description}'
        f' ({len(layers)} distinct of {sum(count for _, count, _ in layers)} convolutions)"',
    ]
    for text, count, module in layers:
        lines += ["", "[[layer]]", f'problem = "{text}"', f"count = {count}", f'name = "{module}"']
    return "\n".join(lines) + "\n"


def main(names: list[str]) -> None:
    """Write the named layer sets, or all of them."""
    for name in names or SETS:
        text = toml(name)
        (LAYERS / f"{name}.toml").write_text(text, encoding="utf-8")
        print(name, text.count("[[layer]]"))


if __name__ == "__main__":
    main(sys.argv[1:])
