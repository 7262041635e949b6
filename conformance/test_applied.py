"""Applied: filters on a real photograph, and a network trained on real digits."""

import base64
import json
from functools import cache
from pathlib import Path
from typing import NamedTuple

import numpy as np

from convgauge.conformance import Case, Judge, spec
from convgauge.conformance import images as gallery
from convgauge.dtypes import round_to
from convgauge.problem import Problem
from convgauge.reference import accuracy, compare, oracle
from convgauge.reference.assessment import Assessment
from convgauge.reference.compare import Fault
from convgauge.reference.operands import Array, Operands
from convgauge.worker.call import Observation

SOBEL_X = np.array([[-1, 0, 1], [-2, 0, 2], [-1, 0, 1]])
SOBEL_Y = np.array([[1, 2, 1], [0, 0, 0], [-1, -2, -1]])
BLUR = np.full((3, 3), 1 / 9)
SHARPEN = np.array([[0, -1, 0], [-1, 5, -1], [0, -1, 0]])
SOBEL = "Sobel and Feldman 1968; scipy.ndimage.correlate"
NDIMAGE = "scipy.ndimage.correlate, mode='constant'"


def filtered(judge: Judge, kernel: Array) -> tuple[Array | None, Array, Array]:
    """Return output, exact answer and bound of the photograph filtered with padding 1.

    The output is None if the call did not return one.
    """
    photograph = gallery.photograph()
    problem = Problem(height=gallery.SIDE, width=gallery.SIDE, kernel=(3, 3), padding=(1, 1), dtype=judge.dtype)
    operands = Operands(round_to(photograph[None, None], judge.dtype), round_to(kernel[None, None], judge.dtype), None)
    outputs: list[Array | None] = []

    def check(case: Case, _: Operands, observation: Observation) -> Assessment:
        outputs.append(observation.output)
        return judge.check_accuracy(case, operands, observation)

    def is_photograph(case: Case) -> bool:
        return case.problem == problem

    judge.satisfies([Case(problem)], check, transform=lambda case, _: operands, reducible=False, needs=is_photograph)
    scale = accuracy.Scale.of(problem, operands)
    bound, _ = scale.bounds(judge.declared_grade or "B", operands)
    output = outputs[0] if outputs else None
    if output is not None and output.shape != problem.output_shape:
        output = None
    return output, scale.exact, bound


def shown(judge: Judge, title: str, kernel: Array) -> None:
    """Judge the filtered photograph and attach it to the run."""
    output, exact, bound = filtered(judge, kernel)
    if output is not None:
        gallery.attach_filter(judge, title, output[0, 0], exact[0, 0], bound[0, 0])


@spec("applied.sobel_x", dtypes=("float32",), source=SOBEL)
def test_sobel_x(judge: Judge) -> None:
    """Sobel's horizontal gradient of a photograph is the exact one within the rounding bound."""
    shown(judge, "Sobel x", SOBEL_X)


@spec("applied.sobel_y", dtypes=("float32",), source=SOBEL)
def test_sobel_y(judge: Judge) -> None:
    """Sobel's vertical gradient of a photograph is the exact one within the rounding bound."""
    shown(judge, "Sobel y", SOBEL_Y)


@spec("applied.sobel_magnitude", dtypes=("float32",), source=SOBEL)
def test_sobel_magnitude(judge: Judge) -> None:
    """The two gradients combine to the edges of the photograph."""
    (x, exact_x, bound_x), (y, exact_y, bound_y) = filtered(judge, SOBEL_X), filtered(judge, SOBEL_Y)
    if x is not None and y is not None:
        output = np.hypot(x.astype(np.float64), y.astype(np.float64))
        bound = np.hypot(bound_x, bound_y)  # the triangle inequality in the plane
        gallery.attach_filter(judge, "Sobel magnitude", output[0, 0], np.hypot(exact_x, exact_y)[0, 0], bound[0, 0])


@spec("applied.blur", dtypes=("float32",), source=NDIMAGE)
def test_mean_blur(judge: Judge) -> None:
    """The mean of 3 x 3 pixels of a photograph is the exact one within the rounding bound."""
    shown(judge, "Mean blur", BLUR)


@spec("applied.sharpen", dtypes=("float32",), source=NDIMAGE)
def test_sharpening(judge: Judge) -> None:
    """A photograph sharpened by its Laplacian is the exact one within the rounding bound."""
    shown(judge, "Sharpen", SHARPEN)


# --- digits ----------------------------------------------------------------------------------------------------------


@cache
def network() -> dict[str, Array]:
    """Return the weights of the trained network by name; tools/train_digits.py writes them."""
    text = Path(__file__).with_name("data").joinpath("digits.json").read_text(encoding="utf-8")
    return {
        name: np.frombuffer(base64.b64decode(entry["int8"]), np.int8).reshape(entry["shape"]) * entry["scale"]
        for name, entry in json.loads(text).items()
    }


def images(judge: Judge) -> tuple[Array, Array]:
    """Return digits that the network was not trained on, (N, 1, 8, 8), and their labels, (N,)."""
    path = gallery.package_file("sklearn", "datasets", "data", "digits.csv.gz")
    rows = np.loadtxt(path, delimiter=",", skiprows=1500)
    count = 40 if judge.setting.tier == "quick" else 297
    return rows[:count, :64].reshape(-1, 1, 8, 8) / 16.0, rows[:count, 64].astype(int)


class Layer(NamedTuple):
    """One convolution of the network: the output of the implementation, and the bound of its error."""

    output: Array
    bound: Array
    problem: Problem
    weight: Array


def layer(judge: Judge, image: Array, name: str, stride: tuple[int, int] = (1, 1)) -> Layer | None:
    """Judge one convolution of the network; return it, or None if its output is missing or wrong."""
    weights = network()
    weight, bias = (round_to(weights[key], judge.dtype) for key in (name, f"{name}_bias"))
    batch, in_channels, height, width = image.shape
    problem = Problem(
        batch, in_channels, height, width, len(weight), (3, 3), stride, (1, 1), bias=True, dtype=judge.dtype
    )
    operands = Operands(image, weight, bias)
    outputs: list[Array | None] = []

    def check(case: Case, _: Operands, observation: Observation) -> Assessment:
        assessment = judge.check_accuracy(case, operands, observation)
        if assessment.fault is None:
            outputs.append(observation.output)
        return assessment

    def is_layer(case: Case) -> bool:
        return case.problem == problem

    judge.satisfies(
        [Case(problem)],
        check,
        transform=lambda case, _: operands,
        reducible=False,
        reproducible=False,
        needs=is_layer,
    )
    if not outputs or outputs[0] is None:
        return None
    bound, _ = accuracy.Scale.of(problem, operands).bounds(judge.declared_grade or "B", operands)
    return Layer(outputs[0], bound, problem, weight)


@spec("applied.digits", dtypes=("float64", "float32"), source="scikit-learn's digits; LeCun et al. 1998")
def test_digits(judge: Judge) -> None:
    """A small network gives the exact logits within bound, and the same predictions, on digits not used in training."""
    if judge.setting.only is not None:
        judge.skip(f"a network is not one case: run the whole spec, by check -k {judge.spec.id}")
    image, labels = images(judge)
    weights = network()
    image = round_to(image, judge.dtype)
    first = layer(judge, image, "first")
    if first is None:
        return
    hidden = np.maximum(first.output, 0)
    second = layer(judge, hidden, "second", stride=(2, 2))
    if second is None:
        return
    features = np.maximum(second.output.astype(np.float64), 0).reshape(len(image), -1)
    logits = features @ weights["last"].T + weights["last_bias"]

    exact = np.maximum(
        oracle.answer(first.problem, Operands(image, first.weight, round_to(weights["first_bias"], judge.dtype))), 0
    )
    wide = second.problem.replace(dtype="float64")
    exact = oracle.answer(wide, Operands(exact, second.weight, round_to(weights["second_bias"], judge.dtype)))
    exact_logits = np.maximum(exact, 0).reshape(len(image), -1) @ weights["last"].T + weights["last_bias"]
    # errors of the first layer pass through the second's absolute weights; the rectifier makes none larger
    through = oracle.answer(
        wide.replace(bias=False), Operands(first.bound.astype(np.float64), np.abs(second.weight), None)
    )
    error = (through + second.bound).reshape(len(image), -1) @ np.abs(weights["last"]).T
    error += 2.0**-40 * np.abs(exact_logits).max()  # the chain in float64 itself

    if judge.dtype == "float32":
        worst = np.unravel_index(np.nan_to_num(np.abs(logits - exact_logits) / error, nan=np.inf).argmax(), error.shape)
        largest, bound = float(np.abs(logits - exact_logits)[worst]), float(error[worst])
        gallery.attach_confusion(judge, f"{len(labels)} digits", labels, logits.argmax(axis=1), largest, bound)
    fault = compare.check_values(logits, exact_logits, error, "the network's logits are wrong")
    # a correct implementation may decide otherwise only if two logits are as close as the bound
    ranked = np.sort(exact_logits, axis=1)
    clear = ranked[:, -1] - ranked[:, -2] > 2 * error.max(axis=1)
    wrong = (logits.argmax(axis=1) != exact_logits.argmax(axis=1)) & clear
    if fault is None and wrong.any():
        fault = Fault(
            "failed", f"{int(wrong.sum())} of {len(labels)} digits are read otherwise than exactly", kind="values"
        )
    judge.conclude(second.problem, fault)
