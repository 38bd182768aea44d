"""``rnndims check``: do these shapes fit this module, and what does this error message mean."""

from dataclasses import dataclass
from typing import Annotated, Literal

import typer

from ..diagnose import Call, Diagnosis, check_shapes, diagnose_error, parse_dtype, parse_shape
from ..errors import ExitCode, RnndimsError
from ..model_request import request_model
from ..request import ModuleRequest, request_module
from ..shapes import Shape
from . import output
from .coerce import Command
from .options import ModuleOptions, OptionGroup, ViewOptions, option_name, parse_ints, with_options
from .standard_input import standard_input

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
    name: Annotated[
        str | None,
        typer.Option("--name", metavar="NAME", help="Which RNN of a pasted class with several: encoder, Net.encoder."),
    ] = None
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
    request = request_model(module.code, module.overrides(), module.definitions(), rnn=call.name, name=option_name)
    built = request.module
    stated, notes = request.place(call.resolve(built))
    notes = built.notes + notes
    if out.script:
        from ..script import check_script

        return output.script(check_script(built.config, stated, request.model))
    if call.error is not None:
        named = module.code is not None or bool(module.overrides())
        text = _read_input() if call.error == "-" else call.error
        diagnosis = diagnose_error(text, built.config if named else None, stated)
    elif stated.is_empty and not request.has_own_problem:
        raise RnndimsError(
            "there is nothing to check: add the shapes of the call, or --error",
            fix="Example: rnndims check 'nn.RNN(10, 20, 2)' --input 5,3,10 --h0 2,3,20",
        )
    else:
        diagnosis = check_shapes(built.config, stated)
    return _answer(request.complete(diagnosis), notes, out)


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
