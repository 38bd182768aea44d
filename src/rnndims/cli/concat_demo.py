"""``rnndims concat-demo``: how two directions become one output."""

import typer

from ..errors import ConfigError, ExitCode
from ..measurements import ConcatDemo
from . import output
from .coerce import Command
from .options import DataOptions, ModuleOptions, TorchOptions, ViewOptions, with_options

app = typer.Typer(add_completion=False, rich_markup_mode=None)


@app.command(cls=Command, name="concat-demo")
@with_options
def concat_demo(module: ModuleOptions, data: DataOptions, torch: TorchOptions, out: ViewOptions) -> ExitCode:
    """Join a forward and a reverse half to one output and take it apart again; with any option, those of that module."""
    from .. import torch_runner

    if out.script:
        return _script(module, data, torch)
    notes: tuple[str, ...] = ()
    if _is_example(module):
        torch_runner.load_torch(quick=True)
        found = torch_runner.concat_demo()
    else:
        found, notes = _of_module(module, data, torch)
    output.warn(found.warnings)
    code = ExitCode.DOES_NOT_FIT if found.disagrees() else ExitCode.OK
    if out.json:
        from ..render.concat_demo_json import concat_document

        return output.document(concat_document(found, (*notes, *found.warnings)), code)
    from ..render.concat_demo import concat_view

    return output.view(concat_view(found, notes), code, export=out.export)


def _is_example(module: ModuleOptions) -> bool:
    """Whether no option asks for a module, so that the fixed example is shown."""
    return module.given <= {"json", "values", "export", "script"}


def _script(module: ModuleOptions, data: DataOptions, torch: TorchOptions) -> ExitCode:
    from .. import torch_runner
    from ..script import concat_example, script

    if _is_example(module):
        return output.script(concat_example())
    chosen = module.resolve()
    config = torch_runner.as_bidirectional(chosen.config)
    device = torch.resolve_device(chosen)
    return output.script(script(config, data.resolve(chosen), "concat-demo", device=device, seed=torch.seed))


def _of_module(module: ModuleOptions, data: DataOptions, torch: TorchOptions) -> tuple[ConcatDemo, tuple[str, ...]]:
    from .. import torch_runner

    chosen = module.resolve()
    fed = data.resolve(chosen)
    notes = chosen.notes
    if not chosen.config.bidirectional:
        if "bidirectional" in module.given:
            raise ConfigError("bidirectional", False, "there are two directions to join", fix="Leave it out.")
        notes = (*notes, "made bidirectional: there are two directions to join")
    config = torch_runner.as_bidirectional(chosen.config)
    torch_runner.load_torch(quick=True)
    device = torch.resolve_device(chosen)
    return torch_runner.concat_module(config, fed, device=device, seed=torch.seed, values=torch.values), notes
