"""The numbers of the tensors, for ``--values``."""

from typing import TYPE_CHECKING, Any

from rich.text import Text

from . import text
from .numbers import number

if TYPE_CHECKING:
    from rich.console import Console


def print_values(values: dict[str, Any], dtype: str, console: "Console") -> None:
    """Print each tensor under its name, one innermost row a line; a complex number is one number."""
    for name, numbers in values.items():
        console.print(text.heading(name))
        for line in _lines(numbers, is_complex=dtype.startswith("complex")):
            console.print(Text(line), overflow="fold")


def _lines(value: Any, *, is_complex: bool) -> list[str]:
    if not _is_nested(value, is_complex=is_complex):
        return ["  [" + ", ".join(number(item).rjust(7) for item in value) + "]"]
    lines = []
    for index, item in enumerate(value):
        if index and _is_nested(item, is_complex=is_complex):
            lines.append("")
        lines += _lines(item, is_complex=is_complex)
    return lines


def _is_nested(value: list[Any], *, is_complex: bool) -> bool:
    """Whether the members of ``value`` are rows and not numbers."""
    if not value or not isinstance(value[0], list):
        return False
    return not is_complex or (bool(value[0]) and isinstance(value[0][0], list))
