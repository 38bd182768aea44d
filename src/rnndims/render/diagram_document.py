"""The JSON document of ``diagram``: the picture as data, for whoever wants to draw it otherwise."""

from collections.abc import Sequence
from typing import Any

from ..diagrams import Diagram, Edge, Node
from .json import config_document, data_document, head


def diagram_document(diagram: Diagram, notes: Sequence[str] = ()) -> dict[str, Any]:
    """Nodes and arrows with their shapes; in ``steps`` and ``layers``, null is where some are left out."""
    return {
        **head("diagram"),
        "config": config_document(diagram.config),
        "data": data_document(diagram.data, diagram.config),
        "view": diagram.view,
        "title": diagram.title,
        "description": diagram.description,
        "steps": diagram.steps,
        "layers": diagram.layers,
        "left_out": {"steps": diagram.left_out_steps, "layers": diagram.left_out_layers},
        "nodes": [_node(node) for node in diagram.nodes.values()],
        "edges": [_edge(edge) for edge in diagram.edges],
        "weights": [
            {"layer": each.layer, "direction": each.direction, "parameters": each.parameters} for each in diagram.weights
        ],
        "notes": [*notes, *diagram.notes],
    }


def _node(node: Node) -> dict[str, Any]:
    return {
        "id": node.id,
        "kind": node.kind,
        "name": node.name,
        "shape": node.shape,
        "layer": node.layer,
        "direction": node.direction,
        "step": node.step,
        "in_output": node.in_output,
        "terms": [part._asdict() for part in node.parts],
        "activation": node.activation,
        "value": node.value,
        "gates": node.gates,
        "count": node.count,
        "empty": node.empty,
    }


def _edge(edge: Edge) -> dict[str, Any]:
    return edge._asdict()
