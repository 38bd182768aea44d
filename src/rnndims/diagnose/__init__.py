"""What does not fit and why: configurations against observed shapes, and pasted error messages.

``check_shapes`` decides without torch whether PyTorch would accept a call, in its order of complaints;
``diagnose_error`` finds PyTorch's RNN message in a pasted text and explains it.
"""

from dataclasses import replace

from ..config import RNNConfig
from ..errors import ConfigError
from .beliefs import belief_notes, belief_problems, results
from .cells import cell_notes, cell_problems
from .layers import layer_problems
from .packed import packed_notes, packed_problems
from .problem import (
    CAUSES,
    Cause,
    Diagnosis,
    MatchedError,
    Observed,
    Problem,
    UnknownMessageError,
    parse_dtype,
    parse_shape,
)

__all__ = [
    "CAUSES",
    "Cause",
    "Diagnosis",
    "MatchedError",
    "Observed",
    "Problem",
    "UnknownMessageError",
    "check_shapes",
    "diagnose_error",
    "parse_dtype",
    "parse_shape",
]

_RESULTS = ("output", "h_n", "c_n", "h_1", "c_1")


def check_shapes(config: RNNConfig, seen: Observed) -> Diagnosis:
    """Whether the observed shapes fit the module, and what would fail in silence.

    >>> config = RNNConfig("gru", 10, 20, batch_first=True)
    >>> check_shapes(config, Observed(input=(5, 3, 10), h_0=(1, 5, 20))).ok
    True
    >>> check_shapes(config, Observed(input=(5, 3, 10), h_0=(1, 3, 20))).problems[0].cause
    'hidden_batch_mismatch'

    Raises:
        RnndimsError: where the question makes no sense (lengths for a cell, an expression that cannot be read).
    """
    if config.is_cell:
        if seen.lengths is not None:
            shown = ",".join(map(str, seen.lengths[:20]))
            raise ConfigError("lengths", shown, "a cell reads one step, there is nothing to pack", fix="Leave out {lengths}.")
        problems = cell_problems(config, seen)
    elif seen.lengths is not None:
        problems = packed_problems(config, seen)
    else:
        problems = layer_problems(config, seen)
    notes: list[str] = []
    if not problems:
        notes += cell_notes(config, seen) if config.is_cell else []
        notes += packed_notes(config, seen) if seen.lengths is not None else []
        problems += belief_problems(config, seen)
    notes += belief_notes(config, seen, fits=not problems)
    found = {} if problems else {name: shape for name, shape in results(config, seen).items() if name in _RESULTS}
    return Diagnosis(config, tuple(problems), tuple(notes), results=found)


def diagnose_error(text: str, config: RNNConfig | None = None, seen: Observed | None = None) -> Diagnosis:
    """Find the last RNN-related error message in ``text`` and explain it.

    Args:
        text: a message, a traceback or a whole log; colours, prefixes and other output do not matter.
        config: the module, if it is known.
        seen: the shapes, if they are known; with ``config`` they narrow the causes down.

    Raises:
        UnknownMessageError: if no known message is in it.
    """
    from .errortext import explain_text

    diagnosis = explain_text(text, config, seen)
    if seen is None or seen == Observed(weight_dtype=seen.weight_dtype):
        return diagnosis
    if config is None:
        return replace(
            diagnosis, notes=(*diagnosis.notes, "the shapes say nothing without the module: give its constructor too")
        )
    found = check_shapes(config, seen)
    causes = {problem.cause for problem in diagnosis.problems}
    if any(problem.cause in causes for problem in found.problems):
        problems, notes = found.problems, found.notes
    else:
        problems = diagnosis.problems
        state = "fit" if not found.problems else "have another problem, see check without --error"
        notes = (
            *diagnosis.notes,
            f"the shapes given beside the message {state}: they are not those of the failing call",
            *found.notes,
        )
    return Diagnosis(config, problems, notes, diagnosis.error)
