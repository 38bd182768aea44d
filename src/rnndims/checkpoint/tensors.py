"""What reading a file yields: tensors by name, each with its shape and dtype, and where its numbers lie; none is read."""

from dataclasses import dataclass, field
from math import prod
from pathlib import Path
from typing import Final, NamedTuple

from ..shapes import Shape
from .archive import Member

BITS: Final[dict[str, int]] = {
    "bool": 8,
    "uint8": 8,
    "int8": 8,
    "int16": 16,
    "uint16": 16,
    "int32": 32,
    "uint32": 32,
    "int64": 64,
    "uint64": 64,
    "float16": 16,
    "bfloat16": 16,
    "float32": 32,
    "float64": 64,
    "complex32": 32,
    "complex64": 64,
    "complex128": 128,
    "float8_e4m3fn": 8,
    "float8_e4m3fnuz": 8,
    "float8_e5m2": 8,
    "float8_e5m2fnuz": 8,
    "float8_e8m0fnu": 8,
    "float4_e2m1fn_x2": 4,
    "float6_e2m3": 6,
    "float6_e3m2": 6,
    "qint8": 8,
    "quint8": 8,
    "qint32": 32,
    "quint4x2": 4,
    "quint2x4": 2,
}
"""Bits of one element of every dtype a file can have, by torch's name."""

MAX_DIMS: Final = 64
MAX_NUMEL: Final = 2**63 - 1


@dataclass(slots=True)
class Storage:
    """A run of elements in a file: from byte ``begin`` on, or a ``member`` of a zip archive."""

    path: Path
    dtype: str
    numel: int
    begin: int | None = None
    member: Member | None = None
    big_endian: bool = False


class FileTensor(NamedTuple):
    """One tensor of a file.

    Attributes:
        shape: its shape.
        dtype: torch's name of its dtype, without ``torch.``.
        bytes: what its elements take.
        layout: ``"strided"``, or ``"quantised"``, ``"sparse"``, ``"meta"`` where there are no plain numbers behind it.
        storage: where its numbers lie; ``None`` where ``layout`` is not ``"strided"``.
        offset: first element in the storage.
        stride: elements from one index to the next in each dim; ``None`` if contiguous.
    """

    shape: Shape
    dtype: str
    bytes: int
    layout: str = "strided"
    storage: Storage | None = None
    offset: int = 0
    stride: Shape | None = None

    @property
    def numel(self) -> int:
        """Number of elements."""
        return prod(self.shape)


@dataclass(slots=True)
class FileContent:
    """Everything that a file holds.

    Attributes:
        kind: what the file is, in words (``"safetensors"``, ``"torch.save, zip"``, ``"TorchScript"``).
        tensors: every tensor, by its full name in the file: keys of nested dicts and names joined by dots.
        objects: full name of everything else that is no plain value, and what it says it is. None of it was made.
        notes: what a reader of the file should know about it.
        optimizers: full names of the dicts and lists that hold an optimizer's state, by their keys.
    """

    kind: str
    tensors: dict[str, FileTensor]
    objects: dict[str, str] = field(default_factory=dict)
    notes: list[str] = field(default_factory=list)
    optimizers: set[str] = field(default_factory=set)


def byte_size(numel: int, dtype: str) -> int:
    """Bytes of ``numel`` elements, rounded up to whole bytes."""
    return (numel * BITS[dtype] + 7) // 8
