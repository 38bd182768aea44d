"""``rnndims check``: do these shapes fit this module, and what does this error message mean."""

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Annotated, Final, Literal

import typer

from ..config import RNNConfig
from ..diagnose import (
    Call,
    Diagnosis,
    check_shapes,
    diagnose_error,
    embedding_problem,
    parse_dtype,
    parse_shape,
    sequential_problem,
)
from ..errors import ConfigError, ExitCode, RnndimsError
from ..phrases import shape_text
from ..request import ModuleRequest, request_module
from ..shapes import Shape
from . import output
from .coerce import Command
from .options import ModuleOptions, OptionGroup, ViewOptions, parse_ints, with_options
from .standard_input import standard_input

if TYPE_CHECKING:
    from ..pasted.model_code import ModelCode

app = typer.Typer(add_completion=False, rich_markup_mode=None)

MOST_BYTES = 4_000_000
"""Bytes of standard input that are kept: the last ones."""


@dataclass(eq=False, repr=False)
class CallOptions(OptionGroup):
    """What the module is called with, what is expected to come out, and what PyTorch said."""

    input: Annotated[
        str | None,
        typer.Option("--input", metavar="SHAPE", help="Shape of the input: 5,3,10, '(5, 3, 10)', 'torch.Size([5, 3, 10])'."),
    ] = None
    h0: Annotated[str | None, typer.Option("--h0", metavar="SHAPE", help="Shape of the initial hidden state.")] = None
    c0: Annotated[
        str | None,
        typer.Option(
            "--c0", metavar="SHAPE", help="Shape of the initial cell state. Without it, --h0 is passed as one tensor."
        ),
    ] = None
    lengths: Annotated[
        str | None, typer.Option("--lengths", metavar="5,3,...", help="Lengths that the input is packed with.")
    ] = None
    input_dtype: Annotated[
        str | None,
        typer.Option(
            "--input-dtype", metavar="DTYPE", help="dtype of the input; the weights are float32, or what the code says."
        ),
    ] = None
    output: Annotated[str | None, typer.Option("--output", metavar="SHAPE", help="Shape that you expect of output.")] = None
    h_n: Annotated[str | None, typer.Option("--h-n", metavar="SHAPE", help="Shape that you expect of h_n.")] = None
    c_n: Annotated[str | None, typer.Option("--c-n", metavar="SHAPE", help="Shape that you expect of c_n.")] = None
    linear: Annotated[
        int | None, typer.Option("--linear", metavar="INT", help="in_features of the nn.Linear that follows.")
    ] = None
    uses: Annotated[
        list[str] | None,
        typer.Option(
            "--uses", metavar="CODE", help="How you use a result: 'output[:, -1]', 'h_n.view(3, -1)'; may be repeated."
        ),
    ] = None
    target: Annotated[
        str | None, typer.Option("--target", metavar="SHAPE", help="Shape of the target that the loss compares with.")
    ] = None
    loss: Annotated[
        Literal["ce", "mse", "ctc"] | None,
        typer.Option("--loss", case_sensitive=False, help="The loss: cross entropy, mean squared error or CTC."),
    ] = None
    decoder: Annotated[
        str | None,
        typer.Option(
            "--decoder", metavar="CONSTRUCTOR", help="The module that begins with the states of this one: 'nn.GRU(64, 128)'."
        ),
    ] = None
    attention: Annotated[
        bool, typer.Option("--attention", help="Dot attention: output times the last state, of --decoder if there is one.")
    ] = False
    error: Annotated[
        str | None,
        typer.Option("--error", metavar="TEXT", help="An error message or traceback to explain; - reads standard input."),
    ] = None

    def resolve(self, module: ModuleRequest) -> Call:
        """The call that these options state; a ``dtype=`` in pasted code is that of the weights.

        Raises:
            ConfigError: if an option cannot be read.
            RnndimsError: if ``--linear`` is less than 1.
        """
        if self.linear is not None and self.linear < 1:
            raise RnndimsError(f"--linear {self.linear}: in_features must be 1 or more")
        return Call(
            input=self._shape("input"),
            h_0=self._shape("h0"),
            c_0=self._shape("c0"),
            lengths=None if self.lengths is None else parse_ints("lengths", self.lengths),
            input_dtype=None if self.input_dtype is None else parse_dtype("input_dtype", self.input_dtype),
            weight_dtype=module.dtype or "float32",
            output=self._shape("output"),
            h_n=self._shape("h_n"),
            c_n=self._shape("c_n"),
            linear=self.linear,
            uses=tuple(self.uses or ()),
            target=self._shape("target"),
            loss=self.loss,
            decoder=None if self.decoder is None else request_module(self.decoder).config,
            attention=self.attention,
        )

    def _shape(self, name: str) -> Shape | None:
        text = getattr(self, name)
        return None if text is None else parse_shape(name, text)


@app.command(cls=Command)
@with_options
def check(module: ModuleOptions, call: CallOptions, out: ViewOptions) -> ExitCode:
    """Say why a shape does not fit, or what an error message means.

    Write the shapes of the call, or PyTorch's message with --error, or both. The exit code is 0 if nothing is wrong, else 1.
    """
    out.check_export(*((0,) if call.error == "-" else ()))
    model = _read_model(module)
    built = module.resolve()
    stated = call.resolve(built)
    notes = built.notes
    if model is not None:
        stated, more = _with_model(model, built.config, stated)
        notes += more
    if out.script:
        from ..script import check_script

        return output.script(check_script(built.config, stated))
    if call.error is not None:
        named = module.code is not None or bool(module.overrides())
        text = _read_input() if call.error == "-" else call.error
        diagnosis = diagnose_error(text, built.config if named else None, stated)
    elif stated.is_empty and (model is None or (model.after is None and not _embeds_wrongly(model, built.config))):
        raise RnndimsError(
            "there is nothing to check: add the shapes of the call, or --error",
            fix="Example: rnndims check 'nn.RNN(10, 20, 2)' --input 5,3,10 --h0 2,3,20",
        )
    else:
        diagnosis = check_shapes(built.config, stated)
    if model is not None and model.after is not None and diagnosis.error is None:
        diagnosis = replace(
            diagnosis, problems=(sequential_problem(model.after, model.repaired), *diagnosis.problems), results={}
        )
    if model is not None and model.embedding_dim is not None and _embeds_wrongly(model, built.config) and not diagnosis.error:
        found = embedding_problem(built.config, model.embedding_dim)
        others = [each for each in diagnosis.problems if (each.tensor, each.cause) != (found.tensor, found.cause)]
        diagnosis = replace(diagnosis, problems=(found, *others), results={}, uses={})
    return _answer(diagnosis, notes, out)


def _read_model(module: ModuleOptions) -> "ModelCode | None":
    """A pasted class or ``nn.Sequential``; ``module`` is then asked for its RNN alone.

    Raises:
        ConstructorError: if the model cannot be read.
    """
    if module.code is None:
        return None
    from ..pasted.model_code import is_model, read_model

    if not is_model(module.code):
        return None
    from ..constructor import parse_constructor

    stated = module.definitions()
    for name in stated:
        if name not in module.code:
            raise ConfigError("define", name, "the pasted code has no such name")
    model = read_model(module.code, stated)
    used = parse_constructor(model.constructor, model.names).names_used
    values = {name: value for name, value in model.names.items() if name in used}
    module.code, module.define = model.constructor, [f"{name}={value}" for name, value in values.items()]
    return model


def _embeds_wrongly(model: "ModelCode", config: RNNConfig) -> bool:
    """Whether an embedding makes vectors that the RNN does not take."""
    return model.embedding_dim is not None and model.embedding_dim != config.input_size


def _with_model(model: "ModelCode", config: RNNConfig, call: Call) -> tuple[Call, tuple[str, ...]]:
    """The call with what the model does before and after the RNN, where nothing else is stated, and the notes on that."""
    notes: tuple[str, ...] = ()
    tokens, width = call.input, model.embedding_dim
    if tokens is not None and width is not None and not config.is_cell and len(tokens) in (1, 2):
        of_ints = call.input_dtype is not None and "int" in call.input_dtype
        if of_ints or len(tokens) == 1 or tokens[-1] not in (width, config.input_size):
            notes += (
                f"The input {shape_text(tokens)} is what nn.Embedding reads; the RNN gets {shape_text((*tokens, width))}.",
            )
            call = replace(call, input=(*tokens, width), input_dtype=None if of_ints else call.input_dtype)
    if call.input and width is not None and _embeds_wrongly(model, config):
        call = replace(call, input=(*call.input[:-1], width))
    if call.linear is not None or call.uses:
        return call, notes
    if call.loss is not None and not model.ends_there:
        notes += (_UNKNOWN_SCORES,)
        call = replace(call, loss=None, target=None)
    if model.linear is None:
        return call, notes
    if model.use is not None and not model.use:
        return call, (*notes, _UNCERTAIN)
    uses = () if model.use is None else (model.use,)
    linear = model.linear
    return replace(call, uses=uses, linear=linear.in_features, linear_out=linear.out_features), notes


_UNCERTAIN: Final = "What forward does with the results is not certain from the code: state it with --uses and --linear."
_UNKNOWN_SCORES: Final = (
    "The loss is not checked: the code does not show what it gets. State the last result with --uses, or paste the RNN alone."
)


def _answer(diagnosis: Diagnosis, notes: tuple[str, ...], out: ViewOptions) -> ExitCode:
    code = ExitCode.OK if diagnosis.ok else ExitCode.DOES_NOT_FIT
    if out.json:
        from ..render.documents import check_document

        return output.document(check_document(diagnosis, notes), code)
    from ..render.check_view import check_view

    return output.view(check_view(diagnosis, notes), code, export=out.target)


def _read_input() -> str:
    """The end of standard input, whatever its encoding is.

    Raises:
        RnndimsError: if it cannot be read.
    """
    stream = standard_input("--error", "python train.py 2>&1 | rnndims check --error -")
    start, kept = b"", b""
    while chunk := stream.read(1 << 20):
        start = start or chunk[:2]
        kept = (kept + chunk)[-MOST_BYTES:]
    wide = {b"\xff\xfe": "utf-16-le", b"\xfe\xff": "utf-16-be"}.get(start)  # what PowerShell writes into files
    return kept.decode(wide or "utf-8", errors="replace")
