"""A checkpoint file -> the RNNs in it, without torch, without reading its numbers and without executing anything."""

import os
from collections.abc import Callable
from fnmatch import fnmatchcase

from ..errors import FileError, RnndimsError, shorten
from .file_tensors import FileContent, FileTensor
from .found import Checkpoint, FoundModule, Problem, label
from .open_checkpoint import read_file
from .recognise import find_modules

__all__ = [
    "Checkpoint",
    "FileContent",
    "FileTensor",
    "FoundModule",
    "Problem",
    "find_modules",
    "label",
    "read_both",
    "read_checkpoint",
    "read_file",
    "select",
]


def read_checkpoint(path: str | os.PathLike[str]) -> Checkpoint:
    """The RNNs in the file at ``path``.

    Raises:
        FileError: if it is no checkpoint, is damaged, cannot be read or would run code.
    """
    return read_both(path)[1]


def read_both(path: str | os.PathLike[str]) -> tuple[FileContent, Checkpoint]:
    """What is in the file at ``path``, and the RNNs among it; raises as ``read_checkpoint``."""
    content = read_file(path)
    try:
        return content, find_modules(content)
    except FileError as error:
        error.path = error.path or path
        raise


def select(found: Checkpoint, pattern: str) -> Checkpoint:
    """``found`` with the modules and problems alone that are called ``pattern``; if none is, those it matches as a glob.

    A module's name in the model counts before its name in the file.

    Raises:
        RnndimsError: if there is none.
    """
    tests: tuple[Callable[[str, str], bool], ...] = (
        lambda name, _: name == pattern or (not name and pattern == label(name)),
        lambda _, key: key == pattern,
        lambda name, key: fnmatchcase(name, pattern) or fnmatchcase(key, pattern),
    )
    modules, problems = [], []
    for wanted in tests:
        modules = [module for module in found.modules if wanted(module.name, module.key)]
        problems = [problem for problem in found.problems if wanted(problem.name, problem.key)]
        if modules or problems:
            break
    if not modules and not problems:
        names = dict.fromkeys([*(module.name for module in found.modules), *(problem.name for problem in found.problems)])
        shown = ", ".join(label(name) for name in list(names)[:8]) + (f" and {len(names) - 8} more" if len(names) > 8 else "")
        raise RnndimsError(
            f"--name {shorten(pattern)}: no RNN in the file has this name",
            fix=f"It has {shown}." if names else "It has no RNN, LSTM, GRU or cell.",
        )
    return Checkpoint(found.kind, modules, problems, found.notes, found.other, found.optimizer)
