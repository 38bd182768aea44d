"""What depends on the kind of cell: how many states a call has, what PyTorch checks, and the line of code that calls it."""

import re
from collections.abc import Iterable
from typing import Final

from ..cells import CELLS, Cell
from ..config import RNNConfig
from ..shapes import Shape


def classes_of(cells: Iterable[Cell]) -> dict[int, str]:
    """The class of each of ``cells`` that PyTorch has, by its number of gates."""
    return {len(cell.gates): cell.class_name for cell in cells if cell.in_torch}


CLASSES: Final = classes_of(CELLS.values())
"""PyTorch's class by its number of gates: ``{4: "LSTM", 3: "GRU", 1: "RNN"}``."""

FUNCTIONS: Final = "lstm|gru|rnn_tanh|rnn_relu"
"""The functions behind the modules, as messages name them, for a regular expression."""

RNN_WORDS: Final = re.compile(
    r"lstm|rnn(?!a)|(?<![a-z])(?:bi)?gru(?![a-z](?<!c))|weight_[ih]h_l|pack_padded_sequence|packedsequence", re.IGNORECASE
)
"""Words that mean an RNN: ``self.bilstm(x)``, ``CharRNN`` (not ``journal``), ``GRUCell`` (not ``group``)."""

BOTH_DIRECTIONS: Final = "torch.cat([h_n[-2], h_n[-1]], dim=-1)"
"""The last states of both directions of the last layer, side by side."""

PAIR: Final = "output, (h_n, c_n) = lstm(x, (h_0, c_0))"
"""The call of a module whose state is a pair."""

PAIR_RESULT: Final = "output, (h_n, c_n) = lstm(x)"
"""The same call without states."""

SINGLE: Final = "output, h_n = gru(x, h_0)"
"""The call of a module whose state is one tensor."""

PAIR_CELL: Final = "h_1, c_1 = cell(x, (h_0, c_0))"
"""The call of a cell whose state is a pair."""


def takes_pair(config: RNNConfig) -> bool:
    """Whether the state is the tuple ``(h_0, c_0)``: the cell has a cell state."""
    return len(config.definition.states) == 2


def pair_class(config: RNNConfig) -> str:
    """The class that takes the tuple, ``nn.LSTM``, as a cell if this one is."""
    return "nn.LSTMCell" if config.is_cell else "nn.LSTM"


def checks_packed(config: RNNConfig) -> bool:
    """Whether the module checks shapes and dtype of a ``PackedSequence``; ``nn.LSTM`` leaves that to the C++ code."""
    return not takes_pair(config)


def broadcasts(config: RNNConfig, name: str, state: Shape) -> bool:
    """Whether a cell accepts this 2-D state beside a 1-D input, and returns 2-D states.

    The checks of ``RNNCellBase`` compare dim 1 of it with hidden_size; what PyTorch then broadcasts depends on the cell.
    """
    if config.cell == "rnn":
        return state == (config.hidden_size, config.hidden_size)
    return name == "c_0" and state[0] == config.hidden_size and state[1] in (config.hidden_size, 1)


def call_code(config: RNNConfig, h_0: str = "h_0", c_0: str = "c_0") -> str:
    """The line that calls the module with its states.

    Args:
        config: the module.
        h_0: code for the hidden state.
        c_0: code for the cell state, where there is one.

    >>> call_code(RNNConfig("gru", 3, 4))
    'output, h_n = gru(x, h_0)'
    >>> call_code(RNNConfig("lstm", 3, 4, is_cell=True), c_0="torch.zeros_like(h_0)")
    'h_1, c_1 = cell(x, (h_0, torch.zeros_like(h_0)))'
    """
    module = "cell" if config.is_cell else config.cell
    state = f"({h_0}, {c_0})" if takes_pair(config) else h_0
    return f"{_results(config)} = {module}(x, {state})"


def result_code(config: RNNConfig) -> str:
    """The line that calls the module without states and names what it returns: ``output, h_n = gru(x)``."""
    return f"{_results(config)} = {'cell' if config.is_cell else config.cell}(x)"


def _results(config: RNNConfig) -> str:
    if config.is_cell:
        return "h_1, c_1" if takes_pair(config) else "h_1"
    return "output, (h_n, c_n)" if takes_pair(config) else "output, h_n"


def result_names(config: RNNConfig) -> tuple[str, ...]:
    """The names of the tensors that come out: ``("output", "h_n")``."""
    names = ("h_1", "c_1") if config.is_cell else ("output", "h_n", "c_n")
    return names if takes_pair(config) else names[:-1]
