"""The table of messages: every wording of PyTorch's RNN code, old and new, and what it means."""

from typing import Final

from .inputs import INPUTS
from .kinds import DTYPES, TUPLES
from .others import CHECKPOINTS, OTHERS
from .packed import PACKED, PRODUCTS
from .row import Claim, Row
from .states import STATES

__all__ = ["TABLE", "Claim", "Row"]

TABLE: Final[tuple[Row, ...]] = (*STATES, *INPUTS, *TUPLES, *DTYPES, *PACKED, *PRODUCTS, *CHECKPOINTS, *OTHERS)
"""All rows; of two that match the same words the earlier one counts."""
