"""Properties: each kind of fault states its own cause, and equal ones are one."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from convgauge.diagnosis.properties import grouped, observed
from convgauge.diagnosis.sample import Sample
from convgauge.problem import Problem
from convgauge.reference.compare import Fault
from convgauge.terms import FaultKind
from convgauge.worker.call import Call, Observation
from support.judged_samples import judged
from support.mutant_samples import declared

FLOAT32 = ("float32",)
PROBLEM = Problem(batch=1, in_channels=1, height=3, width=3, out_channels=1, kernel=(2, 2))

JUDGED = [
    # mutant, spec, dtypes, words of the sentence
    ("negative_stride", "errors.stride", FLOAT32, "negative strides are accepted"),
    ("words_in_capitals", "errors.words", FLOAT32, "'same' and 'valid' in other letters are accepted"),
    ("surplus_outputs_dropped", "errors.groups", FLOAT32, "groups that do not divide the output channels"),
    ("mixed_dtypes_narrowed", "errors.mixed_dtypes", FLOAT32, "rounded to the narrower one"),
    ("answers_none", "shape.one", FLOAT32, "returned None"),
    ("always_float32", "shape.rows", ("float16",), "float32 for float16"),
    ("output_swapped", "shape.one", FLOAT32, "another byte order"),
    ("writes_to_the_input", "shape.one", FLOAT32, "the call changes the input"),
    ("identity_returns_its_input", "behaviour.fresh_output", FLOAT32, "shares memory with the input"),
    ("output_buffer_reused", "behaviour.same_shape", FLOAT32, "shares memory with the earlier output"),
    ("equal_images_share_memory", "adversarial.image", FLOAT32, "elements of the output share memory"),
    ("filters_warnings", "behaviour.state", FLOAT32, "the call changes the warning filters"),
    ("summed_in_random_order", "behaviour.repeatable", FLOAT32, "equal calls give different bits"),
    ("filters_shared_by_threads", "behaviour.threads", FLOAT32, "several threads at once"),
    ("errors_exit", "errors.padding", FLOAT32, "ended the process with exit status 1"),
    ("zero_stride_loops", "errors.stride", FLOAT32, "gave no answer"),
    ("dilation_asks_for_terabytes", "dilation.atrous", FLOAT32, "memory: exhausted"),
    ("raises_no_exception", "bias.none", FLOAT32, "a valid call raises Odd: not an Exception"),
    ("forks_and_answers_twice", "sweep.pointwise_channels", FLOAT32, "disturbs the messages"),
    ("prepared_buffer_reused", "prepare.several_inputs", FLOAT32, "outputs of a prepared layer share memory"),
    ("prepared_weights_shared", "prepare.two_layers", FLOAT32, "the weight that was prepared last"),
    ("fft_declared_direct", "special.product_overflow", FLOAT32, "grade A is declared"),
    ("output_masked", "padding.int", FLOAT32, "output: a masked array"),
    ("output_compares_equal", "padding.int", FLOAT32, "comparisons of its own (Agreeable)"),
    ("patches_the_oracle", "padding.int", FLOAT32, "replaces convgauge.reference.oracle.answer"),
    ("stops_the_clock", "behaviour.same_shape", FLOAT32, "time.perf_counter"),
    ("closes_every_descriptor", "covering.squares", FLOAT32, "disturbs the messages"),
    ("squeezed", "shape.axes", FLOAT32, "axes of one element are dropped"),
    ("one_position_flattened", "shape.one", FLOAT32, "row and column axes of a single position"),
    ("one_image_unbatched", "shape.axes", FLOAT32, "a batch axis of one element is dropped"),
]


@pytest.mark.parametrize(("name", "spec", "dtypes", "words"), JUDGED, ids=[name for name, *_ in JUDGED])
def test_a_mutant_of_one_fault_has_one_property(name: str, spec: str, dtypes: tuple[str, ...], words: str) -> None:
    failing = [sample for sample in judged(name, spec, dtypes=dtypes) if sample.fault is not None]
    assert failing
    assert all(sample.fault is not None and sample.fault.kind for sample in failing)
    (group,) = grouped(failing)
    assert words in group.property.sentence
    assert group.property.kind == declared()[name].mechanism
    assert list(group.samples) == failing


def failing_sample(kind: FaultKind, observation: Observation, mode: str = "", wanted: str = "") -> Sample:
    """Return a sample with a fault of a kind."""
    array = np.ones((1, 1, 3, 3), np.float32)
    call = Call(array, array[..., :2, :2], None, {}, mode=mode, wanted=wanted, is_valid=True)
    return Sample("a.b", "", PROBLEM, "exact", call, observation, Fault("failed", "", kind=kind), {})


def raised(message: str, mode: str = "", error: str = "ValueError") -> Sample:
    return failing_sample("raised", Observation("raised", error=(error, "Exception"), message=message), mode)


def test_exceptions_that_differ_in_numbers_are_one_cause() -> None:
    (group,) = grouped([raised("shapes (3,4) and (5,) (k.py:7)"), raised("shapes (2,4) and (6,) (k.py:7)")])
    assert len(group.samples) == 2
    assert group.property.is_consequence_possible
    assert len(grouped([raised("shapes (3,4)"), raised("no such axis")])) == 2


def test_messages_that_differ_in_one_word_are_one_cause() -> None:
    text = "pad(): argument 'pad' must be tuple of ints, but found element of type {} at pos 0 (k.py:7)"
    (group,) = grouped([raised(text.format("tuple")), raised(text.format("str"))])
    assert len(group.samples) == 2


def test_an_output_that_is_read_too_early_is_wrong() -> None:
    late = failing_sample("rewritten", Observation("answer", np.ones(1)))
    wrong = failing_sample("values", Observation("answer", np.ones(1)))
    (group,) = grouped([late, wrong])
    assert (group.property.kind, len(group.samples)) == ("thread_race", 2)
    assert grouped([wrong]) == []


def test_an_exception_of_a_gradient_concerns_the_graph_unless_plain_calls_raise_it() -> None:
    in_gradient = raised("no grad_fn", "gradient_of_sum", "RuntimeError")
    (group,) = grouped([in_gradient])
    assert group.property.kind == "gradient_graph"
    (group,) = grouped([in_gradient, raised("no grad_fn", "", "RuntimeError")])
    assert (group.property.kind, len(group.samples)) == ("refuses_valid", 2)


def test_a_missing_gradient_names_its_operands() -> None:
    gradients = [np.ones(1), None]
    sample = failing_sample("graph", Observation("answer", extra_outputs=gradients), "gradient", "iw")
    property = observed(sample)
    assert property is not None
    assert property.sentence == "gradient: none reaches the weight"


def test_samples_that_were_not_called_belong_to_the_endings() -> None:
    crashed = failing_sample("crashed", Observation("crashed", message="died of signal 11 (SIGSEGV)"))
    assert crashed.fault is not None
    not_called = replace(crashed, fault=replace(crashed.fault, not_called=True))
    (group,) = grouped([crashed, not_called])
    assert len(group.samples) == 2
    assert grouped([not_called]) == []


def test_wrong_values_state_nothing() -> None:
    output = np.zeros((1, 1, 2, 2), np.float32)
    assert observed(failing_sample("values", Observation("answer", output))) is None
    assert observed(failing_sample("relation", Observation("answer", output))) is None
