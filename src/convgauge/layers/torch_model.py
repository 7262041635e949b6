"""The 2-D convolutions that a torch model makes: it runs on the meta device, which computes shapes and nothing else.

Run as a program it loads a model from a user's file, in a process of its own, which `layers` starts.
"""

from __future__ import annotations

import json
import sys
from collections import Counter
from pathlib import Path
from typing import Any

import torch
from torch import nn
from torch.utils._python_dispatch import TorchDispatchMode
from torch.utils._pytree import tree_map

from convgauge.problem import Problem
from convgauge.registry import load_file

IMAGE = (1, 3, 224, 224)
"""The input of a model that comes without one."""


class Recorder(TorchDispatchMode):  # type: ignore[misc]  # torch does not say what its class is
    """Notes every 2-D convolution that runs, by the name of the module it runs in; transposed ones are left out."""

    def __init__(self) -> None:
        super().__init__()
        self.module = ""
        self.found: list[tuple[str, str]] = []

    def __torch_dispatch__(self, func: Any, types: Any, args: Any = (), kwargs: Any = None) -> Any:
        output = func(*args, **(kwargs or {}))
        if func is torch.ops.aten.convolution.default and not args[6] and args[1].ndim == 4:
            self.found.append((recorded(*args), self.module))
        return output


def recorded(input: Any, weight: Any, bias: Any, stride: Any, padding: Any, dilation: Any, *rest: Any) -> str:
    """The text for the arguments of ``aten.convolution``; the rest are transposed, output padding, groups."""
    (batch, channels, height, width), (outputs, _, *kernel) = input.shape, weight.shape
    pairs = {"kernel": kernel, "stride": stride, "padding": padding, "dilation": dilation}
    return Problem(
        batch=batch, in_channels=channels, height=height, width=width, out_channels=outputs, groups=rest[-1],
        bias=bias is not None, dtype=str(input.dtype).removeprefix("torch."),
        **{name: (int(pair[0]), int(pair[1])) for name, pair in pairs.items()},
    ).text  # fmt: skip


def convolutions(model: nn.Module, inputs: tuple[Any, ...]) -> list[tuple[str, int, str]]:
    """(problem, how often, first module's name) of each distinct convolution, in the order of their first call.

    Model and inputs have to be on the meta device.
    """
    recorder = Recorder()
    for name, module in model.named_modules():
        if isinstance(module, nn.Conv2d):
            module.register_forward_pre_hook(lambda _module, _inputs, name=name: setattr(recorder, "module", name))
    with recorder, torch.no_grad():
        model(*inputs)
    counts = Counter(text for text, _ in recorder.found)
    first: dict[str, str] = {}
    for text, name in recorder.found:
        first.setdefault(text, name)
    return [(text, counts[text], name) for text, name in first.items()]


def of_file(path: Path, name: str) -> list[tuple[str, int, str]]:
    """The convolutions of the model that the function ``name`` of a file makes.

    It returns the model, or the model and a tuple of its inputs; without inputs the model gets one image of `IMAGE`.
    """
    with torch.device("meta"):
        made = getattr(load_file(path), name)()
        model, inputs = made if isinstance(made, tuple) else (made, (torch.empty(IMAGE),))
    if not isinstance(model, nn.Module):
        raise TypeError(f"{name}() returned {type(model).__name__}, not a torch.nn.Module, or one and its inputs")
    moved = tree_map(lambda one: one.to("meta") if isinstance(one, torch.Tensor) else one, tuple(inputs))
    return convolutions(model.eval().to("meta"), moved)


def main(path: str, name: str, result: str) -> None:
    """Write what `of_file` finds, or why it does not, to the file ``result`` as JSON."""
    try:
        answer: dict[str, Any] = {"layers": of_file(Path(path), name)}
    except Exception as error:
        answer = {"error": f"{type(error).__name__}: {error}"}
    Path(result).write_text(json.dumps(answer), encoding="utf-8")


if __name__ == "__main__":
    main(*sys.argv[1:])
