"""The tree layer, direction, weight, with shapes, symbolic dims and the rows of the gates."""

from collections.abc import Callable, Mapping, Sequence
from typing import TYPE_CHECKING, NamedTuple, TypeVar

from rich.console import Group
from rich.text import Text
from rich.tree import Tree

from .. import equations, reasons, shapes
from ..config import RNNConfig
from ..constructor import format_constructor
from ..measurements import Run, built_weights
from ..phrases import omit_middle
from ..shapes import Weight
from . import style, text
from .numbers import print_values

if TYPE_CHECKING:
    from rich.console import Console

T = TypeVar("T")

DETAILS = 7
"""Columns of the widest part of a detail, ``  @ weight_ih_l0.T:``, beside the name in it."""

MOST_LAYERS = 12
"""Layers that are shown. Of more, the middle ones are omitted: they are alike."""


def weights_view(run: Run, notes: Sequence[str] = ()) -> "Callable[[Console], None]":
    """The view of ``weights``: each parameter of the module that was built, its parts, its size, how it is applied."""
    return lambda console: _print_view(run, notes, console)


def _print_view(run: Run, notes: Sequence[str], console: "Console") -> None:
    dims, config = run.dims, run.dims.config
    console.print(text.heading(format_constructor(config)))
    text.print_notes(notes, console)
    weights = built_weights(run)
    wrong = run.measured.disagreements(dims)
    mark = f"✗ PyTorch disagrees: {', '.join(wrong[:4])}" if wrong else "✓ formula and PyTorch agree"
    parts = [
        Text.assemble(("parameters ", style.QUIET), (text.count(run.measured.parameters), style.SHAPE)),
        Text.assemble(("bytes ", style.QUIET), (text.count(sum(weight.bytes for weight in weights.values())), style.SHAPE)),
        Text(f"read from the module, {style.glyphs(mark, console)}", style=style.BAD if wrong else style.GOOD),
        Text(f"torch {run.measured.torch}", style=style.QUIET),
    ]
    text.print_parts(parts, console)
    console.print()

    def details(weight: Weight, width: int) -> list[Text]:
        return _details(weight, run, width, console)

    print_weights(config, weights, console, title="Weights, the same for all time steps", details=details)
    if run.measured.values is not None:
        console.print()
        print_values({name: run.measured.values[name] for name in weights}, dims.data.dtype, console)


def _details(weight: Weight, run: Run, width: int, console: "Console") -> list[Text]:
    """The lines under a weight: its parts, how it is applied, its size."""
    slices = shapes.gate_slices(weight)
    parts = [Text(f"{name}[{start}:{stop}]", style=style.NAME) for name, (start, stop) in slices.items()]
    for part in parts[:-1]:
        part.append(" |")
    product = equations.applied(run.dims.config, weight, run.dims.data)
    right = f"@ {weight.name}.T:" if product.op == "@" else f"+ {weight.name}:"
    operand, *factor = product.left.split(" @ ")
    applied = [
        *(Text(part, style=style.QUIET) for part in (operand, *(f"@ {name}" for name in factor), right)),
        text.shape(product.left_shape),
        Text(f"{product.op} ").append_text(text.shape(product.right_shape)),
        Text(style.glyphs("→ ", console)).append_text(text.shape(product.result)),
    ]
    formula = run.dims.weights[weight.name].shape
    differs = [] if formula == weight.shape else [Text(f"the formula gives {formula}", style=style.BAD)]
    cost = [Text(f"{text.count(weight.numel)} parameters,"), Text(f"{text.count(weight.bytes)} bytes")]
    return [line for row in (differs, parts, applied, cost) if row for line in text.fill(row, width)]


def print_weights(
    config: RNNConfig,
    weights: Mapping[str, Weight],
    console: "Console",
    *,
    title: str = "Weights",
    details: "Callable[[Weight, int], list[Text]] | None" = None,
) -> None:
    """Print the tree of all weights: layer, then direction, then weight, and under each weight its ``details``.

    ``details`` is called with the weight and the width of its lines, in columns. Without it, the rows of the gates are printed
    once for each direction: all its weights share them.
    """
    by_layer: dict[int, dict[str, list[Weight]]] = {}
    for weight in weights.values():
        by_layer.setdefault(weight.layer, {}).setdefault(weight.direction, []).append(weight)
    layers, hidden = omit_middle(list(by_layer.items()), MOST_LAYERS)
    shown = [weight for layer in layers if layer for members in layer[1].values() for weight in members]
    columns = _Columns(shown, console, reserve=DETAILS if details else 0)
    nodes: list[_Node] = []
    for layer in layers:
        if layer is None:
            more = Text(style.glyphs(f"⋯ {text.count(hidden)} more layers, alike (--json shows all)", console), style.QUIET)
            nodes.append(_Node(0, [more]))
            continue
        index, directions = layer
        if not config.is_cell:
            nodes.append(_Node(0, text.fill(_layer_label(index, config), columns.room + 8)))
        for direction, members in directions.items():
            label = _direction_label(direction, members[0], config, with_gates=details is None)
            nodes.append(_Node(1, text.fill(label, columns.room + 4)))
            for weight in members:
                lines = columns.lines(weight, config)
                lines += [Text("  ").append_text(line) for line in (details(weight, columns.room - 2) if details else ())]
                nodes.append(_Node(2, lines))
    _print_nodes(title, nodes, columns, console)


class _Node(NamedTuple):
    """One node of the tree: how deep it hangs and its lines, none of which may be broken."""

    depth: int
    lines: list[Text]


def _print_nodes(title: str, nodes: Sequence[_Node], columns: "_Columns", console: "Console") -> None:
    """Print the nodes as a tree, or indented alone where its lines would leave too little room."""
    if columns.too_narrow:
        console.print(text.heading(title))
        for depth, lines in nodes:
            for line in lines:
                text.print_unbroken(Text(" " * depth).append_text(line), console)
        return
    tree = Tree(text.heading(title), guide_style=style.QUIET)
    parents = {-1: tree}
    for depth, lines in nodes:
        for line in lines:
            line.no_wrap, line.overflow = True, "ignore"
        above = max(level for level in parents if level < depth)
        parents = {level: branch for level, branch in parents.items() if level <= above}
        parents[depth] = parents[above].add(Group(*lines))
    console.print(tree, crop=False)


def _layer_label(layer: int, config: RNNConfig) -> list[Text]:
    width = config.layer_input_size(layer)
    if layer == 0:
        reads = ["reads the input,", f"H_in = {width}"]
    elif config.bidirectional:
        reads = [f"reads both directions of layer {layer - 1},", f"D*H_out = 2*{config.H_out} = {width}"]
    else:
        reads = [f"reads layer {layer - 1},", f"H_out = {width}"]
    return [Text(f"layer {layer} ", style=style.NAME), *(Text(part, style=style.QUIET) for part in reads)]


def _direction_label(direction: str, weight: Weight, config: RNNConfig, *, with_gates: bool) -> list[Text]:
    label = [Text("all steps") if config.is_cell else text.direction(direction)]
    if with_gates and config.G > 1:
        label += [Text(" rows of the gates:", style=style.QUIET)]
        label += [Text(f"{gate}[{start}:{stop}]", style=style.QUIET) for gate, (start, stop) in weight.gates.items()]
    return label


class _Columns:
    """The widths of the columns in which the weights of a tree are aligned, and whether the console is wide enough."""

    GUIDES = 12  # columns of the tree's lines before a weight: "│   │   ├── "

    def __init__(self, weights: Sequence[Weight], console: "Console", *, reserve: int) -> None:
        self.name = max(len(weight.name) for weight in weights)
        self.shape = max(len(text.shape(weight.shape)) for weight in weights)
        self.dims = max(len(text.dims(weight.dims)) for weight in weights)
        widest = max(self.name + reserve, self.shape + 2, self.dims + 2)
        self.too_narrow = console.width < self.GUIDES + widest
        self.room = console.width - (2 if self.too_narrow else self.GUIDES)
        rest = self.room - self.name - self.shape - self.dims - 4
        self.on_one_line = rest >= 0
        self.with_reason = rest >= 42  # the longest reason: "reads layer 1000's output, both directions"

    def lines(self, weight: Weight, config: RNNConfig) -> list[Text]:
        """The weight's name, shape and dims on one line if there is room, else on three."""
        name, shape, dims = Text(weight.name, style=style.NAME), text.shape(weight.shape), text.dims(weight.dims)
        if not self.on_one_line:
            return [name, Text("  ").append_text(shape), Text("  ").append_text(dims)]
        line = Text()
        for part, width in ((name, self.name), (shape, self.shape), (dims, self.dims)):
            part.pad_right(width - len(part) + 2)
            line.append_text(part)
        reason = reasons.weight(weight, config) if self.with_reason else ""
        line.append(reason, style=style.QUIET)
        line.rstrip()
        return [line]
