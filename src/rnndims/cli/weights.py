"""``rnndims weights``: the parameters of the module that was built."""

import typer

from ..errors import ExitCode
from ..results import Run, compute_dims
from . import output
from .coerce import Command
from .options import DataOptions, ModuleOptions, OutputOptions, TorchOptions, with_options

app = typer.Typer(add_completion=False, rich_markup_mode=None)


@app.command(cls=Command)
@with_options
def weights(module: ModuleOptions, data: DataOptions, torch: TorchOptions, out: OutputOptions) -> ExitCode:
    """Which weights exist, why they have that size, and how each is applied; read off the module that was built."""
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
        from ..render.json import weights_document

        return output.document(weights_document(result, (*chosen.notes, *measured.warnings)), code)
    from ..render.weights import weights_view

    return output.view(weights_view(result, chosen.notes), code)
