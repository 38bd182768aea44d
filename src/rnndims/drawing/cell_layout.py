"""Layout of the inside of one cell: the states run along the top, each gate has a row, the results leave on the right."""

from ..diagrams import Diagram, Node, Term
from ..phrases import shape_text
from .scene import Arrow, Box, Label, Metrics, Point, Scene, Tone

CAPTIONS = {
    ("rnn", "h"): "hidden state",
    ("lstm", "i"): "input gate i",
    ("lstm", "f"): "forget gate f",
    ("lstm", "g"): "cell candidate g",
    ("lstm", "o"): "output gate o",
    ("gru", "r"): "reset gate r",
    ("gru", "z"): "update gate z",
    ("gru", "n_x"): "new gate n, input part",
    ("gru", "n_h"): "new gate n, state part",
}

COLUMNS = {
    "rnn": (),
    "lstm": (("keep",), ("write", "sum"), ("squash", "show")),
    "gru": (("keep", "join", "reset"), ("rest", "n"), ("new", "sum")),
}
"""The operations that stand above each other, from left to right."""


def layout_cell(diagram: Diagram, m: Metrics, detail: int = 0) -> Scene:
    """The cell of ``diagram`` with coordinates.

    In text, ``detail`` 1 leaves out the shapes of biases and gates, 2 those of weights too and writes the activations
    into the gates, and from 3 on the equations are stacked instead.
    """
    if m.text and detail >= 3:
        from .stack import stack_cell

        return stack_cell(diagram, m, detail)
    return _Layout(diagram, m, detail).scene()


class _Layout:
    def __init__(self, diagram: Diagram, m: Metrics, detail: int) -> None:
        self.d, self.m, self.detail = diagram, m, detail
        self.out = Scene()
        self.compact = m.text and detail == 2
        nodes = diagram.nodes.values()
        self.op_w = {n.id: self._op_width(n.activation or n.name) for n in nodes if n.activation or n.kind == "op"}
        self.act_w = 0.0 if self.compact else max(w for n, w in self.op_w.items() if self.d.nodes[n].activation)
        self.top = m.pick(0, 58)
        self.left = m.pick(0, 24)
        inputs = [n for n in nodes if n.id in ("x", "h_prev", "c_prev")]
        self.in_w = max(m.box_width(*self._tensor_lines(node)) for node in inputs)
        self.bus = (self.left + self.in_w + m.pick(2, 26), self.left + self.in_w + m.pick(4, 50))
        self.gate_x = self.bus[1] + m.pick(2 if self.compact else 3, 30)
        self.gate_w = max(m.box_width(*self._term_lines(n)) for n in nodes if n.terms and n.kind != "projection")
        captions = [m.width(self._caption(n), "small") for n in nodes if n.kind in ("gate", "linear")]
        self.gate_w = max(self.gate_w, m.even(max(captions) - m.pick(4, 60)))  # left of the first line that goes up
        self.act_x = self.gate_x + self.gate_w + m.pick(3, 26)
        self.after = self.gate_x + self.gate_w if self.compact else self.act_x + self.act_w
        room = 0 if m.text and detail else max(m.width(self._flow_text(n), "small") for n in nodes if n.activation)
        self.columns: list[float] = []
        x = self.after + room + m.pick(3, 22)
        for names in COLUMNS[diagram.config.cell]:
            width = max(self.op_w[name] for name in names) if m.text else max(self.op_w.values())
            self.columns.append(float(int(x + width / 2)))
            x += width + m.pick(3, 34)

    # -- text

    def _op_text(self, name: str) -> str:
        return self.m.glyphs.operation(name)

    def _op_width(self, name: str) -> float:
        text = self._op_text(name)
        return self.m.even(len(text) + 3) if self.m.text else (36 if len(text) < 3 else self.m.box_width(text))

    def _tensor_lines(self, node: Node) -> tuple[str, str]:
        return self.m.glyphs.text(node.name), shape_text(node.shape or ())

    def _term_lines(self, node: Node) -> list[str]:
        lines = [self._term(term) for term in node.terms]
        if self.compact and node.activation:
            return [f"{self._op_text(node.activation)}({lines[0]}", f"+ {lines[1]})"]
        return lines if len(lines) == 1 else ["  " + lines[0], "+ " + lines[1]]

    def _term(self, term: Term) -> str:
        text = f"{term.weight} {term.operand}" if self.compact else f"{term.weight} {shape_text(term.shape)} {term.operand}"
        if term.bias is not None:
            text += f" + {term.bias}" if self.m.text and self.detail else f" + {term.bias} {shape_text(term.bias_shape)}"
        return self.m.glyphs.text(text)

    def _flow_text(self, node: Node) -> str:
        return f"{node.found_at or node.name} {shape_text(node.shape or ())}"

    def _caption(self, node: Node) -> str:
        start, stop = node.terms[0].rows
        caption = f"{CAPTIONS[self.d.config.cell, node.id]}, rows {start}:{stop}"
        if self.m.text:
            return caption.replace(" gate n", " n") if self.compact else caption
        return f"{caption} of {' and '.join(term.parameter for term in node.terms)}"

    # -- pieces

    def _label(self, x: float, y: float, text: str, anchor: str = "start", tone: Tone = "quiet", size: str = "small") -> None:
        self.out.labels.append(Label(x, y, text, anchor, tone, size))  # type: ignore[arg-type]

    def _arrow(self, *points: Point, tone: Tone = "data", kind: str = "flow", head: bool = True, dot: bool = False) -> None:
        self.out.arrows.append(Arrow(points, tone, kind, head, dot))

    def _tensor(self, name: str, x: float, y: float, width: float | None = None) -> Box:
        """A tensor whose arrow leaves or enters at height ``y``."""
        node = self.d.nodes[name]
        lines = self._tensor_lines(node)
        width = width or self.m.box_width(*lines)
        tone: Tone = "data" if name == "x" else "output" if name.endswith("next") else "state"
        height = self.m.box_height(2)
        return self.out.add(Box(x, y - self.m.pick(1, height / 2), width, height, lines, tone))

    def _op(self, name: str, x: float, y: float) -> Box:
        """An operation with its middle at ``(x, y)``."""
        node, width, height = self.d.nodes[name], self.op_w[name], self.m.pick(2, 36)
        text = self._op_text(node.name)
        return self.out.add(Box(x - width / 2, y - height / 2, width, height, (text,), "op", round=18))

    def _gate(self, name: str, y: float) -> Point:
        """A gate's row: caption, products, activation; returns where its result leaves."""
        m, node = self.m, self.d.nodes[name]
        lines = self._term_lines(node)
        height = m.box_height(2) if len(lines) == 2 else m.box_height(1)
        box = self.out.add(Box(self.gate_x, y, self.gate_w, height, (), "gate"))
        for number, line in enumerate(lines):
            self._label(self.gate_x + m.pick(2, 10), self._port(y, number), line, "start", "plain", "normal")
        caption = self._caption(node)
        self._label(self.gate_x, y - m.pick(1, 11), caption)
        middle = y + m.pick(1, height / 2)
        if node.activation is None or self.compact:
            return box.right, middle
        width = self.op_w[name]
        op_h = m.pick(2, 36)
        act = Box(self.act_x, middle - op_h / 2, width, op_h, (self._op_text(node.activation),), "op", round=18)
        self.out.add(act)
        self._arrow((box.right, middle), (act.x, middle))
        if not (m.text and self.detail):
            self._label(self.after + m.pick(2, 8), middle - m.pick(1, 10), self._flow_text(node))
        return act.right, middle

    def _port(self, y: float, number: int) -> float:
        return y + self.m.pick(1 + number, self.m.pad_y + self.m.line * (number + 0.5))

    def _buses(self, rows: dict[str, float], sources: dict[str, Point]) -> None:
        """The lines that bring ``x`` and ``h`` to each product that reads them."""
        tones: tuple[tuple[str, Tone], ...] = (("x", "data"), ("h_prev", "forward"))
        for number, (source, tone) in enumerate(tones):
            ports = []
            for name, y in rows.items():
                operands = [term.operand for term in self.d.nodes[name].terms]
                operand = "x_t" if source == "x" else "h_(t-1)"
                if operand in operands:
                    ports.append(self._port(y, operands.index(operand)))
            start, bus = sources[source], self.bus[number]
            low, high = min([*ports, start[1]]), max([*ports, start[1]])
            for y in ports:
                branches = low < y < high or (y == start[1] and low < high)
                self._arrow((bus, y), (self.gate_x, y), tone=tone, kind="x", dot=branches)
            if start[0] < bus:
                self._arrow(start, (bus, start[1]), tone=tone, kind="x", head=False)
            if high > low:
                self._arrow((bus, low), (bus, high), tone=tone, kind="x", head=False, dot=start[0] == bus)

    def _shapes_of_gates(self) -> list[str]:
        """The shapes that the gates have no room for."""
        first, second = next(node.terms for node in self.d.nodes.values() if node.kind == "gate")
        found = [f"W_i is {shape_text(first.shape)}, W_h {shape_text(second.shape)}"] if self.compact else []
        found += [f"b_i and b_h are {shape_text(first.bias_shape)}"] if first.bias is not None else []
        return [f"for each gate, {', '.join(found)}"] if found else []

    # -- the three cells

    def scene(self) -> Scene:
        m = self.m
        if not m.text:
            self._label(24, 30, self.d.title, tone="strong", size="title")
        if m.text and self.detail:
            self.out.notes += self._shapes_of_gates()
        bottom = {"rnn": self._rnn, "lstm": self._lstm, "gru": self._gru}[self.d.config.cell]()
        right = max(box.right for box in self.out.boxes)
        self.out.width = right + m.pick(1, 24)
        for note in () if m.text else self.d.notes:
            bottom += 20
            self._label(24, bottom, m.glyphs.text(note))
        texts = [] if m.text else [m.width(self.d.title) * 1.16, *(m.width(note, "small") for note in self.d.notes)]
        self.out.width = max([self.out.width, *(text + 48 for text in texts)])
        self.out.height = bottom + m.pick(1, 24)
        return self.out

    def _rnn(self) -> float:
        m, y = self.m, self.top + self.m.pick(2, 46)
        x = self._tensor("x", self.left, self.top + m.pick(1, 24), self.in_w)
        h = self._tensor("h_prev", self.left, self.top + m.pick(6, 114), self.in_w)
        out = self._gate("h", y)
        self._buses({"h": y}, {"x": (x.right, x.y + m.pick(1, x.h / 2)), "h_prev": (h.right, h.y + m.pick(1, h.h / 2))})
        right = self.after + (
            m.pick(5, 60) if m.text and self.detail else m.width(self._flow_text(self.d.nodes["h"]), "small") + m.pick(4, 50)
        )
        box = self._tensor("h_next", right, out[1])
        self._arrow(out, (box.x, out[1]), tone="forward", kind="h")
        self._after(box)
        return max(b.bottom for b in self.out.boxes)

    def _after(self, box: Box) -> None:
        config, layer = self.d.config, self.d.nodes["h_next"].layer or 0
        text = "next step, output" if layer == config.num_layers - 1 else f"next step, layer {layer + 1}"
        text = "h_1, next step" if config.is_cell else text
        if not self.m.text:
            self._label(box.right, box.bottom + 14, text, "end")

    def _lstm(self) -> float:
        m = self.m
        belt = self.top + m.pick(1, 24)
        rows = {name: self.top + m.pick(5, 84) + number * m.pick(5, 82) for number, name in enumerate("figo")}
        first, second, third = self.columns
        outs = {name: self._gate(name, y) for name, y in rows.items()}
        c_prev = self._tensor("c_prev", self.left, belt, self.in_w)
        x = self._tensor("x", self.left, self._port(rows["f"], 0), self.in_w)
        h = self._tensor("h_prev", self.left, self._port(rows["o"], 1), self.in_w)
        sources = {"x": (x.right, self._port(rows["f"], 0)), "h_prev": (h.right, self._port(rows["o"], 1))}
        self._buses(rows, sources)
        keep, add = self._op("keep", first, belt), self._op("sum", second, belt)
        write = self._op("write", second, outs["i"][1])
        squash, show = self._op("squash", third, outs["i"][1]), self._op("show", third, outs["o"][1])
        self._arrow((c_prev.right, belt), (keep.x, belt), tone="forward", kind="c")
        self._arrow((keep.right, belt), (add.x, belt), tone="forward", kind="c")
        self._arrow(outs["f"], (first, outs["f"][1]), (first, keep.bottom))
        self._arrow(outs["i"], (write.x, outs["i"][1]))
        self._arrow(outs["g"], (second, outs["g"][1]), (second, write.bottom))
        self._arrow((second, write.y), (second, add.bottom))
        self._arrow((third, belt), (third, squash.y), dot=True)
        self._arrow((third, squash.bottom), (third, show.y))
        self._arrow(outs["o"], (show.x, outs["o"][1]))
        y = outs["o"][1]
        x_out = squash.right + m.pick(3 if self.compact else 4, 40)
        left, projected = show.right, self.d.nodes.get("projection")
        if projected is not None:
            term = projected.terms[0]
            lines = (term.weight, shape_text(term.shape))
            box = Box(x_out, y - m.pick(1, 23), m.box_width(*lines), m.box_height(2), lines, "gate")
            self.out.add(box)
            self._label(box.x, box.y - m.pick(1, 11), "projection")
            self._arrow((left, y), (box.x, y))
            left, x_out = box.right, box.right + m.pick(4, 40)
        width = max(m.box_width(*self._tensor_lines(self.d.nodes[name])) for name in ("c_next", "h_next"))
        c_next, h_next = self._tensor("c_next", x_out, belt, width), self._tensor("h_next", x_out, y, width)
        self._arrow((add.right, belt), (c_next.x, belt), tone="forward", kind="c")
        self._arrow((left, y), (h_next.x, y), tone="forward", kind="h")
        self._after(h_next)
        return max(b.bottom for b in self.out.boxes) + m.pick(0, 14)

    def _gru(self) -> float:
        m = self.m
        belt = self.top + m.pick(1, 24)
        y = self.top + m.pick(5, 84)
        rows: dict[str, float] = {}
        for name, height in (("z", m.pick(5, 82)), ("n_x", m.pick(4, 70)), ("n_h", m.pick(4, 70)), ("r", 0)):
            rows[name], y = y, y + height
        first, second, third = self.columns
        outs = {name: self._gate(name, y) for name, y in rows.items()}
        h = self._tensor("h_prev", self.left, belt, self.in_w)
        x = self._tensor("x", self.left, self._port(rows["n_x"], 0), self.in_w)
        self._buses(rows, {"x": (x.right, self._port(rows["n_x"], 0)), "h_prev": (self.bus[1], belt)})
        keep, add = self._op("keep", first, belt), self._op("sum", third, belt)
        rest, new = self._op("rest", second, outs["z"][1]), self._op("new", third, outs["z"][1])
        join, squash = self._op("join", first, outs["n_x"][1]), self._op("n", second, outs["n_x"][1])
        reset = self._op("reset", first, outs["n_h"][1])
        x_out = third + (add.w if m.text else max(self.op_w.values())) / 2 + m.pick(4, 40)
        h_next = self._tensor("h_next", x_out, belt)
        self._arrow((h.right, belt), (keep.x, belt), tone="forward", kind="h")
        self._arrow((keep.right, belt), (add.x, belt), tone="forward", kind="h")
        self._arrow((add.right, belt), (h_next.x, belt), tone="forward", kind="h")
        z = outs["z"][1]
        self._arrow(outs["z"], (rest.x, z))
        self._arrow((first, z), (first, keep.bottom), dot=True)
        self._arrow((rest.right, z), (new.x, z))
        self._arrow((third, new.y), (third, add.bottom))
        n = outs["n_x"][1]
        self._arrow(outs["n_x"], (join.x, n))
        self._arrow((join.right, n), (squash.x, n))
        self._arrow((squash.right, n), (third, n), (third, new.bottom))
        if not (m.text and self.detail):
            self._label(third - m.pick(0, 4), n + m.pick(1, 12), self._flow_text(self.d.nodes["n"]), "start")
        self._arrow(outs["n_h"], (reset.x, outs["n_h"][1]))
        self._arrow((first, reset.y), (first, join.bottom))
        self._arrow(outs["r"], (first, outs["r"][1]), (first, reset.bottom))
        self._after(h_next)
        return max(b.bottom for b in self.out.boxes)
