"""Problems on which mechanisms about geometry differ: pairs that differ by axis, words, remainders, borders."""

from __future__ import annotations

from convgauge.problem import Problem

_BASE = Problem(2, 2, 9, 7, 3, (3, 2), (1, 1), (1, 1), (1, 1), 1, True)

_CHANGES: tuple[dict[str, object], ...] = (
    {"stride": (2, 3)},
    {"stride": (3, 2)},
    {"stride": (4, 1), "height": 14},
    {"stride": (5, 3), "height": 17, "width": 13},
    {"stride": (6, 8), "height": 20, "width": 20, "kernel": (2, 2)},
    {"stride": (300, 1), "height": 4},
    {"stride": (2, 260), "width": 6},
    {"stride": (5, 1), "height": 2, "padding": (9, 1)},
    {"padding": (2, 0)},
    {"padding": (0, 3)},
    {"padding": (3, 5)},
    {"padding": (8, 9)},
    {"padding": (1, 12)},
    {"padding": (6, 1), "kernel": (2, 3)},
    {"padding": (1, 261), "height": 2},
    {"dilation": (2, 1)},
    {"dilation": (1, 4), "padding": (0, 3)},
    {"dilation": (3, 2), "padding": (3, 1)},
    {"dilation": (4, 5), "height": 16, "width": 15, "padding": (2, 2)},
    {"padding": "same"},
    {"padding": "same", "kernel": (4, 3)},
    {"padding": "same", "kernel": (2, 5)},
    {"padding": "same", "kernel": (3, 3), "dilation": (2, 3)},
    {"padding": "same", "kernel": (4, 4), "dilation": (1, 2)},
    {"padding": "valid"},
    {"padding": "valid", "stride": (2, 1)},
    {"padding": "valid", "kernel": (3, 3)},
    {"kernel": (3, 3), "stride": (2, 2)},
    {"kernel": (3, 3), "stride": (2, 2), "width": 8, "height": 8, "padding": (0, 1)},
    {"kernel": (1, 1)},
    {"kernel": (1, 1), "stride": (2, 3)},
    {"kernel": (1, 1), "padding": (2, 1)},
    {"kernel": (1, 4)},
    {"kernel": (5, 4), "padding": (2, 3)},
    {"kernel": (7, 7), "padding": (3, 3)},
    {"kernel": (9, 8), "padding": (4, 4), "height": 12, "width": 12},
    {"kernel": (2, 13), "width": 15},
    {"kernel": (3, 3), "height": 20, "width": 37},
    {"kernel": (5, 5), "height": 35, "width": 19, "padding": (2, 2)},
    {"kernel": (7, 7), "height": 7, "width": 7, "padding": (0, 0)},
    {"kernel": (6, 2), "stride": (4, 4), "height": 19, "width": 18, "padding": (3, 2)},
    {"batch": 1, "out_channels": 1},
    {"batch": 3, "out_channels": 3},
    {"height": 3, "width": 2},
    {"height": 1, "width": 1, "kernel": (3, 3), "padding": (2, 1)},
    {"height": 0, "width": 4, "padding": (2, 1)},
    {"batch": 0},
    {"stride": (2, 2), "dilation": (1, 2)},
    {"stride": (3, 1), "dilation": (2, 3), "padding": (2, 4), "height": 13, "width": 14},
    {"in_channels": 4, "groups": 2, "out_channels": 4, "stride": (2, 1), "padding": (2, 2)},
    {"in_channels": 4, "groups": 2, "out_channels": 4, "dilation": (2, 2), "bias": False},
    {"bias": False, "stride": (2, 2)},
    {"stride": (1, 2), "padding": (1, 0), "kernel": (2, 2), "width": 10},
)

GEOMETRY = [_BASE.replace(**changes) for changes in _CHANGES]

_SQUARE = _BASE.replace(kernel=(3, 4), stride=(2, 2), padding=(3, 3), dilation=(2, 2), height=12, width=11)
_DEFAULT = _BASE.replace(padding=(0, 0))

SPELLINGS: list[tuple[Problem, dict[str, object], str]] = [
    (_SQUARE, {"stride": 2, "padding": 3, "dilation": 2}, ""),
    (_SQUARE, {"stride": [2], "padding": (3,), "dilation": (2,)}, ""),
    (_SQUARE.replace(stride=(1, 1)), {"padding": 3, "dilation": (2, 2)}, ""),
    (_DEFAULT, {}, ""),
    (_DEFAULT.replace(kernel=(5, 4)), {"stride": 1}, ""),
    (_DEFAULT.replace(bias=False), {}, "without_bias"),
    (_BASE.replace(stride=(2, 3), padding=(1, 1), dilation=(2, 1)), {}, "by_position"),
    (_BASE.replace(stride=(3, 3), padding=(2, 1), dilation=(1, 1)), {}, "by_position"),
    (_BASE.replace(in_channels=4, out_channels=4, groups=2, padding=(2, 2), dilation=(1, 1)), {}, "by_position"),
    (_BASE.replace(stride=(2, 1)), {}, "numpy_integers"),
]
"""Calls whose arguments are spelled in other ways: problem, arguments as spelled, and call mode."""

for _problem, _arguments, _mode in SPELLINGS:
    if _mode:
        _arguments.update(_problem.arguments)
