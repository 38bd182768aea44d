"""``rnndims cell``: one cell, step after step."""

import typer

from ..errors import ConfigError, ExitCode
from . import output
from .coerce import Command
from .options import DataOptions, FileOptions, ModuleOptions, TorchOptions, ViewOptions, with_options

app = typer.Typer(add_completion=False, rich_markup_mode=None)


@app.command(cls=Command)
@with_options
def cell(module: ModuleOptions, data: DataOptions, files: FileOptions, torch: TorchOptions, out: ViewOptions) -> ExitCode:
    """Call a cell step after step: show its equations and states, and compare with the layer of the same weights."""
    request = files.resolve(module, data, out, steps=True)
    device = torch.resolve_device(request.module)
    from .. import torch_runner

    config = torch_runner.as_cell(request.config, request.data, stated=None if module.code is None else module.typed)
    notes = request.notes
    if request.config.batch_first and not config.batch_first:
        if request.user_tensors is not None and "input" in request.user_tensors.inputs:
            fix = "Write the input as (L, N, H_in), and leave batch_first out."
            raise ConfigError(
                "batch_first", True, "the loop reads the input step by step, so its steps must come first", fix=fix
            )
        notes = (*notes, "batch_first is left out: a cell reads one step of all sequences at once")
    if out.script:
        request.refuse_files("script", "the script cannot read your files")
        from ..script import script

        return output.script(script(config, request.data, "cell", device=device, seed=torch.seed))
    torch_runner.load_torch(quick=True)
    result = torch_runner.step_through(
        config, request.data, device=device, seed=torch.seed, values=torch.values, user_tensors=request.user_tensors
    )
    output.warn(result.warnings)
    code = ExitCode.DOES_NOT_FIT if result.disagrees() else ExitCode.OK
    if out.json:
        from ..render.documents import cell_document, with_files

        return output.document(with_files(cell_document(result, (*notes, *result.warnings)), request), code)
    from ..render.cell_view import cell_view

    return output.view(cell_view(result, notes), code, export=out.target)
