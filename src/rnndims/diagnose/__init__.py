"""Internal: what does not fit and why, from the shapes of a call and from pasted error messages.

``check_shapes`` decides without torch whether PyTorch would accept a call, in PyTorch's order of checks;
``diagnose_error`` finds PyTorch's RNN message in a pasted text and explains it. ``rnndims.check`` and
``rnndims.explain_error`` are the public names.
"""

import re
from dataclasses import replace
from typing import TYPE_CHECKING

from ..config import RNNConfig, runs_in
from ..dtypes import REAL_FUNCTIONS
from ..errors import ConfigError, Template
from ..shapes import Shape
from . import torch_phrases
from .call import Call, parse_dtype, parse_shape, result_shapes
from .cell_call import cell_problems, cell_warnings
from .expectations import call_notes, expectation_problems, expectations_besides, square_notes
from .kinds_of_call import result_names
from .layer_call import layer_problems, layer_warnings
from .neighbour_shapes import embedding_problem, neighbour_problems, refuse_neighbours, scores_of, sequential_problem
from .packed_call import packed_notes, packed_problems, packed_warnings
from .problem import (
    CAUSES,
    Cause,
    Caution,
    CautionKind,
    Diagnosis,
    MatchedMessage,
    Problem,
    UnknownMessageError,
    without_turn,
)

if TYPE_CHECKING:
    from .uses import Use

__all__ = [
    "CAUSES",
    "Call",
    "Cause",
    "Caution",
    "CautionKind",
    "Diagnosis",
    "MatchedMessage",
    "Problem",
    "UnknownMessageError",
    "check_shapes",
    "diagnose_error",
    "embedding_problem",
    "parse_dtype",
    "parse_shape",
    "refuse_neighbours",
    "scores_shape",
    "sequential_problem",
]


def check_shapes(config: RNNConfig, call: Call) -> Diagnosis:
    """Whether the shapes fit the module, and what would run and be wrong.

    >>> config = RNNConfig("rnn", 10, 20, batch_first=True)
    >>> check_shapes(config, Call(input=(5, 3, 10), h_0=(1, 5, 20))).ok
    True
    >>> problem = check_shapes(config, Call(input=(5, 3, 10), h_0=(1, 3, 20))).problems[0]
    >>> problem.cause, problem.dim, problem.torch
    ('hidden_batch_mismatch', 1, 'Expected hidden size (1, 5, 20), got [1, 3, 20]')

    Raises:
        RnndimsError: where the question makes no sense (lengths for a cell, an expression that cannot be read).
    """
    if config.is_cell and call.lengths is not None:
        shown = ",".join(map(str, call.lengths[:20]))
        rule = "a cell reads a single step: there is nothing to pack"
        raise ConfigError("lengths", shown, rule, fix=Template("Remove {lengths}."))
    refuse_neighbours(config, call)
    problems = cell_problems(config, call) if config.is_cell else _layer_problems(config, call)
    late = [problem for problem in problems if problem.torch == torch_phrases.TOO_LONG]  # found after the steps before
    problems = [problem for problem in problems if problem not in late] + _function_problems(config, call) + late
    problems = [_in_dtype(problem, call) for problem in problems]
    notes = call_notes(config, call)
    runs = not problems
    uses = _uses(config, call, runs=runs)
    warnings = [caution for use in uses for caution in use.warnings]
    said = [note for use in uses for note in use.notes]
    if not runs:
        problems += expectations_besides(config, call, problems)
        return Diagnosis(config=config, problems=tuple(problems), warnings=tuple(warnings), notes=(*notes, *said))
    warnings = (cell_warnings if config.is_cell else layer_warnings)(config, call) + warnings
    if call.lengths is not None:
        warnings = packed_warnings(config, call) + warnings
        notes = packed_notes(call) + notes
    problems = expectation_problems(config, call, uses) + [use.problem for use in uses if use.problem is not None]
    neighbours = neighbour_problems(config, call, uses)
    problems += neighbours[0]
    warnings += neighbours[1]
    notes += neighbours[2]
    notes += square_notes(config, call) + said
    shapes = result_shapes(config, call)
    results = {} if problems else {name: shapes[name] for name in result_names(config) if name in shapes}
    return Diagnosis(
        config=config,
        problems=tuple(problems),
        warnings=tuple(dict.fromkeys(warnings)),
        notes=tuple(dict.fromkeys(notes)),
        results=results,
        uses={} if problems else {use.text: use.shape for use in uses if use.shape is not None},
    )


def scores_shape(config: RNNConfig, call: Call) -> Shape:
    """The shape of what the loss gets; empty where the call gives no results."""
    shapes = result_shapes(config, call)
    return scores_of(config, call, _uses(config, call, runs=True), shapes)[1] if shapes else ()


def _uses(config: RNNConfig, call: Call, *, runs: bool) -> "list[Use]":
    """What is known of the uses of the results; what follows them is loaded only if there are any."""
    if not call.uses:
        return []
    from .uses import read_uses

    return read_uses(config, call, runs=runs)


def _layer_problems(config: RNNConfig, call: Call) -> list[Problem]:
    """The problems of a module that has layers; another ``batch_first`` explains one only if states and lengths fit then."""
    find = layer_problems if call.lengths is None else packed_problems
    problems = find(config, call)
    turned = find(replace(config, batch_first=not config.batch_first), call)
    no_steps = any(problem.cause == "other" for problem in turned)
    if not no_steps and not any(problem.tensor in ("h_0", "c_0", "lengths") for problem in turned):
        return problems
    return [without_turn(problem) for problem in problems]


def _function_problems(config: RNNConfig, call: Call) -> list[Problem]:
    """A function of the cell that the dtype of the weights does not have; PyTorch finds it last, when it computes."""
    if runs_in(config, call.weight_dtype):
        return []
    function = str(config.nonlinearity)
    return [
        Problem(
            tensor="input",
            expected="float32",
            got=call.weight_dtype,
            cause="dtype_mismatch",
            message=f"PyTorch builds nn.{config.class_name} with {function} in {call.weight_dtype}, and cannot run it.",
            torch=REAL_FUNCTIONS[function],
            advice="Use nonlinearity='tanh', which has complex numbers, or a real dtype for the module and for x.",
        )
    ]


def _in_dtype(problem: Problem, call: Call) -> Problem:
    """The problem with fixes that make tensors and modules in the dtype of the weights, where that is not the default."""
    dtype, fix = f"dtype=torch.{call.weight_dtype})", problem.fix
    if fix is not None and call.weight_dtype != "float32":
        fix = re.sub(r"((?:torch\.zeros|nn\.(?:RNN|LSTM|GRU|Linear)(?:Cell)?)\([^()]*)\)", rf"\1, {dtype}", fix)
    if fix is not None and call.input_dtype not in (None, call.weight_dtype):  # new_zeros has the dtype of x
        fix = re.sub(r"(x\.new_zeros\((?:[^()]|\(\d\))*)\)", rf"\1, {dtype}", fix)
    return replace(problem, fix=fix, alternatives=tuple(_in_dtype(each, call) for each in problem.alternatives))


def diagnose_error(text: str, config: RNNConfig | None = None, call: Call | None = None) -> Diagnosis:
    """Find the last RNN-related error message in ``text`` and explain it.

    Args:
        text: a message, a traceback or a whole log; colours, prefixes and other output do not matter.
        config: the module, if it is known.
        call: the shapes, if they are known; with ``config`` they narrow the causes down.

    Raises:
        UnknownMessageError: if no known message is in it, and no shapes are stated beside the module.
    """
    from .message_search import explain_text

    try:
        diagnosis = explain_text(text, config, call)
    except UnknownMessageError as unknown:
        if config is None or call is None or call.is_empty:
            raise
        stated = check_shapes(config, call)
        said = unknown.message.removeprefix("--error: ")
        note = f"The message is unknown ({said}); the shapes beside it are checked alone."
        return replace(stated, notes=(*stated.notes, note))
    if call is None or call.is_empty:
        return diagnosis
    if config is None:
        note = "The shapes are of no use without the module: add its constructor."
        return replace(diagnosis, notes=(*diagnosis.notes, note))
    stated = check_shapes(config, call)
    causes = {cause for problem in diagnosis.problems for cause in problem.causes}
    if any(causes.intersection(problem.causes) for problem in stated.problems):
        return replace(stated, error=diagnosis.error, results={})
    fit = "fit the module" if not stated.problems else "have another problem (run check without --error to see it)"
    note = f"The shapes beside the message {fit}, so they are not those of the failing call."
    return replace(diagnosis, config=config, warnings=stated.warnings, notes=(*diagnosis.notes, note, *stated.notes))
