"""The equations of one step of a cell, term by term, with the shape of each term."""

from typing import NamedTuple

from .cells.definition import Expression, Linear, Operation, Symbol, plain_gate, walk
from .cells.notation import Notation
from .config import DataConfig, RNNConfig
from .shapes import Shape, Weight


class Term(NamedTuple):
    """One piece of an equation: a tensor with its ``shape``, or an operator or function without one.

    ``transposed`` says that the tensor stands there transposed; ``shape`` is then that of the transposed tensor.
    """

    text: str
    shape: Shape | None = None
    transposed: bool = False


class Product(NamedTuple):
    """How a parameter is applied in one step: ``left`` is the operand's name, the shapes are those of ``left op right``.

    A weight is ``left @ weight.T``, a bias is added: then ``op`` is ``+``.
    """

    left: str
    op: str
    left_shape: Shape
    right_shape: Shape
    result: Shape


class Equation(NamedTuple):
    """``result = terms``, where the result is a tensor too."""

    result: Term
    terms: tuple[Term, ...]


def equations(config: RNNConfig, data: DataConfig) -> tuple[Equation, ...]:
    """What one step computes, in order: the gates and other values, then the new states (``c[t]``, ``h[t]``).

    Shapes: ``x[t]`` (N, H_in), ``h`` (N, H_out), other states and gates (N, H_cell), ``W_i*`` (H_cell, H_in), ``W_h*``
    (H_cell, H_out) and ``W_hr`` (proj_size, H_cell), all three transposed here, biases (H_cell,). Unbatched data has no N.
    """
    writer, cell = _Writer(config, data), config.definition
    return tuple(
        Equation(writer.symbol(Symbol("new" if name in cell.states else "value", name)), tuple(writer.write(expression)))
        for name, expression in cell.equations.items()
    )


def one_matmul(config: RNNConfig, data: DataConfig) -> Equation | None:
    """The gates of one step as a single matrix product of ``[x[t], h[t-1]]`` with the two weights side by side.

    Shapes: (N, H_in + H_out) @ (H_in + H_out, G*H_cell) -> (N, G*H_cell). The result is ``h[t]`` if that is a function of the
    product alone; else ``a_i|a_f|...``, the gates before their functions, which ``after_one_matmul`` applies. ``None`` where a
    product is not enough: ``why_not_one_matmul`` says why.
    """
    cell = config.definition
    if not cell.is_one_product:
        return None
    writer, rows, width = _Writer(config, data), config.G * config.hidden_size, config.input_size + config.H_out
    joined = Term(f"[{writer.x.text}, {writer.h.text}]", (*writer.lead, width))
    product = [joined, Term("@"), Term("[weight_ih | weight_hh]", (width, rows), transposed=True)]
    product += [Term("+"), Term("(bias_ih + bias_hh)", (rows,))] if config.bias else []
    h = cell.new_states["h"]
    if isinstance(h, Operation) and plain_gate(h) is not None:
        return Equation(Term("h[t]", (*writer.lead, rows)), (Term(f"{writer.function(h.name)}("), *product, Term(")")))
    return Equation(Term("|".join(f"a_{gate}" for gate in cell.gates), (*writer.lead, rows)), tuple(product))


def after_one_matmul(config: RNNConfig, data: DataConfig) -> tuple[Equation, ...]:
    """What turns the columns of ``one_matmul`` into the gates: ``i = sigmoid(a_i)``; the equations of the states follow.

    Shapes: all (N, H_cell). Empty where ``one_matmul`` gives ``h[t]``, or is ``None``.
    """
    cell, writer = config.definition, _Writer(config, data)
    if not cell.is_one_product or plain_gate(cell.new_states["h"]) is not None:
        return ()
    shape = (*writer.lead, config.hidden_size)
    named = {name: plain_gate(expression) for name, expression in cell.values.items()}
    functions = {name: writer.function(getattr(expression, "name", "")) for name, expression in cell.values.items()}
    return tuple(
        Equation(Term(name, shape), (Term(f"{functions[name]}("), Term(f"a_{gate}", shape), Term(")")))
        for name, gate in named.items()
        if gate is not None
    )


def applied(config: RNNConfig, weight: Weight, data: DataConfig) -> Product:
    """How a parameter is applied in one step of the whole batch: ``x_t @ W.T`` is (N, H_in) @ (H_in, G*H_cell).

    ``weight_ih`` above layer 0 multiplies the output of the layer below, both directions side by side; ``weight_hh`` the state
    before the step, which the reverse direction has from step t+1; ``weight_hr`` what the cell computes before the projection.
    """
    lead: Shape = () if data.batch_size is None else (data.batch_size,)
    kind = weight.name.split("_l", 1)[0].removesuffix("_reverse")
    operand = "x_t" if weight.layer == 0 else f"output_t of layer {weight.layer - 1}"
    if kind.endswith("_hh"):
        operand = "h_{t-1}" if weight.direction == "forward" else "h_{t+1}"
    elif kind.endswith("_hr"):
        operand = _before_projection(config)
    if len(weight.shape) == 1:
        left = f"{operand} @ {weight.name.replace('bias', 'weight')}.T"
        return Product(left, "+", (*lead, *weight.shape), weight.shape, (*lead, *weight.shape))
    rows, columns = weight.shape
    return Product(operand, "@", (*lead, columns), (columns, rows), (*lead, rows))


def _before_projection(config: RNNConfig) -> str:
    """What ``weight_hr`` multiplies: ``(o_t * tanh(c_t))``."""
    (operand,) = (
        part.operands[0]
        for part in walk(config.definition.new_states["h"])
        if isinstance(part, Operation) and part.name == "project"
    )
    return f"({_Plain(config.nonlinearity).text(operand)})"


def why_not_one_matmul(config: RNNConfig, data: DataConfig) -> str:
    """Why a step is not one matrix product; empty where it is one."""
    cell, writer = config.definition, _Writer(config, data)
    for linear in cell.linears:
        if linear.gate in cell.joined_gates or linear.side != "hidden":
            continue
        gate = linear.gate
        if not isinstance(linear.operand, Symbol):
            return (
                f"the hidden part of {gate} multiplies {writer.text(linear.operand)}: one product of "
                f"[{writer.x.text}, {writer.h.text}] would multiply {writer.h.text} alone"
            )
        factor = cell.factor(linear)
        if factor is not None:
            return (
                f"the {cell.gates.get(factor.name, factor.name)} multiplies only the hidden part of {gate}, "
                f"{writer.text(factor * linear)}, before the input part is added: one product of "
                f"[{writer.x.text}, {writer.h.text}] would have added them already"
            )
        return f"the input part and the hidden part of {gate} are not only added"
    return ""


class _Plain(Notation[str]):
    """Writes an expression as one line, all tensors at time t: ``o_t * tanh(c_t)``."""

    def word(self, text: str) -> str:
        return text

    def symbol(self, symbol: Symbol) -> str:
        return symbol.name + ("_{t-1}" if symbol.kind == "previous" else "_t")

    def linear(self, linear: Linear) -> list[str]:
        return [*self.operand(linear.operand), "@", f"{linear.weight}.T"]

    def projection(self, operand: Expression) -> list[str]:
        return self.write(operand)

    def text(self, expression: Expression) -> str:
        return " ".join(self.write(expression)).replace("( ", "(").replace(" )", ")")


class _Writer(Notation[Term]):
    def __init__(self, config: RNNConfig, data: DataConfig) -> None:
        super().__init__(config.nonlinearity)
        self.config = config
        self.lead: Shape = () if data.batch_size is None else (data.batch_size,)
        self.x, self.h = self.symbol(Symbol("input", "x")), self.symbol(Symbol("previous", "h"))

    def word(self, text: str) -> Term:
        return Term(text)

    def symbol(self, symbol: Symbol) -> Term:
        config = self.config
        width = config.input_size if symbol.kind == "input" else config.hidden_size
        if symbol.kind in ("previous", "new") and symbol.name == "h":
            width = config.H_out
        time = {"input": "[t]", "previous": "[t-1]", "new": "[t]", "value": ""}[symbol.kind]
        return Term(symbol.name + time, (*self.lead, width))

    def linear(self, linear: Linear) -> list[Term]:
        config = self.config
        shape = (config.input_size if linear.side == "input" else config.H_out, config.hidden_size)
        product = [*self.operand(linear.operand), Term("@"), Term(linear.weight, shape, transposed=True)]
        return [*product, Term("+"), Term(linear.bias, (config.hidden_size,))] if config.bias else product

    def projection(self, operand: Expression) -> list[Term]:
        config = self.config
        if not config.proj_size:
            return self.write(operand)
        weight = Term("W_hr", (config.hidden_size, config.proj_size), transposed=True)
        return [*self.operand(operand), Term("@"), weight]

    def text(self, expression: Expression) -> str:
        """An expression as one line of text: ``r * (h[t-1] @ W_hn.T + b_hn)``."""
        words = (term.text + ".T" * term.transposed for term in self.write(expression))
        return " ".join(words).replace("( ", "(").replace(" )", ")")
