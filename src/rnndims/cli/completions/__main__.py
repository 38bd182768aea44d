"""``python -m rnndims.cli.completions FOLDER``: write every shell's script into a folder."""

import sys
from pathlib import Path

from . import WRITERS
from .model import read_program


def write_all(folder: Path) -> None:
    """Write the four scripts into ``folder``, under the names that the shells look for."""
    program = read_program()
    for name, write in WRITERS.values():
        (folder / name).write_text(write(program), encoding="utf-8", newline="\n")


if __name__ == "__main__":
    write_all(Path(sys.argv[1]))
