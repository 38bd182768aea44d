"""The closed form of a module and its input, as data: frozen, without text or colour. Renderers turn it into output."""

from dataclasses import dataclass

from . import cost, shapes
from .config import DataConfig, RNNConfig, check_dtype
from .cost import Totals
from .errors import ConfigError, Template
from .shapes import Packed, StateRow, Tensor, Weight


@dataclass(frozen=True, slots=True)
class Dims:
    """Every dim of a configuration in closed form.

    Attributes:
        config: the module.
        data: its input.
        tensors: inputs, states and results, by name (``input``, ``h_0``, ``output``, ``h_n``, ...).
        packed: the packed batch, if ``data.lengths`` asks for one.
        states: the rows of ``h_n``; empty for a cell.
        weights: the parameters, by name.
        totals: parameters, bytes, MACs, FLOPs.
    """

    config: RNNConfig
    data: DataConfig
    tensors: dict[str, Tensor]
    packed: Packed | None
    states: tuple[StateRow, ...]
    weights: dict[str, Weight]
    totals: Totals


def compute_dims(config: RNNConfig, data: DataConfig) -> Dims:
    """All of the closed form for one module and one input.

    Raises:
        ConfigError: if the input of a cell, which reads a single step, is a packed batch, or if PyTorch cannot run the module
            in this dtype.
        MachineError: if there is more than can be listed.
    """
    if config.is_cell and data.lengths is not None:
        raise ConfigError(
            "lengths",
            ",".join(map(str, data.lengths[:20])),
            "a cell reads a single step: there is nothing to pack",
            fix=Template("Remove {lengths}."),
        )
    check_dtype(config, data.dtype)
    return Dims(
        config,
        data,
        shapes.tensors(config, data),
        shapes.packed(config, data),
        tuple(shapes.states(config, data)),
        shapes.weights(config, data.itemsize),
        cost.totals(config, data),
    )
