"""``rnndims run``: build the module, run it, and compare with the formula."""

import typer

from ..errors import ExitCode
from ..measurements import Run
from ..results import compute_dims
from . import output
from .coerce import Command
from .options import DataOptions, FileOptions, ModuleOptions, SaveOptions, TorchOptions, ViewOptions, with_options

app = typer.Typer(add_completion=False, rich_markup_mode=None)


@app.command(cls=Command)
@with_options
def run(
    module: ModuleOptions, data: DataOptions, files: FileOptions, save: SaveOptions, torch: TorchOptions, out: ViewOptions
) -> ExitCode:
    """Build the module, run it once, and show all inputs and results: by formula and measured."""
    request = files.resolve(module, data, out, save)
    device = torch.resolve_device(request.module)
    if out.script:
        request.refuse_files("script", "the script cannot read your files")
        from ..script import script

        return output.script(script(request.config, request.data, device=device, seed=torch.seed))
    dims = compute_dims(request.config, request.data)
    from .. import torch_runner

    torch_runner.load_torch(quick=True)
    measured = torch_runner.run(dims, device=device, seed=torch.seed, values=torch.values, user_tensors=request.user_tensors)
    output.warn(measured.warnings)
    result = Run(dims, measured)
    code = ExitCode.DOES_NOT_FIT if measured.disagreements(dims) else ExitCode.OK
    if out.json:
        from ..render.documents import run_document, with_files

        return output.document(with_files(run_document(result, (*request.notes, *measured.warnings)), request), code)
    from ..render.dims_view import run_view

    return output.view(run_view(result, request.notes), code, export=out.target)
