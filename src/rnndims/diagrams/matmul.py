"""One step as matrix products: ``x_t`` times ``W_ihᵀ`` plus ``h_(t-1)`` times ``W_hhᵀ``, and the same as one product."""

from ..config import DataConfig, RNNConfig
from ..constructor import format_constructor
from ..phrases import plural, shape_text
from ..shapes import Shape, gate_rows
from .diagram_model import Diagram, Edge, Node


def matmul(config: RNNConfig, data: DataConfig, layer: int = 0) -> Diagram:
    """The step of one cell as blocks: batch rows, features or gate columns.

    Nodes: ``x`` (N, H_in), ``w_ih`` (H_in, G*H_cell), ``h`` (N, H_out), ``w_hh`` (H_out, G*H_cell), ``bias`` (G*H_cell,),
    ``gates`` (N, G*H_cell); for a GRU ``bias_ih``, ``bias_hh``, ``gates_x`` and ``gates_h`` instead. Then ``joined``
    (N, H_in + H_out), ``w_joined`` (H_in + H_out, columns), ``bias_joined`` and ``gates_joined``. A GRU's ``n`` cannot be
    joined, because ``r`` scales its recurrent part alone: its joined product has the columns of ``r`` and ``z``. An
    unbatched step has one row.
    """
    rows, width, h_out = _rows(data), config.layer_input_size(layer), config.H_out
    columns = config.G * config.hidden_size
    gates = gate_rows(config)
    nodes: dict[str, Node] = {}

    def add(name: str, label: str, shape: Shape, *, split: bool = False, kind: str = "matrix") -> None:
        own = {gate: span for gate, span in gates.items() if span[1] <= shape[-1]} if split else {}
        nodes[name] = Node(name, kind, label, shape, layer, gates=own)  # type: ignore[arg-type]

    add("x", "x_t", (rows, width))
    add("w_ih", "W_ih^T", (width, columns), split=True)
    add("h", "h_(t-1)", (rows, h_out))
    add("w_hh", "W_hh^T", (h_out, columns), split=True)
    apart = config.cell == "gru"
    if config.bias:
        for name, label in (("bias_ih", "b_ih"), ("bias_hh", "b_hh")) if apart else (("bias", "b_ih + b_hh"),):
            add(name, label, (columns,), split=True)
    result = f"before {config.nonlinearity}" if config.cell == "rnn" else "gates"
    joined = columns - config.hidden_size if apart else columns
    if not apart:
        add("gates", result, (rows, columns), split=True)
    else:
        add("gates_x", "from x_t", (rows, columns), split=True)
        add("gates_h", "from h_(t-1)", (rows, columns), split=True)
    add("joined", "[x_t, h_(t-1)]", (rows, width + h_out))
    add("w_joined", "[W_ih, W_hh]^T", (width + h_out, joined), split=True)
    if config.bias:
        add("bias_joined", "b_ih + b_hh", (joined,), split=True)
    add("gates_joined", result, (rows, joined), split=True)
    edges = [Edge(source, target, "flow", nodes[source].shape) for source, target in _pairs(config)]
    notes = []
    if config.cell == "gru":
        notes.append("n stays apart: r scales W_hn h_(t-1) + b_hn alone, so only r and z can be one product")
    hidden = (h_out,) if data.batch_size is None else (rows, h_out)
    notes.append(f"afterwards: {_afterwards(config)}; h_t {shape_text(hidden)}")
    if rows == 0:
        notes.append("the batch is empty: blocks of (0, ...) have no rows")
    if data.batch_size is None:
        notes.append("unbatched: one row")
    where = "" if config.is_cell or config.num_layers == 1 else f", layer {layer}"
    return Diagram(
        "matmul",
        config,
        data,
        f"one step of {format_constructor(config)}{where} as matrix products",
        f"{plural(rows, 'batch row')}, {plural(columns, 'gate column')}: x_t {shape_text((rows, width))} times W_ih transposed "
        f"{shape_text((width, columns))} plus h_(t-1) {shape_text((rows, h_out))} times W_hh transposed "
        f"{shape_text((h_out, columns))} gives {shape_text((rows, columns))}; the blocks are drawn to scale.",
        nodes,
        tuple(edges),
        notes=tuple(notes),
    )


def _afterwards(config: RNNConfig) -> str:
    """What the cell makes of the products, after the equations in PyTorch's documentation."""
    if config.cell == "rnn":
        return f"h_t = {config.nonlinearity} of this"
    if config.cell == "gru":
        return (
            "r and z are sigmoid of the sum of their columns, n = tanh((n from x_t) + r * (n from h_(t-1))); "
            "h_t = (1 - z) * n + z * h_(t-1)"
        )
    gates = "sigmoid of columns i, f, o and tanh of g; c_t = f * c_(t-1) + i * g; "
    if not config.proj_size:
        return gates + "h_t = o * tanh(c_t)"
    return f"{gates}h_t = (o * tanh(c_t)) W_hr^T, where {config.hidden_size} columns become {config.proj_size}"


def _rows(data: DataConfig) -> int:
    return 1 if data.batch_size is None else data.batch_size


def _pairs(config: RNNConfig) -> list[tuple[str, str]]:
    pairs = []
    into = ("gates_x", "gates_h") if config.cell == "gru" else ("gates", "gates")
    for operand, weight, target in (("x", "w_ih", into[0]), ("h", "w_hh", into[1])):
        pairs += [(operand, target), (weight, target)]
    pairs += [("joined", "gates_joined"), ("w_joined", "gates_joined")]
    if config.bias:
        biases = ("bias_ih", "bias_hh") if config.cell == "gru" else ("bias",)
        pairs += [*zip(biases, into, strict=False), ("bias_joined", "gates_joined")]
    return pairs
