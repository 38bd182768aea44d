"""A picture between layout and drawing: boxes, arrows and labels with coordinates, in pixels or in characters.

One layout serves both: ``Metrics`` has the unit sizes. In pixels a box spans ``x`` to ``x + w``; in characters the
border itself stands on columns ``x`` and ``x + w``, so both have their right edge at ``x + w`` and their middle at
``x + w / 2``.
"""

from dataclasses import dataclass, field
from typing import Final, Literal, NamedTuple

Tone = Literal[
    "plain",
    "forward",
    "reverse",
    "data",
    "concat",
    "output",
    "state",
    "gate",
    "op",
    "empty",
    "quiet",
    "strong",
    "gate1",
    "gate2",
    "gate3",
    "gate4",
]
Point = tuple[float, float]

MARGIN: Final = 24
"""Pixels from the edge of a picture to what is in it."""
TITLE_Y: Final = 30
"""Pixels from the upper edge of a picture to the middle of its title."""
NOTE_LINE: Final = 20
"""Pixels from one note below a picture to the next."""
TITLE_WIDTH: Final = 1.16
"""The width of a letter of the title in letters of normal size: 15 px to 13 px, and a little more."""


class Glyphs(NamedTuple):
    """The signs of a picture; ``ASCII`` has their stand-ins."""

    forward: str = "→"
    reverse: str = "←"
    more: str = "⋯"
    more_up: str = "⋮"
    filled: str = "■"
    blank: str = "□"
    shade: str = "░"
    signs: tuple[tuple[str, str], ...] = (
        ("h_(t-1)", "hₜ₋₁"),
        ("c_(t-1)", "cₜ₋₁"),
        ("h_t", "hₜ"),
        ("c_t", "cₜ"),
        ("x_t", "xₜ"),
        ("sigmoid", "σ"),
        ("^T", "ᵀ"),
        ("*H_out", "·H_out"),
        (" * ", " ⊙ "),
    )
    operations: tuple[tuple[str, str], ...] = (("one_minus", "1−"), ("mul", "⊙"), ("add", "+"))

    def text(self, text: str) -> str:
        """``text`` with the names of signs replaced by the signs."""
        for name, sign in self.signs:
            text = text.replace(name, sign)
        return text

    def operation(self, name: str) -> str:
        """The sign of an operation node or an activation; its name, if it has none."""
        return dict(self.operations).get(name) or self.text(name)


UNICODE: Final = Glyphs()
"""The signs where the output is UTF-8."""

ASCII: Final = Glyphs(
    ">",
    "<",
    "...",
    ":",
    "#",
    ".",
    "#",
    (("^T", ".T"), ("·", "*")),
    (("one_minus", "1-"), ("mul", "*"), ("add", "+")),
)


class Box(NamedTuple):
    """A frame with centred lines of text; ``node`` is the id of what it stands for, ``round`` its corner radius."""

    x: float
    y: float
    w: float
    h: float
    lines: tuple[str, ...]
    tone: Tone = "plain"
    round: float = 5
    node: str = ""
    heads: int = 1  # this many lines are bold

    @property
    def right(self) -> float:
        """Where it ends on the right."""
        return self.x + self.w

    @property
    def bottom(self) -> float:
        """Where it ends below."""
        return self.y + self.h

    @property
    def middle(self) -> Point:
        """The centre."""
        return self.x + self.w / 2, self.y + self.h / 2


class Arrow(NamedTuple):
    """A line along ``points``, with a head at its end if ``head``, and a dot at its start if ``dot``: it branches off there."""

    points: tuple[Point, ...]
    tone: Tone
    kind: str = "x"
    head: bool = True
    dot: bool = False


class Label(NamedTuple):
    """A line of text: ``x`` is its start, middle or end, by ``anchor``; ``y`` is the middle of its height."""

    x: float
    y: float
    text: str
    anchor: Literal["start", "middle", "end"] = "start"
    tone: Tone = "plain"
    size: Literal["title", "normal", "small"] = "normal"


class Band(NamedTuple):
    """A tinted background of what belongs together."""

    x: float
    y: float
    w: float
    h: float
    tone: Tone
    round: float = 14


@dataclass(slots=True)
class Scene:
    """Everything that is drawn, back to front: bands, arrows, boxes, labels; ``notes`` are about this drawing alone."""

    width: float = 0
    height: float = 0
    bands: list[Band] = field(default_factory=list)
    arrows: list[Arrow] = field(default_factory=list)
    boxes: list[Box] = field(default_factory=list)
    labels: list[Label] = field(default_factory=list)
    notes: list[str] = field(default_factory=list)

    def add(self, box: Box) -> Box:
        """Add a box and return it."""
        self.boxes.append(box)
        return box


class Metrics(NamedTuple):
    """Unit sizes: of pixels (``PIXELS``) or of characters (``TEXT``).

    ``char`` and ``small`` are the widths of a letter of normal and of small size, ``line`` the height of a line of text,
    ``pad_x`` and ``pad_y`` the room between a box and its text.
    """

    text: bool
    char: float
    small: float
    line: float
    pad_x: float
    pad_y: float
    glyphs: Glyphs = UNICODE

    def pick(self, text: float, pixels: float) -> float:
        """A length that differs between the two: ``text`` in characters, ``pixels`` in pixels."""
        return text if self.text else pixels

    def width(self, text: str, size: str = "normal") -> float:
        """Width of one line of text."""
        return len(text) * (self.small if size == "small" else self.char)

    def box_width(self, *lines: str) -> float:
        """Width of a box around lines; even, so its middle is a whole unit."""
        width = max((self.width(line) for line in lines), default=0) + 2 * self.pad_x
        return self.even(width + (1 if self.text else 0))

    def box_height(self, lines: int) -> float:
        """Height of a box around this many lines."""
        return lines + 1 if self.text else lines * self.line + 2 * self.pad_y

    def even(self, length: float) -> float:
        """``length``, rounded up to a multiple of 2."""
        whole = int(-(-length // 1))
        return whole + whole % 2


# A letter of a monospace font is 0.602 of its size wide: 7.83 at 13 px (normal), 6.62 at 11 px (small); both rounded up.
PIXELS: Final = Metrics(text=False, char=7.85, small=6.65, line=17, pad_x=10, pad_y=6)
TEXT: Final = Metrics(text=True, char=1, small=1, line=1, pad_x=1, pad_y=0)
