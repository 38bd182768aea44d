"""``rnndims cell``: one cell, step after step."""

import typer

from ..errors import ExitCode
from . import output
from .coerce import Command
from .given import GivenOptions, choose
from .options import DataOptions, ModuleOptions, TorchOptions, ViewOptions, with_options

app = typer.Typer(add_completion=False, rich_markup_mode=None)


@app.command(cls=Command)
@with_options
def cell(module: ModuleOptions, data: DataOptions, files: GivenOptions, torch: TorchOptions, out: ViewOptions) -> ExitCode:
    """Call an RNNCell, LSTMCell or GRUCell step after step: its equations, its states, and that the layer does the same."""
    taken = choose(module, data, files, steps=True)
    chosen, fed = taken.module, taken.data
    from .. import torch_runner

    config = torch_runner.as_cell(chosen.config, fed)
    if out.script:
        taken.refuse_files("--code")
        from ..script import script

        return output.script(script(config, fed, "cell", device=torch.resolve_device(chosen), seed=torch.seed))
    torch_runner.load_torch(quick=True)
    found = torch_runner.step_through(
        config, fed, device=torch.resolve_device(chosen), seed=torch.seed, values=torch.values, given=taken.given
    )
    output.warn(found.warnings)
    code = ExitCode.DOES_NOT_FIT if found.disagrees() else ExitCode.OK
    if out.json:
        from ..render.cell_document import cell_document

        return output.document(cell_document(found, (*chosen.notes, *found.warnings)) | taken.source_document(), code)
    from ..render.cell_view import cell_view

    return output.view(cell_view(found, chosen.notes), code, export=out.export)
