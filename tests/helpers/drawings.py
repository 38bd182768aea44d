"""What the tests of drawings share: where everything is in an SVG or in a scene of characters, and that nothing collides."""

from itertools import combinations, pairwise
from typing import Final, NamedTuple
from xml.etree import ElementTree

from rich.cells import cell_len

from rnndims.drawing.scene import Scene

SVG: Final = "{http://www.w3.org/2000/svg}"
SIZES: Final = {"title": 15.0, "small": 11.0, "": 13.0}


class Frame(NamedTuple):
    """A rectangle by its edges, and what it is."""

    left: float
    top: float
    right: float
    bottom: float
    what: str

    def meets(self, other: "Frame", slack: float = 0.5) -> bool:
        """Whether the two overlap by more than ``slack``."""
        return (
            self.left < other.right - slack
            and other.left < self.right - slack
            and self.top < other.bottom - slack
            and other.top < self.bottom - slack
        )

    def holds(self, other: "Frame", slack: float = 0.5) -> bool:
        """Whether the other lies within."""
        return (
            self.left <= other.left + slack
            and other.right <= self.right + slack
            and self.top <= other.top + slack
            and other.bottom <= self.bottom + slack
        )


class Drawing(NamedTuple):
    """What a parsed SVG shows, with the frames that its texts take in a font of 0.602 em a character."""

    page: Frame
    texts: list[Frame]
    boxes: list[Frame]
    lines: list[Frame]


def parse(svg: str) -> Drawing:
    """The frames of all that an SVG document shows."""
    root = ElementTree.fromstring(svg)
    _, _, width, height = map(float, root.get("viewBox", "").split())
    texts, boxes, lines = [], [], []
    for element in root:
        classes = element.get("class", "").split()
        if element.tag == SVG + "text":
            size = SIZES[next((name for name in classes if name in SIZES), "")]
            text, x, y = element.text or "", float(element.get("x", "")), float(element.get("y", ""))
            length = len(text) * size * 0.602
            left = x - {"middle": length / 2, "end": length}.get(element.get("text-anchor", ""), 0)
            texts.append(Frame(left, y - 0.74 * size, left + length, y + 0.22 * size, text))
        elif element.tag == SVG + "rect" and "box" in classes:
            x, y = float(element.get("x", "")), float(element.get("y", ""))
            boxes.append(Frame(x, y, x + float(element.get("width", "")), y + float(element.get("height", "")), "box"))
        elif element.tag == SVG + "polyline" and not {"grid", "gate"} & set(classes):
            points = [tuple(map(float, pair.split(","))) for pair in element.get("points", "").split()]
            for (x0, y0), (x1, y1) in pairwise(points):
                assert x0 == x1 or y0 == y1, "lines are horizontal or vertical"
                lines.append(Frame(min(x0, x1), min(y0, y1), max(x0, x1), max(y0, y1), f"line {points}"))
    return Drawing(Frame(0, 0, width, height, "page"), texts, boxes, lines)


def crosses(line: Frame, frame: Frame, slack: float) -> bool:
    """Whether a line enters a frame that is ``slack`` smaller on all sides."""
    return (
        line.left < frame.right - slack
        and line.right > frame.left + slack
        and line.top < frame.bottom - slack
        and line.bottom > frame.top + slack
    )


def check_svg(svg: str) -> None:
    """Fails where two texts overlap, a text leaves its box, a line runs through a box or a text, or all is not on the page."""
    drawing = parse(svg)
    assert drawing.texts
    assert drawing.boxes
    for frame in (*drawing.texts, *drawing.boxes, *drawing.lines):
        assert drawing.page.holds(frame), frame
    for one, other in combinations(drawing.texts, 2):
        assert not one.meets(other), (one, other)
    for text in drawing.texts:
        for box in drawing.boxes:
            assert not box.meets(text) or box.holds(text), (box, text)
    for line in drawing.lines:
        for frame in (*drawing.boxes, *drawing.texts):
            assert not crosses(line, frame, 0.9), (line, frame)
    for one, other in combinations(drawing.boxes, 2):
        assert not one.meets(other, 1), (one, other)


def cells(x: float, y: float, length: int) -> set[tuple[int, int]]:
    """The places of a row of characters."""
    return {(int(x) + i, int(y)) for i in range(length)}


def check_scene(scene: Scene) -> None:
    """Fails where a character of a text drawing would land on another that it should not touch."""
    taken: set[tuple[int, int]] = set()
    for label in scene.labels:
        length = cell_len(label.text)
        left = int(label.x) - {"start": 0, "middle": length // 2, "end": length - 1}[label.anchor]
        own = cells(left, label.y, length)
        assert not own & taken, label
        assert left >= 0, label
        assert left + length <= int(scene.width) + 1, label
        taken |= own
    inside: set[tuple[int, int]] = set()
    for box in scene.boxes:
        x, y, right, bottom = int(box.x), int(box.y), int(box.right), int(box.bottom)
        frame = cells(x, y, right - x + 1) | cells(x, bottom, right - x + 1)
        frame |= {(edge, row) for edge in (x, right) for row in range(y, bottom)}
        assert not frame & taken, box
        assert all(cell_len(line) < right - x for line in box.lines), box
        assert len(box.lines) < bottom - y or box.lines == (), box
        inside |= {(column, row) for column in range(x + 1, right) for row in range(y + 1, bottom)}
    for arrow in scene.arrows:
        if arrow.kind in ("grid", "gate"):
            continue
        points = [(int(x), int(y)) for x, y in arrow.points]
        on: set[tuple[int, int]] = set()
        for (x0, y0), (x1, y1) in pairwise(points):
            assert x0 == x1 or y0 == y1, arrow
            on |= {(x, y) for x in range(min(x0, x1), max(x0, x1) + 1) for y in range(min(y0, y1), max(y0, y1) + 1)}
        if arrow.head:  # the head stands before the end
            on.discard(points[-1])
        assert on, arrow
        assert not on & taken, arrow
        assert not on & inside, arrow
