"""What a console has shown, as a self-contained file: SVG, HTML or plain text."""

from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from rich.console import Console

SUFFIXES: Final = (".svg", ".html", ".txt")
"""Suffixes of the files that ``--export`` writes."""

_SVG: Final = """\
<svg xmlns="http://www.w3.org/2000/svg" width="{width}" height="{height}" viewBox="0 0 {width} {height}" role="img">
<title>TITLE</title>
<style>
.{unique_id}-matrix {{ font-family: ui-monospace, 'DejaVu Sans Mono', Menlo, Consolas, monospace; font-size: {char_height}px; \
line-height: {line_height}px; }}
.{unique_id}-title {{ font-size: 18px; font-weight: bold; font-family: sans-serif; }}
{styles}
</style>
<defs>
<clipPath id="{unique_id}-clip-terminal"><rect x="0" y="0" width="{terminal_width}" height="{terminal_height}"/></clipPath>
{lines}
</defs>
{chrome}
<g transform="translate({terminal_x}, {terminal_y})" clip-path="url(#{unique_id}-clip-terminal)">
{backgrounds}
<g class="{unique_id}-matrix">
{matrix}
</g>
</g>
</svg>
"""


def exported(console: "Console", suffix: str, title: str = "rnndims") -> str:
    """What ``console`` has recorded as the text of a file."""
    from rich.cells import cell_len
    from rich.text import Text

    text = console.export_text(clear=False)
    if suffix == ".txt":
        return "".join(f"{line.rstrip()}\n" for line in text.splitlines())
    width = console.width
    console.width = max(40, cell_len(title) + 20, *(cell_len(line.rstrip()) for line in text.splitlines()))
    try:
        if suffix == ".html":
            return console.export_html(clear=False)
        escaped = Text(title).plain.replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;")
        template = _SVG.replace("TITLE", escaped.replace("{", "{{").replace("}", "}}"))
        return console.export_svg(title=title, clear=False, code_format=template)
    finally:
        console.width = width
