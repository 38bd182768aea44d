"""``concat-demo``: the two directions as two modules of one direction, joined, against the bidirectional module."""

from dataclasses import replace
from typing import Any, Final, NamedTuple

from ..config import DataConfig, RNNConfig
from ..constructor import format_constructor
from ..errors import ConfigError
from ..measurements import ConcatDemo, Half, LayerJoin, WayBack
from ..results import Dims
from ..shapes import Shape
from ..weight_names import Direction, suffix
from ._torch import load_torch
from .build import Inputs, build_module, make_inputs, torch_errors
from .hardware import pick_device
from .measure import check_size, forward
from .numerics import check_values, compare, full_precision, same_numbers, to_values
from .step_through import FEW

EXAMPLE: Final[Shape] = (3, 2, 4)
"""Shape of each half of the fixed example."""


class Joined(NamedTuple):
    """One layer rebuilt: both halves in the order of the input's steps, and both joined."""

    forward: Any
    reverse: Any
    output: Any


def concat_demo() -> ConcatDemo:
    """The fixed example: forward 0.1, 0.2, ... 2.4 and reverse 2.5, ... 4.8, both (3, 2, 4), joined to (3, 2, 8).

    Raises:
        MachineError: if torch is missing.
    """
    torch = load_torch()
    numbers = (torch.arange(1, 49, dtype=torch.float64) / 10).float()
    first, second = (half.view(EXAMPLE) for half in numbers.chunk(2))
    output = torch.cat([first, second], dim=-1)
    joined = Joined(first, second, output)
    return ConcatDemo(
        forward=_half(torch, first, keep=True),
        reverse=_half(torch, second, keep=True),
        output=_half(torch, output, keep=True),
        dims=("L", "N", "2*H"),
        ways_back=ways_back(torch, joined, ("L", "N")),
        comparison=compare(torch, [(output[..., :4], first), (output[..., 4:], second)], 1),
        dims_of_module=None,
        layers=(),
        device="cpu",
        torch=torch.__version__,
    )


def as_bidirectional(config: RNNConfig) -> RNNConfig:
    """The same module with both directions.

    Raises:
        ConfigError: if it is a cell, which has one direction.
    """
    if config.is_cell:
        raise ConfigError("is_cell", f"nn.{config.class_name}", "a cell has one direction, so there is nothing to join")
    return replace(config, bidirectional=True)


def concat_module(dims: Dims, *, device: str = "cpu", seed: int = 0, values: bool = False) -> ConcatDemo:
    """Run the bidirectional module of ``dims``, and each of its directions as a module of its own, layer by layer.

    The reverse half reads each sequence from its last valid step to its first, and its results are put back in order. Both
    halves of layer k read the joined output of layer k - 1. Few numbers are always kept, many only with ``values``. The
    reverse half multiplies the same rows in another order, so the last bit of a number may differ.

    Args:
        dims: the closed form of the module and its input.
        device: as for ``run``.
        seed: of the weights and of the input.
        values: keep the numbers however many there are.

    Raises:
        ConfigError: if the module has one direction; or as for ``run``.
        MachineError: as for ``run``.
    """
    config, data = dims.config, dims.data
    if not config.bidirectional:
        raise ConfigError("bidirectional", False, "there must be two directions to join")
    torch = load_torch()
    torch_device = pick_device(torch, device)
    check_size(torch, dims, torch_device, values=False, copies=2)
    count = 2 * dims.tensors["output"].numel
    if values:
        check_values(count, torch_device)
    with torch_errors(torch, dims, torch_device) as warned, full_precision(torch, torch_device):
        module = build_module(torch, config, data.dtype, torch_device, seed)
        inputs = make_inputs(torch, dims, torch_device, seed)
        tensors = forward(torch, module, inputs, config, data).tensors
        layers, joined, states = rebuild(torch, module, inputs, config, data)
        pairs = [(joined.output, tensors["output"]), *((state, tensors[name]) for name, state in states.items())]
        comparison = compare(torch, pairs, config.input_size + config.hidden_size)
        keep = (values or count <= FEW) and torch_device.type != "meta"
        lead = tuple(dims.tensors["output"].dims[:-1])
        demo = ConcatDemo(
            forward=_half(torch, joined.forward, keep=keep),
            reverse=_half(torch, joined.reverse, keep=keep),
            output=_half(torch, tensors["output"], keep=keep),
            dims=dims.tensors["output"].dims,
            ways_back=ways_back(torch, joined, lead),
            comparison=comparison,
            dims_of_module=dims,
            layers=layers,
            device=str(inputs.input.device),
            torch=torch.__version__,
        )
    return replace(demo, warnings=tuple(warned))


def ways_back(torch: Any, joined: Joined, lead: tuple[str, ...]) -> tuple[WayBack, ...]:
    """``output`` split by ``view`` and by ``chunk``, each compared with the two halves.

    ``lead`` names the dims before the last: (L, N, 2*H) -> (L, N, 2, H), or twice (L, N, H).
    """
    output, width = joined.output, joined.forward.shape[-1]
    view = output.view(*output.shape[:-1], 2, width)
    colons = ", ".join(":" for _ in lead)
    chunks = output.chunk(2, dim=-1)
    return (
        WayBack(
            f"output.view({', '.join(lead)}, 2, H)",
            tuple(view.shape),
            (f"[{colons}, 0]", f"[{colons}, 1]"),
            _both(torch, joined, (view[..., 0, :], view[..., 1, :])),
        ),
        WayBack("output.chunk(2, dim=-1)", tuple(chunks[0].shape), ("[0]", "[1]"), _both(torch, joined, chunks)),
    )


def _both(torch: Any, joined: Joined, parts: Any) -> bool | None:
    if joined.output.is_meta:
        return None
    halves = (joined.forward, joined.reverse)
    return all(same_numbers(torch, part, half) for part, half in zip(parts, halves, strict=True))


def _half(torch: Any, tensor: Any, *, keep: bool) -> Half:
    return Half(tuple(tensor.shape), to_values(torch, tensor) if keep else None)


def rebuild(
    torch: Any, module: Any, inputs: Inputs, config: RNNConfig, data: DataConfig
) -> tuple[tuple[LayerJoin, ...], Joined, dict[str, Any]]:
    """The layers of ``module``, each as two modules of one direction.

    Returns:
        Each layer's shapes and weights; both halves (L, N, H_out) of the last layer and both joined (L, N, 2*H_out), with
        ``batch_first`` (N, L, ...); and the final states ``h_n`` and ``c_n`` of all layers, stacked as PyTorch does.
    """
    sequence, layers = inputs.input, []
    joined = Joined(sequence, sequence, sequence)
    rows: dict[str, list[Any]] = {}
    for layer in range(config.num_layers):
        single = replace(config, num_layers=1, bidirectional=False, dropout=0.0, input_size=config.layer_input_size(layer))
        halves = []
        for index, direction in enumerate(config.directions):
            half, names = _take_direction(torch, module, single, data, layer, direction, sequence.device)
            row = slice(2 * layer + index, 2 * layer + index + 1)
            state = (inputs.h_0[row], None if inputs.c_0 is None else inputs.c_0[row])
            read = sequence if direction == "forward" else turn(torch, sequence, config, data)
            steps = max(data.lengths) if data.lengths and layer else data.seq_len
            results = forward(torch, half, Inputs(read, *state), single, replace(data, seq_len=steps)).tensors
            output = results["output"]
            halves.append((output if direction == "forward" else turn(torch, output, config, data), names))
            for name in ("h_n", "c_n"):
                if name in results:
                    rows.setdefault(name, []).append(results[name])
        (first, forward_names), (second, reverse_names) = halves
        joined = Joined(first, second, torch.cat([first, second], dim=-1))
        below, left, right, both = (tuple(tensor.shape) for tensor in (sequence, *joined))
        layers.append(LayerJoin(layer, format_constructor(single), below, left, right, both, forward_names, reverse_names))
        sequence = joined.output
    return tuple(layers), joined, {name: torch.cat(parts) for name, parts in rows.items()}


def _take_direction(
    torch: Any, module: Any, single: RNNConfig, data: DataConfig, layer: int, direction: Direction, device: Any
) -> tuple[Any, tuple[str, ...]]:
    """A module of one direction with copies of that direction's weights, and the names these have in ``module``."""
    half = build_module(torch, single, data.dtype, device, 0)
    names = []
    for name, weight in half.named_parameters():
        original = name.removesuffix("_l0") + suffix(layer, direction)
        names.append(original)
        if not weight.is_meta:
            weight.copy_(getattr(module, original))
    return half, tuple(names)


def turn(torch: Any, sequence: Any, config: RNNConfig, data: DataConfig) -> Any:
    """``sequence`` with the valid steps of each sequence in reverse order; the padding after them is not moved."""
    time = 1 if config.batch_first and not data.unbatched else 0
    if data.lengths is None:
        return sequence.flip(time)
    steps = torch.arange(sequence.shape[time], device=sequence.device)
    lengths = torch.tensor(data.lengths, device=sequence.device).unsqueeze(1)
    order = torch.where(steps < lengths, lengths - 1 - steps, steps)
    order = (order if time == 1 else order.T).unsqueeze(-1).expand(sequence.shape)
    return sequence.gather(time, order)
