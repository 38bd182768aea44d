"""What was found in a checkpoint, as data."""

from dataclasses import dataclass, field
from itertools import islice
from typing import NamedTuple

from ..config import RNNConfig
from ..errors import shorten
from ..shapes import Weight
from .file_tensors import FileTensor


def label(name: str, limit: int = 60) -> str:
    """A module's name to show: the whole model has none."""
    return shorten(name, limit) if name else "(the whole model)"


class Rest(NamedTuple):
    """What else a file holds: tensors of no RNN, how many numbers and bytes they are, and the names of some."""

    tensors: int
    parameters: int
    bytes: int
    examples: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class FoundModule:
    """One RNN, LSTM, GRU or cell of a checkpoint.

    Attributes:
        name: its name in the model; empty if it is the whole model.
        key: what its weights' names begin with in the file, wrappers and containers included.
        config: what it was built with, as far as weights can tell; the rest is at its default.
        dtype: the dtype of its weights.
        weights: its parameters, under PyTorch's names and in PyTorch's order.
        tensors: the tensor of each weight, and for one that is parametrized those it is computed from, by name in the file.
        bytes: what its weights take in the file.
        not_recoverable: arguments that no weight tells of.
        notes: what else should be known about it.
    """

    name: str
    key: str
    config: RNNConfig
    dtype: str
    weights: dict[str, Weight]
    tensors: dict[str, dict[str, str]]
    bytes: int
    not_recoverable: tuple[str, ...]
    notes: tuple[str, ...]

    @property
    def parameters(self) -> int:
        """Number of its parameters."""
        return sum(weight.numel for weight in self.weights.values())


@dataclass(frozen=True, slots=True)
class Problem:
    """One contradiction among the weights of the module ``name``; ``key`` is what their names begin with in the file."""

    name: str
    key: str
    message: str


@dataclass(slots=True)
class Checkpoint:
    """What was found in a file.

    Attributes:
        kind: what the file is, in words.
        modules: the RNNs, in the order of the file.
        problems: modules whose weights contradict each other, each contradiction described; they are not in ``modules``.
        notes: what else should be known about the file.
        other: tensors that belong to no RNN, without those of an optimizer.
        optimizer: tensors of an optimizer.
    """

    kind: str
    modules: list[FoundModule] = field(default_factory=list)
    problems: list[Problem] = field(default_factory=list)
    notes: list[str] = field(default_factory=list)
    other: dict[str, FileTensor] = field(default_factory=dict)
    optimizer: int = 0

    @property
    def rest(self) -> Rest:
        """What else the file holds beside RNNs and optimizer state."""
        tensors = self.other.values()
        return Rest(
            len(tensors),
            sum(tensor.numel for tensor in tensors),
            sum(tensor.bytes for tensor in tensors),
            tuple(islice(self.other, 3)),
        )
