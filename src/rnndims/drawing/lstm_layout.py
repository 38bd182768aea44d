"""Layout of the inside of an LSTM cell: the cell state runs along the top, the gates f, i, g, o stand below."""

from typing import ClassVar

from ..phrases import shape_text
from .cell_layout import CellLayout
from .scene import Box


class Layout(CellLayout):
    """The picture of an LSTM's inside."""

    columns: ClassVar[tuple[tuple[str, ...], ...]] = (("keep",), ("write", "sum"), ("squash", "show"))

    def draw(self) -> float:
        """Draw everything and return the lower edge."""
        m = self.m
        belt = self.top + m.pick(1, 24)  # the middle of the boxes of c, which begin at the top
        # text: a gate is three rows high, and its caption and a blank row stand between two gates
        rows = {name: self.top + m.pick(5, 84) + number * m.pick(5, 82) for number, name in enumerate("figo")}
        first, second, third = self.middles
        outs = {name: self.gate(name, y) for name, y in rows.items()}
        c_prev = self.tensor("c_prev", self.left, belt, self.in_w)
        x = self.tensor("x", self.left, self.port(rows["f"], 0), self.in_w)
        h = self.tensor("h_prev", self.left, self.port(rows["o"], 1), self.in_w)
        sources = {"x": (x.right, self.port(rows["f"], 0)), "h_prev": (h.right, self.port(rows["o"], 1))}
        self.buses(rows, sources)
        keep, add = self.op("keep", first, belt), self.op("sum", second, belt)
        write = self.op("write", second, outs["i"][1])
        squash, show = self.op("squash", third, outs["i"][1]), self.op("show", third, outs["o"][1])
        self.arrow((c_prev.right, belt), (keep.x, belt), tone="forward", kind="c")
        self.arrow((keep.right, belt), (add.x, belt), tone="forward", kind="c")
        self.arrow(outs["f"], (first, outs["f"][1]), (first, keep.bottom))
        self.arrow(outs["i"], (write.x, outs["i"][1]))
        self.arrow(outs["g"], (second, outs["g"][1]), (second, write.bottom))
        self.arrow((second, write.y), (second, add.bottom))
        self.arrow((third, belt), (third, squash.y), dot=True)
        self.arrow((third, squash.bottom), (third, show.y))
        self.arrow(outs["o"], (show.x, outs["o"][1]))
        y = outs["o"][1]
        x_out = squash.right + m.pick(3 if self.compact else 4, 40)
        left, projected = show.right, self.d.nodes.get("projection")
        if projected is not None:
            term = projected.parts[0]
            lines = (term.weight, shape_text(term.shape))
            box = Box(x_out, y - m.pick(1, 23), m.box_width(*lines), m.box_height(2), lines, "gate")
            self.out.add(box)
            self.label(box.x, box.y - m.pick(1, 11), "projection")
            self.arrow((left, y), (box.x, y))
            left, x_out = box.right, box.right + m.pick(4, 40)
        width = max(m.box_width(*self.tensor_lines(self.d.nodes[name])) for name in ("c_next", "h_next"))
        c_next, h_next = self.tensor("c_next", x_out, belt, width), self.tensor("h_next", x_out, y, width)
        self.arrow((add.right, belt), (c_next.x, belt), tone="forward", kind="c")
        self.arrow((left, y), (h_next.x, y), tone="forward", kind="h")
        self.where_h_goes(h_next)
        return max(b.bottom for b in self.out.boxes) + m.pick(0, 14)
