"""``rnndims weights``: the parameters of a module, or of the modules in a checkpoint file."""

import os
from typing import TYPE_CHECKING, Annotated

import typer

from ..errors import ConfigError, ConstructorError, ExitCode, Field, Template, escape
from ..measurements import Run
from ..results import compute_dims
from . import output
from .coerce import Command
from .options import DataOptions, ModuleOptions, TorchOptions, ViewOptions, with_options

if TYPE_CHECKING:
    from ..checkpoint import Checkpoint

app = typer.Typer(add_completion=False, rich_markup_mode=None)


@app.command(cls=Command)
@with_options
def weights(
    module: ModuleOptions,
    data: DataOptions,
    torch: TorchOptions,
    out: ViewOptions,
    name: Annotated[
        str | None,
        typer.Option("--name", metavar="NAME", help="Name of the RNN in the checkpoint to show; * and ? match any."),
    ] = None,
) -> ExitCode:
    """Build the module and list its weights: why each has its size, and how it is applied.

    CONSTRUCTOR may also be a checkpoint FILE (.safetensors, .pt, .pth, .ckpt, .bin, an index of shards, a directory).
    Then every RNN in the file is shown, with the constructor that its weights imply. Nothing in the file is executed.
    """
    out.check_export(*(() if module.code is None else (module.code,)))
    if module.code is not None and is_file(module.code):
        return _show_file(module.code, name, module.typed, out)
    if name is not None:
        raise ConfigError("name", name, "there is no checkpoint to choose from", fix="Write a checkpoint FILE as the argument.")
    try:
        request = module.resolve()
    except ConstructorError as error:
        if module.code is not None and "(" not in module.code and "\n" not in module.code:
            error.message += ", and there is no such file"
        raise
    inputs = data.resolve(request)
    device = torch.resolve_device(request)
    if out.script:
        from ..script import script

        return output.script(script(request.config, inputs, "weights", device=device, seed=torch.seed))
    dims = compute_dims(request.config, inputs)
    from .. import torch_runner

    torch_runner.load_torch(quick=True)
    measured = torch_runner.run(dims, device=device, seed=torch.seed, values=torch.values)
    output.warn(measured.warnings)
    result = Run(dims, measured)
    code = ExitCode.DOES_NOT_FIT if measured.disagreements(dims) else ExitCode.OK
    if out.json:
        from ..render.documents import weights_document

        return output.document(weights_document(result, (*request.notes, *measured.warnings)), code)
    from ..render.weights_view import weights_view

    return output.view(weights_view(result, request.notes), code, export=out.target)


def is_file(argument: str) -> bool:
    """Whether the argument of ``weights`` is a file or directory rather than a constructor.

    What exists is a file. What does not exist is one if it looks like a path, so the error for a misspelt name says so.
    """
    try:
        if os.path.lexists(argument):
            return True
    except ValueError:  # a null character in it
        return False
    from ..file_types import CHECKPOINTS, INDEX

    looks = (os.sep in argument or "/" in argument) and "(" not in argument and "\n" not in argument
    return looks or argument.endswith((INDEX, *CHECKPOINTS))


def _show_file(file: str, name: str | None, typed: frozenset[str], out: ViewOptions) -> ExitCode:
    """Write the content of the checkpoint ``file``; exit code 1 if weights in it contradict each other.

    Raises:
        ConfigError: if an option beside the file describes a module.
        FileError: if the file cannot be read.
        RnndimsError: if nothing in it is called ``name``.
    """
    for option in sorted(typed - {"code", "json", "export", "script", "force", "name"}):
        fix = Template("Remove {}, or remove FILE.", Field(option))
        raise ConfigError(option, True, "the checkpoint FILE already says what its modules are", fix=fix)
    from ..checkpoint import read_both, select

    content, checkpoint = read_both(file)
    out.check_export(*content.files)
    if name is not None:
        checkpoint = select(checkpoint, name)
    code = ExitCode.DOES_NOT_FIT if checkpoint.contradictions else ExitCode.OK
    if out.script:
        return output.script(_script(checkpoint, file))
    if out.json:
        from ..render.documents import checkpoint_document

        return output.document(checkpoint_document(checkpoint, file), code)
    from ..render.checkpoint_view import checkpoint_view

    return output.view(checkpoint_view(checkpoint, file), code, export=out.target)


def _script(checkpoint: "Checkpoint", file: str) -> str:
    """A script that builds the one RNN of a checkpoint, new, as its weights say, and prints its parameters.

    Raises:
        ConfigError: if there is no RNN, or more than one.
    """
    from ..checkpoint import label
    from ..config import DataConfig
    from ..dtypes import ITEMSIZES
    from ..script import script

    modules = checkpoint.modules
    if len(modules) != 1:
        shown = ", ".join(label(module.name) for module in modules[:8]) + (", ..." if len(modules) > 8 else "")
        fix = Template("Choose one with {name}: {}.", shown) if modules else Template("Remove {script}.")
        count = (
            f"there are {len(modules)} RNNs in this file, and a script builds one"
            if modules
            else "there is no RNN in this file"
        )
        raise ConfigError("script", True, count, fix=fix)
    (module,) = modules
    dtype = module.dtype if module.dtype in ITEMSIZES else "float32"
    lines = script(module.config, DataConfig(dtype=dtype), "weights")
    name = label(module.name) if module.name else "the module"
    return f"# A new module of the size of {escape(name)} in {escape(file)}. The numbers are not loaded.\n{lines}"
