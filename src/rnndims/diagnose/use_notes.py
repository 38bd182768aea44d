"""Expressions of a result whose shape fits and whose numbers are not what they seem."""

from typing import Any

from ..config import RNNConfig
from ..shapes import Shape
from .uses import Use, reshape


def use_notes(use: Use, config: RNNConfig, lengths: tuple[int, ...] | None) -> list[str]:
    """What is wrong with the numbers that an expression takes, though its shape fits."""
    if config.is_cell or not use.steps:
        return []
    step, arguments, shape = use.steps[0]
    notes = []
    if step == "index" and use.name == "output":
        notes += _output_index(use.text, arguments, config, lengths, shape)
    elif step == "index":
        notes += _state_index(use, arguments, config)
    elif step in ("view", "reshape") and shape:
        notes += _mixing(use, arguments, config, shape)
    return notes


def _both(name: str = "h_n") -> str:
    return f"torch.cat([{name}[-2], {name}[-1]], dim=-1)"


def _output_index(
    text: str, items: tuple[Any, ...], config: RNNConfig, lengths: tuple[int, ...] | None, shape: Shape
) -> list[str]:
    unbatched = len(shape) == 2
    time = 1 if config.batch_first and not unbatched else 0
    batch = None if unbatched else 1 - time
    if ... in items:
        return []
    at = [dim for dim, item in enumerate(items) if isinstance(item, int)]
    if batch in at and time not in at:
        last = "output[:, -1]" if config.batch_first else "output[-1]"
        layout = "(N, L, D*H_out)" if config.batch_first else "(L, N, D*H_out)"
        return [f"{text} takes one sequence of the batch, not one step: output is {layout}; the last step is {last}"]
    if time not in at or items[time] not in (-1, (shape[time] - 1 if shape else -1)):
        return []
    notes = []
    if lengths and min(lengths) != max(lengths):
        notes.append(
            f"{text} is padding for every sequence shorter than {max(lengths)}: take "
            + (_both() if config.bidirectional else "h_n[-1]")
            + ", each sequence's own last step"
        )
    if config.bidirectional:
        notes.append(
            f"{text} of a bidirectional module is no summary of its reverse half: at the last step the reverse direction "
            f"has read one step only; take {_both()}"
        )
    return notes


def _state_index(use: Use, items: tuple[Any, ...], config: RNNConfig) -> list[str]:
    rows, name, text = config.D * config.num_layers, use.name, use.text
    row = items[0] if isinstance(items[0], int) else None
    if row is None:
        if len(items) > 1 and isinstance(items[1], int):
            return [f"{text} takes one sequence of the batch: {name} is (D*num_layers, N, H); the last layer is {name}[-1]"]
        return []
    row += rows if row < 0 else 0
    layer, direction = divmod(row, config.D)
    if config.bidirectional:
        which = "forward" if direction == 0 else "reverse"
        return [f"{text} is layer {layer}, {which} direction only; both directions of the last layer are {_both(name)}"]
    if layer != config.num_layers - 1:
        return [f"{text} is layer {layer} of {config.num_layers}; the last layer is {name}[-1]"]
    return []


def _mixing(use: Use, sizes: tuple[Any, ...], config: RNNConfig, shape: Shape) -> list[str]:
    """A view that does not keep the batch axis where it is: it cuts the numbers elsewhere and mixes sequences."""
    if len(shape) != 3 or not sizes or min(shape) == 0:
        return []
    target = reshape(shape, sizes)
    first, second, width = shape
    name, text = use.name, use.text
    if _keeps(target, first, second):
        if name == "output" and config.bidirectional and target[-1] == config.H_out and target[-2] != 2:
            return [
                f"{text} makes two rows of each step, one for each direction; keep {width} features, or split them: "
                f"output.view({first}, {second}, 2, {config.H_out})"
            ]
        return []
    if name == "output" and target[0] in (first * second, first * second * config.D):
        if config.bidirectional and target[-1] == config.H_out:
            return [
                f"{text} makes two rows of each step, one for each direction; output.reshape(-1, {width}) keeps them together"
            ]
        return []
    if first == 1 or second == 1:
        return []
    if name == "output":
        if config.batch_first and target[0] == first:
            return []
        batch = "output.reshape(N, -1)" if config.batch_first else f"output.transpose(0, 1).reshape({second}, -1)"
        return [f"{text} mixes the sequences of the batch: a view does not move axes; use {batch}"]
    return [
        f"{text} mixes layers, directions and sequences: {name} is (D*num_layers, N, H) and a view does not move axes; "
        f"use {name}.transpose(0, 1).reshape({second}, -1)"
    ]


def _keeps(target: Shape, first: int, second: int) -> bool:
    """Whether ``target`` has axes whose product is ``first`` and right behind them one of size ``second``."""
    product = 1
    for dim, size in enumerate(target):
        if product == first and size == second and dim > 0:
            return True
        product *= size
    return first == 1 and target[:1] == (second,)
