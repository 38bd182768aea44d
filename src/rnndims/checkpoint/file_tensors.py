"""What reading a file yields: tensors by name, each with its shape and dtype, and where its numbers lie; none is read."""

from dataclasses import dataclass, field
from math import prod
from pathlib import Path
from typing import Final, NamedTuple

from ..shapes import Shape
from .zip_archive import Member

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
