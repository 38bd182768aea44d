"""``rnndims dims``: every shape at once, by arithmetic."""

from typing import Annotated

import typer

from .. import explain
from ..errors import ExitCode, RnndimsError
from ..results import compute_dims
from . import output
from .coerce import Command
from .options import FILE, DataOptions, ModuleOptions, ViewOptions, option_name, with_options

app = typer.Typer(add_completion=False, rich_markup_mode=None)


@app.command(cls=Command)
@with_options
def dims(
    module: ModuleOptions,
    data: DataOptions,
    out: ViewOptions,
    from_jsonl: Annotated[
        str | None,
        typer.Option("--from-jsonl", metavar=FILE, help="Answer each line, a JSON object of config and data keys; - is stdin."),
    ] = None,
) -> ExitCode:
    """Every shape, state row, weight and cost of a module, by arithmetic alone: no torch, any size."""
    if from_jsonl is not None:
        for name in sorted(module.given - {"from_jsonl", "json"}):
            raise RnndimsError(
                f"{option_name(name)}: with --from-jsonl everything is said in the lines",
                fix=f"Write {'module' if name == 'code' else name} into them.",
            )
        from .from_jsonl import answer_file

        return answer_file(from_jsonl)
    chosen = module.resolve()
    fed = data.resolve(chosen)
    if out.script:
        from ..script import script

        return output.script(script(chosen.config, fed))
    found = compute_dims(chosen.config, fed)
    notes = (*chosen.notes, *explain.notes(chosen.config))
    if out.json:
        from ..render.json import dims_document

        return output.document(dims_document(found, notes=notes))
    from ..render.dims import dims_view

    return output.view(dims_view(found, notes=notes), export=out.export)
