"""Derive the layer set ``popular``: some thirty layers that represent those of timm's architectures.

Run it in a separate environment, in two steps. The first step takes up to an hour and may be interrupted::

    python -m venv derive && derive/bin/pip install torch==2.14.1 torchvision==0.29.1 timm==1.0.31
    derive/bin/python tools/sample_layers.py harvest LAYERS.jsonl
    derive/bin/python tools/sample_layers.py sample LAYERS.jsonl

``harvest`` runs each architecture on the meta device, on one image of its default size, without weights. It writes the
convolutions, one line per architecture, in random order. An interrupted harvest is therefore a random sample.

``sample`` selects `SIZE` layers systematically (Cochran, *Sampling Techniques*, chapter 8). Each convolution of each
architecture counts once. They are sorted by kind, then by work and intensity, and taken at equal distances. Each layer
taken stands for the same number, so that the plain geometric mean over the set estimates that over all convolutions. Of
`DRAWS` such samples, the script takes the one whose geometric means of the ratios of `MODELS` are closest to those over
all. The reported errors are those of `HELD_OUT`, which were not used for the choice.
"""

from __future__ import annotations

import json
import math
import random
import sys
import warnings
from collections import Counter
from collections.abc import Callable
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parents[1] / "src"))
import numpy as np

from convgauge.problem import Problem

SIZE = 32
DRAWS = 1000
TARGET = Path(__file__).parents[1] / "benchmarks" / "layers" / "popular.toml"


def harvest(path: Path) -> None:
    """Write the distinct convolutions of each architecture, with counts, to ``path``."""
    import timm

    warnings.filterwarnings("ignore")
    done = {json.loads(line)["architecture"] for line in path.read_text().splitlines()} if path.exists() else set()
    names = timm.list_models()
    random.Random(7).shuffle(names)
    with path.open("a") as file:
        for name in names:
            if name not in done:
                print(json.dumps({"architecture": name, **layers_of(name)}), file=file, flush=True)


def layers_of(name: str) -> dict[str, object]:
    """Return the ``layers`` of an architecture (problem to count), or the reason why it cannot be run."""
    import timm
    import torch

    from convgauge.layers.torch_model import convolutions

    try:
        with torch.device("meta"):
            model = timm.create_model(name, pretrained=False).eval()
            image = torch.empty(1, *model.default_cfg["input_size"])
        return {"layers": {text: count for text, count, _ in convolutions(model, (image,))}}
    except Exception as error:
        return {"layers": {}, "failed": f"{type(error).__name__}: {error}"[:200]}


# --- estimated quantities --------------------------------------------------------------------------------------------

Model = Callable[[Problem], float]


def direct(flops: float, copy: float, call: float) -> Model:
    """Return the roofline model: ``flops`` and ``copy`` bytes per second, and ``call`` seconds per call."""
    return lambda problem: call + max(problem.flops / flops, problem.least_bytes / copy)


def im2col(flops: float, copy: float, call: float) -> Model:
    """Return the roofline model with every window written and read once more."""

    def seconds(problem: Problem) -> float:
        windows = 8 * problem.reduction * problem.groups * math.prod(problem.output_size) * problem.batch
        return call + problem.flops / flops + (problem.least_bytes + windows) / copy

    return seconds


def winograd(flops: float, copy: float, call: float) -> Model:
    """Return the roofline model with 2.25 times fewer products for dense 3 x 3 kernels with stride 1."""
    plain = direct(flops, copy, call)

    def seconds(problem: Problem) -> float:
        fits = (problem.kernel, problem.stride, problem.dilation, problem.groups) == ((3, 3), (1, 1), (1, 1), 1)
        fewer = problem.flops / 2.25 / flops
        return call + max(fewer, 2 * problem.least_bytes / copy) if fits else plain(problem)

    return seconds


def transform(flops: float, copy: float, call: float) -> Model:
    """Return the model of FFT: 5 n log2 n per plane of inputs, filters and outputs, 8 per product of spectra."""

    def seconds(problem: Problem) -> float:
        n = (problem.height + problem.kernel[0]) * (problem.width + problem.kernel[1])
        filters = problem.out_channels * problem.in_channels // problem.groups
        planes = problem.batch * (problem.in_channels + problem.out_channels) + filters
        products = 4 * n * problem.batch * filters
        return call + (2.5 * n * math.log2(n) * planes + products) / flops + problem.least_bytes / copy

    return seconds


MACHINES = [(5e10, 1e10, 2e-6), (1e12, 1e11, 5e-6), (2e13, 1.5e12, 1e-5)]
OTHER_MACHINES = [(1.5e11, 1.5e10, 1e-5), (3e12, 5e11, 3e-6)]
Ratios = list[tuple[str, Model, Model]]


def ratios(machines: list[tuple[float, float, float]]) -> Ratios:
    """Return three algorithms against the direct one on each machine, and each machine against a slower one."""
    pairs: Ratios = []
    for machine in machines:
        for other in (im2col, winograd, transform):
            pairs.append((f"{other.__name__} on {machine[0]:.0e} FLOP/s", other(*machine), direct(*machine)))
        pairs.append((f"{machine[0]:.0e} FLOP/s against 3e10", direct(*machine), direct(3e10, 2e10, 1e-6)))
    return pairs


MODELS, HELD_OUT = ratios(MACHINES), ratios(OTHER_MACHINES)


# --- the sample ------------------------------------------------------------------------------------------------------


def kind(problem: Problem) -> str:
    """Return the kind of a problem: pointwise, depthwise, grouped, or dense by the size of its kernel."""
    if problem.groups > 1:
        return "depthwise" if problem.groups == problem.in_channels else "grouped"
    largest = max(problem.kernel)
    return "pointwise" if largest == 1 else "dense 3" if largest <= 3 else "dense, larger"


class Population:
    """Distinct problems of all architectures, with their counts and the quantities to be estimated."""

    def __init__(self, path: Path) -> None:
        lines = [json.loads(line) for line in path.read_text().splitlines()]
        self.architectures = sum(bool(line["layers"]) for line in lines)
        counts: Counter[str] = Counter()
        self.first: dict[str, str] = {}
        for line in lines:
            counts.update(line["layers"])
            for text in line["layers"]:
                self.first.setdefault(text, line["architecture"])
        self.problems = [Problem.parse(text) for text in counts]
        self.weights = np.array([*counts.values()], float)
        self.calls = int(self.weights.sum())
        self.kinds = np.array([kind(problem) for problem in self.problems])
        self.work = np.log([problem.flops for problem in self.problems])
        self.intensity = self.work - np.log([problem.least_bytes for problem in self.problems])
        self.tuned, self.held_out = self._logs(MODELS), self._logs(HELD_OUT)

    def _logs(self, models: Ratios) -> np.ndarray:
        """Return the logarithms of the ratios, with one row per problem and one column per model."""
        return np.log([[model(problem) / base(problem) for _, model, base in models] for problem in self.problems])

    def draw(self, generator: np.random.Generator) -> np.ndarray:
        """Return the indices of the distinct problems of one systematic sample."""
        slant = generator.normal(0, 1)
        order = np.lexsort((self.work + slant * self.intensity, self.kinds))
        ends = np.cumsum(self.weights[order])
        points = (np.arange(SIZE) + generator.random()) / SIZE * ends[-1]
        sample: np.ndarray = np.unique(order[np.searchsorted(ends, points, side="right")])
        return sample

    def errors(self, sample: np.ndarray, logs: np.ndarray) -> np.ndarray:
        """Return the relative error of the sample's geometric mean, per model."""
        means = self.weights @ logs / self.calls
        factors: np.ndarray = np.exp(np.abs(logs[sample].mean(axis=0) - means))
        return factors - 1

    def distance(self, sample: np.ndarray, values: np.ndarray) -> float:
        """Return the largest difference of the two distribution functions (Kolmogorov's)."""
        order = np.argsort(values)
        share = np.zeros(len(values))
        share[sample] = 1 / len(sample)
        return float(np.abs(np.cumsum(self.weights[order]) / self.calls - np.cumsum(share[order])).max())

    def kinds_off(self, sample: np.ndarray) -> float:
        """Return the largest difference between the share of a kind in the sample and in the population."""
        return max(
            abs(float((self.kinds[sample] == kind).mean()) - float(self.weights[self.kinds == kind].sum()) / self.calls)
            for kind in set(self.kinds)
        )


def sample(path: Path) -> None:
    """Write the layer set and print its errors."""
    every = Population(path)
    generator = np.random.default_rng(2026)
    draws = [every.draw(generator) for _ in range(DRAWS)]
    best = min(draws, key=lambda draw: float(every.errors(draw, every.tuned).max()))
    held_out = every.errors(best, every.held_out)
    usual = np.median([every.errors(draw, every.held_out).max() for draw in draws])
    off = (
        f"geometric means of {len(HELD_OUT)} modelled ratios that were not used for the choice are off by"
        f" {np.median(held_out):.1%} in the median and {held_out.max():.1%} at most (median over draws of the largest:"
        f" {usual:.1%}); shares of kinds by {every.kinds_off(best):.1%} at most; distributions of FLOPs and intensity"
        f" by {every.distance(best, every.work):.2f} and {every.distance(best, every.intensity):.2f} (Kolmogorov)"
    )
    print(off)
    TARGET.write_text(toml(every, best, off), encoding="utf-8")


def toml(every: Population, indices: np.ndarray, errors: str) -> str:
    """Return the text of the layer set's file."""
    extent = (
        f"{len(indices)} of {len(every.problems)} distinct convolutions, {every.calls} in total, of"
        f" {every.architectures} architectures in random order"
    )
    lines = [
        'title = "Layers that represent the architectures of timm"',
        'source = "timm 1.0.31: pytorch-image-models, one image per architecture, of its default size, inference"',
        'licence = "Apache-2.0 (timm); the shapes are facts"',
        f'derived = """python tools/sample_layers.py: a systematic sample, {extent};'
        f' each stands for the same number. Errors: {errors}"""',
    ]
    for index in sorted(indices, key=lambda index: (every.kinds[index], every.work[index])):
        text = every.problems[index].text
        name = f"{every.kinds[index]}, as in {every.first[text]}"
        lines += ["", "[[layer]]", f'problem = "{text}"', "count = 1", f'name = "{name}"']
    return "\n".join(lines) + "\n"


def main(words: list[str]) -> None:
    """Run one of the steps."""
    steps = {"harvest": harvest, "sample": sample}
    if len(words) != 2 or words[0] not in steps:
        raise SystemExit(__doc__)
    steps[words[0]](Path(words[1]))


if __name__ == "__main__":
    main(sys.argv[1:])
