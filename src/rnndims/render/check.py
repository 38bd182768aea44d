"""``check`` as text: the verdict, then each problem with its numbers, why, and the fix as a line of code."""

import re
import textwrap
from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Final

from rich.text import Text

from ..constructor import format_constructor
from ..diagnose import Diagnosis, Problem
from . import style, text

if TYPE_CHECKING:
    from rich.console import Console

_WHOLE: Final = re.compile(r"\w*[(\[][\w*+:/.'=, -]{1,60}[)\]]")
_SPACE: Final = "\ue000"
WIDEST: Final = 100
"""The most columns that a sentence fills."""


def check_view(found: Diagnosis, notes: Sequence[str] = ()) -> "Callable[[Console], None]":
    """The view of ``check``."""
    return lambda console: _print(found, notes, console)


def _print(found: Diagnosis, notes: Sequence[str], console: "Console") -> None:
    if found.config is not None:
        text.print_unbroken(text.heading(format_constructor(found.config)), console)
    if found.error is not None:
        _print_sentence(found.error.matched, console, indent="  ", mark=style.QUIET)
        _print_sentence(found.error.explanation, console)
        if not found.error.certain:
            _print_sentence(
                "Other layers raise the same words; paste the traceback from its first line on to be sure.",
                console,
                mark=style.QUIET,
            )
    elif found.ok:
        _print_fit(found, console)
    several = found.error is not None and len(found.problems) > 1
    if several:
        console.print(Text("Likely causes, the likeliest first:", style=style.TITLE))
    for number, problem in enumerate(found.problems, 1):
        _print_problem(problem, f"{number}. " if len(found.problems) > 1 else "", console)
    for note in (*notes, *found.notes):
        _print_sentence(style.glyphs(f"note: {note}", console), console, mark=style.NOTE)


def _print_fit(found: Diagnosis, console: "Console") -> None:
    parts = [Text(style.glyphs("✓ fits", console), style=style.GOOD)]
    for name, shape in found.results.items():
        parts.append(Text.assemble((f"{name} ", style.NAME), text.shape(shape)))
    text.print_parts(parts, console)


def _print_problem(problem: Problem, number: str, console: "Console") -> None:
    where = problem.tensor if problem.dim is None else f"{problem.tensor} dim {problem.dim}"
    parts = [Text.assemble((style.glyphs(f"✗ {number}", console), style.BAD), (where, style.NAME))]
    if problem.expected is not None:
        parts.append(_value("expected", problem.expected))
    if problem.got is not None:
        parts.append(_value("got", problem.got))
    parts.append(Text(problem.cause, style=style.QUIET))
    if sum(len(part) for part in parts) + 3 * len(parts) - 3 <= console.width:
        text.print_parts(parts, console)
    else:
        for index, part in enumerate(parts):
            text.print_unbroken(Text("  " if index else "").append_text(part), console)
    _print_sentence(problem.message, console, indent="  ")
    code, mark, comment = problem.fix.partition("  # ")
    if code[:1].isupper() and " " in code:  # a sentence, not code
        _print_sentence(f"fix: {code}", console, indent="  ", mark=style.GOOD)
    else:
        text.print_unbroken(Text.assemble("  ", ("fix: ", style.GOOD), (code, style.SHAPE)), console)
    if mark:
        _print_sentence(comment, console, indent="       ", mark=style.QUIET)


def _value(word: str, value: tuple[int, ...] | str) -> Text:
    shown = Text(value, style=style.SHAPE) if isinstance(value, str) else text.shape(value)
    return Text.assemble((f"{word} ", style.QUIET), shown)


def _print_sentence(sentence: str, console: "Console", *, indent: str = "", mark: str = "") -> None:
    """Print a sentence, wrapped between words but never inside a shape or a call."""
    whole = _WHOLE.sub(lambda found: found[0].replace(" ", _SPACE), sentence)
    lines = textwrap.wrap(
        whole,
        max(min(console.width, WIDEST), 20),
        initial_indent=indent,
        subsequent_indent=indent,
        break_long_words=False,
        break_on_hyphens=False,
    )
    for line in lines:
        text.print_unbroken(Text(line.replace(_SPACE, " "), style=mark), console)
