"""Closed form: the shape of every tensor, state row and weight of a configuration, by arithmetic alone.

The rules are those of the documentation of ``torch.nn``'s recurrent modules, their cells and
``torch.nn.utils.rnn.pack_padded_sequence``. Symbols: ``L`` steps, ``N`` sequences, ``D`` directions, ``G`` gates,
``H_in`` input size, ``H_cell`` hidden size, ``H_out`` projection size if there is one, else hidden size.
"""

from collections.abc import Iterator
from math import prod
from typing import Final, NamedTuple

from .config import DataConfig, RNNConfig
from .errors import MachineError
from .weight_names import Direction, suffix

Shape = tuple[int, ...]

MAX_LISTED: Final = 1_000_000
"""The most weights, or packed steps, that are listed one by one; a module beyond it cannot be built anyway."""


class Tensor(NamedTuple):
    """One tensor that goes in or comes out.

    ``dims`` has the symbolic name of each dim and ``shape`` its size, in the same order.
    """

    name: str
    dims: tuple[str, ...]
    shape: Shape
    numel: int
    bytes: int


class Weight(NamedTuple):
    """One parameter of the module. ``gates`` has the range of rows ``[start, stop)`` of each gate; none for ``weight_hr``."""

    name: str
    layer: int
    direction: Direction
    dims: tuple[str, ...]
    shape: Shape
    numel: int
    bytes: int
    gates: dict[str, tuple[int, int]]


class StateRow(NamedTuple):
    """One row of ``h_n``: its layer and direction, and the expression for the same numbers in ``output``, if it has them."""

    row: int
    layer: int
    direction: Direction
    in_output: str | None


class Packed(NamedTuple):
    """A packed batch: shapes of ``PackedSequence.data`` before and after the module, and ``batch_sizes`` (one per step)."""

    input_data: Shape
    output_data: Shape
    batch_sizes: tuple[int, ...]


def tensors(config: RNNConfig, data: DataConfig) -> dict[str, Tensor]:
    """Every tensor that goes in or comes out, in the order of the call: inputs and states first, then the results.

    Shapes: ``input`` (L, N, H_in), ``h_0``/``h_n`` (D*num_layers, N, H_out), ``c_0``/``c_n`` (D*num_layers, N, H_cell),
    ``output`` (L, N, D*H_out); with ``batch_first`` L and N are swapped in ``input`` and ``output`` only; unbatched
    data has no N. A cell has ``input`` (N, H_in) and states (N, H_cell), called ``h_1`` and ``c_1`` afterwards.
    """
    if config.is_cell:
        return _cell_tensors(config, data)
    rows, steps, batch = config.D * config.num_layers, data.seq_len or 0, data.batch_size
    out_steps = max(data.lengths) if data.lengths else steps
    lead: tuple[str, ...]
    in_lead: Shape
    out_lead: Shape
    if batch is None:
        lead, in_lead, out_lead = ("L",), (steps,), (out_steps,)
    elif config.batch_first:
        lead, in_lead, out_lead = ("N", "L"), (batch, steps), (batch, out_steps)
    else:
        lead, in_lead, out_lead = ("L", "N"), (steps, batch), (out_steps, batch)
    state_dims = ("D*num_layers",) if batch is None else ("D*num_layers", "N")
    state_lead = (rows,) if batch is None else (rows, batch)
    itemsize, h_out = data.itemsize, config.H_out
    hidden, *others = config.definition.states
    h_dims, h_shape = (*state_dims, "H_out"), (*state_lead, h_out)
    c_dims, c_shape = (*state_dims, "H_cell"), (*state_lead, config.hidden_size)
    tensors = {"input": _tensor("input", (*lead, "H_in"), (*in_lead, config.input_size), itemsize)}
    for end in ("_0", "_n"):
        if end == "_n":
            tensors["output"] = _tensor("output", (*lead, "D*H_out"), (*out_lead, config.D * h_out), itemsize)
        tensors[hidden + end] = _tensor(hidden + end, h_dims, h_shape, itemsize)
        for state in others:
            tensors[state + end] = _tensor(state + end, c_dims, c_shape, itemsize)
    return tensors


def _cell_tensors(config: RNNConfig, data: DataConfig) -> dict[str, Tensor]:
    batch = data.batch_size
    dims: tuple[str, ...] = () if batch is None else ("N",)
    lead: Shape = () if batch is None else (batch,)
    tensors = {"input": _tensor("input", (*dims, "H_in"), (*lead, config.input_size), data.itemsize)}
    for step in (0, 1):
        for state in config.definition.states:
            name = f"{state}_{step}"
            tensors[name] = _tensor(name, (*dims, "H_cell"), (*lead, config.hidden_size), data.itemsize)
    return tensors


def _tensor(name: str, dims: tuple[str, ...], shape: Shape, itemsize: int) -> Tensor:
    numel = prod(shape)
    return Tensor(name, dims, shape, numel, numel * itemsize)


def weights(config: RNNConfig, itemsize: int) -> dict[str, Weight]:
    """Every parameter by its name in the ``state_dict``, in PyTorch's order: layer, then direction, then kind.

    Shapes: ``weight_ih`` (G*H_cell, H_in) in layer 0 and (G*H_cell, D*H_out) above, ``weight_hh`` (G*H_cell, H_out),
    ``bias_ih`` and ``bias_hh`` (G*H_cell,), ``weight_hr`` (proj_size, H_cell).

    Args:
        config: the module.
        itemsize: bytes of one element, for ``Weight.bytes``.

    Raises:
        MachineError: if there are more of them than can be listed.
    """
    _check_listable(config)
    rows, h_out, gates = config.G * config.hidden_size, config.H_out, gate_rows(config)
    biases = ("bias_ih", "bias_hh") if config.bias else ()
    projection = (config.proj_size, config.hidden_size)
    recurrent, projected = rows * h_out, prod(projection)
    listed: dict[str, Weight] = {}
    for layer in range(config.num_layers):
        width = config.layer_input_size(layer)
        read = rows * width
        dims = ("G*H_cell", "D*H_out") if layer else ("G*H_cell", "H_in")
        for direction in config.directions:
            end = suffix(None if config.is_cell else layer, direction)
            name = "weight_ih" + end
            listed[name] = Weight(name, layer, direction, dims, (rows, width), read, read * itemsize, gates)
            name = "weight_hh" + end
            listed[name] = Weight(
                name, layer, direction, ("G*H_cell", "H_out"), (rows, h_out), recurrent, recurrent * itemsize, gates
            )
            for bias in biases:
                name = bias + end
                listed[name] = Weight(name, layer, direction, ("G*H_cell",), (rows,), rows, rows * itemsize, gates)
            if projected:
                name = "weight_hr" + end
                listed[name] = Weight(
                    name, layer, direction, ("proj_size", "H_cell"), projection, projected, projected * itemsize, {}
                )
    return listed


def _check_listable(config: RNNConfig) -> None:
    if config.num_layers * config.D * 5 > MAX_LISTED:
        raise MachineError(
            f"{config.num_layers} layers have more weights than the {MAX_LISTED} that can be listed one by one",
            fix="Ask for fewer layers: all layers above the first are alike.",
        )


def gate_rows(config: RNNConfig) -> dict[str, tuple[int, int]]:
    """Range of rows ``[start, stop)`` of each gate in the weights and biases, under PyTorch's letters."""
    size = config.hidden_size
    return {gate: (i * size, (i + 1) * size) for i, gate in enumerate(config.definition.gates)}


def gate_slices(weight: Weight) -> dict[str, tuple[int, int]]:
    """The parts of a parameter under the names of PyTorch's equations, with their rows ``[start, stop)``.

    With the gates ``r z n``, ``weight_ih`` has ``W_ir W_iz W_in`` and ``bias_hh`` has ``b_hr b_hz b_hn``; ``weight_hr`` has no
    gates and is one part, ``W_hr``.
    """
    kind, _, operands = weight.name.partition("_l")[0].partition("_")
    letter = "W" if kind == "weight" else "b"
    if not weight.gates:
        return {f"{letter}_{operands}": (0, weight.shape[0])}
    return {f"{letter}_{operands[0]}{gate}": rows for gate, rows in weight.gates.items()}


def states(config: RNNConfig, data: DataConfig) -> Iterator[StateRow]:
    """The rows of ``h_n`` in order: row r is layer ``r // D``, direction ``r % D``. None for a cell.

    ``in_output`` is an indexing expression of the last layer's rows in the layout at hand: the forward direction ends at
    the last step (with ``lengths``, at each sequence's own, where ``n`` is ``arange(N)``), the reverse one at step 0.

    Raises:
        MachineError: if there are more of them than can be listed.
    """
    _check_listable(config)
    if config.is_cell:
        return
    last, row = config.num_layers - 1, 0
    for layer in range(config.num_layers):
        for direction in config.directions:
            yield StateRow(row, layer, direction, _in_output(config, data, direction) if layer == last else None)
            row += 1


def _in_output(config: RNNConfig, data: DataConfig, direction: Direction) -> str:
    h_out = config.H_out
    columns = f"0:{h_out}" if direction == "forward" else f"{h_out}:{2 * h_out}"
    batch_first = config.batch_first and not data.unbatched
    if data.lengths and direction == "forward":
        return f"output[n, lengths-1, {columns}]" if batch_first else f"output[lengths-1, n, {columns}]"
    step = "-1" if direction == "forward" else "0"
    if data.unbatched:
        return f"output[{step}, {columns}]"
    return f"output[:, {step}, {columns}]" if batch_first else f"output[{step}, :, {columns}]"


def packed(config: RNNConfig, data: DataConfig) -> Packed | None:
    """Shapes of the packed batch that ``lengths`` ask for; ``None`` without ``lengths`` and for a cell.

    ``batch_sizes[t]`` is the number of sequences longer than ``t``.

    Raises:
        MachineError: if there are more steps than can be listed.
    """
    if data.lengths is None or config.is_cell:
        return None
    longest = max(data.lengths)
    if longest > MAX_LISTED:
        raise MachineError(
            f"a packed batch of {longest} steps has as many batch sizes, more than the {MAX_LISTED} that can be listed",
            fix="Ask for shorter lengths.",
        )
    ended = [0] * (longest + 1)
    for length in data.lengths:
        ended[length] += 1
    alive, sizes = len(data.lengths), []
    for step in range(longest):
        alive -= ended[step]
        sizes.append(alive)
    valid = sum(data.lengths)
    return Packed((valid, config.input_size), (valid, config.D * config.H_out), tuple(sizes))
