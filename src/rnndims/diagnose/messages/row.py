"""The table of messages: every wording of PyTorch's RNN code, old and new, and what it means.

A wording is literal text with slots: ``<got:shape>`` is a shape in any brackets, ``<got:int>`` a number, ``<got:word>`` a
word. Spaces match any white space. What the numbers say is worked out by the reading named in ``reading``, or filled
into the texts.
"""

from dataclasses import dataclass
from typing import Final, Literal

from ..problem import Cause

Claim = Literal["rnn", "bare", "context", "line", "frame"]
"""When a message counts as the RNN's: always; without a traceback or where it speaks of an RNN; only where something speaks
of an RNN; only where the line of code does; only where PyTorch's RNN module raised it."""


@dataclass(frozen=True, slots=True)
class Row:
    """One message.

    Attributes:
        wordings: how PyTorch says it, or said it.
        tensor: the tensor it is about.
        explanation: what PyTorch compared.
        causes: cause, what is wrong, what to change; most likely first. Slots of the wording may be named in braces.
        reading: the function in ``readings`` that works the causes out from the numbers instead.
        claim: when the message counts as the RNN's.
        warning: whether it is only a warning.
    """

    wordings: tuple[str, ...]
    tensor: str
    explanation: str
    causes: tuple[tuple[Cause, str, str], ...] = ()
    reading: str = ""
    claim: Claim = "rnn"
    warning: bool = False


FRESH: Final = (
    "Leave the state out (zeros are the default), or make it anew for each batch: h_0 = x.new_zeros(D * num_layers, N, H)"
)
