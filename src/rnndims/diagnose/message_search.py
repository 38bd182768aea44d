"""The message table, and the search for its last message in a pasted text."""

import re
from dataclasses import dataclass
from functools import cache
from typing import Final, NamedTuple

from ..config import RNNConfig
from ..errors import shorten
from .call import Call
from .checkpoint_messages import CHECKPOINT_MESSAGES
from .input_messages import INPUT_MESSAGES
from .message_row import Match, MessageRow, compile_wording, interpret_causes, longest_word
from .module_messages import MODULE_MESSAGES
from .packed_messages import PACKED_MESSAGES
from .problem import Diagnosis, MatchedMessage, UnknownMessageError
from .product_messages import PRODUCT_MESSAGES
from .state_messages import STATE_MESSAGES
from .traceback_text import Evidence, clean, evidence, unwrap
from .type_messages import TYPE_MESSAGES

TABLE: Final[tuple[MessageRow, ...]] = (
    *STATE_MESSAGES,
    *INPUT_MESSAGES,
    *TYPE_MESSAGES,
    *PACKED_MESSAGES,
    *PRODUCT_MESSAGES,
    *CHECKPOINT_MESSAGES,
    *MODULE_MESSAGES,
)
"""All rows; of two that match the same words the earlier one counts."""

# a line that begins like an error or a warning: "torch.cuda.OutOfMemoryError: CUDA out of memory"
_ANY_ERROR: Final = re.compile(r"^[ \t]*(?:\w+\.)*\w*(?:Error|Exception|Warning)\b:?[^\n]*", re.MULTILINE)

# a line that begins like an error; not "Exception ignored in: <function ...>"
_ERROR: Final = re.compile(r"^[ \t]*(?:\w+\.)*\w*(?:Error|Exception)\b(?! ignored)", re.MULTILINE)


@dataclass(frozen=True, slots=True)
class Wording:
    """One compiled wording. ``anchor`` is its longest word: text without it cannot match."""

    row: MessageRow
    pattern: re.Pattern[str]
    anchor: str


@cache
def wordings() -> tuple[Wording, ...]:
    """All wordings of the table, in its order."""
    return tuple(Wording(row, compile_wording(text), longest_word(text)) for row in TABLE for text in row.wordings)


def explain_text(text: str, config: RNNConfig | None, call: Call | None) -> Diagnosis:
    """The diagnosis of the last RNN-related message in ``text``. An error counts before a warning, and a warning counts only
    where no error follows it.

    Raises:
        UnknownMessageError: if there is none.
    """
    lines = clean(text)
    hit = _last(lines)
    if hit is None:
        lines = unwrap(lines)
        hit = _last(lines)
    if hit is None:
        raise _unknown(lines)
    if hit.row.is_warning and _ERROR.search(lines, hit.match.end()):
        raise _unknown(lines, hit.row)
    slots = {name: value for name, value in hit.match.groupdict().items() if value is not None}
    match = Match(hit.row, slots, " ".join(hit.match[0].split()), hit.around, config, call or Call(), lines)
    interpretation = (hit.row.interpret or interpret_causes)(match)
    message = MatchedMessage(shorten(_sentence(lines, hit.match), 400), match.fill(hit.row.explanation), match.certain)
    return Diagnosis(config=config, problems=interpretation.problems, notes=interpretation.notes, error=message)


class _Hit(NamedTuple):
    """A wording that matched, and what stands around it."""

    row: MessageRow
    match: "re.Match[str]"
    around: Evidence


def _last(text: str) -> _Hit | None:
    lowered = text.lower()
    best: tuple[tuple[bool, int, int], _Hit] | None = None
    for order, wording in enumerate(wordings()):
        if wording.anchor not in lowered:
            continue
        matches = list(wording.pattern.finditer(text))[-30:]
        for match in reversed(matches):
            rank = (not wording.row.is_warning, match.start(), -order)
            if best is not None and rank < best[0]:
                break
            around = evidence(text, match.start())
            if wording.row.claim.holds(around, match):
                best = (rank, _Hit(wording.row, match, around))
                break
    return None if best is None else best[1]


def _sentence(text: str, match: "re.Match[str]") -> str:
    """The whole line that a message stands on, and those that it runs over."""
    start = text.rfind("\n", 0, match.start()) + 1
    end = text.find("\n", match.end())
    line = " ".join(text[start : end if end >= 0 else len(text)].split())
    return line if len(line) <= 400 else " ".join(match[0].split())


def _unknown(text: str, warning: MessageRow | None = None) -> UnknownMessageError:
    errors = [line[0].strip() for line in _ANY_ERROR.finditer(text)]
    if not text.strip():
        message = "--error: the text is empty"
    elif errors:
        message = (
            f"--error: the text has no RNN message that rnndims can explain; the last error is: {shorten(errors[-1], 160)}"
        )
    else:
        message = "--error: the text has no RNN message of PyTorch that rnndims can explain"
    if warning is not None:
        message += f"; the warning before it has another cause: {warning.causes[0].message}"
    return UnknownMessageError(
        message,
        fix="Paste the whole traceback, from its first line on. Or check the shapes instead: "
        "rnndims check 'nn.RNN(10, 20)' --input 5,3,10 --h0 1,3,20",
    )
