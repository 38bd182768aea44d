"""A scene as self-contained SVG: vectors and real text, readable on light and dark pages and without colours."""

from typing import Final
from xml.sax.saxutils import escape as xml_escape
from zlib import crc32

from ..diagrams import Diagram
from .layout import layout
from .scene import PIXELS, Arrow, Band, Box, Label, Point, Scene

# colours by tone, on a light page (and for Graphviz and Mermaid) and on a dark one
LIGHT: Final = {
    "page": "#ffffff",
    "ink": "#1f2937",
    "quiet": "#57606a",
    "forward": "#0e7490",
    "reverse": "#a21caf",
    "data": "#475569",
    "output": "#15803d",
    "state": "#57606a",
    "forward-fill": "#e0f5fa",
    "reverse-fill": "#fae8fd",
    "data-fill": "#f1f5f9",
    "output-fill": "#e6f6ea",
    "state-fill": "#ffffff",
}
DARK: Final = {
    "page": "#0d1117",
    "ink": "#e6edf3",
    "quiet": "#9aa6b2",
    "forward": "#4dd0e8",
    "reverse": "#ee8bfa",
    "data": "#a3b1c2",
    "output": "#5fd38d",
    "state": "#9aa6b2",
    "forward-fill": "#0c2b35",
    "reverse-fill": "#341239",
    "data-fill": "#1b2330",
    "output-fill": "#10281b",
    "state-fill": "#0d1117",
}
_TONES: Final = {
    "concat": "data",
    "gate": "data",
    "op": "state",
    "plain": "data",
    "quiet": "state",
    "strong": "data",
    "empty": "state",
}
"""The colour of each tone that has no colour of its own."""

# CSS of all that is not a colour: selector and rule
_STYLE: Final = (
    ("text", "font-family:ui-monospace,'DejaVu Sans Mono',Menlo,Consolas,monospace;font-size:13px"),
    (".title", "font-size:15px;font-weight:bold"),
    (".small", "font-size:11px"),
    (".strong", "font-weight:bold"),
    (".line", "fill:none;stroke-width:1.6"),
    (".c", "stroke-width:3"),
    (".box", "stroke-width:1.6"),
    (".empty", "stroke-dasharray:3 4"),
    (".reverse.line", "stroke-dasharray:7 4"),
    (".reverse.box", "stroke-dasharray:7 4"),
    (".head", "stroke-width:1.4;stroke-linejoin:round"),
)
_HEAD: Final = 8
"""Length of an arrowhead in pixels."""


def render_svg(diagram: Diagram) -> str:
    """The diagram as one SVG document, with a title and a description for screen readers."""
    scene = layout(diagram, PIXELS)
    return draw_svg(scene, diagram.title, " ".join([diagram.description, *(f"{note}." for note in diagram.notes)]))


def draw_svg(scene: Scene, title: str, description: str) -> str:
    """A scene in pixels as one SVG document; its ids and rules are its own, so a page may hold several."""
    width, height = _number(scene.width), _number(scene.height)
    drawing = [
        f'<rect class="page" width="{width}" height="{height}" rx="8"/>',
        *(_band(band) for band in scene.bands if not _is_gate(band)),
        *(_arrow(arrow) for arrow in scene.arrows if arrow.kind not in ("grid", "gate")),
        *(_box(box) for box in scene.boxes),
        *(_band(band) for band in scene.bands if _is_gate(band)),
        *(_arrow(arrow) for arrow in scene.arrows if arrow.kind in ("grid", "gate")),
        *(_label(label) for label in scene.labels),
    ]
    texts = [_text(title), _text(description)]
    own = f"rnndims-{crc32(chr(10).join([*texts, *drawing]).encode()):08x}"
    light, dark = _rules(own, [*_STYLE, *_colours(LIGHT)]), _rules(own, _colours(DARK))
    parts = [
        f'<svg xmlns="http://www.w3.org/2000/svg" id="{own}" width="{width}" height="{height}" '
        f'viewBox="0 0 {width} {height}" role="img" aria-labelledby="{own}-title {own}-desc">',
        f'<title id="{own}-title">{texts[0]}</title>',
        f'<desc id="{own}-desc">{texts[1]}</desc>',
        f"<style>{light}\n@media (prefers-color-scheme:dark){{{dark}}}</style>",
        *drawing,
        "</svg>",
    ]
    return "\n".join(parts) + "\n"


def _rules(own: str, rules: list[tuple[str, str]]) -> str:
    return "".join(f"#{own} {selector}{{{body}}}" for selector, body in rules)


def _is_gate(band: Band) -> bool:
    return band.round == 0


def _colours(palette: dict[str, str]) -> list[tuple[str, str]]:
    """CSS rules of one palette: plain classes only, because converters support neither variables nor nesting."""
    rules = [
        (".page", f"fill:{palette['page']}"),
        ("text", f"fill:{palette['ink']}"),
        ("text.quiet", f"fill:{palette['quiet']}"),
    ]
    rules += [(f"text.{tone}", f"fill:{palette[tone]}") for tone in ("forward", "reverse")]
    for tone in ("forward", "reverse", "data", "output", "state", *_TONES):
        kind = _TONES.get(tone, tone)
        stroke, fill = palette[kind], palette[f"{kind}-fill"]
        fill = "none" if tone == "empty" else fill
        rules += [(f".{tone}.line", f"stroke:{stroke}"), (f".{tone}.head", f"stroke:{stroke};fill:{stroke}")]
        rules += [(f".{tone}.box", f"stroke:{stroke};fill:{fill}"), (f".{tone}.band", f"fill:{stroke};fill-opacity:.09")]
    for number in range(1, 5):
        rules.append((f".gate{number}.band", f"fill:{palette['output']};fill-opacity:{0.1 * number:.1f}"))
    rules += [(".line.grid", f"stroke:{palette['state']};stroke-width:.6"), (".line.gate", "stroke-width:2")]
    return [*rules, (".reverse.head", f"fill:{palette['page']}")]


def _text(text: str) -> str:
    return xml_escape("".join(c if c.isprintable() else "\N{REPLACEMENT CHARACTER}" for c in text))


def _number(value: float) -> str:
    return f"{value:.1f}".removesuffix(".0")


def _band(band: Band) -> str:
    frame = f'x="{_number(band.x)}" y="{_number(band.y)}" width="{_number(band.w)}" height="{_number(band.h)}"'
    return f'<rect class="{band.tone} band" {frame} rx="{_number(band.round)}"/>'


def _arrow(arrow: Arrow) -> str:
    """A line that stops where its head begins, and the head: filled forward, hollow in reverse."""
    points = list(arrow.points)
    head = ""
    if arrow.head:
        (x0, y0), (x, y) = points[-2:]
        dx, dy = _sign(x - x0), _sign(y - y0)
        base = (x - dx * _HEAD, y - dy * _HEAD)
        wing = 4.5  # half of its width
        corners = [(x, y), (base[0] - dy * wing, base[1] + dx * wing), (base[0] + dy * wing, base[1] - dx * wing)]
        head = f'<polygon class="{arrow.tone} head" points="{_points(corners)}"/>'
        points[-1] = base
    kind = f" {arrow.kind}" if arrow.kind in ("c", "grid", "gate") else ""
    line = f'<polyline class="{arrow.tone} line{kind}" points="{_points(points)}"/>'
    x, y = points[0]
    dot = f'<circle class="{arrow.tone} head" cx="{_number(x)}" cy="{_number(y)}" r="2.5"/>' if arrow.dot else ""
    return line + head + dot


def _sign(value: float) -> int:
    return (value > 0) - (value < 0)


def _points(points: list[Point]) -> str:
    return " ".join(f"{_number(x)},{_number(y)}" for x, y in points)


def _box(box: Box) -> str:
    frame = f'x="{_number(box.x)}" y="{_number(box.y)}" width="{_number(box.w)}" height="{_number(box.h)}"'
    parts = [f'<rect class="{box.tone} box" {frame} rx="{_number(box.round)}"/>']
    x, y = box.middle
    first = y - (len(box.lines) - 1) * PIXELS.line / 2
    for number, line in enumerate(box.lines):
        tone = "quiet" if box.tone == "empty" else box.tone if box.tone in ("forward", "reverse") else ""
        classes = " ".join(filter(None, ["strong" if number < box.heads and len(box.lines) > 1 else "", tone]))
        parts.append(_line(x, first + number * PIXELS.line, line, "middle", classes))
    return "".join(parts)


def _label(label: Label) -> str:
    size = "" if label.size == "normal" else label.size
    tone = label.tone if label.tone in ("forward", "reverse", "quiet", "strong") else ""
    strong = "strong" if tone in ("forward", "reverse") else ""
    return _line(label.x, label.y, label.text, label.anchor, " ".join(filter(None, [size, tone, strong])))


def _line(x: float, y: float, text: str, anchor: str, classes: str) -> str:
    """A line of text whose middle is at height ``y``: its baseline is a third of the size of the letters below that."""
    baseline = y + (4 if "small" in classes else 4.6)
    class_ = f' class="{classes}"' if classes else ""
    anchor_ = "" if anchor == "start" else f' text-anchor="{anchor}"'
    return f'<text x="{_number(x)}" y="{_number(baseline)}"{anchor_}{class_}>{_text(text)}</text>'
