"""``cell`` for the terminal: the equations, each step, one set of weights, and the two comparisons."""

from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Any, Final

from rich.text import Text

from .. import equations
from ..constructor import format_constructor
from ..equations import Equation, Term
from ..measurements import CellRun, CellStep, Comparison
from ..phrases import omit_middle
from . import numbers, style, text
from .numbers import print_values
from .weights_view import print_weights

if TYPE_CHECKING:
    from rich.console import Console

MOST_STEPS: Final = 12
"""Steps that are shown; of more, the middle ones are omitted."""

OPERATORS: Final = ("@", "+", "*")
"""Signs of the equations at which a line that is too long may break."""


def cell_view(run: CellRun, notes: Sequence[str] = ()) -> "Callable[[Console], None]":
    """The view of ``cell``."""
    return lambda console: _print(run, notes, console)


def _print(run: CellRun, notes: Sequence[str], console: "Console") -> None:
    name = format_constructor(run.dims.config)
    times = f", called {text.count(len(run.steps))} times" if len(run.steps) != 1 else ", called once"
    console.print(text.heading(name + times))
    where = Text(f"{run.device}, {run.dims.data.dtype}, torch {run.torch}", style=style.QUIET)
    layer = format_constructor(run.layer)
    said = verdict(run.loop, f"the loop gives what {layer} gives", f"the loop gives other numbers than {layer}", console)
    print_verdict(said, where, console)
    text.print_notes(notes, console)
    console.print()
    console.print(text.heading("One step"))
    print_equations(equations.equations(run.dims.config, run.dims.data), console)
    console.print()
    _print_one_matmul(run, console)
    console.print()
    _print_steps(run, console)
    console.print()
    last = len(run.steps) - 1
    used = "used in the one step" if last == 0 else f"the same in all steps, t = 0 to {text.count(last)}"
    print_weights(run.dims.config, run.dims.weights, console, title=f"One set of weights, {used}")
    total = f"{text.count(run.parameters)} parameters, however many steps there are"
    console.print(Text(_legend(run) + total, style=style.QUIET))
    if run.values is not None:
        console.print()
        print_values(run.values, run.dims.data.dtype, console)


def verdict(comparison: Comparison, agrees: str, differs: str, console: "Console") -> Text:
    """One of two sentences, by the comparison, with its mark and the largest difference; or why neither can be said."""
    if comparison.max_abs_diff is None:
        return Text("the numbers cannot be compared: the device meta has none", style=style.NOTE)
    amount = f" (largest difference {difference(comparison.max_abs_diff)})"
    if comparison.matches is None:
        return Text(f"undecided: rounding grows near a pole of the activation{amount}", style=style.NOTE)
    said, colour = (f"✓ {agrees}", style.GOOD) if comparison.matches else (f"✗ {differs}", style.BAD)
    return Text(style.glyphs(said, console) + amount, style=colour)


def print_verdict(said: Text, where: Text, console: "Console") -> None:
    """Print a verdict, which may wrap, and beside or below it the device, dtype and version of torch."""
    if len(said) <= console.width:
        text.print_parts([said, where], console)
    else:
        console.print(said)
        text.print_unbroken(where, console)


def difference(value: float | str) -> str:
    """``0`` or ``2.98e-08``."""
    return f"{value:.3g}" if isinstance(value, float) else value


def _print_one_matmul(run: CellRun, console: "Console") -> None:
    console.print(text.heading("The same step as one matrix product"))
    equation = equations.one_matmul(run.dims.config, run.dims.data)
    if equation is None or run.one_matmul is None:
        name = run.dims.config.definition.class_name
        article = "an" if name[0] in "AEFHILMNORSX" else "a"  # as the letter is spoken: an RNN
        why = equations.why_not_one_matmul(run.dims.config, run.dims.data)
        console.print(Text(f"not possible for {article} {name}: {why}", style=style.NOTE))
        return
    print_equations([equation], console)
    after = equations.after_one_matmul(run.dims.config, run.dims.data)
    if after:
        print_equations(after, console)
    states = " and ".join(f"{name}[t]" for name in run.dims.config.definition.new_states)
    agrees = f"{states} {'have' if ' ' in states else 'has'} the same numbers in every step"
    differs = f"{states} {'have' if ' ' in states else 'has'} other numbers than in the cell"
    console.print(verdict(run.one_matmul.comparison, agrees, differs, console))


def _print_steps(run: CellRun, console: "Console") -> None:
    console.print(text.heading("Step by step"))
    shown, hidden = omit_middle(run.steps, MOST_STEPS)
    if run.initial is not None:
        parts = [Text("start", style=style.NAME)]
        parts += [Text.assemble((f"{name} ", style.QUIET), text.shape(_shape(run, name))) for name in run.initial]
        text.print_parts(parts, console)
        _print_states([(name, run.initial[name], _shape(run, name)) for name in run.initial], console)
    for step in shown:
        if step is None:
            more = f"⋯ {text.count(hidden)} more steps (--json shows all)"
            console.print(Text(style.glyphs(more, console), style=style.QUIET))
            continue
        _print_step(step, console, with_input=run.values is not None)
    if run.initial is None and run.device != "meta":
        console.print(Text("--values shows the numbers", style=style.QUIET))


def _shape(run: CellRun, name: str) -> tuple[int, ...]:
    return run.dims.tensors[name].shape


def _print_step(step: CellStep, console: "Console", *, with_input: bool) -> None:
    parts = [Text.assemble((f"t = {step.t}", style.NAME))]
    arrow = style.glyphs("→ ", console)
    parts.append(Text.assemble((f"x[{step.t}] ", style.QUIET), text.shape(step.input)))
    parts.append(Text.assemble((f"{arrow}h[{step.t}] ", style.QUIET), text.shape(step.h)))
    if step.c is not None:
        parts.append(Text.assemble((f"c[{step.t}] ", style.QUIET), text.shape(step.c)))
    for name, norm in (("h", step.h_norm), ("c", step.c_norm)):
        if norm is not None:
            parts.append(
                Text(f"norm of {name} {norm:.4g}" if isinstance(norm, float) else f"norm of {name} {norm}", style=style.QUIET)
            )
    text.print_parts(parts, console)
    states = [(f"h[{step.t}]", step.h_values, step.h), (f"c[{step.t}]", step.c_values, step.c)]
    if with_input:
        states.insert(0, (f"x[{step.t}]", step.input_values, step.input))
    _print_states([state for state in states if state[1] is not None], console)


def _print_states(states: Sequence[tuple[str, Any, Any]], console: "Console") -> None:
    """Print each state as a block of rows, its name in front of the first."""
    for name, values, shape in states:
        rows, hidden = omit_middle([row for _, row in numbers.rows(values, len(shape))], numbers.MOST_ROWS)
        width = max((len(part) for row in rows if row for part in row), default=1)
        lead = f"    {name} "
        for index, row in enumerate(rows):
            front = lead if index == 0 else " " * len(lead)
            if row is None:
                line = style.glyphs(f"⋯ {text.count(hidden)} more rows", console)
            else:
                line = "[" + numbers.line(row, width, console.width - len(lead) - 2, console) + "]"
            text.print_unbroken(Text.assemble((front, style.QUIET), line), console)


def _legend(run: CellRun) -> str:
    """What the letters of the equation stand for, where the weights hold several gates."""
    config = run.dims.config
    if config.G == 1:
        return (
            "W_ih is weight_ih, W_hh is weight_hh. " if not config.bias else "W_ih is weight_ih, b_ih is bias_ih, and so on. "
        )
    gate, (start, stop) = next(iter(run.dims.weights["weight_ih"].gates.items()))
    return f"W_i{gate} is weight_ih[{start}:{stop}], W_h{gate} is weight_hh[{start}:{stop}], and so on. "


def print_equations(shown: Sequence[Equation], console: "Console") -> None:
    """Print equations below each other, terms above their shapes; equations of the same form are aligned.

    A line that is too long is continued below, at an operator: a term and its shape are never broken.
    """
    results = max(_width(equation.result, console) for equation in shown)
    for equation in shown:
        alike = [other.terms for other in shown if len(other.terms) == len(equation.terms)]
        widths = [max(_width(terms[i], console) for terms in alike) for i in range(len(equation.terms))]
        _print_equation(equation, results, widths, console)


def _print_equation(equation: Equation, result: int, widths: Sequence[int], console: "Console") -> None:
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
