"""The inside of one cell as data: nodes and arrows that follow from the equations in its definition."""

from ..cells.definition import Expression, Linear, Operation, Symbol, joined_gate, plain_gate
from ..config import DataConfig, RNNConfig
from ..constructor import format_constructor
from ..phrases import plural
from ..shapes import Shape, gate_rows
from ..weight_names import suffix
from .diagram_model import Diagram, Edge, LinearPart, Node
from .formulas import Formulas


def cell_graph(config: RNNConfig, data: DataConfig, layer: int = 0) -> Diagram:
    """One cell of layer ``layer``: its gates with weights and shapes, and the flow from ``x_t`` and the states to the next.

    Shapes: ``x_t`` (N, H_in), or (N, D*H_out) above the first layer; ``h`` (N, H_out); gates and other states (N, H_cell).
    Node ids: ``x``, ``h_prev``, ``h_next``; a gate's letter, or ``n_x`` and ``n_h`` for its two products if they are not only
    added, ``n_sum`` for their sum if more follows than a function; an operation's id in the definition, or its
    name with a number (``mul_1``).
    """
    builder = _Builder(config, data, layer)
    builder.build()
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
    cell, formulas = config.definition, Formulas(config)
    shown = [name for name, part in cell.equations.items() if name in cell.states or plain_gate(part) is None]
    equations = "; ".join(formulas.equation(name) for name in shown)
    return Diagram(
        "cell",
        config,
        data,
        f"one cell of {format_constructor(config)}{where}",
        f"One step of one cell{reverse}: {equations}. The batch has {plural(data.batch_size, 'row')}."
        if data.batch_size is not None
        else f"One step of one cell{reverse}: {equations}.",
        builder.nodes,
        tuple(builder.edges),
        notes=tuple(notes),
    )


class _Builder:
    def __init__(self, config: RNNConfig, data: DataConfig, layer: int) -> None:
        self.config, self.cell, self.layer, self.formulas = config, config.definition, layer, Formulas(config)
        self.lead: Shape = () if data.batch_size is None else (data.batch_size,)
        self.width = config.layer_input_size(layer)
        self.ends = suffix(None if config.is_cell else layer)
        self.nodes: dict[str, Node] = {}
        self.edges: list[Edge] = []
        self.results: dict[str, str] = {}
        """The id of the node that computes each value and new state."""
        self._visited: dict[Expression, str] = {}

    def build(self) -> None:
        self._add(Node("x", "input", "x_t", (*self.lead, self.width), self.layer))
        for state in self.cell.states:
            self._add(Node(f"{state}_prev", "state", f"{state}_(t-1)", self._shape(state), self.layer))
        for name, expression in self.cell.equations.items():
            self.results[name] = self._visit(expression, "" if name in self.cell.states else name)
        for state in self.cell.new_states:
            node = self._add(Node(f"{state}_next", "state", f"{state}_t", self._shape(state), self.layer))
            self._flow(self.results[state], node)
        carries = {name: state for state in self.cell.states for name in self._carriers(state)}
        self.edges = [edge._replace(kind=self._kind(edge, carries)) for edge in self.edges]

    def _shape(self, state: str) -> Shape:
        return (*self.lead, self.config.H_out if state == "h" else self.config.hidden_size)

    def _add(self, node: Node) -> str:
        self.nodes[node.id] = node
        return node.id

    def _flow(self, source: str, target: str) -> None:
        self.edges.append(Edge(source, target, "flow", self.nodes[source].shape))

    def _visit(self, part: Expression, value: str = "") -> str:
        """The id of the node that computes ``part``; ``value`` is the name of the value whose equation it is, if it is one."""
        if part not in self._visited:
            self._visited[part] = self._make(part, value)
        return self._visited[part]

    def _make(self, part: Expression, value: str) -> str:
        gate = plain_gate(part)
        if isinstance(part, Symbol):
            return {"input": "x", "previous": f"{part.name}_prev"}.get(part.kind) or self.results[part.name]
        if isinstance(part, Linear):
            return self._linears(f"{part.gate}_{'x' if part.side == 'input' else 'h'}", part.gate, (part,))
        if not isinstance(part, Operation):
            raise TypeError(f"{type(part).__name__} is no expression")
        if gate is not None:
            (products,) = part.operands
            return self._linears(gate, gate, _linears_of(products), self.formulas.function(part.name))
        joined = joined_gate(part)
        if joined is not None:
            return self._linears(f"{joined}_sum", joined, _linears_of(part))
        if part.name == "project":
            return self._projection(part.operands[0])
        sources = [self._visit(operand) for operand in part.operands]
        name = part.node or value or f"{part.name}_1"
        while name in self.nodes:
            name = f"{part.name}_{1 + sum(node.startswith(f'{part.name}_') for node in self.nodes)}"
        shape = (*self.lead, self.config.hidden_size)
        self._add(Node(name, "op", self.formulas.function(part.name), shape, value=value or None))
        for source in sources:
            self._flow(source, name)
        return name

    def _linears(self, name: str, gate: str, linears: tuple[Linear, ...], activation: str | None = None) -> str:
        """A node of products with the weights of one gate: the whole gate if there is an ``activation``."""
        sources = [self._visit(linear.operand) for linear in linears]
        parts = tuple(self._part(linear) for linear in linears)
        kind = "linear" if activation is None else "gate"
        shape = (*self.lead, self.config.hidden_size)
        self._add(Node(name, kind, gate, shape, self.layer, parts=parts, activation=activation))  # type: ignore[arg-type]
        for source in sources:
            self._flow(source, name)
        return name

    def _part(self, linear: Linear) -> LinearPart:
        config = self.config
        shape = (config.hidden_size, self.width if linear.side == "input" else config.H_out)
        operand = " ".join(self.formulas.operand(linear.operand)).replace("( ", "(").replace(" )", ")")
        bias = linear.bias if config.bias else None
        rows = gate_rows(config)[linear.gate]
        return LinearPart(linear.weight, shape, operand, bias, (config.hidden_size,), linear.parameter + self.ends, rows)

    def _projection(self, operand: Expression) -> str:
        source, config = self._visit(operand), self.config
        if not config.proj_size:
            return source
        shape, rows = (config.proj_size, config.hidden_size), (0, config.proj_size)
        part = LinearPart("W_hr", shape, self.formulas.text(operand), None, (), f"weight_hr{self.ends}", rows)
        self._add(Node("projection", "projection", "W_hr", self._shape("h"), self.layer, parts=(part,)))
        self._flow(source, "projection")
        return "projection"

    # -- what the arrows carry

    def _carriers(self, state: str) -> set[str]:
        """The sums and products on the way from a state to the same state after the step."""
        ways = []
        for start, along in ((f"{state}_prev", ("source", "target")), (f"{state}_next", ("target", "source"))):
            reached, ahead = set[str](), [start]
            while ahead:
                here = ahead.pop()
                for edge in self.edges:
                    there = getattr(edge, along[1])
                    if getattr(edge, along[0]) == here and self.nodes[there].name in ("mul", "add") and there not in reached:
                        reached.add(there)
                        ahead.append(there)
            ways.append(reached)
        return ways[0] & ways[1]

    def _kind(self, edge: Edge, carries: dict[str, str]) -> str:
        if edge.source == "x":
            return "x"
        for end, other in ((edge.source, "_prev"), (edge.target, "_next")):
            if end.endswith(other):
                return end.removesuffix(other)
        state = carries.get(edge.source)
        return state if state is not None and state == carries.get(edge.target) else "flow"


def _linears_of(products: Expression) -> tuple[Linear, ...]:
    """The products in the sum of a joined gate, that of the input first."""
    operands = products.operands if isinstance(products, Operation) else ()
    linears = [part for part in operands if isinstance(part, Linear)]
    return tuple(sorted(linears, key=lambda linear: linear.side != "input"))
