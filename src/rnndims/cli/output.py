"""Writing the answer: the only place where a command touches standard output."""

import sys
from collections.abc import Callable, Iterable
from contextlib import suppress
from typing import TYPE_CHECKING, Any

from ..errors import ExitCode, escape

if TYPE_CHECKING:
    from rich.console import Console

View = Callable[["Console"], None]
"""A rendered answer: a function that prints itself on a console, so that it can fit itself to the console's width."""


def document(content: dict[str, Any], code: ExitCode = ExitCode.OK) -> ExitCode:
    """Write one JSON document and pass ``code`` on."""
    from ..render.json import pretty

    sys.stdout.write(pretty(content))
    return code


def view(content: View, code: ExitCode = ExitCode.OK, *, export: str | None = None) -> ExitCode:
    """Print a Rich view on standard output, keep it in the file ``export`` if there is one, and pass ``code`` on."""
    from ..render.console import make_console

    console = make_console(sys.stdout, record=export is not None)
    content(console)
    if export is not None:
        from ..render.export import export_file

        export_file(console, export)
    return code


def script(text: str) -> ExitCode:
    """Write a script on standard output."""
    sys.stdout.write(text)
    return ExitCode.OK


def warn(messages: Iterable[str]) -> None:
    """Say on standard error what the user should know, but did not ask for."""
    if sys.stderr is not None:
        with suppress(OSError, ValueError):
            sys.stderr.writelines(f"rnndims: note: {escape(message)}\n" for message in messages)
