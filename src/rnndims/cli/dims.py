"""``rnndims dims``: every shape at once, by arithmetic."""

from typing import Annotated

import typer

from .. import reasons
from ..errors import ConfigError, ExitCode, Field, Template
from ..results import compute_dims
from . import output
from .coerce import Command
from .options import FILE, DataOptions, ModuleOptions, ViewOptions, with_options

app = typer.Typer(add_completion=False, rich_markup_mode=None)


@app.command(cls=Command)
@with_options
def dims(
    module: ModuleOptions,
    data: DataOptions,
    out: ViewOptions,
    from_jsonl: Annotated[
        str | None,
        typer.Option(
            "--from-jsonl",
            metavar=FILE,
            help="Answer each line of FILE, a JSON object with the keys of config and data; - is standard input.",
        ),
    ] = None,
) -> ExitCode:
    """Show every shape, state row, weight and cost of a module by arithmetic alone: without torch, for any size."""
    if from_jsonl is not None:
        for name in sorted(module.typed - {"from_jsonl", "json"}):
            key = "module" if name == "code" else name
            to_answer = name in ("script", "export", "force")
            raise ConfigError(
                name,
                True,
                Template("cannot be combined with {from_jsonl}: each line of the file describes its own module and input"),
                fix=Template("Remove {}.", Field(name)) if to_answer else f'Write "{key}" into each line instead.',
            )
        from .from_jsonl import answer_file

        return answer_file(from_jsonl)
    out.check_export()
    request = module.resolve()
    inputs = data.resolve(request)
    if out.script:
        from ..script import script

        return output.script(script(request.config, inputs))
    result = compute_dims(request.config, inputs)
    notes = (*request.notes, *reasons.notes(request.config))
    if out.json:
        from ..render.documents import dims_document

        return output.document(dims_document(result, notes=notes))
    from ..render.dims_view import dims_view

    return output.view(dims_view(result, notes=notes), export=out.target)
