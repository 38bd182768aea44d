"""What ``torch.save`` and ``torch.jit.save`` write: zip archives, the older single stream, and TorchScript archives.

``pickle_reader`` follows the pickle inside, so torch is not needed, no number is read and nothing is executed.
"""

import io
from collections.abc import Container
from pathlib import Path
from typing import Any, BinaryIO, Final

from ..dtypes import BITS
from ..errors import FileError, shorten
from ..phrases import plural
from . import zip_archive
from .budget import Budget, name_cost
from .file_tensors import MAX_NUMEL, FileContent, FileTensor, Member, Storage, damaged
from .pickle_names import Foreign, Script, StandIn, StorageType
from .pickle_reader import MAGIC, Stream, load_pickle
from .tensor_names import is_optimizer_container

_STORAGE: Final = 400
"""Bytes of a storage, and of its entry among the others."""

_MAX_DEPTH: Final = 64
"""How deep dicts and lists may be nested."""

_NOT_TORCH: Final = "is not a file that torch.save wrote"
_NUMBERS_MISSING: Final = "is truncated or damaged: the numbers of a tensor are not all in it"
_SAVE_WEIGHTS: Final = "Save model.state_dict() instead, or best a .safetensors file."


def is_zip(start: bytes) -> bool:
    """Whether a file that begins with ``start`` is a zip archive."""
    return start.startswith(b"PK\3\4")


def is_pickle(start: bytes) -> bool:
    """Whether a file that begins with ``start`` is a pickle, of protocols 2 to 5."""
    return start[:1] == b"\x80" and b"\2" <= start[1:2] <= b"\5"


def read_torch(path: Path, file: BinaryIO, size: int, budget: Budget) -> FileContent:
    """The content of a file that ``torch.save`` or ``torch.jit.save`` wrote.

    Args:
        path: the file's name.
        file: the same file, open at its first byte.
        size: its size in bytes.
        budget: that of the reading.

    Raises:
        FileError: if it is neither, is damaged, would run code, or costs more than the budget.
    """
    start = file.read(4)
    file.seek(0)
    if is_zip(start):
        return _read_zip(path, file, size, budget)
    if is_pickle(start):
        return _read_stream(path, file, size, budget)
    raise damaged(f"{_NOT_TORCH}, or it is damaged")


def _read_zip(path: Path, file: BinaryIO, size: int, budget: Budget) -> FileContent:
    """The content of a zip archive by ``torch.save`` (since torch 1.6) or ``torch.jit.save``."""
    members = zip_archive.read_members(file, size, budget)
    name = min((name for name in members if f"/{name}".endswith("/data.pkl")), key=len, default=None)
    if name is None:
        if any(member.endswith("/model.json") or member == "model.json" for member in members):
            raise FileError(
                "is a TorchScript archive of torch 1.2 or older, which rnndims does not read",
                fix="Load and save it again with a newer torch.",
            )
        raise FileError(f"{_NOT_TORCH}: it is a zip file, and no data.pkl is in it")
    root = name.removesuffix("data.pkl")
    big_endian = _is_big_endian(file, members.get(f"{root}byteorder"), budget)
    storages: dict[str, Storage] = {}

    def storage(identifier: Any) -> Storage:
        dtype, key, numel = _check_identifier(identifier)
        if key not in storages:
            budget.charge(4 + (len(key) >> 6), _STORAGE)
            member = members.get(f"{root}data/{key}")
            if member is None or member.size < numel * BITS[dtype] // 8:
                raise damaged(_NUMBERS_MISSING)
            storages[key] = Storage(path, dtype, numel, member=member, big_endian=big_endian)
        known = storages[key]
        if known.dtype != dtype or known.numel != numel:
            raise damaged("is damaged: it says two different things of one storage")
        return known

    member = members[name]
    if member.method == 0:
        begin = zip_archive.data_begin(file, member)
        stream = Stream(file, begin, begin + member.size)
    else:
        data = zip_archive.unpack(file, member, budget)
        stream = Stream(io.BytesIO(data), 0, len(data))
    scripted = f"{root}constants.pkl" in members or any(entry.startswith(f"{root}code/") for entry in members)
    return _flatten(load_pickle(stream, storage, budget), "TorchScript" if scripted else "torch.save, zip", budget)


def _is_big_endian(file: BinaryIO, member: Member | None, budget: Budget) -> bool:
    return member is not None and zip_archive.unpack(file, member, budget) == b"big"


def _check_identifier(identifier: Any) -> tuple[str, str, int]:
    """Dtype, key and number of elements of the storage that a persistent id names."""
    if not isinstance(identifier, tuple) or len(identifier) < 5 or identifier[0] != "storage":
        if isinstance(identifier, tuple) and identifier[:1] == ("module",):
            raise _whole_model("")
        raise damaged("is damaged: it refers to something that torch.save does not write")
    _, dtype, key, _, numel = identifier[:5]
    if not isinstance(dtype, StorageType) or type(key) is not str or type(numel) is not int or not 0 <= numel <= MAX_NUMEL:
        raise damaged("is damaged: it does not say which numbers a tensor has")
    return str(dtype), key, numel


def _read_stream(path: Path, file: BinaryIO, size: int, budget: Budget) -> FileContent:
    """The content of a file in ``torch.save``'s older format: pickles, then the numbers one storage after the other."""
    stream = Stream(file, 0, size)
    storages: dict[str, Storage] = {}

    def storage(identifier: Any) -> Storage:
        dtype, key, numel = _check_identifier(identifier)
        known = storages.get(key)
        if known is None:
            budget.charge(4, _STORAGE)
            known = storages[key] = Storage(path, dtype, numel)
        view = identifier[5] if len(identifier) > 5 else None
        if view is not None or known.dtype != dtype or known.numel != numel:
            raise FileError(
                "shares storages between tensors as torch did before 0.4, which rnndims does not read",
                fix="Load and save it again with a newer torch.",
            )
        return known

    if load_pickle(stream, _no_storage, budget) != MAGIC:
        raise FileError(
            f"{_NOT_TORCH}: it is a pickle of another kind", fix="Save the state_dict with torch.save, or as .safetensors."
        )
    load_pickle(stream, _no_storage, budget)  # the version of the format
    system = load_pickle(stream, _no_storage, budget)
    big_endian = isinstance(system, dict) and system.get("little_endian") is False
    content = _flatten(load_pickle(stream, storage, budget), "torch.save, before torch 1.6", budget)
    keys = load_pickle(stream, _no_storage, budget)
    if not isinstance(keys, list):
        raise damaged("is damaged: it does not list its storages")
    for key in keys:
        budget.charge(8)
        known = storages.get(key) if type(key) is str else None
        if known is None:
            raise damaged("is damaged: it has numbers that belong to no tensor")
        if int.from_bytes(stream.read(8), "big" if big_endian else "little") != known.numel:
            raise damaged("is damaged: a storage in it does not have the size that its tensor says")
        known.begin, known.big_endian = stream.position, big_endian
        stream.skip(known.numel * BITS[known.dtype] // 8)
    if any(known.begin is None for known in storages.values()):
        raise damaged(_NUMBERS_MISSING)
    return content


def _no_storage(_: Any) -> Any:
    raise FileError(_NOT_TORCH)


def _flatten(root: Any, kind: str, budget: Budget) -> FileContent:
    """Every tensor below ``root`` under the keys that lead to it, joined by dots.

    Raises:
        FileError: if dicts contain themselves or are nested too deeply, if there are more entries than the budget allows, or if
            there is no tensor because the file holds pickled objects instead of weights.
    """
    content = FileContent(kind, {})
    # name, value, the containers that it is in, and whether one of these is an optimizer's
    pending: list[tuple[str, Any, tuple[int, ...], bool]] = [("", root, (), False)]
    doubles, object_doubles = _Doubles(budget), _Doubles(budget)
    foreign: dict[str, None] = {}
    while pending:
        name, value, parents, of_optimizer = pending.pop()
        if isinstance(value, FileTensor):
            budget.charge_tensor(len(value.shape))
            name = doubles.fresh(name, content.tensors)
            content.tensors[name] = value
            if of_optimizer:
                content.optimizer.add(name)
            continue
        packed = isinstance(value, Script) and value.what.startswith("__torch__.torch.classes.")
        if packed or (isinstance(value, StandIn) and value.items is None and not isinstance(value, Script)):
            content.objects[object_doubles.fresh(name, content.objects)] = value.what
            if isinstance(value, Foreign):
                foreign[value.what] = None
            continue
        if id(value) in parents:
            raise FileError("is nested without end: a dict or list in it contains itself")
        if len(parents) > _MAX_DEPTH:
            raise FileError(f"is nested more than {_MAX_DEPTH} levels deep, the most that rnndims reads")
        below, prefix, entries = (*parents, id(value)), f"{name}." if name else "", _entries(value, budget)
        room = name_cost(prefix)
        items = []
        for key, child in entries:
            if isinstance(child, _KEPT):
                budget.charge_name(key, room)
                full = prefix + key
                of = of_optimizer or (not isinstance(child, (FileTensor, Script)) and is_optimizer_container(full, key))
                items.append((full, child, below, of))
        pending.extend(reversed(items))
    _refuse_objects(root, content)
    if doubles:
        name = next(iter(doubles))
        content.notes.append(
            f"the file has {plural(len(doubles), 'name')} twice, such as {shorten(name)}: "
            "rnndims adds a number to the second one's module"
        )
    if foreign:
        shown = ", ".join(shorten(what) for what in list(foreign)[:3]) + (", ..." if len(foreign) > 3 else "")
        content.notes.append(
            f"the file also holds pickled objects ({shown}): rnndims made none of them and ran none of their code"
        )
    return content


_KEPT: Final = (FileTensor, StandIn, dict, list, tuple)
"""What can be a tensor or lead to one."""


def _entries(value: Any, budget: Budget) -> list[tuple[str, Any]]:
    """The items of a container, each with its key."""
    container = value
    if isinstance(value, Script):
        container = value.state if isinstance(value.state, dict) else {}
    elif isinstance(value, StandIn):
        container = value.items or {}
    elif not isinstance(value, (dict, list, tuple)):
        return []
    budget.charge(2 * len(container), 200 * len(container))
    if not isinstance(container, dict):
        return [(str(index), child) for index, child in enumerate(container)]
    if isinstance(value, Script):
        return [(key, child) for key, child in container.items() if key != "_flat_weights"]
    return list(container.items())


class _Doubles(dict[str, int]):
    """How often each full name occurs that occurs more than once: ``{"a": {"b": ...}, "a.b": ...}`` has ``a.b`` twice."""

    def __init__(self, budget: Budget) -> None:
        self.budget = budget

    def fresh(self, name: str, used: Container[str]) -> str:
        """``name``; where it is ``used``, with a number behind the module's part of it: ``rnn#2.weight_ih_l0``."""
        while name in used:
            self.budget.charge_name(name, 100)
            self[name] = self.get(name, 1) + 1
            module, dot, last = name.rpartition(".")
            name = f"{module}#{self[name]}.{last}" if dot else f"{last}#{self[name]}"
        return name


def _whole_model(what: str) -> FileError:
    return FileError(
        f"holds a whole pickled model{what}. That is code as well as weights, so rnndims does not open it", fix=_SAVE_WEIGHTS
    )


def _refuse_objects(root: Any, content: FileContent) -> None:
    """Refuse a file that holds a pickled object and no tensor outside it."""
    if content.tensors:
        return
    model = root if isinstance(root, StandIn) else None
    if model is None and isinstance(root, dict):
        model = next((value for value in root.values() if isinstance(value, StandIn) and _is_model(value)), None)
    if model is None:
        return
    if _is_model(model):
        raise _whole_model(f" ({model.what})")
    if not isinstance(model, Script):
        raise FileError(f"holds a pickled {model.what}, not the weights of a model", fix=_SAVE_WEIGHTS)


def _is_model(value: StandIn) -> bool:
    return isinstance(value.state, dict) and "_parameters" in value.state and "_modules" in value.state
