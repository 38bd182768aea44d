"""A diagram in the language of Graphviz: ``dot -Tsvg``."""

from typing import Final

from ..diagrams import Diagram, Edge, Node
from .layout import layout
from .scene import PIXELS, Point
from .svg import LIGHT
from .words import drawn, edge_words, groups, heading, node_lines

_SHAPES: Final = {"state": "box, style=rounded", "op": "circle", "more_steps": "plaintext", "more_layers": "plaintext"}
"""Graphviz's shape of each kind of node; all others are boxes."""


def render_dot(diagram: Diagram) -> str:
    """The diagram as one ``digraph``: the unrolled network with fixed positions, others arranged by Graphviz; left to right."""
    nodes = drawn(diagram)
    known = {node.id for node in nodes}
    fixed = _positions(diagram) if diagram.view == "unrolled" else {}
    engine = 'layout=neato, inputscale=72, splines=true, esep="+1"' if fixed else "rankdir=LR, nodesep=0.4, ranksep=0.5"
    lines = [
        "digraph rnn {",
        f'  graph [label={_quote(heading(diagram))}, labelloc=t, fontname="monospace", {engine}];',
        '  node [shape=box, fontname="monospace", fontsize=11, margin="0.08,0.03", height=0.3];',
        '  edge [fontname="monospace", fontsize=9];',
    ]
    for name, label, ids, direction in groups(diagram):
        at = f"pos={_quote(_pin((fixed['captions'][0], fixed[ids[0]][1])))}"
        lines.append(
            f"  {name} [label={_quote(label)}, shape=plaintext, fontsize=9, fontcolor={_quote(LIGHT[direction])}, {at}];"
        )
    lines += [f"  {_node(diagram, node, fixed.get(node.id))}" for node in nodes]
    lines += [f"  {_edge(diagram, edge)}" for edge in diagram.edges if edge.source in known and edge.target in known]
    return "\n".join([*lines, "}"]) + "\n"


def _positions(diagram: Diagram) -> dict[str, Point]:
    """The middle of each node in our own layout, with y upwards; ``captions`` is where the weights are written."""
    scene = layout(diagram, PIXELS)
    middles = {box.node: (box.middle[0], -box.middle[1]) for box in scene.boxes if box.node}
    rows: dict[str, float] = {}
    columns: dict[int | None, float] = {}
    for name, (x, y) in middles.items():
        node = diagram.nodes[name]
        rows[name.rpartition("_")[0]] = y
        if node.kind == "input":
            columns[node.step] = x
    where = diagram.steps.index(None) if None in diagram.steps else 0
    gap = [columns[step] for step in diagram.steps[max(where - 1, 0) : where + 2] if step in columns]
    for name, node in diagram.nodes.items():
        if node.kind == "more_steps":
            right = sum(gap) / 2 if len(gap) == 2 else gap[0] + 160  # points: about one step further
            middles[name] = (right, rows[name.rpartition("_")[0]])
        elif node.kind == "more_layers":
            below = [middles[e.source][1] for e in diagram.edges if e.target == name]
            above = [middles[e.target][1] for e in diagram.edges if e.source == name and e.target in middles]
            middles[name] = (columns[node.step], (max(below, default=0) + min(above, default=0)) / 2)
    middles["captions"] = (min(x for x, _ in middles.values()) - 260, 0)  # points: as wide as a caption
    return middles


def _pin(point: Point) -> str:
    return f"{point[0]:.0f},{point[1]:.0f}!"


def _quote(text: str) -> str:
    escaped = text.replace("\\", "\\\\").replace('"', '\\"').replace("\n", "\\n")
    return f'"{escaped}"'


def _node(diagram: Diagram, node: Node, at: Point | None) -> str:
    attributes = [f"label={_quote(chr(10).join(node_lines(diagram, node)))}"]
    if node.kind in _SHAPES:
        attributes.append(f"shape={_SHAPES[node.kind]}")
    if node.direction and node.kind == "cell":
        attributes.append(f'color="{LIGHT[node.direction]}"')
    if at is not None:
        attributes.append(f"pos={_quote(_pin(at))}")
    if node.empty or (node.direction == "reverse" and node.kind == "cell"):
        attributes.append("style=dashed")
    return f"{node.id} [{', '.join(attributes)}];"


def _edge(diagram: Diagram, edge: Edge) -> str:
    attributes = []
    label = edge_words(diagram, edge)
    if label:
        attributes.append(f"label={_quote(label)}")
    if edge.direction:
        attributes.append(f'color="{LIGHT[edge.direction]}"')
    if edge.direction == "reverse":
        attributes.append("style=dashed, arrowhead=empty")
    if edge.kind == "c":
        attributes.append("penwidth=2.5")
    return f"{edge.source} -> {edge.target} [{', '.join(attributes)}];"
