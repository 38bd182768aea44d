"""``check`` as text: the verdict, then each problem with its numbers, PyTorch's words, the fix as code, its alternatives."""

import re
import textwrap
from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Final

from rich.text import Text

from ..constructor import format_constructor
from ..diagnose import Caution, Diagnosis, Problem
from ..phrases import shape_text
from . import style, text

if TYPE_CHECKING:
    from rich.console import Console

# one item of a tuple: a name, a size, a tuple
_ITEM: Final = r"(?:[^\s()\[\],]{1,20}|\([^()]{1,40}\))"
# what stays on one line: a call or an index with two levels of brackets inside, "y = torch.cat([h_n[-2], h_n[-1]], dim=-1)";
# a shape or a tuple, "(2, 5, 20)", "[2, 3]", "(output, (h_n, c_n))"; a formula, "D*H_out = 2*20"
_WHOLE: Final = re.compile(
    r"(?:[\w.*]+ = )?[\w.]+[(\[](?:[^()\[\]]|[(\[](?:[^()\[\]]|[(\[][^()\[\]]{0,40}[)\]]){0,60}[)\]]){0,90}[)\]]"
    rf"|[(\[]{_ITEM}(?:, {_ITEM}){{0,7}},?[)\]]"
    r"|[\w.*]+ = [\w.*]*\w"
)
_SPACE: Final = "\ue000"
"""The character that replaces a space at which a line must not break."""

WIDEST: Final = 100
"""The most columns that a sentence fills."""

_DEEPER: Final = "     "
"""The indent of an alternative's lines: below the text that follows ``  a. ``."""


def check_view(diagnosis: Diagnosis, notes: Sequence[str] = ()) -> "Callable[[Console], None]":
    """The view of ``check``; ``notes`` are those on the module."""
    return lambda console: _print(diagnosis, notes, console)


def _print(diagnosis: Diagnosis, notes: Sequence[str], console: "Console") -> None:
    if diagnosis.config is not None:
        text.print_unbroken(text.heading(format_constructor(diagnosis.config)), console)
    if diagnosis.error is not None:
        _print_sentence(diagnosis.error.matched, console, indent="  ", mark=style.QUIET)
        _print_sentence(diagnosis.error.explanation, console)
        if not diagnosis.error.certain:
            doubt = "Other layers raise the same words."
            if not diagnosis.error.whole:
                doubt += " Paste the whole traceback, from its first line on, to be sure."
            _print_sentence(doubt, console, mark=style.QUIET)
    if diagnosis.fits:
        _print_results(diagnosis, console)
    for number, problem in enumerate(diagnosis.problems, 1):
        print_problem(problem, f"{number}. " if len(diagnosis.problems) > 1 else "", console)
    for caution in diagnosis.warnings:
        print_caution(caution, console)
    for note in (*notes, *diagnosis.notes):
        _print_sentence(f"note: {note}", console, mark=style.NOTE)


def _print_results(diagnosis: Diagnosis, console: "Console") -> None:
    """What comes out, and what the uses of it are; that it fits is said only where there is no warning either."""
    parts = [Text(style.glyphs("✓ fits", console), style=style.GOOD)] if diagnosis.ok else [Text("it runs", style=style.QUIET)]
    for name, shape in {**diagnosis.results, **diagnosis.uses}.items():
        parts.append(Text.assemble((f"{name} ", style.NAME), text.shape(shape)))
    text.print_parts(parts, console)


def print_problem(problem: Problem, number: str, console: "Console") -> None:
    """Print a problem with its numbers, PyTorch's words, its fix and its alternatives; ``number`` stands in front."""
    where = problem.tensor if problem.dim is None else f"{problem.tensor} dim {problem.dim}"
    parts = [Text.assemble((style.glyphs(f"✗ {number}", console), style.BAD), (where, style.NAME))]
    if problem.expected is not None:
        parts.append(_value("expected", problem.expected))
    if problem.got is not None:
        parts.append(_value("got", problem.got))
    parts.append(Text(problem.cause if problem.certain else f"likely {problem.cause}", style=style.QUIET))
    if sum(len(part) for part in parts) + 3 * len(parts) - 3 <= console.width:
        text.print_parts(parts, console)
    else:
        for index, part in enumerate(parts):
            text.print_unbroken(Text("  " if index else "").append_text(part), console)
    _print_sentence(problem.message, console, indent="  ")
    if problem.torch is not None:
        _print_sentence(f'torch: "{problem.torch}"', console, indent="  ", mark=style.QUIET)
    _print_way_out(problem.fix, problem.advice, "  ", console)
    for letter, alternative in zip("abcdefgh", problem.alternatives, strict=False):
        _print_alternative(alternative, f"{letter}. or ", problem.tensor, console)


def _print_alternative(alternative: Problem, number: str, tensor: str, console: "Console") -> None:
    """One alternative; it names its tensor only where that is not the tensor of the problem."""
    where = "" if alternative.tensor == tensor else f"{alternative.tensor}   "
    text.print_unbroken(Text.assemble(f"  {number}", (where, style.NAME), (alternative.cause, style.QUIET)), console)
    _print_sentence(alternative.message, console, indent=_DEEPER)
    _print_way_out(alternative.fix, alternative.advice, _DEEPER, console)


def print_caution(caution: Caution, console: "Console") -> None:
    """Print a warning with its fix."""
    _print_sentence(f"warning: {caution.message}", console, mark=style.WARNING)
    _print_way_out(caution.fix, caution.advice, "  ", console)


def _print_way_out(fix: str | None, advice: str | None, indent: str, console: "Console") -> None:
    """The fix as code, never wrapped, and the advice as a sentence."""
    for index, line in enumerate((fix or "").splitlines()):
        head = ("fix: ", style.GOOD) if index == 0 else "     "
        text.print_unbroken(Text.assemble(indent, head, (line, style.SHAPE)), console)
    if advice is not None:
        _print_sentence(advice if fix else f"advice: {advice}", console, indent=indent, mark="" if fix else style.GOOD)


def _value(word: str, value: tuple[int, ...] | str) -> Text:
    return Text.assemble((f"{word} ", style.QUIET), (value if isinstance(value, str) else shape_text(value), style.SHAPE))


def _print_sentence(sentence: str, console: "Console", *, indent: str = "", mark: str = "") -> None:
    """Print a sentence, wrapped between words but never inside a shape or a call."""
    whole = _WHOLE.sub(lambda part: part[0].replace(" ", _SPACE), style.glyphs(sentence, console))
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
