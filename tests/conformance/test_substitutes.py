"""Kernels of one dtype are judged in it, also by the specs that have other dtypes."""

from __future__ import annotations

from dataclasses import replace

import pytest

from convgauge.bundled import bundled
from convgauge.conformance import Judge, problems
from convgauge.conformance.cases import cases
from convgauge.conformance.collection import collect_specs
from convgauge.conformance.limits import Discovery
from convgauge.conformance.redrawers import Redrawers
from convgauge.conformance.selection import Selection
from convgauge.conformance.setting import Setting
from convgauge.conformance.spec import Spec
from convgauge.conformance.substitutes import CHAPTERS, INTEGER_KINDS, ORDER, fits, stand_in, substitute
from convgauge.conformance.sufficiency import TOPICS, insufficient
from convgauge.conformance.suite import Suite
from convgauge.conformance.targets import Target, description_from_declaration
from convgauge.domain import Domain
from convgauge.dtypes import DTYPES
from convgauge.registry import resolve_all
from convgauge.request import CheckRequest
from convgauge.results import SpecRecord
from convgauge.worker.call import Call, Observation
from support.fake_runner import FakeRunner, exact_output

SPECS = {spec.id: spec for spec, _ in collect_specs()}
CHOSEN = ("definition.cross_correlation", "dilation.pair", "stride.pair", "padding.pair", "accuracy.gaussian")


def judged(target: str, **changes: object) -> dict[str, SpecRecord]:
    path = f"{bundled('mutants')}/{target}"
    request = replace(CheckRequest((path,), tier="quick", framework="numpy", specs=CHOSEN), **changes)  # type: ignore[arg-type]
    with Suite(request) as suite:
        suite.load()
        return {result.record.spec: result.record for result in suite if result.record.dtype != "float16"}


def test_all_dtypes_and_chapters_are_known() -> None:
    assert sorted(ORDER) == sorted(DTYPES)
    assert set(CHAPTERS) <= {spec.chapter for spec in SPECS.values()}


@pytest.mark.parametrize(
    ("spec", "dtypes", "dtype"),
    [
        ("dilation.pair", ("int8",), "int8"),
        ("dilation.pair", ("int8", "int32", "complex64"), "int32"),
        ("dilation.pair", ("complex128", "complex64"), "complex64"),
        ("dilation.pair", ("int8", "float16"), "float16"),
        ("laws.batch", ("int8", "float64"), ""),  # a law is for two dtypes, and the geometry is judged in float64
        ("accuracy.wide", ("int8",), ""),
        ("accuracy.wide", ("float64",), "float64"),
        ("adversarial.integer", ("int8",), "int8"),
        ("dilation.pair", (), ""),
    ],
)
def test_the_substitute_of_a_spec(spec: str, dtypes: tuple[str, ...], dtype: str) -> None:
    assert substitute(SPECS[spec], dtypes) == dtype


def test_one_of_several_dtypes_has_a_substitute() -> None:
    spec: Spec = SPECS["dilation.pair"]
    supported = ("float64", "float32", "int8")
    assert [stand_in(dtype, spec, "standard", supported, ("int8",)) for dtype in supported[:2]] == ["int8", "float32"]
    assert stand_in("float64", spec, "standard", supported, ("float32", "int8")) == "float64"


def test_cases_of_reals_fit_floating_dtypes_only() -> None:
    assert fits("float16", SPECS["accuracy.gaussian"], ())
    assert not fits("int8", SPECS["behaviour.repeatable"], ())
    assert fits("int8", SPECS["behaviour.repeatable"], INTEGER_KINDS)


@pytest.mark.parametrize(
    ("name", "dtype"), [("int8_only", "int8"), ("complex_only", "complex64"), ("float16_only", "float16")]
)
def test_a_sound_kernel_of_one_dtype_is_judged_in_it(name: str, dtype: str) -> None:
    records = judged(f"correct/one_dtype.py:{name}")
    assert {records[spec].status for spec in CHOSEN[:4]} == {"passed"}
    assert {records[spec].redrawn_dtype for spec in CHOSEN[:4]} == {dtype}
    assert all(records[spec].redrawn == records[spec].valid > 0 == records[spec].answered for spec in CHOSEN[:4])
    assert (records["accuracy.gaussian"].redrawn, records["accuracy.gaussian"].status) == (0, "refused")


def test_a_faulty_kernel_of_integers_is_found_and_its_case_is_reproduced() -> None:
    name = "narrow_dtypes.py:int8_dilation_swapped"
    record = judged(name, specs=("dilation.pair",))["dilation.pair"]
    assert (record.status, record.dtype, record.redrawn_dtype) == ("failed", "float32", "int8")
    assert record.counterexample is not None
    case = record.counterexample.problem
    assert case.endswith("_int8")
    assert judged(name, specs=("dilation.pair",), case=case)["dilation.pair"].status == "failed"
    sound = judged("correct/one_dtype.py:int8_only", specs=("dilation.pair",), case=case)
    assert sound["dilation.pair"].status == "passed"


def test_a_run_in_integers_has_the_geometry_and_suffices_without_accuracy() -> None:
    selection = Selection.from_request(CheckRequest(("numpy_windows",), tier="quick", dtypes=("int8",)))
    (origin,) = resolve_all(("numpy_windows",))
    targets = {origin.name: Target(origin, description_from_declaration(origin))}
    tasks = selection.collected_tasks(targets)
    assert {task.dtype for task in tasks} == {"int8"}
    assert {"dilation", "sweep", "laws", "behaviour"} <= {task.spec.chapter for task in tasks}
    records = [
        SpecRecord("kernel", task.spec.id, "required", "passed", 60, "int8", valid=60, answered=60) for task in tasks
    ]
    assert insufficient(records) == ""
    few = [record for record in records if not record.spec.startswith(TOPICS["sizes"])]
    single = SpecRecord("kernel", "sweep.width", "required", "passed", 1, "int8", valid=1, answered=1)
    assert insufficient([*few, single]).startswith("too few cases were judged (1 of at least 20 on sizes)")


def test_a_faulty_kernel_is_found_in_a_run_of_its_dtype() -> None:
    record = judged("narrow_dtypes.py:int8_dilation_swapped", dtypes=("int8",))["dilation.pair"]
    assert (record.status, record.dtype, record.redrawn_dtype) == ("failed", "int8", "")


@pytest.mark.parametrize(("is_narrow", "probes"), [(True, 1), (False, 0)])
def test_refused_integers_are_drawn_again_if_the_usual_problem_is_refused_too(is_narrow: bool, probes: int) -> None:
    def kernel(call: Call) -> Observation:
        is_refused = call.input.shape[0] > 1 if is_narrow else call.dtypes[0] == "int16"
        refusal = Observation("refused", error=("ValueError",), message="one image, or floats")
        output = exact_output(call).astype(call.dtypes[0])
        return refusal if is_refused else Observation("answer", output, call.dtypes[0])

    discoveries: list[Discovery] = []

    def discover() -> Discovery:
        anchor = "n1c1h4w4_o1k1x1_s1x1_p0x0_d1x1_g1_float32"
        discoveries.append(Discovery(Domain.parse("batch == 1"), probes=1, anchor=anchor))
        return discoveries[-1]

    spec = replace(SPECS["adversarial.integer"], id="some.thing")
    runner = FakeRunner(kernel, dtypes=("float32", "int16"))
    judge = Judge(spec, runner, "int16", "cpu", Setting(redrawers=Redrawers(discover=discover)))
    judge.refuses(cases(problems(batch=[2, 3], groups=[1])), unless=judge.check_exact)
    assert len(discoveries) == probes
    assert judge.tally.outcomes["passed"] == (4 if is_narrow else 2)  # a refused call passes
