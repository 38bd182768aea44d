"""The GRU cell, after the equations in the documentation of ``torch.nn.GRU``."""

from .definition import Cell, Linear, X, gate_sum, previous, sigmoid, tanh, value

_r, _z, _n, _h = value("r"), value("z"), value("n"), previous("h")

GRU = Cell(
    name="gru",
    class_name="GRU",
    gates={"r": "reset gate r", "z": "update gate z", "n": "new gate n"},
    states={"h": "hidden state"},
    values={
        "r": sigmoid(gate_sum("r")),
        "z": sigmoid(gate_sum("z")),
        "n": tanh((Linear(X, "n", "input") + (_r * Linear(_h, "n", "hidden")).called("reset")).called("join")),
    },
    new_states={"h": (((1 - _z).called("rest") * _n).called("new") + (_z * _h).called("keep")).called("sum")},
    kernel_modes={None: 3},
    layout="gru_layout",
)
"""``n = tanh(W_in x + b_in + r * (W_hn h + b_hn))``, ``h' = (1 - z) * n + z * h``."""
