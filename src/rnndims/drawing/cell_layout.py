"""Layout of the inside of one cell: what layouts made by hand share, and the column of equations for narrow terminals."""

from typing import ClassVar

from ..cells.definition import Expression, Linear, Operation, plain_gate, walk
from ..diagrams import Diagram, LinearPart, Node
from ..diagrams.formulas import Formulas
from ..phrases import shape_text
from .scene import MARGIN, NOTE_LINE, TITLE_WIDTH, TITLE_Y, Arrow, Box, Label, Metrics, Point, Scene, Tone


class CellPicture:
    """What every picture of a cell's inside has: a title, notes, and texts of nodes; ``draw`` of a subclass adds the rest."""

    def __init__(self, diagram: Diagram, m: Metrics, detail: int) -> None:
        self.d, self.m, self.detail = diagram, m, detail
        self.out = Scene()
        self.compact = m.text and detail == 2
        self.top = m.pick(0, 58)  # pixels: below the title
        self.left = m.pick(0, MARGIN)

    def scene(self) -> Scene:
        """The whole picture."""
        m = self.m
        if not m.text:
            self.label(MARGIN, TITLE_Y, self.d.title, tone="strong", size="title")
        if m.text and self.detail:
            self.out.notes += self._shapes_of_gates()
        bottom = self.draw()
        right = max(box.right for box in self.out.boxes)
        self.out.width = right + m.pick(1, MARGIN)
        for note in () if m.text else self.d.notes:
            bottom += NOTE_LINE
            self.label(MARGIN, bottom, m.glyphs.text(note))
        texts = [] if m.text else [m.width(self.d.title) * TITLE_WIDTH, *(m.width(note, "small") for note in self.d.notes)]
        self.out.width = max([self.out.width, *(text + 2 * MARGIN for text in texts)])
        self.out.height = bottom + m.pick(1, MARGIN)
        return self.out

    def draw(self) -> float:
        """Draw everything and return the lower edge; ``top`` is where it begins."""
        raise NotImplementedError

    # -- texts

    def tensor_lines(self, node: Node) -> tuple[str, str]:
        """What stands in the box of an input or a state."""
        return self.m.glyphs.text(node.name), shape_text(node.shape or ())

    def op_text(self, name: str) -> str:
        """The sign or name of an operation or an activation."""
        return self.m.glyphs.operation(name)

    def part_text(self, part: LinearPart) -> str:
        """A product, with shapes if there is room for them: ``x_t W_ir^T (4, 2) + b_ir (2,)``."""
        text = part.product if self.compact else f"{part.product} {shape_text(part.shape[::-1])}"
        if part.bias is not None:
            text += f" + {part.bias}" if self.m.text and self.detail else f" + {part.bias} {shape_text(part.bias_shape)}"
        return self.m.glyphs.text(text)

    def flow_text(self, node: Node) -> str:
        """The name and shape of the result of a gate or an operation."""
        return f"{node.value or node.name} {shape_text(node.shape or ())}"

    def caption(self, node: Node) -> str:
        """The name of a gate, and the rows of its weights."""
        return gate_caption(self.d, node, self.m, compact=self.compact)

    def _shapes_of_gates(self) -> list[str]:
        """The shapes that the gates have no room for."""
        parts = [part for node in self.d.nodes.values() for part in node.parts if node.kind in ("gate", "linear")]
        first, second = (next(part for part in parts if part.weight.startswith(start)) for start in ("W_i", "W_h"))
        shapes = [f"W_i is {shape_text(first.shape)}, W_h {shape_text(second.shape)}"] if self.compact else []
        shapes += [f"b_i and b_h are {shape_text(first.bias_shape)}"] if first.bias is not None else []
        return [f"for each gate, {', '.join(shapes)}"] if shapes else []

    def reader_of_h(self) -> str:
        """What reads the new hidden state: ``next step, layer 1``."""
        config, layer = self.d.config, self.d.nodes["h_next"].layer or 0
        text = "next step, output" if layer == config.num_layers - 1 else f"next step, layer {layer + 1}"
        return "h_1, next step" if config.is_cell else text

    # -- pieces

    def label(self, x: float, y: float, text: str, anchor: str = "start", tone: Tone = "quiet", size: str = "small") -> None:
        """Add a line of text."""
        self.out.labels.append(Label(x, y, text, anchor, tone, size))  # type: ignore[arg-type]

    def arrow(self, *points: Point, tone: Tone = "data", kind: str = "flow", head: bool = True, dot: bool = False) -> None:
        """Add a line with a head at its end."""
        self.out.arrows.append(Arrow(points, tone, kind, head, dot))


class CellLayout(CellPicture):
    """The states run along the top, each gate has a row, the results leave on the right.

    A layout for one kind of cell lists in ``columns`` which operations stand above each other, from left to right, and
    draws in ``draw``. The ids of the nodes are those in the cell's definition.
    """

    columns: ClassVar[tuple[tuple[str, ...], ...]] = ()

    def __init__(self, diagram: Diagram, m: Metrics, detail: int) -> None:
        super().__init__(diagram, m, detail)
        nodes = diagram.nodes.values()
        self.op_w = {n.id: self._op_width(n.activation or n.name) for n in nodes if n.activation or n.kind == "op"}
        self.act_w = 0.0 if self.compact else max(w for n, w in self.op_w.items() if self.d.nodes[n].activation)
        inputs = [n for n in nodes if n.id == "x" or n.id.endswith("_prev")]
        self.in_w = max(m.box_width(*self.tensor_lines(node)) for node in inputs)
        # two vertical lines, for x and for h, between the inputs and the gates
        self.bus = (self.left + self.in_w + m.pick(2, 26), self.left + self.in_w + m.pick(4, 50))  # pixels: 24 apart
        self.gate_x = self.bus[1] + m.pick(2 if self.compact else 3, 30)
        self.gate_w = max(m.box_width(*self._part_lines(n)) for n in nodes if n.parts and n.kind != "projection")
        captions = [m.width(self.caption(n), "small") for n in nodes if n.kind in ("gate", "linear")]
        self.gate_w = max(self.gate_w, m.even(max(captions) - m.pick(4, 60)))  # left of the first line that goes up
        self.act_x = self.gate_x + self.gate_w + m.pick(3, 26)
        self.after = self.gate_x + self.gate_w if self.compact else self.act_x + self.act_w
        # room for what stands above the arrow that leaves an activation: i (2, 2)
        room = 0 if m.text and detail else max(m.width(self.flow_text(n), "small") for n in nodes if n.activation)
        self.middles: list[float] = []
        x = self.after + room + m.pick(3, 22)
        for names in self.columns:
            width = max(self.op_w[name] for name in names) if m.text else max(self.op_w.values())
            self.middles.append(float(int(x + width / 2)))
            x += width + m.pick(3, 34)

    # -- text

    def _op_width(self, name: str) -> float:
        text = self.op_text(name)
        return self.m.even(len(text) + 3) if self.m.text else (36 if len(text) < 3 else self.m.box_width(text))

    def _part_lines(self, node: Node) -> list[str]:
        lines = [self.part_text(part) for part in node.parts]
        if self.compact and node.activation:
            return [f"{self.op_text(node.activation)}({lines[0]}", f"+ {lines[1]})"]
        return lines if len(lines) == 1 else ["  " + lines[0], "+ " + lines[1]]

    # -- pieces

    def tensor(self, name: str, x: float, y: float, width: float | None = None) -> Box:
        """A tensor whose arrow leaves or enters at height ``y``."""
        node = self.d.nodes[name]
        lines = self.tensor_lines(node)
        width = width or self.m.box_width(*lines)
        tone: Tone = "data" if name == "x" else "output" if name.endswith("next") else "state"
        height = self.m.box_height(2)
        return self.out.add(Box(x, y - self.m.pick(1, height / 2), width, height, lines, tone))

    def op(self, name: str, x: float, y: float) -> Box:
        """An operation with its middle at ``(x, y)``."""
        node, width, height = self.d.nodes[name], self.op_w[name], self.m.pick(2, 36)
        text = self.op_text(node.name)
        return self.out.add(Box(x - width / 2, y - height / 2, width, height, (text,), "op", round=18))  # half of 36: a circle

    def gate(self, name: str, y: float) -> Point:
        """A gate's row: caption, products, activation; returns where its result leaves."""
        m, node = self.m, self.d.nodes[name]
        lines = self._part_lines(node)
        height = m.box_height(2) if len(lines) == 2 else m.box_height(1)
        box = self.out.add(Box(self.gate_x, y, self.gate_w, height, (), "gate"))
        for number, line in enumerate(lines):
            self.label(self.gate_x + m.pick(2, 10), self.port(y, number), line, "start", "plain", "normal")
        caption = self.caption(node)
        self.label(self.gate_x, y - m.pick(1, 11), caption)  # pixels: a small line of text is 11 high
        middle = y + m.pick(1, height / 2)
        if node.activation is None or self.compact:
            return box.right, middle
        width = self.op_w[name]
        op_h = m.pick(2, 36)
        act = Box(self.act_x, middle - op_h / 2, width, op_h, (self.op_text(node.activation),), "op", round=18)
        self.out.add(act)
        self.arrow((box.right, middle), (act.x, middle))
        if not (m.text and self.detail):
            self.label(self.after + m.pick(2, 8), middle - m.pick(1, 10), self.flow_text(node))
        return act.right, middle

    def port(self, y: float, number: int) -> float:
        """The height at which the arrow to a product of a gate enters; ``y`` is the gate's upper edge."""
        return y + self.m.pick(1 + number, self.m.pad_y + self.m.line * (number + 0.5))

    def buses(self, rows: dict[str, float], sources: dict[str, Point]) -> None:
        """The lines that bring ``x`` and ``h`` to each product that reads them."""
        tones: tuple[tuple[str, Tone], ...] = (("x", "data"), ("h_prev", "forward"))
        for number, (source, tone) in enumerate(tones):
            ports = []
            for name, y in rows.items():
                operands = [part.operand for part in self.d.nodes[name].parts]
                operand = "x_t" if source == "x" else "h_(t-1)"
                if operand in operands:
                    ports.append(self.port(y, operands.index(operand)))
            start, bus = sources[source], self.bus[number]
            low, high = min([*ports, start[1]]), max([*ports, start[1]])
            for y in ports:
                branches = low < y < high or (y == start[1] and low < high)
                self.arrow((bus, y), (self.gate_x, y), tone=tone, kind="x", dot=branches)
            if start[0] < bus:
                self.arrow(start, (bus, start[1]), tone=tone, kind="x", head=False)
            if high > low:
                self.arrow((bus, low), (bus, high), tone=tone, kind="x", head=False, dot=start[0] == bus)

    def where_h_goes(self, box: Box) -> None:
        """Write below the new state what reads it; a text drawing has no room for that."""
        if not self.m.text:
            self.label(box.right, box.bottom + 14, self.reader_of_h(), "end")


def gate_caption(diagram: Diagram, node: Node, m: Metrics, *, compact: bool = False) -> str:
    """The text above a gate: ``input gate i, rows 0:2``; in pixels also the parameters that have these rows."""
    start, stop = node.parts[0].rows
    name = diagram.config.definition.gates[node.name]
    if node.kind == "linear" and len(node.parts) == 1:
        name += ", input part" if node.id.endswith("_x") else ", state part"
        name = name.replace(f" gate {node.name}", f" {node.name}") if compact else name
    caption = f"{name}, rows {start}:{stop}"
    return caption if m.text else f"{caption} of {' and '.join(part.parameter for part in node.parts)}"


def stack_cell(diagram: Diagram, m: Metrics, detail: int = 3) -> Scene:
    """The inside of a cell on a narrow terminal: its equations in boxes from top to bottom, gates in the order of their rows.

    From ``detail`` 4 on, every shape and every term of a gate has a line of its own.
    """
    g, nodes, cell = m.glyphs, diagram.nodes, diagram.config.definition
    blocks: list[tuple[list[str], Tone]] = []
    inputs = [node for node in nodes.values() if node.id == "x" or node.id.endswith("_prev")]
    blocks.append(([f"{node.name} {shape_text(node.shape or ())}" for node in inputs], "data"))
    gates = sorted((node for node in nodes.values() if node.kind == "gate"), key=lambda node: node.parts[0].rows)
    blocks += [(_gate_lines(diagram, node, detail), "gate") for node in gates]
    for name, equation in cell.equations.items():
        if name in cell.states or plain_gate(equation) is None:
            blocks.append((_equation_lines(diagram, name, detail), "output"))
    scene, y, last = Scene(), 0.0, None
    texts = [[g.text(line) for line in lines] for lines, _ in blocks]
    inner = max(len(line) for lines in texts for line in lines)
    width = m.box_width(" " * inner)
    for number, (lines, (_, tone)) in enumerate(zip(texts, blocks, strict=True)):
        joined = last == tone == "gate"  # the gates are computed side by side, so their boxes touch
        if number and not joined:
            y += 2
            scene.arrows.append(Arrow(((width / 2, y - 2), (width / 2, y)), "data", "flow"))
        height = m.box_height(len(lines))
        scene.add(Box(0, y, width, height, tuple(line.ljust(inner) for line in lines), tone))
        y, last = y + height, tone
    scene.width, scene.height = width + 1, y + 1
    return scene


def _gate_lines(diagram: Diagram, node: Node, detail: int) -> list[str]:
    """A gate's equation, broken before its second product or before each term, and the shapes of its weights."""
    cell = diagram.config.definition
    states = [state for state, equation in cell.new_states.items() if plain_gate(equation) == node.id]
    name = Formulas(diagram.config).result(states[0]) if states else node.name
    first, second = node.parts
    if detail > 3 and first.bias:
        sums = [first.product, first.bias, second.product, f"{second.bias})"]
        lines = [f"{name} = {node.activation}({sums[0]}", *(_SECOND_LINE + term for term in sums[1:])]
    else:
        lines = [f"{name} = {node.activation}({_sum(first)}", f"{_SECOND_LINE}{_sum(second)})"]
    return lines + _shapes(node.parts, detail)


_SECOND_LINE = "      + "
"""The start of the second line of an equation, in the column of what stands in the brackets: ``i = tanh(``."""


def _sum(part: LinearPart) -> str:
    return part.product + (f" + {part.bias}" if part.bias else "")


def _shapes(parts: tuple[LinearPart, ...], detail: int) -> list[str]:
    weights = [f"{part.weight} {shape_text(part.shape)}" for part in parts]
    biases = [part.bias for part in parts if part.bias]
    end = [f"{', '.join(biases)} {shape_text(parts[0].bias_shape)}"] if biases else []
    return [*(weights if detail > 3 else [", ".join(weights)]), *end]


def _equation_lines(diagram: Diagram, name: str, detail: int) -> list[str]:
    """An equation that is more than a gate, with the shapes of its weights and of the state that it computes."""
    cell, formulas, nodes = diagram.config.definition, Formulas(diagram.config), diagram.nodes
    equation = cell.equations[name]
    lines = []
    if plain_gate(equation) is None:
        known = {part.weight: part for node in nodes.values() for part in node.parts}
        parts = tuple(known[part.weight] for part in walk(equation) if isinstance(part, Linear))
        if isinstance(equation, Operation) and len(equation.operands) == 1 and parts:
            terms = [formulas.text(part) for part in _addends(equation.operands[0])]
            if detail > 3:  # each bias on a line of its own
                terms = [part for term in terms for part in term.replace(" + b_", "\nb_").split("\n")]
            first, *others = terms
            lines = [f"{formulas.result(name)} = {formulas.function(equation.name)}({first}"]
            lines += [f"{_SECOND_LINE}{other}" for other in others]
            lines[-1] += ")"
        else:
            lines = [formulas.equation(name)]
        lines += _shapes(parts, 4) if parts else []
    if name == "h" and "projection" in nodes:
        lines.append(f"W_hr {shape_text(nodes['projection'].parts[0].shape)}")
    if name in cell.states:
        lines.append(f"{formulas.result(name)} {shape_text(nodes[f'{name}_next'].shape or ())}")
    return lines


def _addends(expression: Expression) -> list[Expression]:
    """The terms of a sum, those of the sums in it included."""
    if isinstance(expression, Operation) and expression.name == "add":
        return [part for operand in expression.operands for part in _addends(operand)]
    return [expression]
