"""A diagram as characters, in Unicode with colours or in ASCII; what does not fit the width is omitted, with a note."""

import re
from collections.abc import Iterator
from itertools import groupby, pairwise
from operator import itemgetter
from typing import Final

from rich.cells import cell_len
from rich.text import Text

from ..diagrams import Diagram, unrolled
from ..phrases import shape_text
from ..render import style
from ..shapes import tensors
from .layout import layout
from .scene import ASCII, TEXT, UNICODE, Arrow, Box, Glyphs, Metrics, Scene
from .words import reads, weight_lines

NARROWEST: Final = 20
"""Columns of the narrowest drawing."""

NARROWEST_STEP: Final = 7
"""Columns of the narrowest step, with the gap before it."""

_SIGNS: Final = frozenset("=+-*·⊙")
"""Signs at which a note does not break: ``D·H_out = 2·2 = 4`` stays on one line."""

_STYLES: Final[dict[str, str]] = {
    **style.DIRECTION,
    "output": style.GOOD,
    "quiet": style.QUIET,
    "empty": style.QUIET,
    "strong": style.TITLE,
    "gate": "",
}
_UP, _DOWN, _LEFT, _RIGHT = 1, 2, 4, 8
# the character for each sum of these: 5 is up and left, "┘"
_BOX: Final = " │││─┘┐┤─└┌├─┴┬┼"
_ASCII: Final = " |||-+++-+++-+++"
_HEADS: Final = {(0, -1): ("▲", "^"), (0, 1): ("▼", "v"), (-1, 0): ("◀", "<"), (1, 0): ("▶", ">")}


class Canvas:
    """Rows of characters, each with a style; ``(0, 0)`` is the upper left one."""

    def __init__(self, width: int, height: int, *, ascii_only: bool = False) -> None:
        self.width, self.height, self.ascii = width, height, ascii_only
        self._ways = [[0] * width for _ in range(height)]
        self._text = [[""] * width for _ in range(height)]
        self._style = [[""] * width for _ in range(height)]

    def put(self, x: int, y: int, text: str, style: str = "") -> None:
        """Write ``text`` from column ``x`` on; a wide character fills two columns. What is beyond the edge is cut."""
        for char in text:
            size = cell_len(char)
            if 0 <= y < self.height and x >= 0 and x + size <= self.width:
                self._text[y][x], self._style[y][x] = char, style
                if size == 2:
                    self._text[y][x + 1] = "\0"
            x += size

    def line(self, x0: int, y0: int, x1: int, y1: int, style: str = "") -> None:
        """A horizontal or vertical line that includes both ends and joins what it touches."""
        dx, dy = (x1 > x0) - (x1 < x0), (y1 > y0) - (y1 < y0)
        ahead = _RIGHT if dx > 0 else _LEFT if dx < 0 else _DOWN if dy > 0 else _UP
        back = {_RIGHT: _LEFT, _LEFT: _RIGHT, _DOWN: _UP, _UP: _DOWN}[ahead]
        x, y = x0, y0
        while (x, y) != (x1, y1):
            self._mark(x, y, ahead, style)
            x, y = x + dx, y + dy
            self._mark(x, y, back, style)

    def _mark(self, x: int, y: int, way: int, style: str) -> None:
        if 0 <= x < self.width and 0 <= y < self.height:
            self._ways[y][x] |= way
            self._style[y][x] = self._style[y][x] or style

    def box(self, x: int, y: int, w: int, h: int, style: str = "") -> None:
        """A frame whose border stands on ``x``, ``y``, ``x + w`` and ``y + h``."""
        for x0, y0, x1, y1 in ((x, y, x + w, y), (x, y + h, x + w, y + h), (x, y, x, y + h), (x + w, y, x + w, y + h)):
            self.line(x0, y0, x1, y1, style)

    def head(self, x: int, y: int, dx: int, dy: int, style: str = "") -> None:
        """An arrowhead that points along ``(dx, dy)``."""
        self.put(x, y, _HEADS[dx, dy][self.ascii], style)

    def rows(self) -> list[Text]:
        """The drawing as lines without trailing blanks."""
        table = _ASCII if self.ascii else _BOX
        lines = []
        for ways, chars, styles in zip(self._ways, self._text, self._style, strict=True):
            row = Text(no_wrap=True)
            shown = [(char or table[way], style) for way, char, style in zip(ways, chars, styles, strict=True) if char != "\0"]
            for tone, run in groupby(shown, key=itemgetter(1)):
                row.append("".join(char for char, _ in run), tone or None)
            row.rstrip()
            lines.append(row)
        return lines


def render_text(diagram: Diagram, width: int, *, ascii_only: bool = False) -> list[Text]:
    """The diagram as lines of at most ``width`` columns; below it, a legend with all that it has no room for."""
    width = max(width, NARROWEST)
    m = TEXT._replace(glyphs=ASCII if ascii_only else UNICODE)
    shown, scene = _fit(diagram, m, width)
    lines = _wrap([(shown.title, style.TITLE)], width)
    if scene is not None:
        lines += ["", *_draw(scene, ascii_only)]  # type: ignore[list-item]
    else:
        lines += _wrap([("too narrow for the picture: use more columns, or write SVG", style.NOTE)], width)
    lines += ["", *_legend(shown, scene, m.glyphs, width)]  # type: ignore[list-item]
    return [line if isinstance(line, Text) else Text(line) for line in lines]


def _fit(diagram: Diagram, m: Metrics, width: int) -> tuple[Diagram, Scene | None]:
    """The drawing with the most in it that is no wider than ``width``: all steps if they fit, else fewer."""
    for candidate, detail in _candidates(diagram, width):
        scene = layout(candidate, m, detail)
        if scene.width <= width:
            return candidate, scene
    return diagram, None


def _candidates(diagram: Diagram, width: int) -> Iterator[tuple[Diagram, int]]:
    """The drawings to try, the best first, each with the ``detail`` for the layout of its view."""
    if diagram.view == "matmul":
        yield from ((diagram, room) for room in range(width, NARROWEST - 1, -1))
        return
    if diagram.view == "cell":
        yield from ((diagram, detail) for detail in range(5))
        return
    drawn = sum(step is not None for step in diagram.steps)
    if drawn * NARROWEST_STEP <= width:
        yield from ((diagram, detail) for detail in range(4))
    layers = sum(layer is not None for layer in diagram.layers)
    most = min(drawn - 1, width // NARROWEST_STEP)
    fewer = [unrolled(diagram.config, diagram.data, limit, layers) for limit in range(most, 0, -1)]
    for detail, least in ((1, 2), (2, 2), (3, 2), (4, 2), (3, 1), (4, 1)):
        yield from ((candidate, detail) for candidate in fewer if len(candidate.steps) > least)


def _draw(scene: Scene, ascii_only: bool) -> list[Text]:
    canvas = Canvas(int(scene.width) + 1, int(scene.height) + 1, ascii_only=ascii_only)
    for arrow in scene.arrows:
        _line(canvas, arrow)
    for box in scene.boxes:
        _box(canvas, box)
    for arrow in scene.arrows:
        _head(canvas, arrow)
    for label in scene.labels:
        size = Text(label.text).cell_len
        x = int(label.x) - (size // 2 if label.anchor == "middle" else size - 1 if label.anchor == "end" else 0)
        canvas.put(x, int(label.y), label.text, _STYLES.get(label.tone, ""))
    rows = canvas.rows()
    while rows and not rows[-1]:
        rows.pop()
    return rows


def _line(canvas: Canvas, arrow: Arrow) -> None:
    points = [(int(x), int(y)) for x, y in arrow.points]
    if arrow.head:  # the head stands before the border, which stays whole
        (x0, y0), (x1, y1) = points[-2:]
        points[-1] = (x1 - (x1 > x0) + (x1 < x0), y1 - (y1 > y0) + (y1 < y0))
    for (x0, y0), (x1, y1) in pairwise(points):
        canvas.line(x0, y0, x1, y1, _STYLES.get(arrow.tone, ""))


def _head(canvas: Canvas, arrow: Arrow) -> None:
    if arrow.head:
        (x0, y0), (x1, y1) = ((int(x), int(y)) for x, y in arrow.points[-2:])
        dx, dy = (x1 > x0) - (x1 < x0), (y1 > y0) - (y1 < y0)
        canvas.head(x1 - dx, y1 - dy, dx, dy, _STYLES.get(arrow.tone, ""))


def _box(canvas: Canvas, box: Box) -> None:
    x, y, w, h = int(box.x), int(box.y), int(box.w), int(box.h)
    tone = _STYLES.get(box.tone, "")
    canvas.box(x, y, w, h, tone)
    first = y + (h - len(box.lines) + 1) // 2
    for number, line in enumerate(box.lines):
        canvas.put(x + (w - Text(line).cell_len + 1) // 2, first + number, line, tone)


def _legend(diagram: Diagram, scene: Scene | None, g: Glyphs, width: int) -> list[Text]:
    """The text below the drawing: the tensors, the weights of each row of cells, rows of h_n in output, notes."""
    lines: list[Text] = []
    if diagram.view == "unrolled":
        shapes = tensors(diagram.config, diagram.data)
        for name in ("input", "output", "h_0", "c_0", "h_n", "c_n"):
            if name in shapes:
                dims = g.text(", ".join(shapes[name].dims).replace("*", "·"))
                dims += "," if len(shapes[name].dims) == 1 else ""
                parts = [(name, style.NAME), (shape_text(shapes[name].shape), style.SHAPE)]
                parts += [(f"= ({dims})", style.QUIET)] if len(dims) + 4 <= width - 2 else []  # whole, or not at all
                lines += _wrap(parts, width)
        for set_ in diagram.weights:
            arrow = g.forward if set_.direction == "forward" else g.reverse
            heading = f"{arrow} layer {set_.layer} {set_.direction}, one cell for all steps,"
            parts = [(part, style.DIRECTION[set_.direction]) for part in _phrases(heading)]
            parts += [(part, "") for part in _phrases(f"{reads(diagram, set_.layer, g)}:")]
            names = weight_lines(set_.parameters)
            parts += [(line + ("," if line is not names[-1] else ""), style.QUIET) for line in names]
            lines += _wrap(parts, width)
        for node in diagram.nodes.values():
            if node.in_output:
                lines += _wrap([(node.name, style.NAME), (f"= {node.in_output}", "")], width)
    for note in (*diagram.notes, *(scene.notes if scene is not None else ())):
        lines += _wrap([(part, style.NOTE) for part in _phrases(f"note: {g.text(note)}")], width)
    return lines


_WORDS: Final = re.compile(r"(?:\([^()]*\)|\S)+")
"""Words, where brackets with what is in them are one: ``h_t (2, 2);``, ``nn.LSTM(10, 20)``."""


def _phrases(text: str) -> list[str]:
    """The words of a text, where an equation is one word."""
    phrases: list[str] = []
    for word in _WORDS.findall(text):
        if phrases and (word in _SIGNS or phrases[-1].rpartition(" ")[2] in _SIGNS):
            phrases[-1] += f" {word}"
        else:
            phrases.append(word)
    return phrases


def _apart(word: str) -> list[str]:
    """A word that is longer than a line: the shapes in it stay whole."""
    return re.findall(r"(?:\([\d+ ]+(?:, ?[\d+ ]+)*,?\)|\S)+", word)


def _wrap(parts: list[tuple[str, str]], width: int) -> list[Text]:
    """Parts side by side, on as few lines as possible; only a part that is longer than a line is split, at its spaces.

    Brackets are not split, so that a shape stays whole, unless they are longer than a line themselves.
    """
    lines = [Text(no_wrap=True)]
    for text, tone in parts:
        pieces = [text]
        if Text(text).cell_len > width - 2:
            words = _WORDS.findall(text)
            pieces = [piece for word in words for piece in ([word] if Text(word).cell_len <= width - 2 else _apart(word))]
        for piece in pieces:
            if lines[-1] and lines[-1].cell_len + 1 + Text(piece).cell_len > width:
                lines.append(Text("  ", no_wrap=True))
            elif lines[-1].plain.strip():
                lines[-1].append(" ")
            lines[-1].append(piece, tone or None)
    return lines
