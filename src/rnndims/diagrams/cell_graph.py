"""The inside of one cell as data, after the equations in the documentation of ``torch.nn.RNN``, ``LSTM`` and ``GRU``.

RNN: ``h' = tanh(W_ih x + b_ih + W_hh h + b_hh)``, or ``relu``.

LSTM: ``i, f, o = sigmoid(...)``, ``g = tanh(...)``, ``c' = f * c + i * g``, ``h' = o * tanh(c')``, and with a
projection ``h' = W_hr (o * tanh(c'))``.

GRU: ``r, z = sigmoid(...)``, ``n = tanh(W_in x + b_in + r * (W_hn h + b_hn))``, ``h' = (1 - z) * n + z * h``.
"""

from itertools import pairwise

from ..config import DataConfig, RNNConfig
from ..constructor import format_constructor
from ..phrases import plural
from ..shapes import Shape, gate_rows
from .diagram_model import Diagram, Edge, EdgeKind, Node, Term

EQUATIONS = {
    "rnn": "h_t = {a}(W_ih x_t + b_ih + W_hh h_(t-1) + b_hh)",
    "lstm": "c_t = f * c_(t-1) + i * g; h_t = o * tanh(c_t)",
    "gru": "n = tanh(W_in x_t + b_in + r * (W_hn h_(t-1) + b_hn)); h_t = (1 - z) * n + z * h_(t-1)",
}


def cell_graph(config: RNNConfig, data: DataConfig, layer: int = 0) -> Diagram:
    """One cell of layer ``layer``: its gates with weights and shapes, and the flow from ``x_t`` and the states to the next.

    Shapes: ``x_t`` (N, H_in), or (N, D*H_out) above the first layer; gates and ``c`` (N, H_cell); ``h`` (N, H_out).
    """
    builder = _Builder(config, data, layer)
    {"rnn": builder.rnn, "lstm": builder.lstm, "gru": builder.gru}[config.cell]()
    where = "" if config.is_cell or config.num_layers * config.D == 1 else f", layer {layer}"
    reverse = " (the reverse direction has weights of its own, of the same shapes)" if config.bidirectional else ""
    notes = []
    if config.bidirectional:
        notes.append("the reverse direction has weights of its own (..._reverse), of the same shapes")
    if config.num_layers > 1:
        width = config.D * config.H_out
        first = f"layer 0 reads x_t of {config.input_size}"
        notes.append(f"{first}; the layers above read {width}" + (" = 2*H_out" if config.bidirectional else ""))
    if not config.bias:
        notes.append("bias=False: no biases are added")
    equation = EQUATIONS[config.cell].format(a=config.nonlinearity)
    if config.proj_size:
        equation = equation.replace("o * tanh(c_t)", "W_hr (o * tanh(c_t))")
    return Diagram(
        "cell",
        config,
        data,
        f"one cell of {format_constructor(config)}{where}",
        f"One step of one cell{reverse}: {equation}. The batch has {plural(data.batch_size, 'row')}."
        if data.batch_size is not None
        else f"One step of one cell{reverse}: {equation}.",
        builder.nodes,
        tuple(builder.edges),
        notes=tuple(notes),
    )


class _Builder:
    def __init__(self, config: RNNConfig, data: DataConfig, layer: int) -> None:
        self.config, self.layer = config, layer
        self.lead: Shape = () if data.batch_size is None else (data.batch_size,)
        self.state = (*self.lead, config.hidden_size)
        self.hidden = (*self.lead, config.H_out)
        self.width = config.layer_input_size(layer)
        self.ends = "" if config.is_cell else f"_l{layer}"
        self.nodes: dict[str, Node] = {}
        self.edges: list[Edge] = []
        self.add(Node("x", "input", "x_t", (*self.lead, self.width), layer))
        self.add(Node("h_prev", "state", "h_(t-1)", self.hidden, layer))

    def add(self, node: Node) -> None:
        self.nodes[node.id] = node

    def op(self, name: str, operation: str) -> None:
        self.add(Node(name, "op", operation, self.state))

    def flow(self, *chain: str, kind: EdgeKind = "flow") -> None:
        for source, target in pairwise(chain):
            self.edges.append(Edge(source, target, kind, self.nodes[source].shape))

    def term(self, gate: str, operand: str) -> Term:
        letter = "i" if operand == "x_t" else "h"
        suffix = "h" if gate == "h" else gate
        width = self.width if operand == "x_t" else self.config.H_out
        size = self.config.hidden_size
        bias = f"b_{letter}{suffix}" if self.config.bias else None
        parameter = f"weight_{letter}h{self.ends}"
        return Term(f"W_{letter}{suffix}", (size, width), operand, bias, (size,), parameter, gate_rows(self.config)[gate])

    def gate(self, name: str, activation: str) -> None:
        terms = (self.term(name, "x_t"), self.term(name, "h_(t-1)"))
        self.add(Node(name, "gate", name, self.state, self.layer, terms=terms, activation=activation))
        self.flow("x", name, kind="x")
        self.flow("h_prev", name, kind="h")

    def rnn(self) -> None:
        self.gate("h", self.config.nonlinearity or "tanh")
        self.add(Node("h_next", "state", "h_t", self.hidden, self.layer))
        self.flow("h", "h_next", kind="h")

    def lstm(self) -> None:
        self.add(Node("c_prev", "state", "c_(t-1)", self.state, self.layer))
        for name in "figo":
            self.gate(name, "tanh" if name == "g" else "sigmoid")
        self.op("keep", "mul")
        self.op("write", "mul")
        self.op("sum", "add")
        self.op("squash", "tanh")
        self.op("show", "mul")
        self.add(Node("c_next", "state", "c_t", self.state, self.layer))
        self.add(Node("h_next", "state", "h_t", self.hidden, self.layer))
        self.flow("c_prev", "keep", "sum", "c_next", kind="c")
        self.flow("f", "keep")
        self.flow("i", "write")
        self.flow("g", "write", "sum")
        self.flow("sum", "squash", "show")
        self.flow("o", "show")
        if self.config.proj_size:
            shape = (self.config.proj_size, self.config.hidden_size)
            term = Term("W_hr", shape, "o * tanh(c_t)", None, (), f"weight_hr{self.ends}", (0, self.config.proj_size))
            self.add(Node("projection", "projection", "W_hr", self.hidden, self.layer, terms=(term,)))
            self.flow("show", "projection")
            self.flow("projection", "h_next", kind="h")
        else:
            self.flow("show", "h_next", kind="h")

    def gru(self) -> None:
        self.gate("z", "sigmoid")
        self.gate("r", "sigmoid")
        for name, operand, source in (("n_x", "x_t", "x"), ("n_h", "h_(t-1)", "h_prev")):
            self.add(Node(name, "linear", "n", self.state, self.layer, terms=(self.term("n", operand),)))
            self.flow(source, name, kind="x" if source == "x" else "h")
        self.op("reset", "mul")
        self.op("join", "add")
        self.add(Node("n", "op", "tanh", self.state, found_at="n"))
        self.op("rest", "one_minus")
        self.op("new", "mul")
        self.op("keep", "mul")
        self.op("sum", "add")
        self.add(Node("h_next", "state", "h_t", self.hidden, self.layer))
        self.flow("h_prev", "keep", "sum", "h_next", kind="h")
        self.flow("z", "keep")
        self.flow("z", "rest", "new", "sum")
        self.flow("n_x", "join", "n", "new")
        self.flow("n_h", "reset", "join")
        self.flow("r", "reset")
