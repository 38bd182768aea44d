"""Finding the last RNN-related error message in a pasted text, and explaining it."""

import re
from typing import Final

from ..config import RNNConfig
from ..errors import shorten
from .messages import Row
from .problem import Diagnosis, MatchedError, Observed, UnknownMessageError
from .readings import READINGS, Reading
from .text import Evidence, clean, evidence, unwrap
from .wording import wordings

_ANY_ERROR: Final = re.compile(r"^[ \t]*(?:\w+\.)*\w*(?:Error|Exception|Warning)\b:?[^\n]*", re.MULTILINE)

_LATER_ERROR: Final = re.compile(r"^[ \t]*(?:\w+\.)*\w*(?:Error|Exception)\b(?! ignored)", re.MULTILINE)


def explain_text(text: str, config: RNNConfig | None, seen: Observed | None) -> Diagnosis:
    """The diagnosis of the last RNN-related message in ``text``; an error counts before a warning, and a warning
    only where no error follows it.

    Raises:
        UnknownMessageError: if there is none.
    """
    lines = clean(text)
    found = _last(lines)
    if found is None:
        lines = unwrap(lines)
        found = _last(lines)
    if found is None:
        raise _unknown(lines)
    row, match, around = found
    if row.warning and _LATER_ERROR.search(lines, match.end()):
        raise _unknown(lines, row)
    groups = {name: value for name, value in match.groupdict().items() if value is not None}
    reading = Reading(row, groups, " ".join(match[0].split()), around, config, seen or Observed(), lines)
    problems, notes = READINGS[row.reading](reading)
    explanation = row.explanation.replace("{tensor}", row.tensor)
    for name, value in groups.items():
        explanation = explanation.replace(f"{{{name}}}", value)
    error = MatchedError(shorten(_sentence(lines, match), 400), explanation, reading.certain)
    return Diagnosis(config, tuple(problems), tuple(notes), error)


def _last(text: str) -> tuple[Row, "re.Match[str]", Evidence] | None:
    lowered = text.lower()
    best: tuple[tuple[bool, int, int], Row, re.Match[str], Evidence] | None = None
    for order, wording in enumerate(wordings()):
        if wording.anchor not in lowered:
            continue
        matches = list(wording.pattern.finditer(text))[-30:]
        for match in reversed(matches):
            rank = (not wording.row.warning, match.start(), -order)
            if best is not None and rank < best[0]:
                break
            around = evidence(text, match.start())
            if _counts(wording.row, match, around):
                best = (rank, wording.row, match, around)
                break
    return None if best is None else best[1:]


def _counts(row: Row, match: "re.Match[str]", around: Evidence) -> bool:
    """Whether a message may be taken for the RNN's, going by what surrounds it."""
    if row.claim == "rnn":
        return True
    if row.claim == "frame":
        return around.in_rnn
    if row.claim == "line":
        return around.line
    if row.reading == "tuple_for_tensor" and (around.rnn or around.sequential):
        return True
    if around.foreign:
        return False
    if row.claim == "context":
        return around.rnn
    if not around.framed or around.rnn:
        return True
    if row.reading == "product" and around.in_linear:  # a Linear whose in_features is off by the factor of two directions
        if around.whole and not around.after:
            return False
        b, c = int(match["b"]), int(match["c"])
        return 2 in (b / c if c else 0, c / b if b else 0)
    return False


def _sentence(text: str, match: "re.Match[str]") -> str:
    """The whole line that a message stands on, and those that it runs over."""
    start = text.rfind("\n", 0, match.start()) + 1
    end = text.find("\n", match.end())
    line = " ".join(text[start : end if end >= 0 else len(text)].split())
    return line if len(line) <= 400 else " ".join(match[0].split())


def _unknown(text: str, warning: Row | None = None) -> UnknownMessageError:
    errors = [found[0].strip() for found in _ANY_ERROR.finditer(text)]
    if not text.strip():
        message = "--error: the text is empty"
    elif errors:
        message = f"--error: no message of PyTorch's RNN code that is known here; the last error is: {shorten(errors[-1], 160)}"
    else:
        message = "--error: there is no message of PyTorch's RNN code in it that is known here"
    if warning is not None:
        message += f"; the warning before it is another matter: {warning.causes[0][1]}"
    return UnknownMessageError(
        message,
        fix="Paste the traceback from its first line on, or give the shapes instead: "
        "rnndims check 'nn.LSTM(10, 20)' --input 5,3,10 --h0 1,3,20 --c0 1,3,20",
    )
