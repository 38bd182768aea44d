"""Layout of the unrolled network: time from left to right, layers from bottom to top, ``h_0`` where a direction begins."""

from itertools import pairwise
from typing import NamedTuple

from ..diagrams import Diagram, Node
from ..phrases import shape_text
from ..shapes import tensors
from .scene import MARGIN, NOTE_LINE, TITLE_WIDTH, TITLE_Y, Arrow, Band, Box, Label, Metrics, Point, Scene, Tone
from .words import reads, weight_lines

Detail = int
"""How much a text drawing shows. 0: all; 1: no shapes on arrows; 2: small cells and boxes; 3: states without their shapes;
4: boxes without theirs. Pixels have room for all."""


class Plan(NamedTuple):
    """Sizes that all parts of one drawing share.

    Attributes:
        cell: width of a cell.
        cell_h: its height.
        column: width of a column, which holds one cell, or two side by side.
        gap: from one column to the next.
        more: width of the column that stands for omitted steps.
        side: width of the states on the left and on the right.
        first: left edge of the first column.
        lanes: each state's letter, and the height in a cell at which its arrow enters.
        rise: length of the arrow from one row up to the next.
    """

    cell: float
    cell_h: float
    column: float
    gap: float
    more: float
    side: tuple[float, float]
    first: float
    lanes: tuple[tuple[str, float], ...]
    rise: float


class Columns:
    """Sizes and positions of the columns of one drawing, and the texts that they depend on."""

    def __init__(self, diagram: Diagram, m: Metrics, detail: Detail) -> None:
        self.d, self.m, self.detail = diagram, m, detail
        self.both = diagram.config.bidirectional
        self.plan = self._measure()

    # -- sizes

    def _measure(self) -> Plan:
        m, d = self.m, self.d
        names = [self._cell_name(direction) for direction in d.config.directions]
        cell = m.even(max(len(name) for name in names) + 1) if m.text else m.box_width(*names)
        cell = max(cell, m.pick(4, 0))
        cell_h, lanes = self._lanes()
        column = 2 * cell + m.pick(2, 12) if self.both else cell
        nodes = [node for node in d.nodes.values() if node.kind in ("input", "output") and node.shape is not None]
        texts = [text for node in nodes for text in self._box_lines(node)]
        column = max(column, m.box_width(*texts))
        if self.both:
            column = max(column, m.box_width(*(line for node in d.nodes.values() for line in self._concat_lines(node))))
        column = m.even(column)
        room = max((m.width(text, "small") for text in self._recurrent_texts()), default=0)
        # a bidirectional row has half a cell more room: the other direction's vertical line stands in the middle of its cell
        gap = m.even(room + m.pick(4, 34) - (cell / 2 if self.both else column - cell))
        gap = max(gap, m.pick((4, 4, 3, 2, 2)[self.detail], 46))  # text: for each detail, an arrow of at least this length
        more = m.even(m.width(self._more_text()) - m.pick(1, 0)) if None in d.steps else 0
        side = (self._side("left"), self._side("right"))
        first = m.pick(-1, MARGIN) + self._captions_width() + side[0] + self._side_gap()
        return Plan(cell, cell_h, column, gap, more, side, first, lanes, m.pick(2, 40))

    def _lanes(self) -> tuple[float, tuple[tuple[str, float], ...]]:
        """Height of a cell, and at which height the arrow of each state meets it: the hidden state is the lowest."""
        kinds = tuple(reversed(tuple(self.d.config.definition.states)))
        if self.m.text:  # one row for each state between the borders
            return len(kinds) + 1, tuple((kind, 1.0 + number) for number, kind in enumerate(kinds))
        if len(kinds) == 1:  # pixels: 34 from one arrow to the next, so a shape can stand between them
            return 48, ((kinds[0], 24.0),)
        return 40 + 34 * (len(kinds) - 1), tuple((kind, 20.0 + 34 * number) for number, kind in enumerate(kinds))

    def _captions_width(self) -> float:
        if self.m.text:
            return 0
        lines = [(line, "small") for set_ in self.d.weights for line in self._weight_lines(set_.layer, set_.direction)]
        lines += [("layer 999 reverse <- one cell for all steps", "small")]  # the longest heading of a caption
        lines += [(line, "small") for name in ("input", "output") for line in self._tensor_lines(name)]
        return max(self.m.width(line, size) for line, size in lines) + 30

    def _side_gap(self) -> float:
        """From a state to the nearest cell."""
        return self.m.pick(3 if self.detail < 3 else 2, 46)

    def _box_lines(self, node: Node) -> tuple[str, ...]:
        """The lines in a box of the rows ``x_t`` and ``output[t]``."""
        name = node.name
        if self.m.text and self.detail >= 2 and node.kind == "output":
            name = name.removeprefix("output")
        if self.m.text and self.detail == 4:
            return (name,)
        return (name, "padding" if node.empty else shape_text(node.shape or ()))

    def _cell_name(self, direction: str) -> str:
        g, name = self.m.glyphs, self.d.config.definition.class_name
        if self.m.text and self.detail >= 2:
            return g.forward if direction == "forward" else g.reverse
        return f"{name} {g.forward}" if direction == "forward" else f"{g.reverse} {name}"

    def _concat_lines(self, node: Node) -> tuple[str, ...]:
        if node.kind != "concat" or node.shape is None:
            return ()
        width, g = self.d.config.H_out, self.m.glyphs
        if not self.m.text:
            return (f"concat {shape_text(node.shape)}", f"{g.forward} {width}  {g.reverse} {width}")
        if self.detail == 0:
            return (f"{g.forward}{width} + {g.reverse}{width} = {2 * width}",)
        return (g.text(f"2·{width} = {2 * width}"),)

    def _recurrent_texts(self) -> list[str]:
        if self.m.text and self.detail:
            return []
        return [self._edge_text(e.kind, shape_text(e.shape)) for e in self.d.edges if e.kind in ("h", "c") and e.shape]

    def _edge_text(self, kind: str, shape: str) -> str:
        return shape if self.m.text else f"{kind} {shape}"

    def _more_text(self) -> str:
        g, count = self.m.glyphs, self.d.left_out_steps
        return g.more if self.m.text and self.detail >= 2 else f"{g.more} {count} more {g.more}"

    def _state(self, kind: str, end: str, layer: int, direction: str) -> Node:
        row = layer * self.d.config.D + (direction == "reverse")
        return self.d.nodes[f"{kind}_{end}_{row}"]

    def _ends(self, side: str, direction: str) -> str:
        return "0" if (side == "left") == (direction == "forward") else "n"

    def _side(self, side: str) -> float:
        widest = 0.0
        for set_ in self.d.weights:
            for kind in self.d.config.definition.states:
                node = self._state(kind, self._ends(side, set_.direction), set_.layer, set_.direction)
                shape = shape_text(node.shape or ())
                if self.m.text:
                    widest = max(widest, self.m.width(node.name), self.m.width(shape) if self.detail < 3 else 0)
                else:
                    expression = self.m.width(f"= {node.in_output}", "small") if node.in_output else 0
                    widest = max(widest, self.m.box_width(f"{node.name} {shape}"), expression)
        return max(widest, len("output")) if self.m.text and self.detail >= 2 and side == "left" else widest

    def _weight_lines(self, layer: int, direction: str) -> list[str]:
        for set_ in self.d.weights:
            if (set_.layer, set_.direction) == (layer, direction):
                return [reads(self.d, layer, self.m.glyphs), *weight_lines(set_.parameters)]
        return []

    def _tensor_lines(self, name: str) -> list[str]:
        tensor = tensors(self.d.config, self.d.data)[name]
        dims = self.m.glyphs.text(", ".join(tensor.dims).replace("*", "·"))
        return [name, shape_text(tensor.shape), f"({dims})" if len(tensor.dims) > 1 else f"({dims},)"]

    # -- columns

    def _column(self, number: int) -> float:
        """Left edge of a column; that of the omitted ones has its own width."""
        p, x = self.plan, self.plan.first
        for step in self.d.steps[:number]:
            x += (p.more if step is None else p.column) + p.gap
        return x

    def _up(self, number: int, direction: str) -> float:
        """The x of the vertical line through the cell of a direction."""
        x, p = self._column(number), self.plan
        if not self.both:
            return x + p.column / 2
        return x + p.cell / 2 if direction == "forward" else x + p.column - p.cell / 2

    def _sides(self, number: int, direction: str) -> tuple[float, float]:
        """Left and right edge of the cell of a direction, or of the dots that stand for omitted ones."""
        p = self.plan
        if self.d.steps[number] is None:
            middle, half = self._column(number) + p.more / 2, self.m.pick(1 if self.detail < 2 else 0, 12)
            if self.m.text and len(self.m.glyphs.more) > 1:
                half = 2 if self.detail < 2 else 1
            return middle - half, middle + half
        up = self._up(number, direction)
        return up - p.cell / 2, up + p.cell / 2


def layout_unrolled(diagram: Diagram, m: Metrics, detail: Detail = 0) -> Scene:
    """The unrolled network of ``diagram`` with coordinates."""
    return _Layout(diagram, m, detail).scene()


class _Layout(Columns):
    def __init__(self, diagram: Diagram, m: Metrics, detail: Detail) -> None:
        super().__init__(diagram, m, detail)
        self.out = Scene()

    # -- drawing, from top to bottom

    def scene(self) -> Scene:
        m, d, y = self.m, self.d, 0.0
        if not m.text:
            self.out.labels.append(Label(MARGIN, TITLE_Y, d.title, size="title", tone="strong"))
            y = 62  # below the title
        y = self._row("output", y)
        starts = {n: (self._anchor(n), y) for n in range(len(d.steps)) if self._has("output", n)}
        ups: dict[int, list[Point]] = {n: [point] for n, point in starts.items()}
        for index, layer in reversed(list(enumerate(d.layers))):
            y = self._gap(y, layer, index)
            y, ups = self._more_layers(y, ups) if layer is None else self._layer(y, layer, ups)
        y += self.plan.rise
        bottom = self._row("input", y)
        for points in ups.values():
            for x, top in points:
                self._arrow((x, y), (x, top), "data", "x")
        bottom = self._sequences(bottom)
        self._finish(bottom)
        return self.out

    def _has(self, kind: str, number: int) -> bool:
        step = self.d.steps[number]
        name = f"output_{step}" if kind == "output" else f"x_{step}"
        return step is not None and name in self.d.nodes and not self.d.nodes[name].empty

    def _anchor(self, number: int) -> float:
        return self._column(number) + self.plan.column / 2

    def _arrow(self, start: Point, end: Point, tone: Tone, kind: str) -> None:
        self.out.arrows.append(Arrow((start, end), tone, kind))

    def _row(self, kind: str, y: float) -> float:
        """A row of ``x_t`` or ``output[t]`` boxes; returns its lower edge."""
        m, p = self.m, self.plan
        small = m.text and self.detail >= 2
        height = m.box_height(1 if m.text and self.detail == 4 else 2)
        for number, step in enumerate(self.d.steps):
            x = self._column(number)
            if step is None:
                if kind == "output" and "output_more" not in self.d.nodes:
                    continue
                self._label(x + p.more / 2, y + height / 2 // 1, self._more_text(), "middle", "quiet", "small")
                continue
            node = self.d.nodes.get(f"output_{step}" if kind == "output" else f"x_{step}")
            if node is None:
                continue
            tone: Tone = "empty" if node.empty else "output" if kind == "output" else "data"
            self.out.add(Box(x, y, p.column, height, self._box_lines(node), tone, node=node.id))
        if small:
            self._label(0, y + height / 2 // 1, kind, "start", "strong")
            if kind == "input" and None in self.d.steps:
                g, middle = m.glyphs, self._column(self.d.steps.index(None)) + p.more / 2
                text = f"{g.more} {self.d.left_out_steps} more {g.more}"
                self._label(max(0, min(middle, self._width() - len(text) / 2)), y + height + 1, text, "middle", "quiet")
                return y + height + 1
        if not m.text:
            for number, line in enumerate(self._tensor_lines(kind)):
                y_line = y + 6 + 15 * number  # pixels: a small line of text takes 15
                self._label(MARGIN, y_line, line, "start", "plain" if number else "strong", "small")
        return y + height

    def _gap(self, y: float, layer: int | None, index: int) -> float:
        """Room below a row, with the shapes beside its arrows; returns the upper edge of the next row."""
        m, p = self.m, self.plan
        above = self.d.layers[index + 1] if index + 1 < len(self.d.layers) else None
        below = y + p.rise
        if layer is not None and above is not None and not self.both and (not m.text or not self.detail):
            for number, step in enumerate(self.d.steps):
                node = self.d.nodes.get(f"cell_l{layer}_forward_{step}")
                if node is not None and node.shape:
                    at = self._anchor(number) + m.pick(2, 8)
                    self._label(at, y + m.pick(1, p.rise / 2), shape_text(node.shape), "start", "quiet", "small")
        return below

    def _more_layers(self, y: float, ups: dict[int, list[Point]]) -> tuple[float, dict[int, list[Point]]]:
        m = self.m
        height = m.pick(0, 24)
        for points in ups.values():
            for x, top in points:
                self._label(x, y + height / 2, m.glyphs.more_up, "middle", "quiet")
                self._arrow((x, y - m.pick(1, 0)), (x, top), "data", "y")
        count = self.d.left_out_layers
        text = f"{count} more layers" if count > 1 else "1 more layer"
        if m.text and len(text) >= self._up(0, "forward"):
            text = f"{count} more"
            self._label(0, y + 1, "layers" if count > 1 else "layer", "start", "quiet")
        self._label(m.pick(0, MARGIN), y + height / 2, text, "start", "quiet", "small")
        below = {}
        for number, points in ups.items():
            below[number] = [(x, y + height) for x, _ in points]
        return y + height, below

    def _layer(self, y: float, layer: int, ups: dict[int, list[Point]]) -> tuple[float, dict[int, list[Point]]]:
        p = self.plan
        tops: dict[str, dict[int, Point]] = {"forward": {}, "reverse": {}}
        if self.both:
            height = self.m.pick(self.m.box_height(1), 52)
            for number in ups:
                self._concat(number, layer, y, height)
            self._rise(y, ups, "data")
            y += height
            for direction in tops:
                tops[direction] = {number: (self._up(number, direction), y) for number in ups}
            y += p.rise
        else:
            for number, points in ups.items():
                tops["forward"][number] = points[0]
        below: dict[int, list[Point]] = {number: [] for number in ups}
        for direction in reversed(self.d.config.directions):
            for number in ups:
                x = self._up(number, direction)
                self._arrow((x, y), tops[direction][number], direction if self.both else "data", "y")
                below[number].append((x, y + p.cell_h))
            self._cells(y, layer, direction)
            y += p.cell_h + (p.rise if direction == "reverse" else 0)
        return y, below

    def _rise(self, y: float, ups: dict[int, list[Point]], tone: Tone) -> None:
        for points in ups.values():
            for x, top in points:
                self._arrow((x, y), (x, top), tone, "y")

    def _concat(self, number: int, layer: int, y: float, height: float) -> None:
        node = self.d.nodes[f"concat_l{layer}_{self.d.steps[number]}"]
        x, p = self._column(number), self.plan
        lines = self._concat_lines(node)
        if self.m.text:
            self.out.add(Box(x, y, p.column, height, lines, "concat", node=node.id))
            return
        half, g, width = height / 2, self.m.glyphs, self.d.config.H_out
        self.out.add(Box(x, y + half, p.column / 2, half, (f"{g.forward} {width}",), "forward", round=0))
        self.out.add(Box(x + p.column / 2, y + half, p.column / 2, half, (f"{g.reverse} {width}",), "reverse", round=0))
        self.out.add(Box(x, y, p.column, half, lines[:1], "concat", round=0, node=node.id))

    def _cells(self, y: float, layer: int, direction: str) -> None:
        """One row of cells with its recurrent arrows, the states at both ends, and the background that they share."""
        m, p = self.m, self.plan
        names = [f"cell_l{layer}_{direction}_{'more' if step is None else step}" for step in self.d.steps]
        columns = [number for number, name in enumerate(names) if not self.d.nodes[name].empty]
        tone: Tone = "forward" if direction == "forward" else "reverse"
        for number in columns:
            left, right = self._sides(number, direction)
            if self.d.steps[number] is None:
                for _, at in p.lanes:
                    self._label((left + right) / 2, y + at, m.glyphs.more, "middle", "quiet")
            else:
                self.out.add(
                    Box(left, y, right - left, p.cell_h, (self._cell_name(direction),), tone, round=9, node=names[number])
                )
        if not m.text:
            left, right = self._sides(columns[0], direction)[0] - 12, self._sides(columns[-1], direction)[1] + 12
            # the background reaches 10 pixels above and below the cells, and 12 to the left and right
            self.out.bands.append(Band(left, y - 10, right - left, p.cell_h + 20, tone))
            self._captions(y, layer, direction)
        for kind, at in p.lanes:
            self._recurrence(y, at, kind, layer, direction, columns)

    def _recurrence(self, y: float, at: float, kind: str, layer: int, direction: str, columns: list[int]) -> None:
        m, p = self.m, self.plan
        tone: Tone = "forward" if direction == "forward" else "reverse"
        forward = direction == "forward"
        sides = [self._sides(number, direction) for number in columns]
        last = self._column(len(self.d.steps) - 1) + (p.more if self.d.steps[-1] is None else p.column)
        ends = (p.first - self._side_gap(), last + self._side_gap())
        for side, node_end in (("left", self._ends("left", direction)), ("right", self._ends("right", direction))):
            edge = ends[0] if side == "left" else ends[1]
            self._state_box(self._state(kind, node_end, layer, direction), edge, y + at, side, kind, tone)
        edges = {(e.source, e.target): e for e in self.d.edges if e.kind == kind and e.direction == direction}
        stops = [(ends[0], ends[0]), *sides, (ends[1], ends[1])]
        for number, (a, b) in enumerate(pairwise(stops)):
            start, end = a[1], b[0]
            if m.text:  # a line may start on a border, but not on text
                start += forward and self._is_text(number - 1, columns)
                end -= not forward and self._is_text(number, columns)
            elif self._is_text(number, columns) and 0 < number < len(stops) - 1:
                end -= 2
            points = ((start, y + at), (end, y + at))
            self.out.arrows.append(Arrow(points if forward else points[::-1], tone, kind))
            if 0 < number < len(columns) and not (m.text and self.detail):
                names = [f"cell_l{layer}_{direction}_{self.d.steps[columns[i]]}" for i in (number - 1, number)]
                edge_ = edges.get((names[0], names[1]) if forward else (names[1], names[0]))
                if edge_ is not None and edge_.shape:
                    self._recurrent_label(start, end, y + at, kind, direction, shape_text(edge_.shape))

    def _is_text(self, number: int, columns: list[int]) -> bool:
        return not 0 <= number < len(columns) or self.d.steps[columns[number]] is None

    def _recurrent_label(self, start: float, end: float, y: float, kind: str, direction: str, shape: str) -> None:
        m, p = self.m, self.plan
        if self.both:  # clear of the other direction's vertical line
            crossing = p.column - 3 * p.cell / 2
            start, end = (start + crossing, end) if direction == "forward" else (start, end - crossing)
        shift = m.pick(1, 11)
        below = len(p.lanes) == 2 and kind == "h"
        text = self._edge_text(kind, shape)
        middle = (start + end) / 2 - (m.pick(0, 4) if direction == "forward" else m.pick(0, -4))
        self._label(middle, y + shift if below else y - shift, text, "middle", "quiet", "small")

    def _state_box(self, node: Node, edge: float, y: float, side: str, kind: str, tone: Tone) -> None:
        m, shape = self.m, shape_text(node.shape or ())
        if m.text:
            anchor = "end" if side == "left" else "start"
            first = y - 1 if len(self.plan.lanes) == 2 and kind == "c" else y
            self._label(edge, first if self.detail < 3 else y, node.name, anchor, tone)
            if self.detail < 3:
                self._label(edge, first + 1, shape, anchor, "quiet")
            return
        text = f"{node.name} {shape}"
        width = m.box_width(text)
        x = edge - width if side == "left" else edge
        # 28 pixels high with a radius of 14, so its ends are half circles
        self.out.add(Box(x, y - 14, width, 28, (text,), "state", round=14, node=node.id))
        if node.in_output:
            self._label(
                x + (width if side == "left" else 0),
                y + 25,
                f"= {node.in_output}",
                "end" if side == "left" else "start",
                "quiet",
                "small",
            )

    def _captions(self, y: float, layer: int, direction: str) -> None:
        lines = self._weight_lines(layer, direction)
        g = self.m.glyphs
        arrow = g.forward if direction == "forward" else g.reverse
        top = y + self.plan.cell_h / 2 - 15 * len(lines) / 2  # a small line of text takes 15
        tone: Tone = "forward" if direction == "forward" else "reverse"
        self._label(MARGIN, top, f"layer {layer} {direction} {arrow} one cell for all steps", "start", tone, "small")
        for number, line in enumerate(lines, 1):
            self._label(MARGIN, top + 15 * number, line, "start", "quiet", "small")

    def _sequences(self, y: float) -> float:
        m, p = self.m, self.plan
        if not self.d.sequences:
            return y
        pitch = m.pick(1, 22)
        y += m.pick(1, 22)
        for sequence in self.d.sequences:
            if sequence.count:
                self._label(
                    m.pick(0, MARGIN), y, f"{m.glyphs.more} {sequence.count} more {m.glyphs.more}", "start", "quiet", "small"
                )
            else:
                text = (
                    f"n={sequence.index}: {sequence.length}"
                    if m.text
                    else f"sequence {sequence.index}: length {sequence.length}"
                )
                self._label(m.pick(0, MARGIN), y, text, "start", "plain", "small")
            for number, filled in enumerate(sequence.filled):
                x = self._column(number)
                if filled is None:
                    self._label(x + p.more / 2, y, m.glyphs.more, "middle", "quiet", "small")
                elif m.text:
                    middle = x + p.column / 2
                    self._label(
                        middle, y, m.glyphs.filled if filled else m.glyphs.blank, "middle", "data" if filled else "quiet"
                    )
                else:
                    # 16 pixels high, and 8 narrower than its column on both sides
                    self.out.add(Box(x + 8, y - 8, p.column - 16, 16, (), "data" if filled else "empty", round=3))
            y += pitch
        return y - m.pick(1, 6)

    def _label(self, x: float, y: float, text: str, anchor: str, tone: Tone, size: str = "normal") -> None:
        self.out.labels.append(Label(x, y, text, anchor, tone, size))  # type: ignore[arg-type]

    def _width(self) -> float:
        right = self._column(len(self.d.steps) - 1) + (self.plan.more if self.d.steps[-1] is None else self.plan.column)
        return right + self._side_gap() + self.plan.side[1] + self.m.pick(0, MARGIN)

    def _finish(self, bottom: float) -> None:
        m = self.m
        for note in () if m.text else self.d.notes:
            bottom += NOTE_LINE
            self._label(MARGIN, bottom, m.glyphs.text(note), "start", "quiet", "small")
        notes = (
            0
            if m.text
            else max([m.width(note, "small") for note in self.d.notes] + [m.width(self.d.title) * TITLE_WIDTH]) + 2 * MARGIN
        )
        self.out.width = max(self._width(), notes)
        self.out.height = bottom + m.pick(1, MARGIN)
