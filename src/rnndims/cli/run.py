"""``rnndims run``: the module really built and run, beside the formula."""

import typer

from ..errors import ExitCode
from ..measurements import Run
from ..results import compute_dims
from . import output
from .coerce import Command
from .given import GivenOptions, SaveOptions, choose
from .options import DataOptions, ModuleOptions, TorchOptions, ViewOptions, with_options

app = typer.Typer(add_completion=False, rich_markup_mode=None)


@app.command(cls=Command)
@with_options
def run(
    module: ModuleOptions, data: DataOptions, files: GivenOptions, save: SaveOptions, torch: TorchOptions, out: ViewOptions
) -> ExitCode:
    """Build the module, run it once, and show what goes in and what comes out: by formula and measured."""
    taken = choose(module, data, files, save)
    chosen, fed = taken.module, taken.data
    if out.script:
        taken.refuse_files("--code")
        from ..script import script

        return output.script(script(chosen.config, fed, device=torch.resolve_device(chosen), seed=torch.seed))
    dims = compute_dims(chosen.config, fed)
    from .. import torch_runner

    torch_runner.load_torch(quick=True)
    measured = torch_runner.run(
        chosen.config, fed, device=torch.resolve_device(chosen), seed=torch.seed, values=torch.values, given=taken.given
    )
    output.warn(measured.warnings)
    result = Run(dims, measured)
    code = ExitCode.DOES_NOT_FIT if measured.disagreements(dims) else ExitCode.OK
    if out.json:
        from ..render.json import run_document

        return output.document(run_document(result, (*chosen.notes, *measured.warnings)) | taken.source_document(), code)
    from ..render.dims import run_view

    return output.view(run_view(result, chosen.notes), code, export=out.export)
