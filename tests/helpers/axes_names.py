"""The names of `usual_names` with PyTorch's own values, to evaluate the same expressions."""

from typing import Any

from rnndims.axes.call_results import ModuleResults, StateOrPair, usual_names
from rnndims.axes.named_tensor import NamedTensor
from rnndims.config import DataConfig, RNNConfig


def real_names(config: RNNConfig, data: DataConfig) -> dict[str, Any]:
    """Run a real module once, and give every usual name its value."""
    import torch
    from torch import nn
    from torch.nn.utils.rnn import pack_padded_sequence, pad_packed_sequence

    arguments = {"bias": config.bias}
    if not config.is_cell:
        arguments.update(
            num_layers=config.num_layers,
            bidirectional=config.bidirectional,
            batch_first=config.batch_first,
            dropout=config.dropout,
        )
    if config.proj_size:
        arguments["proj_size"] = config.proj_size
    module = getattr(nn, config.class_name)(config.input_size, config.hidden_size, **arguments)
    lead = (
        [data.seq_len]
        if data.unbatched
        else [data.batch_size, data.seq_len]
        if config.batch_first
        else [data.seq_len, data.batch_size]
    )
    x = torch.randn(*lead, config.input_size)
    with torch.no_grad():
        if data.lengths:
            first = config.batch_first
            packed = pack_padded_sequence(x, torch.tensor(data.lengths), batch_first=first, enforce_sorted=False)
            output, state = module(packed)
            output, lengths = pad_packed_sequence(output, batch_first=first)
        else:
            output, state = module(x)
            lengths = None
    h_n, c_n = state if isinstance(state, tuple) else (state, None)
    tensors = {"input": x, "output": output, "h_n": h_n, "c_n": c_n, "lengths": lengths}
    found: dict[str, Any] = {"torch": torch, "nn": nn, "F": nn.functional, "len": len}
    for name, value in usual_names(config, data).items():
        if isinstance(value, NamedTensor):
            (source,) = value.sources
            found[name] = tensors[source]
        elif isinstance(value, StateOrPair):
            found[name] = state
        elif isinstance(value, ModuleResults):
            found[name] = module
        else:
            found[name] = int(value) if isinstance(value, int) else state
    return found


def evaluated(text: str, names: dict[str, Any]) -> Any:
    """The value of an expression in PyTorch. ``hidden[-1]`` of a pair is read as h_n, as the reader does."""
    import torch

    if "hidden[-" in text and isinstance(names.get("hidden"), tuple):
        names = {**names, "hidden": names["h_n"]}
    with torch.no_grad():
        return eval(text, {}, names)


def shapes(value: Any) -> Any:
    """Shapes of a result, whichever of the two worlds it comes from."""
    if isinstance(value, NamedTensor):
        return value.sizes
    if isinstance(value, (tuple, list)):
        return [shapes(item) for item in value]
    return tuple(value.shape) if hasattr(value, "shape") else value
