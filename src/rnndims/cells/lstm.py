"""The LSTM cell, after the equations in the documentation of ``torch.nn.LSTM``."""

from .definition import Cell, gate_sum, new, previous, project, sigmoid, tanh, value

_i, _f, _g, _o = (value(gate) for gate in "ifgo")

LSTM = Cell(
    name="lstm",
    class_name="LSTM",
    gates={"i": "input gate i", "f": "forget gate f", "g": "cell candidate g", "o": "output gate o"},
    states={"h": "hidden state", "c": "cell state"},
    values={
        "i": sigmoid(gate_sum("i")),
        "f": sigmoid(gate_sum("f")),
        "g": tanh(gate_sum("g")),
        "o": sigmoid(gate_sum("o")),
    },
    new_states={
        "c": ((_f * previous("c")).called("keep") + (_i * _g).called("write")).called("sum"),
        "h": project((_o * tanh(new("c")).called("squash")).called("show")),
    },
    kernel_modes={None: 2},
    layout="lstm_layout",
)
"""``c' = f * c + i * g``, ``h' = o * tanh(c')``, with a projection ``h' = W_hr (o * tanh(c'))``."""
