"""Why a shape is what it is, in a few words. Internal: the tables of ``dims`` and ``run`` show these words."""

from .config import DataConfig, RNNConfig
from .shapes import Tensor, Weight


def notes(config: RNNConfig) -> tuple[str, ...]:
    """Arguments that PyTorch accepts and that have no effect; PyTorch warns of them too."""
    if config.dropout and config.num_layers == 1:
        return (f"dropout {config.dropout} has no effect with one layer: it acts between layers, in training only",)
    return ()


def tensor(tensor: Tensor, config: RNNConfig, data: DataConfig) -> str:
    """Why an input or a result has its shape: a few words on the dim that is not obvious."""
    name = tensor.name
    if name == "input":
        return _input(config, data)
    if name == "output":
        return _output(config, data)
    if config.is_cell:
        return "one state for each sequence" if name.endswith("_0") else "the state after one step"
    rows, states, state = _rows(config), config.definition.states, name.partition("_")[0]
    if state != "h":
        return f"{rows}; the {states[state]} is never projected" if config.proj_size else rows
    if name == "h_0":
        return rows + (", whatever batch_first is" if config.batch_first and not data.unbatched else "")
    return f"{rows}, each at its last step" + (f", projected to {config.proj_size}" if config.proj_size else "")


def _input(config: RNNConfig, data: DataConfig) -> str:
    if config.is_cell:
        return "one step" + (" of one sequence" if data.unbatched else " of each sequence")
    if data.unbatched:
        return "one sequence, no batch dim" + ("; batch_first has no effect" if config.batch_first else "")
    if data.lengths:
        return "padded; packed before the call"
    return "batch_first: N before L" if config.batch_first else "steps first, then sequences"


def _output(config: RNNConfig, data: DataConfig) -> str:
    width = "" if config.D == 1 else "last dim is 2*H_out: forward and reverse concatenated"
    if data.lengths and data.seq_len != max(data.lengths):
        steps = f"padded to the longest length, {max(data.lengths)}"
        return f"{steps}; {width}" if width else steps
    return width or "h_t of the last layer, every step"


def _rows(config: RNNConfig) -> str:
    layers = f"{config.num_layers} layer{'s' if config.num_layers > 1 else ''}"
    return f"{layers} x {config.D} direction{'s' if config.D > 1 else ''}"


def weight(weight: Weight, config: RNNConfig) -> str:
    """Why a weight has its width: what it multiplies."""
    kind = weight.name.split("_l", 1)[0]
    if kind == "weight_ih":
        if weight.layer == 0:
            return "reads the input"
        below = f"reads layer {weight.layer - 1}'s output"
        return below + (", both directions" if config.bidirectional else "")
    if kind == "weight_hh":
        return "reads its own last state" + (", projected" if config.proj_size else "")
    if kind == "weight_hr":
        return "projects the state"
    return ""
