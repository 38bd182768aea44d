"""An exception of another process: no frames of it are left, but its traceback as text, which ``check --error`` can read."""

import re
from collections import deque
from types import TracebackType

from ..diagnose import UnknownMessageError, diagnose_error
from ..live.trace_report import TracedProblem

_QUOTED = "Traceback (most recent call last)"
# 'File "train.py", line 31, in forward' and the line of code below it
_FRAME = re.compile(r'File "(?P<file>[^"\n]+)", line (?P<line>\d+), in [^\n]*\n\s+(?P<code>[^\n]*)')


def explain_child(error: BaseException, _entries: list[TracebackType], _recorder: object = None) -> TracedProblem | None:
    """What is wrong in a worker of a ``DataLoader`` or a pool of processes; ``None`` if no RNN has to do with it."""
    cause = error.__cause__
    remote = type(cause).__name__ in ("RemoteTraceback", "_RemoteTraceback")
    text = str(cause) if remote else str(error)
    if _QUOTED not in text:
        return None
    try:
        problems = diagnose_error(text).problems
    except UnknownMessageError:
        return None
    frames = [
        each
        for each in _FRAME.finditer(text)
        if not re.search(r"[\\/]site-packages[\\/]|[\\/]torch[\\/]|<frozen", each["file"])
    ]
    last = deque(frames, maxlen=1)
    at, code = (f"{last[0]['file']}:{last[0]['line']}", last[0]["code"]) if last else ("", "")
    return TracedProblem(at, code, "", problems[0]) if problems else None
