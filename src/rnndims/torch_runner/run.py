"""``run``: build the configured module, run it once, and read everything off the tensors it returned."""

from dataclasses import replace
from typing import Any, Final, NamedTuple

from .. import cost, shapes
from ..config import DataConfig, RNNConfig
from ..errors import MachineError
from ..measurements import Measured
from ..shapes import Packed
from ._torch import load_torch
from .build import Inputs, build_module, make_inputs, torch_errors
from .compare import same_numbers
from .device import pick_device
from .expression import evaluate
from .load import Given
from .memory import check_fits
from .values import check_values, to_values

MAX_LAYERS: Final = 10_000
"""PyTorch takes a time that grows with the square of the layers: about 10 s here."""

FUSED_FROM: Final = 500
"""Steps on ``meta`` (a millisecond each) beyond which PyTorch's shape function of the fused kernel answers for all of them."""


class Outcome(NamedTuple):
    """Tensors in the order of the call, and the packed batch if there was one."""

    tensors: dict[str, Any]
    packed: Packed | None
    method: str


def run(
    config: RNNConfig, data: DataConfig, *, device: str = "cpu", seed: int = 0, values: bool = False, given: Given | None = None
) -> Measured:
    """Builds the module of ``config``, feeds it ``data``, and measures.

    The module is in evaluation mode, so dropout, which acts in training only, changes nothing, and the call is made in
    inference mode. Weights, input and initial states are random but seeded, the same on every device. With ``lengths``
    the input is packed (``enforce_sorted=False``), run, and padded again; rows stay in the order of ``lengths``.
    On ``meta`` nothing is computed, so any size is answered, and ``states_verified`` is ``None``.

    Args:
        config: the module.
        data: what it is fed.
        device: ``cpu``, ``cuda``, ``cuda:1``, ``mps``, ``meta``, ..., or ``auto``.
        seed: of the weights and of the input.
        values: also hand out the numbers.
        given: weights, inputs and states to take instead of seeded ones, and where to keep the results.

    Raises:
        MachineError: torch or the device is missing, it cannot run this dtype, or there is not enough memory.
        ConfigError: no such seed, or ``values`` of a device that has no numbers.
    """
    torch = load_torch()
    place = pick_device(torch, device)
    check_size(torch, config, data, place, values=values)
    with torch_errors(torch, config, data, place) as warned:
        module = build_module(torch, config, data.dtype, place, seed)
        inputs = make_inputs(torch, config, data, place, seed)
        if given is not None:
            given.fill(torch, module)
            inputs = given.replace(torch, inputs, layered=False)
        measured = measure(torch, module, inputs, config, data, values=values, given=given)
    return replace(measured, warnings=tuple(warned))


def check_size(torch: Any, config: RNNConfig, data: DataConfig, place: Any, *, values: bool, copies: int = 1) -> None:
    """Refuses, before anything is allocated, what would not fit (``copies`` times) or not end.

    Raises:
        MachineError: too much memory, or too many layers.
        ConfigError: too many numbers to print.
    """
    if config.num_layers * config.D > MAX_LAYERS:
        raise MachineError(
            f"PyTorch would take very long to build {config.num_layers * config.D} layers (both directions counted)",
            fix="Ask for fewer layers; `rnndims dims` lists them without building them.",
        )
    check_fits(torch, config, data, place, copies)
    if values:
        numbers = sum(tensor.numel for tensor in shapes.tensors(config, data).values())
        check_values(numbers + cost.parameters(config), place)


def measure(
    torch: Any,
    module: Any,
    inputs: Inputs,
    config: RNNConfig,
    data: DataConfig,
    *,
    values: bool,
    given: Given | None = None,
) -> Measured:
    """Runs ``module`` once and reads shapes, parameters, states and numbers off it."""
    outcome = forward(torch, module, inputs, config, data)
    if given is not None:
        given.keep({name: tensor for name, tensor in outcome.tensors.items() if name not in Inputs._fields})
    weights = dict(module.named_parameters())
    numbers = {name: to_values(torch, tensor) for name, tensor in {**outcome.tensors, **weights}.items()} if values else None
    return Measured(
        device=str(inputs.input.device),
        torch=torch.__version__,
        tensors={name: tuple(tensor.shape) for name, tensor in outcome.tensors.items()},
        weights={name: tuple(weight.shape) for name, weight in weights.items()},
        parameters=sum(weight.numel() for weight in weights.values()),
        packed=outcome.packed,
        states_verified=verify_states(torch, outcome.tensors, config, data),
        values=numbers,
        method=outcome.method,
    )


def forward(torch: Any, module: Any, inputs: Inputs, config: RNNConfig, data: DataConfig) -> Outcome:
    """One call of ``module``, packed if ``data`` has lengths."""
    given = inputs.named()
    if config.is_cell:
        state = module(inputs.input, inputs.state)
        results = {"h_1": state} if inputs.c_0 is None else {"h_1": state[0], "c_1": state[1]}
        return Outcome({**given, **results}, None, "forward")
    rnn = torch.nn.utils.rnn
    fed, packed = inputs.input, None
    if data.lengths is not None:
        lengths = torch.tensor(data.lengths, dtype=torch.int64)
        fed = rnn.pack_padded_sequence(inputs.input, lengths, batch_first=config.batch_first, enforce_sorted=False)
    fused = inputs.input.is_meta and (data.seq_len or 0) * config.num_layers * config.D > FUSED_FROM
    output, state = _shape_function(torch, module, fed, inputs, config) if fused else module(fed, inputs.state)
    if data.lengths is not None:
        packed = Packed(tuple(fed.data.shape), tuple(output.data.shape), tuple(fed.batch_sizes.tolist()))
        if output.data.is_meta:  # the order of the batch is a number too, and meta has none; the shape is the same without it
            output = rnn.PackedSequence(output.data, output.batch_sizes)
        output, _ = rnn.pad_packed_sequence(output, batch_first=config.batch_first)
    results = {"output": output}
    results.update({"h_n": state} if inputs.c_0 is None else {"h_n": state[0], "c_n": state[1]})
    return Outcome({**given, **results}, packed, "shape function" if fused else "forward")


def _shape_function(torch: Any, module: Any, fed: Any, inputs: Inputs, config: RNNConfig) -> tuple[Any, Any]:
    """``module(fed, state)`` on ``meta`` by PyTorch's own shape function of the fused kernel: all steps at once."""
    kernel = getattr(torch.ops.aten, "_cudnn_rnn", None)
    if kernel is None:
        raise MachineError(f"PyTorch {torch.__version__} needs a millisecond a step on meta", fix="Ask for fewer steps.")
    is_packed = isinstance(fed, torch.nn.utils.rnn.PackedSequence)
    sequence = fed.data if is_packed else fed
    unbatched = sequence.dim() == 2 and not is_packed
    batch_first = config.batch_first and not unbatched and not is_packed
    h_0, c_0 = inputs.h_0, inputs.c_0
    if unbatched:
        sequence, h_0, c_0 = sequence.unsqueeze(1), h_0.unsqueeze(1), None if c_0 is None else c_0.unsqueeze(1)
    mode = config.definition.kernel_modes[config.nonlinearity]
    kinds = len(module._all_weights[0])
    sizes = fed.batch_sizes.tolist() if is_packed else []
    output, h_n, c_n, *_ = kernel(
        sequence, module._flat_weights, kinds, None, h_0, c_0, mode, config.hidden_size, config.proj_size,
        config.num_layers, batch_first, 0.0, False, config.bidirectional, sizes, None,
    )  # fmt: skip
    if unbatched:
        output, h_n, c_n = output.squeeze(1), h_n.squeeze(1), None if inputs.c_0 is None else c_n.squeeze(1)
    if is_packed:
        output = torch.nn.utils.rnn.PackedSequence(output, fed.batch_sizes)
    return output, h_n if inputs.c_0 is None else (h_n, c_n)


def verify_states(torch: Any, tensors: dict[str, Any], config: RNNConfig, data: DataConfig) -> bool | None:
    """Whether each ``in_output`` expression, evaluated as it is written, gives the numbers of its row of ``h_n``.

    ``None`` where there is nothing to compare: ``meta``, or a cell.
    """
    if config.is_cell or tensors["output"].is_meta:
        return None
    output, h_n = tensors["output"], tensors["h_n"]
    names = {"output": output}
    if data.lengths is not None:
        names["lengths"] = torch.tensor(data.lengths, dtype=torch.int64, device=output.device)
        names["n"] = torch.arange(len(data.lengths), device=output.device)
    return all(
        same_numbers(torch, evaluate(state.in_output, names), h_n[state.row])
        for state in shapes.states(config, data)
        if state.in_output is not None
    )
