"""Numbers from files to PyTorch and back: only what is asked for is read, and nothing is unpickled."""

import os
import tempfile
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any, Final

from ..checkpoint import zip_archive
from ..checkpoint.file_tensors import FileTensor, Storage
from ..checkpoint.open_checkpoint import open_regular
from ..dtypes import BITS
from ..errors import FileError, RnndimsError
from ..file_types import SAFETENSORS

_MAX_SKIPPED: Final = 256 << 20


def to_torch(torch: Any, tensor: FileTensor) -> Any:
    """The tensor with its numbers, on the CPU, in memory of its own.

    Raises:
        RnndimsError: if there are no plain numbers behind it, or the file no longer has them.
    """
    storage = tensor.storage
    dtype = getattr(torch, tensor.dtype, None)
    if storage is None or dtype is None:
        raise RnndimsError(f"a {tensor.layout} tensor of {tensor.dtype} has no plain numbers, and PyTorch's RNNs need them")
    if not tensor.numel:
        return torch.empty(tensor.shape, dtype=dtype)
    check_compressed([tensor])
    stride = tensor.stride if tensor.stride is not None else _contiguous(tensor.shape)
    last = sum((size - 1) * step for size, step in zip(tensor.shape, stride, strict=True))
    itemsize = BITS[tensor.dtype] // 8
    raw = _read(storage, tensor.offset * itemsize, (last + 1) * itemsize)
    if storage.big_endian and itemsize > 1:
        raw = _swapped(raw, itemsize // 2 if dtype.is_complex else itemsize)
    return torch.frombuffer(raw, dtype=dtype).as_strided(tensor.shape, stride).clone()


def check_compressed(tensors: Iterable[FileTensor]) -> None:
    """Refuse tensors for which a zip bomb, or a careless hand, would have far more unpacked than they are.

    Raises:
        FileError: if they begin deep in compressed storages.
    """
    skipped = 0
    for tensor in tensors:
        storage = tensor.storage
        if storage is not None and storage.member is not None and storage.member.method:
            skipped += tensor.offset * BITS[tensor.dtype] // 8
            if skipped > _MAX_SKIPPED:
                raise FileError(
                    f"is compressed, and more than {_MAX_SKIPPED} bytes would be unpacked to get to its numbers",
                    path=storage.path,
                    fix="Load and save it again: torch.save compresses nothing.",
                )


def _contiguous(shape: tuple[int, ...]) -> tuple[int, ...]:
    steps, step = [], 1
    for size in reversed(shape):
        steps.append(step)
        step *= size
    return tuple(reversed(steps))


def _swapped(raw: bytearray, width: int) -> bytearray:
    """``raw`` with the bytes of each number in reverse order."""
    swapped = bytearray(len(raw))
    for place in range(width):
        swapped[place::width] = raw[width - 1 - place :: width]
    return swapped


@contextmanager
def _located(path: Path) -> Iterator[None]:
    """Gives errors about a file their path."""
    try:
        yield
    except FileError as error:
        error.path = error.path or path
        raise


def _read(storage: Storage, begin: int, count: int) -> bytearray:
    with open_regular(storage.path) as file, _located(storage.path):
        if storage.member is not None:
            data = zip_archive.read_part(file, storage.member, begin, count)
        else:
            file.seek((storage.begin or 0) + begin)
            data = file.read(count)
    if len(data) != count:
        raise FileError("was cut off while it was read", path=storage.path)
    return bytearray(data)


def save(path: Path, tensors: Mapping[str, Any], *, overwrite: bool) -> None:
    """Write ``tensors`` as a ``.safetensors`` file, whole or not at all.

    Raises:
        FileError: if it is there already and may not be overwritten, or cannot be written.
    """
    check_target(path, overwrite=overwrite)
    from safetensors.torch import save as serialise

    data = serialise({name: tensor.detach().cpu().contiguous().clone() for name, tensor in tensors.items()})
    try:
        descriptor, temporary = tempfile.mkstemp(prefix=".rnndims-", suffix=SAFETENSORS, dir=path.parent)
        try:
            with os.fdopen(descriptor, "wb") as file:
                file.write(data)
            Path(temporary).replace(path)
        except BaseException:
            Path(temporary).unlink(missing_ok=True)
            raise
    except OSError as error:
        raise FileError(f"cannot be written: {error.strerror or error}", path=path) from error


def check_target(path: Path, *, overwrite: bool) -> None:
    """Refuse a file that cannot be meant, before anything is computed for it.

    Raises:
        FileError: if its suffix is another, its directory is missing, or it is there already.
    """
    if path.suffix != SAFETENSORS:
        raise FileError("is written as safetensors, and its name has to say so", path=path, fix="Name it like out.safetensors.")
    if not path.parent.is_dir():
        raise FileError("cannot be written: its directory is not there", path=path)
    if os.path.lexists(path) and not (overwrite and path.is_file()):
        raise FileError("is there already, and is not overwritten", path=path, fix="Name another file, or add --force.")
