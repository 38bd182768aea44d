"""``rnndims dims``: every shape at once, by arithmetic."""

import typer

from ..errors import ExitCode
from ..results import compute_dims
from . import output
from .coerce import Command
from .options import DataOptions, ModuleOptions, OutputOptions, with_options

app = typer.Typer(add_completion=False, rich_markup_mode=None)


@app.command(cls=Command)
@with_options
def dims(module: ModuleOptions, data: DataOptions, out: OutputOptions) -> ExitCode:
    """Every shape, state row, weight and cost of a module, by arithmetic alone: no torch, any size."""
    chosen = module.resolve()
    found = compute_dims(chosen.config, data.resolve(chosen))
    if out.json:
        from ..render.json import dims_document

        return output.document(dims_document(found, notes=chosen.notes))
    from ..render.dims import dims_view

    return output.view(dims_view(found, notes=chosen.notes))
