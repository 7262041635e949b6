"""Sufficiency: the minimum of judged cases on which a verdict rests.

A verdict states that no fault was found, which means little if few cases could have shown one. A run below the minimum
is unjudged. Cases that were drawn inside the domain of an implementation count as others do, so that a sound narrow
implementation reaches the minimum too.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from convgauge.dtypes import DTYPES
from convgauge.results import SpecRecord

MIN_CASES = 300
"""Judged cases of a whole run: a fault that shows in 1 % of them is found with probability 1 - 0.99^300 = 95 %."""

MIN_CASES_OF_TOPIC = 20
"""Judged cases of each topic: a fault that shows in a seventh of them is found with 1 - (6/7)^20 = 95 %."""

TOPICS: Mapping[str, tuple[str, ...]] = {
    "the definition": ("definition.",),
    "sizes": ("sweep.",),
    "accuracy": ("accuracy.",),
    "repeated calls": ("behaviour.same_", "behaviour.many_calls", "behaviour.repeatable"),
    "memory": ("behaviour.operands_unchanged", "behaviour.fresh_output"),
}
"""Beginnings of the ids of the specs of each topic. Every implementation has problems of them, also a narrow one."""

OF_WHOLE_RUNS = ("the definition", "sizes", "accuracy")
"""Topics of the smallest profile. A run without specs of one of them was narrowed, by -k, --spec or a shard."""

MIN_SPECS_OF_WHOLE_RUN = 100
"""Specs below which a run was narrowed too: the smallest profile has more than one and a half times as many."""

NOTHING_EXECUTED = "nothing was executed"


def insufficient(records: Sequence[SpecRecord]) -> str:
    """Return why records do not suffice for a verdict, and what to do next; "" if they do.

    A run that was narrowed needs one judged case: its verdict holds for what was selected. A run in integers or complex
    numbers alone does not suffice, because the geometry of calls is judged in floating dtypes.

    Parameters
    ----------
    records
        Records of one implementation.
    """
    if not any(record.cases for record in records):
        return NOTHING_EXECUTED
    required = [record for record in records if record.level == "required"]
    valid = sum(record.valid for record in required)
    judged = _judged(required)
    if valid and not judged:
        return f"none of {valid:,} valid cases was answered"
    counts = {topic: _judged_of_topic(topic, required) for topic in TOPICS}
    specs = {record.spec for record in records}
    if len(specs) < MIN_SPECS_OF_WHOLE_RUN or any(counts[topic] is None for topic in OF_WHOLE_RUNS):
        dtypes = {record.dtype for record in records if record.dtype}
        if not dtypes or any(DTYPES[dtype].kind == "f" for dtype in dtypes):
            return ""
        return f"in {', '.join(sorted(dtypes))} alone, padding, stride and sizes are not judged: add a floating dtype"
    few = [
        f"{count} of at least {MIN_CASES_OF_TOPIC} on {topic}"
        for topic, count in counts.items()
        if count is not None and count < MIN_CASES_OF_TOPIC
    ]
    if judged < MIN_CASES:
        few.insert(0, f"{judged} of at least {MIN_CASES}")
    if not few:
        return ""
    return f"too few cases were judged ({'; '.join(few)}): declare the supported problems with --supports"


def _judged(records: Sequence[SpecRecord]) -> int:
    """Return the number of valid cases that were judged; of an older run, which does not count them, that of all."""
    if any(record.valid for record in records):
        return sum(record.answered + record.redrawn for record in records)
    return sum(record.cases for record in records)


def _judged_of_topic(topic: str, records: Sequence[SpecRecord]) -> int | None:
    """Return the number of judged cases of a topic, or None if the run has no spec of it."""
    of_topic = [record for record in records if record.spec.startswith(TOPICS[topic])]
    return _judged(of_topic) if of_topic else None
