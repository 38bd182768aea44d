"""An exception with all that led to it: each is explained, and it is known in whose traceback that is shown."""

import builtins
import os
import threading
from collections.abc import Iterator

from ..live.recorder import Recorder
from ..live.trace_report import TracedProblem
from ..live.user_code import let_go
from .crash import explain_crash

_GROUP: type[BaseException] | tuple[()] = getattr(builtins, "BaseExceptionGroup", ())  # not in Python 3.10

_MOST = 100
"""Exceptions of one chain that are looked at."""

_alone = threading.RLock()
"""One thread explains at a time: up to Python 3.12, ``ast.parse`` in two threads at once can raise a SystemError."""

if hasattr(os, "register_at_fork"):  # the thread that has the lock is not there in a child
    os.register_at_fork(after_in_child=lambda: globals().update(_alone=threading.RLock()))


def explain_chain(error: BaseException, recorder: Recorder | None = None) -> Iterator[tuple[BaseException, TracedProblem]]:
    """What is wrong in the calls that raised ``error``, its causes, and the members of a group; each with its exception.

    The exception is the one whose traceback Python shows: where ``raise ... from None`` hides the cause, it is the later one.

    Args:
        error: as for ``explain_crash``.
        recorder: as for ``explain_crash``.
    """
    for one, shown in exception_chain(error):
        try:
            with _alone:
                found = explain_crash(one, recorder)
        finally:
            let_go(one.__traceback__)
        if found is not None:
            yield shown, found


def exception_chain(error: BaseException) -> Iterator[tuple[BaseException, BaseException]]:
    """The exceptions of a chain, the last one first, each with the one in whose place it is shown."""
    todo, seen = [(error, error)], set[int]()
    while todo and len(seen) < _MOST:
        one, shown = todo.pop()
        if id(one) in seen:
            continue
        seen.add(id(one))
        yield one, shown
        cause = one.__context__ if one.__cause__ is None else one.__cause__
        if cause is not None:
            hidden = shown is not one or (one.__cause__ is None and one.__suppress_context__)
            todo.append((cause, shown if hidden else cause))
        if isinstance(one, _GROUP):
            members: tuple[BaseException, ...] = getattr(one, "exceptions")  # noqa: B009 - Python 3.10 has no such class
            todo += [(member, member if shown is one else shown) for member in reversed(members)]
