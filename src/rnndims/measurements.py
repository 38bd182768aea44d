"""Results of running PyTorch, as data: frozen, without text or colour. Renderers turn them into output."""

from dataclasses import dataclass
from math import prod
from typing import Any, NamedTuple

from .config import RNNConfig
from .results import Dims
from .shapes import Packed, Shape, Weight


@dataclass(frozen=True, slots=True)
class Measured:
    """What PyTorch returned when the module was built and run.

    Shapes are read off real tensors. ``states_verified`` says that every ``in_output`` expression was evaluated on the
    real ``output`` and equals its row of ``h_n``; ``None`` where there are no numbers to compare (``meta``) or no rows
    (a cell). ``values`` has the numbers of every tensor and weight as nested lists, where they were asked for: a complex
    number is ``[re, im]``, and a number that JSON does not have is ``"NaN"``, ``"Infinity"`` or ``"-Infinity"``. ``method`` is
    ``"forward"``, or ``"shape function"`` where a long sequence on ``meta`` was answered by PyTorch's shape function of the
    fused kernel instead of one step after the other. ``warnings`` are PyTorch's.
    """

    device: str
    torch: str
    method: str
    tensors: dict[str, Shape]
    weights: dict[str, Shape]
    parameters: int
    packed: Packed | None
    states_verified: bool | None
    values: dict[str, Any] | None = None
    warnings: tuple[str, ...] = ()

    def disagreements(self, dims: Dims) -> list[str]:
        """Names of the tensors and weights whose measured shape is not the closed form's; empty if all agree."""
        expected = {name: tensor.shape for name, tensor in dims.tensors.items()}
        expected.update((name, weight.shape) for name, weight in dims.weights.items())
        returned = {**self.tensors, **self.weights}
        wrong = [name for name in {**expected, **returned} if expected.get(name) != returned.get(name)]
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


def built_weights(run: Run) -> dict[str, Weight]:
    """The parameters of the module that was built: as in the closed form, but shape, numel and bytes are the measured ones.

    A parameter that the closed form does not have is absent; ``Measured.disagreements`` names it.
    """
    built = {}
    for name, weight in run.dims.weights.items():
        shape = run.measured.weights.get(name)
        if shape is not None:
            numel = prod(shape)
            built[name] = weight._replace(shape=shape, numel=numel, bytes=numel * run.dims.data.itemsize)
    return built


class CellStep(NamedTuple):
    """One turn of the loop: shapes of ``x[t]``, ``h[t]`` and ``c[t]`` (``None`` without a cell state), and their numbers.

    The numbers are ``None`` where they were not kept.
    ``h_norm`` and ``c_norm`` are the Euclidean norms of the states over the whole batch; ``None`` on ``meta``.
    """

    t: int
    input: Shape
    h: Shape
    c: Shape | None
    input_values: Any = None
    h_values: Any = None
    c_values: Any = None
    h_norm: Any = None
    c_norm: Any = None


class Comparison(NamedTuple):
    """Two ways to compute the same numbers: whether they agree within ``tolerance``, and their largest difference.

    All three are ``None`` where there are no numbers (``meta``). ``matches`` alone is ``None`` where complex numbers came so
    close to a pole of the activation that rounding alone can explain the difference. The tolerance is relative to the larger of
    1 and the largest number. An infinite difference is ``"Infinity"``, since JSON has no number for it.
    """

    matches: bool | None
    max_abs_diff: float | str | None
    tolerance: float | None


class OneMatmul(NamedTuple):
    """A step as one product: shapes of ``[x[t], h[t-1]]``, of the two weights side by side, and of what comes out."""

    input: Shape
    weight: Shape
    output: Shape
    comparison: Comparison


def _is_false(matmul: OneMatmul | None) -> bool:
    return matmul is not None and matmul.comparison.matches is False


@dataclass(frozen=True, slots=True)
class CellRun:
    """``cell``: the loop over the steps, compared with the layer.

    Attributes:
        dims: the closed form of the cell.
        layer: the layer that does the same in one call.
        device: where it ran.
        torch: PyTorch's version.
        steps: shapes and numbers of each turn of the loop.
        initial: numbers of ``h_0`` (and ``c_0``), where they were kept.
        weights: shapes of the cell's parameters; the same ones are used in every step.
        parameters: how many numbers they have.
        loop: the states of all steps against ``output`` and the final states of the layer with the same weights.
        one_matmul: the step as one matrix product, ``None`` for a cell whose step is not one.
        values: the numbers of the weights, where they were asked for.
        warnings: PyTorch's warnings.
    """

    dims: Dims
    layer: RNNConfig
    device: str
    torch: str
    steps: tuple[CellStep, ...]
    initial: dict[str, Any] | None
    weights: dict[str, Shape]
    parameters: int
    loop: Comparison
    one_matmul: OneMatmul | None
    values: dict[str, Any] | None = None
    warnings: tuple[str, ...] = ()

    def disagrees(self) -> bool:
        """Whether a shape is not the closed form's, or the loop or the one product gives other numbers than the layer."""
        shapes_agree = all(self.weights.get(name) == weight.shape for name, weight in self.dims.weights.items())
        return not shapes_agree or self.loop.matches is False or _is_false(self.one_matmul)


class Half(NamedTuple):
    """One direction of ``output``: its shape, and its numbers where they were kept."""

    shape: Shape
    values: Any = None


class WayBack(NamedTuple):
    """An expression that splits ``output`` again: its shape, and whether its parts are the two halves.

    ``parts`` are the expressions of the forward and of the reverse half.
    """

    expression: str
    shape: Shape
    parts: tuple[str, str]
    matches: bool | None


class LayerJoin(NamedTuple):
    """One bidirectional layer rebuilt from two layers of one direction, each with a copy of its own weights.

    ``forward_weights`` and ``reverse_weights`` are the names in the bidirectional module.
    """

    layer: int
    module: str
    input: Shape
    forward: Shape
    reverse: Shape
    output: Shape
    forward_weights: tuple[str, ...]
    reverse_weights: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class ConcatDemo:
    """``concat-demo``: two halves, joined along the last dim.

    Attributes:
        forward: the forward half.
        reverse: the reverse half, in the order of the input's steps.
        output: both joined.
        dims: names of the dims of ``output``.
        ways_back: how to split ``output``.
        comparison: the joined halves against the module's own ``output``; exact where the difference is 0.
        dims_of_module: the closed form of the module, ``None`` for the fixed example.
        layers: the layers rebuilt, in order; empty for the fixed example.
        device: where it ran.
        torch: PyTorch's version.
        warnings: PyTorch's warnings.
    """

    forward: Half
    reverse: Half
    output: Half
    dims: tuple[str, ...]
    ways_back: tuple[WayBack, ...]
    comparison: Comparison
    dims_of_module: Dims | None
    layers: tuple[LayerJoin, ...]
    device: str
    torch: str
    warnings: tuple[str, ...] = ()

    def disagrees(self) -> bool:
        """Whether the joined halves are not the module's output, or cannot be split into them."""
        return self.comparison.matches is False or any(way.matches is False for way in self.ways_back)
