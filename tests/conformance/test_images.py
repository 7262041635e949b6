"""Tests of the pictures of a run: the spread of one NaN, the confusion matrix, the errors of a photograph."""

from __future__ import annotations

import numpy as np
import pytest

from convgauge import results
from convgauge.cli import main
from convgauge.conformance import images
from convgauge.conformance.features import LONG
from convgauge.registry import is_installed
from convgauge.results import ImageRecord, Run, SpecRecord

KERNELS = '''
import numpy as np
from numpy.lib.stride_tricks import sliding_window_view

def kernel(input, weight, bias=None, stride=1, padding=0, dilation=1, groups=1):
    """Right, but a NaN spreads along its row."""
    if groups != 1 or dilation not in (1, (1, 1)) or isinstance(padding, str):
        raise NotImplementedError("plain ones only")
    (down, right), (rows, columns) = ((v, v) if isinstance(v, int) else tuple(v) for v in (stride, padding))
    padded = np.pad(input, ((0, 0), (0, 0), (rows, rows), (columns, columns)))
    if min(np.subtract(padded.shape[2:], weight.shape[2:])) < 0 or not input.size or not weight.size:
        raise NotImplementedError("plain ones only")
    windows = sliding_window_view(padded, weight.shape[2:], axis=(2, 3))[:, :, ::down, ::right]
    output = np.einsum("nchwij,ocij->nohw", windows, weight)
    output = output if bias is None else output + bias[:, None, None]
    return (output + 0 * output.sum(axis=3, keepdims=True)).astype(input.dtype)
'''


@pytest.fixture(scope="module")
def run(tmp_path_factory: pytest.TempPathFactory) -> Run:
    folder = tmp_path_factory.mktemp("pictures")
    (folder / "spreads.py").write_text(KERNELS)
    output = folder / "run.jsonl"
    words = [
        "check",
        f"{folder / 'spreads.py'}:kernel",
        "--framework",
        "numpy",
        "--tier",
        "quick",
        "--dtype",
        "float32",
    ]
    main([*words, "-k", "nan_in_the_input or digits or every_length", "--label", "here", "--output", str(output)])
    return results.read(output)


def test_a_run_has_the_label_of_the_command(run: Run) -> None:
    assert run.header.label == "here"


def pictures(run: Run, kind: str) -> list[ImageRecord]:
    return [image for image in run.records_of(ImageRecord) if image.kind == kind]


def test_a_nan_that_spreads_is_in_the_run_once(run: Run) -> None:
    (image,) = pictures(run, "locality")
    table = np.array(image.table)
    assert table.shape == (12, 16)
    due = np.argwhere(table == 1)
    assert len(due) == 9, "the windows of a 3 x 3 kernel that hold one element"
    rows = set(due[:, 0])
    assert {tuple(index) for index in np.argwhere(table == 2)} == {
        (r, c) for r in rows for c in range(16) if table[r, c] != 1
    }
    assert image.status == "failed"


@pytest.mark.isa
@pytest.mark.skipif(
    not all(map(is_installed, ("torch", "sklearn"))), reason="the network is torch's, the digits are scikit-learn's"
)
def test_digits_are_counted(run: Run) -> None:
    (image,) = pictures(run, "confusion")
    table = np.array(image.table)
    assert table.shape == (10, 10)
    assert table.sum() == 40
    assert np.trace(table) > 30, "a trained network reads most of them"
    assert image.largest is not None
    assert image.bound is not None
    assert 0 < image.largest <= image.bound


def test_every_margin_has_the_length_of_its_sum(run: Run) -> None:
    record = next(r for r in run.records_of(SpecRecord) if r.spec == "accuracy.reduction")
    assert len(record.reductions) == len(record.margins) == record.cases
    assert record.reductions == sorted(record.reductions), "as the spec lists its problems"
    assert record.reductions[-1] >= 1000


def test_every_case_is_somewhere_in_the_space(run: Run) -> None:
    record = next(r for r in run.records_of(SpecRecord) if r.spec == "accuracy.reduction")
    assert sum(counts[0] for counts in record.space.values()) == record.cases
    long = sum(counts[0] for letters, counts in record.space.items() if "c" in letters)
    assert 0 < long == sum(length > LONG for length in record.reductions) < record.cases
    assert {len(counts) for counts in record.space.values()} == {3}


def test_differences_are_small_and_lose_no_fault() -> None:
    plane = np.zeros((images.SIDE, images.SIDE))
    plane[77, 99] = 1.0
    pooled = images.worst_of_blocks(plane)
    assert pooled.shape == (40, 40)
    assert np.argwhere(pooled).tolist() == [[19, 24]]
    noise = np.random.default_rng(0).random((images.SIDE, images.SIDE))
    assert len(images.png(images.worst_of_blocks(noise), 0.0, 1.0, depth=4)) < 1500


def test_a_picture_of_four_bits_is_what_was_put_in() -> None:
    image = pytest.importorskip("PIL.Image")
    import base64
    import io

    plane = np.arange(16.0).reshape(2, 8)
    with image.open(io.BytesIO(base64.b64decode(images.png(plane, 0.0, 15.0, depth=4)))) as read:
        levels = np.asarray(read.convert("L"))
    assert levels.tolist() == (plane * 17).astype(int).tolist()


def test_a_picture_of_eight_bits_is_what_was_put_in() -> None:
    image = pytest.importorskip("PIL.Image")
    import base64
    import io

    plane = np.random.default_rng(0).integers(0, 256, (9, 7)).astype(float)
    with image.open(io.BytesIO(base64.b64decode(images.png(plane, 0.0, 255.0)))) as read:
        assert np.asarray(read).tolist() == plane.astype(int).tolist()
