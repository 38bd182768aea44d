"""Layout of the inside of an RNN cell: its one gate."""

from .cell_layout import CellLayout


class Layout(CellLayout):
    """The picture of an RNN's inside."""

    def draw(self) -> float:
        """Draw everything and return the lower edge."""
        m, y = self.m, self.top + self.m.pick(2, 46)
        # x enters at the first line of the gate, h below its second
        x = self.tensor("x", self.left, self.top + m.pick(1, 24), self.in_w)
        h = self.tensor("h_prev", self.left, self.top + m.pick(6, 114), self.in_w)
        out = self.gate("h", y)
        self.buses({"h": y}, {"x": (x.right, x.y + m.pick(1, x.h / 2)), "h_prev": (h.right, h.y + m.pick(1, h.h / 2))})
        right = self.after + (
            m.pick(5, 60) if m.text and self.detail else m.width(self.flow_text(self.d.nodes["h"]), "small") + m.pick(4, 50)
        )
        box = self.tensor("h_next", right, out[1])
        self.arrow(out, (box.x, out[1]), tone="forward", kind="h")
        self.where_h_goes(box)
        return max(b.bottom for b in self.out.boxes)
