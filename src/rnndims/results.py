"""What the commands found out, as data: frozen, without text or colour. Renderers turn them into output."""

from dataclasses import dataclass
from typing import Any

from . import cost, shapes
from .config import DataConfig, RNNConfig
from .cost import Totals
from .shapes import Packed, Shape, StateRow, Tensor, Weight


@dataclass(frozen=True, slots=True)
class Dims:
    """Every dim of a configuration in closed form.

    Attributes:
        config: the module.
        data: what it is fed.
        tensors: what goes in and comes out, by name (``input``, ``h_0``, ``output``, ``h_n``, ...).
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
    """All of the closed form for one module and one input."""
    return Dims(
        config,
        data,
        shapes.tensors(config, data),
        shapes.packed(config, data),
        tuple(shapes.states(config, data)),
        shapes.weights(config, data.itemsize),
        cost.totals(config, data),
    )


@dataclass(frozen=True, slots=True)
class Measured:
    """What PyTorch returned when the module was really built and run.

    Shapes are read off real tensors. ``states_verified`` says that every ``in_output`` expression was evaluated on the
    real ``output`` and equals its row of ``h_n``; ``None`` where there are no numbers to compare (``meta``) or no rows
    (a cell). ``values`` has the numbers of every tensor and weight as nested lists, where they were asked for: a complex
    number is ``[re, im]``, and what JSON has no number for is ``"NaN"``, ``"Infinity"`` or ``"-Infinity"``. ``method`` is
    ``"forward"``, or ``"shape function"`` where a long sequence on ``meta`` was answered by PyTorch's shape function of the
    fused kernel instead of one step after the other. ``warnings`` is what PyTorch warned about.
    """

    device: str
    torch: str
    tensors: dict[str, Shape]
    weights: dict[str, Shape]
    parameters: int
    packed: Packed | None
    states_verified: bool | None
    values: dict[str, Any] | None = None
    method: str = "forward"
    warnings: tuple[str, ...] = ()

    def disagreements(self, dims: Dims) -> list[str]:
        """Names of the tensors and weights whose measured shape is not the closed form's; empty if all agree."""
        expected = {name: tensor.shape for name, tensor in dims.tensors.items()}
        expected.update((name, weight.shape) for name, weight in dims.weights.items())
        found = {**self.tensors, **self.weights}
        wrong = [name for name in {**expected, **found} if expected.get(name) != found.get(name)]
        if self.parameters != dims.totals.parameters:
            wrong.append("parameters")
        if self.packed != dims.packed:
            wrong.append("packed")
        return wrong


@dataclass(frozen=True, slots=True)
class Run:
    """``run``: the closed form beside the measurement."""

    dims: Dims
    measured: Measured
