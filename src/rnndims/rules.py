"""Refusals that both configurations share, with PyTorch's own phrases where it has one."""

from typing import Final, NoReturn

from .errors import ConfigError

LARGEST: Final = 10**100
"""Sizes end here, far beyond what any machine holds, so that products of them stay numbers that Python agrees to print."""

_TYPED_BY_TORCH: Final = ("input_size", "hidden_size", "bias", "batch_first")


def refuse_type(field: str, value: object, wanted: str) -> NoReturn:
    """Refuse a value of a wrong type; ``wanted`` is like ``"an int"``."""
    raise ConfigError(
        field,
        value if value != "" else "''",
        f"must be {wanted}, not {type(value).__name__}",
        torch=f"{field} should be of type {wanted.rsplit(maxsplit=1)[-1]}" if field in _TYPED_BY_TORCH else None,
    )


def refuse_small(field: str, value: int, smallest: int) -> NoReturn:
    """Refuse a size below ``smallest``, which is 0 or 1."""
    torch = "Trying to create tensor with negative dimension"
    if smallest and field != "seq_len":
        torch = f"{field} must be greater than zero"
    if field == "seq_len" and value == 0:
        torch = "Expected sequence length to be larger than 0 in RNN"
    raise ConfigError(field, value, f"must be {smallest} or more", torch=torch)


def refuse_large(field: str, value: int) -> NoReturn:
    """Refuse a size above ``LARGEST``."""
    raise ConfigError(field, value, "must be 10**100 at most")
