"""What ``torch.save`` and ``torch.jit.save`` write: zip archives, the older single stream, and TorchScript archives.

The pickle inside is followed by ``pickles``, so that torch is not needed, no number is read and nothing is executed.
"""

import io
from collections.abc import Container
from pathlib import Path
from typing import Any, BinaryIO, Final

from ..dtypes import BITS
from ..errors import FileError, shorten
from . import pickles, tensor_names, zip_archive
from .file_tensors import MAX_NUMEL, FileContent, FileTensor, Storage
from .pickle_names import Foreign, Opaque, Script, StorageType
from .stream import Stream

_MAX_UNPACKED: Final = 64 << 20
_MAX_ENTRIES: Final = 2_000_000
_MAX_LETTERS: Final = 64 << 20
_MAX_DEPTH: Final = 64
_NOT_TORCH: Final = "is not a file that torch.save wrote"


def read_zip(path: Path, file: BinaryIO, size: int) -> FileContent:
    """The content of a zip archive by ``torch.save`` (since torch 1.6) or ``torch.jit.save``.

    Raises:
        FileError: if it is none, is damaged, or would run code.
    """
    members = zip_archive.read_members(file, size)
    name = min((name for name in members if f"/{name}".endswith("/data.pkl")), key=len, default=None)
    if name is None:
        if any(member.endswith("/model.json") or member == "model.json" for member in members):
            raise FileError("is a TorchScript archive of torch 1.2 or older", fix="Load and save it again with a newer torch.")
        raise FileError(f"{_NOT_TORCH}: it is a zip file without a data.pkl")
    root = name.removesuffix("data.pkl")
    big_endian = _is_big_endian(file, members.get(f"{root}byteorder"))
    storages: dict[str, Storage] = {}

    def storage(identifier: Any) -> Storage:
        dtype, key, numel = _check_identifier(identifier)
        if key not in storages:
            member = members.get(f"{root}data/{key}")
            if member is None or member.size < numel * BITS[dtype] // 8:
                raise FileError("is truncated or damaged: the numbers of a tensor are not all in it")
            storages[key] = Storage(path, dtype, numel, member=member, big_endian=big_endian)
        found = storages[key]
        if found.dtype != dtype or found.numel != numel:
            raise FileError("is damaged: one storage is described in two ways")
        return found

    member = members[name]
    if member.method == 0:
        begin = zip_archive.data_begin(file, member)
        stream = Stream(file, begin, begin + member.size)
    else:
        data = zip_archive.unpack(file, member, _MAX_UNPACKED)
        stream = Stream(io.BytesIO(data), 0, len(data))
    scripted = f"{root}constants.pkl" in members or any(entry.startswith(f"{root}code/") for entry in members)
    return flatten(pickles.load(stream, storage), "TorchScript" if scripted else "torch.save, zip")


def _is_big_endian(file: BinaryIO, member: zip_archive.Member | None) -> bool:
    return member is not None and zip_archive.unpack(file, member, 64) == b"big"


def _check_identifier(identifier: Any) -> tuple[str, str, int]:
    """Dtype, key and number of elements of the storage that a persistent id names."""
    if not isinstance(identifier, tuple) or len(identifier) < 5 or identifier[0] != "storage":
        if isinstance(identifier, tuple) and identifier[:1] == ("module",):
            raise FileError(_WHOLE_MODEL, fix=_SAVE_WEIGHTS)
        raise FileError("is damaged: it refers to something that torch.save does not write")
    _, dtype, key, _, numel = identifier[:5]
    if not isinstance(dtype, StorageType) or type(key) is not str or type(numel) is not int or not 0 <= numel <= MAX_NUMEL:
        raise FileError("is damaged: the storage of a tensor is not described")
    return str(dtype), key, numel


def read_stream(path: Path, file: BinaryIO, size: int) -> FileContent:
    """The content of a file in ``torch.save``'s older format: pickles, then the numbers one storage after the other.

    Raises:
        FileError: if it is none, is damaged, or would run code.
    """
    stream = Stream(file, 0, size)
    storages: dict[str, Storage] = {}

    def storage(identifier: Any) -> Storage:
        dtype, key, numel = _check_identifier(identifier)
        found = storages.setdefault(key, Storage(path, dtype, numel))
        view = identifier[5] if len(identifier) > 5 else None
        if view is not None or found.dtype != dtype or found.numel != numel:
            raise FileError("shares storages in a way that torch has not written since 0.4")
        return found

    if pickles.load(stream, _no_storage) != pickles.MAGIC:
        raise FileError(f"{_NOT_TORCH}: it is another pickle", fix="Save the state_dict with torch.save, or as .safetensors.")
    pickles.load(stream, _no_storage)
    system = pickles.load(stream, _no_storage)
    big_endian = isinstance(system, dict) and system.get("little_endian") is False
    content = flatten(pickles.load(stream, storage), "torch.save, before torch 1.6")
    keys = pickles.load(stream, _no_storage)
    if not isinstance(keys, list):
        raise FileError("is damaged: it does not list its storages")
    for key in keys:
        found = storages.get(key) if type(key) is str else None
        if found is None:
            raise FileError("is damaged: it has numbers of no tensor")
        if int.from_bytes(stream.read(8), "big" if big_endian else "little") != found.numel:
            raise FileError("is damaged: a storage in it has another size than its tensor")
        found.begin, found.big_endian = stream.position, big_endian
        stream.skip(found.numel * BITS[found.dtype] // 8)
    if any(found.begin is None for found in storages.values()):
        raise FileError("is truncated or damaged: the numbers of a tensor are not all in it")
    return content


def _no_storage(_: Any) -> Any:
    raise FileError(_NOT_TORCH)


_WHOLE_MODEL: Final = "holds a whole pickled model, and that is code as much as weights: it is not opened"
_SAVE_WEIGHTS: Final = "Save model.state_dict() instead, or best a .safetensors file."


def flatten(root: Any, kind: str) -> FileContent:
    """Every tensor below ``root`` under the keys that lead to it, joined by dots.

    Raises:
        FileError: if dicts contain themselves, or are nested so that their paths cannot be counted, or there is no tensor
            because the file holds pickled objects instead of weights.
    """
    content = FileContent(kind, {})
    pending: list[tuple[str, Any, tuple[int, ...]]] = [("", root, ())]
    doubles, odd = _Doubles(), _Doubles()
    foreign: dict[str, None] = {}
    scanned = letters = 0  # entries, and the bytes of their names
    while pending:
        name, value, parents = pending.pop()
        if isinstance(value, FileTensor):
            content.tensors[doubles.fresh(name, content.tensors)] = value
            continue
        packed = isinstance(value, Script) and value.what.startswith("__torch__.torch.classes.")
        if packed or (isinstance(value, Opaque) and value.items is None and not isinstance(value, Script)):
            content.objects[odd.fresh(name, content.objects)] = value.what
            if isinstance(value, Foreign):
                foreign[value.what] = None
            continue
        if id(value) in parents:
            raise FileError("is nested without end: a dict in it contains itself")
        if len(parents) > _MAX_DEPTH:
            raise FileError(f"is nested more than {_MAX_DEPTH} levels deep: no checkpoint is")
        below, prefix, entries = (*parents, id(value)), f"{name}." if name else "", _entries(value)
        scanned += len(entries)
        items = []
        for key, child in entries:
            if isinstance(child, _LEADING):
                items.append((prefix + key, child, below))
                letters += tensor_names.cost(items[-1][0])
                if not isinstance(child, (FileTensor, Script)) and tensor_names.is_optimizer_key(key):
                    content.optimizers.add(items[-1][0])
                if letters > _MAX_LETTERS:
                    break
        if scanned > _MAX_ENTRIES or letters > _MAX_LETTERS:
            raise FileError(f"unfolds to more than {_MAX_ENTRIES} entries, or to names without end: no checkpoint does")
        pending.extend(reversed(items))
    _check_found(root, content)
    if doubles:
        name = next(iter(doubles))
        content.notes.append(
            f"{len(doubles)} name{'s' if len(doubles) > 1 else ''} in it can be read in two ways, and both are there "
            f"(like {shorten(name)}): the module that comes later is numbered"
        )
    if foreign:
        shown = ", ".join(shorten(what) for what in list(foreign)[:3]) + (", ..." if len(foreign) > 3 else "")
        content.notes.append(f"it also holds pickled objects ({shown}): they were not made, and none of their code was run")
    return content


def _entries(value: Any) -> list[tuple[str, Any]]:
    """The items of a container, each with its key."""
    if isinstance(value, Script):
        attributes = value.state if isinstance(value.state, dict) else {}
        return [(key, child) for key, child in attributes.items() if key != "_flat_weights"]
    if isinstance(value, Opaque):
        return list((value.items or {}).items())
    if isinstance(value, dict):
        return list(value.items())
    if isinstance(value, (list, tuple)):
        return [(str(index), child) for index, child in enumerate(value)]
    return []


_LEADING: Final = (FileTensor, Opaque, dict, list, tuple)


class _Doubles(dict[str, int]):
    """How often each full name that is there more than once was met: ``{"a": {"b": ...}, "a.b": ...}`` has one twice."""

    def fresh(self, name: str, taken: Container[str]) -> str:
        """``name``; where it is taken, with a number behind the module's part of it."""
        while name in taken:
            self[name] = self.get(name, 1) + 1
            module, dot, last = name.rpartition(".")
            name = f"{module}#{self[name]}.{last}" if dot else f"{last}#{self[name]}"
        return name


def _check_found(root: Any, content: FileContent) -> None:
    if content.tensors:
        return
    model = root if isinstance(root, Opaque) else None
    if model is None and isinstance(root, dict):
        model = next((value for value in root.values() if isinstance(value, Opaque) and _is_model(value)), None)
    if model is None:
        return
    if _is_model(model):
        raise FileError(f"{_WHOLE_MODEL} ({model.what})", fix=_SAVE_WEIGHTS)
    if not isinstance(model, Script):
        raise FileError(f"holds a pickled {model.what}, not the weights of a model", fix=_SAVE_WEIGHTS)


def _is_model(value: Opaque) -> bool:
    return isinstance(value.state, dict) and "_parameters" in value.state and "_modules" in value.state
