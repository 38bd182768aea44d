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
"""Columns of the narrowest column of a table in which a sentence may wrap."""


def shape(shape: Sequence[int], weight: str = style.SHAPE) -> Text:
    """A shape as Python writes a tuple, never broken over lines: ``(3, 2, 4)``, ``(4,)``."""
    return Text(str(tuple(shape)), style=weight, no_wrap=True)


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
    """Bytes, and from 1,024 on also in a larger unit: ``256``, ``60,160 (58.8 KiB)``."""
    return f"{count:,}" if count < 1024 else f"{count:,} ({_unit(count)})"


def _unit(count: int) -> str:
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
    table = Table(box=None, pad_edge=False, padding=(0, 2, 0, 0), header_style="")
    for column in columns:
        table.add_column(Text(column, style=style.QUIET), no_wrap=column not in wrap, overflow="fold")
    return table


def print_notes(notes: Iterable[str], console: "Console") -> None:
    """Print notes, one a line."""
    for note in notes:
        console.print(Text(f"note: {note}", style=style.NOTE))


def print_table(title: str, table: Table, console: "Console", *, below: bool = False) -> None:
    """Print a table under its title, in the first of three forms that fits the console.

    These are: the table; its unbreakable columns, with the sentences on lines of their own; a list of items.

    Args:
        title: the line above it.
        table: made by ``table``.
        console: where it is printed.
        below: leave out the first form: the sentences are long, and always stand below their row.
    """
    console.print(heading(title))
    if not below and _needed(table, console, sentence=READABLE) <= console.width:
        console.print(table)
    elif _needed(table, console, sentence=0) <= console.width:
        _print_rows(table, console)
    else:
        _print_items(table, console)


def _needed(table: Table, console: "Console", *, sentence: int) -> int:
    """Columns of the console that the table needs if each sentence has ``sentence`` of them; without sentences if that is 0."""
    widths = []
    for column in table.columns:
        widest = max(_width(cell, console) for cell in (column.header, *column.cells))
        if column.no_wrap or sentence:
            widths.append(widest if column.no_wrap else min(widest, sentence))
    return sum(widths) + 2 * (len(widths) - 1)


def _print_rows(table: Table, console: "Console") -> None:
    """The unbreakable columns as a table, each row followed by its sentences, indented."""
    fixed = [column for column in table.columns if column.no_wrap]
    sentences = [column for column in table.columns if not column.no_wrap]
    widths = [max(_width(cell, console) for cell in (column.header, *column.cells)) for column in fixed]
    rows = zip(*(column.cells for column in fixed), strict=True)
    for number, cells in enumerate([tuple(column.header for column in fixed), *rows]):
        line = Text()
        for cell, width in zip(cells, widths, strict=True):
            part = cell.copy() if isinstance(cell, Text) else Text(str(cell))
            part.pad_right(width + 2 - len(part))
            line.append_text(part)
        line.rstrip()
        print_unbroken(line, console)
        for column in sentences if number else ():
            cell = list(column.cells)[number - 1]
            if str(cell):
                console.print(Padding(cell, (0, 0, 0, 2)))


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
    for line in fill(parts, console.width, "   "):
        print_unbroken(line, console)


def fill(parts: Iterable[Text], width: int, separator: str = " ") -> list[Text]:
    """The parts in as few lines of ``width`` columns as possible; no part is broken, even one that is wider."""
    lines = [Text()]
    for part in parts:
        if lines[-1] and len(lines[-1]) + len(separator) + len(part) > width:
            lines.append(Text())
        lines[-1].append(separator if lines[-1] else "").append_text(part)
    return lines


def print_unbroken(line: Text, console: "Console") -> None:
    """Print a line that is not broken, even if it is too long."""
    console.print(line, overflow="ignore", no_wrap=True, crop=False)
