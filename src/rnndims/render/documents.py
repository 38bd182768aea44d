"""The JSON documents: plain dicts of results, whose keys keep their meaning (``"schema": 1``).

``plain`` turns any result into JSON: a dataclass or NamedTuple becomes an object with its fields as keys. What a document has
otherwise is said in ``_FORMS``, or where the document is made.
"""

import json
from collections.abc import Callable, Mapping, Sequence
from dataclasses import fields, is_dataclass
from functools import cache, lru_cache
from typing import TYPE_CHECKING, Any, Final

from .. import __version__, shapes
from ..config import DataConfig, RNNConfig
from ..constructor import format_constructor
from ..results import Dims
from ..shapes import Tensor, Weight

if TYPE_CHECKING:
    from ..checkpoint import Checkpoint, CheckpointModule
    from ..diagnose import Diagnosis, Problem
    from ..diagrams import Diagram, Node
    from ..measurements import CellRun, ConcatDemo, Measured, Run
    from ..request import Request

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


_ATOMS: Final = frozenset((str, int, float, bool, type(None)))

_FORMS: Final[dict[type, Callable[[dict[str, Any], Any], dict[str, Any]]]] = {
    RNNConfig: lambda content, config: {"module": format_constructor(config), **content},
    Tensor: lambda content, _: _without(content, "name"),  # the name is its key in the document
    Weight: lambda content, _: _without(content, "name"),
}
"""Types whose JSON is more, or less, than their fields: a function of the object so far and the value."""


def plain(value: Any) -> Any:
    """``value`` as JSON: dataclasses and NamedTuples as objects, all that they hold alike.

    A tuple or list that begins with a number, a string or null has nothing else in it, and is returned as it is.

    >>> plain(shapes.Packed((3, 4), (3, 2), (2, 1)))
    {'input_data': (3, 4), 'output_data': (3, 2), 'batch_sizes': (2, 1)}
    """
    kind: Any = type(value)
    if kind in _ATOMS:
        return value
    names = _field_names(kind)
    if names is not None:
        content = {name: plain(getattr(value, name)) for name in names}
        form = _FORMS.get(kind)
        return content if form is None else form(content, value)
    if isinstance(value, Mapping):
        return {key: plain(item) for key, item in value.items()}
    return value if not value or type(value[0]) in _ATOMS else [plain(item) for item in value]


@cache
def _field_names(kind: Any) -> tuple[str, ...] | None:
    """The fields of a dataclass or NamedTuple; ``None`` of any other type."""
    if is_dataclass(kind):
        return tuple(field.name for field in fields(kind))
    return getattr(kind, "_fields", None)


def _without(content: dict[str, Any], *keys: str) -> dict[str, Any]:
    return {key: value for key, value in content.items() if key not in keys}


def head(command: str) -> dict[str, Any]:
    """The keys every document begins with."""
    return {"schema": SCHEMA, "rnndims": __version__, "command": command}


def data_document(data: DataConfig, config: RNNConfig) -> dict[str, Any]:
    """The input; a cell reads one step, so its ``seq_len`` is null."""
    return {**plain(data), "seq_len": None} if config.is_cell else plain(data)


def with_files(document: dict[str, Any], request: "Request") -> dict[str, Any]:
    """``document`` with the key ``files``: where the user tensors come from; as it is where there are none."""
    return {**document, "files": request.files} if request.files else document


def dims_document(dims: Dims, command: str = "dims", notes: Sequence[str] = (), *, with_weights: bool = True) -> dict[str, Any]:
    """The document of ``dims``; ``run`` and ``weights`` add to it."""
    return {
        **head(command),
        "config": plain(dims.config),
        "data": data_document(dims.data, dims.config),
        "tensors": plain(dims.tensors),
        "packed": plain(dims.packed),
        "states": plain(dims.states),
        "weights": plain(dims.weights) if with_weights else {},
        "totals": plain(dims.totals),
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
    return {**dims_document(run.dims, "run", notes), "measured": _measured(run.measured, run.dims)}


def _measured(measured: "Measured", dims: Dims) -> dict[str, Any]:
    """What PyTorch returned, and whether the closed form agrees; the numbers, if they were asked for, come last."""
    disagreements = measured.disagreements(dims)
    content = _without(plain(measured), "states_verified", "values", "warnings")
    content |= {"agrees": not disagreements, "disagreements": disagreements, "states_verified": measured.states_verified}
    return content if measured.values is None else {**content, "values": measured.values}


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


def checkpoint_document(checkpoint: "Checkpoint", file: str) -> dict[str, Any]:
    """The document of ``weights FILE``: the RNNs of a checkpoint, the contradictions, and what else the file holds."""
    return {
        **head("weights"),
        "file": file,
        "kind": checkpoint.kind,
        "modules": [_module(module) for module in checkpoint.modules],
        "problems": plain(checkpoint.contradictions),
        "notes": checkpoint.notes,
        "other": {**_without(plain(checkpoint.rest), "examples"), "optimizer_tensors": checkpoint.optimizer},
    }


def _module(module: "CheckpointModule") -> dict[str, Any]:
    """One RNN; each of its weights has beside its shape the names of the tensors in the file that it is made of."""
    return {
        "name": module.name,
        "key": module.key,
        "module": format_constructor(module.config),
        "config": plain(module.config),
        "dtype": module.dtype,
        "weights": {
            name: {**plain(weight), "tensors": [*module.tensors[name].values()]} for name, weight in module.weights.items()
        },
        "totals": {"parameters": module.parameters, "parameter_bytes": module.bytes},
        "not_recoverable": module.not_recoverable,
        "notes": module.notes,
    }


def concat_document(demo: "ConcatDemo", notes: Sequence[str] = ()) -> dict[str, Any]:
    """The document of ``concat-demo``: both halves, the joined output, the ways back, and the comparison with the module.

    ``config`` and ``data`` are null for the fixed example.
    """
    dims, comparison = demo.dims_of_module, demo.comparison
    return {
        **head("concat-demo"),
        "config": None if dims is None else plain(dims.config),
        "data": None if dims is None else data_document(dims.data, dims.config),
        "device": demo.device,
        "torch": demo.torch,
        "forward": plain(demo.forward),
        "reverse": plain(demo.reverse),
        "output": {"dims": demo.dims, **plain(demo.output)},
        "ways_back": plain(demo.ways_back),
        "layers": plain(demo.layers),
        "matches": comparison.matches,
        "exact": None if comparison.max_abs_diff is None else comparison.max_abs_diff == 0,
        "max_abs_diff": comparison.max_abs_diff,
        "tolerance": comparison.tolerance,
        "notes": notes,
    }


def cell_document(run: "CellRun", notes: Sequence[str] = ()) -> dict[str, Any]:
    """The document of ``cell``: steps, equations, weights, and the two comparisons."""
    from .. import equations

    dims, matmul = run.dims, run.one_matmul
    document = {
        **head("cell"),
        "config": plain(dims.config),
        "data": {**data_document(dims.data, dims.config), "seq_len": dims.data.seq_len},
        "device": run.device,
        "torch": run.torch,
        "tensors": plain(dims.tensors),
        "initial": run.initial,
        "steps": plain(run.steps),
        "equations": plain(equations.equations(dims.config, dims.data)),
        "weights": {
            name: {**plain(weight), "measured": run.weights[name], "used_in_steps": [0, len(run.steps)]}
            for name, weight in dims.weights.items()
        },
        "parameters": run.parameters,
        "layer": format_constructor(run.layer),
        "matches_layer": run.loop.matches,
        "max_abs_diff": run.loop.max_abs_diff,
        "tolerance": run.loop.tolerance,
        "one_matmul": None,
    }
    if matmul is None:
        document["one_matmul_why_not"] = equations.why_not_one_matmul(dims.config, dims.data)
    else:
        document["one_matmul"] = {**_without(plain(matmul), "comparison"), **plain(matmul.comparison)}
    if run.values is not None:
        document["values"] = run.values
    return {**document, "notes": notes}


def diagram_document(diagram: "Diagram", notes: Sequence[str] = ()) -> dict[str, Any]:
    """The document of ``diagram``, for whoever wants to draw it otherwise: nodes and arrows with their shapes.

    In ``steps`` and ``layers``, null is where some are left out.
    """
    return {
        **head("diagram"),
        "config": plain(diagram.config),
        "data": data_document(diagram.data, diagram.config),
        "view": diagram.view,
        "title": diagram.title,
        "description": diagram.description,
        "steps": diagram.steps,
        "layers": diagram.layers,
        "left_out": {"steps": diagram.left_out_steps, "layers": diagram.left_out_layers},
        "nodes": [_node(node) for node in diagram.nodes.values()],
        "edges": plain(diagram.edges),
        "weights": plain(diagram.weights),
        "notes": [*notes, *diagram.notes],
    }


def _node(node: "Node") -> dict[str, Any]:
    """A node; its products have the key ``terms``."""
    return {"terms" if key == "parts" else key: value for key, value in plain(node).items()}


_PROBLEM_KEYS: Final = (
    "tensor",
    "dim",
    "expected",
    "got",
    "cause",
    "message",
    "torch",
    "fix",
    "advice",
    "certain",
    "alternatives",
)


def check_document(diagnosis: "Diagnosis", notes: Sequence[str] = ()) -> dict[str, Any]:
    """The document of ``check``: whether all is well, the problems, the warnings and the notes.

    ``error`` is the message that was found in a pasted text; without one the key is missing.
    """
    document = {
        **head("check"),
        "config": plain(diagnosis.config),
        "ok": diagnosis.ok,
        "problems": [_problem(problem) for problem in diagnosis.problems],
        "warnings": plain(diagnosis.warnings),
        "notes": [*notes, *diagnosis.notes],
        "results": diagnosis.results,
    }
    return document if diagnosis.error is None else {**document, "error": plain(diagnosis.error)}


def _problem(problem: "Problem") -> dict[str, Any]:
    """A problem: which tensor first, its alternatives last, in the same form."""
    content = {key: getattr(problem, key) for key in _PROBLEM_KEYS}
    return {**content, "alternatives": [_problem(alternative) for alternative in problem.alternatives]}
