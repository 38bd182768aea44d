"""The names that a pickle may have, and the stand-in for each: nothing is ever imported or called for it.

``torch.save`` writes tensors as calls of a few functions of ``torch._utils``. Here these calls yield shape and dtype, and no
numbers. Plain classes of other packages become a ``StandIn``. A name that no checkpoint needs is the mark of a hostile file:
such a file is refused as a whole.
"""

import sys
from collections.abc import Callable
from math import prod
from typing import Any, Final, NamedTuple

from ..dtypes import BITS, byte_size, dtype_name
from ..errors import FileError, shorten
from .file_tensors import MAX_DIMS, MAX_NUMEL, FileTensor, Storage, damaged


class StandIn:
    """What takes the place of an object that is not made.

    Attributes:
        what: what the object would have been: ``"some_package.Settings"``.
        state: the state that it would have.
        items: its items, if it is a kind of dict.
    """

    __slots__ = ("items", "state", "what")

    def __init__(self, what: str) -> None:
        self.what = what
        self.state: Any = None
        self.items: dict[str, Any] | None = None


class Blob(StandIn):
    """Bytes that were not read.

    Attributes:
        content: offset in the file and number of bytes; or the text that the bytes are encoded as.
        text: whether the bytes are written as Latin-1 text in UTF-8, as old protocols do.
        followed: whether the pickles in it were already followed.
    """

    __slots__ = ("content", "followed", "text")

    def __init__(self, content: tuple[int, int] | str, *, text: bool = False) -> None:
        super().__init__("a long text" if text else "bytes")
        self.content = content
        self.text = text
        self.followed = False


class Script(StandIn):
    """An object of a TorchScript archive; its state is the dict of its attributes."""

    __slots__ = ()


class Foreign(StandIn):
    """An object of a class of another package than Python's, numpy's and torch's."""

    __slots__ = ()


class Named(NamedTuple):
    """A name in the pickle. ``call`` is what runs instead of it where the pickle calls it; ``None`` forbids the call."""

    what: str
    call: Callable[..., Any] | None


STORAGE_DTYPES: Final[dict[str, str]] = {
    "DoubleStorage": "float64",
    "FloatStorage": "float32",
    "HalfStorage": "float16",
    "BFloat16Storage": "bfloat16",
    "LongStorage": "int64",
    "IntStorage": "int32",
    "ShortStorage": "int16",
    "CharStorage": "int8",
    "ByteStorage": "uint8",
    "BoolStorage": "bool",
    "ComplexFloatStorage": "complex64",
    "ComplexDoubleStorage": "complex128",
    "QInt8Storage": "qint8",
    "QUInt8Storage": "quint8",
    "QInt32Storage": "qint32",
    "QUInt4x2Storage": "quint4x2",
    "QUInt2x4Storage": "quint2x4",
    "UntypedStorage": "uint8",
}
"""Torch's classes of storages, and the dtype of their elements."""


class StorageType(str):
    """A class of storages, by the dtype of its elements."""

    __slots__ = ()


class Dtype(str):
    """A ``torch.dtype`` by its name."""

    __slots__ = ()


def resolve(module: str, name: str) -> Any:
    """The stand-in for the global ``module.name``.

    Raises:
        FileError: if no checkpoint needs it.
    """
    known = _KNOWN.get((module, name))
    if known is not None:
        return known
    what = f"{module}.{name}"
    root = module.partition(".")[0]
    if root == "__torch__":
        return Named(what, lambda *_: Script(what))
    if root == "torch":
        return _resolve_torch(module, name, what)
    if root in _PLAIN_MODULES and name in _PLAIN_MODULES[root]:
        return Named(what, lambda *_: StandIn(what))
    if root in ("numpy", "typing"):
        plain = root == "typing" or name in _NUMPY or (module.startswith("numpy.random.") and name.startswith(_CYTHON))
        return Named(what, (lambda *_: StandIn(what)) if plain else None)
    if root in sys.stdlib_module_names or root in _OLD_STDLIB:
        raise refusal(what)
    return Named(what, (lambda *_: Foreign(what)) if _is_class(name) else None)


def _resolve_torch(module: str, name: str, what: str) -> Any:
    if name in STORAGE_DTYPES and module in ("torch", "torch.cuda", "torch.storage"):
        return StorageType(STORAGE_DTYPES[name])
    if module == "torch" and dtype_name(name) in BITS:
        return Dtype(dtype_name(name))
    if module == "torch.jit._pickle" and name.startswith(("build_", "restore_")):
        return Named(what, lambda value, *_: value)
    return Named(what, (lambda *_: StandIn(what)) if _is_class(name) else None)


def refusal(what: str) -> FileError:
    """The error for a pickle that would run code."""
    act = f"holds a pickled {shorten(what)} object" if _is_class(what) else f"calls {shorten(what)}"
    return FileError(
        f"{act}. Unpickling it would run code, so rnndims does not read the file, and nothing in it was run",
        fix="Ask its author for the weights alone: a state_dict, or best a .safetensors file.",
    )


def _is_class(name: str) -> bool:
    """Whether ``name`` looks like a class (``nn.Linear``, ``_Node``) and not like a function, which could run code."""
    return name.rpartition(".")[2].lstrip("_")[:1].isupper()


# Below, the functions of torch._utils that a checkpoint calls, each with torch's own arguments. Anybody may have written these
# arguments, so each is checked; FileError says which of them contradict each other.


def _sizes(value: Any) -> tuple[int, ...]:
    """``value`` as a shape or stride."""
    if not isinstance(value, (tuple, list)) or len(value) > MAX_DIMS:
        raise damaged(f"is damaged: the shape of a tensor in it is not a list of at most {MAX_DIMS} sizes")
    if not all(type(size) is int and 0 <= size <= MAX_NUMEL for size in value):
        raise damaged(f"is damaged: a tensor in it has a size that is not a number from 0 to {MAX_NUMEL}")
    return tuple(value)


def _rebuild_plain(storage: Any, offset: Any, size: Any, stride: Any, *rest: Any) -> FileTensor:
    """``_rebuild_tensor_v2`` and its forerunner; the last argument may say that the numbers must be conjugated or negated."""
    if not isinstance(storage, Storage):
        raise damaged("is damaged: a tensor in it has no storage")
    tensor = _strided(storage, storage.dtype, offset, size, stride)
    views = rest[2] if len(rest) > 2 and isinstance(rest[2], dict) else {}
    if any(flag is True for flag in views.values()):
        return tensor._replace(layout="conjugated", storage=None)
    return tensor


def _rebuild_v3(storage: Any, offset: Any, size: Any, stride: Any, _grad: Any, _hooks: Any, dtype: Any, *_: Any) -> FileTensor:
    """``_rebuild_tensor_v3``: an untyped storage, and the dtype as an argument of its own."""
    if not isinstance(storage, Storage) or not isinstance(dtype, Dtype):
        raise damaged("is damaged: a tensor in it has no storage or dtype")
    typed = Storage(storage.path, str(dtype), storage.numel * BITS[storage.dtype] // BITS[dtype])
    return _strided(typed, str(dtype), offset, size, stride)._replace(storage=storage)


def _strided(storage: Storage, dtype: str, offset: Any, size: Any, stride: Any) -> FileTensor:
    shape, steps = _sizes(size), _sizes(stride)
    if len(shape) != len(steps) or type(offset) is not int or offset < 0:
        raise damaged("is damaged: shape and stride of a tensor in it contradict each other")
    numel = prod(shape)
    if numel > MAX_NUMEL:
        raise damaged(f"is damaged: a tensor of shape {shorten(shape)} would have more than {MAX_NUMEL} numbers")
    last = offset + sum((n - 1) * step for n, step in zip(shape, steps, strict=True)) if numel else 0
    if numel and last >= storage.numel:
        raise damaged(
            f"is damaged: a tensor of shape {shorten(shape)} needs more than the {storage.numel} numbers that are stored for it"
        )
    return FileTensor(shape, dtype, byte_size(numel, dtype), "strided", storage, offset, steps)


def _rebuild_quantised(storage: Any, offset: Any, size: Any, stride: Any, *_: Any) -> FileTensor:
    """``_rebuild_qtensor``: the arguments of a plain tensor, then the quantizer's."""
    return _rebuild_plain(storage, offset, size, stride)._replace(layout="quantised", storage=None)


def _rebuild_sparse(_layout: Any, data: Any, *_: Any) -> FileTensor:
    """``_rebuild_sparse_tensor``: COO, CSR and the like."""
    if not isinstance(data, tuple):
        raise damaged("is damaged: a sparse tensor in it has no parts")
    parts = [part for part in data if isinstance(part, FileTensor)]
    sizes = [part for part in data if isinstance(part, (tuple, list)) and not isinstance(part, FileTensor)]
    if not parts or not sizes:
        raise damaged("is damaged: a sparse tensor in it has no parts")
    # (indices, values, size) of COO and (compressed, plain, values, size) of CSR: the values come last
    return FileTensor(_sizes(sizes[-1]), parts[-1].dtype, sum(part.bytes for part in parts), "sparse")


def _rebuild_without_storage(dtype: Any, size: Any, *_: Any) -> FileTensor:
    """``_rebuild_meta_tensor_no_storage``."""
    if not isinstance(dtype, Dtype):
        raise damaged("is damaged: a tensor in it has no dtype")
    shape = _sizes(size)
    return FileTensor(shape, str(dtype), byte_size(prod(shape), dtype), "meta")


def _rebuild_wrapper(_class: Any, dtype: Any, size: Any, *_: Any) -> FileTensor:
    """``_rebuild_wrapper_subclass``."""
    return _rebuild_without_storage(dtype, size)


def _first(value: Any = None, *_: Any) -> Any:
    return value


def _items(value: Any = (), *_: Any) -> Any:
    """A container's items: a new dict from a dict or from pairs, a new list from anything else."""
    if isinstance(value, dict):
        return dict(value)
    return [*value] if isinstance(value, (list, tuple)) else []


def _ordered(value: Any = (), *_: Any) -> dict[Any, Any]:
    if isinstance(value, dict):
        return dict(value)
    pairs = value if isinstance(value, (list, tuple)) else ()
    return {pair[0]: pair[1] for pair in pairs if isinstance(pair, (list, tuple)) and len(pair) == 2 and type(pair[0]) is str}


def _encode(text: Any = "", *_: Any) -> Any:
    """Bytes from a text, as protocol 2 writes them."""
    return Blob(text) if type(text) is str else text if isinstance(text, Blob) else StandIn("bytes")


def _reconstruct(cls: Any, *_: Any) -> Any:
    return cls.call() if isinstance(cls, Named) and cls.call is not None else StandIn("an object")


_PLAIN_MODULES: Final[dict[str, frozenset[str]]] = {
    "argparse": frozenset({"Namespace"}),
    "types": frozenset({"SimpleNamespace", "MappingProxyType"}),
    "pathlib": frozenset(["Path", "PosixPath", "WindowsPath", "PurePath", "PurePosixPath", "PureWindowsPath"]),
    "datetime": frozenset(["datetime", "date", "time", "timedelta", "timezone"]),
    "uuid": frozenset({"UUID", "SafeUUID"}),
    "decimal": frozenset({"Decimal"}),
    "fractions": frozenset({"Fraction"}),
    "re": frozenset({"_compile"}),
    "http": frozenset({"HTTPStatus", "HTTPMethod"}),
    "collections": frozenset({"Counter", "deque", "ChainMap"}),
    "builtins": frozenset(
        (
            *("set", "frozenset", "bytearray", "bytes", "complex", "slice", "range", "object", "int", "float", "bool", "str"),
            *("list", "dict", "tuple", "type", "NoneType", "Ellipsis", "NotImplemented"),
        )
    ),
}
"""Classes of Python's own library that checkpoints hold beside their weights: by package, then by name."""

_PLAIN_MODULES["__builtin__"] = _PLAIN_MODULES["builtins"] | {"unicode", "long", "xrange"}

_NUMPY: Final = frozenset(
    (
        *("_reconstruct", "scalar", "dtype", "ndarray", "_frombuffer", "bool_", "number"),
        *("__bit_generator_ctor", "__generator_ctor", "__randomstate_ctor"),
    )
)
"""Names of numpy in the pickles of arrays and random states."""

_CYTHON: Final = "__pyx_unpickle_"
"""How the functions begin that Cython writes for pickles: ``__pyx_unpickle_Generator``."""

_OLD_STDLIB: Final = frozenset(
    ("__builtin__", "commands", "imp", "nt", "posix", "posixpath", "ntpath", "distutils", "asyncore", "pip", "setuptools")
)
"""Packages that ``sys.stdlib_module_names`` does not have on every system and version."""

LOAD_FROM_BYTES: Final = Named("torch.storage._load_from_bytes", None)
"""Unpickles bytes: the reader follows them first, as a pickle of their own."""

FROM_TYPE: Final = Named("torch._tensor._rebuild_from_type_v2", None)
"""Calls another function: the reader takes that one and its arguments instead."""

_TENSOR = Named("torch.nn.Parameter", _first)
_FUNCTIONS: Final[dict[str, Callable[..., Any]]] = {
    "_rebuild_tensor": _rebuild_plain,
    "_rebuild_tensor_v2": _rebuild_plain,
    "_rebuild_tensor_v3": _rebuild_v3,
    "_rebuild_parameter": _first,
    "_rebuild_parameter_with_state": _first,
    "_rebuild_qtensor": _rebuild_quantised,
    "_rebuild_sparse_tensor": _rebuild_sparse,
    "_rebuild_sparse_csr_tensor": _rebuild_sparse,
    "_rebuild_meta_tensor_no_storage": _rebuild_without_storage,
    "_rebuild_wrapper_subclass": _rebuild_wrapper,
    "_rebuild_device_tensor_from_numpy": lambda *_: StandIn("a tensor saved through numpy"),
    "_rebuild_device_tensor_from_cpu_tensor": _first,
    "_rebuild_xla_tensor": lambda *_: StandIn("a tensor saved through numpy"),
    "_rebuild_nested_tensor": lambda *_: StandIn("a nested tensor"),
}
_KNOWN: Final[dict[tuple[str, str], Any]] = {
    **{("torch._utils", name): Named(f"torch._utils.{name}", call) for name, call in _FUNCTIONS.items()},
    **{(f"torch.{module}", f"_rebuild_from_type{end}"): FROM_TYPE for module in ("_utils", "_tensor") for end in ("", "_v2")},
    ("torch.nn.parameter", "Parameter"): _TENSOR,
    ("torch.nn", "Parameter"): _TENSOR,
    ("torch.nn.parameter", "Buffer"): _TENSOR,
    ("torch.serialization", "_get_layout"): Named("torch.serialization._get_layout", _first),
    ("torch", "Size"): Named("torch.Size", _first),
    ("torch", "device"): Named("torch.device", _first),
    ("torch.storage", "_load_from_bytes"): LOAD_FROM_BYTES,
    ("_codecs", "encode"): Named("_codecs.encode", _encode),
    ("collections", "OrderedDict"): Named("collections.OrderedDict", _ordered),
    ("collections", "defaultdict"): Named("collections.defaultdict", lambda *_: {}),
    ("builtins", "dict"): Named("dict", _ordered),
    ("__builtin__", "dict"): Named("dict", _ordered),
    ("builtins", "list"): Named("list", _items),
    ("builtins", "tuple"): Named("tuple", _items),
    ("copyreg", "_reconstructor"): Named("copyreg._reconstructor", _reconstruct),
    ("copy_reg", "_reconstructor"): Named("copyreg._reconstructor", _reconstruct),
    ("copyreg", "__newobj__"): Named("copyreg.__newobj__", _reconstruct),
}
