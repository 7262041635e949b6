"""Readers of faults: one function per kind of fault, which returns the property that the fault states by itself."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from dataclasses import replace

from convgauge.diagnosis.broken_rules import unchecked_rules
from convgauge.diagnosis.false_declaration import has_grade_b
from convgauge.diagnosis.kinds import MechanismKind
from convgauge.diagnosis.mechanisms.earlier_calls import reused_of_earlier_process
from convgauge.diagnosis.prepared_layers import shared_by_layers
from convgauge.diagnosis.property import Property
from convgauge.diagnosis.sample import Sample
from convgauge.diagnosis.shape_faults import differences_of_shapes
from convgauge.reference.compare import Fault
from convgauge.terms import FaultKind

Reader = Callable[[Sample, Fault], "Property | None"]

MAX_MESSAGE = 110
"""Characters of an exception's message that a sentence quotes."""

MEMORY_ERRORS = ("MemoryError", "_ArrayMemoryError", "OutOfMemoryError")
"""Exceptions of Python, NumPy and torch for exhausted memory."""

PREPARED_MODES = ("several_inputs", "two_layers")
"""Call modes with several outputs of prepared layers."""

LATE_WRITES = "output_changes_later"
"""Slug of the property of outputs that change after they were returned."""

OTHER_GRADIENT_MODES = ("second_gradient", "two_graphs", "used_later")
"""Call modes that differentiate the output, beside those whose names begin with "gradient"."""


# --- no output -------------------------------------------------------------------------------------------------------


def _raised(sample: Sample, fault: Fault) -> Property:
    error = sample.observation.error[0] if sample.observation.error else "an exception"
    message = _shortened(sample.observation.message)
    slug = _slug("raises", error, message)
    if error in MEMORY_ERRORS:
        return Property("exhausts_memory", MechanismKind.CRASH, f"memory: exhausted ({error}: {message})")
    mode = sample.call.mode
    if not mode:
        text = f"a valid call raises {error}: {message}" if message else f"a valid call raises {error}"
        return Property(slug, MechanismKind.REFUSES_VALID, text, is_consequence_possible=True)
    if mode == "by_position" and "positional argument" not in message:
        text = f"arguments: those by position are read in another order (raises {error}: {message})"
        return Property(f"{slug}_in_{mode}", MechanismKind.ARGUMENT_MISREAD, text, explained_by=slug)
    kind, what = MechanismKind.REFUSES_VALID, f"a valid call in the mode {mode}"
    if mode.startswith("gradient") or mode in OTHER_GRADIENT_MODES:
        kind, what = MechanismKind.GRADIENT_GRAPH, "gradient: differentiating the output"
    sentence = f"{what} raises {error}: {message}"
    return Property(f"{slug}_in_{mode}", kind, sentence, is_consequence_possible=True, explained_by=slug)


def _shortened(message: str) -> str:
    line = " ".join(message.split())
    return line if len(line) <= MAX_MESSAGE else f"{line[:MAX_MESSAGE]}…"


def _slug(*words: str) -> str:
    """Return the letters of some words: messages that differ in numbers only have one slug."""
    return re.sub(r"[^a-z]+", "_", " ".join(words).lower()).strip("_")


def _crashed(sample: Sample, fault: Fault) -> Property:
    message = sample.observation.message
    return Property(_slug("crash", message), MechanismKind.CRASH, f"process: {_shortened(message)}")


def _out_of_bounds(sample: Sample, fault: Fault) -> Property:
    side = re.sub(r"^memory (right |\d+ bytes? )?", "", sample.observation.touched)
    text = "memory: touches memory {}, which may not be accessible"
    return Property("out_of_bounds", MechanismKind.OUT_OF_BOUNDS, text, (side,))


def _timed_out(sample: Sample, fault: Fault) -> Property:
    message = _shortened(sample.observation.message)
    if sample.call.threads == 1:
        return Property("hang", MechanismKind.HANG, f"process: {message}")
    text = f"process: {message}, called from several threads at once"
    return Property("hang_of_threads", MechanismKind.HANG, text, explained_by="hang")


def _noise(sample: Sample, fault: Fault) -> Property:
    text = "process: disturbs the messages between the harness and its process"
    return Property("disturbs_messages", MechanismKind.CHEAT_HARNESS, text)


# --- the output ------------------------------------------------------------------------------------------------------


def _shape(sample: Sample, fault: Fault) -> Property:
    first, *rivals = (
        Property(slug, MechanismKind.WRONG_SHAPE, f"shape: {text}", is_consequence_possible=True)
        for slug, text in differences_of_shapes(sample.observation.shape, sample.problem.output_shape).items()
    )
    return replace(first, rivals=tuple(rivals))


def _dtype(sample: Sample, fault: Fault) -> Property:
    if any(effect.kind == "byte_order" for effect in sample.observation.side_effects):
        return Property(
            "wrong_byte_order", MechanismKind.WRONG_DTYPE, "output: in another byte order than the operands"
        )
    item = f"{sample.observation.dtype} for {fault.expected}"
    return Property("wrong_dtype", MechanismKind.WRONG_DTYPE, "dtype: the output is {}", (item,))


def _type(sample: Sample, fault: Fault) -> Property:
    message = sample.observation.message or fault.message
    is_unreadable = sample.observation.kind == "unreadable"
    text = f"output: cannot be read: {_shortened(message)}" if is_unreadable else f"output: {_shortened(message)}"
    return Property(_slug("wrong_type", message), MechanismKind.WRONG_TYPE, text)


def _device(sample: Sample, fault: Fault) -> Property:
    return Property("wrong_device", MechanismKind.WRONG_TYPE, "output: on another device than the input")


def _layout(sample: Sample, fault: Fault) -> Property:
    text = "output: channels-last memory of the operands is not kept"
    return Property("layout_not_kept", MechanismKind.LAYOUT_ASSUMED, text)


# --- effects ---------------------------------------------------------------------------------------------------------


def _side_effect(slug: str, kind: MechanismKind, text: str) -> Reader:
    """Return the reader of the side effects of a kind, whose targets are the items of the sentence."""

    def read(sample: Sample, fault: Fault) -> Property:
        first = sample.observation.side_effects[0].kind if sample.observation.side_effects else None
        targets = [effect.target for effect in sample.observation.side_effects if effect.kind == first]
        return Property(slug, kind, text, tuple(dict.fromkeys(targets)))

    return read


def _rewritten(sample: Sample, fault: Fault) -> Property:
    text = "memory: an output changes after it was returned"
    return Property(LATE_WRITES, MechanismKind.THREAD_RACE, text, explained_by="output_aliased")


def _aliased(sample: Sample, fault: Fault) -> Property:
    targets = [effect.target for effect in sample.observation.side_effects if effect.kind == "aliased"]
    items = tuple("itself" if target == "itself" else f"the {target}" for target in targets)
    text = "memory: the output shares memory with {}"
    if "itself" in items:
        text = "memory: elements of the output share memory"
    return Property("output_aliased", MechanismKind.OUTPUT_ALIASED, text.replace("an the", "the"), items)


def _unstable(sample: Sample, fault: Fault) -> Property:
    if sample.call.threads > 1:
        text = "threads: calls from several threads at once give other bits than one thread"
        return Property("thread_race", MechanismKind.THREAD_RACE, text, is_consequence_possible=True)
    text = "calls: equal calls give different bits"
    return Property("nondeterministic", MechanismKind.NONDETERMINISTIC, text, is_consequence_possible=True)


# --- what should not be answered, gradients, declarations ------------------------------------------------------------


def _answered_invalid(sample: Sample, fault: Fault) -> Property:
    rules = tuple(unchecked_rules([sample.call]))
    if rules == ("operands of two dtypes",):
        text = "dtypes: operands of two dtypes are rounded to the narrower one"
        return Property("mixed_dtypes_narrowed", MechanismKind.NARROWED_OPERANDS, text)
    text = "invalid calls: {} are accepted" if rules else "invalid calls: some are answered"
    return Property("accepts_invalid", MechanismKind.ACCEPTS_INVALID, text, rules)


def wrong_answer_to_invalid_call(sample: Sample) -> Property:
    """Return the property of a call that might have been refused, and was answered wrongly."""
    rules = tuple(unchecked_rules([sample.call]))
    text = "invalid calls: {} are accepted"
    return Property("accepts_invalid", MechanismKind.ACCEPTS_INVALID, text, rules, is_consequence_possible=True)


def _graph(sample: Sample, fault: Fault) -> Property:
    missing = [name for name, letter in (("input", "i"), ("weight", "w"), ("bias", "b"))
               if letter in sample.call.wanted and _is_missing(sample, name)]  # fmt: skip
    if not missing:
        text = "gradient: there is one that was not requested"
        return Property("gradient_not_requested", MechanismKind.GRADIENT_GRAPH, text)
    items = tuple(f"the {name}" for name in missing)
    return Property("no_gradient", MechanismKind.GRADIENT_GRAPH, "gradient: none reaches {}", items)


def _is_missing(sample: Sample, name: str) -> bool:
    arrays = sample.observation.extra_outputs
    index = ("input", "weight", "bias").index(name)
    has_operand = name != "bias" or sample.call.bias is not None
    return has_operand and (index >= len(arrays) or arrays[index] is None)


def _gradient(sample: Sample, fault: Fault) -> Property:
    kind = MechanismKind.GRADIENT_VALUE
    if sample.call.mode == "second_gradient":
        text = "gradient: second derivatives are wrong"
        return Property(
            "second_gradient_wrong", kind, text, is_consequence_possible=True, explained_by="gradient_wrong"
        )
    return Property("gradient_wrong", kind, "gradient: its values are wrong", is_consequence_possible=True)


def _declaration(sample: Sample, fault: Fault) -> Property:
    text = "declaration: a problem of the declared domain is refused"
    return Property("domain_refused", MechanismKind.FALSE_DECLARATION, text)


def _irreproducible(sample: Sample, fault: Fault) -> Property:
    axis = sample.spec.rpartition(".")[2]
    text = f"declaration: equal bits are declared along the axis {axis}, and the outputs differ"
    return Property(f"differs_by_{axis}", MechanismKind.FALSE_DECLARATION, text)


def _inaccurate(sample: Sample, fault: Fault) -> Property | None:
    if sample.call.mode in PREPARED_MODES:
        return shared_by_layers(sample, fault)
    if sample.declared_grade != "A" or not sample.is_plain or not has_grade_b(sample):
        return None
    text = "declaration: grade A is declared, and the accuracy is that of grade B"
    return Property("grade_not_reached", MechanismKind.FALSE_DECLARATION, text, is_consequence_possible=True)


def _operator(sample: Sample, fault: Fault) -> Property:
    return Property("false_operator", MechanismKind.FALSE_DECLARATION, f"operator: {_shortened(fault.message)}")


# --- other processes -------------------------------------------------------------------------------------------------


def _other_process(sample: Sample, fault: Fault) -> Property:
    text = "processes: answers depend on what an earlier process computed"
    kind, reused = MechanismKind.OTHER_PROCESS, reused_of_earlier_process(sample)
    if not reused:
        return Property("other_process", kind, text, explained_by="stored_by_earlier_process")
    return Property("stored_by_earlier_process", kind, f"{text}: its {{}} are used", (reused,))


def _forked_child(sample: Sample, fault: Fault) -> Property:
    is_ending = fault.status in ("crashed", "timed_out")
    text = sample.observation.message if is_ending else "gives wrong answers"
    if fault.status == "errored":
        text = f"raises {fault.got}"
    return Property("forked_child", MechanismKind.FORKED_CHILD, f"processes: a forked child {_shortened(text)}")


READERS: Mapping[FaultKind, Reader] = {
    "raised": _raised,
    "crashed": _crashed,
    "out_of_bounds": _out_of_bounds,
    "operator": _operator,
    "timed_out": _timed_out,
    "noise": _noise,
    "shape": _shape,
    "dtype": _dtype,
    "type": _type,
    "device": _device,
    "layout": _layout,
    "side_effect": _side_effect("mutates", MechanismKind.MUTATES_OPERANDS, "operands: the call changes the {}"),
    "global_state": _side_effect("global_state", MechanismKind.GLOBAL_STATE, "global state: the call changes {}"),
    "rewritten": _rewritten,
    "aliased": _aliased,
    "unstable": _unstable,
    "answered_invalid": _answered_invalid,
    "graph": _graph,
    "gradient": _gradient,
    "declaration": _declaration,
    "irreproducible": _irreproducible,
    "other_process": _other_process,
    "forked_child": _forked_child,
    "values": _inaccurate,
    "accuracy": _inaccurate,
}
"""Function that reads the property of a fault, by the kind of the fault."""
