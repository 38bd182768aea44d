"""The formats of checkpoints, one line for each, and which of them a file has.

``docs/CONTRIBUTING.md`` has the recipe for a new one.
"""

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import BinaryIO, Final

from .. import file_types
from ..errors import FileError, shorten
from .budget import Budget
from .file_tensors import FileContent
from .safetensors_file import is_safetensors, read_safetensors
from .torch_file import is_pickle, is_zip, read_torch

START: Final = 512
"""Bytes at the beginning of a file by which its format is recognised."""


@dataclass(frozen=True, slots=True)
class Format:
    """One format of checkpoints.

    Attributes:
        name: what a message calls a file in it: ``"a safetensors file"``.
        suffixes: the suffixes that such files have, the usual one first.
        begins: whether a file is in this format, by its first ``START`` bytes.
        read: the reader, called with the file's path, the file open at its first byte, its size in bytes, and the budget of the
            reading. It reads names, shapes and dtypes, no numbers; it executes nothing, and charges the budget for whatever it
            does, before. It raises ``FileError`` for a file that is not in this format, is damaged, or would run code.
    """

    name: str
    suffixes: tuple[str, ...]
    begins: Callable[[bytes], bool]
    read: Callable[[Path, BinaryIO, int, Budget], FileContent]


FORMATS: Final = (
    # before torch.save: the length that a safetensors file begins with can look like a pickle (80 02) or a zip file (50 4B)
    Format("a safetensors file", (file_types.SAFETENSORS,), is_safetensors, read_safetensors),
    Format("a torch.save file", file_types.TORCH, lambda start: is_zip(start) or is_pickle(start), read_torch),
)
"""All formats, in the order in which a file's first bytes are compared with them: of two that begin alike, the rarer first.

A directory with files of several formats is read by the first of them.
"""

_LOOKALIKES: Final[tuple[tuple[Callable[[bytes], bool], str, str], ...]] = (
    (
        lambda start: start[257:262] == b"ustar",
        "is a tar archive",
        "Unpack it first; if torch 0.1 wrote it, load and save it again with a newer torch.",
    ),
    (
        lambda start: start.startswith(b"version https://git-lfs"),
        "is a Git LFS pointer: the checkpoint itself was not downloaded",
        "Run git lfs pull, or download the file from its web page.",
    ),
    (
        lambda start: start.lstrip()[:1] == b"<",
        "is a web page, not a checkpoint",
        "Download it again, from the link to the raw file.",
    ),
    (
        lambda start: start.startswith((b"\x1f\x8b", b"BZh", b"\xfd7zXZ", b"\x28\xb5\x2f\xfd")),  # gzip, bzip2, xz, zstd
        "is compressed",
        "Unpack it first.",
    ),
)
"""What people often have instead of a checkpoint: how it begins, what it is, and the way out."""


def find_format(path: Path, start: bytes) -> Format:
    """The format of the file at ``path``: its suffix decides, and its content must agree.

    Args:
        path: the file's name.
        start: its first ``START`` bytes, fewer if it is shorter.

    Raises:
        FileError: if suffix and content contradict each other, or it is no checkpoint.
    """
    suffix = path.suffix.lower()
    by_content = next((each for each in FORMATS if each.begins(start)), None)
    by_suffix = next((each for each in FORMATS if suffix in each.suffixes), None) if suffix else by_content
    if by_suffix is not None and by_suffix.begins(start):  # two formats can begin alike: then the suffix tells them apart
        return by_suffix
    if by_suffix is None:
        word = (
            f"has the suffix {shorten(suffix)}, which no checkpoint has"
            if suffix
            else "does not have the content of a checkpoint"
        )
        raise FileError(word, fix=file_types.READS)
    if by_content is not None and by_content is not by_suffix:
        raise FileError(
            f"is {by_content.name}, but its name ends in {suffix}", fix=f"Rename it to end in {by_content.suffixes[0]}."
        )
    if by_content is None:
        for looks, what, fix in _LOOKALIKES:
            if looks(start):
                raise FileError(what, fix=fix)
    return by_suffix  # if the content is in no format, the reader for the suffix says what is wrong with it
