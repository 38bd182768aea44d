"""The drawings in characters: they fit the width, say what they leave out, and no character lands on another."""

import itertools
import re
from typing import Final

import pytest
from drawings import check_scene
from rich.cells import cell_len

from rnndims.config import DataConfig, RNNConfig
from rnndims.diagrams import View, build_diagram
from rnndims.drawing.dot import render_dot
from rnndims.drawing.layout import layout
from rnndims.drawing.scene import ASCII, TEXT
from rnndims.drawing.svg import render_svg
from rnndims.drawing.text_drawing import Canvas, render_text

R, D = RNNConfig, DataConfig
CASES: Final[dict[str, tuple[RNNConfig, DataConfig]]] = {
    "one layer": (R("rnn", 4, 2), D()),
    "two layers": (R("rnn", 4, 2, 2), D()),
    "bidirectional": (R("rnn", 4, 2, bidirectional=True), D()),
    "two layers bidirectional": (R("rnn", 4, 2, 2, bidirectional=True, dropout=0.5), D()),
    "projected": (R("lstm", 10, 20, 2, proj_size=5), D()),
    "gru": (R("gru", 4, 2, bias=False), D()),
    "100 steps": (R("gru", 300, 512, 3), D(100, 32)),
    "packed": (R("lstm", 4, 2, bidirectional=True), D(lengths=(3, 1))),
    "long packed": (R("gru", 4, 2, 2, batch_first=True), D(50, lengths=(3, 1, 2, 1, 1, 2, 3, 3))),
    "deep": (R("lstm", 300, 512, 12, bidirectional=True, proj_size=64), D(100, 32)),
    "unbatched": (R("lstm", 4, 2, 2), D(unbatched=True)),
    "wide": (R("lstm", 70000, 80000, 120, bidirectional=True), D(12345, 4096)),
    "no rows": (R("lstm", 3, 2), D(2, 0)),
    "medium": (R("rnn", 128, 64), D(3, 32)),
}
VIEWS: Final[tuple[View, ...]] = ("unrolled", "cell", "matmul")


def drawn_lines(config: RNNConfig, data: DataConfig, view: View, width: int) -> list[str]:
    return [line.plain for line in render_text(build_diagram(config, data, view), width)]


def drawn(view: View, case: str, width: int, *, ascii_only: bool = False) -> list[str]:
    return [line.plain for line in render_text(build_diagram(*CASES[case], view), width, ascii_only=ascii_only)]


@pytest.mark.parametrize("case", CASES)
@pytest.mark.parametrize("view", VIEWS)
def test_no_line_is_wider_than_asked(view: View, case: str) -> None:
    """At any width from 40 on, nothing wraps and nothing is cut; the ASCII version has only ASCII."""
    for width in (40, 57, 80, 120):
        for ascii_only in (False, True):
            lines = drawn(view, case, width, ascii_only=ascii_only)
            assert max(cell_len(line) for line in lines) <= width
            assert "".join(lines).isascii() or not ascii_only
            assert not any("\n" in line for line in lines)


@pytest.mark.parametrize("case", [case for case in CASES if case != "wide"])
@pytest.mark.parametrize("width", [40, 80, 120])
def test_there_is_a_picture_at_every_usual_width(width: int, case: str) -> None:
    """At 40, 80 and 120 columns the network itself is drawn, its first step at least."""
    lines = drawn("unrolled", case, width)
    assert not any("too narrow" in line for line in lines)
    text = "\n".join(lines)
    assert "x_0" in text
    assert "┌" in text


@pytest.mark.parametrize("case", ["one layer", "gru", "projected", "100 steps", "unbatched", "no rows", "medium"])
def test_matrix_products_are_drawn_at_every_width(case: str) -> None:
    """From 40 to 120 columns one step has its picture as matrix products, and no line is wider than that."""
    for width in range(40, 121):
        lines = drawn("matmul", case, width)
        assert not any("too narrow" in line for line in lines), width
        assert max(cell_len(line) for line in lines) <= width


@pytest.mark.parametrize("case", CASES)
@pytest.mark.parametrize("view", VIEWS)
def test_no_character_lands_on_another(view: View, case: str) -> None:
    """At every level of detail, labels keep clear of each other, of frames and of lines, and lines of the inside of boxes."""
    for m in (TEXT, TEXT._replace(glyphs=ASCII)):
        for detail in (40, 80, 120) if view == "matmul" else (0, 1, 2, 3, 4):
            check_scene(layout(build_diagram(*CASES[case], view), m, detail))


def test_left_out_steps_are_said_in_the_picture_and_below() -> None:
    """Where steps do not fit, their number stands in the gap and a note names them."""
    wide, narrow = drawn("unrolled", "100 steps", 120), drawn("unrolled", "one layer", 40)
    assert sum("⋯ 96 more ⋯" in line for line in wide) == 2
    assert any("96 of 100 steps are not drawn (2 to 97)" in line for line in wide)
    assert any("⋯ 1 more ⋯" in line for line in narrow)
    assert any("1 of 3 steps is not drawn (1)" in line for line in narrow)
    deep = drawn("unrolled", "deep", 120)
    assert "9 more\n" in "\n".join(line[:6] for line in deep)
    assert any("9 of 12 layers are not drawn (2 to 10)" in line for line in deep)


def test_picture_is_the_network() -> None:
    """A small network is drawn as it should be, line for line."""
    picture = "\n".join(drawn("unrolled", "one layer", 80)).partition("\n\n")[2].partition("\n\n")[0]
    assert picture == (
        "        ┌───────────┐   ┌───────────┐   ┌───────────┐\n"
        "        │ output[0] │   │ output[1] │   │ output[2] │\n"
        "        │  (2, 2)   │   │  (2, 2)   │   │  (2, 2)   │\n"
        "        └───────────┘   └───────────┘   └───────────┘\n"
        "              ▲               ▲               ▲\n"
        "           ┌──┴──┐ (2, 2)  ┌──┴──┐ (2, 2)  ┌──┴──┐\n"
        "h_0[0]────▶│RNN →├────────▶│RNN →├────────▶│RNN →├────▶h_n[0]\n"
        "(2, 2)     └─────┘         └─────┘         └─────┘     (2, 2)\n"
        "              ▲               ▲               ▲\n"
        "        ┌─────┴─────┐   ┌─────┴─────┐   ┌─────┴─────┐\n"
        "        │    x_0    │   │    x_1    │   │    x_2    │\n"
        "        │  (2, 4)   │   │  (2, 4)   │   │  (2, 4)   │\n"
        "        └───────────┘   └───────────┘   └───────────┘"
    )


def test_packed_steps_are_empty_where_a_sequence_has_ended() -> None:
    """Below each step stands one mark for each sequence: filled while it lasts, empty after its end."""
    lines = drawn("unrolled", "packed", 120)
    marks = {line.split()[0]: "".join(c for c in line if c in "■□") for line in lines if line.startswith("n=")}
    assert marks == {"n=0:": "■■■", "n=1:": "■□□"}


def test_directions_have_their_colours() -> None:
    """Forward cells are cyan and reverse ones magenta, and each has its arrow besides."""
    lines = render_text(build_diagram(*CASES["bidirectional"]), 100)
    styles = {}
    for line in lines:
        for span in line.spans:
            if line.plain[span.start : span.end] in ("→", "←"):
                styles[line.plain[span.start]] = str(span.style)
    assert styles == {"→": "cyan", "←": "magenta"}


def test_legend_has_every_weight_whole() -> None:
    """Below the picture stand all tensors, all weights with shapes that are never broken, and the rows found in output."""
    text = "\n".join(drawn("unrolled", "two layers bidirectional", 40))
    for expected in ("input (3, 2, 4)", "output (3, 2, 4)", "weight_ih_l1_reverse (2, 4)", "h_n[3] = output[0, :, 2:4]"):
        assert expected in text


@pytest.mark.parametrize("cell", ["rnn", "lstm", "gru"])
def test_cell_is_a_picture_at_80_columns(cell: str) -> None:
    """In a terminal of the usual width the gates, their operations and the states are drawn, not listed, with all shapes."""
    lines = [line.plain for line in render_text(build_diagram(R(cell, 4, 2), D(), "cell"), 80)]  # type: ignore[arg-type]
    text = "\n".join(lines)
    assert max(map(len, lines)) <= 80
    states = ["xₜ", "hₜ₋₁", "hₜ", *(["cₜ₋₁", "cₜ"] if cell == "lstm" else [])]
    assert all(f"│   {name} " in text for name in states if len(name) == 2)
    assert all(f"│  {name}   ├─" in text for name in states if len(name) == 4)
    assert text.count("▶") >= (3 if cell == "rnn" else 12)
    assert "(2, 4)" in text
    assert "(2, 2)" in text
    assert "(2,)" in text


def test_narrow_cell_view_has_all_equations() -> None:
    """At 40 columns the cell is a column of its equations, shapes and all, the gates in the order of PyTorch's weights."""
    text = "\n".join(drawn("cell", "projected", 40))
    order = [
        "xₜ (2, 10)",
        "i = σ(",
        "f = σ(",
        "g = tanh(",
        "o = σ(",
        "cₜ = f ⊙ cₜ₋₁ + i ⊙ g",
        "hₜ = (o ⊙ tanh(cₜ)) W_hrᵀ",
        "hₜ (2, 5)",
    ]
    places = [text.index(part) for part in order]
    assert places == sorted(places)
    assert "W_ii (20, 10), W_hi (20, 5)" in text
    gru = "\n".join(drawn("cell", "gru", 40))
    assert gru.index("r = σ(") < gru.index("z = σ(") < gru.index("n = tanh(")


@pytest.mark.parametrize("ascii_only", [False, True])
def test_words_are_not_read_as_signs(ascii_only: bool) -> None:
    """In notes, words that contain the name of an operation stay words, and a product of numbers is no gate's product."""
    diagram = build_diagram(R("lstm", 4, 2, 2, bias=False, bidirectional=True), D(), "cell")
    for width in (40, 80, 200):
        notes = " ".join(line.plain for line in render_text(diagram, width, ascii_only=ascii_only)).partition("note:")[2]
        text = " ".join(notes.split())
        assert "no biases are added" in text
        assert f"read 4 = 2{'*' if ascii_only else '·'}H_out" in text
    for exported in (render_svg(diagram), render_dot(diagram)):
        assert "no biases are added" in exported
        assert "read 4 = 2·H_out" in exported
        assert "⊙" in exported


@pytest.mark.parametrize("view", VIEWS)
def test_equations_below_the_picture_are_whole(view: View) -> None:
    """No line below the picture begins or ends with a sign, at any width that has room for the equation."""
    for width in range(60, 121):
        for case in ("two layers bidirectional", "gru", "projected"):
            below = "\n".join(drawn(view, case, width)).rpartition("\n\n")[2].splitlines()
            for line in below[1:]:
                assert not re.match(r"\s+[=⊙+·*-] ", line), (width, line)
            assert not any(line.endswith((" =", " ⊙", " +", " -")) for line in below), width


def test_a_line_changes_its_style_only_where_it_looks_different() -> None:
    """In colour, neighbours of one style share one escape sequence."""
    for view in VIEWS:
        for line in render_text(build_diagram(*CASES["two layers bidirectional"], view), 100):
            for one, other in itertools.pairwise(sorted(line.spans, key=lambda span: span.start)):
                assert one.end < other.start or one.style != other.style


def test_joined_blocks_show_where_they_are_joined() -> None:
    """Where elements are too small to be drawn, [x_t, h_(t-1)] and the joined weights still have a line between their parts."""
    for config in (R("rnn", 64, 64), R("rnn", 64, 2), R("lstm", 2, 64), R("gru", 64, 64)):
        lines = drawn_lines(config, D(3, 16), "matmul", 80)
        below = lines[next(number for number, line in enumerate(lines) if "as one product" in line) :]
        name = next(number for number, line in enumerate(below) if "[xₜ, hₜ₋₁]" in line)
        assert re.match(r" *┌─+┬─+┐", below[name + 1]), below[name + 1]
        assert any("├─" in line and "─┤" in line for line in below)


def test_an_empty_batch_has_no_rows() -> None:
    """With no sequences, the blocks of x_t, h_(t-1) and of the result hold nothing, and it is said."""
    for config in (R("rnn", 4, 2), R("gru", 300, 200)):
        lines = drawn_lines(config, D(3, 0), "matmul", 100)
        assert any(re.search(r"│ +│ +@", line) for line in lines)
        assert "the batch is empty" in "\n".join(lines)
        assert not any("thicker" in line and "xₜ" in line for line in lines)
    svg = render_svg(build_diagram(R("rnn", 4, 2), D(3, 0), "matmul"))
    assert svg.count('"empty box"') == 5
    assert "too thin" not in svg


def test_canvas_joins_lines_and_counts_wide_characters() -> None:
    """Lines that touch get the right corner, tee or crossing; a wide character takes two columns."""
    canvas = Canvas(7, 3)
    canvas.box(0, 0, 4, 2)
    canvas.line(2, 0, 2, 2)
    canvas.line(0, 1, 4, 1)
    assert [row.plain for row in canvas.rows()] == ["┌─┬─┐", "├─┼─┤", "└─┴─┘"]
    canvas = Canvas(4, 1, ascii_only=True)
    canvas.put(0, 0, "日本語")
    assert canvas.rows()[0].plain == "日本"


ELEMENT = r"(?:\d+(?: \+ \d+)?|[DNLHG]\w*|[DG][*·]\w+)"
OPEN_SHAPE = re.compile(rf"(?<![\w.])\({ELEMENT}(?:, {ELEMENT})*,\s*$", re.MULTILINE)
"""A shape, or its dims by name, that a line breaks off."""

WHOLE: list[tuple[View, RNNConfig, DataConfig]] = [
    ("matmul", RNNConfig("rnn", 4, 2), DataConfig()),
    ("matmul", RNNConfig("lstm", 300, 512), DataConfig()),
    ("matmul", RNNConfig("lstm", 10, 20, proj_size=5), DataConfig()),
    ("matmul", RNNConfig("gru", 1000, 2000, bias=False), DataConfig()),
    ("unrolled", RNNConfig("rnn", 4, 2, 2, bidirectional=True), DataConfig()),
    ("unrolled", RNNConfig("lstm", 300, 512, 3, bidirectional=True, batch_first=True), DataConfig()),
    ("unrolled", RNNConfig("gru", 4, 2), DataConfig(lengths=(5, 3, 1))),
    ("unrolled", RNNConfig("lstm", 30, 20, 2, proj_size=10), DataConfig(unbatched=True)),
    ("cell", RNNConfig("lstm", 300, 512, proj_size=100), DataConfig()),
    ("cell", RNNConfig("gru", 4, 2, is_cell=True), DataConfig()),
]


@pytest.mark.parametrize(("view", "config", "data"), WHOLE)
def test_no_shape_is_broken_over_lines(view: View, config: RNNConfig, data: DataConfig) -> None:
    """At every width from 20 to 200 columns, a shape stands whole on a line of the drawing and of what is below it."""
    assert OPEN_SHAPE.search("h_t (2,\n  4)")
    diagram = build_diagram(config, data, view)
    for width in (*range(20, 60), *range(60, 200, 7)):
        text = "\n".join(line.plain for line in render_text(diagram, width, ascii_only=width % 2 == 0))
        assert not OPEN_SHAPE.search(text), (width, text)
