"""The tree layer, direction, weight, with shapes, symbolic dims and the rows of the gates."""

from collections.abc import Callable, Mapping, Sequence
from typing import TYPE_CHECKING, TypeVar

from rich.console import Group
from rich.text import Text
from rich.tree import Tree

from .. import explain, shapes
from ..config import RNNConfig
from ..constructor import format_constructor
from ..measurements import Run
from ..shapes import Weight
from . import style, text

if TYPE_CHECKING:
    from rich.console import Console

T = TypeVar("T")

MOST_LAYERS = 12
"""Layers shown in full; of more, the ends are shown, since those between are alike."""


def elided(items: Sequence[T], most: int) -> tuple[list[T | None], int]:
    """``items`` with the middle replaced by one ``None`` if there are more than ``most``, and how many that hides."""
    if len(items) <= most:
        return list(items), 0
    end = most // 2
    return [*items[:end], None, *items[-end:]], len(items) - 2 * end


def weights_view(run: Run, notes: Sequence[str] = ()) -> "Callable[[Console], None]":
    """The view of ``weights``: each parameter of the module that was built, its parts, its size, how it is applied."""
    return lambda console: _print_view(run, notes, console)


def _print_view(run: Run, notes: Sequence[str], console: "Console") -> None:
    dims, config = run.dims, run.dims.config
    console.print(text.heading(format_constructor(config)))
    text.print_notes(notes, console)
    mark = "✗ other than the formula" if run.measured.disagreements(dims) else "✓ as by formula"
    parts = [
        Text.assemble(("parameters ", style.QUIET), (text.count(run.measured.parameters), style.SHAPE)),
        Text.assemble(("bytes ", style.QUIET), (text.count(dims.totals.parameter_bytes), style.SHAPE)),
        Text(f"taken from the module, {style.glyphs(mark, console)}", style=style.GOOD),
        Text(f"torch {run.measured.torch}", style=style.QUIET),
    ]
    text.print_parts(parts, console)
    console.print()

    def details(weight: Weight) -> list[Text]:
        return _details(weight, run, console)

    print_weights(config, dims.weights, console, title="Weights, the same for all time steps", details=details)


def _details(weight: Weight, run: Run, console: "Console") -> list[Text]:
    """The lines under a weight: its parts, how it is applied, what it costs."""
    slices = shapes.gate_slices(weight, run.dims.config)
    parts = " | ".join(f"{name}[{start}:{stop}]" for name, (start, stop) in slices.items())
    product = shapes.product(weight, run.dims.data)
    right = f" @ {weight.name}.T: " if product.op == "@" else f" + {weight.name}: "
    shape = run.measured.weights.get(weight.name)
    measured = "" if shape == weight.shape else f", but PyTorch has {shape}"
    return [
        Text(f"{parts}{measured}", style=style.NOTE if measured else style.NAME),
        Text.assemble(
            (f"{product.left}{right}", style.QUIET),
            text.shape(product.left_shape),
            f" {product.op} ",
            text.shape(product.right_shape),
            style.glyphs(" → ", console),
            text.shape(product.result),
        ),
        Text(f"{text.count(weight.numel)} parameters, {text.count(weight.bytes)} bytes", style=style.QUIET),
    ]


def print_weights(
    config: RNNConfig,
    weights: Mapping[str, Weight],
    console: "Console",
    *,
    title: str = "Weights",
    details: "Callable[[Weight], list[Text]] | None" = None,
) -> None:
    """Print the tree of all weights: layer, then direction, then weight, and under each weight its ``details``.

    Without details, the rows of the gates stand once a direction, since all its weights share them.
    """
    tree = Tree(text.heading(title), guide_style=style.QUIET)
    by_place: dict[int, dict[str, list[Weight]]] = {}
    for weight in weights.values():
        by_place.setdefault(weight.layer, {}).setdefault(weight.direction, []).append(weight)
    layers, hidden = elided(list(by_place.items()), MOST_LAYERS)
    shown = [weight for layer in layers if layer for members in layer[1].values() for weight in members]
    columns = _Columns(shown, console)
    for layer in layers:
        if layer is None:
            tree.add(Text(style.glyphs(f"⋯ {text.count(hidden)} more layers, alike (all: --json)", console), style.QUIET))
            continue
        index, directions = layer
        branch = tree if config.is_cell else tree.add(_layer_label(index, config))
        for direction, members in directions.items():
            twig = branch.add(_direction_label(direction, members[0], config, with_gates=details is None))
            for weight in members:
                lines = [columns.line(weight, config), *(details(weight) if details else ())]
                twig.add(Group(*(Text("  ").append_text(line) if number else line for number, line in enumerate(lines))))
    console.print(tree)


def _layer_label(layer: int, config: RNNConfig) -> Text:
    width = config.layer_input_size(layer)
    if layer == 0:
        reads = f"reads the input, H_in = {width}"
    elif config.bidirectional:
        reads = f"reads both directions of layer {layer - 1}, D*H_out = 2*{config.H_out} = {width}"
    else:
        reads = f"reads layer {layer - 1}, H_out = {width}"
    return Text.assemble((f"layer {layer}", style.NAME), (f"  {reads}", style.QUIET))


def _direction_label(direction: str, weight: Weight, config: RNNConfig, *, with_gates: bool) -> Text:
    label = Text("all steps" if config.is_cell else "").append_text(Text() if config.is_cell else text.direction(direction))
    label.append(f"  rows of the gates: {gate_ranges(weight)}" if with_gates and config.G > 1 else "", style=style.QUIET)
    return label


def gate_ranges(weight: Weight) -> str:
    """``i[0:20] f[20:40] g[40:60] o[60:80]``; empty for a weight without gates."""
    return " ".join(f"{gate}[{start}:{stop}]" for gate, (start, stop) in weight.gates.items())


class _Columns:
    """The widths that line up the weights of a whole tree, or the form that does without on a narrow console."""

    GUIDES = 12

    def __init__(self, weights: Sequence[Weight], console: "Console") -> None:
        self.name = max(len(weight.name) for weight in weights)
        self.shape = max(len(text.shape(weight.shape)) for weight in weights)
        self.dims = max(len(text.dims(weight.dims)) for weight in weights)
        room = console.width - self.GUIDES - self.name - self.shape - self.dims - 4
        self.on_one_line = room >= 0
        self.with_reason = room >= 42

    def line(self, weight: Weight, config: RNNConfig) -> Text:
        name, shape, dims = Text(weight.name, style=style.NAME), text.shape(weight.shape), text.dims(weight.dims)
        if not self.on_one_line:
            return Text.assemble(name, "\n  ", shape, "\n  ", dims, no_wrap=True, overflow="ignore")
        line = Text(no_wrap=True)
        for part, width in ((name, self.name), (shape, self.shape), (dims, self.dims)):
            part.pad_right(width - len(part) + 2)
            line.append_text(part)
        reason = explain.weight(weight, config) if self.with_reason else ""
        line.append(reason, style=style.QUIET)
        line.rstrip()
        return line
