"""Layout of the inside of a GRU cell: the hidden state runs along the top, z above n, r at the bottom."""

from typing import ClassVar

from .cell_layout import CellLayout


class Layout(CellLayout):
    """The picture of a GRU's inside."""

    columns: ClassVar[tuple[tuple[str, ...], ...]] = (("keep", "join", "reset"), ("rest", "n"), ("new", "sum"))

    def draw(self) -> float:
        """Draw everything and return the lower edge."""
        m = self.m
        belt = self.top + m.pick(1, 24)  # the middle of the boxes of h, which begin at the top
        y = self.top + m.pick(5, 84)
        rows: dict[str, float] = {}
        # text: a gate has two lines, a part of n one; its caption and a blank row stand between two of them
        for name, height in (("z", m.pick(5, 82)), ("n_x", m.pick(4, 70)), ("n_h", m.pick(4, 70)), ("r", 0)):
            rows[name], y = y, y + height
        first, second, third = self.middles
        outs = {name: self.gate(name, y) for name, y in rows.items()}
        h = self.tensor("h_prev", self.left, belt, self.in_w)
        x = self.tensor("x", self.left, self.port(rows["n_x"], 0), self.in_w)
        self.buses(rows, {"x": (x.right, self.port(rows["n_x"], 0)), "h_prev": (self.bus[1], belt)})
        keep, add = self.op("keep", first, belt), self.op("sum", third, belt)
        rest, new = self.op("rest", second, outs["z"][1]), self.op("new", third, outs["z"][1])
        join, squash = self.op("join", first, outs["n_x"][1]), self.op("n", second, outs["n_x"][1])
        reset = self.op("reset", first, outs["n_h"][1])
        x_out = third + (add.w if m.text else max(self.op_w.values())) / 2 + m.pick(4, 40)
        h_next = self.tensor("h_next", x_out, belt)
        self.arrow((h.right, belt), (keep.x, belt), tone="forward", kind="h")
        self.arrow((keep.right, belt), (add.x, belt), tone="forward", kind="h")
        self.arrow((add.right, belt), (h_next.x, belt), tone="forward", kind="h")
        z = outs["z"][1]
        self.arrow(outs["z"], (rest.x, z))
        self.arrow((first, z), (first, keep.bottom), dot=True)
        self.arrow((rest.right, z), (new.x, z))
        self.arrow((third, new.y), (third, add.bottom))
        n = outs["n_x"][1]
        self.arrow(outs["n_x"], (join.x, n))
        self.arrow((join.right, n), (squash.x, n))
        self.arrow((squash.right, n), (third, n), (third, new.bottom))
        if not (m.text and self.detail):
            self.label(third - m.pick(0, 4), n + m.pick(1, 12), self.flow_text(self.d.nodes["n"]), "start")
        self.arrow(outs["n_h"], (reset.x, outs["n_h"][1]))
        self.arrow((first, reset.y), (first, join.bottom))
        self.arrow(outs["r"], (first, outs["r"][1]), (first, reset.bottom))
        self.where_h_goes(h_next)
        return max(b.bottom for b in self.out.boxes)
