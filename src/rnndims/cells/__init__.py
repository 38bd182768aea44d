"""Internal: the cells, each defined once. All else about a GRU is worked out from ``CELLS["gru"]``.

``rnndims.RNNConfig`` is the public name: its ``cell`` is a key of ``CELLS``.
"""

from typing import Final

from .definition import Cell
from .gru import GRU
from .lstm import LSTM
from .rnn import RNN

__all__ = ["CELLS", "PROJECTION_REFUSED", "Cell"]

CELLS: Final[dict[str, Cell]] = {cell.name: cell for cell in (RNN, LSTM, GRU)}
"""The cells by name. A new one needs a file like ``gru.py`` and an entry here."""

PROJECTION_REFUSED: Final = "proj_size argument is only supported for LSTM, not RNN or GRU"
"""What PyTorch says of ``proj_size`` for a cell without a projection."""
