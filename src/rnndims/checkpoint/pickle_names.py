"""What a pickle may ask for by name, and what is put in its place: nothing is ever imported or called for it.

``torch.save`` writes tensors as calls of a few functions of ``torch._utils``. Those are understood here as what they mean
for shape and dtype. Plain classes of other packages become an ``Opaque`` that nothing is asked of. A name that no checkpoint
needs, which is what hostile ones are made of, makes the whole file refused.
"""

import sys
from collections.abc import Callable
from typing import Any, Final, NamedTuple

from ..dtypes import BITS, dtype_name
from ..errors import FileError, shorten
from . import rebuild
from .rebuild import Dtype
from .tensor_names import words


class Opaque:
    """An object that was not made: what it would have been, the state it was to get, and, of a kind of dict, its items."""

    __slots__ = ("items", "state", "what")

    def __init__(self, what: str) -> None:
        self.what = what
        self.state: Any = None
        self.items: dict[str, Any] | None = None


class Blob(Opaque):
    """Bytes, which were not read: ``content`` is where they begin and how many they are, or the text they are encoded as.

    ``text`` says whether it is UTF-8 of Latin-1 that lies there, as old protocols write bytes; ``followed``, whether they
    were already looked into.
    """

    __slots__ = ("content", "followed", "text")

    def __init__(self, content: tuple[int, int] | str, *, text: bool = False) -> None:
        super().__init__("a long text" if text else "bytes")
        self.content = content
        self.text = text
        self.followed = False


class Script(Opaque):
    """An object of a TorchScript archive; its state is the dict of its attributes."""

    __slots__ = ()


class Foreign(Opaque):
    """An object of a class of another package than Python's, numpy's and torch's."""

    __slots__ = ()


class Named(NamedTuple):
    """A name that the pickle asked for. ``call`` does what calling it means here; ``None`` if it may not be called."""

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


class StorageType(str):
    """A class of storages, by the dtype of its elements."""

    __slots__ = ()


def resolve(module: str, name: str) -> Any:
    """What stands for the global ``module.name``.

    Raises:
        FileError: if no checkpoint has a reason to ask for it.
    """
    found = _KNOWN.get((module, name))
    if found is not None:
        return found
    what = f"{module}.{name}"
    root = module.partition(".")[0]
    if root == "__torch__":
        return Named(what, lambda *_: Script(what))
    if root == "torch":
        return _resolve_torch(module, name, what)
    if root in _PLAIN_MODULES and name in _PLAIN_MODULES[root]:
        return Named(what, lambda *_: Opaque(what))
    if root in ("numpy", "typing"):
        plain = root == "typing" or name in _NUMPY or (module.startswith("numpy.random.") and name.startswith(_CYTHON))
        return Named(what, (lambda *_: Opaque(what)) if plain else None)
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
    return Named(what, (lambda *_: Opaque(what)) if _is_class(name) else None)


def refusal(what: str) -> FileError:
    """The error for a pickle that would run code."""
    act = f"holds a pickled {shorten(what)} object" if _is_class(what) else f"asks for {shorten(what)}"
    return FileError(
        f"{act}: to unpickle it would run code, so that it is not read, and nothing in it was run",
        fix="Ask its author for the weights alone: a state_dict, or best a .safetensors file.",
    )


def _is_class(name: str) -> bool:
    """Whether ``name`` looks like a class: a function is what code is run with."""
    return name.rpartition(".")[2].lstrip("_")[:1].isupper()


def _from_type(function: Any, _class: Any, arguments: Any, *_: Any) -> Any:
    if not isinstance(function, Named) or function.call is None or not isinstance(arguments, tuple):
        raise refusal(getattr(function, "what", "something that is no function"))
    return function.call(*arguments)


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
    return Blob(text) if type(text) is str else text if isinstance(text, Blob) else Opaque("bytes")


def _reconstruct(cls: Any, *_: Any) -> Any:
    return cls.call() if isinstance(cls, Named) and cls.call is not None else Opaque("an object")


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
    "builtins": words(
        "set frozenset bytearray bytes complex slice range object int float bool str list dict tuple type NoneType "
        "Ellipsis NotImplemented"
    ),
}
_PLAIN_MODULES["__builtin__"] = _PLAIN_MODULES["builtins"] | {"unicode", "long", "xrange"}

_NUMPY: Final = words(
    "_reconstruct scalar dtype ndarray _frombuffer bool_ number __bit_generator_ctor __generator_ctor __randomstate_ctor"
)
_CYTHON: Final = "__pyx_unpickle_"
_OLD_STDLIB: Final = words("__builtin__ commands imp nt posix posixpath ntpath distutils asyncore pip setuptools")

LOAD_FROM_BYTES: Final = Named("torch.storage._load_from_bytes", None)
"""Unpickles the bytes it is given, so that it may be called on none that were not followed."""

_TENSOR = Named("torch.nn.Parameter", _first)
_FUNCTIONS: Final[dict[str, Callable[..., Any]]] = {
    "_rebuild_tensor": rebuild.tensor,
    "_rebuild_tensor_v2": rebuild.tensor,
    "_rebuild_tensor_v3": rebuild.tensor_v3,
    "_rebuild_parameter": _first,
    "_rebuild_parameter_with_state": _first,
    "_rebuild_qtensor": rebuild.quantised,
    "_rebuild_sparse_tensor": rebuild.sparse,
    "_rebuild_sparse_csr_tensor": rebuild.sparse,
    "_rebuild_meta_tensor_no_storage": rebuild.without_storage,
    "_rebuild_wrapper_subclass": rebuild.wrapped,
    "_rebuild_device_tensor_from_numpy": lambda *_: Opaque("a tensor saved through numpy"),
    "_rebuild_device_tensor_from_cpu_tensor": _first,
    "_rebuild_xla_tensor": lambda *_: Opaque("a tensor saved through numpy"),
    "_rebuild_nested_tensor": lambda *_: Opaque("a nested tensor"),
    "_rebuild_from_type_v2": _from_type,
    "_rebuild_from_type": _from_type,
}
_KNOWN: Final[dict[tuple[str, str], Any]] = {
    **{("torch._utils", name): Named(f"torch._utils.{name}", call) for name, call in _FUNCTIONS.items()},
    **{("torch._tensor", name): Named(f"torch._tensor.{name}", call) for name, call in _FUNCTIONS.items() if "type" in name},
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
