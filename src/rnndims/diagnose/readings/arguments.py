"""Reading which argument of ``lstm()``, ``gru()`` and ``rnn_tanh()`` has the wrong type, off the list of those they got."""

from typing import Final

from ..problem import Cause, Problem
from .reading import Found, Reading

_REST: Final = (
    ("bias", ("bool",), "bool"),
    ("num_layers", ("int",), "int"),
    ("dropout", ("float", "int"), "float"),
    ("training", ("bool",), "bool"),
    ("bidirectional", ("bool",), "bool"),
    ("batch_first", ("bool",), "bool"),
)
"""What follows the list of weights: the module's argument, the types that are taken for it, the one it should have."""

_PAIR: Final = "output, (h_n, c_n) = lstm(x, (h_0, c_0))"
_SINGLE: Final = "output, h_n = gru(x, h_0)"


def read_arguments(reading: Reading) -> Found:
    """``lstm() received an invalid combination of arguments - got (Tensor, tuple, list, bool, int, float, bool, int)``."""
    got = [word.strip(" !\n") for word in reading.groups.get("types", "").split(",") if word.strip(" !\n")]
    lstm = reading.groups["function"].lower() == "lstm"
    if not got:
        flag = "or an argument of the constructor has the wrong type, such as bidirectional=1 instead of True"
        return [_state(lstm, None), _problem("module", "other", flag, "bidirectional=bool(bidirectional)")], []
    at = 2 if got[3:4] in (["list"], ["tuple"]) else 1  # a packed batch comes as two tensors, data and batch_sizes
    found = []
    if not got[0].endswith(("Tensor", "Parameter")):
        message = f"the input is a {got[0]}, the function behind nn.LSTM, nn.GRU and nn.RNN takes a Tensor"
        found.append(_problem("input", "other", message, "Print type(x) before the call; pass one tensor"))
    state = got[at] if len(got) > at else None
    if state is not None and (state != "tuple" if lstm else not state.endswith(("Tensor", "Parameter"))):
        found.append(_state(lstm, state))
    for (name, types, wanted), have in zip(_REST, got[at + 2 :], strict=False):
        if have not in types:
            message = f"{name} is {have}, it must be {wanted}: the call takes no other type"
            fix = "model.train()  # or model.eval(); do not set training by hand"
            found.append(_problem("module", "other", message, fix if name == "training" else f"{name}={wanted}({name})"))
    if not found:
        message = "each argument has the right type, so that what is wrong lies inside the state or the list of weights"
        found = [_problem("h_0", "other", message, "Print the state's and the weights' types: all must be tensors")]
    return found, []


def _state(lstm: bool, got: str | None) -> Problem:
    if lstm:
        had = "" if got is None else f", not a {got}"
        return _problem("h_0", "lstm_tuple_expected", f"the state of an LSTM is the tuple (h_0, c_0){had}", _PAIR)
    if got in (None, "tuple"):
        return _problem("h_0", "lstm_tuple_expected", "the state is a tuple; only nn.LSTM takes (h_0, c_0)", _SINGLE)
    return _problem("h_0", "other", f"the state is a {got}, nn.GRU and nn.RNN take one tensor", _SINGLE)


def _problem(tensor: str, cause: Cause, message: str, fix: str) -> Problem:
    return Problem(tensor, None, None, None, cause, message, fix)
