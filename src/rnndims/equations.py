"""The equations of one step of a cell, term by term, with the shape of each term."""

from typing import Final, NamedTuple

from .config import GATES, DataConfig, RNNConfig
from .shapes import Shape

X: Final = "x[t]"
H: Final = "h[t-1]"

WHY_NOT_GRU: Final = (
    "the reset gate r multiplies only the hidden part of n, r * (h[t-1] @ W_hn.T + b_hn), before the input part is added: "
    "one product of [x[t], h[t-1]] would have added them already"
)
"""Why a GRU's step is not one matrix product."""


class Term(NamedTuple):
    """One piece of an equation: a tensor with its ``shape``, or an operator or function without one.

    ``transposed`` says that the tensor stands there transposed; ``shape`` is then that of the transposed tensor.
    """

    text: str
    shape: Shape | None = None
    transposed: bool = False


class Equation(NamedTuple):
    """``result = terms``, where the result is a tensor too."""

    result: Term
    terms: tuple[Term, ...]


def equations(config: RNNConfig, data: DataConfig) -> tuple[Equation, ...]:
    """What one step computes, in order: the gates, then the new states ``c[t]`` (LSTM) and ``h[t]``.

    Shapes: ``x[t]`` (N, H_in), states and gates (N, H_cell), ``W_i*`` (H_cell, H_in) and ``W_h*`` (H_cell, H_cell), both
    transposed here, biases (H_cell,). Unbatched data has no N.
    """
    state = _state(config, data)

    def named(name: str) -> Term:
        return Term(name, state)

    if config.cell == "rnn":
        activation = Term(f"{config.nonlinearity}(")
        return (Equation(named("h[t]"), (activation, *_sum(config, data, "h"), Term(")"))),)
    found = [Equation(named(gate), _gate(config, data, gate)) for gate in GATES[config.cell]]
    if config.cell == "lstm":
        cell = (named("f"), Term("*"), named("c[t-1]"), Term("+"), named("i"), Term("*"), named("g"))
        hidden = (named("o"), Term("*"), Term("tanh("), named("c[t]"), Term(")"))
        return (*found, Equation(named("c[t]"), cell), Equation(named("h[t]"), hidden))
    mixed = (Term("(1 -"), named("z"), Term(")"), Term("*"), named("n"), Term("+"), named("z"), Term("*"), named(H))
    return (*found, Equation(named("h[t]"), mixed))


def _gate(config: RNNConfig, data: DataConfig, gate: str) -> tuple[Term, ...]:
    activation = Term("tanh(" if gate in ("g", "n") else "sigmoid(")
    if gate != "n":
        return (activation, *_sum(config, data, gate), Term(")"))
    from_input, from_hidden = _products(config, data, gate)
    reset = (Term("r", _state(config, data)), Term("*"), Term("("))
    return (activation, *from_input, Term("+"), *reset, *from_hidden, Term(")"), Term(")"))


def _sum(config: RNNConfig, data: DataConfig, gate: str) -> tuple[Term, ...]:
    from_input, from_hidden = _products(config, data, gate)
    return (*from_input, Term("+"), *from_hidden)


def _products(config: RNNConfig, data: DataConfig, gate: str) -> tuple[tuple[Term, ...], tuple[Term, ...]]:
    """``x[t] @ W.T + b`` and ``h[t-1] @ W.T + b`` of one gate."""
    size, lead = config.hidden_size, _lead(data)
    parts = []
    for source, kind, width in ((X, "i", config.input_size), (H, "h", size)):
        product = (Term(source, (*lead, width)), Term("@"), Term(f"W_{kind}{gate}", (width, size), transposed=True))
        bias = (Term("+"), Term(f"b_{kind}{gate}", (size,))) if config.bias else ()
        parts.append((*product, *bias))
    return parts[0], parts[1]


def one_matmul(config: RNNConfig, data: DataConfig) -> Equation | None:
    """The gates of one step as a single matrix product of ``[x[t], h[t-1]]`` with the two weights side by side.

    Shapes: (N, H_in + H_cell) @ (H_in + H_cell, G*H_cell) -> (N, G*H_cell). ``None`` for a GRU: see ``WHY_NOT_GRU``.
    """
    if config.cell == "gru":
        return None
    lead, rows, width = _lead(data), config.G * config.hidden_size, config.input_size + config.hidden_size
    product = (Term(f"[{X}, {H}]", (*lead, width)), Term("@"), Term("[weight_ih | weight_hh]", (width, rows), transposed=True))
    bias = (Term("+"), Term("(bias_ih + bias_hh)", (rows,))) if config.bias else ()
    if config.cell == "rnn":
        return Equation(Term("h[t]", (*lead, rows)), (Term(f"{config.nonlinearity}("), *product, *bias, Term(")")))
    return Equation(Term("i|f|g|o", (*lead, rows)), (*product, *bias))


def _lead(data: DataConfig) -> Shape:
    return () if data.batch_size is None else (data.batch_size,)


def _state(config: RNNConfig, data: DataConfig) -> Shape:
    return (*_lead(data), config.hidden_size)
