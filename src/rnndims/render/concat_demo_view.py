"""``concat-demo`` for the terminal: two halves, one output, and the way back."""

from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Any

from rich.text import Text

from ..constructor import format_constructor
from ..measurements import ConcatDemo, LayerJoin
from ..phrases import omit_middle
from . import numbers, style, text
from .cell_view import difference, print_verdict

if TYPE_CHECKING:
    from rich.console import Console
    from rich.table import Table

MOST_LAYERS = 12
"""Layers that are shown; of more, the middle ones are omitted."""

Row = tuple[tuple[int, ...], list[str]]
"""A row of numbers: its index in the tensor, and the numbers as text."""


def concat_view(demo: ConcatDemo, notes: Sequence[str] = ()) -> "Callable[[Console], None]":
    """The view of ``concat-demo``."""
    return lambda console: _print(demo, notes, console)


def _print(demo: ConcatDemo, notes: Sequence[str], console: "Console") -> None:
    module = demo.dims_of_module
    title = "torch.cat([forward, reverse], dim=-1)" if module is None else format_constructor(module.config)
    console.print(text.heading(title))
    arrow = style.glyphs("→", console)
    parts = [
        Text.assemble(("forward ", style.DIRECTION["forward"]), text.shape(demo.forward.shape)),
        Text.assemble("+ ", ("reverse ", style.DIRECTION["reverse"]), text.shape(demo.reverse.shape)),
        Text.assemble(f"{arrow} ", ("output ", style.NAME), text.shape(demo.output.shape), " ", text.dims(demo.dims)),
    ]
    together = Text(" ").join(parts)
    text.print_parts([together] if len(together) <= console.width else parts, console)
    if module is not None:
        where = Text(f"{demo.device}, {module.data.dtype}, torch {demo.torch}", style=style.QUIET)
        print_verdict(_verdict(demo, console), where, console)
    text.print_notes(notes, console)
    if demo.layers:
        console.print()
        _print_layers(demo.layers, console)
    console.print()
    _print_halves(demo, console)
    console.print()
    text.print_table("The way back", _ways_back(demo, console), console)


def _verdict(demo: ConcatDemo, console: "Console") -> Text:
    comparison = demo.comparison
    if comparison.max_abs_diff is None:
        return Text("the numbers cannot be compared: the device meta has none", style=style.NOTE)
    amount = difference(comparison.max_abs_diff)
    if comparison.max_abs_diff == 0:
        return Text(style.glyphs("✓ exactly the module's output (largest difference 0)", console), style=style.GOOD)
    if comparison.matches:
        said = f"✓ the module's output, but for the rounding of the last bit (largest difference {amount})"
        return Text(style.glyphs(said, console), style=style.GOOD)
    if comparison.matches is None:
        return Text(f"undecided: rounding grows near a pole of the activation (largest difference {amount})", style=style.NOTE)
    return Text(style.glyphs(f"✗ differs from the module's output (largest difference {amount})", console), style=style.BAD)


def _print_layers(layers: Sequence[LayerJoin], console: "Console") -> None:
    table = text.table("layer", "each half", "reads", "forward", "reverse", "joined")
    shown, hidden = omit_middle(layers, MOST_LAYERS)
    for layer in shown:
        if layer is None:
            more = Text(f"{text.count(hidden)} more layers, alike", style.QUIET)
            table.add_row(Text(style.glyphs("⋯", console)), more, Text(), Text(), Text(), Text())
            continue
        forward, reverse = text.shape(layer.forward), text.shape(layer.reverse)
        forward.stylize(style.DIRECTION["forward"])
        reverse.stylize(style.DIRECTION["reverse"])
        joined = (text.shape(layer.input), forward, reverse, text.shape(layer.output))
        table.add_row(Text(str(layer.layer)), Text(layer.module), *joined)
    text.print_table("Each direction run alone, layer by layer", table, console)
    first = layers[0]
    line = Text.assemble(
        ("forward", style.DIRECTION["forward"]),
        (f" has the weights {first.forward_weights[0]} and so on, ", style.QUIET),
        ("reverse", style.DIRECTION["reverse"]),
        (
            f" {first.reverse_weights[0]} and so on; it reads each sequence from its end, and its results are reversed again",
            style.QUIET,
        ),
    )
    console.print(line)


def _print_halves(demo: ConcatDemo, console: "Console") -> None:
    if demo.forward.values is None:
        divider = style.glyphs(" │ ", console)
        width = demo.forward.shape[-1]
        console.print(text.heading("Columns of output"))
        parts = [
            Text.assemble((f"forward output[..., 0:{width}]", style.DIRECTION["forward"])),
            Text.assemble(f"{divider.strip()} ", (f"reverse output[..., {width}:{2 * width}]", style.DIRECTION["reverse"])),
        ]
        text.print_parts(parts, console)
        hint = "the device meta has no numbers" if demo.device == "meta" else "--values shows the numbers"
        console.print(Text(hint, style=style.QUIET))
        return
    dims = len(demo.forward.shape)
    halves = [_short(list(numbers.rows(half.values, dims))) for half in (demo.forward, demo.reverse)]
    for name, rows in zip(("forward", "reverse"), halves, strict=True):
        label = (f"  rows [{', '.join(demo.dims[:-1])}]", style.QUIET)
        console.print(Text.assemble((name, style.DIRECTION[name]), " ", text.shape(getattr(demo, name).shape), label))
        _print_rows([rows], [name], console)
        console.print()
    width = demo.forward.shape[-1]
    columns = [
        Text.assemble(("output", style.NAME), " ", text.shape(demo.output.shape)),
        Text.assemble((f"columns 0:{width} forward", style.DIRECTION["forward"])),
        Text.assemble((f"{width}:{2 * width} reverse", style.DIRECTION["reverse"])),
    ]
    text.print_parts(columns, console)
    _print_rows(halves, ["forward", "reverse"], console)


def _short(rows: list[Row]) -> list[Row]:
    texts = numbers.shorten_decimals([row for _, row in rows])
    return [(index, row) for (index, _), row in zip(rows, texts, strict=True)]


def _print_rows(halves: Sequence[list[Row]], names: Sequence[str], console: "Console") -> None:
    """Print rows of numbers after their index; two halves side by side, or below each other on a narrow console."""
    if not halves[0]:
        console.print(Text("  no rows", style=style.QUIET))
        return
    width = max(len(part) for rows in halves for _, row in rows for part in row)
    label = max(len(str(list(index))) for index, _ in halves[0]) + 1
    columns = len(halves[0][0][1])
    beside = label + len(halves) * (columns * (width + 1) - 1) + 3 * (len(halves) - 1) <= console.width
    least = label + len(halves) * (3 * (width + 1)) + 3  # three columns of each half, the middle one omitted, and " │ "
    beside = beside or least <= console.width
    room = console.width - label - (3 * (len(halves) - 1) if beside else 2)
    room = room // len(halves) if beside else room
    shown, hidden = omit_middle(range(len(halves[0])), 2 * numbers.MOST_ROWS)
    for number in shown:
        if number is None:
            console.print(
                Text(style.glyphs(f"⋯ {text.count(hidden)} more rows (--json shows all)", console), style=style.QUIET)
            )
            continue
        line = Text.assemble((str(list(halves[0][number][0])).ljust(label), style.QUIET))
        for half, (rows, name) in enumerate(zip(halves, names, strict=True)):
            part = numbers.line(rows[number][1], width, room, console)
            if half:
                if not beside:
                    text.print_unbroken(line, console)
                    line = Text(" " * label)
                line.append(style.glyphs(" │ " if beside else "│ ", console), style="")
            line.append(part, style=style.DIRECTION[name])
        text.print_unbroken(line, console)


def _ways_back(demo: ConcatDemo, console: "Console") -> "Table":
    table = text.table("expression", "shape", "forward", "reverse", "compared")
    for way in demo.ways_back:
        marks: dict[Any, tuple[str, str]] = {
            True: ("✓ equal", style.GOOD),
            False: ("✗ differs", style.BAD),
            None: ("no numbers", style.NOTE),
        }
        mark, colour = marks[way.matches]
        halves = (Text(part, style=style.DIRECTION[name]) for part, name in zip(way.parts, ("forward", "reverse"), strict=True))
        shape = text.shape(way.shape)
        table.add_row(Text(way.expression, style=style.NAME), shape, *halves, Text(style.glyphs(mark, console), style=colour))
    return table
