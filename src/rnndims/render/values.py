"""The numbers of the tensors, for ``--values``."""

from typing import TYPE_CHECKING, Any

from rich.text import Text

from . import style, text

if TYPE_CHECKING:
    from rich.console import Console


def print_values(values: dict[str, Any], console: "Console") -> None:
    """Print each tensor under its name, one innermost row a line."""
    for name, numbers in values.items():
        console.print(text.heading(name))
        for line in _lines(numbers, 0):
            console.print(Text(line), overflow="fold")
    if not values:
        console.print(Text("no numbers: tensors on the meta device have shapes only", style=style.QUIET))


def _lines(value: Any, depth: int) -> list[str]:
    indent = "  " * (depth + 1)
    if not isinstance(value, list):
        return [indent + number(value)]
    if not value or not isinstance(value[0], list) or not value[0]:
        return [indent + "[" + ", ".join(number(item) for item in value) + "]"]
    lines = []
    for index, item in enumerate(value):
        if index and isinstance(item[0], list):
            lines.append("")
        lines += _lines(item, depth)
    return lines


def number(value: Any) -> str:
    """A number in the width all have: ``-0.1234``."""
    return f"{value:8.4f}" if isinstance(value, float) else str(value)
