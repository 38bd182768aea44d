"""``trace`` as text: the table of calls, and below it what is wrong."""

import locale
import sys
from collections.abc import Callable, Iterable, Sequence
from typing import TYPE_CHECKING

from rich.text import Text

from ..constructor import format_constructor
from ..diagnose import Caution
from . import style, text
from .check_view import print_caution, print_problem
from .console import plain_text

if TYPE_CHECKING:
    from rich.console import Console
    from rich.table import Table

    from ..live.trace_report import TracedCall, TracedProblem, TracedWarning, TraceReport
    from ..shapes import Shape

NOTE_COLUMNS = 100
"""The width of the note of an exception."""

MOST_ROWS = 30
"""Rows of the table of calls."""


def trace_view(
    report: "TraceReport", *, table: bool = True, torch: bool = True, of: str = "this program", more: str = "--report FILE"
) -> "Callable[[Console], None]":
    """The view of ``trace``.

    Args:
        report: what was seen.
        table: whether the table of calls is shown.
        torch: whether the program has imported torch.
        of: whose RNNs they are.
        more: what has the calls that are left out.
    """
    return lambda console: _print(report, table, torch, of, more, console)


def _print(report: "TraceReport", table: bool, torch: bool, of: str, more: str, console: "Console") -> None:
    places = by_place(report.calls)
    if table:
        console.print()
        if places:
            text.print_table(f"rnndims: the RNNs of {of}", _table(places[:MOST_ROWS]), console, below=True)
        else:
            why = "no RNN was called" if torch else "this program does not import torch"
            console.print(Text(f"rnndims: {why}", style=style.QUIET))
    if len(places) > MOST_ROWS and table:
        text.print_notes([f"{len(places) - MOST_ROWS} more places: {more} has them all"], console)
    text.print_notes(report.not_watched, console)
    for warning in report.warnings:
        console.print()
        _print_warning(warning, console)
    for problem in report.problems:
        console.print()
        _print_traced(problem, console)


def _print_warning(warning: "TracedWarning", console: "Console") -> None:
    print_where(warning.at, warning.code, console)
    print_caution(Caution(kind=warning.kind, message=warning.message, fix=warning.fix, advice=warning.advice), console)


def _print_traced(traced: "TracedProblem", console: "Console") -> None:
    print_where(traced.at, traced.code, console)
    print_problem(traced.problem, "", console)


def explanation(traced: "TracedProblem") -> str:
    """What is said of a problem, as plain text: for the note of an exception, which terminals, log files and others show.

    A glyph is in it only where both the terminal and files of this machine can have it.
    """
    encodings = [getattr(sys.stderr, "encoding", None) or "utf-8", locale.getpreferredencoding(False)]
    encoding = next((name for name in encodings if not name.lower().startswith("utf")), "utf-8")
    return plain_text(lambda console: _print_traced(traced, console), NOTE_COLUMNS, encoding)


def print_where(at: str, code: str, console: "Console") -> None:
    """Print where in the user's code it is."""
    where = Text.assemble("rnndims: ", (at, style.NAME))
    if code:
        where.append(": ").append(" ".join(code.split()), style=style.SHAPE)
    text.print_unbroken(where, console)


def by_place(calls: "Sequence[TracedCall]") -> "list[list[TracedCall]]":
    """The calls of one module from one place, with all shapes that they had."""
    found: dict[tuple[object, ...], list[TracedCall]] = {}
    for call in calls:
        found.setdefault((call.name, call.at, call.config), []).append(call)
    return list(found.values())


def _table(places: "Iterable[list[TracedCall]]") -> "Table":
    table = text.table("module", "at", "calls", "input", "output", "h_n", "", wrap=("",))
    for calls in places:
        first = calls[0]
        table.add_row(
            Text(first.name or first.config.class_name, style=style.NAME),
            first.at,
            text.count(sum(call.times for call in calls)),
            shapes_text([call.input for call in calls]),
            Text("") if first.output is None else shapes_text([call.output for call in calls if call.output is not None]),
            shapes_text([call.h_n for call in calls]),
            Text(", ".join(about_calls(calls)), style=style.QUIET),
        )
    return table


def about_calls(calls: "Sequence[TracedCall]") -> list[str]:
    """What a row says below its shapes."""
    first = calls[0]
    about = [format_constructor(first.config), f"{text.count(first.parameters)} parameters"]
    about.append(f"{text.count(sum(call.macs for call in calls))} MACs")
    lengths = [length for call in calls for length in call.lengths or ()]
    if lengths:
        about.append(f"packed, lengths {min(lengths)} to {max(lengths)}")
    if (first.device, first.dtype) != ("cpu", "float32"):
        about.append(f"{first.device}, {first.dtype}")
    states = [name for name in ("h_0", "c_0") if any(getattr(call, name) is not None for call in calls)]
    if states:
        about.append(f"with {' and '.join(states)}")
    return about


def shapes_text(shapes: "Sequence[Shape]") -> Text:
    """One shape, with the range of each size that differs between the calls: ``(32, 7-40, 300)``."""
    if len({len(shape) for shape in shapes}) > 1:
        return text.shape(shapes[0]).append(" and others", style=style.QUIET)
    sizes = [f"{min(size)}" if min(size) == max(size) else f"{min(size)}-{max(size)}" for size in zip(*shapes, strict=True)]
    return Text(f"({sizes[0]},)" if len(sizes) == 1 else f"({', '.join(sizes)})", style=style.SHAPE, no_wrap=True)
