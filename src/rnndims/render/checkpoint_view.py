"""``weights FILE`` as text and trees: the RNNs of a checkpoint, contradictions, and what else is in the file."""

from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING

from rich.text import Text

from ..checkpoint import Checkpoint, CheckpointModule, Contradiction, label
from ..constructor import format_constructor
from ..errors import shorten
from . import style, text
from .weights_view import print_weights

if TYPE_CHECKING:
    from rich.console import Console

MOST_TREES = 12
"""The most modules that are shown with their tree of weights; if there are more, each has one line."""

MOST_LINES = 200
"""The most modules that are shown in lines."""

_NAME = 120
"""Characters of a module's name that are shown."""


def checkpoint_view(checkpoint: Checkpoint, file: str) -> "Callable[[Console], None]":
    """The view of ``weights FILE``."""
    return lambda console: _print(checkpoint, file, console)


def _print(checkpoint: Checkpoint, file: str, console: "Console") -> None:
    console.print(Text.assemble((shorten(file, 200), style.TITLE), (f"  {checkpoint.kind}", style.QUIET), overflow="fold"))
    if not checkpoint.modules and not checkpoint.contradictions:
        console.print(Text("the file has no recurrent module and no cell", style=style.NOTE))
    text.print_notes(checkpoint.notes, console)
    if len(checkpoint.modules) <= MOST_TREES:
        for module in checkpoint.modules:
            console.print()
            _print_module(module, console)
    else:
        console.print()
        _print_lines(checkpoint.modules, console)
    _print_contradictions(checkpoint.contradictions, console)
    console.print()
    _print_rest(checkpoint, console)


def _print_module(module: CheckpointModule, console: "Console") -> None:
    text.print_unbroken(Text(_label(module.name), style=style.TITLE), console)
    if module.key != module.name:
        text.print_unbroken(Text(f"in the file: {_label(module.key)}", style=style.QUIET), console)
    text.print_unbroken(Text(format_constructor(module.config), style=style.SHAPE), console)
    parts = [
        Text.assemble(("parameters ", style.QUIET), (text.count(module.parameters), style.SHAPE)),
        Text.assemble(("bytes ", style.QUIET), (text.size(module.bytes), style.SHAPE)),
        Text(module.dtype, style=style.QUIET),
    ]
    text.print_parts(parts, console)
    if module.not_recoverable:
        console.print(Text(f"the weights do not tell {', '.join(module.not_recoverable)}", style=style.QUIET))
    text.print_notes(module.notes, console)
    print_weights(module.config, module.weights, console)


def _label(name: str) -> str:
    return label(name, _NAME)


def _print_lines(modules: Sequence[CheckpointModule], console: "Console") -> None:
    table = text.table("name", "module", "parameters", "dtype")
    for module in modules[:MOST_LINES]:
        cells = (_label(module.name), format_constructor(module.config), text.count(module.parameters), module.dtype)
        table.add_row(*(Text(cell) for cell in cells))
    text.print_table(f"{text.count(len(modules))} modules (--name NAME shows one in full)", table, console)
    if len(modules) > MOST_LINES:
        more = f"⋯ {text.count(len(modules) - MOST_LINES)} more modules (--json lists all)"
        console.print(Text(style.glyphs(more, console), style=style.QUIET))


def _print_contradictions(contradictions: Sequence[Contradiction], console: "Console") -> None:
    shown = contradictions[:MOST_LINES]
    by_module: dict[tuple[str, str], list[str]] = {}
    for each in shown:
        by_module.setdefault((each.name, each.key), []).append(each.message)
    for (name, key), messages in by_module.items():
        console.print()
        text.print_unbroken(Text(_label(name), style=style.TITLE), console)
        if key != name:
            text.print_unbroken(Text(f"in the file: {_label(key)}", style=style.QUIET), console)
        console.print(Text("the weights contradict each other: no constructor makes such a module", style=style.BAD))
        for message in messages:
            console.print(Text(style.glyphs(f"✗ {message}", console), style=style.BAD))
    if len(contradictions) > len(shown):
        more = f"⋯ {text.count(len(contradictions) - len(shown))} more contradictions (--json lists all)"
        console.print(Text(style.glyphs(more, console), style=style.QUIET))


def _print_rest(checkpoint: Checkpoint, console: "Console") -> None:
    """One line on what else the file holds."""
    rest = checkpoint.rest
    if not rest.tensors and not checkpoint.optimizer:
        console.print(Text("the file holds nothing else", style=style.QUIET))
        return
    parts = []
    if rest.tensors:
        names = ", ".join(shorten(name, 40) for name in rest.examples) + (", ..." if rest.tensors > len(rest.examples) else "")
        count = f"{text.count(rest.tensors)} other tensor{'s' if rest.tensors > 1 else ''}"
        parts.append(f"{count} with {text.count(rest.parameters)} numbers, bytes {text.size(rest.bytes)}: {names}")
    if checkpoint.optimizer:
        parts.append(f"{text.count(checkpoint.optimizer)} tensors of an optimizer")
    console.print(Text(f"the file holds {' and '.join(parts)}", style=style.QUIET))
