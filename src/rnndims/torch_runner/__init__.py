"""Internal: build the configured module with PyTorch, run it, and measure. The only package that imports torch.

Importing this package does not import torch; calling any of its functions does. ``rnndims.run`` is the public name.
"""

from ._torch import load_torch
from .concat import as_bidirectional, concat_demo, concat_module
from .measure import run
from .step_through import as_cell, step_through

__all__ = [
    "as_bidirectional",
    "as_cell",
    "concat_demo",
    "concat_module",
    "load_torch",
    "run",
    "step_through",
]
