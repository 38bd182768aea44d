"""The inside of a cell where it is narrow: its equations in boxes from top to bottom, gates in their order in the weights."""

from ..diagrams import Diagram, Node, Term
from ..phrases import shape_text
from .scene import Arrow, Box, Metrics, Scene, Tone


def stack_cell(diagram: Diagram, m: Metrics, detail: int = 3) -> Scene:
    """The cell of ``diagram`` as a column of boxes; from ``detail`` 4 on, with every shape on a line of its own."""
    g, nodes = m.glyphs, diagram.nodes
    blocks: list[tuple[list[str], Tone]] = []
    inputs = [nodes[name] for name in ("x", "h_prev", "c_prev") if name in nodes]
    blocks.append(([f"{node.name} {shape_text(node.shape or ())}" for node in inputs], "data"))
    gates = sorted((node for node in nodes.values() if node.kind == "gate"), key=lambda node: node.terms[0].rows)
    blocks += [(_gate_lines(node, detail, node.name == "h"), "gate") for node in gates]
    blocks += [(lines, "output") for lines in _result_lines(diagram)]
    scene, y, last = Scene(), 0.0, None
    texts = [[g.text(line) for line in lines] for lines, _ in blocks]
    inner = max(len(line) for lines in texts for line in lines)
    width = m.box_width(" " * inner)
    for number, (lines, (_, tone)) in enumerate(zip(texts, blocks, strict=True)):
        joined = last == tone == "gate"  # the gates are computed side by side, so their boxes touch
        if number and not joined:
            y += 2
            scene.arrows.append(Arrow(((width / 2, y - 2), (width / 2, y)), "data", "flow"))
        height = m.box_height(len(lines))
        scene.add(Box(0, y, width, height, tuple(line.ljust(inner) for line in lines), tone))
        y, last = y + height, tone
    scene.width, scene.height = width + 1, y + 1
    return scene


def _gate_lines(node: Node, detail: int, is_state: bool) -> list[str]:
    name = "h_t" if is_state else node.name
    first, second = node.terms
    lines = [f"{name} = {node.activation}({_sum(first)}", f"      + {_sum(second)})"]
    return lines + _shapes(node.terms, detail)


def _sum(term: Term) -> str:
    return f"{term.weight} {term.operand}" + (f" + {term.bias}" if term.bias else "")


def _shapes(terms: tuple[Term, ...], detail: int) -> list[str]:
    weights = [f"{term.weight} {shape_text(term.shape)}" for term in terms]
    biases = [term.bias for term in terms if term.bias]
    end = [f"{', '.join(biases)} {shape_text(terms[0].bias_shape)}"] if biases else []
    return [*(weights if detail > 3 else [", ".join(weights)]), *end]


def _result_lines(diagram: Diagram) -> list[list[str]]:
    nodes = diagram.nodes
    state, hidden = shape_text(nodes["h_prev"].shape or ()), shape_text(nodes["h_next"].shape or ())
    if diagram.config.cell == "rnn":
        return [[f"h_t {hidden}"]]
    if diagram.config.cell == "gru":
        x, h = nodes["n_x"].terms[0], nodes["n_h"].terms[0]
        lines = [f"n = tanh({_sum(x)}", f"      + r * ({_sum(h)}))"]
        return [lines + _shapes((x, h), 4), ["h_t = (1 - z) * n + z * h_(t-1)", f"h_t {state}"]]
    found = [["c_t = f * c_(t-1) + i * g", f"c_t {shape_text(nodes['c_next'].shape or ())}"]]
    if "projection" in nodes:
        term = nodes["projection"].terms[0]
        return [*found, ["h_t = W_hr (o * tanh(c_t))", f"W_hr {shape_text(term.shape)}", f"h_t {hidden}"]]
    return [*found, ["h_t = o * tanh(c_t)", f"h_t {hidden}"]]
