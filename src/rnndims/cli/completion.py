"""``rnndims completion``: the script that makes a shell complete rnndims."""

import sys
from typing import Annotated, Literal

import typer

from ..errors import ExitCode
from .coerce import Command

app = typer.Typer(add_completion=False, rich_markup_mode=None)


@app.command(cls=Command)
def completion(
    shell: Annotated[
        Literal["bash", "zsh", "fish", "powershell"], typer.Argument(metavar="SHELL", help="Shell that the script is for.")
    ],
) -> ExitCode:
    """Print the completion script for bash, zsh, fish or powershell.

    The script contains all commands and options, so TAB never starts Python.
    """
    from .completion_scripts import WRITERS, read_program

    sys.stdout.write(WRITERS[shell][1](read_program()))
    return ExitCode.OK
