"""``rnndims trace``: run a program, and say what its RNNs were called with and why one of them failed."""

import os
import subprocess
import sys
from pathlib import Path
from typing import Annotated, Any

import typer

from ..errors import ExitCode, RnndimsError
from .coerce import Command

app = typer.Typer(add_completion=False, rich_markup_mode=None)


@app.command(cls=Command, context_settings={"allow_interspersed_args": False, "ignore_unknown_options": False})
def trace(
    program: Annotated[str, typer.Argument(metavar="SCRIPT", help="The program: a file, or with -m a module.")],
    arguments: Annotated[
        list[str] | None, typer.Argument(metavar="[ARGS]...", help="What the program itself is called with.")
    ] = None,
    *,
    module: Annotated[bool, typer.Option("-m", help="Run a module by its name, not a file.")] = False,
    report: Annotated[
        str | None, typer.Option("--report", metavar="FILE", help="Also write what was seen to FILE, a JSON document.")
    ] = None,
    force: Annotated[bool, typer.Option("--force", help="Overwrite a file that exists.")] = False,
    quiet: Annotated[bool, typer.Option("--quiet", help="Leave out the table of calls.")] = False,
) -> ExitCode:
    """Run a program as python would, and report on standard error what its RNNs do.

    Every option of trace stands before the name of the program; all that follows it belongs to the program. Its output and its
    exit code stay as they are.
    """
    if report is not None:
        from ..output_file import OutputFile

        report = str(Path(report).absolute())
        OutputFile(report, suffixes=(".json",), overwrite=force, inputs=() if module else (program,))
    if not module and not Path(program).exists():
        raise RnndimsError(
            f"{program}: there is no such file", fix="With -m it is the name of a module: rnndims trace -m pkg.train"
        )
    if not sys.executable:
        raise RnndimsError("Python does not know its own file, so it cannot be started anew (sys.executable is empty)")
    settings = [report or "", "force" if force else "", "quiet" if quiet else "", "module" if module else "file"]
    return _start_anew([*settings, program, *(arguments or ())])


def _start_anew(arguments: list[str]) -> ExitCode:
    """Replace this process by a new Python, which has nothing loaded that the program would not expect.

    ``python`` begins with few modules loaded, its garbage collector on and its streams as they come; here all of that is
    changed already. Windows cannot replace a process: there the new one is a child, whose exit code is passed on.
    """
    named: Any = subprocess
    flags = named._args_from_interpreter_flags()  # -O, -W, -X and so on; multiprocessing relies on it too
    command = [sys.executable, *flags, str(Path(__file__).with_name("traced_process.py")), *arguments]
    for stream in (sys.stdout, sys.stderr):
        if stream is not None:
            stream.flush()
    if os.name != "nt":
        os.execv(sys.executable, command)  # noqa: S606 - the same Python, without a shell
    child = subprocess.Popen(command)  # noqa: S603
    while True:
        try:
            raise typer.Exit(child.wait())
        except KeyboardInterrupt:  # the child gets Ctrl-C too, and decides what it means
            continue
