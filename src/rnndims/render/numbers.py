"""Numbers as text: in rows whose middle is omitted where there are too many, and all of them for ``--values``."""

from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING, Any, Final

from rich.text import Text

from . import style, text

if TYPE_CHECKING:
    from rich.console import Console

MOST_ROWS: Final = 12
"""Rows of one tensor that are shown; of more, the middle ones are omitted."""


def rows(values: Any, dims: int, index: tuple[int, ...] = ()) -> Iterator[tuple[tuple[int, ...], list[str]]]:
    """The innermost rows of ``dims``-dimensional nested lists: the index of each row, and its numbers as text."""
    if dims == 1:
        yield index, [number(value) for value in values]
        return
    for position, part in enumerate(values):
        yield from rows(part, dims - 1, (*index, position))


def number(value: Any) -> str:
    """A number with four decimals, a large one with four digits: ``0.5000``, ``1.235e+04``, ``0.5000-1.0000j``."""
    if isinstance(value, list):
        return f"{number(value[0])}{'' if number(value[1]).startswith('-') else '+'}{number(value[1])}j"
    if not isinstance(value, float):
        return str(value)
    return f"{value:.4g}" if abs(value) >= 10_000 else f"{value:.4f}"


def shorten_decimals(table: Sequence[Sequence[str]]) -> list[list[str]]:
    """The same numbers without the zeros that all of them end in, but with one decimal at least."""
    while all(_shortens(item) for row in table for item in row) and any(table):
        table = [[item[:-1] for item in row] for row in table]
    return [list(row) for row in table]


def _shortens(item: str) -> bool:
    """Whether a number can lose a zero at its end: ``0.50``, but not ``5.0``."""
    return item.endswith("0") and "." in item[:-2] and not item.endswith(".0")


def line(numbers: Sequence[str], width: int, room: int, console: "Console") -> str:
    """Numbers right-aligned in columns of ``width``, the middle ones omitted if ``room``, in characters, is too small."""
    fit = max(2, (room + 1) // (width + 1))
    if len(numbers) <= fit:
        return " ".join(part.rjust(width) for part in numbers)
    left, right = fit // 2, max(1, (fit - 1) // 2)
    gap = style.glyphs("…", console)
    return " ".join(part.rjust(width) for part in (*numbers[:left], gap, *numbers[-right:]))


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
