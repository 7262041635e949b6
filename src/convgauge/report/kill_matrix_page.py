"""The suite's own proof, as its self-test wrote it: which spec catches which planted fault."""

from __future__ import annotations

from dataclasses import dataclass
from itertools import groupby

from markupsafe import Markup

from convgauge.report import formatting
from convgauge.report.charts import svg
from convgauge.selftest.kill_matrix import Matrix

_COLUMN, _ROW, _LEFT, _TOP = 9, 13, 250, 110
"""Sizes of the figure in its own units, which are pixels: it is as large as it has to be, and scrolls."""


@dataclass
class Catch:
    """What one spec catches; ``alone`` are faults that no other catches, ``advised`` those it only advises on."""

    id: str
    sentence: str
    faults: list[str]
    alone: list[str]
    advised: list[str]
    kept: str


def catches(matrix: Matrix) -> list[Catch]:
    """Spec by spec, in the order of their ids."""
    found, sole = matrix.catches, matrix.sole
    advised = {id: [one.name for one in matrix.faults if id in one.advised] for id in matrix.specs}
    return [
        Catch(id, sentence, found[id], sole.get(id, []), advised[id], matrix.kept.get(id, ""))
        for id, sentence in matrix.specs.items()
    ]


def draw(matrix: Matrix) -> Markup:
    """Faults by the specs that catch any: a dash a catch, a bold one where no other spec catches it; "" for none."""
    columns = {id: place for place, id in enumerate(id for id, caught in matrix.catches.items() if caught)}
    faults = [one for one in matrix.faults if one.caught]
    if not columns:
        return Markup("")
    bottom, parts, free = _TOP + _ROW * len(faults), [], 0
    for chapter, ids in groupby(columns, key=lambda id: id.partition(".")[0]):
        x = _LEFT + _COLUMN * columns[next(ids)]
        free = max(x + 8, free)  # where the next name has room
        name = svg.text(0, 0, chapter, "start")
        parts.append(svg.path("gridline", f"M{free - 8} {_TOP - 12}L{x} {_TOP - 2}V{bottom}"))
        parts.append(f'<g transform="translate({free} {_TOP - 14}) rotate(-60)">{name}</g>')
        free += 15
    for row, one in enumerate(faults):
        y = _TOP + _ROW * row + _ROW // 2
        places = sorted(columns[id] for id in one.caught if id in columns)
        steps = "".join(f"M{_LEFT + _COLUMN * place + 1} {y}h{_COLUMN - 2}" for place in places)
        told = f"{formatting.line(one.name)}: caught by {formatting.plural(len(one.caught), 'spec')}"
        parts.append(svg.text(_LEFT - 8, y + 4, svg.short(one.name, 36), "end"))
        parts.append(svg.path("kill sole" if len(one.caught) == 1 else "kill", steps, told))
    spoken = f"Kill matrix: {formatting.plural(len(faults), 'fault')} by {formatting.plural(len(columns), 'spec')}"
    return svg.figure(
        spoken, bottom + 6, parts, width=_LEFT + _COLUMN * len(columns) + 60, kind="chart kills", fixed=True
    )
