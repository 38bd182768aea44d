"""``rnndims diagram``: the module as a picture."""

import sys
from typing import Annotated, Literal

import typer

from ..diagrams import Diagram, View, build_diagram
from ..errors import ExitCode, RnndimsError
from . import output
from .coerce import Command
from .options import FILE, DataOptions, Force, ModuleOptions, OutputOptions, with_options

app = typer.Typer(add_completion=False, rich_markup_mode=None)


@app.command(cls=Command)
@with_options
def diagram(
    module: ModuleOptions,
    data: DataOptions,
    out: OutputOptions,
    cell_view: Annotated[
        bool, typer.Option("--cell-view", help="Draw the inside of one cell: gates, weights, states.")
    ] = False,
    matmul: Annotated[bool, typer.Option("--matmul", help="Draw one step as matrix products, to scale.")] = False,
    layer: Annotated[int, typer.Option("--layer", metavar="INT", help="Layer whose cell --cell-view and --matmul show.")] = 0,
    kind: Annotated[
        Literal["text", "ascii", "svg", "dot", "mermaid", "png"] | None,
        typer.Option(
            "--format",
            case_sensitive=False,
            show_default="text",
            help="Format of the picture; Mermaid arranges the nodes itself.",
        ),
    ] = None,
    file: Annotated[
        str | None,
        typer.Option(
            "--output",
            "-o",
            "--export",
            metavar=FILE,
            help="Write to FILE, or to standard output if FILE is -. The suffix names the format: .svg .png .dot .mmd .txt.",
        ),
    ] = None,
    force: Force = False,
    script: Annotated[bool, typer.Option("--code", help="Print a plain PyTorch script that runs the module instead.")] = False,
    max_steps: Annotated[
        int | None,
        typer.Option(
            "--max-steps",
            metavar="INT",
            show_default="6",
            help="Draw at most this many time steps; the middle ones are omitted.",
        ),
    ] = None,
    max_layers: Annotated[
        int | None,
        typer.Option(
            "--max-layers", metavar="INT", show_default="4", help="Draw at most this many layers; the middle ones are omitted."
        ),
    ] = None,
) -> ExitCode:
    """Draw the module: the network unrolled along time, the inside of one cell, or one step as matrix products."""
    if cell_view and matmul:
        raise RnndimsError("--cell-view and --matmul cannot be combined", fix="Use one of them.")
    if out.json and (kind is not None or file is not None):
        raise RnndimsError("--json cannot be combined with --format or --output", fix="Remove --json, or remove the others.")
    if script and (out.json or kind is not None or file is not None):
        fix = "Remove --code, or remove the others."
        raise RnndimsError("--code cannot be combined with --json, --format or --output", fix=fix)
    if file is not None and file != "-":
        from ..drawing import format_of
        from ..output_file import OutputFile

        kind = kind or format_of(file)
        target = OutputFile(file, overwrite=force)
    else:
        target = None
    request = module.resolve()
    inputs = data.resolve(request)
    if script:
        from ..script import script as run_script

        return output.script(run_script(request.config, inputs, device=request.device or "cpu"))
    view: View = "cell" if cell_view else "matmul" if matmul else "unrolled"
    picture = build_diagram(request.config, inputs, view, layer=layer, max_steps=max_steps, max_layers=max_layers)
    if out.json:
        from ..render.documents import diagram_document

        return output.document(diagram_document(picture, request.notes))
    from ..drawing import diagram_view, in_ascii, render_bytes, render_plain

    if target is not None:
        target.write(render_bytes(picture, kind or "text"))
        output.warn(request.notes)
        return ExitCode.OK
    if kind is None or kind in ("text", "ascii"):
        return output.view(diagram_view(picture, request.notes, ascii_only=kind == "ascii"))
    if kind == "png":
        _write_out(picture)
        output.warn(request.notes)
        return ExitCode.OK
    text = render_plain(picture, kind)
    sys.stdout.write(text if (sys.stdout.encoding or "").lower().startswith("utf") else in_ascii(text, kind))
    output.warn(request.notes)
    return ExitCode.OK


def _write_out(picture: Diagram) -> None:
    """Write a PNG to standard output, which must be a file or a pipe.

    Raises:
        RnndimsError: if it is a terminal, or takes text only.
    """
    from ..drawing import render_bytes

    binary = getattr(sys.stdout, "buffer", None)
    if binary is None or sys.stdout.isatty():
        raise RnndimsError("--format png: a terminal cannot show it", fix="Write it to a file: --output FILE.png")
    content = render_bytes(picture, "png")
    sys.stdout.flush()
    binary.write(content)
    binary.flush()
