"""``rnndims run``: the module really built and run, beside the formula."""

import typer

from ..errors import ExitCode
from ..measurements import Run
from ..results import compute_dims
from . import output
from .coerce import Command
from .options import DataOptions, ModuleOptions, OutputOptions, TorchOptions, with_options

app = typer.Typer(add_completion=False, rich_markup_mode=None)


@app.command(cls=Command)
@with_options
def run(module: ModuleOptions, data: DataOptions, torch: TorchOptions, out: OutputOptions) -> ExitCode:
    """Build the module, run it once, and show what goes in and what comes out: by formula and measured."""
    chosen = module.resolve()
    fed = data.resolve(chosen)
    dims = compute_dims(chosen.config, fed)
    from .. import torch_runner

    torch_runner.load_torch(quick=True)
    measured = torch_runner.run(chosen.config, fed, device=torch.resolve_device(chosen), seed=torch.seed, values=torch.values)
    output.warn(measured.warnings)
    result = Run(dims, measured)
    code = ExitCode.DOES_NOT_FIT if measured.disagreements(dims) else ExitCode.OK
    if out.json:
        from ..render.json import run_document

        return output.document(run_document(result, (*chosen.notes, *measured.warnings)), code)
    from ..render.dims import run_view

    return output.view(run_view(result, chosen.notes), code)
