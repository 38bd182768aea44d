"""The program: which commands there are, and the one boundary where errors become a message and an exit code.

A command's module is imported when the command is called: no command waits for another's imports.
"""

import os
import sys
from collections.abc import Iterator, MutableMapping
from contextlib import suppress
from typing import Annotated, Any, Final

import typer
from typer.core import TyperGroup

from .. import __version__
from ..errors import ExitCode, RnndimsError, escape, shorten
from .coerce import PlainMixin

COMMANDS: Final[dict[str, tuple[str, str]]] = {
    "run": ("run", "Build the module, run it, and show the shapes of all inputs and results."),
    "weights": ("weights", "List the weights of a module or a checkpoint: their sizes, and how each is applied."),
    "cell": ("cell", "Run one cell step after step, and compare it with the layer."),
    "concat-demo": ("concat_demo", "Show how the two directions become one output, and how to split it again."),
    "diagram": ("diagram", "Draw the module: unrolled in time, the inside of a cell, or as matrix products."),
    "dims": ("dims", "Show the same shapes by arithmetic, at once and without torch."),
    "check": ("check", "Say why a shape does not fit, or what an error message means."),
    "trace": ("trace", "Run a program, and say what its RNNs are called with and why one fails."),
    "completion": ("completion", "Print the script that makes bash, zsh, fish or PowerShell complete rnndims."),
}
"""Name of each command, the module of this package that defines it as ``app``, and its line in the help."""


_NO_MEMORY: Final = "not enough memory for this answer"


class LazyCommands(MutableMapping[str, Any]):
    """The commands by name, each loaded when it is asked for; the names alone cost nothing."""

    def __init__(self) -> None:
        self._loaded: dict[str, Any] = {}

    def __getitem__(self, name: str) -> Any:
        if name not in self._loaded:
            module, _ = COMMANDS[name]
            from importlib import import_module

            command = typer.main.get_command(import_module(f".{module}", __package__).app)
            command.name = name
            self._loaded[name] = command
        return self._loaded[name]

    def __setitem__(self, name: str, command: Any) -> None:
        self._loaded[name] = command

    def __delitem__(self, name: str) -> None:
        del self._loaded[name]

    def __iter__(self) -> Iterator[str]:
        return iter(COMMANDS)

    def __len__(self) -> int:
        return len(COMMANDS)


class LazyGroup(PlainMixin, TyperGroup):
    """A group that lists its commands without importing them."""

    def __init__(self, **kwargs: Any) -> None:
        kwargs["commands"] = LazyCommands()
        super().__init__(**kwargs)

    def format_commands(self, ctx: Any, formatter: Any) -> None:  # noqa: ARG002
        """Write the commands' lines from the table."""
        with formatter.section("Commands"):
            formatter.write_dl([(name, text) for name, (_, text) in COMMANDS.items()])


app = typer.Typer(
    cls=LazyGroup,
    add_completion=False,
    rich_markup_mode=None,
    no_args_is_help=True,
    pretty_exceptions_enable=False,
    context_settings={"help_option_names": ["-h", "--help"]},
)


def _print_version(wanted: bool) -> None:
    if wanted:
        typer.echo(f"rnndims {__version__}")
        raise typer.Exit


@app.callback(
    help="Shapes, states, weights and cost of PyTorch's recurrent modules.",
    epilog="Try: rnndims run --layers 2 --bidirectional",
)
def _root(
    *,
    version: Annotated[
        bool, typer.Option("--version", is_eager=True, callback=_print_version, help="Print the version and exit.")
    ] = False,
) -> None:
    pass


def run(args: list[str]) -> int:
    """Run one command line and return its exit code; every error ends here as one message on standard error."""
    if sys.stdout is None and args[:1] != ["trace"]:  # the program that trace becomes may do without
        _complain("standard output is closed")
        return ExitCode.MACHINE
    command = typer.main.get_command(app)
    try:
        code = command.main(args=args, prog_name="rnndims", standalone_mode=False)
        if sys.stdout is not None:
            sys.stdout.flush()
    except SystemExit as error:  # Typer and Rich both exit with 1 where the reader of a pipe is gone
        if isinstance(error.__context__, BrokenPipeError):
            return _explain(error.__context__, args)
        return error.code if isinstance(error.code, int) else ExitCode.MACHINE
    except KeyboardInterrupt:
        return ExitCode.INTERRUPTED
    except BaseException as error:  # noqa: BLE001 - the one boundary; errors of Rust libraries are no Exception
        return _explain_safely(error, args)
    return int(code or ExitCode.OK)


def _lacks_memory(error: BaseException) -> bool:
    """Whether memory has ended; where Python loses its own MemoryError, it says "error return without exception set"."""
    return isinstance(error, MemoryError) or (isinstance(error, SystemError) and "without exception" in str(error))


def _explain_safely(error: BaseException, args: list[str]) -> int:
    """``_explain``, and a plain sentence where that fails too."""
    code = error.exit_code if isinstance(error, RnndimsError) else ExitCode.MACHINE
    try:
        if os.environ.get("RNNDIMS_TRACEBACK") == "1":
            import traceback

            traceback.print_exception(error)
        return _explain(error, args)
    except KeyboardInterrupt:
        return ExitCode.INTERRUPTED
    except BaseException as another:  # noqa: BLE001 - an object whose text fails, no memory, no recursion left
        if _lacks_memory(error) or _lacks_memory(another):
            _complain(_NO_MEMORY)
            return ExitCode.MACHINE
        _complain(
            f"an error in rnndims itself: {type(error).__name__}, and its message cannot be shown: {type(another).__name__}"
        )
        return code


def _explain(error: BaseException, args: list[str]) -> int:
    from .options import option_name

    if isinstance(error, RnndimsError):
        _complain(error.render(option_name))
        return error.exit_code
    if isinstance(error, typer.TyperException):
        return _explain_usage(error, args)
    if isinstance(error, BrokenPipeError):
        _forget_stdout()
        return ExitCode.BROKEN_PIPE
    if isinstance(error, OSError):
        _forget_stdout()
        _complain(f"cannot write the answer: {error.strerror or error}")
        return ExitCode.MACHINE
    if isinstance(error, ModuleNotFoundError) and error.name and error.name.partition(".")[0] == "rich":
        _complain("Rich, which draws the tables, is not installed\nInstall it with: pip install rich. Or use --json.")
        return ExitCode.MACHINE
    if _lacks_memory(error):
        _complain(_NO_MEMORY)
        return ExitCode.MACHINE
    if isinstance(error, (typer.Abort, EOFError)):
        return ExitCode.INTERRUPTED
    _complain(
        f"an error in rnndims itself: {type(error).__name__}: {shorten(error, 1000)}\n"
        "Please report it with the command line; RNNDIMS_TRACEBACK=1 shows where it happened."
    )
    return ExitCode.MACHINE


def _explain_usage(error: Any, args: list[str]) -> int:
    """A usage error of Typer in the words of rnndims: the option and its value first, then where the help is."""
    context = getattr(error, "ctx", None)
    if type(error).__name__ == "NoArgsIsHelpError":
        _complain(error.format_message(), prefix="")
        return ExitCode.USAGE
    param = getattr(error, "param", None)
    if isinstance(error, typer.BadParameter) and param is not None:
        name = param.opts[0] if param.param_type_name == "option" else param.metavar or param.name
        message = f"{name}: {error.message or 'a value is needed'}"
    else:
        message = error.format_message()
    command = next((arg for arg in args[:1] if arg in COMMANDS), "")
    path = context.command_path if context is not None else f"rnndims {command}".rstrip()
    _complain(f"{message}\nSee '{path} --help'.")
    return ExitCode.USAGE


def _complain(message: str, prefix: str = "rnndims: ") -> None:
    """Write to standard error; if that is closed too, write nothing."""
    if sys.stderr is None:
        return
    text = "\n".join(escape(line) for line in message.split("\n"))
    with suppress(OSError, ValueError):
        sys.stderr.write(f"{prefix}{text}\n")
        sys.stderr.flush()


def _forget_stdout() -> None:
    """Point standard output at the null device: text that is still buffered cannot fail again when the process ends."""
    with suppress(OSError, ValueError):
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
