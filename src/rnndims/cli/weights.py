"""``rnndims weights``: the parameters of the module that was built, or of the modules in a checkpoint file."""

from typing import Annotated

import typer

from ..errors import ConstructorError, ExitCode, RnndimsError
from ..measurements import Run
from ..results import compute_dims
from . import output, weights_file
from .coerce import Command
from .options import DataOptions, ModuleOptions, TorchOptions, ViewOptions, with_options

app = typer.Typer(add_completion=False, rich_markup_mode=None)


@app.command(cls=Command)
@with_options
def weights(
    module: ModuleOptions,
    data: DataOptions,
    torch: TorchOptions,
    out: ViewOptions,
    name: Annotated[
        str | None, typer.Option("--name", metavar="NAME", help="Of a checkpoint, the module of this name; *, ? match any.")
    ] = None,
) -> ExitCode:
    """Which weights exist, why they have that size, and how each is applied; read off the module that was built.

    CONSTRUCTOR may also be a checkpoint FILE (.safetensors, .pt, .pth, .ckpt, .bin, an index of shards, a directory):
    every RNN in it is shown, with the constructor its weights imply. Nothing in the file is executed.
    """
    if module.code is not None and weights_file.is_file(module.code):
        weights_file.refuse_options(module)
        return weights_file.show(module.code, name, json=out.json, export=out.export)
    if name is not None:
        raise RnndimsError("--name: is the name of a module in a checkpoint, and there is no FILE")
    try:
        chosen = module.resolve()
    except ConstructorError as error:
        if module.code is not None and "(" not in module.code and "\n" not in module.code:
            error.message += ", and there is no such file"
        raise
    fed = data.resolve(chosen)
    if out.script:
        from ..script import script

        return output.script(script(chosen.config, fed, "weights", device=torch.resolve_device(chosen), seed=torch.seed))
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

    return output.view(weights_view(result, chosen.notes), code, export=out.export)
