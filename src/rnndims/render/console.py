"""The console every view prints on: its width, its colours, and no markup in text."""

import os
from typing import IO

from rich.console import Console

NARROWEST = 20


def make_console(file: IO[str], *, record: bool = False) -> Console:
    """A Rich console on ``file`` that prints text as it is.

    Nothing in a text is markup, emoji code or highlighted, ``NO_COLOR`` and a dumb terminal mean no escapes at all, and
    ``COLUMNS`` counts only where it is a sensible number.
    """
    plain = bool(os.environ.get("NO_COLOR")) or os.environ.get("TERM") == "dumb"
    return Console(
        file=file,
        width=_columns(),
        color_system=None if plain else "auto",
        force_terminal=False if plain else None,
        no_color=plain or None,
        markup=False,
        emoji=False,
        highlight=False,
        soft_wrap=False,
        record=record,
    )


def _columns() -> int | None:
    """The width that ``COLUMNS`` asks for; ``None`` lets Rich ask the terminal."""
    text = os.environ.get("COLUMNS", "")
    if text.isascii() and text.isdigit() and int(text[:6]) > 0:
        return max(int(text[:6]), NARROWEST)
    os.environ.pop("COLUMNS", None)  # Rich reads it too, and would use 0 as a width
    return None
