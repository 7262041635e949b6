"""Train the network of the applied chapter on scikit-learn's digits and write conformance/data/digits.json.

The network has two convolutions and a linear layer, and is trained with NumPy in some seconds:
``python tools/train_digits.py``. Weights are stored as bytes with one scale per tensor, so that the file is small.
Their accuracy has no effect on the specification, which only needs learned and fixed weights.
"""

import base64
import json
from pathlib import Path
from typing import Any

import numpy as np
from numpy.lib.stride_tricks import sliding_window_view
from sklearn.datasets import load_digits

Array = np.ndarray[Any, Any]

DIGITS = Path(__file__).resolve().parents[1] / "conformance" / "data" / "digits.json"
TRAINED = 1500  # images; the rest are for evaluation
EPOCHS = 30
BATCH = 50
RATE = 2e-3
SHAPES = {
    "first": (8, 1, 3, 3), "first_bias": (8,), "second": (16, 8, 3, 3), "second_bias": (16,),
    "last": (10, 256), "last_bias": (10,),
}  # fmt: skip


def columns(image: Array, stride: int) -> Array:
    """Return windows of 3 x 3 of the padded images: (N, OH, OW, C * 9)."""
    padded = np.pad(image, ((0, 0), (0, 0), (1, 1), (1, 1)))
    windows = sliding_window_view(padded, (3, 3), axis=(2, 3))[:, :, ::stride, ::stride]
    return windows.transpose(0, 2, 3, 1, 4, 5).reshape(len(image), *windows.shape[2:4], -1)


def scattered(gradient: Array, shape: tuple[int, int, int, int]) -> Array:
    """Apply the transpose of `columns` with stride 2: add gradients of windows (N, OH, OW, C * 9) in the image."""
    n, channels, height, width = shape
    padded = np.zeros((n, channels, height + 2, width + 2))
    parts = gradient.reshape(*gradient.shape[:3], channels, 3, 3)
    for row in range(3):
        for column in range(3):
            part = parts[..., row, column].transpose(0, 3, 1, 2)
            padded[:, :, row : row + height : 2, column : column + width : 2] += part
    return padded[:, :, 1:-1, 1:-1]


def step(weights: dict[str, Array], images: Array, labels: Array) -> dict[str, Array]:
    """Return the gradients of the loss with respect to the weights."""
    n = len(images)
    first_windows = columns(images, 1)
    first = np.maximum(first_windows @ weights["first"].reshape(8, -1).T + weights["first_bias"], 0)
    second_windows = columns(first.transpose(0, 3, 1, 2), 2)
    second = np.maximum(second_windows @ weights["second"].reshape(16, -1).T + weights["second_bias"], 0)
    features = second.transpose(0, 3, 1, 2).reshape(n, -1)
    logits = features @ weights["last"].T + weights["last_bias"]
    chances = np.exp(logits - logits.max(axis=1, keepdims=True))
    chances /= chances.sum(axis=1, keepdims=True)
    chances[np.arange(n), labels] -= 1
    by_logits = chances / n
    by_features = (by_logits @ weights["last"]).reshape(n, 16, 4, 4).transpose(0, 2, 3, 1) * (second > 0)
    by_windows = by_features @ weights["second"].reshape(16, -1)
    by_first = scattered(by_windows, (n, 8, 8, 8)).transpose(0, 2, 3, 1) * (first > 0)
    return {
        "last": by_logits.T @ features,
        "last_bias": by_logits.sum(axis=0),
        "second": np.einsum("nhwo,nhwk->ok", by_features, second_windows).reshape(SHAPES["second"]),
        "second_bias": by_features.sum(axis=(0, 1, 2)),
        "first": np.einsum("nhwo,nhwk->ok", by_first, first_windows).reshape(SHAPES["first"]),
        "first_bias": by_first.sum(axis=(0, 1, 2)),
    }


def trained(images: Array, labels: Array) -> dict[str, Array]:
    """Return the weights after training with Adam."""
    random = np.random.default_rng(0)
    weights = {
        name: np.zeros(shape) if len(shape) == 1 else random.standard_normal(shape) * np.sqrt(2 / np.prod(shape[1:]))
        for name, shape in SHAPES.items()
    }
    mean, square = ({name: np.zeros(shape) for name, shape in SHAPES.items()} for _ in range(2))
    count = 0
    for _ in range(EPOCHS):
        for chosen in np.array_split(random.permutation(len(images)), len(images) // BATCH):
            count += 1
            for name, gradient in step(weights, images[chosen], labels[chosen]).items():
                mean[name] += 0.1 * (gradient - mean[name])
                square[name] += 0.001 * (gradient**2 - square[name])
                scale = np.sqrt(square[name] / (1 - 0.999**count)) + 1e-8
                weights[name] -= RATE * mean[name] / (1 - 0.9**count) / scale
    return weights


def main() -> None:
    """Train the network and write its weights."""
    digits = load_digits()
    weights = trained(digits.images[:TRAINED, None] / 16.0, digits.target[:TRAINED])
    tensors = {}
    for name, values in weights.items():
        scale = float(np.abs(values).max() / 127)
        content = np.round(values / scale).astype(np.int8)
        tensors[name] = {"shape": values.shape, "scale": scale, "int8": base64.b64encode(content.tobytes()).decode()}
    DIGITS.write_text(json.dumps(tensors, indent=1) + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()
