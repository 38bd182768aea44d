"""How a command writes its answer: as a JSON document, a view or a script, and notes on standard error."""

import sys
from collections.abc import Callable, Iterable
from contextlib import suppress
from typing import TYPE_CHECKING, Any

from ..errors import ExitCode, escape

if TYPE_CHECKING:
    from rich.console import Console

    from ..output_file import OutputFile

View = Callable[["Console"], None]
"""A rendered answer: a function that prints on a console, so it can fit the text to the console's width."""


def document(content: dict[str, Any], code: ExitCode = ExitCode.OK) -> ExitCode:
    """Write one JSON document and return ``code``."""
    from ..render.documents import pretty

    sys.stdout.write(pretty(content))
    return code


def view(content: View, code: ExitCode = ExitCode.OK, *, export: "OutputFile | None" = None) -> ExitCode:
    """Print a Rich view on standard output, write it to the file ``export`` too if there is one, and return ``code``."""
    from ..render.console import make_console

    console = make_console(sys.stdout, record=export is not None)
    content(console)
    if export is not None:
        from ..render.export import exported

        export.write(exported(console, export.suffix))
    return code


def script(text: str) -> ExitCode:
    """Write a script on standard output."""
    sys.stdout.write(text)
    return ExitCode.OK


def warn(messages: Iterable[str]) -> None:
    """Write notes to standard error."""
    if sys.stderr is not None:
        with suppress(OSError, ValueError):
            sys.stderr.writelines(f"rnndims: note: {escape(message)}\n" for message in messages)
