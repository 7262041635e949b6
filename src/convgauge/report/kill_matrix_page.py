"""Figure of the kill matrix: mutants by specs."""

from __future__ import annotations

from itertools import groupby

from markupsafe import Markup

from convgauge.report import formatting
from convgauge.report.charts import svg
from convgauge.selftest.kill_matrix import Matrix

_COLUMN, _ROW, _LEFT, _TOP = 9, 13, 250, 110
"""Sizes of the figure in its own units, which are pixels: it is as large as it has to be, and scrolls."""


def draw(matrix: Matrix) -> Markup:
    """Return the figure of mutants by specs: a dash per kill, red for a unique kill; empty if nothing was killed."""
    columns = {id: column for column, id in enumerate(id for id, names in matrix.kills.items() if names)}
    mutants = [mutant for mutant in matrix.mutants if mutant.killed_by]
    if not columns:
        return Markup("")
    bottom, parts, free = _TOP + _ROW * len(mutants), [], 0
    for chapter, ids in groupby(columns, key=lambda id: id.partition(".")[0]):
        x = _LEFT + _COLUMN * columns[next(ids)]
        free = max(x + 8, free)  # where the next name has room
        name = svg.text(0, 0, chapter, "start")
        parts.append(svg.path("gridline", f"M{free - 8} {_TOP - 12}L{x} {_TOP - 2}V{bottom}"))
        parts.append(f'<g transform="translate({free} {_TOP - 14}) rotate(-60)">{name}</g>')
        free += 15
    for row, mutant in enumerate(mutants):
        y = _TOP + _ROW * row + _ROW // 2
        killers = sorted(columns[id] for id in mutant.killed_by if id in columns)
        steps = "".join(f"M{_LEFT + _COLUMN * column + 1} {y}h{_COLUMN - 2}" for column in killers)
        title = f"{formatting.line(mutant.name)}: killed by {formatting.plural(len(mutant.killed_by), 'spec')}"
        parts.append(svg.text(_LEFT - 8, y + 4, svg.short(mutant.name, 36), "end"))
        parts.append(svg.path("kill sole" if len(mutant.killed_by) == 1 else "kill", steps, title))
    spoken = f"Kill matrix: {formatting.plural(len(mutants), 'mutant')} by {formatting.plural(len(columns), 'spec')}"
    return svg.figure(
        spoken, bottom + 6, parts, width=_LEFT + _COLUMN * len(columns) + 60, kind="chart kills", fixed=True
    )
