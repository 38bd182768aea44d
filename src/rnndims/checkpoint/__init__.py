"""Internal: from a checkpoint file to the RNNs in it. It needs no torch, reads no numbers and executes nothing in the file.

``rnndims.read_checkpoint`` is the public name. The way of a file: ``open_checkpoint`` opens it, ``format_table`` tells its
format, the reader of that format (``safetensors_file``, ``torch_file``) yields ``file_tensors``, and ``recognise`` finds the
modules among these. All of them charge one ``budget``.
"""

import os

from ..errors import FileError
from .budget import Budget
from .file_tensors import FileContent, FileTensor
from .open_checkpoint import read_file
from .recognise import Checkpoint, CheckpointModule, Contradiction, find_modules, label, select

__all__ = [
    "Budget",
    "Checkpoint",
    "CheckpointModule",
    "Contradiction",
    "FileContent",
    "FileTensor",
    "find_modules",
    "label",
    "read_both",
    "read_checkpoint",
    "read_file",
    "select",
]


def read_checkpoint(path: str | os.PathLike[str]) -> Checkpoint:
    """The RNNs in the file at ``path``: the configuration, names and shapes of each. No number is read.

    Args:
        path: a ``.safetensors`` file, one that ``torch.save`` or ``torch.jit.save`` wrote, the index of a sharded one, or
            a directory that holds one of these.

    Raises:
        FileError: if it is no checkpoint, is damaged, cannot be read, would run code, or costs more than ``budget.Budget``.
    """
    return read_both(path)[1]


def read_both(path: str | os.PathLike[str]) -> tuple[FileContent, Checkpoint]:
    """Everything that the file at ``path`` holds, and the RNNs in it; raises as ``read_checkpoint``."""
    budget = Budget()
    content = read_file(path, budget)
    try:
        return content, find_modules(content, budget)
    except FileError as error:
        error.path = error.path or path
        raise
