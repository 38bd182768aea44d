"""Tensors as plain Python numbers that JSON can carry."""

import math
import struct
from typing import Any, Final

from ..dtypes import ITEMSIZES
from ..errors import ConfigError

MAX_VALUES: Final = 2_000_000
"""The most numbers that are handed out one by one."""

_DIGITS: Final = {"float16": (3, 5, "<e"), "float32": (6, 9, "<f")}
"""Significant digits that may do, those that always do, and the struct format, of the dtypes shorter than a Python float."""


def check_values(count: int, device: Any) -> None:
    """Refuse to print the numbers of a device that has none, or more of them than anybody reads.

    Raises:
        ConfigError: naming ``values``.
    """
    if device.type == "meta":
        raise ConfigError("values", True, "device meta has shapes but no numbers", fix="Leave out {values}, or run on the cpu.")
    if count > MAX_VALUES:
        raise ConfigError(
            "values", True, f"that would be {count} numbers, more than {MAX_VALUES}", fix="Ask for smaller sizes."
        )


def to_values(torch: Any, tensor: Any) -> Any:
    """The numbers of ``tensor`` as nested lists, in the fewest digits that mean the same number in its dtype.

    A complex number is the pair ``[re, im]``. What JSON has no number for is a string: ``"NaN"``, ``"Infinity"``,
    ``"-Infinity"``.
    """
    tensor = tensor.detach().to("cpu").resolve_conj()
    name = str(tensor.dtype).removeprefix("torch.")
    if tensor.is_complex():
        tensor = torch.view_as_real(tensor)
        name = "float32" if name == "complex64" else "float64"
    if name not in ITEMSIZES:
        return tensor.tolist()
    return _walk(tensor.tolist(), name)


def _walk(item: Any, dtype: str) -> Any:
    if isinstance(item, list):
        return [_walk(part, dtype) for part in item]
    if not math.isfinite(item):
        return "NaN" if math.isnan(item) else "Infinity" if item > 0 else "-Infinity"
    if dtype == "bfloat16":
        return float(f"{item:.4g}")
    if dtype not in _DIGITS:
        return item
    fewest, most, code = _DIGITS[dtype]
    for digits in range(fewest, most):
        short = float(f"{item:.{digits}g}")
        try:
            if struct.unpack(code, struct.pack(code, short))[0] == item:
                return short
        except OverflowError:  # rounded up beyond the largest number of the dtype
            continue
    return float(f"{item:.{most}g}")
