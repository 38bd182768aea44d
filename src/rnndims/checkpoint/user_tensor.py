"""The tensor that the user names as ``x.npy``, ``x.pt``, ``x.safetensors`` or ``FILE:NAME``. Its numbers are not read here."""

import ast
import os
import warnings
from math import prod
from pathlib import Path
from typing import Any, BinaryIO, Final, NamedTuple

from ..dtypes import BITS, byte_size
from ..errors import FileError, escape, shorten
from ..file_types import NPY
from .file_tensors import MAX_DIMS, MAX_NUMEL, FileTensor, Storage, damaged
from .open_checkpoint import open_regular, read_file

_NPY_DTYPES: Final[dict[str, str]] = {  # numpy's kind and bytes -> torch's name
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
"""Bytes of the longest header, as in ``numpy.load``."""

_NOT_NPY: Final = "is not a .npy file"


class UserTensor(NamedTuple):
    """A tensor, and every file that was read to get to it."""

    tensor: FileTensor
    files: list[Path]


def read_user_tensor(text: str, names: tuple[str, ...] = ()) -> UserTensor:
    """The tensor that ``FILE`` or ``FILE:NAME`` stands for.

    Args:
        text: what the user wrote.
        names: the first of these is read if the file has several tensors and the user names none of them.

    Raises:
        FileError: if there is no such file or tensor, or the file has several tensors and none of ``names``.
    """
    path, name = _split(text)
    if path.suffix.lower() == NPY:
        if name is not None:
            raise FileError("is a .npy file: it has one array, without a name", path=path, fix=f"Remove :{shorten(name)}.")
        return UserTensor(read_npy(path), [path])
    content = read_file(path)
    tensors, files = content.tensors, content.files
    if name is not None:
        if name not in tensors:
            raise FileError(f"has no tensor {shorten(name)}", path=path, fix=f"It has {_listed(tensors)}." if tensors else None)
        return UserTensor(tensors[name], files)
    if len(tensors) == 1:
        return UserTensor(next(iter(tensors.values())), files)
    for expected in names:
        if expected in tensors:
            return UserTensor(tensors[expected], files)
    if not tensors:
        raise FileError("holds no tensor", path=path)
    raise FileError(
        f"holds {len(tensors)} tensors ({_listed(tensors)})", path=path, fix=f"Choose one: {escape(path.name)}:NAME."
    )


def file_part(text: str) -> Path:
    """The path in ``FILE`` or ``FILE:NAME``."""
    return _split(text)[0]


def _split(text: str) -> tuple[Path, str | None]:
    """Path and tensor name. A colon that is part of an existing file's name separates nothing."""
    try:
        whole = os.path.lexists(text)
    except ValueError:
        whole = True
    file, colon, name = text.rpartition(":")
    if whole or not colon or not Path(file).suffix:
        return Path(text), None
    return Path(file), name


def _listed(tensors: dict[str, FileTensor]) -> str:
    shown = [shorten(name) for name in list(tensors)[:8]]
    return f"{', '.join(shown)}{f' and {len(tensors) - 8} more' if len(tensors) > 8 else ''}"


def read_npy(path: Path) -> FileTensor:
    """The array of a ``.npy`` file: shape, dtype and where its numbers lie, by its header.

    Raises:
        FileError: if it is no such file, or holds Python objects, which only unpickling could read.
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
    start = file.read(12)  # mark, version, length of the header in 2 bytes (version 1) or 4
    if start[:6] != b"\x93NUMPY" or len(start) < 12:
        raise damaged(f"{_NOT_NPY}, or it is truncated")
    width = 2 if start[6] == 1 else 4
    length = int.from_bytes(start[8 : 8 + width], "little")
    if start[6] not in (1, 2, 3) or length > _MAX_HEADER:
        raise FileError(
            f"{_NOT_NPY} of version 1, 2 or 3 with a header of at most {_MAX_HEADER:,} bytes", fix="Save it with numpy.save."
        )
    file.seek(8 + width)
    raw = file.read(length)
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # a damaged header may look like odd code
            return ast.literal_eval(raw.decode("latin-1").strip()), 8 + width + length
    except (ValueError, SyntaxError, TypeError, MemoryError, RecursionError) as error:
        raise damaged(f"{_NOT_NPY}, or it is damaged") from error


def _npy_tensor(path: Path, header: Any, begin: int, size: int) -> FileTensor:
    if not isinstance(header, dict) or not {"descr", "fortran_order", "shape"} <= header.keys():
        raise FileError(f"{_NOT_NPY}: its header does not say what it holds")
    descr, shape = header["descr"], header["shape"]
    dtype = _NPY_DTYPES.get(descr[1:]) if isinstance(descr, str) and descr[:1] in "<>|=" else None
    if dtype is None:
        raise FileError(
            f"holds elements of the type {shorten(descr)}, which torch does not have",
            fix="Save it as float32, without Python objects.",
        )
    if not isinstance(shape, tuple) or len(shape) > MAX_DIMS or not all(type(n) is int and 0 <= n <= MAX_NUMEL for n in shape):
        raise FileError(f"{_NOT_NPY}: its header has no shape, or one of more than {MAX_DIMS} dims")
    numel = prod(shape)
    if byte_size(numel, dtype) != size - begin:
        raise damaged(
            f"is truncated or damaged: shape {shorten(shape)} needs {byte_size(numel, dtype):,} bytes, "
            f"and the file has {size - begin:,} for it"
        )
    steps: list[int] = []
    for length in shape if header["fortran_order"] else ():
        steps.append(prod(shape[: len(steps)]) if length else 0)
    storage = Storage(path, dtype, numel, begin, big_endian=descr[0] == ">" and BITS[dtype] > 8)
    return FileTensor(shape, dtype, byte_size(numel, dtype), "strided", storage, 0, tuple(steps) if steps else None)
