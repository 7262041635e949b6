"""Pictures of the algorithms: small SVG files in the text colour of the page, legible on light and dark backgrounds.

All pictures show the same example: a 3x3 kernel on a plane of 6x5 pixels, and the path of the pixels of one window.
"""

from collections.abc import Callable, Iterable
from html import escape

CELL = 14
ROWS, COLUMNS = 5, 6
WINDOW = [(1 + i, 1 + j) for i in range(3) for j in range(3)]
INPUT, FILTER, OUTPUT = "#3b82f6", "#f59e0b", "#10b981"  # window, filters, output: legible on white and black


def write() -> dict[str, str]:
    """Return the picture of each algorithm: a block of HTML without an empty line, which would end it in Markdown."""
    return {name: _figure(*draw()) for name, draw in PICTURES.items()}


def _figure(label: str, parts: Iterable[str]) -> str:
    head = (
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 640 120" role="img" aria-label="{escape(label)}"'
        ' style="max-width: 40rem; width: 100%" fill="none" stroke="currentColor" font-size="12">'
    )
    return "\n".join([head, *parts, "</svg>"]) + "\n"


def _grid(x: float, y: float, rows: int, columns: int, marked: dict[tuple[int, int], str] | None = None) -> str:
    """Return a grid of cells. ``marked`` maps (row, column) to a fill colour."""
    filled = "".join(
        f'<rect x="{x + CELL * column:g}" y="{y + CELL * row:g}" width="{CELL}" height="{CELL}" fill="{colour}"'
        ' fill-opacity=".6" stroke="none"/>'
        for (row, column), colour in (marked or {}).items()
    )
    across = "".join(f"M{x:g} {y + CELL * row:g}h{CELL * columns}" for row in range(rows + 1))
    down = "".join(f"M{x + CELL * column:g} {y:g}v{CELL * rows}" for column in range(columns + 1))
    return f'{filled}<path d="{across}{down}" stroke-width=".7"/>'


def _text(x: float, y: float, content: str) -> str:
    return f'<text x="{x:g}" y="{y:g}" text-anchor="middle" fill="currentColor" stroke="none">{escape(content)}</text>'


def _arrow(x: float, y: float, length: float = 36, above: str = "") -> str:
    label = _text(x + length / 2, y - 6, above) if above else ""
    return f'{label}<path d="M{x:g} {y:g}h{length:g}m-6 -4l6 4l-6 4"/>'


def _plane(x: float = 20, window: Iterable[tuple[int, int]] = WINDOW, colour: str = INPUT) -> str:
    return _grid(x, 20, ROWS, COLUMNS, dict.fromkeys(window, colour)) + _text(x + 42, 108, "input")


def _filters(x: float, y: float = 34) -> str:
    return _grid(x, y, 3, 3, {(i, j): FILTER for i in range(3) for j in range(3)}) + _text(x + 21, y + 60, "filter")


def _output(x: float, marked: Iterable[tuple[int, int]] = ((1, 1),)) -> str:
    return _grid(x, 34, 3, 4, dict.fromkeys(marked, OUTPUT)) + _text(x + 28, 94, "output")


def _column(x: float, index: int = 3, columns: int = 8) -> str:
    """Return the matrix of columns, with one window in the column ``index``."""
    return _grid(x, 6, 7, columns, {(row, index): INPUT for row in range(7)})


def _direct() -> tuple[str, list[str]]:
    parts = [_plane(), _text(130, 58, "×"), _filters(150), _arrow(210, 56, 50, "sum"), _output(280)]
    return "Each output is the sum of the products of one window and the filter", parts


def _windows() -> tuple[str, list[str]]:
    other = {**dict.fromkeys(WINDOW, INPUT), **{(i, j + 1): OUTPUT for i, j in WINDOW if j == 3}}
    parts = [_grid(20, 20, ROWS, COLUMNS, other), _text(62, 108, "input"), _arrow(116, 56, 50, "view")]
    parts += [_grid(180 + 52 * index, 34, 3, 3, dict.fromkeys(_square(), INPUT)) for index in range(3)]
    parts += [_text(252, 94, "windows that overlap in memory"), _arrow(340, 56, 60, "einsum"), _output(420)]
    return "A view with further axes shows each window; one contraction multiplies them all", parts


def _square() -> list[tuple[int, int]]:
    return [(i, j) for i in range(3) for j in range(3)]


def _im2col() -> tuple[str, list[str]]:
    parts = [_plane(), _arrow(116, 56, 50, "copy"), _text(200, 58, "filters ×"), _column(240)]
    parts += [_text(296, 118, "one column per window"), _arrow(365, 56, 50), _output(430)]
    return "Every window is copied into a column of a matrix, and the filters are multiplied by this matrix", parts


def _implicit() -> tuple[str, list[str]]:
    tile = {(row, column): INPUT for row in range(2, 5) for column in range(2, 5)}
    outline = f'<rect x="240" y="6" width="{8 * CELL}" height="{7 * CELL}" stroke-dasharray="3 4"/>'
    parts = [_plane(), _arrow(116, 56, 110, "gathered by tile"), outline, _grid(282, 48, 3, 3, _moved(tile, -2))]
    parts += [_text(296, 118, "a matrix that is never stored"), _arrow(365, 56, 50), _output(430)]
    return "The matrix of columns is made one tile at a time, where it is multiplied", parts


def _moved(cells: dict[tuple[int, int], str], by: int) -> dict[tuple[int, int], str]:
    return {(row + by, column + by): colour for (row, column), colour in cells.items()}


def _kn2row() -> tuple[str, list[str]]:
    shifted = [(i, j) for i in range(3) for j in range(4)]
    parts = []
    for index, (down, right) in enumerate([(0, 0), (0, 1), (2, 2)]):
        x = 20 + 172 * index
        parts += [
            _grid(x, 20, ROWS, COLUMNS, {(i + down, j + right): INPUT for i, j in shifted}),
            _text(x + 94, 58, "×"),
        ]
        parts += [_grid(x + 104, 34, 3, 3, {(down, right): FILTER})]
    parts += [_text(179, 58, "+"), _text(351, 58, "+ …"), _arrow(518, 56, 32), _output(560, shifted)]
    return "For each element of the kernel, the shifted image times one number of the filter is added up", parts


def _mec() -> tuple[str, list[str]]:
    strip = [(row, column) for row in range(ROWS) for column in (1, 2, 3)]
    lowered = {(row, 1): INPUT for row in range(8)} | {(row, 1): FILTER for row in range(1, 5)}
    parts = [_plane(window=strip), _arrow(116, 56, 50, "copy"), _grid(190, 6, 7, 4, _first_rows(lowered, 7))]
    parts += [_text(218, 118, "one row per strip")]
    parts += [_arrow(262, 56, 90, "overlapping views"), _text(400, 58, "× filters"), _arrow(436, 56, 40), _output(490)]
    return "Strips of whole height are copied once; the windows of every row are overlapping parts of them", parts


def _first_rows(cells: dict[tuple[int, int], str], rows: int) -> dict[tuple[int, int], str]:
    return {cell: colour for cell, colour in cells.items() if cell[0] < rows}


def _indirect() -> tuple[str, list[str]]:
    table = _grid(20, 34, 4, 3, {(1, j): INPUT for j in range(3)})
    lines = "".join(f'<path d="M64 55C110 55 110 {y} 160 {y}" stroke="{INPUT}"/>' for y in (27, 55, 97))
    rows = {(row, column): INPUT for row in (0, 2, 5) for column in range(6)}
    parts = [table, _text(41, 112, "table"), lines, _grid(164, 20, 6, 6, rows), _text(206, 118, "rows of channels")]
    parts += [_arrow(260, 56, 60, "gather"), _text(356, 58, "× filters"), _arrow(396, 56, 40), _output(450)]
    return "A table lists the row of channels that each element of the kernel reads for each output", parts


def _winograd() -> tuple[str, list[str]]:
    tile = {(i, j): INPUT for i in range(4) for j in range(4)}
    parts = [_grid(20, 20, ROWS, COLUMNS, tile), _text(62, 108, "4×4 tile"), _arrow(112, 48, 56, "BᵀdB")]
    parts += [_grid(180, 20, 4, 4, tile), _text(254, 50, "⊙"), _grid(270, 20, 4, 4, dict.fromkeys(tile, FILTER))]
    parts += [_text(298, 98, "GgGᵀ, once per layer"), _arrow(340, 48, 56, "Aᵀ·A")]
    parts += [_grid(410, 34, 2, 2, {(i, j): OUTPUT for i in range(2) for j in range(2)}), _text(426, 98, "2×2 outputs")]
    return "A tile is transformed, multiplied position by position, and transformed back", parts


def _fft() -> tuple[str, list[str]]:
    wave = "q7 -24 14 0t14 0t14 0t14 0t14 0"
    parts = [_plane(), _arrow(116, 56, 46, "FFT"), f'<path d="M174 56{wave}" stroke="{INPUT}"/>', _text(262, 60, "×")]
    parts += [f'<path d="M276 56{wave}" stroke="{FILTER}"/>', _text(311, 98, "the filter's spectrum")]
    parts += [_arrow(366, 56, 56, "inverse"), _output(440)]
    return "The spectra of image and filter are multiplied and transformed back", parts


def _fft_tiled() -> tuple[str, list[str]]:
    boxes = "".join(f'<rect x="{20 + 28 * i}" y="{16 + 4 * i}" width="56" height="72" stroke="{c}"/>' for i, c in
                    enumerate((INPUT, OUTPUT, INPUT)))  # fmt: skip
    parts = [_grid(20, 20, ROWS, 8), boxes, _text(76, 112, "tiles that overlap"), _arrow(160, 56, 46, "FFT")]
    parts += [_text(246, 60, "× spectrum"), _arrow(292, 56, 56, "inverse")]
    parts += [_grid(366, 34, 3, 6, {(i, j): (INPUT, OUTPUT, INPUT)[j // 2] for i in range(3) for j in range(6)})]
    parts += [_text(408, 94, "their whole parts, side by side")]
    return "Overlapping tiles are transformed one after the other; of each its valid part is kept", parts


def _compiled() -> tuple[str, list[str]]:
    parts = [_text(90, 50, "pad · unfold · multiply"), _text(90, 68, "as PyTorch says it")]
    parts += [
        _arrow(180, 56, 70, "compiler"),
        f'<rect x="262" y="26" width="130" height="60" rx="6" stroke="{FILTER}"/>',
    ]
    parts += [_text(327, 60, "one loop of its own"), _arrow(404, 56, 40), _output(458)]
    return "A compiler fuses the operations of a readable convolution into few loops", parts


def _library() -> tuple[str, list[str]]:
    parts = [_plane(), _arrow(116, 56, 40), f'<rect x="168" y="26" width="150" height="60" rx="6" stroke="{FILTER}"/>']
    parts += [_text(243, 52, "the engine's choice"), _text(243, 70, "and layout"), _arrow(330, 56, 40), _output(384)]
    return "An engine chooses an algorithm and a memory layout by internal rules", parts


def _choice() -> tuple[str, list[str]]:
    lines = "".join(f'<path d="M116 56C150 56 150 {y} 184 {y}" stroke="{colour}"/>' for y, colour in
                    ((26, "currentColor"), (56, OUTPUT), (86, "currentColor")))  # fmt: skip
    names = [_text(240, y + 4, name) for y, name in ((26, "im2col"), (56, "winograd"), (86, "direct"))]
    return "A model of execution times chooses an implementation for each problem", [
        _plane(), lines, *names, _arrow(290, 56, 40), _output(344),
    ]  # fmt: skip


PICTURES: dict[str, Callable[[], tuple[str, list[str]]]] = {
    "direct": _direct,
    "windows": _windows,
    "im2col": _im2col,
    "implicit-gemm": _implicit,
    "kn2row": _kn2row,
    "mec": _mec,
    "indirect": _indirect,
    "winograd": _winograd,
    "fft": _fft,
    "fft-tiled": _fft_tiled,
    "compiled": _compiled,
    "library": _library,
    "choice": _choice,
}
