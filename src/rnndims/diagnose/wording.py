"""Wordings of messages as regular expressions: literal text with slots for the numbers and names in it."""

import re
from dataclasses import dataclass
from functools import cache
from typing import Final

from .messages import TABLE, Row

_TENSOR_ATTRIBUTES: Final = (
    "size|dim|shape|ndim|index_select|batch_sizes|contiguous|view|reshape|unsqueeze|squeeze|transpose|permute|detach|data|to|cuda|"
    "is_cuda|device|dtype|new_zeros|log_softmax|softmax|mean|sum|t|float|backward|relu|flatten"
)
_SLOTS: Final = {
    "shape": r"(?:torch\.Size\s*\(\s*)?[(\[]\s{{0,40}}(?P<{}>\d[\dL,\s]{{0,80}}|)\s{{0,40}}[)\]]\)?",
    "int": r"(?P<{}>-?\d{{1,18}})L?",
    "word": r"(?P<{}>[\w.:]{{0,60}}\w)",
    "ctype": r"(?P<{}>(?:(?:un)?signed |long |short )?[\w.:]{{0,60}}\w)",
    "member": r"(?P<{}>_flat_weight\w*|_all_weights|_data_ptrs|_param_buf_size|proj_size|(?:weight|bias)_[ih]h_l\w+)",
    "kind": r"(?P<{}>RNN|LSTM|GRU)",
    "index": r"\[?(?P<{}>\d?)\]?",
    "tensorish": rf"(?P<{{}}>{_TENSOR_ATTRIBUTES})",
    "rnnop": r"(?P<{}>[\w.]{{0,60}}(?:lstm|gru|rnn)[\w.]{{0,60}})",
    "rnncall": r"(?<![\w.])(?P<{}>lstm|gru|rnn_tanh|rnn_relu)",
    "got": r"(?:\s*-\s*got\s*\((?P<{}>[^()]{{0,400}})\))?",
    "operand": r"(?!\s*#\d+\s*'(?:target|other|lengths|ind(?:ex|ices))')",  # a loss's, a comparison's, an Embedding's
    "weight": r"[\"'\s]{{0,3}}(?P<{}>[\w.]{{0,300}}(?:weight|bias)_(?:ih|hh|hr)\w{{0,40}})[\"']?",
    "keys": r"(?P<{}>[^\n]{{0,40000}}?(?:weight|bias)_(?:ih|hh|hr)[^\n]{{0,40000}})",
}
_SLOT: Final = re.compile(r"<(\w+):(\w+)>")


@dataclass(frozen=True, slots=True)
class Wording:
    """One compiled wording. ``anchor`` is its longest word: text without it cannot match."""

    row: Row
    pattern: re.Pattern[str]
    anchor: str


@cache
def wordings() -> tuple[Wording, ...]:
    """All wordings of the table, in its order."""
    return tuple(Wording(row, _compile(text), _anchor(text)) for row in TABLE for text in row.wordings)


def _compile(text: str) -> re.Pattern[str]:
    parts = _SLOT.split(text)
    pattern = ""
    for at in range(0, len(parts), 3):
        pattern += r"\s+".join(re.escape(word) for word in parts[at].split(" "))
        if at + 2 < len(parts):
            pattern += _SLOTS[parts[at + 2]].format(parts[at + 1])
    return re.compile(pattern, re.IGNORECASE)


def _anchor(text: str) -> str:
    words = [word for literal in _SLOT.split(text)[::3] for word in literal.lower().split(" ")]
    return max(words, key=len)
