"""From a path to what is in it: which reader a file needs, shards behind an index, checkpoints in a directory."""

import json
import os
from collections.abc import Callable
from pathlib import Path
from typing import BinaryIO, Final

from .. import file_types
from ..errors import FileError, RnndimsError, escape, shorten
from .file_tensors import FileContent
from .stream import open_regular

INDEX: Final = ".index.json"
_MAX_INDEX: Final = 24 << 20
_MAX_LISTED: Final = 100_000


def read_file(path: str | os.PathLike[str]) -> FileContent:
    """What the checkpoint at ``path`` holds, by its headers and pickles alone: no number is read and nothing executed.

    Args:
        path: a ``.safetensors`` file, one that ``torch.save`` or ``torch.jit.save`` wrote, the index of a sharded one, or
            a directory that holds one of these.

    Raises:
        FileError: if it is none of these, is damaged, cannot be read or would run code.
    """
    path = Path(path)
    try:
        return _read(path)
    except RnndimsError as error:
        if isinstance(error, FileError) and error.path is None:
            error.path = path
        raise
    except OSError as error:
        raise FileError(f"cannot be read: {error.strerror or error}", path=path) from error


def _read(path: Path) -> FileContent:
    try:
        directory = path.is_dir()
    except (OSError, ValueError):
        directory = False
    if directory:
        return _read(_choose(path))
    if path.name.endswith(INDEX):
        return _read_index(path)
    with open_regular(path) as file:
        size = os.fstat(file.fileno()).st_size
        if size == 0:
            raise FileError("is empty", path=path)
        try:
            return _reader(path, file.read(512))(path, _rewound(file), size)
        except FileError as error:
            error.path = error.path or path
            raise


def _rewound(file: BinaryIO) -> BinaryIO:
    file.seek(0)
    return file


def _reader(path: Path, start: bytes) -> Callable[[Path, BinaryIO, int], FileContent]:
    """The reader for what the suffix says the file is; the content has to agree."""
    from . import safetensors_file, torch_file

    suffix = path.suffix.lower()
    looks_safetensors = start[8:9] == b"{" and start[5:8] == b"\0\0\0"  # before the others: a length may begin with 80 02
    looks_zip = start.startswith(b"PK\3\4")
    looks_pickle = not looks_safetensors and start[:1] == b"\x80" and b"\2" <= start[1:2] <= b"\5"
    kind = "torch" if looks_zip or looks_pickle else "safetensors" if looks_safetensors else None
    if suffix == file_types.SAFETENSORS:
        if kind == "torch":
            raise FileError(
                "is named .safetensors and is a torch.save file", fix="Rename it to .pt if that is what you expect."
            )
        other = _what_else(start) if kind is None else None
        if other is not None:
            raise FileError(other, fix=f"Checkpoints that are read: {file_types.READ}.")
        return safetensors_file.read
    if suffix in file_types.TORCH or (not suffix and kind == "torch"):
        if kind == "safetensors":
            raise FileError(f"is named {suffix} and is a safetensors file", fix="Rename it to .safetensors.")
        if looks_zip:
            return torch_file.read_zip
        if looks_pickle:
            return torch_file.read_stream
        other = _what_else(start) or "is not a file that torch.save wrote, or it is damaged"
        raise FileError(other, fix=f"Checkpoints that are read: {file_types.READ}.")
    if not suffix and kind == "safetensors":
        return safetensors_file.read
    word = f"has the suffix {shorten(suffix)}, which" if suffix else "has no suffix, and its content"
    raise FileError(f"{word} is not that of a checkpoint", fix=f"Checkpoints that are read: {file_types.READ}.")


def _what_else(start: bytes) -> str | None:
    """What a file is that is no checkpoint, if it looks like something that is often found in its place."""
    if start[257:262] == b"ustar":
        return "is a tar archive: unpack it first, or load and save it again if torch 0.1 wrote it"
    if start.startswith(b"version https://git-lfs"):
        return "is a Git LFS pointer: the checkpoint itself was not downloaded"
    if start.lstrip()[:1] == b"<":
        return "is a web page, not the checkpoint that was to be downloaded"
    if start.startswith((b"\x1f\x8b", b"BZh", b"\xfd7zXZ", b"\x28\xb5\x2f\xfd")):
        return "is compressed: unpack it first"
    return None


def _choose(directory: Path) -> Path:
    """The one checkpoint of a directory; where there are several, the one that Hugging Face's names give precedence."""
    names: list[str] = []
    with os.scandir(directory) as entries:
        for entry in entries:
            if entry.name.endswith((INDEX, *file_types.CHECKPOINTS)):
                names.append(entry.name)
            if len(names) > _MAX_LISTED:
                break
    for name in ("model.safetensors.index.json", "model.safetensors", "pytorch_model.bin.index.json", "pytorch_model.bin"):
        if name in names:
            return directory / name
    indexes = [name for name in names if name.endswith(INDEX)]
    for group in (indexes, [name for name in names if name.endswith(file_types.SAFETENSORS)], names):
        if len(group) == 1:
            return directory / group[0]
        if group:
            shown = ", ".join(shorten(name) for name in sorted(group)[:6]) + (", ..." if len(group) > 6 else "")
            raise FileError(f"is a directory with {len(group)} checkpoints: {shown}", path=directory, fix="Name one of them.")
    raise FileError("is a directory without a checkpoint", path=directory, fix=f"Checkpoints that are read: {file_types.READ}.")


def _read_index(path: Path) -> FileContent:
    """All shards of an index as one file."""
    with open_regular(path) as file:
        raw = file.read(_MAX_INDEX + 1)
    if len(raw) > _MAX_INDEX:
        raise FileError(f"is larger than the {_MAX_INDEX} bytes that are read of an index", path=path)
    try:
        index = json.loads(raw)
        places = index["weight_map"]
        if type(places) is not dict or not all(type(shard) is str for shard in places.values()):
            raise TypeError
    except (ValueError, KeyError, TypeError, RecursionError) as error:
        raise FileError('is no index of shards: it needs a "weight_map" from tensor to file', path=path) from error
    shards: dict[str, FileContent] = {}
    for shard in places.values():
        if shard not in shards:
            shards[shard] = _read_shard(path, shard)
    content = FileContent(f"{len(shards)} shard{'s' if len(shards) != 1 else ''}", {})
    for name, shard in places.items():
        if name not in shards[shard].tensors:
            raise FileError(f"names the tensor {shorten(name)}, which is not in its shard {shorten(shard)}", path=path)
        content.tensors[name] = shards[shard].tensors[name]
    unlisted = sum(len(shard.tensors) for shard in shards.values()) - len(places)
    if unlisted > 0:
        content.notes.append(f"{unlisted} tensors of the shards are not in the index and were left out")
    return content


def _read_shard(index: Path, name: str) -> FileContent:
    inside = name not in ("", ".", "..") and "/" not in name and "\\" not in name and ":" not in name and "\0" not in name
    if not inside or not name.endswith(file_types.CHECKPOINTS):
        raise FileError(
            f"names the shard {shorten(name)}, and a shard is a .safetensors or .bin file in the same directory", path=index
        )
    shard = index.parent / name
    if not shard.exists():
        raise FileError(f"names the shard {escape(name)}, which is not there", path=index, fix="Download all shards.")
    return read_file(shard)
