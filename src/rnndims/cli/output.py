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


def view(content: View, code: ExitCode = ExitCode.OK) -> ExitCode:
    """Print a Rich view on standard output and pass ``code`` on."""
    from ..render.console import make_console

    content(make_console(sys.stdout))
    return code


def warn(messages: Iterable[str]) -> None:
    """Say on standard error what the user should know, but did not ask for."""
    if sys.stderr is not None:
        with suppress(OSError, ValueError):
            sys.stderr.writelines(f"rnndims: note: {escape(message)}\n" for message in messages)
