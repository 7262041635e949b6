"""Kinds of mechanisms: the closed list of what a faulty kernel computes instead of a convolution."""

from __future__ import annotations

from enum import StrEnum
from typing import Self


class MechanismKind(StrEnum):
    """Slug of a kind of mechanism, and its sentence."""

    sentence: str

    def __new__(cls, slug: str, sentence: str) -> Self:
        """Return the member whose value is the slug."""
        member = str.__new__(cls, slug)
        member._value_ = slug
        member.sentence = sentence
        return member

    # the kernel and its pairing with the input
    FLIPPED_KERNEL = "flipped_kernel", "The kernel is flipped along one or both axes."
    SWAPPED_AXES = "swapped_axes", "Two axes of an operand, an argument or the output are swapped."
    AXIS_SHARED = "axis_shared", "The argument of one axis is used for both."
    SHIFTED_OUTPUT = "shifted_output", "Outputs are shifted by some positions."
    TAIL_DROPPED = (
        "tail_dropped",
        "The last block of rows, columns, channels, products or images is dropped or repeated.",
    )
    TILE_BORDER = "tile_border", "Outputs at the border of a tile or of a row miss their neighbours."
    INDEX_OVERFLOW = "index_overflow", "A size or an index is too large for its integer type."
    COMBINATION = "combination", "A combination of parameters or layouts takes a path of its own, which is wrong."
    STRUCTURE_ASSUMED = "structure_assumed", "A shortcut for operands of special values or structure is taken wrongly."

    # arguments
    ARGUMENT_IGNORED = "argument_ignored", "An argument is ignored or capped."
    ARGUMENT_MISREAD = (
        "argument_misread",
        "An argument is read by another rule, in another place or with another default.",
    )
    SAME_PADDING_SIDE = "same_padding_side", "The padding is put on the wrong side, as for 'same' and even kernels."
    PADDING_VALUE = "padding_value", "The padding has other values than zero."
    GROUPS_IGNORED = "groups_ignored", "Groups share channels or filters, or channels are not added up."
    GROUPS_PERMUTED = "groups_permuted", "Channels or outputs of groups are in another order."
    BIAS_DROPPED = "bias_dropped", "The bias is not added."
    BIAS_AXIS = "bias_axis", "The bias is added along the wrong axis or to the wrong channels."

    # precision and values
    WRONG_SCALE = "wrong_scale", "An operand or an output is multiplied by a constant."
    SIGN_LOST = "sign_lost", "A sign, a conjugation or an imaginary part is lost or added."
    NARROW_ACCUMULATOR = "narrow_accumulator", "Sums are kept, rounded or saturated in too narrow a type."
    NARROWED_OPERANDS = "narrowed_operands", "Operands are rounded to a narrower type."
    SUBNORMALS_FLUSHED = "subnormals_flushed", "Subnormal numbers are flushed to zero."
    NAN_CLAMPED = "nan_clamped", "NaN or infinity is replaced by a finite number."
    NAN_SPREAD = "nan_spread", "NaN or infinity reaches outputs that it must not reach."
    FALSE_DECLARATION = "false_declaration", "The declaration differs from what is computed."

    # the output
    WRONG_DTYPE = "wrong_dtype", "The output has another dtype or byte order."
    WRONG_SHAPE = "wrong_shape", "The output has another shape."
    WRONG_TYPE = "wrong_type", "The output is not an array of the framework."
    STALE_MEMORY = "stale_memory", "The output is memory that was never written."
    OUTPUT_ALIASED = "output_aliased", "The output shares memory with an operand, an earlier output or itself."

    # calls
    REFUSES_VALID = "refuses_valid", "A valid call raises."
    ACCEPTS_INVALID = "accepts_invalid", "An invalid call is answered."
    LAYOUT_ASSUMED = "layout_assumed", "Strides, offsets, alignment or byte order are ignored."
    MUTATES_OPERANDS = "mutates_operands", "An operand or an argument of the caller is changed."
    PREVIOUS_ANSWER = "previous_answer", "An answer, a weight or a plan of an earlier call is used."
    OTHER_PROCESS = "other_process", "An answer, a weight or a plan that an earlier process stored is used."
    FORKED_CHILD = "forked_child", "A forked child lacks a thread, or waits for a lock that nothing releases."
    NONDETERMINISTIC = "nondeterministic", "Equal calls give different answers."
    THREAD_RACE = "thread_race", "Threads use each other's data, or write after the call has returned."
    GLOBAL_STATE = "global_state", "State of the process is changed and not restored."
    OUT_OF_BOUNDS = "out_of_bounds", "Memory before or after an operand or the output is read or written."
    CRASH = "crash", "The process ends or its memory is exhausted."
    HANG = "hang", "The call does not return."

    # gradients
    GRADIENT_GRAPH = "gradient_graph", "The output is in no graph, or in one that was not requested."
    GRADIENT_VALUE = "gradient_value", "A gradient is wrong."

    # cheats
    CHEAT_COMPARISON = "cheat_comparison", "The output or the library is changed so that a comparison succeeds."
    CHEAT_HARNESS = "cheat_harness", "The harness's clocks, checks or messages are disturbed."
