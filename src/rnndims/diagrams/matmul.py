"""One step as matrix products: ``x_t`` times ``W_ihᵀ`` plus ``h_(t-1)`` times ``W_hhᵀ``, and the same as one product."""

from collections.abc import Sequence

from ..cells.definition import Expression, Linear, Operation, Symbol, plain_gate
from ..config import DataConfig, RNNConfig
from ..constructor import format_constructor
from ..phrases import plural, shape_text
from ..shapes import Shape
from .diagram_model import Diagram, Edge, Node
from .formulas import Formulas


def matmul(config: RNNConfig, data: DataConfig, layer: int = 0) -> Diagram:
    """The step of one cell as blocks: batch rows, features or gate columns.

    Nodes: ``x`` (N, H_in), ``w_ih`` (H_in, G*H_cell), ``h`` (N, H_out), ``w_hh`` (H_out, G*H_cell), ``bias`` (G*H_cell,),
    ``gates`` (N, G*H_cell). Where the two products of a gate are not only added, ``bias_ih``, ``bias_hh``, ``gates_x`` and
    ``gates_h`` instead. A product with something other than ``x`` and ``h`` has blocks of its own: ``value_n`` (N, H_out),
    ``w_n`` (H_out, H_cell), ``bias_n`` and ``gates_n``, and no columns in ``w_hh``. Then, for the gates that can be joined,
    ``joined`` (N, H_in + H_out), ``w_joined`` (H_in + H_out, columns), ``bias_joined`` and ``gates_joined``. An unbatched
    step has one row.
    """
    blocks = _Blocks(config, data, layer)
    rows, width, h_out, columns = blocks.rows, blocks.width, config.H_out, config.G * config.hidden_size
    formulas, cell = Formulas(config), config.definition
    notes = [_why_apart(config, gate) for gate in cell.gates if gate not in cell.joined_gates]
    hidden = (h_out,) if data.batch_size is None else (rows, h_out)
    notes.append(f"afterwards: {_afterwards(config)}; h_t {shape_text(hidden)}")
    if rows == 0:
        notes.append("the batch is empty: blocks of (0, ...) have no rows")
    if data.batch_size is None:
        notes.append("unbatched: one row")
    where = "" if config.is_cell or config.num_layers == 1 else f", layer {layer}"
    own = "".join(f"; {linear.weight} is multiplied by {formulas.text(linear.operand)}" for linear in blocks.own)
    return Diagram(
        "matmul",
        config,
        data,
        f"one step of {format_constructor(config)}{where} as matrix products",
        f"{plural(rows, 'batch row')}, {plural(columns, 'gate column')}: x_t {shape_text((rows, width))} times W_ih transposed "
        f"{shape_text((width, columns))} plus h_(t-1) {shape_text((rows, h_out))} times W_hh transposed "
        f"{shape_text((h_out, columns))} gives {shape_text((rows, columns))}{own}; the blocks are drawn to scale.",
        blocks.nodes,
        tuple(blocks.edges),
        notes=tuple(notes),
    )


class _Blocks:
    """The blocks of one step and the arrows from factors to products."""

    def __init__(self, config: RNNConfig, data: DataConfig, layer: int) -> None:
        self.config, self.layer, cell = config, layer, config.definition
        self.rows = 1 if data.batch_size is None else data.batch_size
        self.width = config.layer_input_size(layer)
        self.nodes: dict[str, Node] = {}
        self.edges: list[Edge] = []
        self.own = [linear for linear in cell.linears if not isinstance(linear.operand, Symbol)]
        self._separate()
        if cell.joined_gates:
            self._joined()

    def _add(self, name: str, label: str, shape: Shape, gates: Sequence[str] = ()) -> None:
        size = self.config.hidden_size
        own = {gate: (number * size, (number + 1) * size) for number, gate in enumerate(gates)}
        self.nodes[name] = Node(name, "matrix", label, shape, self.layer, gates=own)

    def _product(self, target: str, *sources: str) -> None:
        for source in sources:
            if source in self.nodes:
                self.edges.append(Edge(source, target, "flow", self.nodes[source].shape))

    def _bias(self, name: str, label: str, gates: Sequence[str]) -> None:
        if self.config.bias:
            self._add(name, label, (len(gates) * self.config.hidden_size,), gates)

    def _separate(self) -> None:
        config, cell, rows = self.config, self.config.definition, self.rows
        gates, size = tuple(cell.gates), config.hidden_size
        hidden = tuple(gate for gate in gates if gate not in {linear.gate for linear in self.own})
        self._add("x", "x_t", (rows, self.width))
        self._add("w_ih", "W_ih^T", (self.width, len(gates) * size), gates)
        if hidden:
            self._add("h", "h_(t-1)", (rows, config.H_out))
            self._add("w_hh", _label("W_h", hidden, gates) + "^T", (config.H_out, len(hidden) * size), hidden)
        if cell.is_one_product:
            self._bias("bias", "b_ih + b_hh", gates)
            self._add("gates", self._result(), (rows, len(gates) * size), gates)
            self._product("gates", "x", "w_ih", "h", "w_hh", "bias")
            return
        self._bias("bias_ih", "b_ih", gates)
        if hidden:
            self._bias("bias_hh", _label("b_h", hidden, gates), hidden)
        self._add("gates_x", "from x_t", (rows, len(gates) * size), gates)
        self._product("gates_x", "x", "w_ih", "bias_ih")
        if hidden:
            self._add("gates_h", "from h_(t-1)", (rows, len(hidden) * size), hidden)
            self._product("gates_h", "h", "w_hh", "bias_hh")
        for linear in self.own:
            self._own(linear)

    def _own(self, linear: Linear) -> None:
        config, gate = self.config, linear.gate
        operand = Formulas(config).text(linear.operand)
        self._add(f"value_{gate}", operand, (self.rows, config.H_out))
        self._add(f"w_{gate}", f"{linear.weight}^T", (config.H_out, config.hidden_size), (gate,))
        self._bias(f"bias_{gate}", linear.bias, (gate,))
        self._add(f"gates_{gate}", f"from {operand}", (self.rows, config.hidden_size), (gate,))
        self._product(f"gates_{gate}", f"value_{gate}", f"w_{gate}", f"bias_{gate}")

    def _joined(self) -> None:
        config, rows, width = self.config, self.rows, self.width + self.config.H_out
        gates = config.definition.joined_gates
        columns = len(gates) * config.hidden_size
        self._add("joined", "[x_t, h_(t-1)]", (rows, width))
        self._add("w_joined", "[W_ih, W_hh]^T", (width, columns), gates)
        self._bias("bias_joined", "b_ih + b_hh", gates)
        self._add("gates_joined", self._result(), (rows, columns), gates)
        self._product("gates_joined", "joined", "w_joined", "bias_joined")

    def _result(self) -> str:
        """What the sum of the products is called."""
        function = _only_function(self.config)
        return "gates" if function is None else f"before {function}"


def _label(letter: str, gates: Sequence[str], all_gates: Sequence[str]) -> str:
    """``W_hh`` for all gates, ``W_hf`` for one of them, ``[W_hr, W_hz]`` for some."""
    if gates == all_gates:
        return f"{letter}h"
    names = [f"{letter}{gate}" for gate in gates]
    return names[0] if len(names) == 1 else f"[{', '.join(names)}]"


def _only_function(config: RNNConfig) -> str | None:
    """The function that makes ``h_t`` of the products, if the cell does nothing else; else ``None``."""
    h = config.definition.new_states["h"]
    return Formulas(config).function(h.name) if isinstance(h, Operation) and plain_gate(h) is not None else None


def _why_apart(config: RNNConfig, gate: str) -> str:
    """Why a gate's products cannot be one product with those of the others."""
    cell, formulas = config.definition, Formulas(config)
    hidden = next(linear for linear in cell.linears if linear.gate == gate and linear.side == "hidden")
    factor = cell.factor(hidden)
    why = "its two products are not only added"
    if not isinstance(hidden.operand, Symbol):
        why = f"{hidden.weight} is multiplied by {formulas.text(hidden.operand)}"
    elif factor is not None:
        why = f"{factor.name} scales {formulas.text(hidden)} alone"
    if not cell.joined_gates:
        return f"{gate} stays apart: {why}"
    return f"{gate} stays apart: {why}, so only {_listed(cell.joined_gates)} can be one product"


class _AfterProducts(Formulas):
    """Equations after the products: ``n = tanh((n from x_t) + r * (n from h_(t-1)))``, ``h_t = (...) W_hr^T``."""

    def linear(self, linear: Linear) -> list[str]:
        return [f"({linear.gate} from {Formulas(self.config).text(linear.operand)})"]

    def factor(self, expression: Expression) -> list[str]:
        return self.linear(expression) if isinstance(expression, Linear) else super().factor(expression)

    def projection(self, operand: Expression) -> list[str]:
        config = self.config
        if not config.proj_size:
            return self.write(operand)
        return [*self.operand(operand), "W_hr^T,", f"where {config.hidden_size} columns become {config.proj_size}"]


def _afterwards(config: RNNConfig) -> str:
    """What the cell does with the products: the rest of its equations."""
    cell, formulas = config.definition, _AfterProducts(config)
    function = _only_function(config)
    if function is not None:
        return f"h_t = {function} of this"
    functions: dict[str, list[str]] = {}
    for equation in cell.values.values():
        gate = plain_gate(equation)
        if gate is not None and isinstance(equation, Operation):
            functions.setdefault(formulas.function(equation.name), []).append(gate)
    values = [formulas.equation(name) for name, equation in cell.values.items() if plain_gate(equation) is None]
    if values:
        plain = [f"{_listed(gates)} {_is(gates)} {name} of the sum of {_their(gates)}" for name, gates in functions.items()]
        first = ", ".join([*plain, *values])
    else:
        names = [f"{name} of {'columns ' if len(gates) > 1 else ''}{', '.join(gates)}" for name, gates in functions.items()]
        first = " and ".join(names)
    return "; ".join([first, *(formulas.equation(state) for state in cell.new_states)])


def _listed(names: Sequence[str]) -> str:
    *others, last = names
    return f"{', '.join(others)} and {last}" if others else last


def _is(names: Sequence[str]) -> str:
    return "is" if len(names) == 1 else "are"


def _their(names: Sequence[str]) -> str:
    return "its columns" if len(names) == 1 else "their columns"
