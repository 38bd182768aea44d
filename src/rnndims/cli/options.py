"""The options that commands share, each declared once.

A group is a dataclass whose fields are Typer options. A command takes groups as parameters, and ``with_options`` gives
Typer the flat signature it needs and the command its groups back:

    @app.command(cls=Command)
    @with_options
    def dims(module: ModuleOptions, data: DataOptions, output: OutputOptions) -> ExitCode: ...

Each group knows in ``given`` which of its options were written on the command line, because an option that repeats its
default overrides pasted code all the same.
"""

import inspect
from collections.abc import Callable
from dataclasses import dataclass, field, fields, is_dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, Literal

import typer

from ..config import DataConfig, RNNConfig
from ..errors import ConfigError, ConstructorError, RnndimsError, shorten
from ..file_types import CHECKPOINTS

if TYPE_CHECKING:
    from ..constructor import Constructor

FILE = "FILE"
"""Metavar of every option that wants a file name; completion offers files for it and nothing else."""

OPTION_NAMES = {
    "cell": "--cell",
    "num_layers": "--layers",
    "is_cell": "CONSTRUCTOR",
    "code": "CONSTRUCTOR",
    "script": "--code",
}
"""Options whose name is not that of the field with dashes."""


@dataclass(eq=False, repr=False)
class ModuleOptions:
    """The module: pasted as code, as options, or as code that options override."""

    code: Annotated[
        str | None,
        typer.Argument(
            metavar="CONSTRUCTOR", help="The module as code: 'nn.LSTM(300, 512, num_layers=2)'. Parsed, never executed."
        ),
    ] = None
    cell: Annotated[
        Literal["rnn", "lstm", "gru"], typer.Option("--cell", case_sensitive=False, help="nn.RNN, nn.LSTM or nn.GRU.")
    ] = "rnn"
    input_size: Annotated[int, typer.Option("--input-size", "-i", metavar="INT", help="H_in, features of one input step.")] = 4
    hidden_size: Annotated[
        int, typer.Option("--hidden-size", "-H", metavar="INT", help="H_cell, features of the hidden state.")
    ] = 2
    num_layers: Annotated[int, typer.Option("--layers", "--num-layers", "-l", metavar="INT", help="Stacked layers.")] = 1
    bidirectional: Annotated[
        bool,
        typer.Option(
            "--bidirectional/--no-bidirectional",
            "-b",
            show_default=False,
            help="A second direction, from the last step to the first.",
        ),
    ] = False
    batch_first: Annotated[
        bool,
        typer.Option(
            "--batch-first/--no-batch-first",
            show_default=False,
            help="input and output are (N, L, ...); the states are not touched.",
        ),
    ] = False
    bias: Annotated[bool, typer.Option("--bias/--no-bias", help="The bias vectors b_ih and b_hh.")] = True
    dropout: Annotated[float, typer.Option("--dropout", metavar="FLOAT", help="Between layers, in training only; 0 to 1.")] = (
        0.0
    )
    proj_size: Annotated[
        int, typer.Option("--proj-size", metavar="INT", help="LSTM only: project h to this size; 0 is off.")
    ] = 0
    nonlinearity: Annotated[Literal["tanh", "relu"], typer.Option("--nonlinearity", case_sensitive=False, help="RNN only.")] = (
        "tanh"
    )
    define: Annotated[
        list[str] | None, typer.Option("--define", "-D", metavar="NAME=VALUE", help="Value of a name in the pasted code.")
    ] = None
    given: frozenset[str] = field(default=frozenset(), init=False)

    def overrides(self) -> dict[str, Any]:
        """The module options that were written on the command line, by RNNConfig's field names."""
        return {name: getattr(self, name) for name in _CONFIG_FIELDS if name in self.given}

    def resolve(self) -> "Module":
        """The module that the code and the options ask for.

        Raises:
            RnndimsError: where the code cannot be read or PyTorch would refuse the arguments.
        """
        overrides = self.overrides()
        if self.code is None:
            if self.define:
                raise RnndimsError("--define: there is no pasted code whose names it could define", fix="Give a CONSTRUCTOR.")
            return Module(_config_of_options(self, overrides))
        from ..constructor import parse_constructor, parse_definition

        names = dict(parse_definition(text) for text in self.define or ())
        try:
            code = parse_constructor(self.code, names)
        except ConstructorError as error:
            if Path(self.code).suffix in CHECKPOINTS:
                fix = f"A checkpoint? `rnndims weights {self.code}` shows what is in it, `run --weights` runs it."
                raise RnndimsError(error.message, fix=fix) from error
            raise
        for name in names.keys() - code.names_used:
            raise RnndimsError(f"--define {shorten(name)}: the pasted code has no such name")
        return Module(_config_of_code(code, overrides), code, tuple(_describe_overrides(code, overrides)))


_CONFIG_FIELDS = (
    "cell",
    "input_size",
    "hidden_size",
    "num_layers",
    "bidirectional",
    "batch_first",
    "bias",
    "dropout",
    "proj_size",
    "nonlinearity",
)


@dataclass(eq=False, repr=False)
class Module:
    """The module at hand: its configuration, the pasted code if there is one, and what the user should know about it."""

    config: RNNConfig
    code: "Constructor | None" = None
    notes: tuple[str, ...] = ()


def _config_of_options(options: ModuleOptions, overrides: dict[str, Any]) -> RNNConfig:
    values = {name: getattr(options, name) for name in _CONFIG_FIELDS}
    if options.cell != "rnn" and "nonlinearity" not in overrides:
        values["nonlinearity"] = None
    _refuse_foreign(options.cell, overrides)
    return RNNConfig(**values)


def _config_of_code(code: "Constructor", overrides: dict[str, Any]) -> RNNConfig:
    _refuse_foreign(overrides.get("cell", code.cell), overrides)
    return code.config(**overrides)


def _refuse_foreign(cell: str, overrides: dict[str, Any]) -> None:
    """Refuse what PyTorch refuses even at its default: ``nn.GRU(..., proj_size=0)``, ``nn.LSTM(..., nonlinearity='tanh')``."""
    if cell != "lstm" and "proj_size" in overrides:
        raise ConfigError(
            "proj_size",
            overrides["proj_size"],
            f"only LSTM has projections, this is {cell.upper()}",
            torch="proj_size argument is only supported for LSTM, not RNN or GRU",
            fix="Leave out {proj_size}, or use --cell lstm.",
        )
    if cell != "rnn" and "nonlinearity" in overrides:
        raise ConfigError(
            "nonlinearity",
            overrides["nonlinearity"],
            f"only RNN has a choice of activation, the gates of {cell.upper()} have fixed ones",
            torch="got an unexpected keyword argument 'nonlinearity'",
            fix="Leave out {nonlinearity}, or use --cell rnn.",
        )


def _describe_overrides(code: "Constructor", overrides: dict[str, Any]) -> list[str]:
    """One sentence for each option that contradicts the pasted code."""
    written = {"cell": code.cell, **code.arguments}
    return [
        f"{option_name(name)} {shorten(value)} overrides {name}={shorten(written[name])} of the pasted code"
        for name, value in overrides.items()
        if name in written and written[name] != value
    ]


@dataclass(eq=False, repr=False)
class DataOptions:
    """What is fed to the module."""

    seq_len: Annotated[
        int | None, typer.Option("--seq-len", "-t", metavar="INT", help="L, time steps; 3, or the longest length.")
    ] = None
    batch_size: Annotated[
        int | None, typer.Option("--batch-size", "-n", metavar="INT", help="N, sequences; 2, or as many as lengths.")
    ] = None
    unbatched: Annotated[bool, typer.Option("--unbatched", help="One sequence without a batch dim: (L, H_in).")] = False
    lengths: Annotated[
        str | None, typer.Option("--lengths", metavar="3,1,...", help="Valid steps of each sequence: a packed batch.")
    ] = None
    dtype: Annotated[str, typer.Option("--dtype", metavar="DTYPE", help="float32, float64, float16, bfloat16, ...")] = "float32"
    given: frozenset[str] = field(default=frozenset(), init=False)

    def resolve(self, module: Module) -> DataConfig:
        """The data these options ask for; a ``dtype=`` in pasted code counts unless ``--dtype`` is given.

        Raises:
            ConfigError: where the sizes contradict each other or PyTorch would refuse them.
        """
        dtype = self.dtype
        if module.code is not None and module.code.dtype is not None and "dtype" not in self.given:
            dtype = module.code.dtype
        lengths = None if self.lengths is None else parse_ints("lengths", self.lengths)
        return DataConfig(self.seq_len, self.batch_size, self.unbatched, lengths, dtype)


@dataclass(eq=False, repr=False)
class TorchOptions:
    """Where and with which numbers a module is really run."""

    device: Annotated[
        str,
        typer.Option("--device", metavar="DEVICE", help="cpu, cuda, cuda:1, mps, auto; meta: shapes of any size, no numbers."),
    ] = "cpu"
    seed: Annotated[int, typer.Option("--seed", metavar="INT", help="Of the weights and the input.")] = 0
    values: Annotated[bool, typer.Option("--values", help="Print the numbers too.")] = False
    given: frozenset[str] = field(default=frozenset(), init=False)

    def resolve_device(self, module: Module) -> str:
        """The device's name; a ``device=`` in pasted code counts unless ``--device`` is given."""
        if module.code is not None and module.code.device is not None and "device" not in self.given:
            return module.code.device
        return self.device


@dataclass(eq=False, repr=False)
class OutputOptions:
    """How the answer is written."""

    json: Annotated[bool, typer.Option("--json", help="One JSON document on standard output.")] = False
    given: frozenset[str] = field(default=frozenset(), init=False)


@dataclass(eq=False, repr=False)
class ViewOptions(OutputOptions):
    """How the answer is written, kept in a file, or had without rnndims."""

    export: Annotated[
        str | None, typer.Option("--export", metavar=FILE, help="Also keep what is shown, as FILE.svg, .html or .txt.")
    ] = None
    script: Annotated[bool, typer.Option("--code", help="Instead, print a plain PyTorch script that does the same.")] = False

    def __post_init__(self) -> None:
        chosen = [name for name, value in (("--json", self.json), ("--export", self.export), ("--code", self.script)) if value]
        if len(chosen) > 1:
            raise RnndimsError(f"{' and '.join(chosen)} ask for different answers", fix="Use one of them.")
        if self.export is not None:
            from ..render.export import check_export

            check_export(self.export)


def parse_ints(name: str, text: str) -> tuple[int, ...]:
    """``"3,1"`` -> ``(3, 1)``: what ``--lengths`` and its like take.

    Raises:
        ConfigError: where an item is no whole number in ASCII digits.
    """
    inner = text.strip()
    if inner[:1] + inner[-1:] in ("()", "[]"):
        inner = inner[1:-1]
    items = [item.strip() for item in inner.split(",")]
    if items and not items[-1]:
        items.pop()
    for item in items:
        if not (item.isascii() and item.removeprefix("-").isdigit() and len(item) < 20):
            raise ConfigError(name, text, f"{shorten(item, 20)} is not a whole number", fix="Write numbers with commas: 3,1,2")
    return tuple(int(item) for item in items)


def option_name(name: str) -> str:
    """The option that sets a field: ``hidden_size`` -> ``--hidden-size``."""
    return OPTION_NAMES.get(name, "--" + name.replace("_", "-"))


def with_options(function: Callable[..., Any]) -> Callable[..., Any]:
    """``function`` with its option groups flattened into single options for Typer; see the module's docstring."""
    groups: dict[str, tuple[type, list[str]]] = {}
    parameters = [inspect.Parameter("ctx", inspect.Parameter.KEYWORD_ONLY, annotation=typer.Context)]
    for name, parameter in inspect.signature(function).parameters.items():
        group = parameter.annotation
        if not is_dataclass(group):
            parameters.append(parameter.replace(kind=inspect.Parameter.KEYWORD_ONLY))
            continue
        members = [member for member in fields(group) if member.init]
        groups[name] = (group, [member.name for member in members])  # type: ignore[assignment]
        parameters += [
            inspect.Parameter(member.name, inspect.Parameter.KEYWORD_ONLY, default=member.default, annotation=member.type)
            for member in members
        ]

    def command(ctx: typer.Context, **values: Any) -> Any:
        given = frozenset(name for name in values if _was_given(ctx, name))
        for name, (group, members) in groups.items():
            values[name] = group(**{member: values.pop(member) for member in members})
            values[name].given = given
        return function(**values)

    command.__name__ = function.__name__
    command.__doc__ = function.__doc__
    command.__signature__ = inspect.Signature(parameters)  # type: ignore[attr-defined]
    command.__annotations__ = {parameter.name: parameter.annotation for parameter in parameters}
    return command


def _was_given(ctx: typer.Context, name: str) -> bool:
    source = ctx.get_parameter_source(name)
    return source is not None and source.name != "DEFAULT"
