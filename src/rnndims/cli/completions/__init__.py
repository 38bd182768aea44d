"""Static completion scripts: ``model`` reads the commands, and each shell's module writes them in that shell's words."""

from collections.abc import Callable
from typing import Final

from . import bash, fish, powershell, zsh
from .model import Program

WRITERS: Final[dict[str, tuple[str, Callable[[Program], str]]]] = {
    "bash": ("rnndims.bash", bash.script),
    "zsh": ("_rnndims", zsh.script),
    "fish": ("rnndims.fish", fish.script),
    "powershell": ("rnndims.ps1", powershell.script),
}
"""For each shell the name its file has in ``completions/``, and the function that writes it."""
