"""Problems: their text form, their shapes and FLOPs, and messages about invalid ones."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from convgauge.dtypes import DTYPES
from convgauge.problem import Problem, ProblemError

small = st.integers(0, 12)
step = st.integers(1, 4)


@st.composite
def drawn(draw: st.DrawFn) -> Problem:
    """Draw a valid problem of moderate size."""
    groups = draw(step)
    kernel, dilation = (draw(step), draw(step)), (draw(step), draw(step))
    padding = draw(st.one_of(st.tuples(small, small), st.sampled_from(["valid", "same"])))
    need = [0, 0]
    if padding != "same":
        pads = (0, 0) if isinstance(padding, str) else padding
        need = [max(0, d * (k - 1) + 1 - 2 * p) for k, d, p in zip(kernel, dilation, pads, strict=True)]
    return Problem(
        batch=draw(small),
        in_channels=groups * draw(small),
        height=max(1, need[0]) + draw(small),
        width=max(1, need[1]) + draw(small),
        out_channels=groups * draw(small),
        kernel=kernel,
        stride=(1, 1) if padding == "same" else (draw(step), draw(step)),
        padding=padding,
        dilation=dilation,
        groups=groups,
        bias=draw(st.booleans()),
        dtype=draw(st.sampled_from(list(DTYPES))),
    )


def attempt(text: str) -> tuple[Problem | None, str]:
    """Return the problem with an id, or the message about the text."""
    try:
        return Problem.parse(text), ""
    except ProblemError as error:
        return None, str(error)


@given(drawn())
def test_the_text_of_a_problem_can_be_parsed(problem: Problem) -> None:
    assert Problem.parse(problem.text) == problem
    assert str(problem) == problem.text


@given(drawn())
def test_shapes_and_flops_agree_with_counting(problem: Problem) -> None:
    (top, bottom), (left, right) = problem.pads
    rows = range(0, problem.height + top + bottom - problem.extent[0] + 1, problem.stride[0])
    columns = range(0, problem.width + left + right - problem.extent[1] + 1, problem.stride[1])
    assert problem.output_shape == (problem.batch, problem.out_channels, len(rows), len(columns))
    products = problem.kernel[0] * problem.kernel[1] * problem.weight_shape[1]
    assert problem.flops == 2 * problem.batch * problem.out_channels * len(rows) * len(columns) * products


@given(drawn().filter(lambda problem: problem.dtype == "float32"))
def test_shapes_agree_with_torch(problem: Problem) -> None:
    torch = pytest.importorskip("torch")
    if 0 in (*problem.input_shape, *problem.weight_shape):
        return
    meta = [torch.empty(shape, device="meta") for shape in (problem.input_shape, problem.weight_shape)]
    bias = torch.empty(problem.out_channels, device="meta") if problem.bias else None
    assert tuple(torch.nn.functional.conv2d(*meta, bias, **problem.arguments).shape) == problem.output_shape


@given(st.text(max_size=60))
def test_any_text_is_a_problem_or_one_sentence(text: str) -> None:
    parsed, message = attempt(text)
    assert (parsed is None) != (message == "")
    assert len(message) < 400 + 12 * len(text)
    assert "\n" not in message


@given(drawn(), st.data())
def test_damaged_text_is_refused_or_another_problem(problem: Problem, data: st.DataObject) -> None:
    index = data.draw(st.integers(0, len(problem.text) - 1))
    damaged = problem.text[:index] + data.draw(st.characters()) + problem.text[index + 1 :]
    parsed, message = attempt(damaged)
    assert parsed is None or message == ""


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("", "field 1"),
        ("n1c64h56", "field 1"),
        ("n1c64h56w56", "field 2"),
        ("n1c64h56w56_o64k3x3_s1_p1x1_d1x1_g1_float32", "field 3"),
        ("n1c64h56w56_o64k3x3_s1x1_pfull_d1x1_g1_float32", "field 4"),
        ("n1c64h56w56_o64k3x3_s1x1_p1x1_d1x1_g1_quad", "dtype"),
        ("n1c64h56w56_o64k3x3_s1x1_p1x1_d1x1_g1_float31", "dtype 'float31' is not one of"),
        ("n1c64h56w56_o64k3x3_s1x1_p1x1_d1x1_g3_float32", "in_channels = 64 is not a multiple of groups = 3"),
        ("n1c4h2w2_o4k3x3_s1x1_p0x0_d1x1_g1_float32", "nothing to put out"),
        ("n1c4h9w9_o4k3x3_s2x2_psame_d1x1_g1_float32", "stride 1"),
        ("n1c4h9w9_o4k3x3_s0x1_p0x0_d1x1_g1_float32", "stride"),
        ("n1c4h9w9_o4k0x3_s1x1_p0x0_d1x1_g1_float32", "kernel"),
        ("n99999999999c4h9w9_o4k3x3_s1x1_p0x0_d1x1_g1_float32", "problem"),
        ("n٣c4h9w9_o4k3x3_s1x1_p0x0_d1x1_g1_float32", "field 1"),
        ("n1c4h9w9_o4k3x3_s1x1_p0x0_d1x1_g1_float32\n", "problem"),
    ],
)
def test_the_first_wrong_field_is_named(text: str, message: str) -> None:
    with pytest.raises(ProblemError) as caught:
        Problem.parse(text)
    assert message in str(caught.value)


@pytest.mark.parametrize(
    "changes",
    [
        {"batch": -1},
        {"batch": True},
        {"height": 1.0},
        {"kernel": [3, 3]},
        {"kernel": 3},
        {"stride": (1, 1, 1)},
        {"padding": "SAME"},
        {"padding": (-1, 0)},
        {"dtype": "float"},
        {"groups": 0},
        {"width": 2**40},
    ],
)
def test_wrong_parameters_are_refused(changes: dict[str, object]) -> None:
    with pytest.raises(ProblemError):
        Problem(height=9, width=9, kernel=(3, 3)).replace(**changes)


def test_problems_are_values() -> None:
    first, second = Problem(height=5), Problem(height=5)
    assert first == second
    assert len({first, second, first.replace(height=6)}) == 2
    with pytest.raises(AttributeError):
        first.height = 7  # type: ignore[misc]
