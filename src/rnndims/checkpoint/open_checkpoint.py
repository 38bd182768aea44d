"""From a path to the content of a checkpoint: one file, the shards of an index, or the checkpoint in a directory.

``format_table`` says which reader a file needs. Nothing here trusts the file: it is opened only if it is an ordinary one.
"""

import json
import os
import stat
from pathlib import Path
from typing import BinaryIO

from .. import file_types
from ..errors import FileError, RnndimsError, shorten
from ..phrases import plural
from .budget import Budget
from .file_tensors import FileContent


def read_file(path: str | os.PathLike[str], budget: Budget | None = None) -> FileContent:
    """What the checkpoint at ``path`` holds, by its headers and pickles alone: no number is read and nothing is executed.

    Args:
        path: a ``.safetensors`` file, one that ``torch.save`` or ``torch.jit.save`` wrote, the index of a sharded one, or
            a directory that holds one of these.
        budget: the one to charge; a new one by default.

    Raises:
        FileError: if it is none of these, is damaged, cannot be read, would run code, or costs more than the budget.
    """
    path = Path(path)
    try:
        return _read(path, Budget() if budget is None else budget)
    except RnndimsError as error:
        if isinstance(error, FileError) and error.path is None:
            error.path = path
        raise
    except OSError as error:
        raise FileError(f"cannot be read: {error.strerror or error}", path=path) from error


def _read(path: Path, budget: Budget) -> FileContent:
    try:
        directory = path.is_dir()
    except (OSError, ValueError):
        directory = False
    if directory:
        path = _only_checkpoint(path, budget)
    return _read_index(path, budget) if path.name.endswith(file_types.INDEX) else _read_one(path, budget)


def _read_one(path: Path, budget: Budget) -> FileContent:
    """The content of a file that is a checkpoint itself: no directory, and no index."""
    from .format_table import START, find_format  # the readers: not all who import this file need them

    with open_regular(path) as file:
        size = os.fstat(file.fileno()).st_size
        if size == 0:
            raise FileError("is empty", path=path, fix="Download or save it again.")
        try:
            reader = find_format(path, file.read(START))
            file.seek(0)
            content = reader.read(path, file, size, budget)
            content.files.append(path)
            return content
        except FileError as error:
            error.path = error.path or path
            raise


def open_regular(path: Path) -> BinaryIO:
    """``path`` opened for reading, if it is an ordinary file.

    A FIFO, a device, a socket or a directory is refused before anything could wait for it or read it without end.

    Raises:
        FileError: if it is not an ordinary file, or cannot be opened.
    """
    try:
        _check_regular(path, path.stat().st_mode)
        descriptor = os.open(path, os.O_RDONLY | getattr(os, "O_NONBLOCK", 0) | getattr(os, "O_BINARY", 0))
    except (OSError, ValueError) as error:
        raise FileError(_reason(error), path=path) from error
    try:
        _check_regular(path, os.fstat(descriptor).st_mode)
    except BaseException:
        os.close(descriptor)
        raise
    return os.fdopen(descriptor, "rb")


def _check_regular(path: Path, mode: int) -> None:
    if stat.S_ISREG(mode):
        return
    kinds = (
        (stat.S_ISDIR, "a directory"),
        (stat.S_ISFIFO, "a FIFO"),
        (stat.S_ISCHR, "a device"),
        (stat.S_ISBLK, "a device"),
        (stat.S_ISSOCK, "a socket"),
    )
    kind = next((word for test, word in kinds if test(mode)), "no ordinary file")
    raise FileError(f"is {kind}; rnndims reads only ordinary files", path=path)


def _reason(error: OSError | ValueError) -> str:
    if isinstance(error, FileNotFoundError):
        return "no such file"
    if isinstance(error, PermissionError):
        return "no permission to read it"
    if isinstance(error, OSError):
        return f"cannot be opened: {error.strerror or error}"
    return "is no file name: it contains a null character"


def _only_checkpoint(directory: Path, budget: Budget) -> Path:
    """The one checkpoint of a directory; of several, the one that Hugging Face's libraries would load."""
    names: list[str] = []
    with os.scandir(directory) as entries:
        for entry in entries:
            budget.charge(2)
            if entry.name.endswith((file_types.INDEX, *file_types.CHECKPOINTS)):
                budget.charge_name(entry.name)
                names.append(entry.name)
    for name in ("model.safetensors.index.json", "model.safetensors", "pytorch_model.bin.index.json", "pytorch_model.bin"):
        if name in names:
            return directory / name
    from .format_table import FORMATS

    for suffixes in ((file_types.INDEX,), *(each.suffixes for each in FORMATS)):
        group = [name for name in names if name.endswith(suffixes)]
        if len(group) == 1:
            return directory / group[0]
        if group:
            shown = ", ".join(shorten(name) for name in sorted(group)[:6]) + (", ..." if len(group) > 6 else "")
            raise FileError(
                f"is a directory with {len(group)} checkpoints ({shown})", path=directory, fix="Write the path of one of them."
            )
    raise FileError("is a directory without a checkpoint", path=directory, fix=file_types.READS)


def _read_index(path: Path, budget: Budget) -> FileContent:
    """All shards of an index as one file."""
    with open_regular(path) as file:
        size = os.fstat(file.fileno()).st_size
        budget.charge(size >> 3, 6 * size)  # its bytes, its text, and the strings in it, where one character may be wide
        raw = file.read(size)
    marks = sum(map(raw.count, (b",", b"[", b"{")))  # before each value, and before a key with its value
    budget.charge(marks, 150 * marks)
    try:
        index = json.loads(raw.decode("utf-8-sig"))
        shard_of = index["weight_map"]
        if type(shard_of) is not dict or not all(type(shard) is str for shard in shard_of.values()):
            raise TypeError
    except (ValueError, KeyError, TypeError, RecursionError) as error:
        raise FileError(
            'is no index of shards: it has no "weight_map" that says which file each tensor is in',
            path=path,
            fix="Write the path of the checkpoint itself, or download the index again.",
        ) from error
    shards: dict[str, FileContent] = {}
    for shard in shard_of.values():
        if shard not in shards:
            budget.charge(100, 1000)
            shards[shard] = _read_shard(path, shard, budget)
    files = [path, *(file for shard in shards.values() for file in shard.files)]
    content = FileContent(plural(len(shards), "shard"), {}, files=files)
    for name, shard in shard_of.items():
        if name not in shards[shard].tensors:
            raise FileError(f"names the tensor {shorten(name)}, which is not in its shard {shorten(shard)}", path=path)
        content.tensors[name] = shards[shard].tensors[name]
        if name in shards[shard].optimizer:
            content.optimizer.add(name)
    unlisted = sum(len(shard.tensors) for shard in shards.values()) - len(shard_of)
    if unlisted > 0:
        content.notes.append(
            f"the shards have {plural(unlisted, 'tensor')} that the index does not list; rnndims leaves them out"
        )
    return content


def _read_shard(index: Path, name: str, budget: Budget) -> FileContent:
    inside = name not in ("", ".", "..") and "/" not in name and "\\" not in name and ":" not in name and "\0" not in name
    if not inside or not name.endswith(file_types.CHECKPOINTS):
        raise FileError(
            f"names the shard {shorten(name)}; a shard must be a checkpoint in the directory of the index",
            path=index,
            fix="Write its file name alone, such as model-00001-of-00002.safetensors.",
        )
    shard = index.parent / name
    if not shard.exists():
        raise FileError(f"names the shard {shorten(name, 120)}, which does not exist", path=index, fix="Download all shards.")
    return _read_one(shard, budget)
