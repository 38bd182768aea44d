"""Internal: a diagram as a document in each format, and the format for each suffix of a file.

``rnndims.draw`` is the public name.
"""

from collections.abc import Callable, Sequence
from pathlib import PurePath
from typing import TYPE_CHECKING, Final, Literal

from ..diagrams import Diagram
from ..errors import RnndimsError, shorten

if TYPE_CHECKING:
    from rich.console import Console

Format = Literal["text", "ascii", "svg", "dot", "mermaid", "png"]

SUFFIXES: Final[dict[str, Format]] = {
    ".txt": "text",
    ".svg": "svg",
    ".dot": "dot",
    ".gv": "dot",
    ".mmd": "mermaid",
    ".mermaid": "mermaid",
    ".png": "png",
}
"""The format that each suffix means."""

FILE_WIDTH: Final = 100
"""Columns of a text drawing that goes to a file."""


def format_of(path: str) -> Format:
    """The format that the suffix of a file means.

    Raises:
        RnndimsError: if the suffix is none of ``SUFFIXES``.
    """
    suffix = PurePath(path).suffix.lower()
    if suffix not in SUFFIXES:
        raise RnndimsError(
            f"--output {shorten(path)}: there is no format for the suffix {shorten(suffix)}"
            if suffix
            else f"--output {shorten(path)}: the name has no suffix",
            fix=f"Use one of {', '.join(SUFFIXES)}, or add --format.",
        )
    return SUFFIXES[suffix]


def render_bytes(diagram: Diagram, kind: Format, width: int = FILE_WIDTH) -> bytes:
    """The content of a file in the format ``kind``; text is UTF-8.

    Raises:
        MachineError: for ``png`` if no converter is installed.
    """
    if kind == "png":
        from .png import render_png

        return render_png(diagram)
    return render_plain(diagram, kind, width).encode("utf-8")


def render_plain(diagram: Diagram, kind: Format, width: int = FILE_WIDTH) -> str:
    """The diagram as text in the format ``kind``, without colours; not for ``png``."""
    if kind == "svg":
        from .svg import render_svg

        return render_svg(diagram)
    if kind == "dot":
        from .dot import render_dot

        return render_dot(diagram)
    if kind == "mermaid":
        from .mermaid import render_mermaid

        return render_mermaid(diagram)
    from .text_drawing import render_text

    return "".join(f"{line.plain}\n" for line in render_text(diagram, width, ascii_only=kind == "ascii"))


def in_ascii(text: str, kind: Format) -> str:
    """A document in ASCII: other characters become references of its language, ``&#964;``."""
    sign = "#" if kind == "mermaid" else "&#"
    return "".join(char if char.isascii() else f"{sign}{ord(char)};" for char in text)


def diagram_view(
    diagram: Diagram, notes: Sequence[str] = (), *, ascii_only: bool = False, width: int | None = None
) -> Callable[["Console"], None]:
    """The diagram as characters, at most as wide as the console or ``width``; in ASCII if the console has no UTF-8."""

    def view(console: "Console") -> None:
        from ..render.text import print_notes, print_unbroken
        from .text_drawing import render_text

        plain = ascii_only or not console.encoding.startswith("utf")
        for line in render_text(diagram, width or console.width, ascii_only=plain):
            print_unbroken(line, console)
        print_notes(notes, console)

    return view
