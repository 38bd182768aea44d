"""What PyTorch really does: build the configured module, run it, and measure. The only package that imports torch.

Importing this package does not import torch; calling any of its functions does.
"""

from ._torch import load_torch
from .concat import as_bidirectional, concat_demo, concat_module
from .files import check_target
from .load import Given
from .run import run
from .step_through import as_cell, step_through

__all__ = [
    "Given",
    "as_bidirectional",
    "as_cell",
    "check_target",
    "concat_demo",
    "concat_module",
    "load_torch",
    "run",
    "step_through",
]
