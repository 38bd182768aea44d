"""A canvas of characters: boxes and lines that join where they meet, and text that never lands on text unnoticed."""

from itertools import groupby
from operator import itemgetter
from typing import Final

from rich.cells import cell_len
from rich.text import Text

_UP, _DOWN, _LEFT, _RIGHT = 1, 2, 4, 8
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
        """Write ``text`` from column ``x`` on; a wide character takes two columns. What lies beyond the edge is cut."""
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
        found = []
        for ways, chars, styles in zip(self._ways, self._text, self._style, strict=True):
            row = Text(no_wrap=True)
            shown = [(char or table[way], style) for way, char, style in zip(ways, chars, styles, strict=True) if char != "\0"]
            for style, run in groupby(shown, key=itemgetter(1)):
                row.append("".join(char for char, _ in run), style or None)
            row.rstrip()
            found.append(row)
        return found
