"""What is exported, given to the programs it is meant for: Graphviz, Mermaid, a PNG converter.

A program that is missing skips its tests, unless ``RNNDIMS_NEED_TOOLS=1`` says that it must be there. Mermaid and jsdom
are looked for in the folder ``RNNDIMS_NODE`` (``npm install --prefix FOLDER mermaid jsdom``).
"""

import json
import os
import re
import shutil
import struct
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Final

import pytest

from rnndims.config import DataConfig, RNNConfig
from rnndims.diagrams import Diagram, View, build_diagram
from rnndims.drawing import render_bytes
from rnndims.drawing.dot import render_dot
from rnndims.drawing.mermaid import _escape, render_mermaid
from rnndims.drawing.png import render_png
from rnndims.errors import ExitCode, MachineError

R, D = RNNConfig, DataConfig
CASES: Final = [
    (R("rnn", 4, 2, nonlinearity="relu"), D()),
    (R("rnn", 4, 2, 2, bidirectional=True, dropout=0.5), D()),
    (R("lstm", 10, 20, 2, proj_size=5, bias=False), D(unbatched=True)),
    (R("gru", 300, 512, 3, batch_first=True), D(100, 32)),
    (R("lstm", 4, 2, bidirectional=True), D(8, lengths=(3, 1))),
    (R("lstm", 300, 512, 12, bidirectional=True), D(100, 32)),
]
VIEWS: Final[tuple[View, ...]] = ("unrolled", "cell", "matmul")
NODE: Final = Path(os.environ.get("RNNDIMS_NODE", Path.home() / ".cache" / "rnndims-node"))
PARSE: Final = """
import { JSDOM } from 'jsdom';
const dom = new JSDOM('<!DOCTYPE html><body></body>');
globalThis.window = dom.window; globalThis.document = dom.window.document;
const { default: mermaid } = await import('mermaid');
let text = ''; for await (const part of process.stdin) text += part;
const found = [];
for (const source of JSON.parse(text)) {
  try {
    await mermaid.parse(source);
    const diagram = await mermaid.mermaidAPI.getDiagramFromText(source);
    const vertices = [...diagram.db.getVertices().values()];
    found.push({title: diagram.db.getDiagramTitle?.() ?? null, nodes: Object.fromEntries(vertices.map(v => [v.id, v.text])),
                edges: diagram.db.getEdges().map(e => [e.start, e.end, e.text])});
  } catch (error) { found.push({error: String(error)}); }
}
console.log(JSON.stringify(found));
"""


def need(found: object, what: str) -> None:
    if not found:
        assert os.environ.get("RNNDIMS_NEED_TOOLS") != "1", f"{what} is missing"
        pytest.skip(f"{what} is not installed")


def pictures() -> list[Diagram]:
    return [build_diagram(config, data, view) for config, data in CASES for view in VIEWS]


def drawn_edges(diagram: Diagram) -> int:
    gone = {node.id for node in diagram.nodes.values() if node.empty and node.kind != "input"}
    return sum(edge.source not in gone and edge.target not in gone for edge in diagram.edges)


def test_graphviz_draws_every_diagram() -> None:
    """The real dot accepts each document without a word and finds all nodes and arrows in it, labels included."""
    need(shutil.which("dot"), "Graphviz")
    for diagram in pictures():
        command = ["dot", "-Tjson"]
        done = subprocess.run(command, input=render_dot(diagram), capture_output=True, encoding="utf-8", check=False)
        assert done.returncode == 0, done.stderr
        assert done.stderr == "", diagram.title
        graph = json.loads(done.stdout)
        objects = {node["name"]: node for node in graph["objects"]}
        for node in diagram.nodes.values():
            if node.kind in ("state", "input", "output") and node.shape is not None:
                assert f"({node.shape[0]}," in objects[node.id]["label"]
        assert len(graph["edges"]) == drawn_edges(diagram)


def test_graphviz_keeps_time_from_left_to_right() -> None:
    """The unrolled network has its steps in order, layers upwards and the reverse row above the forward one."""
    need(shutil.which("dot"), "Graphviz")
    diagram = build_diagram(RNNConfig("gru", 4, 2, 2, bidirectional=True), DataConfig())
    done = subprocess.run(["dot", "-Tjson"], input=render_dot(diagram), capture_output=True, encoding="utf-8", check=True)
    place = {node["name"]: [float(x) for x in node["pos"].split(",")] for node in json.loads(done.stdout)["objects"]}
    for row in ("x", "cell_l0_forward", "cell_l1_reverse", "output"):
        assert place[f"{row}_0"][0] < place[f"{row}_1"][0] < place[f"{row}_2"][0]
    rows = ["x", "cell_l0_forward", "cell_l0_reverse", "concat_l0", "cell_l1_forward", "cell_l1_reverse", "concat_l1", "output"]
    heights = [place[f"{row}_0"][1] for row in rows]
    assert heights == sorted(heights)


@pytest.mark.parametrize("render", [render_dot, render_mermaid])
def test_packed_steps_name_the_sequences_that_have_ended(render: Callable[[Diagram], str]) -> None:
    """Each x_t of a packed batch says which sequences it has and which have ended; one of equal lengths needs no such line."""
    text = render(build_diagram(R("rnn", 4, 2), D(lengths=(3, 1))))
    nodes = {
        name: next(line for line in text.splitlines() if line.strip().startswith(f"{name}[") or f"{name} [" in line)
        for name in ("x_0", "x_1", "x_2")
    }
    assert "has n=0, n=1" in nodes["x_0"]
    assert "ended" not in nodes["x_0"]
    for name in ("x_1", "x_2"):
        assert "has n=0" in nodes[name]
        assert "ended n=1" in nodes[name]
    assert "has n=" not in render(build_diagram(R("rnn", 4, 2), D(lengths=(3, 3))))
    assert "has n=" not in render(build_diagram(R("rnn", 4, 2), D()))


@pytest.mark.parametrize("render", [render_dot, render_mermaid])
def test_arrows_into_boxes_that_name_their_shape_have_none(render: Callable[[Diagram], str]) -> None:
    """An arrow into concat or h_n bears no shape, which would lie on the line; those between cells do."""
    text = render(build_diagram(R("lstm", 4, 2, 2, bidirectional=True), D()))
    arrows = re.findall(r"^\s*(\w+) (?:->|-->|-\.->|==>)(\|.*?\|)? (\w+)(.*)$", text, re.MULTILINE)
    assert len(arrows) == len(build_diagram(R("lstm", 4, 2, 2, bidirectional=True), D()).edges)
    for source, before, target, after in arrows:
        named = "cell" in source and "cell" in target
        assert ("(2, 2)" in before + after) == named, (source, target)


def test_mermaid_parses_every_diagram() -> None:
    """The real Mermaid accepts each document and finds the nodes and arrows of the picture in it."""
    need(shutil.which("node") and (NODE / "node_modules" / "mermaid").is_dir(), "Mermaid")
    diagrams = pictures()
    texts = json.dumps([render_mermaid(diagram) for diagram in diagrams])
    command = ["node", "--input-type=module", "-e", PARSE]
    done = subprocess.run(command, input=texts, capture_output=True, encoding="utf-8", cwd=NODE, check=False)
    assert done.returncode == 0, done.stderr
    for diagram, found in zip(diagrams, json.loads(done.stdout), strict=True):
        assert "error" not in found, (diagram.title, found["error"])
        expected = {node.id for node in diagram.nodes.values() if not node.empty or node.kind == "input"}
        assert {name for name in found["nodes"] if not name.startswith("group_")} == expected
        assert len(found["edges"]) == drawn_edges(diagram)


def test_mermaid_runs_along_time_where_one_direction_does() -> None:
    """Mermaid ranks nodes along their arrows: left to right these are those of h, from step to step, unless two run apart."""
    for layers in (1, 2):
        text = render_mermaid(build_diagram(R("lstm", 4, 2, layers), D()))
        assert text.splitlines()[3] == "flowchart LR"
        assert "direction" not in text
        assert "cell_l0_forward_0 -->" in text
    assert render_mermaid(build_diagram(R("gru", 4, 2, bidirectional=True), D())).splitlines()[3] == "flowchart BT"


def test_quotes_cannot_leave_a_label() -> None:
    """Characters that Mermaid or Graphviz would obey are written as what they are."""
    assert _escape('a"b<c>#d;`') == "a#quot;b#lt;c#gt;#35;d#59;#96;"
    from rnndims.drawing.dot import _quote

    assert _quote('a"b\\c\nd') == '"a\\"b\\\\c\\nd"'


def test_png_is_the_svg_s_size_twice() -> None:
    """With the converter installed, a PNG comes out, twice as large as the SVG and not blank."""
    try:
        import resvg_py  # noqa: F401
    except ImportError:
        need(None, "resvg-py")
    picture = render_png(build_diagram(*CASES[1]))
    assert picture.startswith(b"\x89PNG\r\n\x1a\n")
    width, height = struct.unpack(">II", picture[16:24])
    svg = render_bytes(build_diagram(*CASES[1]), "svg").decode()
    assert f'width="{width / 2:.0f}' in svg or abs(width / 2 - float(svg.split('width="')[1].split('"')[0])) <= 0.5
    assert height > 200
    assert len(picture) > 20_000


def test_png_without_a_converter_says_what_to_install(monkeypatch: pytest.MonkeyPatch) -> None:
    """Where no converter is installed, the message has the command, and the exit code is that of a machine that cannot."""
    monkeypatch.setitem(sys.modules, "resvg_py", None)
    with pytest.raises(MachineError) as caught:
        render_png(build_diagram(*CASES[0]))
    assert 'pip install "rnndims[png]"' in str(caught.value)
    assert caught.value.exit_code is ExitCode.MACHINE
