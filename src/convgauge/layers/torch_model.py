"""The 2-D convolutions of a torch model, which runs on the meta device: only shapes are computed.

Run as a program, it loads a model from a user's file; `sets` starts it in another process.
"""

from __future__ import annotations

import json
import sys
from collections import Counter
from pathlib import Path
from typing import Any, TypeAlias

import torch
from torch import nn
from torch.utils._python_dispatch import TorchDispatchMode
from torch.utils._pytree import tree_map

from convgauge.problem import Problem
from convgauge.registry import load_file

IMAGE = (1, 3, 224, 224)
"""Shape of the input of a model that is returned without one."""


Integers: TypeAlias = "list[int]"


class CallRecorder(TorchDispatchMode):  # type: ignore[misc]  # torch does not declare the type of its class
    """Records every 2-D convolution that runs, with the name of its module; transposed ones are left out."""

    def __init__(self) -> None:
        super().__init__()
        self.module = ""
        self.calls: list[tuple[str, str]] = []

    def __torch_dispatch__(
        self,
        func: torch._ops.OpOverload,
        types: object,
        args: tuple[Any, ...] = (),
        kwargs: dict[str, Any] | None = None,
    ) -> object:
        output = func(*args, **(kwargs or {}))
        if func is torch.ops.aten.convolution.default and not args[6] and args[1].ndim == 4:
            self.calls.append((problem_of(*args).text, self.module))
        return output


def problem_of(
    input: torch.Tensor,
    weight: torch.Tensor,
    bias: torch.Tensor | None,
    stride: Integers,
    padding: Integers,
    dilation: Integers,
    transposed: bool,
    output_padding: Integers,
    groups: int,
) -> Problem:
    """Return the problem of the arguments of ``aten.convolution``; ``transposed`` is False."""
    (batch, channels, height, width), (outputs, _, *kernel) = input.shape, weight.shape
    return Problem(
        batch=batch, in_channels=channels, height=height, width=width, out_channels=outputs, kernel=_pair(kernel),
        stride=_pair(stride), padding=_pair(padding), dilation=_pair(dilation), groups=groups,
        bias=bias is not None, dtype=str(input.dtype).removeprefix("torch."),
    )  # fmt: skip


def _pair(numbers: Integers) -> tuple[int, int]:
    return (int(numbers[0]), int(numbers[1]))


def convolutions(model: nn.Module, inputs: tuple[Any, ...]) -> list[tuple[str, int, str]]:
    """Return the distinct convolutions of a model, in the order of their first call.

    Parameters
    ----------
    model : torch.nn.Module
        Model on the meta device.
    inputs : tuple of torch.Tensor
        Arguments of the model, on the meta device.

    Returns
    -------
    list of (str, int, str)
        Text of the problem, number of calls, name of the first module that makes it.
    """
    recorder = CallRecorder()
    for name, module in model.named_modules():
        if isinstance(module, nn.Conv2d):
            module.register_forward_pre_hook(lambda _module, _inputs, name=name: setattr(recorder, "module", name))
    with recorder, torch.no_grad():
        model(*inputs)
    counts = Counter(text for text, _ in recorder.calls)
    first: dict[str, str] = {}
    for text, name in recorder.calls:
        first.setdefault(text, name)
    return [(text, counts[text], name) for text, name in first.items()]


def of_file(path: Path, name: str) -> list[tuple[str, int, str]]:
    """Return the convolutions of the model that the function ``name`` of a file returns.

    The function returns the model, or the model and a tuple of its inputs. Without inputs the model gets one image of
    the shape `IMAGE`.

    Raises
    ------
    TypeError
        If the function returns something else.
    """
    with torch.device("meta"):
        result = getattr(load_file(path), name)()
        model, inputs = result if isinstance(result, tuple) else (result, (torch.empty(IMAGE),))
    if not isinstance(model, nn.Module):
        raise TypeError(f"{name}() returned {type(model).__name__}, not a torch.nn.Module, or one and its inputs")
    inputs = tree_map(lambda leaf: leaf.to("meta") if isinstance(leaf, torch.Tensor) else leaf, tuple(inputs))
    return convolutions(model.eval().to("meta"), inputs)


def main(path: str, name: str, result: str) -> None:
    """Write the result of `of_file`, or its error, to the file ``result`` as JSON."""
    try:
        content: dict[str, object] = {"layers": of_file(Path(path), name)}
    except Exception as error:
        content = {"error": f"{type(error).__name__}: {error}"}
    Path(result).write_text(json.dumps(content), encoding="utf-8")


if __name__ == "__main__":
    main(*sys.argv[1:])
