"""The colours of all views, none without a word or sign of the same meaning, and the ASCII for each glyph."""

from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from rich.console import Console

DIRECTION: Final[dict[str, str]] = {"forward": "cyan", "reverse": "magenta"}
DIMS: Final = "italic"
SHAPE: Final = "bold"
NAME: Final = "bold"
QUIET: Final = "dim"
GOOD: Final = "green"
BAD: Final = "bold red"
NOTE: Final = "yellow"
WARNING: Final = "bold yellow"
TITLE: Final = "bold"

# what replaces each glyph on a console without UTF-8
_ASCII: Final[dict[str, str]] = {
    "✓": "ok",
    "✗": "NO",
    "→": "->",
    "←": "<-",
    "×": "x",
    "·": "*",
    "…": "...",
    "⋯": "...",
    "│": "|",
    "─": "-",
    "≤": "<=",
    "σ": "sigmoid",
    "⊙": "*",
    "ᵀ": ".T",
    "—": "-",
    "₋": "-",
}


def glyphs(text: str, console: "Console") -> str:
    """``text`` as this console can show it: unchanged in UTF-8, else with ASCII for each glyph."""
    if console.encoding.startswith("utf"):
        return text
    for glyph, plain in _ASCII.items():
        text = text.replace(glyph, plain)
    return text
