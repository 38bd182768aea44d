"""``dims`` and ``run`` as tables and a tree: what goes in and out, the rows of ``h_n``, the weights, the totals."""

from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING

from rich.text import Text

from .. import reasons
from ..constructor import format_constructor
from ..measurements import Measured, Run
from ..phrases import omit_middle
from ..results import Dims
from ..shapes import Packed, Shape
from . import style, text
from .numbers import print_values
from .weights_view import print_weights

if TYPE_CHECKING:
    from rich.console import Console
    from rich.table import Table

    from ..shapes import StateRow

RESULTS = ("output", "h_n", "c_n", "h_1", "c_1")
"""Names of the tensors that come out; all others go in."""


def dims_view(dims: Dims, notes: Sequence[str] = ()) -> "Callable[[Console], None]":
    """The view of ``dims``."""
    return lambda console: _print(dims, None, notes, console)


def run_view(run: Run, notes: Sequence[str] = ()) -> "Callable[[Console], None]":
    """The view of ``run``: that of ``dims``, and beside it what was measured."""
    return lambda console: _print(run.dims, run.measured, notes, console)


def _print(dims: Dims, measured: Measured | None, notes: Sequence[str], console: "Console") -> None:
    console.print(text.heading(format_constructor(dims.config)))
    _print_answer(dims, measured, console)
    text.print_notes(notes, console)
    if measured is not None and measured.method != "forward":
        text.print_notes(
            [f"so many steps would be slow on meta one by one: PyTorch's {measured.method} gave all shapes at once"], console
        )
    console.print()
    text.print_table("What goes in and what comes out", _tensor_table(dims, measured, console), console)
    if dims.packed is not None:
        console.print()
        _print_packed(dims.packed, dims.data.lengths or (), measured, console)
    if dims.states:
        console.print()
        _print_states(dims, measured, console)
    console.print()
    print_weights(dims.config, dims.weights, console)
    console.print()
    _print_totals(dims, console)
    if measured is not None and measured.values is not None:
        console.print()
        print_values(measured.values, dims.data.dtype, console)


def _print_answer(dims: Dims, measured: Measured | None, console: "Console") -> None:
    """Print first: the results, and whether PyTorch agrees."""
    results = [name for name in dims.tensors if name in RESULTS]
    parts = [Text.assemble((f"{name} ", style.NAME), text.shape(dims.tensors[name].shape)) for name in results]
    if measured is None:
        parts.append(Text(f"{dims.data.dtype}, by formula", style=style.QUIET))
    else:
        wrong = measured.disagreements(dims)
        if wrong:
            parts.append(Text(style.glyphs("✗ PyTorch disagrees: ", console) + ", ".join(wrong[:4]), style=style.BAD))
        else:
            parts.append(Text(style.glyphs("✓ formula and PyTorch agree", console), style=style.GOOD))
        parts.append(Text(f"{measured.device}, {dims.data.dtype}, torch {measured.torch}", style=style.QUIET))
    text.print_parts(parts, console)


def _tensor_table(dims: Dims, measured: Measured | None, console: "Console") -> "Table":
    columns = ("tensor", "dims", "shape", "why") if measured is None else ("tensor", "dims", "formula", "measured", "", "why")
    table = text.table(*columns, wrap=("why",))
    for name, tensor in dims.tensors.items():
        why = Text(reasons.tensor(tensor, dims.config, dims.data), style=style.QUIET)
        weight = style.NAME if name in RESULTS else ""  # results stand out
        row = [Text(name, style=weight), text.dims(tensor.dims), text.shape(tensor.shape, weight)]
        if measured is not None:
            shape = measured.tensors.get(name)
            row += [Text("none") if shape is None else text.shape(shape, weight), agreement(tensor.shape, shape, console)]
        table.add_row(*row, why)
    return table


def agreement(formula: Shape, measured: Shape | None, console: "Console") -> Text:
    """A check mark, or a cross where PyTorch returned another shape."""
    if formula == measured:
        return Text(style.glyphs("✓", console), style=style.GOOD)
    return Text(style.glyphs("✗", console), style=style.BAD)


def _print_states(dims: Dims, measured: Measured | None, console: "Console") -> None:
    verified = measured is not None and measured.states_verified is not None
    table = text.table("row", "layer", "direction", "in output", *(("compared",) if verified else ()))
    rows, hidden = omit_middle(dims.states, 16)
    for row in rows:
        if row is None:
            more = Text(f"{text.count(hidden)} more rows (--json shows all)", style.QUIET)
            table.add_row(Text(style.glyphs("⋯", console)), Text(), Text(), more)
        else:
            table.add_row(*_state_cells(row, measured if verified else None, console))
    text.print_table("Rows of h_n, and where the same numbers are in output", table, console)
    for state in list(dims.config.definition.states)[1:]:
        console.print(Text(f"{state}_n has the same rows; none of its numbers are in output", style=style.QUIET))
    if dims.data.lengths:
        console.print(Text("lengths-1 is each sequence's own last step, n is torch.arange(N)", style=style.QUIET))


def _state_cells(row: "StateRow", measured: Measured | None, console: "Console") -> list[Text]:
    where = Text(row.in_output or "no", style=style.SHAPE if row.in_output else style.QUIET)
    cells = [Text(str(row.row)), Text(str(row.layer)), text.direction(row.direction), where]
    if measured is not None and row.in_output is not None:
        equal = measured.states_verified
        mark = style.glyphs("✓ equal" if equal else "✗ differs", console)
        cells.append(Text(mark, style=style.GOOD if equal else style.BAD))
    return cells


def _print_packed(packed: Packed, lengths: Sequence[int], measured: Measured | None, console: "Console") -> None:
    table = text.table("packed", *(("shape",) if measured is None else ("formula", "measured", "")))
    for name in ("input_data", "output_data", "batch_sizes"):
        shape = (len(packed.batch_sizes),) if name == "batch_sizes" else getattr(packed, name)
        cells = [Text(name, style=style.NAME), text.shape(shape)]
        if measured is not None and measured.packed is not None:
            returned = getattr(measured.packed, name)
            agrees = returned == getattr(packed, name)
            cells += [
                text.shape((len(returned),) if name == "batch_sizes" else returned),
                agreement((1,), (1,) if agrees else (0,), console),
            ]
        table.add_row(*cells)
    text.print_table("Packed batch", table, console)
    console.print(Text.assemble(("batch_sizes ", style.QUIET), _short_list(packed.batch_sizes, console)))
    last = ", ".join(f"{n}: step {length - 1}" for n, length in enumerate(lengths[:12]))
    if len(lengths) > 12:
        last += style.glyphs(" …", console)
    console.print(Text.assemble(("last valid step of sequence ", style.QUIET), last))


def _short_list(numbers: Sequence[int], console: "Console") -> str:
    shown, hidden = omit_middle(numbers, 24)
    parts = [style.glyphs(f"⋯ {hidden} more ⋯", console) if number is None else str(number) for number in shown]
    return "[" + ", ".join(parts) + "]"


def _print_totals(dims: Dims, console: "Console") -> None:
    totals = dims.totals
    console.print(text.heading("Totals"))
    values = {
        "parameters": text.count(totals.parameters),
        "bytes": text.size(totals.parameter_bytes),
        "MACs": text.count(totals.macs),
        "FLOPs": text.count(totals.flops),
    }
    parts = [Text.assemble((f"{name} ", style.QUIET), (value, style.SHAPE)) for name, value in values.items()]
    text.print_parts(parts, console)
    console.print(
        Text(
            "MACs of the matrix products of one forward pass; biases and element-wise operations are not counted",
            style=style.QUIET,
        )
    )
