"""The unrolled network as data: cells along time, layers upwards, both directions, and a shape on every arrow."""

from dataclasses import replace
from itertools import pairwise
from typing import NamedTuple

from ..config import DataConfig, RNNConfig
from ..constructor import format_constructor
from ..phrases import omit, plural, shape_text
from ..shapes import Shape, StateRow, states, tensors, weights
from ..weight_names import Direction, suffix
from .diagram_model import Diagram, Edge, Node, Sequence, WeightSet

MAX_STEPS = 6
"""Steps that are drawn by default; of more, the first and last two."""

MAX_LAYERS = 4
"""Layers that are drawn by default; of more, the first two and the last."""

MAX_SEQUENCES = 6
"""Sequences of a packed batch that are drawn."""


class _Parts(NamedTuple):
    nodes: dict[str, Node]
    edges: list[Edge]

    def add(self, node: Node) -> str:
        self.nodes[node.id] = node
        return node.id


def unrolled(config: RNNConfig, data: DataConfig, max_steps: int | None = None, max_layers: int | None = None) -> Diagram:
    """The network unrolled along time.

    Node ids: ``x_{t}``, ``cell_l{layer}_{direction}_{t}``, ``concat_l{layer}_{t}``, ``output_{t}``, ``h_0_{row}`` and the
    like; ``..._more`` for omitted steps or layers.

    Args:
        config: the module; not a cell, which has nothing to unroll.
        data: its input.
        max_steps: the most steps to draw; by default all of up to 6, else the first and last two.
        max_layers: the most layers to draw; by default all of up to 4, else the first two and the last.
    """
    length = data.seq_len or 0
    steps = omit(length, max_steps if max_steps is not None else MAX_STEPS if length <= MAX_STEPS else 4)
    shown = max_layers if max_layers is not None else MAX_LAYERS if config.num_layers <= MAX_LAYERS else 3
    layers = omit(config.num_layers, shown)
    parts = _Parts({}, [])
    below = [_inputs(parts, config, data, step) for step in steps]
    rows = {(row.layer, row.direction): row for row in _state_rows(config, data, layers)}
    for layer in layers:
        if layer is None:
            below = _more_layers(parts, below, steps, config.num_layers - len(layers) + 1)
        else:
            below = _layer(parts, config, data, layer, steps, below, rows)
    for step, sources in zip(steps, below, strict=True):
        if step is None:
            if not _ended(data, steps.index(None)):
                parts.add(_more("output_more", length - len(steps) + 1))
        elif not _ended(data, step):
            whole = _whole(data, config.D * config.H_out)
            target = parts.add(Node(f"output_{step}", "output", _output_name(config, data, step), whole, step=step))
            parts.edges.extend(Edge(source, target, "y", parts.nodes[source].shape) for source in sources)
    sets = tuple(
        WeightSet(layer, direction, _parameters(config, layer, direction))
        for layer in layers
        if layer is not None
        for direction in config.directions
    )
    title = f"{format_constructor(config)} unrolled over {plural(length, 'step')}"
    return Diagram(
        "unrolled",
        config,
        data,
        title,
        _describe(config, data),
        parts.nodes,
        tuple(parts.edges),
        steps,
        layers,
        sets,
        _sequences(data, steps),
        tuple(_notes(config, data, steps, layers)),
    )


def _output_name(config: RNNConfig, data: DataConfig, step: int) -> str:
    return f"output[:, {step}]" if config.batch_first and not data.unbatched else f"output[{step}]"


def _tag(step: int | None) -> str:
    return "more" if step is None else str(step)


def _more(name: str, count: int) -> Node:
    return Node(name, "more_steps", f"{count} more", count=count)


def _alive(data: DataConfig, step: int) -> int | None:
    if data.lengths is None:
        return data.batch_size
    return sum(length > step for length in data.lengths)


def _ended(data: DataConfig, step: int) -> bool:
    return data.lengths is not None and step >= max(data.lengths)


def _at(data: DataConfig, step: int, width: int) -> Shape:
    alive = _alive(data, step)
    return (width,) if alive is None else (alive, width)


def _whole(data: DataConfig, width: int) -> Shape:
    return (width,) if data.batch_size is None else (data.batch_size, width)


def _inputs(parts: _Parts, config: RNNConfig, data: DataConfig, step: int | None) -> list[str]:
    if step is None:
        return []
    ended = _ended(data, step)
    shape = None if ended else _at(data, step, config.input_size)
    return [parts.add(Node(f"x_{step}", "input", f"x_{step}", shape, step=step, empty=ended))]


def _state_rows(config: RNNConfig, data: DataConfig, layers: tuple[int | None, ...]) -> list[StateRow]:
    if config.num_layers <= 4096:  # of more, only the rows of the drawn layers are made
        return [row for row in states(config, data) if row.layer in layers]
    last = {row.direction: row for row in states(_single(config), data)}
    rows = []
    for layer in layers:
        for number, direction in enumerate(config.directions):
            if layer is not None:
                at = last[direction].in_output if layer == config.num_layers - 1 else None
                rows.append(StateRow(layer * config.D + number, layer, direction, at))
    return rows


def _single(config: RNNConfig) -> RNNConfig:
    return RNNConfig(
        config.cell,
        config.input_size,
        config.hidden_size,
        nonlinearity=config.nonlinearity,
        bias=config.bias,
        batch_first=config.batch_first,
        bidirectional=config.bidirectional,
        proj_size=config.proj_size,
        is_cell=config.is_cell,
    )


def _parameters(config: RNNConfig, layer: int, direction: Direction) -> dict[str, Shape]:
    ends = suffix(layer, direction)
    width = config.layer_input_size(layer)
    shapes = {}
    for name, weight in weights(_single(config), 1).items():
        kind = name.partition("_l0")[0]
        if weight.direction == direction:
            shapes[kind + ends] = (weight.shape[0], width) if kind == "weight_ih" else weight.shape
    return shapes


def _more_layers(parts: _Parts, below: list[list[str]], steps: tuple[int | None, ...], count: int) -> list[list[str]]:
    above: list[list[str]] = []
    for step, sources in zip(steps, below, strict=True):
        if step is None:
            above.append([])
            continue
        node = Node(f"layers_more_{step}", "more_layers", f"{count} more", step=step, count=count)
        node = replace(node, shape=parts.nodes[sources[0]].shape, empty=parts.nodes[sources[0]].empty)
        target = parts.add(node)
        if not node.empty:
            parts.edges.extend(Edge(source, target, "y", parts.nodes[source].shape) for source in sources)
        above.append([target])
    return above


def _layer(
    parts: _Parts,
    config: RNNConfig,
    data: DataConfig,
    layer: int,
    steps: tuple[int | None, ...],
    below: list[list[str]],
    rows: dict[tuple[int, Direction], StateRow],
) -> list[list[str]]:
    above: list[list[str]] = [[] for _ in steps]
    for direction in config.directions:
        ids: list[str] = []
        for column, step in enumerate(steps):
            name = f"cell_l{layer}_{direction}_{_tag(step)}"
            if step is None:
                count = (data.seq_len or 0) - len(steps) + 1
                more = replace(_more(name, count), layer=layer, direction=direction, empty=_ended(data, column))
                ids.append(parts.add(more))
                continue
            ended = _ended(data, step)
            shape = None if ended else _at(data, step, config.H_out)
            node = Node(name, "cell", config.definition.class_name, shape, layer, direction, step, empty=ended)
            ids.append(parts.add(node))
            above[column].append(name)
            if not ended:
                parts.edges.extend(Edge(s, name, "x", parts.nodes[s].shape, direction) for s in below[column])
        _recurrence(parts, config, data, rows[layer, direction], steps, ids)
    if config.D == 1:
        return above
    joined: list[list[str]] = []
    for step, cells in zip(steps, above, strict=True):
        if step is None:
            joined.append([])
            continue
        ended = _ended(data, step)
        shape = None if ended else _at(data, step, 2 * config.H_out)
        name = parts.add(Node(f"concat_l{layer}_{step}", "concat", "concat", shape, layer, None, step, empty=ended))
        if not ended:
            for cell in cells:
                parts.edges.append(Edge(cell, name, "y", parts.nodes[cell].shape, parts.nodes[cell].direction))
        joined.append([name])
    return joined


def _recurrence(
    parts: _Parts, config: RNNConfig, data: DataConfig, row: StateRow, steps: tuple[int | None, ...], ids: list[str]
) -> None:
    alive = [(name, step) for name, step in zip(ids, steps, strict=True) if not parts.nodes[name].empty]
    if row.direction == "reverse":
        alive.reverse()
    for kind in reversed(tuple(config.definition.states)):
        width = config.H_out if kind == "h" else config.hidden_size
        whole = _whole(data, width)
        first = Node(f"{kind}_0_{row.row}", "state", f"{kind}_0[{row.row}]", whole, row.layer, row.direction)
        last = replace(first, id=f"{kind}_n_{row.row}", name=f"{kind}_n[{row.row}]")
        last = replace(last, in_output=row.in_output if kind == "h" else None)
        chain = [parts.add(first), *(name for name, _ in alive), parts.add(last)]
        for number, (source, target) in enumerate(pairwise(chain)):
            shape: Shape | None = whole
            if 0 < number < len(alive):
                between = [alive[number - 1][1], alive[number][1]]
                later = max((step for step in between if step is not None), default=None)
                shape = None if later is None or None in between else _at(data, later, width)
            parts.edges.append(Edge(source, target, kind, shape, row.direction))


def _sequences(data: DataConfig, steps: tuple[int | None, ...]) -> tuple[Sequence, ...]:
    if data.lengths is None:
        return ()
    shown = []
    for index in omit(len(data.lengths), MAX_SEQUENCES):
        if index is None:
            shown.append(Sequence(-1, 0, (), len(data.lengths) - MAX_SEQUENCES))
        else:
            length = data.lengths[index]
            shown.append(Sequence(index, length, tuple(None if step is None else step < length for step in steps)))
    return tuple(shown)


def _notes(config: RNNConfig, data: DataConfig, steps: tuple[int | None, ...], layers: tuple[int | None, ...]) -> list[str]:
    notes = []
    if None in steps:
        count, first = (data.seq_len or 0) - len(steps) + 1, steps.index(None)
        notes.append(f"{count} of {plural(data.seq_len or 0, 'step')} {_is(count)} not drawn ({_span(first, count)})")
    if None in layers:
        count, first = config.num_layers - len(layers) + 1, layers.index(None)
        notes.append(f"{count} of {plural(config.num_layers, 'layer')} {_is(count)} not drawn ({_span(first, count)})")
    if config.dropout and config.num_layers > 1:
        notes.append(f"dropout {config.dropout:g} acts on what a layer passes up, in training only")
    if data.lengths is not None and len(set(data.lengths)) > 1:
        forward = "h_n of each sequence is the state after its own last step"
        notes.append(f"forward, {forward}; reverse, it starts at that step" if config.bidirectional else forward)
        notes.append("x_t has only the sequences that have not ended; in output, the rows of the others are 0")
    return notes


def _is(count: int) -> str:
    return "is" if count == 1 else "are"


def _span(start: int, count: int) -> str:
    return str(start) if count == 1 else f"{start} to {start + count - 1}"


def _describe(config: RNNConfig, data: DataConfig) -> str:
    shapes = tensors(config, data)
    text = (
        f"{plural(data.seq_len or 0, 'time step')} from left to right, {plural(config.num_layers, 'layer')} from bottom to top."
    )
    text += f" Below, input {shape_text(shapes['input'].shape)}; on top, output {shape_text(shapes['output'].shape)}."
    if config.bidirectional:
        text += (
            " In each layer a forward row of cells reads from left to right and a reverse row from right to left;"
            f" their results, {config.H_out} wide each, are joined to {2 * config.H_out}."
        )
    above = f" Layers above the first read {config.D * config.H_out} features, the first {config.input_size}."
    text += above if config.num_layers > 1 else ""
    return text + f" h_0 and h_n {shape_text(shapes['h_n'].shape)} have one row for each layer and direction."
