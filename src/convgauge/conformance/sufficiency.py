"""Sufficiency: the minimum of judged cases on which a verdict rests.

A verdict states that no fault was found, which means little if few cases could have shown one. A run below the minimum
is unjudged. Cases that were drawn inside the domain of an implementation count as others do, so that a sound narrow
implementation reaches the minimum too.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from convgauge.conformance.substitutes import is_floating
from convgauge.results import SpecRecord

MIN_CASES = 300
"""Judged cases of a whole run: a fault that shows in 1 % of them is found with probability 1 - 0.99^300 = 95 %."""

MIN_CASES_OF_TOPIC = 20
"""Judged cases of each topic: a fault that shows in a seventh of them is found with 1 - (6/7)^20 = 95 %."""

ACCURACY = "accuracy"
"""Topic that integers and complex numbers do not have: their operands are such that every result is exact."""

TOPICS: Mapping[str, tuple[str, ...]] = {
    "the definition": ("definition.",),
    "sizes": ("sweep.",),
    ACCURACY: ("accuracy.",),
    "repeated calls": ("behaviour.same_", "behaviour.many_calls", "behaviour.repeatable"),
    "memory": ("behaviour.operands_unchanged", "behaviour.fresh_output"),
}
"""Beginnings of the ids of the specs of each topic. Every implementation has problems of them, also a narrow one."""

OF_WHOLE_RUNS = ("the definition", "sizes", ACCURACY)
"""Topics of the smallest profile. A run without specs of one of them was narrowed, by -k, --spec or a shard."""

MIN_SPECS_OF_WHOLE_RUN = 100
"""Specs below which a run was narrowed too: the smallest profile has more than one and a half times as many."""

NOTHING_EXECUTED = "nothing was executed"


def insufficient(records: Sequence[SpecRecord]) -> str:
    """Return why records do not suffice for a verdict, and what to do next; "" if they do.

    A run that was narrowed needs one judged case: its verdict holds for what was selected. A run in integers or complex
    numbers alone suffices only if it judged the geometry of calls. Its results are exact: it has no cases on accuracy.

    Parameters
    ----------
    records
        Records of one implementation.
    """
    records = [record for record in records if record.level != "measured"]
    if not any(record.cases for record in records):
        return NOTHING_EXECUTED
    required = [record for record in records if record.level == "required"]
    valid = sum(record.valid for record in required)
    judged = _judged(required)
    if valid and not judged:
        return f"none of {valid:,} valid cases was answered"
    dtypes = _judged_dtypes(records)
    is_exact = bool(dtypes) and not any(map(is_floating, dtypes))
    topics = [topic for topic in TOPICS if not is_exact or topic != ACCURACY]
    counts = {topic: _judged_of_topic(topic, required) for topic in topics}
    specs = {record.spec for record in records}
    if len(specs) < MIN_SPECS_OF_WHOLE_RUN or any(topic in counts and counts[topic] is None for topic in OF_WHOLE_RUNS):
        if not is_exact or any(counts.values()):
            return ""
        return f"in {', '.join(sorted(dtypes))} alone, padding, stride and sizes were not judged: select more specs"
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


def _judged_dtypes(records: Sequence[SpecRecord]) -> set[str]:
    """Return the dtypes in which cases were judged; those that an older run does not name are left out."""
    is_counted = any(record.valid for record in records)
    answered = {record.dtype for record in records if (record.answered if is_counted else record.cases)}
    redrawn = {record.redrawn_dtype or record.dtype for record in records if record.redrawn}
    return (answered | redrawn) - {""}


def _judged_of_topic(topic: str, records: Sequence[SpecRecord]) -> int | None:
    """Return the number of judged cases of a topic, or None if the run has no spec of it."""
    of_topic = [record for record in records if record.spec.startswith(TOPICS[topic])]
    return _judged(of_topic) if of_topic else None
