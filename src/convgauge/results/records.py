"""The records of a run: one struct per kind of line, as they stand in the file.

Field descriptions give units. None stands for a number that was not measured, "" for a word that does not apply.
"""

from __future__ import annotations

import itertools
from typing import Any, TypeVar

import msgspec

from convgauge.environment import Machine
from convgauge.terms import Agreement, Direction, FaultKind, Grade, Level, RaceVerdict, Requirement, Status, Verdict

SCHEMA = 4
"""Version of the format, raised if a field is removed or changes its meaning."""

REVISION = 2
"""Revision of the schema, raised if a field or a kind of record is added. A reader accepts newer revisions."""

OLDEST_SCHEMA = 1
"""Oldest schema that is read; `convgauge.results.upgrade` gives its words those of this one."""

MAX_MARGINS = 200
"""Cases of one spec whose margins are recorded one by one."""


class Header(msgspec.Struct, frozen=True, tag="header", tag_field="type"):
    """The first line of a run.

    - ``schema``, ``revision``: version of the format.
    - ``suite``: version of convgauge; ``versions``: those of Python and of the engines.
    - ``label``: name of the environment. Runs with the same label form one environment in a report.
    - ``shard``: "3/8" for part 3 of 8; "" for a whole run.
    - ``selection``: what the run was narrowed to ("-k padding", "only in float32"); "" if nothing was left out.
    - ``expected``: reason of each expected failure, by spec.
    - ``require``: verdict that the exit status asks for.
    - ``supports``: domain that the request declares for all implementations, an expression; "" for everything.
    - ``reproducible``: axes of equal bits that the request declares for all implementations.
    - ``workers``: machines of a run on a cluster, by the worker's address; ``machine`` is one of them.
    """

    schema: int
    suite: str
    machine: Machine
    versions: dict[str, str]
    seed: int
    command: str = ""
    started: str = ""
    profile: str = ""
    tier: str = ""
    label: str = ""
    shard: str = ""
    selection: str = ""
    expected: dict[str, str] = {}
    workers: dict[str, Machine] = {}
    revision: int = 0
    require: Requirement = "correct"
    supports: str = ""
    reproducible: list[str] = []


class Picture(msgspec.Struct, frozen=True):
    """Planes of a small failing case, to draw. NaN and infinity are None, as JSON has no spelling for them."""

    input: list[list[float | None]]
    weight: list[list[float | None]]
    got: list[list[float | None]]
    expected: list[list[float | None]]


class Counterexample(msgspec.Struct, frozen=True):
    """The smallest problem found on which a spec fails.

    - ``index``: first wrong output; ``got``, ``expected``, ``bound``: text, since a value may be NaN.
    - ``wrong``, ``outputs``: number of wrong elements, and of all elements.
    - ``reproduce``: command line that runs the case again.
    - ``printed``: end of what the implementation printed during the call.
    - ``after``: cases that must be called before in the same process, in this order, so that it fails.
    - ``kind``: kind of what is wrong.
    """

    problem: str
    operands: str
    seed: int
    message: str
    reproduce: str
    layouts: list[str] = []
    arguments: str = ""
    index: list[int] = []
    got: str = ""
    expected: str = ""
    bound: str = ""
    wrong: int = 0
    outputs: int = 0
    picture: Picture | None = None
    printed: str = ""
    after: list[str] = []
    kind: FaultKind = ""


class SpecRecord(msgspec.Struct, frozen=True, tag="spec", tag_field="type"):
    """Result of one spec for one implementation, dtype and device.

    - ``cases``: judged cases; ``outcomes``: number of cases by status, those that were not judged included.
    - ``margin``: largest error divided by its bound; ``margins``: those of the first `MAX_MARGINS` cases.
    - ``reductions``: products that each output of these cases sums, one per margin.
    - ``sentence``, ``source``: those of the spec.
    - ``note``: remark of the spec on what it ran ("covers 732 of 772 combinations …"), whatever the status.
    - ``failing``: problems on which the spec fails.
    - ``space``: by the letters of a problem's features (`convgauge.conformance.features`), three counts: judged cases,
      cases with a fault, refused and declined cases.
    - ``valid``: valid cases as they are drawn for every implementation; ``answered``: those that gave an output.
    - ``redrawn``: further cases, drawn where the implementation answers; they count in neither of these.
    - ``redrawn_dtype``: dtype of these cases if no dtype of the spec is answered; "" if it is ``dtype``.
    - ``invalid``: invalid calls that were refused or answered.
    - ``refusals``: number of refused and declined cases, by limit or reason.
    - ``axis``: axis of reproducibility of the spec, or ""; ``comparisons``: outputs that were compared bit for bit,
      and ``differences``: those of them that differ.
    """

    implementation: str
    spec: str
    level: Level
    status: Status
    cases: int
    dtype: str = ""
    device: str = ""
    margin: float | None = None
    reason: str = ""
    counterexample: Counterexample | None = None
    chapter: str = ""
    profile: str = ""
    sentence: str = ""
    source: str = ""
    outcomes: dict[str, int] = {}
    grade: Grade = ""
    margins: list[float] = []
    failing: list[str] = []
    seconds: float = 0.0
    reductions: list[int] = []
    space: dict[str, list[int]] = {}
    note: str = ""
    valid: int = 0
    answered: int = 0
    redrawn: int = 0
    invalid: int = 0
    refusals: dict[str, int] = {}
    redrawn_dtype: str = ""
    axis: str = ""
    comparisons: int = 0
    differences: int = 0


class CauseRecord(msgspec.Struct, frozen=True, tag="cause", tag_field="type"):
    """One cause of an implementation's failures. The first record of an implementation explains the most specs.

    - ``mechanism``: slug of what the implementation computes instead; "" if none fits; ``kind``: its kind.
    - ``sentence``: the mechanism in words, or the kind of deviation if none fits.
    - ``region``: where it does so, in words; "" for every call. ``expression``: the same in the language of domains.
    - ``specs``: ids of the failing specs that it explains; ``cases``: number of their failing cases.
    - ``counterexample``: the smallest of them; ``reproduce``: the command line that runs it again.
    - ``after``: cases that must be called before, in this order, so that it fails.
    """

    implementation: str
    mechanism: str
    kind: str
    sentence: str
    region: str = ""
    expression: str = ""
    specs: list[str] = []
    cases: int = 0
    counterexample: Counterexample | None = None
    reproduce: str = ""
    after: list[str] = []


class TimingRecord(msgspec.Struct, frozen=True, tag="timing", tag_field="type"):
    """Race of one implementation against ``baseline`` on one problem.

    - ``seconds``: raw samples in seconds per call, one per round.
    - ``lives``: number of samples of each life, that is of each process, in the order of ``seconds``; empty in runs
      of older versions, whose implementations had one process each.
    - ``ratio``: the implementation's time divided by the baseline's, median over the rounds of a life and geometric
      mean over lives; ``low``, ``high``: its interval; None if the implementation was not ranked.
    - ``precision``: typical error on Gaussian operands, relative to the output's root mean square, or None.
      ``lane``: arithmetic that has such errors, as "bfloat16 operands"; "" for the dtype's own.
    - ``between``, ``sampling``: standard deviations of the log ratio of one life, due to the processes and due to
      sampling; None if unknown.
    - ``noise``: noise floor from the A/A control, the ratio's deviation from 1 that the baseline shows against itself.
    - ``count``: number of times that the layer stands in its network.
    - ``direction``: what is timed: "forward" for the output, "grad_input", "grad_weight", or "both" gradients.
    - ``flops``: two per product, products with padding included.
    - ``peak_bytes``: memory that one call adds at its peak, its output included.
    - ``alone_seconds``: seconds of a call without calls of others in between.
    - ``control_seconds``, ``control_lives``: samples and lives of the A/A control, in the baseline's record only.
    - ``busy``: part of the race's time in which the system ran something else, already removed from ``seconds``
      (Linux).
    - ``worker``: address of the cluster's worker that ran the race; "" for this machine.
    - ``target``: the implementation as the command line of the run names it.
    """

    implementation: str
    problem: str
    seconds: list[float]
    ratio: float | None
    low: float | None
    high: float | None
    verdict: RaceVerdict
    baseline: str
    prepare_seconds: float | None
    peak_bytes: int | None
    flops: int
    layers: str = ""
    layer: str = ""
    count: int = 1
    noise: float | None = None
    threads: int = 1
    iterations: int = 1
    reason: str = ""
    algorithm: str = ""
    alone_seconds: float | None = None
    operands: str = "hot"
    least_bytes: int = 0
    control_seconds: list[float] = []
    control_lives: list[int] = []
    lives: list[int] = []
    between: float | None = None
    sampling: float | None = None
    direction: Direction = "forward"
    lane: str = ""
    precision: float | None = None
    busy: float = 0.0
    worker: str = ""
    target: str = ""

    @property
    def samples_by_life(self) -> list[list[float]]:
        """Samples of each life; those of a run without lives are one life."""
        return _by_life(self.seconds, self.lives or [len(self.seconds)])

    @property
    def control_by_life(self) -> list[list[float]]:
        """Samples of each life of the control; empty without lives."""
        return _by_life(self.control_seconds, self.control_lives)


def _by_life(seconds: list[float], counts: list[int]) -> list[list[float]]:
    rest = iter(seconds)
    return [list(itertools.islice(rest, count)) for count in counts]


class ImplementationRecord(msgspec.Struct, frozen=True, tag="implementation", tag_field="type"):
    """Declaration of one implementation of the run, and what was found out about it.

    The last record of an implementation holds.

    - ``absent``: reason if it could not be loaded.
    - ``supports``: domain that is declared for it, an expression; ``domain``: the domain that was found, "" if none.
    - ``limits``: sentences on the valid problems that it does not answer.
    - ``adaptations``: sentences on how its calls are adapted.
    - ``target``: the implementation as the command line of the run names it.
    - ``reproducible``: axes of equal bits that are declared for it.
    """

    implementation: str
    framework: str = ""
    algorithm: str = ""
    grade: str = ""
    source: str = ""
    summary: str = ""
    dtypes: list[str] = []
    declines: dict[str, str] = {}
    prepares: bool = False
    versions: dict[str, str] = {}
    devices: list[str] = []
    absent: str = ""
    supports: str = ""
    domain: str = ""
    limits: list[str] = []
    adaptations: list[str] = []
    target: str = ""
    reproducible: list[str] = []


class ImageRecord(msgspec.Struct, frozen=True, tag="image", tag_field="type"):
    """A picture or a table of one implementation's outputs, for the gallery.

    The implementation "oracle" stands for the exact picture. ``kind`` is one of:

    - "filter": a filter applied to a photograph. ``png`` is base64; ``difference`` is the amplified absolute
      difference from the oracle's picture, ``largest`` its largest element, ``bound`` the limit of that.
    - "confusion": digits read by a network. ``table`` has a row per digit and a column per reading; ``largest`` is the
      error of the logit that is closest to its bound, ``bound`` that bound.
    - "locality": outputs that one NaN of the input reaches. ``table`` has a number per output: 0 correctly no NaN,
      1 correctly NaN, 2 NaN outside its receptive field, 3 no NaN inside it.
    """

    implementation: str
    title: str
    png: str
    difference: str = ""
    largest: float | None = None
    bound: float | None = None
    status: Status = "passed"
    kind: str = "filter"
    table: list[list[int]] = []


class LimitRecord(msgspec.Struct, frozen=True, tag="limit", tag_field="type"):
    """A measured limit of the machine: ``what`` is "matmul" (FLOP/s) or "copy" (bytes/s).

    ``worker`` is the address of the cluster's worker that measured it; "" for this machine.
    """

    what: str
    dtype: str
    threads: int
    value: float
    unit: str
    worker: str = ""


class Judgement(msgspec.Struct, frozen=True):
    """The footer's summary of one implementation: the verdict, and the facts that it follows from.

    - ``executed``, ``declined``, ``refused``: numbers of cases; ``specs``: number of specs by status.
    - ``coverage``: percent of the valid cases of required specs that were answered; None if there were none.
    - ``limits``: sentences on the valid problems that are not answered.
    - ``is_strict``: True if every invalid call of required specs was refused, None if none was made;
      ``answered_invalid``: number of such calls that were answered.
    - ``reason``: reason of the verdict "unjudged".
    - ``unexplained``: number of failing specs that no cause explains; ``remark``: sentence on all failures.
    - ``cleared``: number of passing cases by topic that is not the cause of any failure.
    - ``reproducibility``: by axis, "differs" if two outputs differed in a bit, "same" if none did, and "unmeasured".
    """

    verdict: Verdict
    grade: Grade
    executed: int
    declined: int
    specs: dict[str, int] = {}
    refused: int = 0
    coverage: float | None = None
    limits: list[str] = []
    is_strict: bool | None = None
    answered_invalid: int = 0
    reason: str = ""
    unexplained: int = 0
    remark: str = ""
    cleared: dict[str, int] = {}
    reproducibility: dict[str, Agreement] = {}

    @property
    def is_correct(self) -> bool | None:
        """True if every answer was right, None if too little was executed to tell."""
        return None if self.verdict == "unjudged" else self.verdict != "wrong"


class Footer(msgspec.Struct, frozen=True, tag="footer", tag_field="type"):
    """The last line: verdicts by implementation, elapsed seconds, judged cases, and the exit status ``exit``."""

    verdicts: dict[str, Judgement]
    elapsed: float
    cases: int
    exit: int = 0


Record = Header | ImplementationRecord | SpecRecord | CauseRecord | TimingRecord | ImageRecord | LimitRecord | Footer

RecordType = TypeVar("RecordType", bound=msgspec.Struct)


class Run(msgspec.Struct):
    """A run that has been read: its records in order; ``footer`` is None if the run is incomplete."""

    path: str
    header: Header
    records: list[Record]
    footer: Footer | None

    @property
    def name(self) -> str:
        """Name of the file, without its folder."""
        return self.path.replace("\\", "/").rpartition("/")[2]

    def records_of(self, kind: type[RecordType]) -> list[RecordType]:
        """Return the records of one kind, in order."""
        return [record for record in self.records if isinstance(record, kind)]


def json_schema() -> dict[str, Any]:
    """Return the JSON Schema of one line of a run."""
    return msgspec.json.schema(Record)
