"""Blocks of numbers: rows that stay whole, with the middle left out where there are too many."""

from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING, Any, Final

from . import style

if TYPE_CHECKING:
    from rich.console import Console

MOST_ROWS: Final = 12


def rows(values: Any, dims: int, place: tuple[int, ...] = ()) -> Iterator[tuple[tuple[int, ...], list[str]]]:
    """The innermost rows of ``dims``-dimensional nested lists: the index of each row, and its numbers as text."""
    if dims == 1:
        yield place, [number(value) for value in values]
        return
    for index, part in enumerate(values):
        yield from rows(part, dims - 1, (*place, index))


def number(value: Any) -> str:
    """A number with four decimals, a large one in four digits; a complex one is a pair."""
    if isinstance(value, list):
        return f"{number(value[0])}{'' if number(value[1]).startswith('-') else '+'}{number(value[1])}j"
    if not isinstance(value, float):
        return str(value)
    return f"{value:.4g}" if abs(value) >= 10_000 else f"{value:.4f}"


def shorten_decimals(table: Sequence[Sequence[str]]) -> list[list[str]]:
    """The same numbers without the zeros that all of them end in, but with one decimal at least."""
    while all(_shortens(text) for row in table for text in row) and any(table):
        table = [[text[:-1] for text in row] for row in table]
    return [list(row) for row in table]


def _shortens(text: str) -> bool:
    return text.endswith("0") and "." in text[:-2] and not text.endswith(".0")


def line(numbers: Sequence[str], width: int, room: int, console: "Console") -> str:
    """Numbers right-aligned in columns of ``width``, the middle ones left out if there is no ``room`` for all."""
    fit = max(2, (room + 1) // (width + 1))
    if len(numbers) <= fit:
        return " ".join(part.rjust(width) for part in numbers)
    left, right = fit // 2, max(1, (fit - 1) // 2)
    gap = style.glyphs("…", console)
    return " ".join(part.rjust(width) for part in (*numbers[:left], gap, *numbers[-right:]))
