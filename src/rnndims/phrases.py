"""Small pieces of plain text that every layer writes alike: shapes, plurals, and which items of a long list are shown."""

from collections.abc import Sequence
from typing import TypeVar

T = TypeVar("T")


def shape_text(shape: Sequence[int]) -> str:
    """``(2, 4)``, ``(4,)``, ``()``: as Python and PyTorch print it.

    >>> shape_text((2, 4)), shape_text([4])
    ('(2, 4)', '(4,)')
    """
    return f"({shape[0]},)" if len(shape) == 1 else f"({', '.join(map(str, shape))})"


def plural(count: int, noun: str) -> str:
    """``1 step``, ``2 steps``."""
    return f"{count} {noun}" if count == 1 else f"{count} {noun}s"


def omit(count: int, limit: int, head: int | None = None) -> tuple[int | None, ...]:
    """Indices of ``count`` items of which ``limit`` at most are shown: the first and the last, ``None`` between them.

    Args:
        count: how many items there are.
        limit: how many are shown.
        head: how many of these stand before the gap; half of them by default.

    >>> omit(3, 4), omit(100, 4), omit(100, 1)
    ((0, 1, 2), (0, 1, None, 98, 99), (0, None))
    """
    if count <= limit:
        return tuple(range(count))
    first = (limit + 1) // 2 if head is None else head
    return (*range(first), None, *range(count - (limit - first), count))


def omit_middle(items: Sequence[T], limit: int) -> tuple[list[T | None], int]:
    """``items`` with the middle replaced by one ``None`` if there are more than ``limit``, and how many that hides.

    >>> omit_middle("abcdef", 4), omit_middle("abc", 4)
    ((['a', 'b', None, 'e', 'f'], 2), (['a', 'b', 'c'], 0))
    """
    if len(items) <= limit:
        return list(items), 0
    end = limit // 2
    return [*items[:end], None, *items[-end:]], len(items) - 2 * end
