"""What the functions of ``torch._utils`` that a checkpoint calls make of their arguments: a tensor's shape and dtype.

Their arguments are a stranger's, so that each is checked. Raised everywhere: FileError, where they contradict each other.
"""

from math import prod
from typing import Any

from ..dtypes import BITS, byte_size
from ..errors import FileError, shorten
from .file_tensors import MAX_DIMS, MAX_NUMEL, FileTensor, Storage


class Dtype(str):
    """A ``torch.dtype`` by its name."""

    __slots__ = ()


def _sizes(value: Any) -> tuple[int, ...]:
    """``value`` as a shape or stride."""
    if not isinstance(value, (tuple, list)) or len(value) > MAX_DIMS:
        raise FileError("is damaged: a tensor in it has no proper shape")
    if not all(type(size) is int and 0 <= size <= MAX_NUMEL for size in value):
        raise FileError("is damaged: a tensor in it has a negative or absurd size")
    return tuple(value)


def tensor(storage: Any, offset: Any, size: Any, stride: Any, *rest: Any) -> FileTensor:
    """``_rebuild_tensor_v2`` and its forerunner; the last argument may say that the numbers are to be conjugated or negated."""
    if not isinstance(storage, Storage):
        raise FileError("is damaged: a tensor in it has no storage")
    found = _strided(storage, storage.dtype, offset, size, stride)
    views = rest[2] if len(rest) > 2 and isinstance(rest[2], dict) else {}
    if any(flag is True for flag in views.values()):
        return found._replace(layout="conjugated", storage=None)
    return found


def tensor_v3(storage: Any, offset: Any, size: Any, stride: Any, _grad: Any, _hooks: Any, dtype: Any, *_: Any) -> FileTensor:
    """``_rebuild_tensor_v3``: its storage is untyped, its dtype apart."""
    if not isinstance(storage, Storage) or not isinstance(dtype, Dtype):
        raise FileError("is damaged: a tensor in it has no storage or dtype")
    typed = Storage(storage.path, str(dtype), storage.numel * BITS[storage.dtype] // BITS[dtype])
    found = _strided(typed, str(dtype), offset, size, stride)
    return found._replace(storage=storage)


def _strided(storage: Storage, dtype: str, offset: Any, size: Any, stride: Any) -> FileTensor:
    shape, steps = _sizes(size), _sizes(stride)
    if len(shape) != len(steps) or type(offset) is not int or offset < 0:
        raise FileError("is damaged: shape and stride of a tensor in it contradict each other")
    numel = prod(shape)
    if numel > MAX_NUMEL:
        raise FileError(f"is damaged: a tensor in it has more numbers than can be counted, {shorten(shape)}")
    last = offset + sum((n - 1) * step for n, step in zip(shape, steps, strict=True)) if numel else 0
    if numel and last >= storage.numel:
        raise FileError(
            f"is damaged: a tensor of shape {shorten(shape)} reaches beyond the {storage.numel} numbers stored for it"
        )
    return FileTensor(shape, dtype, byte_size(numel, dtype), "strided", storage, offset, steps)


def quantised(storage: Any, offset: Any, size: Any, stride: Any, *_: Any) -> FileTensor:
    """``_rebuild_qtensor``: the arguments of a plain tensor, then the quantizer's."""
    return tensor(storage, offset, size, stride)._replace(layout="quantised", storage=None)


def sparse(_layout: Any, data: Any, *_: Any) -> FileTensor:
    """``_rebuild_sparse_tensor``: COO, CSR and the like."""
    if not isinstance(data, tuple):
        raise FileError("is damaged: a sparse tensor in it has no parts")
    parts = [part for part in data if isinstance(part, FileTensor)]
    sizes = [part for part in data if isinstance(part, (tuple, list)) and not isinstance(part, FileTensor)]
    if not parts or not sizes:
        raise FileError("is damaged: a sparse tensor in it has no parts")
    # (indices, values, size) of COO and (compressed, plain, values, size) of CSR: the values come last
    return FileTensor(_sizes(sizes[-1]), parts[-1].dtype, sum(part.bytes for part in parts), "sparse")


def without_storage(dtype: Any, size: Any, *_: Any) -> FileTensor:
    """``_rebuild_meta_tensor_no_storage``."""
    if not isinstance(dtype, Dtype):
        raise FileError("is damaged: a tensor in it has no dtype")
    shape = _sizes(size)
    return FileTensor(shape, str(dtype), byte_size(prod(shape), dtype), "meta")


def wrapped(_class: Any, dtype: Any, size: Any, *_: Any) -> FileTensor:
    """``_rebuild_wrapper_subclass``."""
    return without_storage(dtype, size)
