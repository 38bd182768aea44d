"""Internal: what the pictures show, as data: the unrolled network, the inside of one cell, one step as matrices.

``rnndims.diagram`` is the public name.
"""

from ..config import DataConfig, RNNConfig
from ..errors import ConfigError
from ..phrases import plural
from .cell_graph import cell_graph
from .diagram_model import Diagram, Edge, LinearPart, Node, Sequence, View, WeightSet
from .matmul import matmul
from .unrolled import MAX_LAYERS, MAX_STEPS, unrolled

__all__ = [
    "Diagram",
    "Edge",
    "LinearPart",
    "Node",
    "Sequence",
    "View",
    "WeightSet",
    "build_diagram",
    "cell_graph",
    "matmul",
    "unrolled",
]


MAX_CELLS = 20_000
"""The most cells of one picture."""


def build_diagram(
    config: RNNConfig,
    data: DataConfig,
    view: View = "unrolled",
    *,
    layer: int = 0,
    max_steps: int | None = None,
    max_layers: int | None = None,
) -> Diagram:
    """The picture of ``config`` with the input ``data``.

    A single-step class (``nn.RNNCell``) has nothing to unroll: its unrolled view is its cell view.

    Args:
        config: the module.
        data: its input.
        view: ``unrolled``, ``cell`` or ``matmul``.
        layer: the layer whose cell the ``cell`` and ``matmul`` views show, from 0.
        max_steps: the most time steps to draw (``unrolled``); the middle ones are omitted.
        max_layers: the most layers to draw (``unrolled``); the middle ones are omitted.

    Raises:
        ConfigError: if the module has no such layer, or nothing or too much would be drawn.
    """
    if not 0 <= layer < config.num_layers:
        raise ConfigError(
            "layer", layer, f"must be from 0 to {config.num_layers - 1}: the module has {plural(config.num_layers, 'layer')}"
        )
    for name, value in (("max_steps", max_steps), ("max_layers", max_layers)):
        if value is not None and value < 1:
            raise ConfigError(name, value, "must be 1 or more")
    steps = min(max_steps or MAX_STEPS, data.seq_len or 1)
    if view == "unrolled" and steps * min(max_layers or MAX_LAYERS, config.num_layers) * config.D > MAX_CELLS:
        field = "max_steps" if max_steps is not None else "max_layers"
        raise ConfigError(
            field, max_steps or max_layers, f"a picture has at most {MAX_CELLS} cells", fix="Draw fewer steps or layers."
        )
    if view == "matmul":
        return matmul(config, data, layer)
    if view == "cell" or config.is_cell:
        return cell_graph(config, data, layer)
    return unrolled(config, data, max_steps, max_layers)
