"""The console that every view prints on: its width and colours; text is never read as markup."""

import os
from typing import IO

from rich.console import Console

NARROWEST = 20
"""Columns of the narrowest console."""


def make_console(file: IO[str], *, record: bool = False) -> Console:
    """A Rich console on ``file`` that prints text as it is.

    Nothing in a text is markup or an emoji code, and nothing is highlighted. With ``NO_COLOR`` or a dumb terminal no escape is
    written. ``COLUMNS`` counts only if it is a positive number.

    Args:
        file: what it writes to.
        record: whether it keeps what it prints, for ``--export``.
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
