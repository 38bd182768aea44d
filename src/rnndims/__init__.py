"""Dimensions of PyTorch's recurrent modules, in closed form and without importing torch.

>>> import rnndims
>>> d = rnndims.dims(rnndims.RNNConfig("lstm", 10, 20, num_layers=2, bidirectional=True), seq_len=5, batch_size=3)
>>> d.tensors["output"].shape, d.tensors["h_n"].shape
((5, 3, 40), (4, 3, 20))
>>> d.states[3].in_output
'output[0, :, 20:40]'
>>> d.weights["weight_ih_l1"].shape, d.totals.parameters
((80, 40), 15040)
"""

from collections.abc import Iterable
from operator import index
from typing import SupportsIndex

from .config import DataConfig, RNNConfig
from .errors import ConfigError, RnndimsError
from .results import Dims, compute_dims

__version__ = "0.1.0"
__all__ = ["ConfigError", "DataConfig", "Dims", "RNNConfig", "RnndimsError", "dims"]


def dims(
    config: RNNConfig,
    *,
    seq_len: int | None = None,
    batch_size: int | None = None,
    unbatched: bool = False,
    lengths: Iterable[SupportsIndex] | None = None,
    dtype: str = "float32",
) -> Dims:
    """Every shape, state row, weight and cost of ``config`` fed with this input.

    Args:
        config: the module.
        seq_len: time steps ``L``; default 3, or the longest of ``lengths``.
        batch_size: sequences ``N``; default 2, or the number of ``lengths``.
        unbatched: a single sequence of shape (L, H_in), without a batch dim.
        lengths: valid steps of each sequence, for a packed batch.
        dtype: name of a torch dtype, for the bytes.

    Raises:
        ConfigError: (a ``ValueError``) where PyTorch would refuse the same input.
    """
    packed = None if lengths is None else tuple(index(length) for length in lengths)
    return compute_dims(config, DataConfig(seq_len, batch_size, unbatched, packed, dtype))
