"""Applied: filters on a real photograph, and a network trained on real digits."""

import base64
import json
from functools import cache
from pathlib import Path

import numpy as np

from convgauge.conformance import Case, spec
from convgauge.conformance import images as gallery
from convgauge.conformance.judge import Judge
from convgauge.dtypes import round_to
from convgauge.problem import Problem
from convgauge.reference import accuracy, compare, oracle
from convgauge.reference.compare import Fault
from convgauge.reference.operands import Operands
from convgauge.worker.subject import Observation

SOBEL_X = np.array([[-1, 0, 1], [-2, 0, 2], [-1, 0, 1]])
SOBEL_Y = np.array([[1, 2, 1], [0, 0, 0], [-1, -2, -1]])
BLUR = np.full((3, 3), 1 / 9)
SHARPEN = np.array([[0, -1, 0], [-1, 5, -1], [0, -1, 0]])
SOBEL = "Sobel and Feldman 1968; scipy.ndimage.correlate"
NDIMAGE = "scipy.ndimage.correlate, mode='constant'"


def filtered(judge: Judge, kernel):
    """(output, exact, bound) of the photograph filtered with padding 1; None for the output that was not given."""
    photograph = gallery.photograph()
    problem = Problem(height=gallery.SIDE, width=gallery.SIDE, kernel=(3, 3), padding=(1, 1), dtype=judge.dtype)
    operands = Operands(
        round_to(photograph[None, None], judge.dtype), round_to(np.asarray(kernel)[None, None], judge.dtype), None
    )
    found = []

    def check(case: Case, _, observation: Observation):
        found.append(observation.output)
        return judge.check_accuracy(case, operands, observation)

    judge.satisfies([Case(problem)], check, transform=lambda case, _: operands, reducible=False)
    scale = accuracy.Scale.of(problem, operands)
    bound, _ = scale.bounds(judge.declared_grade or "B", operands)
    output = found[0] if found and found[0] is not None and found[0].shape == problem.output_shape else None
    return output, scale.exact, bound


def shown(judge: Judge, title, kernel) -> None:
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
def network():
    """Weights of the trained network, see tools/train_digits.py."""
    text = Path(__file__).with_name("data").joinpath("digits.json").read_text(encoding="utf-8")
    return {
        name: (np.frombuffer(base64.b64decode(kept["int8"]), np.int8).reshape(kept["shape"]) * kept["scale"])
        for name, kept in json.loads(text).items()
    }


def images(judge: Judge):
    """Digits that the network was not trained on, (N, 1, 8, 8), and their labels."""
    path = gallery.package_file("sklearn", "datasets", "data", "digits.csv.gz")
    rows = np.loadtxt(path, delimiter=",", skiprows=1500)
    count = 40 if judge.setting.tier == "quick" else 297
    return rows[:count, :64].reshape(-1, 1, 8, 8) / 16.0, rows[:count, 64].astype(int)


def layer(judge: Judge, image, name, **how):
    """(output, its largest error) of one convolution of the network; None where no right answer was given."""
    weights = network()
    weight, bias = (round_to(weights[key], judge.dtype) for key in (name, f"{name}_bias"))
    problem = Problem(
        *image.shape, out_channels=len(weight), kernel=(3, 3), padding=(1, 1), bias=True, dtype=judge.dtype, **how
    )
    operands = Operands(image, weight, bias)
    found = []

    def check(case: Case, _, observation: Observation):
        fault = judge.check_accuracy(case, operands, observation)
        if fault is None:
            found.append(observation.output)
        return fault

    judge.satisfies([Case(problem)], check, transform=lambda case, _: operands, reducible=False)
    if not found:
        return None
    bound, _ = accuracy.Scale.of(problem, operands).bounds(judge.declared_grade or "B", operands)
    return found[0], bound, problem, weight


@spec("applied.digits", dtypes=("float64", "float32"), source="scikit-learn's digits; LeCun et al. 1998")
def test_digits(judge: Judge) -> None:
    """A small network gives the exact logits within bound, and the same predictions, on digits it has not seen."""
    if judge.setting.only is not None:
        judge.skip("a network is not one case: run the spec itself")
    image, labels = images(judge)
    weights = network()
    image = round_to(image, judge.dtype)
    first = layer(judge, image, "first")
    if first is None:
        return
    hidden = np.maximum(first[0], 0)
    second = layer(judge, hidden, "second", stride=(2, 2))
    if second is None:
        return
    features = np.maximum(second[0].astype(np.float64), 0).reshape(len(image), -1)
    logits = features @ weights["last"].T + weights["last_bias"]

    exact = np.maximum(
        oracle.answer(first[2], Operands(image, first[3], round_to(weights["first_bias"], judge.dtype))), 0
    )
    wide = second[2].replace(dtype="float64")
    exact = oracle.answer(wide, Operands(exact, second[3], round_to(weights["second_bias"], judge.dtype)))
    exact_logits = np.maximum(exact, 0).reshape(len(image), -1) @ weights["last"].T + weights["last_bias"]
    # errors of the first layer pass through the second's absolute weights; the rectifier makes none larger
    through = oracle.answer(wide.replace(bias=False), Operands(first[1].astype(np.float64), np.abs(second[3]), None))
    error = (through + second[1]).reshape(len(image), -1) @ np.abs(weights["last"]).T
    error += 2.0**-40 * np.abs(exact_logits).max()  # the chain in float64 itself

    if judge.dtype == "float32":
        worst = np.unravel_index(np.nan_to_num(np.abs(logits - exact_logits) / error, nan=np.inf).argmax(), error.shape)
        largest, bound = float(np.abs(logits - exact_logits)[worst]), float(error[worst])
        gallery.attach_confusion(judge, f"{len(labels)} digits", labels, logits.argmax(axis=1), largest, bound)
    fault = compare.check_values(logits, exact_logits, error, "the network's logits are wrong")
    # a sound implementation may decide otherwise only where two logits are as close as the bound
    ranked = np.sort(exact_logits, axis=1)
    clear = ranked[:, -1] - ranked[:, -2] > 2 * error.max(axis=1)
    wrong = (logits.argmax(axis=1) != exact_logits.argmax(axis=1)) & clear
    if fault is None and wrong.any():
        fault = Fault("failed", f"{int(wrong.sum())} of {len(labels)} digits are read otherwise than exactly")
    judge.conclude(second[2], fault)
