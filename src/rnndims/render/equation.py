"""Equations with the shape of each term written under it."""

from collections.abc import Sequence
from typing import TYPE_CHECKING, Final

from rich.text import Text

from ..equations import Equation, Term
from . import style, text

if TYPE_CHECKING:
    from rich.console import Console

OPERATORS: Final = ("@", "+", "*")


def print_equations(equations: Sequence[Equation], console: "Console") -> None:
    """Print equations below each other, terms over shapes; those of the same form are lined up.

    A line that is too long is continued below, at an operator: a term and its shape are never broken.
    """
    results = max(_width(equation.result, console) for equation in equations)
    for equation in equations:
        alike = [other.terms for other in equations if len(other.terms) == len(equation.terms)]
        widths = [max(_width(terms[i], console) for terms in alike) for i in range(len(equation.terms))]
        _print_one(equation, results, widths, console)


def _print_one(equation: Equation, result: int, widths: Sequence[int], console: "Console") -> None:
    indent = result + 3
    above, below = Text(), Text()
    _put(above, below, equation.result, result, console)
    above.append(" = ")
    below.append("   ")
    for piece in _pieces(list(zip(equation.terms, widths, strict=True)), ("+",)):
        fits_alone = indent + _needed(piece) <= console.width
        for part in [piece] if fits_alone else _pieces(piece, OPERATORS):
            if len(above) > indent and len(above) + _needed(part) > console.width:
                _flush(above, below, console)
                above, below = Text(" " * indent), Text(" " * indent)
            for term, width in part:
                _put(above, below, term, width, console)
                above.append(" ")
                below.append(" ")
    _flush(above, below, console)


def _needed(piece: Sequence[tuple[Term, int]]) -> int:
    return sum(width + 1 for _, width in piece) - 1


def _pieces(terms: Sequence[tuple[Term, int]], operators: Sequence[str]) -> list[list[tuple[Term, int]]]:
    """The terms in groups that stay on one line: each begins at one of ``operators``."""
    pieces: list[list[tuple[Term, int]]] = [[]]
    for term, width in terms:
        if term.text in operators and any(other.shape is not None for other, _ in pieces[-1]):
            pieces.append([])
        pieces[-1].append((term, width))
    return pieces


def _flush(above: Text, below: Text, console: "Console") -> None:
    for line in (above, below):
        line.rstrip()
        text.print_unbroken(line, console)


def _put(above: Text, below: Text, term: Term, width: int, console: "Console") -> None:
    above.append(_word(term, console).ljust(width), style=style.NAME if term.shape is not None else "")
    if term.shape is not None:
        below.append(str(term.shape).ljust(width), style=style.SHAPE)
    else:
        operator = _word(term, console) if term.text in OPERATORS else ""
        below.append(operator.ljust(width), style=style.QUIET)


def _width(term: Term, console: "Console") -> int:
    return max(len(_word(term, console)), 0 if term.shape is None else len(str(term.shape)))


def _word(term: Term, console: "Console") -> str:
    word = term.text.replace("sigmoid", "σ")
    if term.text == "*":
        word = "⊙"
    return style.glyphs(word + "ᵀ" * term.transposed, console)
