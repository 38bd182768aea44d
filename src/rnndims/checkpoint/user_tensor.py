"""One tensor of a file that the user brings: ``x.safetensors[:KEY]``, ``x.pt[:KEY]``, ``x.npy``. Its numbers are not read."""

import ast
import os
import warnings
from math import prod
from pathlib import Path
from typing import Any, BinaryIO, Final

from ..dtypes import BITS, byte_size
from ..errors import FileError, shorten
from ..file_types import NPY
from .file_tensors import MAX_DIMS, MAX_NUMEL, FileTensor, Storage
from .open_checkpoint import read_file
from .stream import open_regular

_NPY_DTYPES: Final[dict[str, str]] = {
    "b1": "bool",
    "u1": "uint8",
    "i1": "int8",
    "i2": "int16",
    "u2": "uint16",
    "i4": "int32",
    "u4": "uint32",
    "i8": "int64",
    "u8": "uint64",
    "f2": "float16",
    "f4": "float32",
    "f8": "float64",
    "c8": "complex64",
    "c16": "complex128",
}
_MAX_HEADER: Final = 10_000


def read_tensor_file(text: str, wanted: tuple[str, ...] = ()) -> FileTensor:
    """The tensor that ``PATH`` or ``PATH:KEY`` names.

    Args:
        text: what the user wrote.
        wanted: keys to take, the first that is there, where the file has several tensors and no key is given.

    Raises:
        FileError: if there is no such file or tensor, or the file leaves open which of its tensors is meant.
    """
    path, key = _split(text)
    if path.suffix.lower() == NPY:
        if key is not None:
            raise FileError("is a .npy file: it has one array and no keys", path=path)
        return read_npy(path)
    tensors = read_file(path).tensors
    if key is not None:
        if key not in tensors:
            raise FileError(f"has no tensor {shorten(key)}", path=path, fix=_keys(tensors))
        return tensors[key]
    if len(tensors) == 1:
        return next(iter(tensors.values()))
    for name in wanted:
        if name in tensors:
            return tensors[name]
    if not tensors:
        raise FileError("holds no tensor", path=path)
    raise FileError(
        f"holds {len(tensors)} tensors, and one is meant", path=path, fix=f"{_keys(tensors)} Write {path.name}:KEY."
    )


def _split(text: str) -> tuple[Path, str | None]:
    """Path and key; a colon that is part of an existing file's name is no separator."""
    try:
        whole = os.path.lexists(text)
    except ValueError:
        whole = True
    name, colon, key = text.rpartition(":")
    if whole or not colon or not Path(name).suffix:
        return Path(text), None
    return Path(name), key


def _keys(tensors: dict[str, FileTensor]) -> str:
    shown = [shorten(name) for name in list(tensors)[:8]]
    return f"It has {', '.join(shown)}{f' and {len(tensors) - 8} more' if len(tensors) > 8 else ''}."


def read_npy(path: Path) -> FileTensor:
    """The array of a ``.npy`` file, by its header.

    Raises:
        FileError: if it is none, or holds Python objects, which only unpickling could read.
    """
    with open_regular(path) as file:
        size = os.fstat(file.fileno()).st_size
        try:
            header, begin = _npy_header(file)
            return _npy_tensor(path, header, begin, size)
        except FileError as error:
            error.path = path
            raise


def _npy_header(file: BinaryIO) -> tuple[Any, int]:
    start = file.read(12)
    if start[:6] != b"\x93NUMPY" or len(start) < 12:
        raise FileError("is not a .npy file, or it is truncated")
    width = 2 if start[6] == 1 else 4
    length = int.from_bytes(start[8 : 8 + width], "little")
    if start[6] not in (1, 2, 3) or length > _MAX_HEADER:
        raise FileError("is not a .npy file that numpy writes")
    file.seek(8 + width)
    raw = file.read(length)
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # a damaged header may look like odd code
            return ast.literal_eval(raw.decode("latin-1").strip()), 8 + width + length
    except (ValueError, SyntaxError, TypeError, MemoryError, RecursionError) as error:
        raise FileError("is not a .npy file, or it is damaged") from error


def _npy_tensor(path: Path, header: Any, begin: int, size: int) -> FileTensor:
    if not isinstance(header, dict) or not {"descr", "fortran_order", "shape"} <= header.keys():
        raise FileError("is not a .npy file: its header does not say what it holds")
    descr, shape = header["descr"], header["shape"]
    dtype = _NPY_DTYPES.get(descr[1:]) if isinstance(descr, str) and descr[:1] in "<>|=" else None
    if dtype is None:
        raise FileError(
            f"holds {shorten(descr)}, not numbers that torch has", fix="Save it as float32, without Python objects."
        )
    if not isinstance(shape, tuple) or len(shape) > MAX_DIMS or not all(type(n) is int and 0 <= n <= MAX_NUMEL for n in shape):
        raise FileError("is not a .npy file: it has no proper shape")
    numel = prod(shape)
    if byte_size(numel, dtype) != size - begin:
        raise FileError(
            f"is truncated or damaged: {shorten(shape)} takes {byte_size(numel, dtype)} bytes, and {size - begin} are there"
        )
    steps: list[int] = []
    for length in shape if header["fortran_order"] else ():
        steps.append(prod(shape[: len(steps)]) if length else 0)
    storage = Storage(path, dtype, numel, begin, big_endian=descr[0] == ">" and BITS[dtype] > 8)
    return FileTensor(shape, dtype, byte_size(numel, dtype), "strided", storage, 0, tuple(steps) if steps else None)
