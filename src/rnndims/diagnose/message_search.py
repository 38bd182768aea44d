"""The message table, and the search for its last message in a pasted text."""

import re
from collections import deque
from dataclasses import dataclass
from functools import cache
from typing import Final, NamedTuple

from ..config import RNNConfig
from ..errors import shorten
from .call import Call
from .checkpoint_messages import CHECKPOINT_MESSAGES
from .input_messages import INPUT_MESSAGES
from .message_row import Match, MessageRow, compile_wording, interpret_causes, longest_run, longest_word
from .module_messages import MODULE_MESSAGES
from .neighbour_messages import NEIGHBOUR_MESSAGES
from .packed_messages import PACKED_MESSAGES
from .problem import Diagnosis, MatchedMessage, UnknownMessageError
from .product_messages import PRODUCT_MESSAGES
from .state_messages import STATE_MESSAGES
from .traceback_text import WHOLE_TRACEBACK, Evidence, clean, evidence, unwrap
from .transform_messages import TRANSFORM_MESSAGES
from .type_messages import TYPE_MESSAGES

TABLE: Final[tuple[MessageRow, ...]] = (
    *PACKED_MESSAGES,
    *STATE_MESSAGES,
    *INPUT_MESSAGES,
    *TYPE_MESSAGES,
    *PRODUCT_MESSAGES,
    *CHECKPOINT_MESSAGES,
    *MODULE_MESSAGES,
    *TRANSFORM_MESSAGES,
    *NEIGHBOUR_MESSAGES,
)
"""All rows; of two that match the same words the earlier one counts."""

# an error or a warning, whatever stands before it on the line: "torch.cuda.OutOfMemoryError: CUDA out of memory"; dynamo's
# "torch._dynamo.exc.Unsupported: ..." and others of PyTorch too; not "Exception ignored in: <function ...>"
_NAMES: Final = (
    r"(?:\w{1,80}\.){0,12}(?:\w{0,80}(?:Error|Exception|Warning)(?! ignored)|Unsupported|KeyboardInterrupt|StopIteration)\b"
)
_ANY_ERROR: Final = re.compile(rf"(?<![\w.]){_NAMES}:[^\n]*|^[ \t]*{_NAMES}[ \t]*$", re.MULTILINE)

# a line that begins like an error; not "Exception ignored in: <function ...>"
_ERROR: Final = re.compile(r"^[ \t]*(?:\w{1,80}\.){0,12}\w{0,80}(?:Error|Exception)\b(?! ignored)[^\n]*", re.MULTILINE)

# errors that only say that another one happened: "ChildFailedError", "RayTaskError(RuntimeError)", "CalledProcessError"
_WRAPPER: Final = re.compile(
    r"^[\s\w.]*(?:ChildFailed|RayTask|CalledProcess|ProcessRaised|RemoteTraceback|SystemExit|BrokenProcessPool)"
)

_MOST_PLACES: Final = 2000
"""Places in a text at which one wording is tried: the last ones."""

_MOST_MATCHES: Final = 30
"""Matches of one wording whose surroundings are read: the last ones."""

_MOST_BEFORE: Final = 400
"""Characters by which a wording may begin before its longest part without slots."""


@dataclass(frozen=True, slots=True)
class Wording:
    """One wording of a row. Its patterns are compiled where its anchor is in a text, as compiling all takes a third of a run.

    Attributes:
        row: its row.
        text: the wording, with slots.
        anchor: its longest word: text without it cannot match.
    """

    row: MessageRow
    text: str
    anchor: str

    def matches(self, text: str, lowered: str) -> "list[re.Match[str]]":
        """Where it stands in ``text``, from the last place on; ``lowered`` is the same in small letters."""
        if self.anchor not in lowered:
            return []
        run, leads = longest_run(self.text)  # where this part is not, the wording is not
        found: list[re.Match[str]] = []
        for place in reversed(deque(run.finditer(lowered), maxlen=_MOST_PLACES)):
            pattern = compile_wording(self.text)
            if leads:
                match = pattern.match(text, place.start())
            else:
                match = pattern.search(text, max(0, place.start() - _MOST_BEFORE), place.end() + _MOST_BEFORE)
            if match is not None and (not found or match.start() != found[-1].start()):
                found.append(match)
                if len(found) == _MOST_MATCHES:
                    break
        return found


@cache
def wordings() -> tuple[Wording, ...]:
    """All wordings of the table, in its order."""
    return tuple(Wording(row, text, longest_word(text)) for row in TABLE for text in row.wordings)


def explain_text(text: str, config: RNNConfig | None, call: Call | None) -> Diagnosis:
    """The diagnosis of the last RNN-related message in ``text``. An error counts before a warning, and a warning counts only
    where no error follows it.

    Raises:
        UnknownMessageError: if there is none.
    """
    lines = clean(text)
    told = config is not None
    hit = _last(lines, told=told)
    if hit is None:
        lines = unwrap(lines)
        hit = _last(lines, told=told)
    if hit is None:
        raise _unknown(lines)
    if hit.row.is_warning and _ERROR.search(lines, hit.match.end()):
        raise _unknown(lines, hit.row)
    slots = {name: value for name, value in hit.match.groupdict().items() if value is not None}
    match = Match(hit.row, slots, " ".join(hit.match[0].split()), hit.around, config, call or Call(), lines)
    interpretation = (hit.row.interpret or interpret_causes)(match)
    around = hit.around
    message = MatchedMessage(
        shorten(_sentence(lines, hit.match), 400),
        match.fill(hit.row.explanation),
        match.certain,
        around.whole and around.framed,
    )
    later = [] if hit.row.is_warning else [found[0] for found in _ERROR.finditer(lines, hit.match.end())]
    later = [error for error in later if not _WRAPPER.match(error)]
    notes = (f"The text has a later error, which rnndims cannot explain: {shorten(later[-1].strip(), 160)}",) if later else ()
    return Diagnosis(config=config, problems=interpretation.problems, notes=(*interpretation.notes, *notes), error=message)


class _Hit(NamedTuple):
    """A wording that matched, and what stands around it."""

    row: MessageRow
    match: "re.Match[str]"
    around: Evidence


def _last(text: str, *, told: bool) -> _Hit | None:
    lowered = text.lower()
    best: tuple[tuple[bool, int, int], _Hit] | None = None
    surroundings: dict[int, Evidence] = {}
    for order, wording in enumerate(wordings()):
        for match in wording.matches(text, lowered):
            rank = (not wording.row.is_warning, match.start(), -order)
            if best is not None and rank < best[0]:
                break
            if match.start() not in surroundings:
                surroundings[match.start()] = evidence(text, match.start(), told=told)
            around = surroundings[match.start()]
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
    last = deque(_ANY_ERROR.finditer(text), maxlen=1)
    lines = text.split("\n", 20)
    shown = [line.strip() for line in lines if line.strip()] if len(lines) < 20 else []
    if not text.strip():
        message = "--error: the text is empty"
    elif last:
        quoted = shorten(last[0][0].strip(), 160)
        message = f"--error: the text has no RNN message that rnndims can explain; the last error is: {quoted}"
    elif shown:
        message = f"--error: the text has no RNN message that rnndims can explain; its last line is: {shorten(shown[-1], 160)}"
    else:
        message = "--error: the text has no RNN message of PyTorch that rnndims can explain"
    if warning is not None:
        message += f"; the warning before it has another cause: {warning.causes[0].message}"
    shapes = "heck the shapes instead: rnndims check 'nn.RNN(10, 20)' --input 5,3,10 --h0 1,3,20"
    whole = WHOLE_TRACEBACK in text
    return UnknownMessageError(
        message, fix=f"C{shapes}" if whole else f"Paste the whole traceback, from its first line on. Or c{shapes}"
    )
