"""What a shell needs to know to complete a command line: commands, options, and what may follow each option."""

from typing import Any, Final, Literal, NamedTuple, get_args, get_origin

import typer

from ...dtypes import ITEMSIZES
from ..options import FILE

Kind = Literal["flag", "choice", "file", "free"]

SUGGESTIONS: Final[dict[str, tuple[str, ...]]] = {
    "DTYPE": tuple(ITEMSIZES),
    "DEVICE": ("auto", "cpu", "cuda", "mps", "meta"),
}
"""Values worth offering for a metavar whose values are not a closed list."""

TAKES_FILES: Final = ("weights",)
"""Commands whose CONSTRUCTOR may also be the name of a checkpoint file."""


class Option(NamedTuple):
    """One option, or one argument.

    Attributes:
        names: all spellings, the long ones first; empty for an argument.
        text: what it does, one line.
        kind: what follows it: nothing, one of ``choices``, the name of a file, or something nobody can guess.
        choices: the values to offer.
        label: the metavar, a word for the value.
        multiple: whether it may be given more than once.
        excludes: spellings that make no sense beside it: its own, and those of its opposite.
    """

    names: tuple[str, ...]
    text: str
    kind: Kind
    choices: tuple[str, ...]
    label: str
    multiple: bool
    excludes: tuple[str, ...]


class Command(NamedTuple):
    """One command: ``options`` begin with a dash, ``arguments`` do not."""

    name: str
    text: str
    options: tuple[Option, ...]
    arguments: tuple[Option, ...]


class Program(NamedTuple):
    """The whole command line; ``options`` are those before the command."""

    options: tuple[Option, ...]
    commands: tuple[Command, ...]


def read_program() -> Program:
    """The program as its Typer commands define it: every command's module is imported."""
    from ..app import COMMANDS, app

    group: Any = typer.main.get_command(app)
    commands = []
    for name, (_, text) in COMMANDS.items():
        command: Any = group.commands[name]
        options = [option for param in _params(command) for option in _options(param)]
        arguments = [_argument(name, param) for param in command.params if param.param_type_name == "argument"]
        commands.append(Command(name, _line(text), tuple(options), tuple(arguments)))
    return Program(tuple(option for param in _params(group) for option in _options(param)), tuple(commands))


def _params(command: Any) -> list[Any]:
    context = typer.Context(command, help_option_names=["-h", "--help"])
    return [p for p in command.get_params(context) if p.param_type_name == "option" and not p.hidden]


def _options(param: Any) -> list[Option]:
    """The option, and as a second one its opposite (``--no-bias``), if it has one."""
    names = tuple(sorted(param.opts, key=lambda name: not name.startswith("--")))
    opposite = tuple(param.secondary_opts)
    kind, choices = ("flag", ()) if param.is_flag or getattr(param, "count", False) else _values(param)
    text = _line(param.help or "")
    multiple = bool(param.multiple)
    excludes = () if multiple else names + opposite
    found = [Option(names, text, kind, choices, _label(param), multiple, excludes)]
    if opposite:
        found.append(Option(opposite, f"Not {names[0]}", "flag", (), "", multiple, excludes))
    return found


def _argument(command: str, param: Any) -> Option:
    kind, choices = _values(param)
    if command in TAKES_FILES and kind == "free":
        kind = "file"
    return Option((), _line(getattr(param, "help", None) or ""), kind, choices, _label(param), param.nargs == -1, ())


def _values(param: Any) -> tuple[Kind, tuple[str, ...]]:
    choices = _choices(param)
    if choices:
        return "choice", choices
    return ("file", ()) if FILE in (param.metavar or "").replace("|", " ").split() else ("free", ())


def _choices(param: Any) -> tuple[str, ...]:
    annotation = getattr(getattr(param, "type_descriptor", None), "annotation", None)
    if get_origin(annotation) is Literal:
        return get_args(annotation)
    listed = getattr(getattr(param, "type", None), "choices", None)  # Typer before 0.29
    return tuple(listed) if listed else SUGGESTIONS.get(param.metavar or "", ())


def _label(param: Any) -> str:
    return param.metavar or str(param.name).upper()


def _line(text: str) -> str:
    line = " ".join(text.split())
    return line if line.endswith("...") else line.removesuffix(".")
