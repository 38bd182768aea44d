"""The JSON document of ``cell``."""

from collections.abc import Sequence
from typing import Any

from .. import equations
from ..constructor import format_constructor
from ..equations import Equation, Term
from ..measurements import CellRun, CellStep
from .json import config_document, data_document, head, tensor_document, weight_document


def cell_document(run: CellRun, notes: Sequence[str] = ()) -> dict[str, Any]:
    """Steps, equations, weights, and the two comparisons."""
    dims, matmul = run.dims, run.one_matmul
    document = {
        **head("cell"),
        "config": config_document(dims.config),
        "data": {**data_document(dims.data, dims.config), "seq_len": dims.data.seq_len},
        "device": run.device,
        "torch": run.torch,
        "tensors": {name: tensor_document(tensor) for name, tensor in dims.tensors.items()},
        "initial": run.initial,
        "steps": [_step(step) for step in run.steps],
        "equations": [_equation(equation) for equation in equations.equations(dims.config, dims.data)],
        "weights": {
            name: {**weight_document(weight), "measured": run.weights[name], "used_in_steps": [0, len(run.steps)]}
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
        document["one_matmul"] = {
            "input": matmul.input,
            "weight": matmul.weight,
            "output": matmul.output,
            "matches": matmul.comparison.matches,
            "max_abs_diff": matmul.comparison.max_abs_diff,
            "tolerance": matmul.comparison.tolerance,
        }
    if run.values is not None:
        document["values"] = run.values
    return {**document, "notes": notes}


def _step(step: CellStep) -> dict[str, Any]:
    return step._asdict()


def _equation(equation: Equation) -> dict[str, Any]:
    return {"result": _term(equation.result), "terms": [_term(term) for term in equation.terms]}


def _term(term: Term) -> dict[str, Any]:
    return {"text": term.text, "shape": term.shape, "transposed": term.transposed}
