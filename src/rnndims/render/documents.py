"""The JSON documents: plain dicts of results, whose keys keep their meaning (``"schema": 1``).

``plain`` turns any result into JSON: a dataclass or NamedTuple becomes an object with its fields as keys. ``_OMITTED`` and the
functions that make the documents have the exceptions.
"""

import json
from collections.abc import Callable, Sequence
from dataclasses import fields, is_dataclass
from functools import cache, lru_cache
from operator import attrgetter
from typing import TYPE_CHECKING, Any, Final

from .. import __version__, shapes
from ..config import DataConfig, RNNConfig
from ..constructor import format_constructor
from ..cost import Totals
from ..results import Dims
from ..shapes import Packed, StateRow, Tensor, Weight

if TYPE_CHECKING:
    from ..checkpoint import Checkpoint, CheckpointModule
    from ..diagnose import Diagnosis, Problem
    from ..diagrams import Diagram, Node
    from ..file_request import Request
    from ..live.summary import ModelSummary, RNNSummary
    from ..live.trace_report import TracedCall, TraceReport
    from ..measurements import CellRun, ConcatDemo, Measured, Run

SCHEMA: Final = 1
"""The version of the format: it changes if a key loses its meaning."""

LINE: Final = 200
"""Characters of the longest line of ``pretty``."""

MOST_ON_A_LINE: Final = 30
"""Members of a container that may stand on one line of ``LINE`` characters; larger ones are not even tried."""

encode = json.JSONEncoder(separators=(",", ":"), allow_nan=False).encode
"""A document as one line of text, for JSON Lines."""


_one_line = json.JSONEncoder(allow_nan=False).encode
"""A value as one line of text, with spaces after commas and colons."""


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

_OMITTED: Final[dict[type, tuple[str, ...]]] = {Tensor: ("name",), Weight: ("name",)}
"""Fields that are not in the object of their type: the name is the key of the object."""

_FLAT: Final = frozenset((RNNConfig, DataConfig, Tensor, Weight, Packed, StateRow, Totals))
"""Types that hold only numbers, words, and tuples and dicts of these: nothing in them is converted, which saves time."""


def plain(value: Any) -> Any:
    """``value`` as JSON: dataclasses and NamedTuples as objects with their fields as keys, all that they hold alike.

    A tuple or list that begins with a number, a string or null is all such, and is returned as it is. A configuration
    has its constructor first.

    >>> plain(shapes.Packed((3, 4), (3, 2), (2, 1)))
    {'input_data': (3, 4), 'output_data': (3, 2), 'batch_sizes': (2, 1)}
    """
    kind: Any = type(value)
    if kind in _ATOMS:
        return value
    if kind in _FLAT:
        keys, get = _fields(kind)
        content = dict(zip(keys, get(value), strict=True))
        return {"module": format_constructor(value), **content} if kind is RNNConfig else content
    if kind is tuple or kind is list:
        return value if not value or type(value[0]) in _ATOMS else [plain(item) for item in value]
    if kind is dict:
        return {key: plain(item) for key, item in value.items()}
    if not (is_dataclass(kind) or hasattr(kind, "_fields")):  # a str of another class, like torch.__version__
        return value
    keys, get = _fields(kind)
    return {key: plain(item) for key, item in zip(keys, get(value), strict=True)}


@cache
def _fields(kind: Any) -> tuple[tuple[str, ...], Callable[[Any], tuple[Any, ...]]]:
    """The keys of the object of a dataclass or NamedTuple, and a function from it to their values."""
    names = (field.name for field in fields(kind)) if is_dataclass(kind) else kind._fields
    keys = tuple(name for name in names if name not in _OMITTED.get(kind, ()))
    get = attrgetter(*keys)
    return keys, get if len(keys) > 1 else lambda value: (get(value),)


def _without(content: dict[str, Any], *keys: str) -> dict[str, Any]:
    return {key: value for key, value in content.items() if key not in keys}


def head(command: str) -> dict[str, Any]:
    """The keys that every document begins with."""
    return {"schema": SCHEMA, "rnndims": __version__, "command": command}


def data_document(data: DataConfig, config: RNNConfig) -> dict[str, Any]:
    """The input; a cell reads one step, so its ``seq_len`` is null."""
    return {**plain(data), "seq_len": None} if config.is_cell else plain(data)


def with_files(document: dict[str, Any], request: "Request") -> dict[str, Any]:
    """``document`` with the key ``files``, where the user tensors come from; unchanged if there are none."""
    return {**document, "files": request.files} if request.files else document


def dims_document(dims: Dims, command: str = "dims", notes: Sequence[str] = ()) -> dict[str, Any]:
    """The document of ``dims``; ``run`` and ``weights`` add to it."""
    return _dims_document(dims, plain(dims.tensors), plain(dims.weights), command, notes)


def _dims_document(
    dims: Dims, tensors: dict[str, Any], weights: dict[str, Any], command: str = "dims", notes: Sequence[str] = ()
) -> dict[str, Any]:
    return {
        **head(command),
        "config": plain(dims.config),
        "data": data_document(dims.data, dims.config),
        "tensors": tensors,
        "packed": plain(dims.packed),
        "states": plain(dims.states),
        "weights": weights,
        "totals": plain(dims.totals),
        "notes": notes,
    }


def dims_line(dims: Dims) -> str:
    """``encode(dims_document(dims))`` in half the time, for JSON Lines.

    Most of a document is its tensors and weights, each of one form, without a character that JSON escapes: formatting them is
    four times faster than making a dict of each and encoding it.
    """
    tensors = ",".join(
        f'"{name}":{{"dims":{_symbols(symbols)},"shape":{_SHAPES[len(shape)] % shape},"numel":{numel},"bytes":{size}}}'
        for name, symbols, shape, numel, size in dims.tensors.values()
    )
    gates = encode(shapes.gate_rows(dims.config))
    weights = ",".join(
        f'"{name}":{{"layer":{layer},"direction":"{direction}","dims":{_symbols(symbols)},'
        f'"shape":{_SHAPES[len(shape)] % shape},"numel":{numel},"bytes":{size},"gates":{gates if has_gates else "{}"}}}'
        for name, layer, direction, symbols, shape, numel, size, has_gates in dims.weights.values()
    )
    line = encode(_dims_document(dims, {}, {})).replace('"tensors":{}', f'"tensors":{{{tensors}}}', 1)
    return line.replace('"weights":{}', f'"weights":{{{weights}}}', 1)


_SHAPES: Final = ("[]", "[%d]", "[%d,%d]", "[%d,%d,%d]")
"""Formats of shapes by their number of dims."""


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
    from .. import equations

    document = {**run_document(run, notes), "command": "weights"}
    for name, weight in run.dims.weights.items():
        product = equations.applied(run.dims.config, weight, run.dims.data)
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
    """One RNN; each of its weights has its shape and the names of the tensors in the file that it is stored as."""
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
    """The document of ``diagram``, for other drawing programs: nodes and arrows with their shapes.

    In ``steps`` and ``layers``, null stands for those that are omitted.
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
        "uses": diagnosis.uses,
    }
    return document if diagnosis.error is None else {**document, "error": plain(diagnosis.error)}


def _problem(problem: "Problem") -> dict[str, Any]:
    """A problem: which tensor first, its alternatives last, in the same form."""
    content = {key: getattr(problem, key) for key in _PROBLEM_KEYS}
    return {**content, "alternatives": [_problem(alternative) for alternative in problem.alternatives]}


def trace_document(report: "TraceReport") -> dict[str, Any]:
    """The document of ``trace``."""
    problems = [
        {**_without(plain(problem.problem)), "at": problem.at, "code": problem.code, "name": problem.name}
        for problem in report.problems
    ]
    return {
        **head("trace"),
        "calls": [_traced_call(call) for call in report.calls],
        "problems": problems,
        "warnings": plain(report.warnings),
        "not_watched": list(report.not_watched),
        "exit": report.exit,
    }


def _traced_call(call: "TracedCall") -> dict[str, Any]:
    content = _without(plain(call), "name", "config")
    return {"name": call.name, "module": format_constructor(call.config), "config": plain(call.config), **content}


def summary_document(summary: "ModelSummary") -> dict[str, Any]:
    """The document of ``rnndims.summary``."""
    return {
        **head("summary"),
        "model": summary.model,
        "recurrent": [_recurrent(each) for each in summary.recurrent],
        "modules": [
            {"name": each.name, "class": each.class_name, **plain(each.own), "shared": dict(each.shared)}
            for each in summary.modules
        ],
        "totals": {**plain(summary.total), "recurrent_macs": summary.recurrent_macs},
        "not_watched": list(summary.not_watched),
    }


def _recurrent(recurrent: "RNNSummary") -> dict[str, Any]:
    calls = [
        {**_without(plain(call), "name", "config", "parameters"), "states": plain(states)}
        for call, states in zip(recurrent.calls, recurrent.states, strict=True)
    ]
    return {
        "name": recurrent.name,
        "module": format_constructor(recurrent.config),
        "config": plain(recurrent.config),
        **plain(recurrent.own),
        "times": recurrent.times,
        "macs": recurrent.macs,
        "calls": calls,
    }
