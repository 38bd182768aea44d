"""``summary`` and ``watch`` as HTML for notebooks: compact tables in the notebook's own colours, light or dark.

Names of modules are the user's text, so all text is escaped.
"""

from collections.abc import Iterable, Sequence
from html import escape
from typing import TYPE_CHECKING

from .summary_view import COUNTED, MOST_ROWS, about, module_cells, state_rows, totals
from .trace_view import about_calls, by_place, shapes_text

if TYPE_CHECKING:
    from ..live.summary import ModelSummary
    from ..live.trace_report import TracedCall, TracedWarning, TraceReport

_STYLE = (
    "div.rnndims table{border-collapse:collapse;margin:.3em 0 .8em;font-size:inherit}"
    "div.rnndims caption{text-align:left;font-weight:bold;white-space:nowrap}"
    "div.rnndims th,div.rnndims td{text-align:left;vertical-align:top;padding:.1em 1.2em .1em 0;white-space:nowrap}"
    "div.rnndims th{font-weight:normal;opacity:.65}"
    "div.rnndims td.quiet,div.rnndims p.quiet{opacity:.65;white-space:normal}"
    "div.rnndims p{margin:.3em 0}"
    "div.rnndims p.warning{border-left:3px solid #d98c00;padding-left:.7em}"
)


def summary_html(summary: "ModelSummary") -> str:
    """A summary as a ``div``."""
    parts = [_paragraph(f"{summary.model}: one forward pass in inference")]
    if summary.recurrent:
        rows = [
            (each.name or each.config.class_name, str(each.times), *_shapes(each.calls), ", ".join(about(each)))
            for each in summary.recurrent
        ]
        parts.append(_table("Recurrent modules", ("module", "calls", "input", "output", "h_n", ""), rows))
    rows_of_states = state_rows(summary.recurrent)
    if rows_of_states:
        title = "Rows of h_n, and where the same numbers are in output"
        parts.append(_table(title, ("module", "row", "layer", "direction", "in output"), rows_of_states))
    if summary.modules:
        modules = [(each.name or each.class_name, *module_cells(each)) for each in summary.modules]
        parts.append(_table("Parameters, by module", ("module", "class", "parameters", "bytes", ""), modules))
    parts.append(_paragraph(", ".join(totals(summary))))
    parts.append(_paragraph(COUNTED if summary.recurrent else "no recurrent module of torch.nn", "quiet"))
    return _page([*parts, *_notes(summary.not_watched)])


def watch_html(report: "TraceReport", of: str) -> str:
    """What was seen of a model as a ``div``.

    Args:
        report: calls and warnings.
        of: the name of the model.
    """
    rows = [
        (
            calls[0].name or calls[0].config.class_name,
            calls[0].at,
            str(sum(call.times for call in calls)),
            *_shapes(calls),
            ", ".join(about_calls(calls)),
        )
        for calls in by_place(report.calls)
    ]
    columns = ("module", "at", "calls", "input", "output", "h_n", "")
    table = _table(f"The RNNs of {of}", columns, rows) if rows else _paragraph(f"No RNN of {of} was called.")
    return _page([table, *_notes(report.not_watched), *map(_warning, report.warnings)])


def _shapes(calls: "Sequence[TracedCall]") -> tuple[str, str, str]:
    """The shapes of input, output and ``h_n``."""
    outputs = [call.output for call in calls if call.output is not None]
    columns = ([call.input for call in calls], outputs, [call.h_n for call in calls])
    input_, output, h_n = (shapes_text(shapes).plain if shapes else "" for shapes in columns)
    return input_, output, h_n


def _warning(warning: "TracedWarning") -> str:
    where = f"{warning.at}: {' '.join(warning.code.split())}" if warning.code else warning.at
    way_out = f"<br>fix: <code>{escape(warning.fix)}</code>" if warning.fix else ""
    advice = f"<br>{escape(warning.advice)}" if warning.advice else ""
    return f'<p class="warning"><code>{escape(where)}</code><br>warning: {escape(warning.message)}{way_out}{advice}</p>'


def _notes(notes: Iterable[str]) -> list[str]:
    return [_paragraph(f"note: {note}") for note in notes]


def _paragraph(text: str, kind: str = "") -> str:
    return f'<p class="{kind}">{escape(text)}</p>' if kind else f"<p>{escape(text)}</p>"


def _table(title: str, columns: Sequence[str], rows: Sequence[Sequence[str]]) -> str:
    """A table; a column without a title is quiet, and is left out if it is empty."""
    if not columns[-1] and not any(row[-1] for row in rows):
        columns, rows = columns[:-1], [row[:-1] for row in rows]
    head = "".join(f"<th>{escape(column)}</th>" for column in columns)
    body = "".join(
        "<tr>" + "".join(_cell(cell, column) for cell, column in zip(row, columns, strict=True)) + "</tr>"
        for row in rows[:MOST_ROWS]
    )
    more = _paragraph(f"{len(rows) - MOST_ROWS} more rows", "quiet") if len(rows) > MOST_ROWS else ""
    return f"<table><caption>{escape(title)}</caption><thead><tr>{head}</tr></thead><tbody>{body}</tbody></table>{more}"


def _cell(text: str, column: str) -> str:
    return f"<td>{escape(text)}</td>" if column else f'<td class="quiet">{escape(text)}</td>'


def _page(parts: Iterable[str]) -> str:
    return f'<div class="rnndims"><style>{_STYLE}</style>{"".join(parts)}</div>'
