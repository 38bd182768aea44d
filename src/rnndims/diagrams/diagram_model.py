"""What a picture shows, as data: nodes, edges and notes, without coordinates, glyphs or colours."""

from dataclasses import dataclass, field
from typing import Literal, NamedTuple

from ..config import DataConfig, RNNConfig
from ..shapes import Shape
from ..weight_names import Direction

View = Literal["unrolled", "cell", "matmul"]
NodeKind = Literal[
    "input", "cell", "concat", "output", "state", "more_steps", "more_layers", "gate", "linear", "op", "projection", "matrix"
]


class LinearPart(NamedTuple):
    """One matrix product in a node: ``operand`` times ``weight`` transposed, plus ``bias`` unless it is ``None``.

    ``weight`` and ``bias`` have the names of PyTorch's equations (``W_ii``, ``b_ii``); ``parameter`` is the tensor that
    holds the weight and ``rows`` the range of its rows ``[start, stop)``.
    """

    weight: str
    shape: Shape
    operand: str
    bias: str | None
    bias_shape: Shape
    parameter: str
    rows: tuple[int, int]

    @property
    def product(self) -> str:
        """The product as text: ``x_t W_ii^T``, ``(o * tanh(c_t)) W_hr^T``."""
        is_whole = " " not in self.operand or (self.operand.startswith("(") and self.operand.endswith(")"))
        return f"{self.operand if is_whole else f'({self.operand})'} {self.weight}^T"


@dataclass(frozen=True, slots=True)
class Node:
    """One node of the picture.

    Args:
        id: unique in the diagram, letters, digits and ``_`` only.
        kind: what it is.
        name: PyTorch's name for it (``x_0``, ``h_n[1]``, gate ``i``), or the operation (``mul``, ``add``, ``sigmoid``...).
        shape: of the tensor that it stands for or computes.
        layer: the layer it belongs to.
        direction: the direction it belongs to.
        step: the time step it belongs to.
        in_output: the expression for the same numbers in ``output`` (a row of ``h_n``).
        parts: the matrix products of a gate.
        activation: what a gate applies to their sum.
        gates: column ranges ``[start, stop)`` of the gates of a matrix.
        value: the name of the value (``n``) that an operation computes, if it has one.
        count: how many steps or layers a ``more_...`` node stands for.
        empty: whether nothing is computed here, because every sequence has ended.
    """

    id: str
    kind: NodeKind
    name: str
    shape: Shape | None = None
    layer: int | None = None
    direction: Direction | None = None
    step: int | None = None
    in_output: str | None = None
    parts: tuple[LinearPart, ...] = ()
    activation: str | None = None
    gates: dict[str, tuple[int, int]] = field(default_factory=dict)
    value: str | None = None
    count: int = 0
    empty: bool = False


class Edge(NamedTuple):
    """An arrow from node ``source`` to node ``target``: what flows, its shape, and the direction that it belongs to.

    ``kind`` is ``x`` (an input), ``y`` (what a layer passes up), a state's letter, or ``flow`` inside a cell.
    """

    source: str
    target: str
    kind: str
    shape: Shape | None = None
    direction: Direction | None = None


class WeightSet(NamedTuple):
    """The parameters that all cells of one layer and direction share: their shapes by name."""

    layer: int
    direction: Direction
    parameters: dict[str, Shape]


@dataclass(frozen=True, slots=True)
class Sequence:
    """One sequence of a packed batch. ``filled`` says for each drawn step whether the sequence has it.

    If ``count`` is not 0, this stands for that many omitted sequences.
    """

    index: int
    length: int
    filled: tuple[bool | None, ...]
    count: int = 0


@dataclass(frozen=True, slots=True)
class Diagram:
    """A picture of one module, independent of how it is drawn.

    Attributes:
        view: which picture.
        config: the module.
        data: its input.
        title: one line.
        description: the picture in sentences, for readers who cannot see it.
        nodes: by id, in drawing order: bottom to top, left to right.
        edges: the arrows.
        steps: the drawn time steps; ``None`` stands for omitted ones.
        layers: the drawn layers; ``None`` stands for omitted ones.
        weights: the parameters of each drawn layer and direction.
        sequences: of a packed batch.
        notes: what the picture cannot show.
    """

    view: View
    config: RNNConfig
    data: DataConfig
    title: str
    description: str
    nodes: dict[str, Node]
    edges: tuple[Edge, ...]
    steps: tuple[int | None, ...] = ()
    layers: tuple[int | None, ...] = ()
    weights: tuple[WeightSet, ...] = ()
    sequences: tuple[Sequence, ...] = ()
    notes: tuple[str, ...] = ()

    @property
    def left_out_steps(self) -> int:
        """How many time steps are not drawn."""
        return (self.data.seq_len or 0) - sum(step is not None for step in self.steps) if self.steps else 0

    @property
    def left_out_layers(self) -> int:
        """How many layers are not drawn."""
        return self.config.num_layers - sum(layer is not None for layer in self.layers) if self.layers else 0
