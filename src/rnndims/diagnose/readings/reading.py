"""A message that was found, and what the functions that read its numbers share."""

from dataclasses import dataclass

from ...config import RNNConfig
from ...shapes import Shape
from ..messages import Row
from ..problem import Cause, Observed, Problem
from ..text import Evidence

Found = tuple[list[Problem], list[str]]


@dataclass(frozen=True, slots=True)
class Reading:
    """A message that was found, and all that is known beside it.

    Attributes:
        row: what the table says of it.
        groups: the numbers and words in its slots.
        phrase: its own words.
        around: the traceback before it.
        config: the module, if it is known.
        seen: the shapes, as far as they are known.
        text: the whole text, cleaned.
    """

    row: Row
    groups: dict[str, str]
    phrase: str
    around: Evidence
    config: RNNConfig | None
    seen: Observed
    text: str

    @property
    def certain(self) -> bool:
        """Whether it cannot be another layer's message."""
        if self.row.claim in ("rnn", "frame") or self.around.in_rnn:
            return True
        return self.row.reading == "product" and self.around.in_linear and self.around.rnn

    def number(self, name: str) -> int:
        """The number in a slot."""
        return int(self.groups[name])

    def shape(self, name: str) -> Shape:
        """The shape in a slot; Python 2 wrote its long numbers as ``20L``."""
        return tuple(int(size) for size in self.groups[name].upper().replace(",", " ").replace("L", " ").split())

    def problem(
        self, cause: Cause, message: str, fix: str, *, dim: int | None = None, expected: str = "", got: str = ""
    ) -> Problem:
        """A problem of the row's tensor; ``expected`` and ``got`` name the slots of two sizes."""
        want = (int(self.groups[expected]),) if expected in self.groups else None
        have = (int(self.groups[got]),) if got in self.groups else None
        return Problem(self.row.tensor, dim, want, have, cause, message, fix)


def read_row(reading: Reading) -> Found:
    """The causes of the row, with the slots filled in."""
    found = []
    for cause, message, fix in reading.row.causes:
        texts = [message, fix]
        for name, value in reading.groups.items():
            texts = [text.replace(f"{{{name}}}", value) for text in texts]
        found.append(Problem(reading.row.tensor, None, None, None, cause, texts[0], texts[1]))
    return found, []
