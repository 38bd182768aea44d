"""What reading a file yields: tensors by name, each with its shape, its dtype and where its numbers lie. No number is read."""

from dataclasses import dataclass, field
from math import prod
from pathlib import Path
from typing import Final, NamedTuple

from ..errors import FileError
from ..shapes import Shape

MAX_DIMS: Final = 64
"""Dims of a tensor at most, as in torch."""

MAX_NUMEL: Final = 2**63 - 1
"""Elements of a tensor at most, and of one dim: torch counts in 64 bits."""


def damaged(message: str) -> FileError:
    """The error for a file that breaks the rules of its format: another copy may be whole."""
    return FileError(message, fix="Download it again, or save it again.")


class Member(NamedTuple):
    """One member of a zip archive: its compression (0 none, 8 deflate), its sizes in the file and unpacked, and its offset."""

    method: int
    packed: int
    size: int
    header: int


@dataclass(slots=True)
class Storage:
    """``numel`` elements that lie together in a file, or in a ``member`` of a zip archive.

    ``begin`` is the offset in bytes of the first in the file, or in the unpacked member. ``big_endian`` says that the bytes of
    each number are in reverse order.
    """

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
        bytes: bytes of its elements.
        layout: ``"strided"``; or ``"quantised"``, ``"sparse"``, ``"conjugated"``, ``"meta"``, which have no plain numbers.
        storage: where its numbers lie; ``None`` if ``layout`` is not ``"strided"``.
        offset: its first element's index in the storage.
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
        objects: full name of everything else that is no plain value, and the class that it names. No such object is made.
        notes: what the user should know about the file.
        optimizer: full names of the tensors that are in an optimizer's dict or list, by its key.
        files: every file that was read for it: itself, or an index and its shards.
    """

    kind: str
    tensors: dict[str, FileTensor]
    objects: dict[str, str] = field(default_factory=dict)
    notes: list[str] = field(default_factory=list)
    optimizer: set[str] = field(default_factory=set)
    files: list[Path] = field(default_factory=list)
