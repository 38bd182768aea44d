"""``summary`` as text: the recurrent modules, the rows of their ``h_n``, and all parameters by module."""

from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING

from rich.text import Text

from ..constructor import format_constructor
from ..phrases import omit_middle
from . import style, text
from .trace_view import about_calls, shapes_text

if TYPE_CHECKING:
    from rich.console import Console
    from rich.table import Table

    from ..live.summary import ModelSummary, ModuleSummary, RNNSummary

MOST_ROWS = 40
"""Rows of the largest table; of more, the middle ones are omitted."""

MOST_STATES = 8
"""Rows of ``h_n`` of one module that are shown."""

COUNTED = "MACs: the matrix products of the recurrent modules in this pass; no other module is counted"


def summary_view(summary: "ModelSummary") -> "Callable[[Console], None]":
    """The view of ``summary``."""
    return lambda console: _print(summary, console)


def _print(summary: "ModelSummary", console: "Console") -> None:
    console.print(Text.assemble((summary.model, style.NAME), ": one forward pass in inference"))
    if summary.recurrent:
        console.print()
        text.print_table("Recurrent modules", _recurrent_table(summary), console, below=True)
    rows = state_rows(summary.recurrent)
    if rows:
        console.print()
        table = text.table("module", "row", "layer", "direction", "in output")
        for row in rows:
            table.add_row(*(Text(cell) for cell in row))
        text.print_table("Rows of h_n, and where the same numbers are in output", table, console)
        if any("lengths" in row[-1] for row in rows):
            console.print(Text("lengths-1 is each sequence's own last step, n is torch.arange(N)", style=style.QUIET))
    if summary.modules:
        console.print()
        text.print_table("Parameters, by module", _module_table(summary), console)
    console.print()
    text.print_parts([Text(part) for part in totals(summary)], console)
    if summary.recurrent:
        console.print(Text(COUNTED, style=style.QUIET))
    else:
        console.print(Text("no recurrent module of torch.nn", style=style.QUIET))
    text.print_notes(summary.not_watched, console)


def _recurrent_table(summary: "ModelSummary") -> "Table":
    table = text.table("module", "calls", "input", "output", "h_n", "", wrap=("",))
    shown, hidden = omit_middle(summary.recurrent, MOST_ROWS)
    for each in shown:
        if each is None:
            table.add_row(Text(f"{hidden} more"), *[Text()] * 4, Text())
            continue
        calls = each.calls
        outputs = [call.output for call in calls if call.output is not None]
        table.add_row(
            Text(each.name or each.config.class_name, style=style.NAME),
            text.count(each.times),
            shapes_text([call.input for call in calls]) if calls else Text(),
            shapes_text(outputs) if outputs else Text(),
            shapes_text([call.h_n for call in calls]) if calls else Text(),
            Text(", ".join(about(each)), style=style.QUIET),
        )
    return table


def about(recurrent: "RNNSummary") -> list[str]:
    """What is said of a recurrent module beside its shapes."""
    if recurrent.calls:
        return about_calls(recurrent.calls)
    return [format_constructor(recurrent.config), f"{text.count(recurrent.own.parameters)} parameters", "no call was seen"]


def state_rows(recurrent: "Sequence[RNNSummary]") -> list[tuple[str, ...]]:
    """Module, row, layer, direction and place in ``output`` of the rows of ``h_n``, as text; each way of calling once."""
    rows = []
    for each in recurrent:
        name = each.name or each.config.class_name
        for states in dict.fromkeys(each.states):
            for row in omit_middle(states, MOST_STATES)[0]:
                cells = ("...",) * 4 if row is None else (str(row.row), str(row.layer), row.direction, row.in_output or "no")
                rows.append((name, *cells))
    return [row for row in omit_middle(rows, MOST_ROWS)[0] if row is not None]


def _module_table(summary: "ModelSummary") -> "Table":
    table = text.table("module", "class", "parameters", "bytes", "", wrap=("",))
    shown, hidden = omit_middle(summary.modules, MOST_ROWS)
    for each in shown:
        if each is None:
            table.add_row(Text(f"{hidden} more"), *[Text()] * 3, Text())
        else:
            cells = [Text(cell) for cell in module_cells(each)]
            table.add_row(Text(each.name or each.class_name, style=style.NAME), *cells)
    return table


def module_cells(module: "ModuleSummary") -> tuple[str, str, str, str]:
    """Class, parameters, bytes of a module, and what else is to know of them."""
    own = module.own
    words = [f"{short} is {other}" for short, other in module.shared]
    if own.frozen:
        words.insert(0, "frozen" if not own.trainable else f"{text.count(own.frozen)} frozen")
    return module.class_name, text.count(own.parameters), text.size(own.parameter_bytes), ", ".join(words)


def totals(summary: "ModelSummary") -> list[str]:
    """The last line, in parts."""
    total = summary.total
    parts = [f"{text.count(total.parameters)} parameters"]
    if total.frozen:
        parts.append(f"{text.count(total.trainable)} trainable, {text.count(total.frozen)} frozen")
    parts.append(f"bytes {text.size(total.parameter_bytes)}")
    return [*parts, f"{text.count(summary.recurrent_macs)} MACs"] if summary.recurrent else parts
