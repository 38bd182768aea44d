"""The SVG drawings: well-formed, self-contained, and nothing lies on anything it should not lie on."""

import re
from typing import Final
from xml.etree import ElementTree

import pytest
from drawings import SVG, check_svg, crosses, parse

from rnndims.config import DataConfig, RNNConfig
from rnndims.diagrams import Diagram, View, build_diagram
from rnndims.drawing.scene import Box, Label, Scene
from rnndims.drawing.svg import draw_svg, render_svg

R, D = RNNConfig, DataConfig
CASES: Final[dict[str, tuple[RNNConfig, DataConfig]]] = {
    "1x1": (R("rnn", 1, 1), D(1, 1)),
    "one layer": (R("rnn", 4, 2), D()),
    "two layers": (R("rnn", 4, 2, 2, bias=False), D()),
    "bidirectional": (R("rnn", 4, 2, bidirectional=True), D()),
    "two layers bidirectional": (R("rnn", 4, 2, 2, bidirectional=True, dropout=0.5), D()),
    "projected": (R("lstm", 10, 20, 2, proj_size=5), D()),
    "gru": (R("gru", 4, 2, bias=False), D()),
    "100 steps": (R("gru", 300, 512, 3), D(100, 32)),
    "packed": (R("lstm", 4, 2, bidirectional=True), D(lengths=(3, 1))),
    "padded": (R("rnn", 4, 2, batch_first=True), D(5, lengths=(3, 1))),
    "long packed": (R("gru", 4, 2, 2, bidirectional=True), D(50, lengths=(3, 1, 2, 1, 1, 2, 3, 3))),
    "deep": (R("lstm", 300, 512, 12, bidirectional=True, proj_size=64), D(100, 32)),
    "unbatched": (R("lstm", 4, 2, 2, bias=False), D(unbatched=True)),
    "wide": (R("lstm", 70000, 80000, 120, bidirectional=True), D(12345, 4096)),
    "flat": (R("gru", 1, 900), D(2, 1)),
    "no rows": (R("lstm", 3, 2), D(2, 0)),
}
VIEWS: Final[tuple[View, ...]] = ("unrolled", "cell", "matmul")
ALL: Final = [pytest.param(view, case, id=f"{view}, {case}") for view in VIEWS for case in CASES]


def picture(view: View, case: str) -> Diagram:
    return build_diagram(*CASES[case], view)


@pytest.mark.parametrize(("view", "case"), ALL)
def test_nothing_lies_on_anything_else(view: View, case: str) -> None:
    """No two texts overlap, no text leaves its box, no line runs through a box or a text, and all is on the page."""
    check_svg(render_svg(picture(view, case)))


@pytest.mark.parametrize(("view", "case"), ALL)
def test_document_stands_alone(view: View, case: str) -> None:
    """It is well-formed, says what it is to a screen reader, follows light and dark, and refers to nothing outside."""
    svg = render_svg(picture(view, case))
    root = ElementTree.fromstring(svg)
    assert root.tag == SVG + "svg"
    assert root.get("role") == "img"
    title, desc = root.find(SVG + "title"), root.find(SVG + "desc")
    assert title is not None
    assert desc is not None
    assert root.get("aria-labelledby") == f"{title.get('id')} {desc.get('id')}"
    assert len(desc.text or "") > 40
    assert "prefers-color-scheme:dark" in svg
    assert not re.search(r"<script|<image|<use|<foreignObject|href|url\(|@import", svg)
    assert not [name for element in root.iter() for name in element.keys() if name.startswith("on")]  # noqa: SIM118
    assert svg.count("http") == 1, "only the namespace"


def test_drawings_in_one_page_keep_to_themselves() -> None:
    """Every id and every rule of a document has the name of its root, which no other drawing has; the same drawing keeps it."""
    roots = set()
    for view, case in ((view, case) for view in VIEWS for case in CASES):
        root = ElementTree.fromstring(render_svg(picture(view, case)))
        name = root.get("id", "")
        assert re.fullmatch(r"[a-z][\w-]+", name)
        assert all((element.get("id") or name).startswith(name) for element in root.iter())
        css = (root.findtext(SVG + "style") or "").replace("@media (prefers-color-scheme:dark){", "")
        selectors = re.findall(r"([^{}]+)\{", css)
        assert len(selectors) > 50
        assert all(selector.strip().startswith(f"#{name} ") for selector in selectors)
        roots.add(name)
    assert len(roots) == len(VIEWS) * len(CASES)
    assert render_svg(picture("cell", "gru")) == render_svg(picture("cell", "gru"))


def test_names_are_escaped() -> None:
    """Whatever a text holds stays text: no markup, no broken document, no control characters."""
    hostile = '</text><script>alert("&")</script>\x1b[31m\x00]]>'
    scene = Scene(100, 100, boxes=[Box(0, 0, 50, 50, (hostile,))], labels=[Label(0, 0, hostile)])
    root = ElementTree.fromstring(draw_svg(scene, hostile, hostile))
    assert root.find(f".//{SVG}script") is None
    texts = [element.text or "" for element in root.iter(SVG + "text")]
    assert len(texts) == 2
    assert all('<script>alert("&")</script>' in text and "\x1b" not in text for text in texts)


def contrast(one: str, other: str) -> float:
    def light(colour: str) -> float:
        parts = [int(colour[i : i + 2], 16) / 255 for i in (1, 3, 5)]
        linear = [part / 12.92 if part <= 0.03928 else ((part + 0.055) / 1.055) ** 2.4 for part in parts]
        return 0.2126 * linear[0] + 0.7152 * linear[1] + 0.0722 * linear[2]

    low, high = sorted((light(one), light(other)))
    return (high + 0.05) / (low + 0.05)


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_texts_can_be_read_in_both_schemes(scheme: str) -> None:
    """Every colour that text has reaches WCAG's 4.5 : 1 on the page and on the fills it stands on."""
    svg = render_svg(picture("unrolled", "two layers bidirectional"))
    light, _, dark = svg.partition("@media")
    css = light if scheme == "light" else dark
    page = re.search(r"\.page\{fill:(#\w+)\}", css)
    assert page is not None
    texts = dict(re.findall(r"text\.?(\w*)\{fill:(#\w+)\}", css))
    fills = dict(re.findall(r"\.(\w+)\.box\{stroke:#\w+;fill:(#\w+)\}", css))
    for name, colour in texts.items():
        assert contrast(colour, page[1]) >= 4.5, name
    assert all(contrast(texts[""], fill) >= 4.5 for fill in fills.values())
    assert all(contrast(texts[name], fills[name]) >= 4.5 for name in ("forward", "reverse"))


def test_directions_differ_without_colour() -> None:
    """Reverse cells, lines and heads are dashed or hollow and carry another arrow than forward ones."""
    svg = render_svg(picture("unrolled", "bidirectional"))
    assert re.search(r"\.reverse\.line\{stroke-dasharray:", svg)
    assert re.search(r"\.reverse\.box\{stroke-dasharray:", svg)
    assert not re.search(r"\.forward\.(line|box)\{stroke-dasharray:", svg)
    page = re.search(r"\.page\{fill:(#\w+)\}", svg)
    assert page is not None
    assert f".reverse.head{{fill:{page[1]}}}" in svg
    texts = [frame.what for frame in parse(svg).texts]
    assert texts.count("RNN →") == texts.count("← RNN") == 3


def test_unrolled_says_every_shape() -> None:
    """Shapes of inputs, states, arrows, concatenation and output, the weights, and the rows of h_n are all written."""
    texts = [frame.what for frame in parse(render_svg(picture("unrolled", "two layers bidirectional"))).texts]
    assert [texts.count(f"x_{t}") for t in range(3)] == [1, 1, 1]
    assert [texts.count(f"output[{t}]") for t in range(3)] == [1, 1, 1]
    assert all(f"h_0[{row}] (2, 2)" in texts and f"h_n[{row}] (2, 2)" in texts for row in range(4))
    assert texts.count("concat (2, 4)") == 6
    assert texts.count("h (2, 2)") == 8
    assert {"= output[-1, :, 0:2]", "= output[0, :, 2:4]"} <= set(texts)
    assert {"weight_ih_l0 (2, 4)", "weight_ih_l1_reverse (2, 4)", "(3, 2, 4)", "(L, N, D·H_out)"} <= set(texts)
    assert {"reads input, H_in = 4", "reads layer 0, D·H_out = 2·2 = 4"} <= set(texts)
    assert any("one cell for all steps" in text for text in texts)


def test_left_out_steps_are_said() -> None:
    """Of 100 steps, four are drawn and the others are counted where they would be."""
    texts = [frame.what for frame in parse(render_svg(picture("unrolled", "100 steps"))).texts]
    assert texts.count("⋯ 96 more ⋯") == 2
    assert [text for text in texts if text.startswith("x_")] == ["x_0", "x_1", "x_98", "x_99"]


@pytest.mark.parametrize(
    ("config", "layer", "said"),
    [
        (R("gru", 4, 2, 3, bidirectional=True), 0, "next step, layer 1"),
        (R("lstm", 4, 2, 3), 1, "next step, layer 2"),
        (R("gru", 1, 1, 200), 122, "next step, layer 123"),
        (R("rnn", 4, 2, 3), 2, "next step, output"),
        (R("lstm", 4, 2, proj_size=1), 0, "next step, output"),
        (R("rnn", 4, 2, is_cell=True), 0, "h_1, next step"),
        (R("lstm", 4, 2, is_cell=True), 0, "h_1, next step"),
        (R("gru", 4, 2, is_cell=True), 0, "h_1, next step"),
    ],
)
def test_h_t_goes_where_the_module_sends_it(config: RNNConfig, layer: int, said: str) -> None:
    """Below h_t stands the next layer, or output above the last one; a cell has neither. It lies on nothing."""
    parsed = parse(render_svg(build_diagram(config, D(), "cell", layer=layer)))
    [place] = [frame for frame in parsed.texts if frame.what in (said, "next step, output")]
    assert place.what == said
    assert not any(place.meets(other) for other in parsed.texts if other is not place)
    assert not any(place.meets(box) for box in parsed.boxes)
    assert not any(crosses(line, place, 0.9) for line in parsed.lines)


def test_matmul_blocks_are_to_scale() -> None:
    """In one picture, a unit of rows or columns has one length; what would be too thin is named."""
    diagram = picture("matmul", "projected")
    drawing = parse(render_svg(diagram))
    boxes = iter(drawing.boxes)
    lengths = set()
    for name in ("x", "w_ih", "h", "w_hh", "bias", "gates", "joined", "w_joined", "bias_joined", "gates_joined"):
        rows, columns = (1, *(diagram.nodes[name].shape or ()))[-2:]
        box = next(boxes)
        lengths |= {round((box.right - box.left) / columns, 2), round((box.bottom - box.top) / rows, 2)}
    assert len(lengths - {8.0}) <= 2
    flat = [frame.what for frame in parse(render_svg(picture("matmul", "flat"))).texts]
    assert any("drawn thicker" in text for text in flat)
