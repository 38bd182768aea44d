"""Layout of one step as matrix products: blocks to scale, with the rows of the batch and the columns of the gates."""

from itertools import cycle, pairwise
from typing import Final, NamedTuple

from ..diagrams import Diagram, Node
from ..phrases import shape_text
from .scene import MARGIN, NOTE_LINE, TITLE_WIDTH, TITLE_Y, Arrow, Band, Box, Label, Metrics, Scene, Tone

ROOM: Final = 1180
"""Pixels of the widest line of blocks."""

# Pixels for an element, the largest first: 26 for a matrix of a few, 0.2 for thousands, and smaller for sizes beyond any page.
_PIXEL_SCALES: Final = (
    26,
    22,
    18,
    15,
    12,
    10,
    8,
    6,
    5,
    4,
    3,
    2,
    1.5,
    1,
    0.75,
    0.5,
    0.35,
    0.25,
    *(0.2 * 0.7**n for n in range(80)),
)
_GATE_TONES: Final[tuple[Tone, ...]] = ("gate1", "gate2", "gate3", "gate4")
"""Tones of the columns of the gates, from light to dark; a cell with more gates begins again."""


class _Block(NamedTuple):
    node: Node
    w: float
    h: float
    slot: float  # with its labels
    thick: bool  # drawn larger than to scale


def _sides(node: Node) -> tuple[int, int]:
    """Rows and columns of a matrix; a vector is a row."""
    rows, columns = (1, *node.shape)[-2:] if node.shape else (1, 1)
    return rows, columns


class _Unit(NamedTuple):
    """Blocks that stay on one line, with the sign before the first and those between them."""

    sign: str
    ids: tuple[str, ...]


def layout_matmul(diagram: Diagram, m: Metrics, room: float = 0) -> Scene:
    """The products of ``diagram`` with coordinates, in lines of at most ``room`` pixels or columns (0: as wide as a page)."""
    return _Layout(diagram, m, room or (100 if m.text else ROOM)).scene()


class _Layout:
    def __init__(self, diagram: Diagram, m: Metrics, room: float) -> None:
        self.d, self.m, self.room, self.out = diagram, m, room, Scene()
        bias = [name for name in ("bias", "bias_ih", "bias_hh") if name in diagram.nodes]
        if "gates" not in diagram.nodes:
            lines = [("x", "w_ih", "bias_ih", "gates_x"), ("h", "w_hh", "bias_hh", "gates_h")]
            lines += [
                (f"value_{gate}", f"w_{gate}", f"bias_{gate}", f"gates_{gate}") for gate in diagram.config.definition.gates
            ]
            first = [
                [_Unit("", (left, right)), *self._bias(bias), _Unit("=", (result,))]
                for left, right, bias, result in lines
                if left in diagram.nodes
            ]
        else:
            units = [_Unit("", ("x", "w_ih")), _Unit("+", ("h", "w_hh")), *(_Unit("+", (name,)) for name in bias)]
            first = [[*units, _Unit("=", ("gates",))]]
        joined = [_Unit("", ("joined", "w_joined")), *self._bias("bias_joined"), _Unit("=", ("gates_joined",))]
        self.lines = [*first, *([joined] if "joined" in diagram.nodes else [])]
        self.scale = self._choose()

    def _bias(self, name: str) -> list[_Unit]:
        return [_Unit("+", (name,))] if name in self.d.nodes else []

    # -- sizes

    def _choose(self) -> float:
        """The largest scale at which everything fits: in pixels on single lines if that is readable, else with line breaks."""
        scales = [2.0**-n for n in range(40)] if self.m.text else list(_PIXEL_SCALES)
        highest = self.m.pick(14, 320)  # so a line of blocks fits on a screen
        fits = [s for s in scales if max(self._block(n, s).h for n in self.d.nodes) <= highest] or scales[-1:]
        if not self.m.text:
            for scale in (scale for scale in fits if scale >= 8):  # at 8 pixels for each element, the grid is visible
                if all(sum(self._unit_width(unit, scale) for unit in line) <= self.room for line in self.lines):
                    return scale
        for scale in fits:
            if all(self._unit_width(unit, scale) <= self.room for line in self.lines for unit in line):
                return scale
        return fits[-1]

    def _block(self, name: str, scale: float) -> _Block:
        m, node = self.m, self.d.nodes[name]
        rows, columns = _sides(node)
        width, height = max(columns * scale, 8.0), max(rows * scale, 8.0)
        thick = columns * scale < 8 or rows * scale < 8
        if m.text:
            w, h = 2 * columns * scale, rows * scale
            inner_w, inner_h = max(2, 2 * len(node.gates), round(w)), max(1, round(h))
            inner_w += inner_w % 2
            width, height, thick = inner_w + 2, inner_h + 1, inner_w > 2 * w or inner_h > 2 * h
        thick = thick and rows > 0
        labels = [self._name(node), self._shape(node)]
        slot = max(width + m.pick(1, 0), *(m.width(label) for label in labels))
        return _Block(node, width, height, m.even(slot), thick)

    def _name(self, node: Node) -> str:
        return self.m.glyphs.text(node.name)

    def _shape(self, node: Node) -> str:
        if node.id.endswith("joined") and not node.id.startswith(("gates", "bias")):
            parts = [self.d.nodes[name].shape or () for name in (("x", "h") if node.id == "joined" else ("w_ih", "w_hh"))]
            axis = 1 if node.id == "joined" else 0
            sizes = [str(size) for size in node.shape or ()]
            sizes[axis] = f"{parts[0][axis]} + {parts[1][axis]}"
            return f"({', '.join(sizes)})"
        return shape_text(node.shape or ())

    def _unit_width(self, unit: _Unit, scale: float) -> float:
        signs = len(unit.ids) - (not unit.sign)
        return sum(self._block(name, scale).slot for name in unit.ids) + signs * self.m.pick(3, 44)

    # -- drawing

    def scene(self) -> Scene:
        m, y = self.m, 0.0
        if not m.text:
            self.out.labels.append(Label(MARGIN, TITLE_Y, self.d.title, size="title", tone="strong"))
            y = 54  # below the title
        for line in self.lines:
            if line[0].ids[0] == "joined":
                text = self._joined_text()
                self.out.labels.append(Label(m.pick(0, MARGIN), y + m.pick(0, 10), text, tone="strong"))
                y += m.pick(1, 22)
            for part in self._broken(line):
                y = self._line(part, y)
        thick = dict.fromkeys(self._name(b.node) for b in (self._block(n, self.scale) for n in self.d.nodes) if b.thick)
        self.out.notes = [f"too thin to see at this scale, so drawn thicker: {'; '.join(thick)}"] if thick else []
        for note in () if m.text else (*self.d.notes, *self.out.notes):
            y += NOTE_LINE
            self.out.labels.append(Label(MARGIN, y, m.glyphs.text(note), tone="quiet", size="small"))
        right = max(
            [box.right + m.pick(1, 0) for box in self.out.boxes] + [self._label_right(label) for label in self.out.labels]
        )
        self.out.width, self.out.height = right + m.pick(0, MARGIN), y + m.pick(0, MARGIN)
        return self.out

    def _joined_text(self) -> str:
        cell = self.d.config.definition
        *others, last = cell.joined_gates
        if cell.is_one_product:
            return "the same as one product"
        return f"{', '.join(others)} and {last} as one product" if others else f"{last} as one product"

    def _label_right(self, label: Label) -> float:
        if self.m.text:  # the characters that it takes
            return int(label.x) + {"start": len(label.text), "middle": (len(label.text) + 1) // 2}.get(label.anchor, 1)
        width = self.m.width(label.text, label.size) * (TITLE_WIDTH if label.size == "title" and not self.m.text else 1)
        return label.x + width / {"start": 1, "middle": 2}.get(label.anchor, width)

    def _broken(self, line: list[_Unit]) -> list[list[_Unit]]:
        parts: list[list[_Unit]] = [[]]
        used = 0.0
        for unit in line:
            width = self._unit_width(unit, self.scale)
            if parts[-1] and used + width > self.room:
                parts.append([])
                used = 0.0
            parts[-1].append(unit)
            used += width
        return parts

    def _line(self, units: list[_Unit], y: float) -> float:
        m, x = self.m, self.m.pick(0, MARGIN)
        height = max(self._block(name, self.scale).h for unit in units for name in unit.ids)
        top = y + m.pick(1 if m.text and self.scale == 1 else 2, 44)
        for unit in units:
            for number, name in enumerate(unit.ids):
                sign = "@" if number else unit.sign
                if sign:
                    at = x + m.pick(1, 22)
                    middle = top + m.pick(height // 2, height / 2)
                    self.out.labels.append(Label(at, middle, sign, "middle", "strong", "title"))
                    x += m.pick(3, 44)
                block = self._block(name, self.scale)
                left = x + (block.slot - block.w) / 2 // 1
                self._draw(block, left, top + (height - block.h) / 2 // 1)
                x += block.slot
        return top + height + m.pick(3, 44)

    def _draw(self, block: _Block, x: float, y: float) -> None:
        m, node = self.m, block.node
        middle = x + block.w / 2
        letters = bool(node.gates) and not (m.text and self.scale == 1)
        tone: Tone = "forward" if node.id == "h" else "output" if node.id.startswith("gates") else "data"
        rows, _ = _sides(node)
        self.out.add(Box(x, y, block.w, block.h, (), tone if rows else "empty", round=0))
        above = m.pick(2 if letters else 1, 26 if node.gates else 12)
        self.out.labels.append(Label(middle, y - above, self._name(node), "middle", "strong"))
        self.out.labels.append(Label(middle, y + block.h + m.pick(1, 13), self._shape(node), "middle", "quiet", "small"))
        if m.text:
            self._fill_text(block, x, y, letters)
        elif rows:
            self._fill(block, x, y)

    def _fill(self, block: _Block, x: float, y: float) -> None:
        node = block.node
        rows, columns = _sides(node)
        per_row, per_column = block.h / max(rows, 1), block.w / max(columns, 1)
        tones = dict(zip(self.d.config.definition.gates, cycle(_GATE_TONES), strict=False))
        for number, (gate, (start, stop)) in enumerate(node.gates.items()):
            left, width = x + start * per_column, (stop - start) * per_column
            self.out.bands.append(Band(left, y, width, block.h, tones[gate], 0))
            if width >= 9:
                self.out.labels.append(Label(left + width / 2, y - 9, gate, "middle", "quiet", "small"))
            if number:
                self._rule((left, y), (left, y + block.h), "gate")
        if per_row >= 5:
            for row in range(1, rows):
                self._rule((x, y + row * per_row), (x + block.w, y + row * per_row), "grid")
        if per_column >= 5:
            for column in range(1, columns):
                self._rule((x + column * per_column, y), (x + column * per_column, y + block.h), "grid")
        if node.id in ("joined", "w_joined"):
            width = self._width_of_x()
            if node.id == "joined":
                self.out.bands.append(Band(x + width * per_column, y, block.w - width * per_column, block.h, "forward", 0))
                self._rule((x + width * per_column, y), (x + width * per_column, y + block.h), "gate")
            else:
                self._rule((x, y + width * per_row), (x + block.w, y + width * per_row), "gate")

    def _width_of_x(self) -> int:
        return _sides(self.d.nodes["x"])[1]

    def _rule(self, start: tuple[float, float], end: tuple[float, float], kind: str) -> None:
        self.out.arrows.append(Arrow((start, end), "data", kind, head=False))

    def _fill_text(self, block: _Block, x: float, y: float, letters: bool) -> None:
        """One character for each element if they fit; otherwise gate letters above and shading inside."""
        node, g = block.node, self.m.glyphs
        rows, columns = _sides(node)
        if letters:
            for gate, (start, stop) in node.gates.items():
                at = x + 1 + (block.w - 2) * (start + stop) / 2 / columns
                self.out.labels.append(Label(at, y - 1, gate, "middle", "quiet"))
        if rows == 0:
            return
        if self.scale < 1:
            width, height = int(block.w), int(block.h)
            starts = [int(width * start / columns) for start, _ in list(node.gates.values())[1:]]
            if node.id == "joined" and width > 3:  # both parts keep a character
                starts = [min(max(width * self._width_of_x() // columns, 2), width - 2)]
            seam = 0
            if node.id == "w_joined" and height > 3:
                seam = min(max(round(height * self._width_of_x() / rows), 2), height - 2)
            for row in range(height - 1):
                if row + 1 == seam:
                    continue
                cuts = [0, *starts, width]
                for left, right in pairwise(cuts):
                    self.out.labels.append(Label(x + left + 1, y + 1 + row, g.shade * (right - left - 1), "start", "quiet"))
            for start in starts:
                self._rule((x + start, y), (x + start, y + block.h), "gate")
            if seam:
                self._rule((x, y + seam), (x + block.w, y + seam), "gate")
            return
        elements = [letter for letter, (start, stop) in node.gates.items() for _ in range(stop - start)]
        if not elements:
            width = self._width_of_x()
            elements = ["x"] * width + ["h"] * (columns - width) if node.id == "joined" else [node.id[0]] * columns
        tone: Tone = "forward" if node.id == "h" else "plain"
        for row in range(rows):
            self.out.labels.append(Label(x + 2, y + 1 + row, " ".join(elements), "start", tone))
