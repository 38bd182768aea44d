"""A diagram in the language of Mermaid, as GitHub and many notebooks draw it."""

from typing import Final

from ..diagrams import Diagram, Edge, Node
from .svg import LIGHT
from .words import drawn, edge_words, groups, heading, node_lines

_FRAMES: Final = {"state": ("([", "])"), "op": ("((", "))"), "concat": ("[/", "\\]")}
"""Mermaid's brackets for each kind of node: ``x(["h_0[0]"])``; all others are ``x["x_0"]``."""


def render_mermaid(diagram: Diagram) -> str:
    """The diagram as one ``flowchart``: from left to right, but from bottom to top for an unrolled network of two directions.

    Mermaid arranges the nodes itself: it accepts no coordinates, and no direction for a group that has links to other groups.
    """
    nodes = drawn(diagram)
    known = {node.id: node for node in nodes}
    title = _escape(heading(diagram).partition("\n")[0])
    both = diagram.view == "unrolled" and diagram.config.bidirectional
    lines = ["---", f'title: "{title}"', "---", f"flowchart {'BT' if both else 'LR'}"]
    inside: set[str] = set()
    for name, label, ids, _ in groups(diagram):
        title, *weights = label.split("\n")
        lines += [f'  subgraph {name}["{_label([title])}"]', f'    {name}_weights["{_label(weights)}"]']
        lines += [f"    {_node(diagram, known[node])}" for node in ids]
        lines += ["  end"]
        inside.update(ids)
    lines += [f"  {_node(diagram, node)}" for node in nodes if node.id not in inside]
    edges = [edge for edge in diagram.edges if edge.source in known and edge.target in known]
    lines += [f"  {_edge(diagram, edge)}" for edge in edges]
    for direction in ("forward", "reverse"):
        dash = ",stroke-dasharray:6 3" if direction == "reverse" else ""
        lines.append(f"  classDef {direction} stroke:{LIGHT[direction]},stroke-width:2px{dash}")
        cells = [node.id for node in nodes if node.kind == "cell" and node.direction == direction]
        if cells:
            lines.append(f"  class {','.join(cells)} {direction}")
        numbers = [str(number) for number, edge in enumerate(edges) if edge.direction == direction]
        if numbers:
            lines.append(f"  linkStyle {','.join(numbers)} stroke:{LIGHT[direction]}")
    return "\n".join(lines) + "\n"


def _escape(text: str) -> str:
    text = text.replace("#", "\0").replace(";", "#59;").replace("\0", "#35;")
    for char, name in (("&", "#amp;"), ('"', "#quot;"), ("<", "#lt;"), (">", "#gt;"), ("`", "#96;")):
        text = text.replace(char, name)
    return text


def _label(lines: list[str]) -> str:
    return "<br/>".join(_escape(line) for line in lines)


def _node(diagram: Diagram, node: Node) -> str:
    start, end = _FRAMES.get(node.kind, ("[", "]"))
    return f'{node.id}{start}"{_label(node_lines(diagram, node))}"{end}'


def _edge(diagram: Diagram, edge: Edge) -> str:
    label = _escape(edge_words(diagram, edge))
    arrow = {"reverse": "-.->"}.get(edge.direction or "", "==>" if edge.kind == "c" else "-->")
    return f'{edge.source} {arrow}|"{label}"| {edge.target}' if label else f"{edge.source} {arrow} {edge.target}"
