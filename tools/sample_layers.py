"""Derive the layer set ``popular``: some thirty layers that stand for those of timm's architectures.

Run in an environment of its own, in two steps, the first of which takes up to an hour and may be interrupted::

    python -m venv derive && derive/bin/pip install torch==2.14.1 torchvision==0.29.1 timm==1.0.31
    derive/bin/python tools/sample_layers.py harvest LAYERS.jsonl
    derive/bin/python tools/sample_layers.py sample LAYERS.jsonl

``harvest`` runs each architecture on the meta device, on one image of its own size, without weights, and notes its
convolutions, a line an architecture, in a random order: what an interrupted one has is a sample.

``sample`` draws `SIZE` layers systematically (Cochran, *Sampling Techniques*, chapter 8): each convolution of each
architecture counts once, they are put in order by kind, then by work and intensity, and every so many is taken, so that
each taken stands for as many and a plain geometric mean over the set estimates that over all. Of `DRAWS` such draws the
one is kept whose geometric means of `MODELS`' ratios of modelled times are nearest to those over all; what it is off by
is told for `HELD_OUT`'s, which had no part in the choice.
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
    """Write each architecture's distinct convolutions and how often it has each to ``path``."""
    import timm

    warnings.filterwarnings("ignore")
    there = {json.loads(line)["architecture"] for line in path.read_text().splitlines()} if path.exists() else set()
    names = timm.list_models()
    random.Random(7).shuffle(names)
    with path.open("a") as file:
        for name in names:
            if name not in there:
                print(json.dumps({"architecture": name, **layers_of(name)}), file=file, flush=True)


def layers_of(name: str) -> dict[str, object]:
    """``layers``, problem to count, of an architecture; or why it could not be run."""
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


# --- what is to be estimated -----------------------------------------------------------------------------------------

Model = Callable[[Problem], float]


def direct(flops: float, copy: float, call: float) -> Model:
    """Seconds by the roofline: ``flops`` and bytes ``copy`` a second, ``call`` seconds for any call."""
    return lambda problem: call + max(problem.flops / flops, problem.least_bytes / copy)


def im2col(flops: float, copy: float, call: float) -> Model:
    """The same with every window written out and read once more."""

    def seconds(problem: Problem) -> float:
        windows = 8 * problem.reduction * problem.groups * math.prod(problem.output_size) * problem.batch
        return call + problem.flops / flops + (problem.least_bytes + windows) / copy

    return seconds


def winograd(flops: float, copy: float, call: float) -> Model:
    """The roofline with 2.25 times fewer products where the kernel is 3 x 3, dense and of stride 1."""
    plain = direct(flops, copy, call)

    def seconds(problem: Problem) -> float:
        fits = (problem.kernel, problem.stride, problem.dilation, problem.groups) == ((3, 3), (1, 1), (1, 1), 1)
        fewer = problem.flops / 2.25 / flops
        return call + max(fewer, 2 * problem.least_bytes / copy) if fits else plain(problem)

    return seconds


def transform(flops: float, copy: float, call: float) -> Model:
    """FFT: 5 n log2 n for each plane of inputs, filters and outputs, 8 for each product of spectra."""

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
    """Three algorithms against the direct one on each machine, and each machine against a slower one."""
    found: Ratios = []
    for machine in machines:
        for other in (im2col, winograd, transform):
            found.append((f"{other.__name__} on {machine[0]:.0e} FLOP/s", other(*machine), direct(*machine)))
        found.append((f"{machine[0]:.0e} FLOP/s against 3e10", direct(*machine), direct(3e10, 2e10, 1e-6)))
    return found


MODELS, HELD_OUT = ratios(MACHINES), ratios(OTHER_MACHINES)


# --- the sample ------------------------------------------------------------------------------------------------------


def kind(problem: Problem) -> str:
    """Pointwise, depthwise, grouped, or dense by its kernel's size."""
    if problem.groups > 1:
        return "depthwise" if problem.groups == problem.in_channels else "grouped"
    largest = max(problem.kernel)
    return "pointwise" if largest == 1 else "dense 3" if largest <= 3 else "dense, larger"


class Population:
    """Distinct problems, how many convolutions of all architectures each is, and what is to be estimated of them."""

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
        """Logarithms of the ratios, a row a problem, a column a model."""
        return np.log([[one(problem) / other(problem) for _, one, other in models] for problem in self.problems])

    def draw(self, generator: np.random.Generator) -> np.ndarray:
        """The places of one systematic sample's distinct problems."""
        slant = generator.normal(0, 1)
        order = np.lexsort((self.work + slant * self.intensity, self.kinds))
        ends = np.cumsum(self.weights[order])
        points = (np.arange(SIZE) + generator.random()) / SIZE * ends[-1]
        return np.unique(order[np.searchsorted(ends, points, side="right")])

    def errors(self, sample: np.ndarray, logs: np.ndarray) -> np.ndarray:
        """By what part the sample's geometric means are off, a number a model."""
        means = self.weights @ logs / self.calls
        return np.exp(np.abs(logs[sample].mean(axis=0) - means)) - 1

    def distance(self, sample: np.ndarray, values: np.ndarray) -> float:
        """The largest difference of the two distribution functions (Kolmogorov's)."""
        order = np.argsort(values)
        share = np.zeros(len(values))
        share[sample] = 1 / len(sample)
        return float(np.abs(np.cumsum(self.weights[order]) / self.calls - np.cumsum(share[order])).max())

    def kinds_off(self, sample: np.ndarray) -> float:
        """The largest difference between a kind's share of the sample and of all."""
        return max(
            abs(float((self.kinds[sample] == one).mean()) - self.weights[self.kinds == one].sum() / self.calls)
            for one in set(self.kinds)
        )


def sample(path: Path) -> None:
    """Write the layer set; print what it is off by."""
    every = Population(path)
    generator = np.random.default_rng(2026)
    draws = [every.draw(generator) for _ in range(DRAWS)]
    best = min(draws, key=lambda one: float(every.errors(one, every.tuned).max()))
    held_out = every.errors(best, every.held_out)
    usual = np.median([every.errors(one, every.held_out).max() for one in draws])
    off = (
        f"geometric means of {len(HELD_OUT)} modelled ratios that had no part in the choice are off by"
        f" {np.median(held_out):.1%} in the median and {held_out.max():.1%} at most (a draw's usual worst:"
        f" {usual:.1%}); shares of kinds by {every.kinds_off(best):.1%} at most; distributions of FLOPs and intensity"
        f" by {every.distance(best, every.work):.2f} and {every.distance(best, every.intensity):.2f} (Kolmogorov)"
    )
    print(off)
    TARGET.write_text(toml(every, best, off), encoding="utf-8")


def toml(every: Population, places: np.ndarray, off: str) -> str:
    """The layer set's file."""
    drawn = (
        f"{len(places)} of {len(every.problems)} distinct, {every.calls} in all, of {every.architectures} architectures"
    )
    lines = [
        'title = "What timm\'s architectures are made of"',
        'source = "timm 1.0.31: pytorch-image-models, one image of each architecture\'s own size, inference"',
        'licence = "Apache-2.0 (timm); the shapes are facts"',
        f'derived = """python tools/sample_layers.py: a systematic sample, {drawn} drawn at random;'
        f' each stands for as many. What it is off by: {off}"""',
    ]
    for place in sorted(places, key=lambda one: (every.kinds[one], every.work[one])):
        text = every.problems[place].text
        name = f"{every.kinds[place]}, as in {every.first[text]}"
        lines += ["", "[[layer]]", f'problem = "{text}"', "count = 1", f'name = "{name}"']
    return "\n".join(lines) + "\n"


def main(words: list[str]) -> None:
    steps = {"harvest": harvest, "sample": sample}
    if len(words) != 2 or words[0] not in steps:
        raise SystemExit(__doc__)
    steps[words[0]](Path(words[1]))


if __name__ == "__main__":
    main(sys.argv[1:])
