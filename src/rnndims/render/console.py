"""The console that every view prints on: its width and colours; text is never read as markup."""

import os
from collections.abc import Callable
from io import StringIO
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


class _Text(StringIO):
    """A text that is meant for an encoding."""

    def __init__(self, encoding: str) -> None:
        super().__init__()
        self._encoding = encoding

    @property
    def encoding(self) -> str:  # type: ignore[override]
        """The encoding, which decides about glyphs."""
        return self._encoding


def plain_text(view: Callable[[Console], None], width: int = 80, encoding: str = "utf-8") -> str:
    """What a view prints, without colours and blanks at line ends, whatever the terminal or notebook is.

    Args:
        view: prints on a console.
        width: the columns of that console.
        encoding: ``"utf-8"``, or another in which glyphs become ASCII.
    """
    text = _Text(encoding)
    view(
        Console(
            file=text,
            width=width,
            color_system=None,
            force_terminal=False,
            force_jupyter=False,
            legacy_windows=False,
            markup=False,
            emoji=False,
            highlight=False,
        )
    )
    return "\n".join(line.rstrip() for line in text.getvalue().strip("\n").splitlines())


def _columns() -> int | None:
    """The width that ``COLUMNS`` asks for; ``None`` lets Rich ask the terminal."""
    text = os.environ.get("COLUMNS", "")
    if text.isascii() and text.isdigit() and int(text[:6]) > 0:
        return max(int(text[:6]), NARROWEST)
    os.environ.pop("COLUMNS", None)  # Rich reads it too, and would use 0 as a width
    return None
