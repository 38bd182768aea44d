"""The options that commands share, each declared once.

A group is a dataclass whose fields are Typer options. A command takes groups as parameters, and ``with_options`` gives
Typer the flat signature it needs and the command its groups back:

    @app.command(cls=Command)
    @with_options
    def dims(module: ModuleOptions, data: DataOptions, output: OutputOptions) -> ExitCode: ...

``typed`` of each group names the options that were typed: one that repeats its default overrides pasted code too. What may
go together is decided in ``rnndims.request``.
"""

import inspect
from collections.abc import Callable
from dataclasses import dataclass, field, fields, is_dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, Final, Literal, TypeAlias

import typer

from ..config import DataConfig
from ..errors import ConfigError, RnndimsError, shorten
from ..request import ModuleRequest, request_data, request_module

if TYPE_CHECKING:
    from ..file_request import Request
    from ..output_file import InputFile, OutputFile

FILE: Final = "FILE"
"""Metavar of every option whose value is a file name; completion offers only files for it."""

Force: TypeAlias = Annotated[bool, typer.Option("--force", help="Overwrite a file that exists.")]
"""For every command that writes files."""

OPTION_NAMES: Final = {
    "cell": "--cell",
    "num_layers": "--layers",
    "is_cell": "CONSTRUCTOR",
    "code": "CONSTRUCTOR",
    "module": "CONSTRUCTOR",
    "script": "--code",
    "h_0": "--h0",
    "c_0": "--c0",
    "overwrite": "--force",
}
"""Options whose name is not their field's with dashes."""


@dataclass(eq=False, repr=False)
class OptionGroup:
    """What every group has: the names of all options that were typed, those of other groups too."""

    typed: frozenset[str] = field(default=frozenset(), init=False)


@dataclass(eq=False, repr=False)
class ModuleOptions(OptionGroup):
    """The module: pasted as code, as options, or as code that options override."""

    code: Annotated[
        str | None,
        typer.Argument(
            metavar="CONSTRUCTOR", help="The module as code: 'nn.LSTM(300, 512, num_layers=2)'. Parsed, never executed."
        ),
    ] = None
    cell: Annotated[
        Literal["rnn", "lstm", "gru"],
        typer.Option("--cell", case_sensitive=False, help="Kind of cell: nn.RNN, nn.LSTM or nn.GRU."),
    ] = "rnn"
    input_size: Annotated[
        int, typer.Option("--input-size", "-i", metavar="INT", help="H_in, the features of one input step.")
    ] = 4
    hidden_size: Annotated[
        int, typer.Option("--hidden-size", "-H", metavar="INT", help="H_cell, the features of the hidden state.")
    ] = 2
    num_layers: Annotated[
        int, typer.Option("--layers", "--num-layers", "-l", metavar="INT", help="Number of stacked layers.")
    ] = 1
    bidirectional: Annotated[
        bool,
        typer.Option(
            "--bidirectional/--no-bidirectional",
            "-b",
            show_default=False,
            help="Add a second direction, from the last step to the first.",
        ),
    ] = False
    batch_first: Annotated[
        bool,
        typer.Option(
            "--batch-first/--no-batch-first",
            show_default=False,
            help="Batch first: input and output are (N, L, ...); the states stay as they are.",
        ),
    ] = False
    bias: Annotated[bool, typer.Option("--bias/--no-bias", help="Use the bias vectors b_ih and b_hh.")] = True
    dropout: Annotated[
        float, typer.Option("--dropout", metavar="FLOAT", help="Dropout between layers, 0 to 1; it acts in training only.")
    ] = 0.0
    proj_size: Annotated[
        int, typer.Option("--proj-size", metavar="INT", help="Project h to this size (LSTM only); 0 turns it off.")
    ] = 0
    nonlinearity: Annotated[
        Literal["tanh", "relu"], typer.Option("--nonlinearity", case_sensitive=False, help="Activation (RNN only).")
    ] = "tanh"
    define: Annotated[
        list[str] | None,
        typer.Option("--define", "-D", metavar="NAME=VALUE", help="Value of a name in the pasted code; may be repeated."),
    ] = None

    def overrides(self) -> dict[str, Any]:
        """The module options that were typed, by RNNConfig's field names."""
        return {name: getattr(self, name) for name in _CONFIG_FIELDS if name in self.typed}

    def definitions(self) -> dict[str, int | float | bool | str]:
        """The names with a value from ``--define``.

        Raises:
            ConstructorError: where one of them is no NAME=VALUE.
        """
        if not self.define:
            return {}
        from ..constructor import parse_definition

        return dict(parse_definition(text) for text in self.define)

    def resolve(self) -> ModuleRequest:
        """The module that the code and the options ask for.

        Raises:
            RnndimsError: where the code cannot be read or PyTorch would refuse the arguments.
        """
        return request_module(self.code, self.overrides(), self.definitions(), name=option_name)


_CONFIG_FIELDS = tuple(member.name for member in fields(ModuleOptions) if member.init and member.name not in ("code", "define"))


@dataclass(eq=False, repr=False)
class DataOptions(OptionGroup):
    """The input of the module."""

    seq_len: Annotated[
        int | None, typer.Option("--seq-len", "-t", metavar="INT", help="L, time steps; default 3, or the longest length.")
    ] = None
    batch_size: Annotated[
        int | None, typer.Option("--batch-size", "-n", metavar="INT", help="N, sequences; default 2, or the number of lengths.")
    ] = None
    unbatched: Annotated[bool, typer.Option("--unbatched", help="One sequence without a batch dim: (L, H_in).")] = False
    lengths: Annotated[
        str | None, typer.Option("--lengths", metavar="3,1,...", help="Valid steps of each sequence, for a packed batch.")
    ] = None
    dtype: Annotated[
        str, typer.Option("--dtype", metavar="DTYPE", help="Data type: float32, float64, float16, bfloat16, ...")
    ] = "float32"

    def stated(self) -> dict[str, Any]:
        """The data options that were typed, by DataConfig's field names.

        Raises:
            ConfigError: where the lengths cannot be read.
        """
        values = {name: getattr(self, name) for name in _DATA_FIELDS if name in self.typed}
        if self.lengths is not None:
            values["lengths"] = parse_ints("lengths", self.lengths)
        return values

    def resolve(self, module: ModuleRequest) -> DataConfig:
        """The input these options ask for; a ``dtype=`` in pasted code counts unless ``--dtype`` was typed.

        Raises:
            ConfigError: where the sizes contradict each other or PyTorch would refuse them.
        """
        return request_data(module, self.stated())


_DATA_FIELDS = tuple(member.name for member in fields(DataOptions) if member.init)


@dataclass(eq=False, repr=False)
class FileOptions(OptionGroup):
    """Files to read weights, input and states from."""

    weights: Annotated[
        Path | None, typer.Option("--weights", metavar=FILE, help="Read module and weights from this checkpoint.")
    ] = None
    name: Annotated[
        str | None,
        typer.Option("--name", metavar="NAME", help="Name of the RNN in the checkpoint to use; * and ? match any."),
    ] = None
    input: Annotated[
        str | None,
        typer.Option(
            "--input", metavar=FILE, help="Read the input from x.npy, x.pt or x.safetensors; FILE:NAME for one of several."
        ),
    ] = None
    h0: Annotated[str | None, typer.Option("--h0", metavar=FILE, help="Read h_0 from FILE or FILE:NAME.")] = None
    c0: Annotated[str | None, typer.Option("--c0", metavar=FILE, help="Read c_0 from FILE or FILE:NAME.")] = None

    def resolve(
        self,
        module: ModuleOptions,
        data: DataOptions,
        out: "ViewOptions",
        save: "SaveOptions | None" = None,
        *,
        steps: bool = False,
    ) -> "Request":
        """Module, input and user tensors that all options together ask for. The files to be written are checked first.

        Args:
            module: options of the module.
            data: options of the input.
            out: options of the answer.
            save: where the results go.
            steps: whether a cell reads a sequence, one step after the other.

        Raises:
            RnndimsError: where they contradict each other, a file cannot be read or does not fit, or one cannot be written.
        """
        from ..file_request import Files, request_files

        target = None if save is None else save.save
        files = Files(self.weights, self.name, self.input, self.h0, self.c0, target, out.force)
        out.check_export(*files.named(), *(() if target is None else (target,)))
        module_needed = self.weights is None or module.code is not None or bool(module.define)
        request = request_files(
            files,
            module.resolve() if module_needed else None,
            None if self.weights is None else module.overrides(),
            data.stated(),
            steps=steps,
            name=option_name,
        )
        out.check_export(*request.files_read)
        return request


@dataclass(eq=False, repr=False)
class SaveOptions(OptionGroup):
    """Where to save the results."""

    save: Annotated[str | None, typer.Option("--save", metavar=FILE, help="Save the results to this .safetensors file.")] = None


@dataclass(eq=False, repr=False)
class TorchOptions(OptionGroup):
    """Where a module is run, and with which numbers."""

    device: Annotated[
        str,
        typer.Option(
            "--device",
            metavar="DEVICE",
            help="Where to run: cpu, cuda, cuda:1, mps, auto, or meta (shapes of any size, no numbers).",
        ),
    ] = "cpu"
    seed: Annotated[int, typer.Option("--seed", metavar="INT", help="Seed of the weights and the input.")] = 0
    values: Annotated[bool, typer.Option("--values", help="Print the numbers too.")] = False

    def resolve_device(self, module: ModuleRequest) -> str:
        """The device's name; a ``device=`` in pasted code counts unless ``--device`` was typed."""
        return module.device if module.device is not None and "device" not in self.typed else self.device


@dataclass(eq=False, repr=False)
class OutputOptions(OptionGroup):
    """How the answer is written."""

    json: Annotated[bool, typer.Option("--json", help="Print one JSON document.")] = False


@dataclass(eq=False, repr=False)
class ViewOptions(OutputOptions):
    """How the answer is written: to the terminal, to a file too, or as a script."""

    export: Annotated[
        str | None,
        typer.Option("--export", metavar=FILE, help="Also write the answer to FILE, which ends in .svg, .html or .txt."),
    ] = None
    force: Force = False
    script: Annotated[bool, typer.Option("--code", help="Print a plain PyTorch script instead of the answer.")] = False
    target: "OutputFile | None" = field(default=None, init=False)
    """The file of ``--export``, once it is checked."""

    def __post_init__(self) -> None:
        formats = [name for name, value in (("--json", self.json), ("--export", self.export), ("--code", self.script)) if value]
        if len(formats) > 1:
            raise RnndimsError(f"{' and '.join(formats)} cannot be combined", fix="Use one of them.")

    def check_export(self, *inputs: "InputFile") -> None:
        """Check that the file of ``--export`` can be written, before any work is done for it.

        Args:
            inputs: files that the command reads, which are never replaced; more of them can follow by another call.

        Raises:
            FileError: if it cannot be written, or is one of ``inputs``.
        """
        if self.export is None:
            return
        if self.target is None:
            from ..output_file import OutputFile
            from ..render.export import SUFFIXES

            self.target = OutputFile(self.export, suffixes=SUFFIXES, overwrite=self.force, inputs=inputs)
        else:
            self.target.refuse_inputs(inputs)


def parse_ints(name: str, text: str) -> tuple[int, ...]:
    """``"3,1"`` -> ``(3, 1)``: the value of ``--lengths`` and its like.

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
        typed = frozenset(name for name in values if _was_typed(ctx, name))
        for name, (group, members) in groups.items():
            values[name] = group(**{member: values.pop(member) for member in members})
            values[name].typed = typed
        return function(**values)

    command.__name__ = function.__name__
    command.__doc__ = function.__doc__
    command.__signature__ = inspect.Signature(parameters)  # type: ignore[attr-defined]
    command.__annotations__ = {parameter.name: parameter.annotation for parameter in parameters}
    return command


def _was_typed(ctx: typer.Context, name: str) -> bool:
    source = ctx.get_parameter_source(name)
    return source is not None and source.name != "DEFAULT"
