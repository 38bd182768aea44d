"""The dtypes of torch by name: their sizes, their other names, and which of them a recurrent module runs in."""

from typing import Final

BITS: Final[dict[str, int]] = {
    "bool": 8,
    "uint8": 8,
    "uint16": 16,
    "uint32": 32,
    "uint64": 64,
    "int8": 8,
    "int16": 16,
    "int32": 32,
    "int64": 64,
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
"""Bits of one element of every dtype that a tensor in a file can have, by torch's name."""

QUANTISED: Final = frozenset(("qint8", "quint8", "qint32", "quint4x2", "quint2x4"))
"""The quantised dtypes: no recurrent module takes them, and no ``.to(dtype)`` leads to them or away from them."""

RNN_DTYPES: Final = ("float16", "bfloat16", "float32", "float64", "complex64", "complex128")
"""The dtypes that PyTorch's recurrent modules run in."""

REAL_FUNCTIONS: Final[dict[str, str]] = {"relu": "clamp is not supported for complex types"}
"""The functions of cells that run in the real ones of ``RNN_DTYPES`` only, and what PyTorch says in a complex one."""

ITEMSIZES: Final[dict[str, int]] = {name: BITS[name] // 8 for name in RNN_DTYPES}
"""Bytes of one element of each of ``RNN_DTYPES``."""

ALIASES: Final[dict[str, str]] = {
    "half": "float16",
    "float": "float32",
    "double": "float64",
    "long": "int64",
    "int": "int32",
    "short": "int16",
    "char": "int8",
    "byte": "uint8",
    "cfloat": "complex64",
    "cdouble": "complex128",
}
"""Other names: attributes of ``torch``, methods of a tensor (``x.half()``) and types of C++."""


def dtype_name(text: object) -> str:
    """Torch's name of a dtype, however it was written; a name that is unknown comes back as it is.

    >>> dtype_name("torch.half"), dtype_name("double"), dtype_name("float32"), dtype_name("int3")
    ('float16', 'float64', 'float32', 'int3')
    """
    name = str(text).strip().removeprefix("torch.")
    return ALIASES.get(name, name)


def byte_size(numel: int, dtype: str) -> int:
    """Bytes of ``numel`` elements, rounded up to whole bytes.

    >>> byte_size(3, "float32"), byte_size(3, "quint4x2")
    (12, 2)
    """
    return (numel * BITS[dtype] + 7) // 8
