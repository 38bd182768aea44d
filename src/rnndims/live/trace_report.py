"""What was seen of the RNNs of a running program, as data: every call, the problem that ended it, what was not watched."""

from dataclasses import dataclass

from ..axes.misuse_kinds import MisuseKind
from ..config import RNNConfig
from ..diagnose import Problem
from ..shapes import Shape


@dataclass(frozen=True, slots=True)
class TracedCall:
    """All calls of one module from one place in the code with tensors of the same shapes.

    Attributes:
        name: the module's name in the model that it is part of (``encoder.rnn``), or that of the variable; ``""`` if neither
            is known.
        config: the module.
        at: file and line of the call: ``model.py:10``.
        times: number of calls.
        input: shape of the input; of the data of a packed batch, whose first dim is all its steps.
        h_0: shape of the initial hidden state that was passed; ``None`` where PyTorch makes zeros.
        c_0: the same of the cell state.
        output: shape of what came out; of the data of a packed batch. ``None`` for a cell, whose result is its state.
        h_n: shape of the final hidden state; that of ``h_1`` for a cell.
        c_n: shape of the final cell state, if there is one.
        lengths: the lengths of the sequences of a packed batch, in their order before packing, of the first call; else
            ``None``.
        device: device of the input.
        dtype: dtype of the input.
        parameters: how many numbers the module learns, counted in the module itself.
        macs: multiply-accumulates of the matrix products of all these calls together.
    """

    name: str
    config: RNNConfig
    at: str
    times: int
    input: Shape
    h_0: Shape | None
    c_0: Shape | None
    output: Shape | None
    h_n: Shape
    c_n: Shape | None
    lengths: tuple[int, ...] | None
    device: str
    dtype: str
    parameters: int
    macs: int

    @property
    def packed(self) -> bool:
        """Whether the input is a packed batch: its data has no dim of its own for the sequences, and its states have."""
        return not self.config.is_cell and len(self.input) < len(self.h_n)


@dataclass(frozen=True, slots=True)
class TracedProblem:
    """The mistake that ended the program.

    Attributes:
        at: file and line of the user's code where it happened: ``model.py:31``.
        code: the part of that line that failed, or the whole line; ``""`` where the source is not known.
        name: the module that it happened in, as the code names it (``self.rnn``); ``""`` if it is none.
        problem: what is wrong; code in its fix has the names of the user's variables.
    """

    at: str
    code: str
    name: str
    problem: Problem


@dataclass(frozen=True, slots=True)
class TracedWarning:
    """What runs and is wrong.

    Attributes:
        kind: one of ``MisuseKind``.
        at: file and line of the user's code: ``model.py:31``.
        code: the part of that line that it is about.
        name: the module whose results they are: ``encoder.rnn``.
        message: what the numbers are, and why that is not what is meant.
        fix: code that gives what is meant, if that is known.
        advice: what to do, in words; there is a fix or advice.
        certain: whether it is wrong whatever is meant; otherwise it is likely a mistake.
    """

    kind: MisuseKind
    at: str
    code: str
    name: str
    message: str
    fix: str | None
    advice: str | None
    certain: bool


@dataclass(frozen=True, slots=True)
class TraceReport:
    """All that was seen.

    Attributes:
        calls: by module and place, in the order of their first call.
        problems: what ended the program, if an RNN has to do with it.
        warnings: what runs and is wrong, each once for each line.
        not_watched: what could not be seen, in whole sentences.
        exit: the exit code of the program; ``None`` where it is not known yet.
    """

    calls: tuple[TracedCall, ...] = ()
    problems: tuple[TracedProblem, ...] = ()
    warnings: tuple[TracedWarning, ...] = ()
    not_watched: tuple[str, ...] = ()
    exit: int | None = None
