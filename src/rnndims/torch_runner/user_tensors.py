"""Weights, input and states from the user's files in place of seeded ones, and results saved.

Only the tensors that are asked for are read, and nothing is unpickled.
"""

from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any, Final

from ..checkpoint import zip_archive
from ..checkpoint.file_tensors import FileTensor, Storage
from ..checkpoint.open_checkpoint import open_regular
from ..dtypes import BITS
from ..errors import ConfigError, FileError, RnndimsError, Template, shorten
from ..file_request import Parts, UserTensors
from .build import Inputs

_MAX_SKIPPED: Final = 256 << 20
"""The most bytes that are read or unpacked only to be skipped."""


def load_weights(torch: Any, module: Any, tensors: UserTensors) -> None:
    """Load the weights into ``module``, strictly: none is missing, none is left over, and every shape is the module's.

    Raises:
        RnndimsError: where they do not fit, lie deep in compressed data or far apart, or cannot be computed from the file's
            tensors.
    """
    if not tensors.weights:
        return
    targets = dict(module.named_parameters())
    stored = {name if name in targets else f"{name}_l0": parts for name, parts in tensors.weights.items()}
    missing, left = targets.keys() - stored.keys(), stored.keys() - targets.keys()
    if missing or left:
        raise RnndimsError(f"the weights do not fit: missing {sorted(missing)}, left over {sorted(left)}")
    check_reading(tensor for parts in stored.values() for tensor in parts.values())
    with torch.no_grad():
        for name, target in targets.items():
            weight = _compose(torch, name, stored[name])
            if weight.shape != target.shape:
                raise RnndimsError(f"{name} is {tuple(weight.shape)} in the file and {tuple(target.shape)} in the module")
            target.copy_(weight)


def replace_inputs(torch: Any, inputs: Inputs, tensors: UserTensors, *, layered: bool = True) -> Inputs:
    """``inputs`` with the user's own in place of seeded ones; a state that is missing beside them is zero.

    Args:
        torch: the module.
        inputs: the seeded ones.
        tensors: the user's.
        layered: whether the states in ``inputs`` have a dim for layers in front that the user's may lack.

    Raises:
        RnndimsError: where a shape does not fit, or a file has no numbers for a tensor.
    """
    if not tensors.inputs:
        return inputs

    def own(name: str, seeded: Any) -> Any:
        stored = tensors.inputs.get(name)
        if stored is None:
            return seeded if name == "input" else torch.zeros_like(seeded)
        tensor = to_torch(torch, stored).to(seeded.device, seeded.dtype)
        if layered and tensor.dim() == seeded.dim() - 1 and name != "input":
            tensor = tensor.unsqueeze(0)
        if tensor.shape != seeded.shape:
            raise RnndimsError(f"{name} is {tuple(tensor.shape)} and must be {tuple(seeded.shape)}")
        return tensor

    made = {name: own(name, tensor) for name, tensor in inputs.named().items()}
    return Inputs(made["input"], made["h_0"], made.get("c_0"))


def check_save(torch: Any, tensors: UserTensors, device: Any, dtype: str) -> None:
    """Refuse, before anything is computed, results that could not be saved to ``tensors.save``, if they are to be.

    Raises:
        ConfigError: if they are on ``meta``, or of a dtype that the format does not have.
    """
    if tensors.save is None:
        return
    if device.type == "meta":
        raise ConfigError("save", tensors.save.path, "device meta has shapes but no numbers", fix=Template("Remove {save}."))
    try:
        _serialise({"empty": torch.empty(0, dtype=getattr(torch, dtype))})
    except (KeyError, ValueError, RuntimeError) as error:  # versions of safetensors differ in what they raise
        raise ConfigError(
            "save",
            tensors.save.path,
            f"a .safetensors file cannot hold {dtype}",
            fix=Template("Remove {save}, or use another {dtype}."),
        ) from error


def save_results(results: Mapping[str, Any], tensors: UserTensors) -> None:
    """Write the results to the file ``tensors.save``, if there is one.

    Raises:
        FileError: if it cannot be written.
    """
    if tensors.save is not None:
        tensors.save.write(_serialise(results))


def _serialise(tensors: Mapping[str, Any]) -> bytes:
    """The content of a ``.safetensors`` file."""
    from safetensors.torch import save

    return bytes(save({name: tensor.detach().cpu().contiguous().clone() for name, tensor in tensors.items()}))


def _compose(torch: Any, name: str, parts: Parts) -> Any:
    """A weight from the tensors it is stored as."""
    if "raw" in parts or "" in parts:  # beside a raw weight, the other is a copy with some of it dropped
        return to_torch(torch, parts["raw" if "raw" in parts else ""])
    if "orig" in parts and "mask" in parts:
        return to_torch(torch, parts["orig"]) * to_torch(torch, parts["mask"])
    magnitude, direction = ("g", "v") if "g" in parts else ("original0", "original1")
    if magnitude in parts and direction in parts and "orig" not in parts:
        g, v = to_torch(torch, parts[magnitude]), to_torch(torch, parts[direction])
        if g.dim() == v.dim() and g.shape[0] == v.shape[0] and g.numel() == v.shape[0]:
            return torch._weight_norm(v, g, 0)
    raise RnndimsError(
        f"{shorten(name)} is stored in parts ({', '.join(sorted(parts))}), and rnndims cannot compute it from them",
        fix="Call torch.nn.utils.parametrize.remove_parametrizations before you save.",
    )


def to_torch(torch: Any, tensor: FileTensor) -> Any:
    """The tensor with its numbers: on the CPU, in its own memory, of the shape and dtype that ``tensor`` says.

    Raises:
        RnndimsError: if there are no plain numbers behind it, or the file no longer has them.
    """
    storage = tensor.storage
    dtype = getattr(torch, tensor.dtype, None)
    if storage is None or dtype is None:
        raise RnndimsError(f"a {tensor.layout} tensor of {tensor.dtype} has no plain numbers, which PyTorch's RNNs need")
    if not tensor.numel:
        return torch.empty(tensor.shape, dtype=dtype)
    check_reading([tensor])
    itemsize = BITS[tensor.dtype] // 8
    raw = _read(storage, tensor.offset * itemsize, _span(tensor) * itemsize)
    if storage.big_endian and itemsize > 1:
        raw = _swapped(raw, itemsize // 2 if dtype.is_complex else itemsize)
    return torch.frombuffer(raw, dtype=dtype).as_strided(tensor.shape, _strides(tensor)).clone()


def check_reading(tensors: Iterable[FileTensor]) -> None:
    """Refuse tensors so deep in compressed storages, or so scattered in any, that far more would be read than they are.

    Raises:
        FileError: if more than ``_MAX_SKIPPED`` bytes lie before and between their numbers.
    """
    skipped = 0
    for tensor in tensors:
        storage = tensor.storage
        if storage is None or not tensor.numel:
            continue
        between = max(0, _span(tensor) * BITS[tensor.dtype] // 8 - tensor.bytes)
        compressed = storage.member is not None and storage.member.method
        before = (storage.begin or 0) + tensor.offset * BITS[tensor.dtype] // 8 if compressed else 0
        skipped += before + between
        if skipped > _MAX_SKIPPED and before > between:
            raise FileError(
                f"is compressed, and more than {_MAX_SKIPPED} bytes would be unpacked to get to its numbers",
                path=storage.path,
                fix="Save it again without compression.",
            )
        if skipped > _MAX_SKIPPED:
            raise FileError(
                f"has numbers so far apart that more than {_MAX_SKIPPED} bytes between them would be read",
                path=storage.path,
                fix="Save tensor.contiguous().clone() in place of each tensor.",
            )


def _strides(tensor: FileTensor) -> tuple[int, ...]:
    return tensor.stride if tensor.stride is not None else _contiguous(tensor.shape)


def _span(tensor: FileTensor) -> int:
    """Elements from the first to the last one of a tensor that has some."""
    return sum((size - 1) * step for size, step in zip(tensor.shape, _strides(tensor), strict=True)) + 1


def _contiguous(shape: tuple[int, ...]) -> tuple[int, ...]:
    steps, step = [], 1
    for size in reversed(shape):
        steps.append(step)
        step *= size
    return tuple(reversed(steps))


def _swapped(raw: bytearray, width: int) -> bytearray:
    """``raw`` with the bytes of each number in reverse order."""
    swapped = bytearray(len(raw))
    for byte in range(width):
        swapped[byte::width] = raw[width - 1 - byte :: width]
    return swapped


@contextmanager
def _located(path: Path) -> Iterator[None]:
    """Add the path of the file to errors about it."""
    try:
        yield
    except FileError as error:
        error.path = error.path or path
        raise


def _read(storage: Storage, begin: int, count: int) -> bytearray:
    start = (storage.begin or 0) + begin
    with open_regular(storage.path) as file, _located(storage.path):
        if storage.member is not None:
            data = zip_archive.read_part(file, storage.member, start, count)
        else:
            file.seek(start)
            data = file.read(count)
    if len(data) != count:
        raise FileError("was cut short while it was read", path=storage.path)
    return bytearray(data)
