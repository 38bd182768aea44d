"""``run``: build the module, run it once, and read all shapes off the tensors it returned."""

import ast
from dataclasses import replace
from typing import Any, Final, NamedTuple

from ..config import DataConfig, RNNConfig
from ..errors import MachineError
from ..file_request import UserTensors
from ..measurements import Measured
from ..results import Dims
from ..shapes import Packed
from ._torch import load_torch
from .build import Inputs, build_module, make_inputs, torch_errors
from .hardware import check_fits, pick_device
from .numerics import check_values, same_numbers, to_values
from .user_tensors import check_save, load_weights, replace_inputs, save_results

MAX_LAYERS: Final = 10_000
"""Layers that PyTorch builds in about 10 s; the time grows with their square."""

FUSED_FROM: Final = 500
"""The most steps on ``meta`` that run one by one (a millisecond each); of more, the fused kernel's shape function gives all."""


class Outcome(NamedTuple):
    """Tensors in the order of the call, and the packed batch if there was one."""

    tensors: dict[str, Any]
    packed: Packed | None
    method: str


def run(
    dims: Dims, *, device: str = "cpu", seed: int = 0, values: bool = False, user_tensors: UserTensors | None = None
) -> Measured:
    """Build the module of ``dims``, call it once with an input of the shape of ``dims``, and measure.

    The module is in evaluation mode, so dropout, which acts in training only, changes nothing, and the call is made in
    inference mode. Weights, input and initial states are random but seeded, the same on every device. With ``lengths``
    the input is packed (``enforce_sorted=False``), run, and padded again; rows stay in the order of ``lengths``.
    On ``meta`` nothing is computed, so any size is answered, and ``states_verified`` is ``None``.

    Args:
        dims: the closed form of the module and its input; it says what is built, and is not copied into the answer.
        device: ``cpu``, ``cuda``, ``cuda:1``, ``mps``, ``meta``, ..., or ``auto``.
        seed: of the weights and of the input.
        values: also return the numbers.
        user_tensors: weights, input and states in place of seeded ones, and where to save the results.

    Raises:
        MachineError: if torch or the device is missing, it cannot run this dtype, or there is not enough memory.
        ConfigError: if PyTorch does not accept the seed, or ``values`` are asked of a device without numbers.
        FileError: if a file of ``user_tensors`` cannot be read or written.
    """
    torch = load_torch()
    torch_device = pick_device(torch, device)
    check_size(torch, dims, torch_device, values=values)
    if user_tensors is not None:
        check_save(torch, user_tensors, torch_device, dims.data.dtype)
    with torch_errors(torch, dims, torch_device) as warned:
        module = build_module(torch, dims.config, dims.data.dtype, torch_device, seed)
        inputs = make_inputs(torch, dims, torch_device, seed)
        if user_tensors is not None:
            load_weights(torch, module, user_tensors)
            inputs = replace_inputs(torch, inputs, user_tensors, layered=False)
        outcome = forward(torch, module, inputs, dims.config, dims.data)
        if user_tensors is not None:
            save_results({name: tensor for name, tensor in outcome.tensors.items() if name not in Inputs._fields}, user_tensors)
        measured = _read_off(torch, module, outcome, dims, values=values)
    return replace(measured, warnings=tuple(warned))


def check_size(torch: Any, dims: Dims, device: Any, *, values: bool, copies: int = 1) -> None:
    """Refuse, before anything is allocated, what would not fit into memory (``copies`` times) or take too long.

    Raises:
        MachineError: if it needs too much memory, or has too many layers.
        ConfigError: if there are too many numbers to return.
    """
    layers = dims.config.num_layers * dims.config.D
    if layers > MAX_LAYERS:
        raise MachineError(
            f"PyTorch would take very long to build {layers} layers (both directions counted)",
            fix="Ask for fewer layers. `rnndims dims` lists them without building them.",
        )
    check_fits(torch, dims, device, copies)
    if values:
        check_values(sum(tensor.numel for tensor in dims.tensors.values()) + dims.totals.parameters, device)


def _read_off(torch: Any, module: Any, outcome: Outcome, dims: Dims, *, values: bool) -> Measured:
    """Shapes, parameters, states and numbers of the module that was run."""
    tensors, weights = outcome.tensors, dict(module.named_parameters())
    return Measured(
        device=str(tensors["input"].device),
        torch=torch.__version__,
        tensors={name: tuple(tensor.shape) for name, tensor in tensors.items()},
        weights={name: tuple(weight.shape) for name, weight in weights.items()},
        parameters=sum(weight.numel() for weight in weights.values()),
        packed=outcome.packed,
        states_verified=verify_states(torch, tensors, dims),
        values={name: to_values(torch, tensor) for name, tensor in {**tensors, **weights}.items()} if values else None,
        method=outcome.method,
    )


def forward(torch: Any, module: Any, inputs: Inputs, config: RNNConfig, data: DataConfig) -> Outcome:
    """One call of ``module``, packed if ``data`` has lengths; the tensors have the shapes of ``shapes.tensors``."""
    arguments = inputs.named()
    if config.is_cell:
        state = module(inputs.input, inputs.state)
        results = {"h_1": state} if inputs.c_0 is None else {"h_1": state[0], "c_1": state[1]}
        return Outcome({**arguments, **results}, None, "forward")
    rnn = torch.nn.utils.rnn
    sequence, packed = inputs.input, None
    if data.lengths is not None:
        lengths = torch.tensor(data.lengths, dtype=torch.int64)
        sequence = rnn.pack_padded_sequence(inputs.input, lengths, batch_first=config.batch_first, enforce_sorted=False)
    fused = inputs.input.is_meta and (data.seq_len or 0) * config.num_layers * config.D > FUSED_FROM
    output, state = _shape_function(torch, module, sequence, inputs, config) if fused else module(sequence, inputs.state)
    if data.lengths is not None:
        packed = Packed(tuple(sequence.data.shape), tuple(output.data.shape), tuple(sequence.batch_sizes.tolist()))
        if output.data.is_meta:  # the order of the batch is a number too, and meta has none; the shape is the same without it
            output = rnn.PackedSequence(output.data, output.batch_sizes)
        output, _ = rnn.pad_packed_sequence(output, batch_first=config.batch_first)
    results = {"output": output}
    results.update({"h_n": state} if inputs.c_0 is None else {"h_n": state[0], "c_n": state[1]})
    return Outcome({**arguments, **results}, packed, "shape function" if fused else "forward")


def _shape_function(torch: Any, module: Any, passed: Any, inputs: Inputs, config: RNNConfig) -> tuple[Any, Any]:
    """``module(passed, state)`` on ``meta`` by PyTorch's own shape function of the fused kernel: all steps at once."""
    kernel = getattr(torch.ops.aten, "_cudnn_rnn", None)
    if kernel is None:
        raise MachineError(f"PyTorch {torch.__version__} needs a millisecond for each step on meta", fix="Ask for fewer steps.")
    is_packed = isinstance(passed, torch.nn.utils.rnn.PackedSequence)
    sequence = passed.data if is_packed else passed
    unbatched = sequence.dim() == 2 and not is_packed
    batch_first = config.batch_first and not unbatched and not is_packed
    h_0, c_0 = inputs.h_0, inputs.c_0
    if unbatched:
        sequence, h_0, c_0 = sequence.unsqueeze(1), h_0.unsqueeze(1), None if c_0 is None else c_0.unsqueeze(1)
    mode = config.definition.kernel_modes[config.nonlinearity]
    kinds = len(module._all_weights[0])
    sizes = passed.batch_sizes.tolist() if is_packed else []
    output, h_n, c_n, *_ = kernel(
        sequence, module._flat_weights, kinds, None, h_0, c_0, mode, config.hidden_size, config.proj_size,
        config.num_layers, batch_first, 0.0, False, config.bidirectional, sizes, None,
    )  # fmt: skip
    if unbatched:
        output, h_n, c_n = output.squeeze(1), h_n.squeeze(1), None if inputs.c_0 is None else c_n.squeeze(1)
    if is_packed:
        output = torch.nn.utils.rnn.PackedSequence(output, passed.batch_sizes)
    return output, h_n if inputs.c_0 is None else (h_n, c_n)


def verify_states(torch: Any, tensors: dict[str, Any], dims: Dims) -> bool | None:
    """Whether each ``in_output`` expression, evaluated as it is written, has the numbers of its row of ``h_n``.

    ``None`` where there is nothing to compare: ``meta``, or a cell.
    """
    if dims.config.is_cell or tensors["output"].is_meta:
        return None
    output, h_n = tensors["output"], tensors["h_n"]
    names = {"output": output}
    if dims.data.lengths is not None:
        names["lengths"] = torch.tensor(dims.data.lengths, dtype=torch.int64, device=output.device)
        names["n"] = torch.arange(len(dims.data.lengths), device=output.device)
    return all(
        same_numbers(torch, evaluate(state.in_output, names), h_n[state.row])
        for state in dims.states
        if state.in_output is not None
    )


def evaluate(expression: str, names: dict[str, Any]) -> Any:
    """The value of an indexing expression of ``shapes.states``, such as ``output[lengths-1, n, 0:2]``, as it is written.

    Only indexing, slices, ``-`` and integers may be in it.

    Raises:
        ValueError: if there is anything else in it.
    """
    return _value(ast.parse(expression, mode="eval").body, names)


def _value(node: ast.expr, names: dict[str, Any]) -> Any:
    match node:
        case ast.Constant(value=int() as number):
            return number
        case ast.Name(id=name) if name in names:
            return names[name]
        case ast.UnaryOp(op=ast.USub(), operand=operand):
            return -_value(operand, names)
        case ast.BinOp(left=left, op=ast.Sub(), right=right):
            return _value(left, names) - _value(right, names)
        case ast.Slice(lower=lower, upper=upper, step=None):
            return slice(lower and _value(lower, names), upper and _value(upper, names))
        case ast.Tuple(elts=parts):
            return tuple(_value(part, names) for part in parts)
        case ast.Subscript(value=ast.Name() as base, slice=index):
            return _value(base, names)[_value(index, names)]
    raise ValueError(f"not an indexing expression: {ast.unparse(node)}")
