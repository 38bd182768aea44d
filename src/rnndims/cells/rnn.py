"""The RNN cell, after the equation in the documentation of ``torch.nn.RNN``."""

from .definition import Cell, gate_sum, nonlinearity

RNN = Cell(
    name="rnn",
    class_name="RNN",
    gates={"h": "hidden state"},
    states={"h": "hidden state"},
    values={},
    new_states={"h": nonlinearity(gate_sum("h"))},
    nonlinearities=("tanh", "relu"),
    kernel_modes={"relu": 0, "tanh": 1},
    layout="rnn_layout",
)
"""``h' = tanh(W_ih x + b_ih + W_hh h + b_hh)``, or ``relu``."""
