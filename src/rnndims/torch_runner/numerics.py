"""The numbers of tensors: as plain Python values for JSON, and whether two ways to compute them agree."""

import contextlib
import math
import struct
import warnings
from collections.abc import Iterator
from typing import Any, Final

from ..dtypes import ITEMSIZES
from ..errors import ConfigError, Template
from ..measurements import Comparison

MAX_VALUES: Final = 2_000_000
"""The most numbers that are returned one by one."""

_DIGITS: Final = {"float16": (3, 5, "<e"), "float32": (6, 9, "<f")}
"""For dtypes shorter than a Python float: the fewest digits that can be enough, those that always are, the struct code."""


def check_values(count: int, device: Any) -> None:
    """Refuse to print the numbers of a device that has none, or more than ``MAX_VALUES`` of them.

    Raises:
        ConfigError: about ``values``.
    """
    if device.type == "meta":
        raise ConfigError(
            "values", True, "device meta has shapes but no numbers", fix=Template("Remove {values}, or use the device cpu.")
        )
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


def same_numbers(torch: Any, left: Any, right: Any) -> bool:
    """Whether both have the same shape and, to the last bit, the same numbers (NaN counts as equal to NaN)."""
    if left.shape != right.shape:
        return False
    return bool(torch.equal(left, right) or torch.allclose(left, right, rtol=0.0, atol=0.0, equal_nan=True))


def compare(torch: Any, pairs: list[tuple[Any, Any]], terms: int) -> Comparison:
    """The largest difference over all pairs of tensors, judged by the rounding that ``terms`` products summed may have.

    Args:
        torch: the module.
        pairs: tensors of equal shapes, the second of each being the reference.
        terms: how many products are added up in one element.

    Returns:
        The verdict; ``matches`` is ``None`` on ``meta``, and where complex numbers came so close to a pole of the activation
        that rounding alone explains any difference.
    """
    if any(left.is_meta for left, _ in pairs):
        return Comparison(None, None, None)
    worst = scale = 0.0
    dtype = pairs[0][0].dtype
    same_shapes = all(left.shape == right.shape for left, right in pairs)
    for left, right in pairs if same_shapes else ():
        exact, wide = _widen(torch, left), _widen(torch, right)
        difference = torch.where((exact == wide) | (exact.isnan() & wide.isnan()), 0.0, (exact - wide).abs())
        if difference.numel():
            worst = max(worst, difference.nan_to_num(nan=float("inf"), posinf=float("inf")).max().item())
            finite = wide.abs().nan_to_num(nan=0.0, posinf=0.0)
            scale = max(scale, finite.max().item())
    tolerance = _tolerance(torch, dtype, terms, pairs[0][0].device.type)
    matches: bool | None = same_shapes and worst <= tolerance * max(1.0, scale)
    if dtype.is_complex and same_shapes and not matches:
        matches = None
    return Comparison(matches, "Infinity" if worst == float("inf") else worst, tolerance)


def _widen(torch: Any, tensor: Any) -> Any:
    return tensor.detach().cpu().to(torch.complex128 if tensor.is_complex() else torch.float64)


@contextlib.contextmanager
def full_precision(torch: Any, device: Any) -> Iterator[None]:
    """Make cuDNN multiply float32 in full: by default it may round to 10 bits (TF32), and a loop over cells does not."""
    cudnn = torch.backends.cudnn
    before = None
    with warnings.catch_warnings(), contextlib.suppress(RuntimeError):  # PyTorch will rename this setting
        warnings.simplefilter("ignore")
        if device.type == "cuda":
            before, cudnn.allow_tf32 = cudnn.allow_tf32, False
    try:
        yield
    finally:
        with warnings.catch_warnings(), contextlib.suppress(RuntimeError):
            warnings.simplefilter("ignore")
            if before is not None:
                cudnn.allow_tf32 = before


def _tolerance(torch: Any, dtype: Any, terms: int, device: str) -> float:
    """Four roundings of the dtype (16 on accelerators, whose activations are approximate).

    Where sums are kept in the dtype itself, these grow with the square root of the number of terms.

    Complex tanh and sigmoid have poles, near which rounding grows: half of the digits must be enough.
    """
    eps = float(torch.finfo(dtype).eps)
    if dtype.is_complex:
        return math.sqrt(eps)
    roundings = 4 if device == "cpu" or eps > 1e-4 else 16
    return roundings * eps if eps > 1e-4 else roundings * eps * math.sqrt(max(1, terms))
