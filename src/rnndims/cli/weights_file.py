"""``rnndims weights FILE``: the RNNs in a checkpoint; ``weights`` hands over to it where its argument is a file."""

import os
from typing import TYPE_CHECKING

from ..errors import ExitCode, RnndimsError
from . import output

if TYPE_CHECKING:
    from .options import ModuleOptions


def is_file(argument: str | None) -> bool:
    """Whether the argument of ``weights`` is a file or directory rather than a constructor.

    What exists is a file. What does not exist is one if it looks so: then the message is about a misspelt file name.
    """
    if argument is None:
        return False
    try:
        if os.path.lexists(argument):
            return True
    except ValueError:
        return False
    from ..file_types import CHECKPOINTS, INDEX

    looks = (os.sep in argument or "/" in argument) and "(" not in argument and "\n" not in argument
    return looks or argument.endswith((INDEX, *CHECKPOINTS))


def show(file: str, name: str | None, *, json: bool, export: str | None = None) -> ExitCode:
    """Write what is in the checkpoint ``file``; exit code 1 if weights in it contradict each other.

    Raises:
        RnndimsError: if the file cannot be read, or nothing in it is called ``name``.
    """
    from ..checkpoint import read_checkpoint, select

    checkpoint = read_checkpoint(file)
    if name is not None:
        checkpoint = select(checkpoint, name)
    code = ExitCode.DOES_NOT_FIT if checkpoint.contradictions else ExitCode.OK
    if json:
        from ..render.checkpoint_json import checkpoint_document

        return output.document(checkpoint_document(checkpoint, file), code)
    from ..render.checkpoint_view import checkpoint_view

    return output.view(checkpoint_view(checkpoint, file), code, export=export)


def refuse_options(module: "ModuleOptions") -> None:
    """Refuse options of the module beside a file.

    Raises:
        RnndimsError: if there are any.
    """
    from .options import option_name

    foreign = sorted(module.given - {"code", "json", "export", "name"})
    if foreign:
        raise RnndimsError(
            f"{option_name(foreign[0])} does not go with FILE: the file says what its modules are",
            fix=f"Remove {option_name(foreign[0])} or FILE.",
        )
