"""Random run files and kill matrices of any size, with every kind of record that a page shows."""

from __future__ import annotations

import base64
import json
import random
import struct
import zlib
from collections.abc import Iterator
from pathlib import Path

import msgspec

from convgauge.conformance import verdict
from convgauge.conformance.causes import failing_specs
from convgauge.conformance.features import FEATURES, feature_letters
from convgauge.environment import Machine
from convgauge.problem import Problem
from convgauge.results import (
    SCHEMA,
    CauseRecord,
    Counterexample,
    Footer,
    Header,
    ImageRecord,
    ImplementationRecord,
    Judgement,
    LimitRecord,
    Picture,
    Record,
    SpecRecord,
    TimingRecord,
    Writer,
)
from convgauge.selftest.diagnoses.finding import DiagnosisFinding, NamedCause
from convgauge.selftest.diagnoses.table import DiagnosisTable
from convgauge.selftest.kill_matrix import Finding, Matrix
from convgauge.terms import FAULTS, UNANSWERED, Level, RaceVerdict, Status

CHAPTERS = (
    "shape",
    "padding",
    "stride",
    "dilation",
    "groups",
    "bias",
    "dtype",
    "definition",
    "accuracy",
    "errors",
    "purity",
    "special values",
)
DTYPES = ("float64", "float32", "float16", "bfloat16")
ALGORITHMS = ("direct", "im2col", "fft", "winograd", "library", "windows")
FAULTY_SHARE: dict[Status, float] = {
    "failed": 0.5,
    "errored": 0.2,
    "crashed": 0.1,
    "timed_out": 0.1,
    "vacuous": 0.05,
    "xpassed": 0.05,
}
UNRANKED: list[tuple[RaceVerdict, str]] = [
    ("wrong", "differs at (0, 0, 0, 3)"),
    ("declined", "needs stride 1"),
    ("failed", "out of memory"),
    ("undecided", ""),
]
HOSTILE = "../../<img src=x onerror=alert(1)>\x1b[31m\n\u202e\"'&|`"


Plane = list[list[float | None]]


class RunGenerator:
    """Generator of the records of one run; the same seed gives the same run."""

    def __init__(
        self, implementations: int, specs: int, cases: int, seed: int, hostile: bool, quick: bool = False
    ) -> None:
        self.random = random.Random(seed)
        self.names = [f"{ALGORITHMS[i % len(ALGORITHMS)]}_{i:02d}" for i in range(implementations)]
        if hostile:
            self.names[-1] = HOSTILE
        self.specs = [f"{CHAPTERS[i % len(CHAPTERS)].replace(' ', '_')}.rule_{i:03d}" for i in range(specs)]
        self.quick = quick
        self.dtypes = ("float32",) if quick else DTYPES
        self.each = max(1, cases // max(1, implementations * specs * len(self.dtypes)))
        self.spaces = [self._space() for _ in self.specs]
        self.hostile = hostile
        self.cases = 0

    def header(self, label: str = "") -> Header:
        machine = Machine("Example Processor 9000", 2, 16 * 2**30, "Linux 6.1", "x86_64", ["cpu"])
        versions = {"python": "3.11.9", "numpy": "2.1.0", "torch": "2.13.0"}
        command = "convgauge check --tier standard" + (f" {HOSTILE}" if self.hostile else "")
        return Header(
            SCHEMA,
            "0.1.0",
            machine,
            versions,
            20240601,
            command,
            "2026-01-02T03:04:05+00:00",
            "functional",
            "standard",
            label,
        )

    def records(self, timings: bool = True) -> Iterator[Record]:
        """Yield the records between the header and the footer."""
        for name in self.names:
            yield self._about(name)
        yield ImplementationRecord(
            "jax_conv", "jax", "library", absent="jax is not installed (python -m pip install 'convgauge[jax]')"
        )
        self.verdicts = {}
        for index, name in enumerate(self.names):
            records = list(self._implementation(index, name))
            self.verdicts[name] = judgement(records)
            yield from records
            yield from self._causes(name, records)
        if timings:
            yield from self._timings()
            yield from self._growth()
            yield from self._images()
            yield LimitRecord("matmul", "float32", 1, 6.1e10, "FLOP/s")
            yield LimitRecord("copy", "float32", 1, 9.3e9, "bytes/s")

    def footer(self) -> Footer:
        return Footer(self.verdicts, 61.5, self.cases)

    def _about(self, name: str) -> ImplementationRecord:
        algorithm = name.partition("_")[0] if name in self.names and name != HOSTILE else HOSTILE
        declines = {"padding='same'": "left to the caller", "bfloat16": "NumPy has none"} if "fft" in name else {}
        return ImplementationRecord(
            name,
            "torch",
            algorithm,
            "B" if algorithm in ("fft", "winograd") else "A",
            "torch.nn.functional.conv2d",
            f"A made-up convolution by {algorithm}, for looking at the report.",
            list(DTYPES),
            declines,
            algorithm == "winograd",
            {"torch": "2.13.0"},
            ["cpu"],
        )

    def _implementation(self, index: int, name: str) -> Iterator[SpecRecord]:
        faults = 0.0 if index % 3 == 0 else 0.02 * (index % 5)
        if self.quick:  # all but one as they should be
            faults = 0.5 if index == 1 else 0.0
        for number, spec in enumerate(self.specs):
            level: Level = "recommended" if number % 9 == 8 else "required"
            for dtype in self.dtypes:
                yield self._spec(name, spec, level, dtype, faults, declines="fft" in name and dtype == "bfloat16")

    def _spec(self, name: str, spec: str, level: Level, dtype: str, faults: float, declines: bool) -> SpecRecord:
        roll = self.random.random()
        status: Status = "passed"
        if declines:
            status = "declined"
        elif roll < faults:
            status = self.random.choices(list(FAULTY_SHARE), list(FAULTY_SHARE.values()))[0]
        elif roll > 0.985:
            status = self.random.choice(["skipped", "xfailed", "refused", "answered_invalid"])
        executed = 0 if status in (*UNANSWERED, "skipped") else self.each
        self.cases += executed
        measured = executed if not self.quick or spec.startswith("accuracy") or status == "failed" else 0
        margins = [float(f"{10 ** self.random.gauss(-1.5, 0.6):.3g}") for _ in range(measured)]
        margins = [min(m, 0.98) for m in margins]
        if status == "failed":
            margins[0] = 10 ** self.random.uniform(0.1, 4)
        broken = status in FAULTS or status == "xfailed"
        failing = [str(self._problem(dtype)) for _ in range(min(executed, 4))] if broken else []
        reasons = {
            "declined": "no bfloat16 in this library",
            "skipped": "cuda is not there",
            "refused": "ValueError: groups > 1 are not supported (kernel.py:12)",
            "answered_invalid": "answered a call that is an error: with stride=0",
            "xfailed": "expected: #12, strides over 4",
        }
        return SpecRecord(
            name,
            spec,
            level,
            status,
            executed,
            dtype,
            "cpu",
            max(margins, default=None),
            HOSTILE if self.hostile and name == HOSTILE else reasons.get(status, ""),
            self._counterexample(name, spec, failing[0]) if broken and failing else None,
            spec.partition(".")[0].replace("_", " "),
            "functional",
            f"With {spec.replace('.', ' ')}, each output is the sum of products over its receptive field.",
            "torch.nn.functional.conv2d",
            {status: max(1, executed)},
            "",
            margins,
            failing,
            0.01 * executed,
            [2 ** ((self.cases + index) % 13) for index in range(measured)],
            self._counted(spec, status, executed, failing),
            valid=0 if status == "skipped" else self.each,
            answered=executed,
            invalid=executed if status == "answered_invalid" else 0,
            refusals={reasons[status]: self.each} if status in UNANSWERED else {},
        )

    def _causes(self, name: str, records: list[SpecRecord]) -> Iterator[CauseRecord]:
        """Yield two causes that name a mechanism and one that does not, as far as specs fail."""
        failing = failing_specs(records)
        sentences = {
            "stride_axes_swapped": "stride: rows and columns are swapped",
            "bias_dropped": f"bias: not added {HOSTILE if name == HOSTILE else ''}".strip(),
            "": "the last column is off by a constant",
        }
        for (mechanism, sentence), specs in zip(
            sentences.items(), (failing[:3], failing[3:4], failing[4:5]), strict=True
        ):
            shown = [r.counterexample for r in records if r.spec in specs and r.counterexample is not None]
            if specs and shown:
                command = shown[0].reproduce
                yield CauseRecord(
                    name, mechanism, "", sentence, "wherever stride differs by axis", "", specs, 9, shown[0], command
                )

    def _space(self) -> list[str]:
        """Return the features of twelve problems."""
        return ["".join(letter for letter in FEATURES if self.random.random() < 0.3) for _ in range(12)]

    def _counted(self, spec: str, status: str, executed: int, failing: list[str]) -> dict[str, list[int]]:
        """Return the counts of cases by features: a twelfth of the cases each, and the failing cases."""
        met = self.spaces[self.specs.index(spec)]
        share = [executed // 12 + (index < executed % 12) for index in range(12)]
        if status == "declined":
            return {letters: [0, 0, 1] for letters in met}
        space = {letters: [count, 0, 0] for letters, count in zip(met, share, strict=True) if count}
        for text in failing:
            counts = space.setdefault(feature_letters(Problem.parse(text)), [0, 0, 0])
            counts[0], counts[1] = counts[0] + 1, counts[1] + 1
        return space

    def _problem(self, dtype: str) -> Problem:
        pick = self.random.choice
        return Problem(
            1,
            2,
            pick((5, 6, 7)),
            pick((5, 8)),
            4,
            pick(((3, 3), (2, 3))),
            (2, pick((1, 2))),
            (1, 1),
            (1, 1),
            2,
            pick((True, False)),
            dtype,
        )

    def _counterexample(self, name: str, spec: str, problem: str) -> Counterexample:
        asked = Problem.parse(problem)
        rows, columns = asked.output_size
        draw = self._plane(asked.height, asked.width, 3)
        kernel = self._plane(*asked.kernel, 2)
        right = self._plane(rows, columns, 9)
        got: Plane = [[*row[:-1], (row[-1] or 0) + 1] for row in right]
        return Counterexample(
            problem,
            "exact",
            7,
            "the last column is one off",
            f"convgauge reproduce {name} {problem} --spec {spec}",
            ["contiguous"],
            "stride=(2, 1)",
            [0, 0, 0, columns - 1],
            str(got[0][-1]),
            str(right[0][-1]),
            "0",
            rows,
            rows * columns,
            Picture(draw, kernel, got, right),
        )

    def _plane(self, rows: int, columns: int, most: int) -> Plane:
        return [[float(self.random.randint(-most, most)) for _ in range(columns)] for _ in range(rows)]

    def _timings(self) -> Iterator[TimingRecord]:
        for number in range(23):
            size, channels = (56 >> (number % 4)) + number // 4, 64 << (number % 4)
            problem = Problem(
                1,
                channels,
                size,
                size,
                channels,
                (3, 3) if number % 2 else (1, 1),
                padding=(1, 1) if number % 2 else (0, 0),
                stride=(1 + number // 12,) * 2,
            )
            base = problem.flops / 4e10
            for index, name in enumerate(self.names):
                yield self._timing(name, index, number, problem, base)

    def _timing(self, name: str, index: int, number: int, problem: Problem, base: float) -> TimingRecord:
        verdict: RaceVerdict = "baseline"
        reason, ratio = "", 1.0
        if index:
            ratio = (0.6 + 0.11 * index) * 10 ** self.random.gauss(0, 0.08)
            verdict = "same" if 0.97 < ratio < 1.03 else "faster" if ratio < 1 else "slower"
            if self.random.random() < 0.03:
                verdict, reason = self.random.choice(UNRANKED)
        seconds = [base * ratio * 10 ** self.random.gauss(0, 0.01) for _ in range(25)]
        shown = verdict not in ("wrong", "declined", "failed")
        return TimingRecord(
            name,
            str(problem),
            seconds if shown else [],
            ratio if shown else None,
            ratio * 0.98 if shown else None,
            ratio * 1.02 if shown else None,
            verdict,
            self.names[0],
            base * 3 if "winograd" in name else None,
            problem.least_bytes * (1 + index),
            problem.flops,
            "resnet50",
            f"layer{number % 4 + 1}.{number}.conv",
            1 + number % 3,
            0.012,
            1,
            8,
            reason,
            name.partition("_")[0],
            base * ratio * 0.99,
            "hot",
            problem.least_bytes,
            lives=[5] * 5 if shown else [],
            between=0.006 if shown else None,
            sampling=0.004 if shown else None,
        )

    def _growth(self) -> Iterator[TimingRecord]:
        """Yield a sweep of sizes: the baseline's time grows with the square, the others' more slowly from more."""
        for size in (8, 16, 32, 64, 128):
            problem = Problem(1, 32, size, size, 32, (3, 3), padding=(1, 1))
            base = 1e-8 * size**2
            for index, name in enumerate(self.names[:6]):
                ratio = (1 + index) * (8 / size) ** (0.2 * index)
                seconds = [base * ratio * 10 ** self.random.gauss(0, 0.002) for _ in range(25)]
                yield TimingRecord(
                    name,
                    str(problem),
                    seconds,
                    ratio,
                    ratio * 0.98,
                    ratio * 1.02,
                    "slower" if index else "baseline",
                    self.names[0],
                    None,
                    None,
                    problem.flops,
                    "scaling:size",
                    f"size {size}",
                    noise=0.01,
                    lives=[5] * 5,
                )

    def _images(self) -> Iterator[ImageRecord]:
        for number, title in enumerate(("Sobel x", "Sobel y", "Sobel magnitude", "Mean blur", "Sharpen")):
            exact = png(self._grain(120, 256) if self.quick else _slope(number))
            yield ImageRecord("oracle", title, exact)
            for index, name in enumerate(self.names if self.quick else self.names[:8]):
                bad = index == 4
                yield ImageRecord(
                    name,
                    title,
                    png(_slope(number, 4)) if bad else exact,
                    png(self._grain(40, 16) if self.quick else [bytes([250 * bad]) * 96] * 96),
                    12.0 if bad else 1e-6,
                    1e-4,
                    "failed" if bad else "passed",
                )
        for index, name in enumerate(self.names):
            spread = 2 * ("fft" in name)
            plane = [[int(abs(r - 4) < 2 and abs(c - 6) < 2) or spread for c in range(16)] for r in range(12)]
            yield ImageRecord(name, "One NaN in the input", "", kind="locality", table=plane)
            read = [[4 * (r == c) + (index % 2) * (r == 3 and c == 8) for c in range(10)] for r in range(10)]
            yield ImageRecord(name, "40 digits", "", "", 1e-6, 1e-5, "passed", "confusion", read)

    def _grain(self, side: int, levels: int) -> list[bytes]:
        """Return rows of noise, which pack no better than those of a photograph."""
        step = 256 // levels
        return [bytes(step * self.random.randrange(levels) for _ in range(side)) for _ in range(side)]


def judgement(records: list[SpecRecord]) -> Judgement:
    """Return the summary of records in a footer, with a grade although they have none."""
    summary = verdict.judgement(records[0].implementation, records)
    return msgspec.structs.replace(summary, grade="F" if summary.verdict == "wrong" else "A")


def _slope(kind: int, steep: int = 1) -> list[bytes]:
    return [bytes((c * (kind + 1) + r * steep) % 256 for c in range(96)) for r in range(96)]


def png(rows: list[bytes]) -> str:
    """Return a square grey image in base64."""
    size = len(rows)
    packed = zlib.compress(b"".join(b"\0" + row for row in rows), 9)

    def chunk(name: bytes, body: bytes) -> bytes:
        return struct.pack(">I", len(body)) + name + body + struct.pack(">I", zlib.crc32(name + body))

    head = struct.pack(">IIBBBBB", size, size, 8, 0, 0, 0, 0)
    whole = b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", head) + chunk(b"IDAT", packed) + chunk(b"IEND", b"")
    return base64.b64encode(whole).decode()


def write(
    path: Path,
    implementations: int = 8,
    specs: int = 36,
    cases: int = 6000,
    seed: int = 1,
    *,
    whole: bool = True,
    hostile: bool = False,
    label: str = "",
    timings: bool = True,
    quick: bool = False,
) -> Path:
    """Write a random run; without ``whole`` it has no footer, like a run that was interrupted.

    ``quick``: as the quick tier writes it, one dtype and margins in the accuracy chapter only, with pictures that
    pack no better than real ones.
    """
    generator = RunGenerator(implementations, specs, cases, seed, hostile, quick)
    writer = Writer(path, generator.header(label))
    for record in generator.records(timings):
        writer.write(record)
    if whole:
        writer.write(generator.footer())
    writer.close()
    return path


def write_matrix(path: Path, faults: int = 40, specs: int = 24) -> Path:
    """Write a random kill matrix on the specs of a run with ``specs`` specs."""
    generator = RunGenerator(1, specs, 1, 1, hostile=False)
    pick = generator.random
    ids = sorted(generator.specs)
    findings = [
        Finding(
            f"fault_{index:02d}",
            True,
            index % 5 > 0,
            index != 3,
            {} if index % 20 == 3 else dict.fromkeys(pick.sample(ids[:-4], pick.choice([1, 1, 2, 5, 9])), "failed"),
            killed_as_named=index % 20 != 3,
            specs=specs,
            cases=20 * specs,
        )
        for index in range(faults)
    ]
    sound = [Finding(f"sound_{index}", False, True, specs=specs) for index in range(6)]
    reasons = {ids[-1]: "its device is not on every machine"}
    matrix = Matrix("quick", findings + sound, {id: f"What {id} asks." for id in ids}, no_mutant_because=reasons)
    path.write_text(json.dumps(matrix.table()), encoding="utf-8")
    return path


def write_diagnoses(path: Path) -> Path:
    """Write a table of diagnoses with a right one and a wrong one, and return the path."""
    causes = [NamedCause("bias_dropped", "bias_dropped", "bias: it is not added", "with a bias", 1, 2)]
    findings = [
        DiagnosisFinding(f"fault_{kind}", True, [kind], has_failed=True, causes=causes, failing=1, text=["wrong"])
        for kind in ("bias_dropped", "swapped_axes")
    ]
    table = DiagnosisTable("quick", [*findings, DiagnosisFinding("sound_0", False)])
    path.write_text(json.dumps(table.content()), encoding="utf-8")
    return path
