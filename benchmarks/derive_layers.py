"""Derive the layer sets of real networks: run each on the meta device and note every convolution.

Run in an environment of its own, as the networks come from torchvision::

    python -m venv derive && derive/bin/pip install torch==2.14.1 torchvision==0.29.1
    derive/bin/python benchmarks/derive_layers.py [NAME ...]

The meta device computes shapes and nothing else, so no weights are needed. Shapes are facts about the published
architectures; no code or data of theirs is copied. Writes ``benchmarks/layers/NAME.toml``.
"""

from __future__ import annotations

import sys
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch
import torchvision
from torch.utils._python_dispatch import TorchDispatchMode

LAYERS = Path(__file__).with_name("layers")
LICENCE = "BSD-3-Clause (torchvision); the shapes are facts"


@dataclass(frozen=True)
class Network:
    """A torchvision model, the size of its square input, and the paper that describes it."""

    title: str
    build: Callable[[], torch.nn.Module]
    size: int
    paper: str


def _classifier(name: str, size: int, title: str, paper: str) -> Network:
    return Network(
        title,
        lambda: (
            torchvision.models.get_model(name, weights=None, weights_backbone=None)
            if "deeplab" in name
            else torchvision.models.get_model(name, weights=None)
        ),
        size,
        paper,
    )


NETWORKS = {
    "alexnet": _classifier("alexnet", 224, "AlexNet", "Krizhevsky 2014, arXiv:1404.5997"),
    "vgg16": _classifier("vgg16", 224, "VGG-16", "Simonyan and Zisserman 2014, arXiv:1409.1556"),
    "resnet50": _classifier(
        "resnet50", 224, "ResNet-50 (v1.5: the stride is on the 3x3)", "He et al. 2015, arXiv:1512.03385"
    ),
    "inception_v3": _classifier("inception_v3", 299, "Inception v3", "Szegedy et al. 2015, arXiv:1512.00567"),
    "densenet121": _classifier("densenet121", 224, "DenseNet-121", "Huang et al. 2016, arXiv:1608.06993"),
    "mobilenet_v2": _classifier("mobilenet_v2", 224, "MobileNet v2", "Sandler et al. 2018, arXiv:1801.04381"),
    "efficientnet_b0": _classifier("efficientnet_b0", 224, "EfficientNet-B0", "Tan and Le 2019, arXiv:1905.11946"),
    "convnext_tiny": _classifier("convnext_tiny", 224, "ConvNeXt-T", "Liu et al. 2022, arXiv:2201.03545"),
    "deeplabv3": _classifier(
        "deeplabv3_resnet50", 520, "DeepLab v3 on ResNet-50", "Chen et al. 2017, arXiv:1706.05587"
    ),
}


class Recorder(TorchDispatchMode):
    """Notes every 2-D convolution that runs, by the name of the module it runs in."""

    def __init__(self) -> None:
        super().__init__()
        self.module = ""
        self.found: list[tuple[str, str]] = []

    def __torch_dispatch__(self, func: Any, types: Any, args: Any = (), kwargs: Any = None) -> Any:
        output = func(*args, **(kwargs or {}))
        if func is torch.ops.aten.convolution.default:
            self.found.append((problem(*args), self.module))
        return output


def problem(input: Any, weight: Any, bias: Any, stride: Any, padding: Any, dilation: Any, *rest: Any) -> str:
    """The problem's text for the arguments of ``aten.convolution``; the rest are transposed, output padding, groups."""
    transposed, _, groups = rest
    if transposed or input.dim() != 4:
        raise NotImplementedError("a transposed or not two-dimensional convolution")
    n, c, h, w = input.shape
    o, _, kh, kw = weight.shape
    pairs = "_".join(f"{letter}{a}x{b}" for letter, (a, b) in zip("spd", (stride, padding, dilation), strict=True))
    return f"n{n}c{c}h{h}w{w}_o{o}k{kh}x{kw}_{pairs}_g{groups}{'_b' if bias is not None else ''}_float32"


def layers(network: Network) -> list[tuple[str, int, str]]:
    """(problem, how often, first module's name) of each distinct convolution, in the order of their first call."""
    with torch.device("meta"):
        model = network.build().eval()
        image = torch.empty(1, 3, network.size, network.size)
    recorder = Recorder()
    for name, module in model.named_modules():
        if isinstance(module, torch.nn.Conv2d):
            module.register_forward_pre_hook(lambda _module, _inputs, name=name: setattr(recorder, "module", name))
    with recorder, torch.no_grad():
        model(image)
    counts = Counter(text for text, _ in recorder.found)
    first: dict[str, str] = {}
    for text, name in recorder.found:
        first.setdefault(text, name)
    return [(text, counts[text], name) for text, name in first.items()]


def toml(name: str, network: Network) -> str:
    """The layer set's file."""
    found = layers(network)
    lines = [
        f'title = "{network.title}"',
        f'source = "torchvision.models, {torchvision.__version__.split("+")[0]}: {network.paper}"',
        f'licence = "{LICENCE}"',
        f'derived = "python benchmarks/derive_layers.py {name}: one {network.size} x {network.size} image, inference'
        f' ({len(found)} distinct of {sum(count for _, count, _ in found)} convolutions)"',
    ]
    for text, count, module in found:
        lines += ["", "[[layer]]", f'problem = "{text}"', f"count = {count}", f'name = "{module}"']
    return "\n".join(lines) + "\n"


def main(names: list[str]) -> None:
    for name in names or NETWORKS:
        path = LAYERS / f"{name}.toml"
        path.write_text(toml(name, NETWORKS[name]), encoding="utf-8")
        print(path.name, toml(name, NETWORKS[name]).count("[[layer]]"))


if __name__ == "__main__":
    main(sys.argv[1:])
