"""Layout of the inside of any cell: nodes in columns from left to right, each to the right of all that it reads.

In the order of the work: every node gets a column; an arrow that skips columns gets a passage through each of them; nodes
and passages of a column are put in the order that crosses least, and as near as possible to the height of what they read;
between two columns every tensor that has to change its height gets a vertical track of its own.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from statistics import median_low

from ..diagrams import Diagram, Edge, Node
from ..phrases import shape_text
from .cell_layout import CellPicture
from .scene import Box, Metrics, Tone

SWEEPS = 8
"""How often the order in the columns is improved; for pictures of cells, two or three times are enough."""

STRAIGHT = 100.0
"""Weight of the wish of a passage for a straight line, in wishes of a box: long lines should not bend."""

RETRIES = 40
"""How often boxes are moved down by a unit to free a track; one or two moves are usual."""


@dataclass(eq=False)
class _Item:
    """An item of a column: a node, or the passage through the column of a line that begins at the node ``source``."""

    column: int
    source: str
    node: Node | None = None
    lines: tuple[str, ...] = ()
    width: float = 0
    height: float = 0
    y: float = 0
    extra: float = 0
    """Room that is kept free above it."""
    reads: list["_Item"] = field(default_factory=list)
    """What it is joined to in the column before it, one for each of its ports."""
    ports: list[float] = field(default_factory=list)
    """Where the arrows from ``reads`` enter, measured from its upper edge."""
    leaves: float = 0
    """Where its own arrow leaves, measured from its upper edge."""


class Layout(CellPicture):
    """The picture of a cell that has no layout of its own."""

    def __init__(self, diagram: Diagram, m: Metrics, detail: int) -> None:
        super().__init__(diagram, m, detail)
        self.gap = m.pick(2, 26)  # text: one blank row between two borders
        self.track = m.pick(2, 14)  # text: a blank column between two lines
        self.near = m.pick(0, 6)  # pixels: lines that are nearer to each other look like one
        self.columns = self._columns()

    # -- columns

    def _columns(self) -> list[list[_Item]]:
        nodes, edges = self.d.nodes, self.d.edges
        rank: dict[str, int] = {}
        for name in nodes:  # in the order of computation: what a node reads comes before it
            rank[name] = max((rank[edge.source] + 1 for edge in edges if edge.target == name), default=0)
        last = max(rank.values())
        rank |= {name: last for name in nodes if name.endswith("_next")}
        columns: list[list[_Item]] = [[] for _ in range(last + 1)]
        items = {name: self._item(node, rank[name]) for name, node in nodes.items()}
        passages: dict[tuple[str, int], _Item] = {}
        for name, item in items.items():
            columns[item.column].append(item)
            for edge in self._into(name):
                before = items[edge.source]
                for column in range(rank[edge.source] + 1, item.column):
                    key = edge.source, column
                    if key not in passages:
                        passages[key] = _Item(column, edge.source, reads=[before], ports=[0])
                        columns[column].append(passages[key])
                    before = passages[key]
                item.reads.append(before)
        self._order(columns)
        return columns

    def _into(self, name: str) -> list[Edge]:
        """The arrows into a node in the order of its ports: products are in the order of their lines."""
        return [edge for edge in self.d.edges if edge.target == name]

    def _item(self, node: Node, column: int) -> _Item:
        m, inputs = self.m, len(self._into(node.id))
        lines, first = self._lines(node)
        shown = max(len(lines), inputs) if m.text else len(lines)
        height = m.box_height(shown) if node.kind != "op" or len(lines) > 1 else m.pick(shown + 1, 36)
        item = _Item(column, node.id, node, tuple(lines), m.box_width(*lines), height)
        if node.kind == "op":
            item.width = max(item.width, m.pick(4, 36))
        if node.parts and len(node.parts) == inputs:
            item.ports = [self._line(number + first) for number in range(inputs)]
        elif m.text:
            item.ports = [1.0 + number + (height - 1 - inputs) // 2 for number in range(inputs)]
        else:
            item.ports = [height * (number + 1) // (inputs + 1) for number in range(inputs)]
        item.leaves = height // 2 if m.text else height / 2
        return item

    def _line(self, number: int) -> float:
        """The height of a line of text in a box, from its upper edge."""
        return self.m.pick(1 + number, self.m.pad_y + self.m.line * (number + 0.5))

    def _lines(self, node: Node) -> tuple[list[str], int]:
        """The lines in a box, and the number of the line with its first product."""
        g, shape = self.m.glyphs, shape_text(node.shape or ())
        if node.kind == "op":
            return [self.op_text(node.name), *([f"{node.value} {shape}"] if node.value and not self.compact else [])], 0
        if node.kind == "projection":
            return [g.text(node.name), shape_text(node.parts[0].shape)], 0
        if not node.parts:
            lines = [*self.tensor_lines(node)]
            return lines + ([self.reader_of_h()] if node.id == "h_next" and not self.m.text else []), 0
        products = [self.part_text(part) for part in node.parts]
        start = f"{self.op_text(node.activation)}(" if node.activation else ""
        products = [start + products[0], *(" " * (len(start) - 2) + f"+ {product}" for product in products[1:])]
        products[-1] += ")" if start else ""
        widest = max(map(len, products))
        captions = self.caption(node).replace(", rows", "\nrows").split("\n") if self.compact else [self.caption(node)]
        result = [f"{node.name} {shape}"] if node.activation and not (self.m.text and self.detail) else []
        return [*captions, *(product.ljust(widest) for product in products), *result], len(captions)

    def _order(self, columns: list[list[_Item]]) -> None:
        """Sort each column by the mean index of its neighbours, to the right and back again."""
        read_by = _readers(columns)
        for sweep in range(SWEEPS):
            forward = sweep % 2 == 0
            for column in columns[1:] if forward else columns[-2::-1]:
                index = {item: number for other in columns for number, item in enumerate(other)}
                near = {item: item.reads if forward else read_by.get(item, []) for item in column}
                mean = {i: sum(index[n] for n in near[i]) / len(near[i]) if near[i] else float(index[i]) for i in column}
                column.sort(key=lambda item: (mean[item], index[item]))

    # -- heights

    def _stack(self) -> None:
        """Give every item its height in the picture."""
        read_by = _readers(self.columns)
        for column in self.columns:
            self._settle(column, [(item.y, 1.0) for item in column])
        for sweep in range(2 * SWEEPS):
            for column in self.columns[1:] if sweep % 2 == 0 else self.columns[-2::-1]:
                lines = self._lines_through(read_by)
                wishes = []
                for item in column:
                    if item.node is None:
                        wishes.append((lines[item.source], STRAIGHT))
                        continue
                    wanted = list(_wanted(item, read_by.get(item, []) if sweep else []))
                    wishes.append((sum(wanted) / len(wanted), len(wanted)) if wanted else (item.y, 0.1))
                self._settle(column, wishes)
        shift = self.top - min(item.y for column in self.columns for item in column)
        for column in self.columns:
            for item in column:
                item.y += shift

    def _lines_through(self, read_by: dict[_Item, list[_Item]]) -> dict[str, float]:
        """For each tensor with passages the height of all of them, that of one of its ends: so its line bends once."""
        ends: dict[str, list[float]] = {}
        for column in self.columns:
            for item in column:
                if item.node is None:
                    heights = ends.setdefault(item.source, [])
                    heights += [source.y + source.leaves for source in item.reads if source.node is not None]
                    heights += [y for reader in read_by.get(item, []) if reader.node for y in _arrivals(item, reader)]
        return {source: median_low(heights) for source, heights in ends.items()}

    def _settle(self, column: Sequence[_Item], wishes: Sequence[tuple[float, float]]) -> None:
        """Heights as near to the wishes (height, weight) as the order and the gaps allow; neighbours that collide share."""
        offsets, at = [], 0.0
        for item in column:
            at += item.extra
            offsets.append(at)
            at += item.height + self.gap
        groups: list[list[float]] = []  # mean height, weight, members; heights less the offsets must not decrease
        for (y, weight), offset in zip(wishes, offsets, strict=True):
            groups.append([y - offset, weight, 1])
            while len(groups) > 1 and groups[-2][0] > groups[-1][0]:
                mean, weight_, members = groups.pop()
                total = groups[-1][1] + weight_
                groups[-1] = [(groups[-1][0] * groups[-1][1] + mean * weight_) / total, total, groups[-1][2] + members]
        heights = [round(mean) for mean, _, members in groups for _ in range(int(members))]
        for item, height, offset in zip(column, heights, offsets, strict=True):
            item.y = height + offset

    # -- drawing

    def draw(self) -> float:
        """Draw everything and return the lower edge."""
        self._stack()
        for _ in range(RETRIES):
            blocked = [item for column in range(1, len(self.columns)) for item in self._blocked(column)]
            if not blocked:
                break
            min(reversed(blocked), key=lambda item: item.extra).extra += self.m.pick(1, 4)  # below others, it has room to move
            self._stack()
        x = self.left
        for number, column in enumerate(self.columns):
            if number:
                tracks, count = self._tracks(number)
                x = self._channel(number, x, tracks, count)
            width = max(item.width for item in column)
            for item in column:
                if item.node is not None:
                    self._box(item, item.node, x + (width - item.width) // 2)
            x += width
        return max([box.bottom for box in self.out.boxes] + [y for arrow in self.out.arrows for _, y in arrow.points])

    def _box(self, item: _Item, node: Node, x: float) -> None:
        tone: Tone = "op" if node.kind == "op" else "gate" if node.parts else "state"
        tone = {"x": "data", "h_next": "output"}.get(node.id, "output" if node.id.endswith("_next") else tone)  # type: ignore[assignment]
        self.out.add(Box(x, item.y, item.width, item.height, item.lines, tone, 18 if node.kind == "op" else 5, node.id))

    def _nets(self, number: int) -> dict[_Item, list[tuple[float, _Item]]]:
        """For each item of the column before, where its arrows arrive in column ``number``."""
        nets: dict[_Item, list[tuple[float, _Item]]] = {}
        for item in self.columns[number]:
            for port, source in zip(item.ports, item.reads, strict=True):
                nets.setdefault(source, []).append((item.y + port, item))
        return nets

    def _conflicts(self, number: int) -> dict[_Item, set[_Item]]:
        """For each item that needs a track, those whose track must be left of it: they leave where it arrives."""
        nets, near = self._nets(number), self.near
        bent = [source for source, ends in nets.items() if {y for y, _ in ends} != {source.y + source.leaves}]
        left: dict[_Item, set[_Item]] = {source: set() for source in bent}
        for source in bent:
            for y, _ in nets[source]:
                left[source] |= {o for o in nets if o is not source and abs(o.y + o.leaves - y) <= near}
        return left

    def _blocked(self, number: int) -> Iterator[_Item]:
        """Items to move, because two tensors would have to pass each other on one line."""
        left = self._conflicts(number)
        done: set[_Item] = set()
        while True:
            free = [item for item, others in left.items() if item not in done and others <= done]
            if not free:
                break
            done.update(free)
        for source, ends in self._nets(number).items():
            if source in left and source not in done:
                yield from (i for y, i in ends if any(abs(o.y + o.leaves - y) <= self.near for o in left[source]))

    def _tracks(self, number: int) -> tuple[dict[_Item, int], int]:
        """The track of each item that needs one, from left to right, and how many there are."""
        left, nets = self._conflicts(number), self._nets(number)
        spans = {item: _span(item, nets[item]) for item in left}
        tracks: dict[_Item, int] = {}
        waiting = sorted(left, key=lambda item: (spans[item][1] - spans[item][0], spans[item]))
        while waiting:
            item = next(
                (item for item in waiting if all(other in tracks or other not in left for other in left[item])), waiting[0]
            )
            waiting.remove(item)
            track = 1 + max((tracks[other] for other in left[item] if other in tracks), default=-1)
            low, high = spans[item]
            while any(
                tracks[other] == track and spans[other][0] <= high + 1 and low <= spans[other][1] + 1 for other in tracks
            ):
                track += 1
            tracks[item] = track
        return tracks, 1 + max(tracks.values(), default=-1)

    def _channel(self, number: int, x: float, tracks: dict[_Item, int], count: int) -> float:
        """Draw the lines between two columns, of which the first ends at ``x``; return where the second begins."""
        m = self.m
        first = x + m.pick(1 if self.detail else 2, 18)
        end = first + max(count - 1, 0) * self.track + m.pick(2 if self.detail else 3, 22)  # text: a head before the border
        width = max(item.width for item in self.columns[number])
        for source, ends in self._nets(number).items():
            before = max(item.width for item in self.columns[number - 1])
            start = (x - before + (before - source.width) // 2 + source.width if source.node else x, source.y + source.leaves)
            kind = next(edge.kind for edge in self.d.edges if edge.source == source.source)
            kind = kind if kind in self.d.config.definition.states else "flow"
            tone: Tone = "data" if kind == "flow" else "forward"
            low, high = _span(source, ends)
            track = first + tracks.get(source, 0) * self.track
            if source in tracks:
                self.arrow(start, (track, start[1]), tone=tone, kind=kind, head=False)
                self.arrow((track, low), (track, high), tone=tone, kind=kind, head=False)
            for y, item in ends:
                left = end + (width - item.width) // 2 if item.node else end + width
                begin = (track, y) if source in tracks else start
                dot = source in tracks and (low < y < high or (y == start[1] and low < high))
                self.arrow(begin, (left, y), tone=tone, kind=kind, head=item.node is not None, dot=dot)
            if source in tracks and len(ends) > 1 and low < start[1] < high and all(y != start[1] for y, _ in ends):
                self.arrow((track, start[1]), (track, high), tone=tone, kind=kind, head=False, dot=True)
        return end


def _readers(columns: Sequence[Sequence[_Item]]) -> dict[_Item, list[_Item]]:
    """The items that read each item, in the column after it."""
    read_by: dict[_Item, list[_Item]] = {}
    for column in columns:
        for item in column:
            for source in item.reads:
                read_by.setdefault(source, []).append(item)
    return read_by


def _arrivals(source: _Item, reader: _Item) -> list[float]:
    """The heights at which the arrows from ``source`` arrive at ``reader``."""
    return [reader.y + port for read, port in zip(reader.reads, reader.ports, strict=True) if read is source]


def _wanted(item: _Item, readers: Sequence[_Item]) -> list[float]:
    """Upper edges that would make the item's arrows straight."""
    into = [source.y + source.leaves - port for source, port in zip(item.reads, item.ports, strict=True)]
    return into + [y - item.leaves for reader in readers for y in _arrivals(item, reader)]


def _span(source: _Item, ends: Sequence[tuple[float, _Item]]) -> tuple[float, float]:
    """The heights that a vertical line from ``source`` to all ``ends`` has to cover."""
    heights = [source.y + source.leaves, *(y for y, _ in ends)]
    return min(heights), max(heights)
