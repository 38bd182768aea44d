"""Small pieces of text that all views share: shapes, counts, headings, lists for narrow consoles."""

from collections.abc import Iterable, Sequence
from typing import TYPE_CHECKING

from rich.padding import Padding
from rich.table import Table
from rich.text import Text

from . import style

if TYPE_CHECKING:
    from rich.console import Console, RenderableType

READABLE = 18
"""The least columns in which a sentence may wrap."""


def shape(shape: Sequence[int]) -> Text:
    """A shape as Python writes a tuple, never broken over lines: ``(3, 2, 4)``, ``(4,)``."""
    return Text(str(tuple(shape)), style=style.SHAPE, no_wrap=True)


def dims(dims: Sequence[str]) -> Text:
    """Symbolic dims as a tuple: ``(L, N, H_in)``."""
    inner = ", ".join(dims)
    return Text(f"({inner},)" if len(dims) == 1 else f"({inner})", style=style.DIMS, no_wrap=True)


def direction(name: str) -> Text:
    """``forward`` or ``reverse`` in its colour."""
    return Text(name, style=style.DIRECTION[name], no_wrap=True)


def count(number: int) -> str:
    """``15,040``."""
    return f"{number:,}"


def size(count: int) -> str:
    """Bytes in the unit people read: ``256 B``, ``58.8 KiB``."""
    if count < 1024:
        return f"{count} B"
    value = float(count) if count < 2**1000 else float("inf")
    for unit in ("KiB", "MiB", "GiB", "TiB", "PiB"):
        value /= 1024
        if value < 1024:
            return f"{value:.1f} {unit}"
    return f"{value / 1024:.3g} EiB"


def heading(text: str) -> Text:
    """The line above a table or tree."""
    return Text(text, style=style.TITLE)


def table(*columns: str, wrap: Sequence[str] = ()) -> Table:
    """A table without lines whose columns never break, but for those in ``wrap``."""
    table = Table(box=None, pad_edge=False, padding=(0, 2, 0, 0))
    for column in columns:
        table.add_column(Text(column, style=style.QUIET), no_wrap=column not in wrap, overflow="fold")
    return table


def print_notes(notes: Iterable[str], console: "Console") -> None:
    """What the user should know about how the question was understood."""
    for note in notes:
        console.print(Text(f"note: {note}", style=style.NOTE))


def print_table(title: str, table: Table, console: "Console") -> None:
    """Print a table under its title; where a cell that must not break would be cut, print it as a list of items instead."""
    console.print(heading(title))
    if _fits(table, console):
        console.print(table)
    else:
        _print_items(table, console)


def _fits(table: Table, console: "Console") -> bool:
    """Whether the columns that must not wrap have room, and those that may have a readable rest."""
    needed = 2 * (len(table.columns) - 1)
    for column in table.columns:
        header = _width(column.header, console)
        widest = max([header, *(_width(cell, console) for cell in column.cells)])
        needed += widest if column.no_wrap else min(widest, max(header, READABLE))
    return needed <= console.width


def _width(cell: "RenderableType", console: "Console") -> int:
    return console.measure(cell).maximum


def _print_items(table: Table, console: "Console") -> None:
    """A table as a list: the first column names the item, the others follow below it, one a line."""
    first, *rest = table.columns
    for name, *cells in zip(first.cells, *(column.cells for column in rest), strict=True):
        title = str(name)
        print_unbroken(Text(f"{first.header} {title}" if title.isdigit() else title, style=style.NAME), console)
        for column, cell in zip(rest, cells, strict=True):
            if str(cell):
                line = Text.assemble((f"{column.header}: " if str(column.header) else "", style.QUIET), cell)
                if column.no_wrap:
                    print_unbroken(Text("  ").append_text(line), console)
                else:
                    console.print(Padding(line, (0, 0, 0, 2)))


def print_parts(parts: Iterable[Text], console: "Console") -> None:
    """Print short parts side by side, filling lines; no part is broken."""
    line = Text()
    for part in parts:
        if line and len(line) + 3 + len(part) > console.width:
            print_unbroken(line, console)
            line = Text()
        line.append("   " if line else "").append_text(part)
    print_unbroken(line, console)


def print_unbroken(line: Text, console: "Console") -> None:
    """Print a line that is rather too long than broken."""
    console.print(line, overflow="ignore", no_wrap=True, crop=False)
