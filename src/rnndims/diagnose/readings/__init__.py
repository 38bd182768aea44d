"""From the numbers in a message to its causes, most likely first."""

from collections.abc import Callable
from typing import Final

from .arguments import read_arguments
from .checkpoints import read_checkpoint
from .inputs import read_dtypes, read_features, read_input_ndim, read_length_count, read_packed_ndim, read_tuple
from .products import read_broadcast, read_product, read_unknown_product
from .reading import Found, Reading, read_row
from .states import read_cell_batch, read_cell_state_ndim, read_cell_width, read_matrices, read_state, read_state_ndims

__all__ = ["READINGS", "Found", "Reading"]

READINGS: Final[dict[str, Callable[[Reading], Found]]] = {
    "": read_row,
    "state": read_state,
    "state_ndims": read_state_ndims,
    "input_ndim": read_input_ndim,
    "packed_ndim": read_packed_ndim,
    "features": read_features,
    "cell_state_ndim": read_cell_state_ndim,
    "cell_width": read_cell_width,
    "cell_batch": read_cell_batch,
    "matrices": read_matrices,
    "tuple_for_tensor": read_tuple,
    "arguments": read_arguments,
    "dtypes": read_dtypes,
    "length_count": read_length_count,
    "product": read_product,
    "product_unknown": read_unknown_product,
    "broadcast": read_broadcast,
    "checkpoint": read_checkpoint,
}
"""The function behind each name in the table's ``reading``."""
