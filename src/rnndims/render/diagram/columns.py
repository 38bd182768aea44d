"""Columns of the unrolled network: how wide its cells, boxes and gaps must be, and where each of them stands."""

from typing import NamedTuple

from ...diagram import Diagram, Node
from ...phrases import shape_text
from ...shapes import tensors
from .scene import Glyphs, Metrics

Detail = int
"""How much a text drawing shows. 0: all; 1: no shapes on arrows; 2: small cells and boxes; 3: states without their shapes;
4: boxes without theirs. Pixels have room for all."""


class Plan(NamedTuple):
    """Sizes that all parts of one drawing share."""

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
    """Sizes and places of the columns of one drawing, and the texts that decide them."""

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
        kinds = ("c", "h") if d.config.cell == "lstm" else ("h",)
        if m.text:
            cell_h, lanes = (3.0, (("c", 1.0), ("h", 2.0))) if len(kinds) == 2 else (2.0, (("h", 1.0),))
        else:
            cell_h, lanes = (74.0, (("c", 20.0), ("h", 54.0))) if len(kinds) == 2 else (48.0, (("h", 24.0),))
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
        gap = max(gap, m.pick((4, 4, 3, 2, 2)[self.detail], 46))
        more = m.even(m.width(self._more_text()) - m.pick(1, 0)) if None in d.steps else 0
        side = (self._side("left"), self._side("right"))
        first = m.pick(-1, 24) + self._captions_width() + side[0] + self._side_gap()
        return Plan(cell, cell_h, column, gap, more, side, first, lanes, m.pick(2, 40))

    def _captions_width(self) -> float:
        if self.m.text:
            return 0
        lines = [(line, "small") for set_ in self.d.weights for line in self._weight_lines(set_.layer, set_.direction)]
        lines += [("layer 999 reverse <- one cell for all steps", "small")]
        lines += [(line, "small") for name in ("input", "output") for line in self._tensor_lines(name)]
        return max(self.m.width(line, size) for line, size in lines) + 30

    def _side_gap(self) -> float:
        """From a state to the nearest cell."""
        return self.m.pick(3 if self.detail < 3 else 2, 46)

    def _box_lines(self, node: Node) -> tuple[str, ...]:
        """What stands in a box of the rows ``x_t`` and ``output[t]``."""
        name = node.name
        if self.m.text and self.detail >= 2 and node.kind == "output":
            name = name.removeprefix("output")
        if self.m.text and self.detail == 4:
            return (name,)
        return (name, "padding" if node.empty else shape_text(node.shape or ()))

    def _cell_name(self, direction: str) -> str:
        g, name = self.m.glyphs, self.d.config.cell.upper()
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
            for kind in ("c", "h") if self.d.config.cell == "lstm" else ("h",):
                node = self._state(kind, self._ends(side, set_.direction), set_.layer, set_.direction)
                shape = shape_text(node.shape or ())
                if self.m.text:
                    widest = max(widest, self.m.width(node.name), self.m.width(shape) if self.detail < 3 else 0)
                else:
                    found = self.m.width(f"= {node.found_at}", "small") if node.found_at else 0
                    widest = max(widest, self.m.box_width(f"{node.name} {shape}"), found)
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
        """Left edge of a column; the elided one has its own width."""
        p, x = self.plan, self.plan.first
        for step in self.d.steps[:number]:
            x += (p.more if step is None else p.column) + p.gap
        return x

    def _up(self, number: int, direction: str) -> float:
        """Where the vertical line through a direction's cell stands."""
        x, p = self._column(number), self.plan
        if not self.both:
            return x + p.column / 2
        return x + p.cell / 2 if direction == "forward" else x + p.column - p.cell / 2

    def _place(self, number: int, direction: str) -> tuple[float, float]:
        """Left and right edge of a direction's cell, or of the dots that stand for left-out ones."""
        p = self.plan
        if self.d.steps[number] is None:
            middle, half = self._column(number) + p.more / 2, self.m.pick(1 if self.detail < 2 else 0, 12)
            if self.m.text and len(self.m.glyphs.more) > 1:
                half = 2 if self.detail < 2 else 1
            return middle - half, middle + half
        up = self._up(number, direction)
        return up - p.cell / 2, up + p.cell / 2


def reads(diagram: Diagram, layer: int, g: Glyphs) -> str:
    """What a layer reads and how wide that is: ``reads input, H_in = 4``, ``reads layer 0, D·H_out = 2·2 = 4``."""
    config = diagram.config
    if layer == 0:
        return f"reads input, H_in = {config.input_size}"
    width = config.layer_input_size(layer)
    product = g.text(f"D·H_out = {config.D}·{config.H_out} = {width}") if config.bidirectional else f"H_out = {width}"
    return f"reads layer {layer - 1}, {product}"


def weight_lines(parameters: dict[str, tuple[int, ...]]) -> list[str]:
    """One line for each weight, both biases on one: ``weight_ih_l0 (8, 4)``, ``bias_ih_l0, bias_hh_l0 (8,)``."""
    biases = [name for name in parameters if name.startswith("bias")]
    lines = [f"{name} {shape_text(shape)}" for name, shape in parameters.items() if name not in biases]
    if biases:
        lines.insert(2, f"{', '.join(biases)} {shape_text(parameters[biases[0]])}")
    return lines
