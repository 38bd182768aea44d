"""``rnndims concat-demo``: how two directions become one output."""

import typer

from ..errors import ConfigError, ExitCode
from ..results import compute_dims
from . import output
from .coerce import Command
from .options import DataOptions, ModuleOptions, TorchOptions, ViewOptions, with_options

app = typer.Typer(add_completion=False, rich_markup_mode=None)


@app.command(cls=Command, name="concat-demo")
@with_options
def concat_demo(module: ModuleOptions, data: DataOptions, torch: TorchOptions, out: ViewOptions) -> ExitCode:
    """Join a forward and a reverse half to one output, and split it again.

    Without a module or any of its options, the halves are the numbers 0.1 to 4.8. With one, they are its two directions.
    """
    out.check_export()
    from .. import torch_runner

    notes: tuple[str, ...] = ()
    if module.typed <= {"json", "values", "export", "force", "script"}:  # no option describes a module: show the fixed example
        if out.script:
            from ..script import concat_example

            return output.script(concat_example())
        torch_runner.load_torch(quick=True)
        result = torch_runner.concat_demo()
    else:
        request = module.resolve()
        notes, device = request.notes, torch.resolve_device(request)
        config = torch_runner.as_bidirectional(request.config)
        inputs = data.resolve(request)
        if out.script:
            from ..script import script

            return output.script(script(config, inputs, "concat-demo", device=device, seed=torch.seed))
        if not request.config.bidirectional:
            if "bidirectional" in module.typed:
                raise ConfigError(
                    "bidirectional", False, "there must be two directions to join", fix="Remove --no-bidirectional."
                )
            notes = (*notes, "the module was made bidirectional: there must be two directions to join")
        torch_runner.load_torch(quick=True)
        result = torch_runner.concat_module(compute_dims(config, inputs), device=device, seed=torch.seed, values=torch.values)
    output.warn(result.warnings)
    code = ExitCode.DOES_NOT_FIT if result.disagrees() else ExitCode.OK
    if out.json:
        from ..render.documents import concat_document

        return output.document(concat_document(result, (*notes, *result.warnings)), code)
    from ..render.concat_demo_view import concat_view

    return output.view(concat_view(result, notes), code, export=out.target)
