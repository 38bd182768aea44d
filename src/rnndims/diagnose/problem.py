"""The parts of a diagnosis: problems with their causes, warnings, notes, and the message that was found."""

from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from typing import Final, Literal, get_args

from ..axes.misuse_kinds import MisuseKind
from ..config import RNNConfig
from ..errors import RnndimsError
from ..shapes import Shape

TUPLE_EXPECTED: Final = "lstm_tuple_expected"
"""The cause of a tuple where a tensor belongs, or the reverse. JSON keeps this name; code says ``TUPLE_EXPECTED``."""

Cause = Literal[
    "batch_first_mismatch",
    "hidden_batch_mismatch",
    "hidden_layers_or_directions",
    "hidden_size_vs_proj",
    "input_feature_mismatch",
    "input_ndim",
    "unbatched_2d_vs_3d",
    "lstm_tuple_expected",
    "dtype_mismatch",
    "packed_lengths",
    "bidirectional_linear_mismatch",
    "checkpoint_mismatch",
    "neighbour_shape",
    "loss_shape",
    "contiguity",
    "state_graph",
    "other",
]
"""The kinds of problems; for a type checker, a misspelt one is an error."""

CAUSES: Final[tuple[Cause, ...]] = get_args(Cause)
"""All kinds of problems."""

CautionKind = Literal[
    MisuseKind,
    "dropped_sequences",  # fewer lengths than sequences
    "state_in_part",  # a packed batch whose state is not checked, so a part of it is used
    "broadcast_state",  # a cell that repeats a state of another shape
    "broadcast_target",  # MSELoss repeats a target of another shape
    "steps_read_as_classes",  # CrossEntropyLoss takes dim 1 for the classes, and output has them in the last dim
    "batch_read_as_time",  # CTCLoss reads (T, N, C), and the output is (N, T, C)
    "state_taken_apart",  # a bare tensor that is read as the tuple of states, row by row
]
"""The kinds of warnings."""


class UnknownMessageError(RnndimsError):
    """A pasted text has no error message of PyTorch's RNN code that rnndims can explain."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Problem:
    """One mistake: PyTorch refuses, or what the user expects is wrong.

    Attributes:
        tensor: the wrong tensor, by PyTorch's name (``input``, ``h_0``, ``lengths``, ``output``, ``weight_ih_l0``, ...).
        dim: its wrong dim; ``None`` where it is not one dim.
        expected: the shape it should have (or the dtype); ``None`` where that is not known.
        got: the shape it has (or the dtype); ``None`` where that is not known.
        cause: why, one of ``CAUSES``.
        message: what is wrong, in whole sentences.
        torch: what PyTorch says, in its own words, which can be searched for; ``None`` where it says nothing.
        fix: code to paste, one statement a line; the input is called ``x`` in it.
        advice: what to do, in words.
        certain: ``False`` where this is only a likely explanation.
        alternatives: other explanations of the same mistake, less likely; each says when it holds.
    """

    tensor: str
    cause: Cause
    message: str
    dim: int | None = None
    expected: Shape | str | None = None
    got: Shape | str | None = None
    torch: str | None = None
    fix: str | None = None
    advice: str | None = None
    certain: bool = True
    alternatives: tuple["Problem", ...] = ()

    @property
    def quoted(self) -> str:
        """The message and, where PyTorch has one, its phrase, as one text."""
        return self.message if self.torch is None else f'{self.message} PyTorch says: "{self.torch}"'

    @property
    def causes(self) -> tuple[Cause, ...]:
        """Its cause, and those of its alternatives."""
        return (self.cause, *(alternative.cause for alternative in self.alternatives))


def one_problem(explanations: Sequence[Problem], *, certain: bool = True) -> Problem:
    """Several explanations of one mistake as one problem: the first, with the others as its alternatives.

    Args:
        explanations: at least one, most likely first.
        certain: whether the first is sure, and not only likely.
    """
    first, *others = explanations
    alternatives = [
        replace(other, certain=False, torch=None if other.torch == first.torch else other.torch) for other in others
    ]
    return replace(first, certain=certain, alternatives=tuple(alternatives))


def without_turn(problem: Problem) -> Problem:
    """The problem without the explanation that input has the other layout, if another explanation is left."""
    explanations = (problem, *problem.alternatives)
    kept = [
        each for each in explanations if each.cause != "batch_first_mismatch" or not (each.fix or "").startswith(("nn.", "x ="))
    ]
    if not kept or len(kept) == len(explanations):
        return problem
    first, *others = kept
    return one_problem([replace(first, torch=problem.torch, alternatives=()), *others], certain=problem.certain)


@dataclass(frozen=True, slots=True, kw_only=True)
class Caution:
    """A warning: it runs, and the numbers are not what the user wants. (``Warning`` is Python's own class.)

    Attributes:
        kind: one of ``CautionKind``.
        message: what happens to the numbers.
        fix: code to use instead.
        advice: what to do, in words.
    """

    kind: CautionKind
    message: str
    fix: str | None = None
    advice: str | None = None


@dataclass(frozen=True, slots=True)
class MatchedMessage:
    """The message that was found in a pasted text.

    Attributes:
        matched: its words as they stand in the text.
        explanation: what PyTorch compared.
        certain: ``False`` where other code of PyTorch raises the same words and nothing in the text says who did.
        whole: whether the text has the traceback from its first line on.
    """

    matched: str
    explanation: str
    certain: bool
    whole: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Diagnosis:
    """The answer of ``check``: all problems, warnings and notes of one question.

    Attributes:
        config: the module, if it is known.
        problems: distinct mistakes, in PyTorch's order of complaints.
        warnings: what runs and is wrong.
        notes: what is worth knowing; nothing is wrong.
        error: the message that was found in a pasted text.
        results: shape of everything that comes out, by name, where nothing is refused.
        uses: shape of each use of the results that is one tensor, by its text, where nothing is refused.
    """

    config: RNNConfig | None = None
    problems: tuple[Problem, ...] = ()
    warnings: tuple[Caution, ...] = ()
    notes: tuple[str, ...] = ()
    error: MatchedMessage | None = None
    results: dict[str, Shape] = field(default_factory=dict)
    uses: dict[str, Shape] = field(default_factory=dict)

    @property
    def fits(self) -> bool:
        """Whether PyTorch accepts it and what the user expects to come out is right; warnings do not count."""
        return not self.problems and self.error is None

    @property
    def ok(self) -> bool:
        """Whether nothing at all is wrong: it fits, and there is no warning."""
        return self.fits and not self.warnings
