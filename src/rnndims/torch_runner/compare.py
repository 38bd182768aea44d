"""Whether two ways to the same numbers really give the same numbers."""

import contextlib
import math
import warnings
from collections.abc import Iterator
from typing import Any

from ..measurements import Comparison


def same_numbers(torch: Any, left: Any, right: Any) -> bool:
    """Whether both have the same shape and, to the last bit, the same numbers (NaN counts as equal to NaN)."""
    if left.shape != right.shape:
        return False
    return bool(torch.equal(left, right) or torch.allclose(left, right, rtol=0.0, atol=0.0, equal_nan=True))


def compare(torch: Any, pairs: list[tuple[Any, Any]], terms: int) -> Comparison:
    """The largest difference over all pairs of tensors, judged by the rounding that ``terms`` products summed may have.

    Args:
        torch: the module.
        pairs: tensors of equal shapes, the second of each being the one to be met.
        terms: numbers that are added up in one element.

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
    """Lets cuDNN multiply float32 as float32: by default it may round to 10 bits (TF32), which a loop over cells does not."""
    cudnn = torch.backends.cudnn
    before = None
    with warnings.catch_warnings(), contextlib.suppress(RuntimeError):  # PyTorch is about to rename this setting
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

    Where sums are kept in the dtype itself, more by the square root of the terms.

    Complex tanh and sigmoid have poles, near which rounding grows: half of the digits have to do.
    """
    eps = float(torch.finfo(dtype).eps)
    if dtype.is_complex:
        return math.sqrt(eps)
    roundings = 4 if device == "cpu" or eps > 1e-4 else 16
    return roundings * eps if eps > 1e-4 else roundings * eps * math.sqrt(max(1, terms))
