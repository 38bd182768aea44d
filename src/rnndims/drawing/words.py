"""The words of nodes and edges that Graphviz and Mermaid share, and those of captions."""

from ..diagrams import Diagram, Edge, LinearPart, Node
from ..phrases import shape_text
from .scene import UNICODE, Glyphs


def node_lines(diagram: Diagram, node: Node) -> list[str]:
    """The lines in a node: its name, its shape, its products, and the part of ``output`` with its numbers."""
    g = UNICODE
    if node.kind in ("more_steps", "more_layers"):
        return [f"{g.more} {node.count} more {g.more}"]
    if node.kind == "op":
        return [g.operation(node.name)]
    if node.kind == "cell":
        return [
            node.name if node.direction is None else f"{node.name} {g.forward if node.direction == 'forward' else g.reverse}"
        ]
    if node.kind == "concat":
        width = diagram.config.H_out
        lines = ["concat", f"{g.forward} {width} + {g.reverse} {width} = {2 * width}"]
    elif node.kind in ("gate", "linear", "projection"):
        named = node.kind == "gate"
        lines = [*([f"{node.name} = {g.text(node.activation or '')}(...)"] if named else []), *map(_term, node.parts)]
    else:
        lines = [g.text(node.name)]
    if node.empty:
        return [*lines, "padding"]
    if node.kind == "state" and node.shape is not None:
        lines = [f"{lines[0]} {shape_text(node.shape)}"]
    elif node.shape is not None:
        lines.append(shape_text(node.shape))
    if node.in_output and node.kind == "state":
        lines.append(f"= {node.in_output}")
    return lines + _lasting(diagram, node) if node.kind == "input" else lines


def _lasting(diagram: Diagram, node: Node) -> list[str]:
    """Which sequences of a packed batch have this step and which have ended; nothing if all are equally long."""
    if node.step is None or len({sequence.length for sequence in diagram.sequences if not sequence.count}) < 2:
        return []
    more = any(sequence.count for sequence in diagram.sequences)
    shown = [sequence for sequence in diagram.sequences if not sequence.count]
    column = diagram.steps.index(node.step)
    lines = []
    for said, wanted in (("has", True), ("ended", False)):
        names = [f"n={sequence.index}" for sequence in shown if sequence.filled[column] is wanted]
        if names:
            lines.append(f"{said} {', '.join([*names, *([UNICODE.more] if more else [])])}")
    return lines


def _term(term: LinearPart) -> str:
    text = f"{term.product} {shape_text(term.shape[::-1])}"
    return UNICODE.text(text if term.bias is None else f"{text} + {term.bias} {shape_text(term.bias_shape)}")


def edge_words(diagram: Diagram, edge: Edge) -> str:
    """The words beside an arrow: the shape, with the letter of a state; nothing if a node at one of its ends says it."""
    node = diagram.nodes[edge.source]
    if edge.shape is None or (node.kind not in ("cell", "op") if edge.kind not in ("h", "c") else node.kind == "state"):
        return ""
    target = diagram.nodes[edge.target]
    if target.kind in ("concat", "state"):
        return ""
    if node.kind == "cell" and target.kind == "output" and target.shape == edge.shape:
        return ""
    return f"{edge.kind} {shape_text(edge.shape)}" if edge.kind in ("h", "c") else shape_text(edge.shape)


def groups(diagram: Diagram) -> list[tuple[str, str, list[str], str]]:
    """The rows of cells that share their weights: id, heading, node ids, direction."""
    rows: list[tuple[str, str, list[str], str]] = []
    for number, set_ in enumerate(diagram.weights):
        arrow = UNICODE.forward if set_.direction == "forward" else UNICODE.reverse
        lines = [f"layer {set_.layer} {set_.direction} {arrow}, one cell for all steps", reads(diagram, set_.layer, UNICODE)]
        lines += weight_lines(set_.parameters)
        nodes = [
            node.id
            for node in diagram.nodes.values()
            if (node.layer, node.direction) == (set_.layer, set_.direction)
            and node.kind in ("cell", "more_steps")
            and not node.empty
        ]
        rows.append((f"group_{number}", "\n".join(lines), nodes, set_.direction))
    return rows


def drawn(diagram: Diagram) -> list[Node]:
    """The nodes that stand for something: not the cells of steps at which every sequence has ended."""
    return [node for node in diagram.nodes.values() if not node.empty or node.kind == "input"]


def heading(diagram: Diagram) -> str:
    """The title, and the notes in a second line."""
    notes = [UNICODE.text(note) for note in diagram.notes]
    return "\n".join([diagram.title, *notes]) if notes else diagram.title


def reads(diagram: Diagram, layer: int, g: Glyphs) -> str:
    """What a layer reads, and its width: ``reads input, H_in = 4``, ``reads layer 0, D·H_out = 2·2 = 4``."""
    config = diagram.config
    if layer == 0:
        return f"reads input, H_in = {config.input_size}"
    width = config.layer_input_size(layer)
    product = g.text(f"D·H_out = {config.D}·{config.H_out} = {width}") if config.bidirectional else f"H_out = {width}"
    return f"reads layer {layer - 1}, {product}"


def weight_lines(parameters: dict[str, tuple[int, ...]]) -> list[str]:
    """One line for each weight, both biases on one: ``weight_ih_l0 (8, 4)``, ``bias_ih_l0, bias_hh_l0 (8,)``."""
    biases = [name for name in parameters if name.startswith("bias")]
    lines = [f"{name} {shape_text(shape)}" for name, shape in parameters.items() if name not in biases]
    if biases:
        lines.insert(2, f"{', '.join(biases)} {shape_text(parameters[biases[0]])}")
    return lines
