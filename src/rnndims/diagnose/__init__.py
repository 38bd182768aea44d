"""Internal: what does not fit and why, from the shapes of a call and from pasted error messages.

``check_shapes`` decides without torch whether PyTorch would accept a call, in PyTorch's order of checks;
``diagnose_error`` finds PyTorch's RNN message in a pasted text and explains it. ``rnndims.check`` and
``rnndims.explain_error`` are the public names.
"""

from dataclasses import replace
from typing import TYPE_CHECKING

from ..config import RNNConfig
from ..errors import ConfigError, Template
from .call import Call, parse_dtype, parse_shape, result_shapes
from .cell_call import cell_problems, cell_warnings
from .expectations import call_notes, expectation_problems, expectations_besides, square_notes
from .kinds_of_call import result_names
from .layer_call import layer_problems
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
    "parse_dtype",
    "parse_shape",
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
    if config.is_cell:
        problems = cell_problems(config, call)
    else:
        problems = (layer_problems if call.lengths is None else packed_problems)(config, call)
    notes = call_notes(config, call)
    runs = not problems
    uses = _uses(config, call, runs=runs)
    warnings = [caution for use in uses for caution in use.warnings]
    said = [note for use in uses for note in use.notes]
    if not runs:
        problems += expectations_besides(config, call)
        return Diagnosis(config=config, problems=tuple(problems), warnings=tuple(warnings), notes=(*notes, *said))
    if config.is_cell:
        warnings = cell_warnings(config, call) + warnings
    if call.lengths is not None:
        warnings = packed_warnings(config, call) + warnings
        notes = packed_notes(call) + notes
    problems = expectation_problems(config, call, uses) + [use.problem for use in uses if use.problem is not None]
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


def _uses(config: RNNConfig, call: Call, *, runs: bool) -> "list[Use]":
    """What is known of the uses of the results; what follows them is loaded only if there are any."""
    if not call.uses:
        return []
    from .uses import read_uses

    return read_uses(config, call, runs=runs)


def diagnose_error(text: str, config: RNNConfig | None = None, call: Call | None = None) -> Diagnosis:
    """Find the last RNN-related error message in ``text`` and explain it.

    Args:
        text: a message, a traceback or a whole log; colours, prefixes and other output do not matter.
        config: the module, if it is known.
        call: the shapes, if they are known; with ``config`` they narrow the causes down.

    Raises:
        UnknownMessageError: if no known message is in it.
    """
    from .message_search import explain_text

    diagnosis = explain_text(text, config, call)
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
