"""``cell``: one cell, called step after step, against the layer that does the same in one call."""

from collections.abc import Collection
from dataclasses import replace
from typing import Any, Final

from ..cells.definition import compute_step
from ..config import DataConfig, RNNConfig
from ..constructor import format_constructor
from ..errors import ConfigError, Template
from ..file_request import UserTensors
from ..measurements import CellRun, CellStep, Comparison, OneMatmul
from ..results import compute_dims
from ._torch import load_torch
from .build import Inputs, build_module, make_inputs, torch_errors
from .hardware import check_fits, pick_device
from .numerics import check_values, compare, full_precision, to_values
from .user_tensors import load_weights, replace_inputs

FEW: Final = 2_000
"""The most numbers that are kept without ``values``."""

MAX_STEPS: Final = 20_000
"""The most steps, since each is listed."""


def step_through(
    config: RNNConfig,
    data: DataConfig,
    *,
    device: str = "cpu",
    seed: int = 0,
    values: bool = False,
    user_tensors: UserTensors | None = None,
) -> CellRun:
    """Call the cell of ``config`` once for each step of ``data``, and compare with the layer of the same weights.

    Weights, input and initial states are those that ``run`` draws for the layer from the same seed. Few numbers are always
    kept, many only with ``values``.

    Args:
        config: a cell, or the layer it belongs to: one layer, one direction, without projection.
        data: its input; no ``lengths``.
        device: as for ``run``.
        seed: of the weights and of the input.
        values: keep the numbers however many there are, and those of the weights.
        user_tensors: weights, input and states in place of seeded ones.

    Raises:
        ConfigError: if the configuration has what a cell does not have, such as two layers.
        MachineError: if torch or the device is missing, it cannot run this dtype, or there is not enough memory.
    """
    cell_config = as_cell(config, data)
    layer_config = replace(cell_config, is_cell=False)
    dims, layer_dims = compute_dims(cell_config, data), compute_dims(layer_config, data)
    torch = load_torch()
    target = pick_device(torch, device)
    check_fits(torch, layer_dims, target, copies=2)
    count = (data.seq_len or 0) * sum(t.numel for name, t in dims.tensors.items() if name in ("input", "h_1", "c_1"))
    if values:
        check_values(count + dims.totals.parameters, target)
    with torch_errors(torch, layer_dims, target) as warned, full_precision(torch, target):
        layer = build_module(torch, layer_config, data.dtype, target, seed)
        inputs = make_inputs(torch, layer_dims, target, seed)
        cell = build_module(torch, cell_config, data.dtype, target, seed)
        if user_tensors is not None:
            load_weights(torch, layer, user_tensors)
            inputs = replace_inputs(torch, inputs, user_tensors)
        walked = walk(torch, cell, layer, inputs, cell_config, keep=(values or count <= FEW) and target.type != "meta")
        numbers = {name: to_values(torch, weight) for name, weight in cell.named_parameters()} if values else None
    steps, initial, loop, matmul = walked
    return CellRun(
        dims,
        layer_config,
        str(inputs.input.device),
        torch.__version__,
        steps,
        initial,
        {name: tuple(weight.shape) for name, weight in cell.named_parameters()},
        sum(weight.numel() for weight in cell.parameters()),
        loop,
        matmul,
        numbers,
        tuple(warned),
    )


def as_cell(config: RNNConfig, data: DataConfig, *, stated: Collection[str] | None = None) -> RNNConfig:
    """The cell of a layer, if there is one and it can read ``data``; decided without torch.

    Args:
        config: a cell, or the layer it belongs to.
        data: its input.
        stated: the arguments that were stated one by one, ``None`` for all. The others come from a layer that was pasted:
            its ``batch_first``, and the ``dropout`` of its one layer, mean nothing to a cell and are left out.

    Raises:
        ConfigError: about the first argument that a cell does not have, or the whole layer.
    """
    if not config.is_cell and stated is not None:
        config = _single_step(config, stated)
    config = config if config.is_cell else replace(config, is_cell=True)
    if min(config.input_size, config.hidden_size) < 1:
        field = "input_size" if config.input_size < 1 else "hidden_size"
        raise ConfigError(
            field,
            0,
            f"must be 1 or more: the loop is compared with nn.{config.definition.class_name}, whose sizes cannot be 0",
        )
    if data.lengths is not None:
        raise ConfigError(
            "lengths",
            ",".join(map(str, data.lengths[:20])),
            "a cell reads a single step: there is nothing to pack",
            fix=Template("Remove {lengths}."),
        )
    if (data.seq_len or 0) > MAX_STEPS:
        raise ConfigError("seq_len", data.seq_len, f"must be at most {MAX_STEPS}, because every step is listed")
    return config


def _single_step(config: RNNConfig, stated: Collection[str]) -> RNNConfig:
    """A pasted layer without what means nothing to its cell."""
    more = [f"{config.num_layers} layers"] if config.num_layers > 1 and "num_layers" not in stated else []
    more += ["two directions"] if config.bidirectional and "bidirectional" not in stated else []
    more += ["a projection"] if config.proj_size and "proj_size" not in stated else []
    if more:
        raise ConfigError(
            "module",
            format_constructor(config),
            f"it has {', '.join(more)}; only one layer in one direction can be stepped through",
            fix="Use rnndims run: it runs the whole module.",
        )
    left_out: dict[str, Any] = {} if "batch_first" in stated else {"batch_first": False}
    left_out |= {} if "dropout" in stated or config.num_layers > 1 else {"dropout": 0.0}
    return replace(config, **left_out)


Walk = tuple[tuple[CellStep, ...], dict[str, Any] | None, Comparison, OneMatmul | None]
"""The steps, the initial numbers, the comparison with the layer, and that with one matrix product a step."""


def walk(torch: Any, cell: Any, layer: Any, inputs: Inputs, config: RNNConfig, *, keep: bool) -> Walk:
    """The loop: the steps, the initial numbers, the comparison with the layer, and that with one matrix product a step.

    The cell gets copies of the layer's weights first. ``layer`` and ``inputs`` have a time axis in front.
    """
    copy_weights(torch, layer, cell)
    h = inputs.h_0[0]
    c = None if inputs.c_0 is None else inputs.c_0[0]
    initial = None
    if keep:
        initial = {name: to_values(torch, state[0]) for name, state in inputs.named().items() if name != "input"}
    steps: list[CellStep] = []
    hidden: list[Any] = []
    products: list[tuple[Any, Any]] = []
    joined = None
    for t, x in enumerate(inputs.input):
        before = (h, c)
        h, c = (cell(x, h), None) if c is None else cell(x, (h, c))
        if config.definition.is_one_product:
            joined = join(torch, cell, x, *before, config)
            products += [(joined[3], h), *([] if c is None else [(joined[4], c)])]
        hidden.append(h)
        shapes = tuple(x.shape), tuple(h.shape), None if c is None else tuple(c.shape)
        numbers = [to_values(torch, tensor) if keep and tensor is not None else None for tensor in (x, h, c)]
        numbers += [norm(torch, h), norm(torch, c)]
        steps.append(CellStep(t, *shapes, *numbers))
    output, final = layer(inputs.input, inputs.state)
    pairs = [(torch.stack(hidden), output)]
    if inputs.c_0 is None:
        pairs.append((h, final[0]))
    else:
        pairs += [(h, final[0][0]), (c, final[1][0])]
    terms = config.input_size + config.hidden_size
    matmul = None
    if joined is not None:
        row, weight, result = (tuple(tensor.shape) for tensor in joined[:3])
        matmul = OneMatmul(row, weight, result, compare(torch, products, terms))
    return tuple(steps), initial, compare(torch, pairs, terms), matmul


def norm(torch: Any, state: Any | None) -> Any:
    """The Euclidean norm of all numbers of a state; ``None`` where there are none."""
    if state is None or state.is_meta:
        return None
    wide = state if state.is_complex() else state.to(torch.promote_types(state.dtype, torch.float32))
    return to_values(torch, torch.linalg.vector_norm(wide))


def copy_weights(torch: Any, layer: Any, cell: Any) -> None:
    """Give the cell the weights of the layer's first direction: ``weight_ih_l0`` -> ``weight_ih``."""
    if next(layer.parameters()).is_meta:
        return
    with torch.no_grad():
        for name, weight in cell.named_parameters():
            weight.copy_(getattr(layer, f"{name}_l0"))


def join(torch: Any, cell: Any, x: Any, h: Any, c: Any | None, config: RNNConfig) -> tuple[Any, Any, Any, Any, Any]:
    """One step with one product: ``[x, h]``, the weights side by side, the product, ``h[t]``, and ``c[t]`` or ``None``.

    Shapes: (N, H_in + H_cell) @ (G*H_cell, H_in + H_cell).T -> (N, G*H_cell).
    """
    row = torch.cat([x, h], dim=-1)
    weight = torch.cat([cell.weight_ih, cell.weight_hh], dim=1)
    product = row @ weight.T
    if config.bias:
        product = product + (cell.bias_ih + cell.bias_hh)
    definition = config.definition
    sums = dict(zip(definition.gates, product.chunk(config.G, dim=-1), strict=True))
    names = {name: config.nonlinearity if name == "nonlinearity" else name for name in definition.functions}
    functions = {name: getattr(torch, str(function)) for name, function in names.items()}
    states = compute_step(definition, {"x": x, "h": h, "c": c}, {}, functions, sums=sums)
    return row, weight, product, states["h"], states.get("c")
