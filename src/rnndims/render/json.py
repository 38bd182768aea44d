"""The JSON documents: plain dicts of what was found out, whose keys keep their meaning (``"schema": 1``)."""

import json
from collections.abc import Sequence
from functools import lru_cache
from typing import TYPE_CHECKING, Any, Final

from .. import __version__, shapes
from ..config import DataConfig, RNNConfig
from ..constructor import format_constructor
from ..results import Dims
from ..shapes import Packed, StateRow, Tensor, Weight

if TYPE_CHECKING:
    from ..measurements import Measured, Run

SCHEMA: Final = 1
LINE: Final = 200
MOST_ON_A_LINE: Final = 30
"""Members of a container that may stand on one line of ``LINE`` characters; larger ones are not even tried."""

encode = json.JSONEncoder(separators=(",", ":"), allow_nan=False).encode
"""A document as one line of text, for JSON Lines."""


_one_line = json.JSONEncoder(allow_nan=False).encode


def pretty(document: dict[str, Any]) -> str:
    """A document as text for people and pipes: one line for each entry of the outer levels, the inner ones on one line."""
    return _pretty(document, 0) + "\n"


def _pretty(value: Any, depth: int) -> str:
    if not value or not isinstance(value, (dict, list, tuple)):
        return _one_line(value)
    if len(value) <= MOST_ON_A_LINE:
        members = value.values() if isinstance(value, dict) else value
        if all(not isinstance(member, (dict, list, tuple)) or len(member) <= MOST_ON_A_LINE for member in members):
            inner = _one_line(value)
            if len(inner) + 2 * depth <= LINE:
                return inner
    indent = "  " * (depth + 1)
    if isinstance(value, dict):
        items = [f"{indent}{_one_line(key)}: {_pretty(item, depth + 1)}" for key, item in value.items()]
        return "{\n" + ",\n".join(items) + "\n" + "  " * depth + "}"
    items = [indent + _pretty(item, depth + 1) for item in value]
    return "[\n" + ",\n".join(items) + "\n" + "  " * depth + "]"


def head(command: str) -> dict[str, Any]:
    """The keys every document begins with."""
    return {"schema": SCHEMA, "rnndims": __version__, "command": command}


def dims_document(dims: Dims, command: str = "dims", notes: Sequence[str] = (), *, with_weights: bool = True) -> dict[str, Any]:
    """The document of ``dims``; ``run`` and ``weights`` add to it."""
    weights = dims.weights if with_weights else {}
    return {
        **head(command),
        "config": config_document(dims.config),
        "data": data_document(dims.data, dims.config),
        "tensors": {name: tensor_document(tensor) for name, tensor in dims.tensors.items()},
        "packed": None if dims.packed is None else packed_document(dims.packed),
        "states": [state_document(row) for row in dims.states],
        "weights": {name: weight_document(weight) for name, weight in weights.items()},
        "totals": {
            "parameters": dims.totals.parameters,
            "parameter_bytes": dims.totals.parameter_bytes,
            "macs": dims.totals.macs,
            "flops": dims.totals.flops,
        },
        "notes": notes,
    }


def dims_line(dims: Dims) -> str:
    """``encode(dims_document(dims))`` in half the time, for JSON Lines.

    Most of a document is its weights, all of one form, without a character that JSON escapes: formatting them is four times
    faster than making a dict of each and encoding it.
    """
    gates = encode(shapes.gate_rows(dims.config))
    parts = []
    for name, layer, direction, symbols, shape, numel, size, has_gates in dims.weights.values():
        sizes = ("[%d,%d]" if len(shape) == 2 else "[%d]") % shape
        parts.append(
            f'"{name}":{{"layer":{layer},"direction":"{direction}","dims":{_symbols(symbols)},"shape":{sizes},'
            f'"numel":{numel},"bytes":{size},"gates":{gates if has_gates else "{}"}}}'
        )
    weights = ",".join(parts)
    return encode(dims_document(dims, with_weights=False)).replace('"weights":{}', f'"weights":{{{weights}}}', 1)


@lru_cache(maxsize=16)
def _symbols(dims: tuple[str, ...]) -> str:
    return encode(dims)


def run_document(run: "Run", notes: Sequence[str] = ()) -> dict[str, Any]:
    """The document of ``run``: that of ``dims`` and, beside it, what was measured."""
    return {**dims_document(run.dims, "run", notes), "measured": measured_document(run.measured, run.dims)}


def weights_document(run: "Run", notes: Sequence[str] = ()) -> dict[str, Any]:
    """The document of ``weights``: that of ``run`` with each parameter's parts and how it is applied."""
    document = {**run_document(run, notes), "command": "weights"}
    for name, weight in run.dims.weights.items():
        product = shapes.product(weight, run.dims.data)
        right = f"{name}.T" if product.op == "@" else name
        document["weights"][name] |= {
            "slices": shapes.gate_slices(weight),
            "applied": {
                "expression": f"{product.left} {product.op} {right}",
                "shapes": [product.left_shape, product.right_shape],
                "result": product.result,
            },
        }
    return document


def measured_document(measured: "Measured", dims: Dims) -> dict[str, Any]:
    """What PyTorch returned, and whether the closed form agrees."""
    disagreements = measured.disagreements(dims)
    document = {
        "device": measured.device,
        "torch": measured.torch,
        "method": measured.method,
        "tensors": measured.tensors,
        "weights": measured.weights,
        "parameters": measured.parameters,
        "packed": None if measured.packed is None else packed_document(measured.packed),
        "agrees": not disagreements,
        "disagreements": disagreements,
        "states_verified": measured.states_verified,
    }
    if measured.values is not None:
        document["values"] = measured.values
    return document


def config_document(config: RNNConfig) -> dict[str, Any]:
    """The configuration under PyTorch's names, with the constructor line to paste."""
    return {
        "module": format_constructor(config),
        "cell": config.cell,
        "input_size": config.input_size,
        "hidden_size": config.hidden_size,
        "num_layers": config.num_layers,
        "nonlinearity": config.nonlinearity,
        "bias": config.bias,
        "batch_first": config.batch_first,
        "dropout": config.dropout,
        "bidirectional": config.bidirectional,
        "proj_size": config.proj_size,
        "is_cell": config.is_cell,
    }


def data_document(data: DataConfig, config: RNNConfig) -> dict[str, Any]:
    """What is fed in; a cell reads one step, so that its ``seq_len`` is null."""
    return {
        "seq_len": None if config.is_cell else data.seq_len,
        "batch_size": data.batch_size,
        "unbatched": data.unbatched,
        "lengths": data.lengths,
        "dtype": data.dtype,
    }


def tensor_document(tensor: Tensor) -> dict[str, Any]:
    """One tensor; its name is its key."""
    return {"dims": tensor.dims, "shape": tensor.shape, "numel": tensor.numel, "bytes": tensor.bytes}


def weight_document(weight: Weight) -> dict[str, Any]:
    """One parameter; its name is its key."""
    return {
        "layer": weight.layer,
        "direction": weight.direction,
        "dims": weight.dims,
        "shape": weight.shape,
        "numel": weight.numel,
        "bytes": weight.bytes,
        "gates": weight.gates,
    }


def state_document(row: StateRow) -> dict[str, Any]:
    """One row of ``h_n``."""
    return {"row": row.row, "layer": row.layer, "direction": row.direction, "in_output": row.in_output}


def packed_document(packed: Packed) -> dict[str, Any]:
    """A packed batch."""
    return {"input_data": packed.input_data, "output_data": packed.output_data, "batch_sizes": packed.batch_sizes}
