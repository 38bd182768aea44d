"""``rnndims.explain``: exceptions carry what ``rnndims trace`` would say of them, as a note below their message.

Python 3.11 and later show the notes of an exception wherever they show its traceback. In Python 3.10, the explanation is
printed below the traceback of an exception that nobody caught.
"""

import atexit
import logging
import sys
import threading
from collections.abc import Callable
from contextlib import suppress
from functools import partial, wraps
from types import TracebackType
from typing import Any, NamedTuple, TypeVar, overload

from ..live.ipython_shell import running_shell
from ..live.program import leave_out_frame

Function = TypeVar("Function", bound=Callable[..., Any])
_Hook = Callable[..., Any]

_TITLE = "rnndims:"
"""How each note begins; an exception that has such a note has been explained."""

_left_to_trace: BaseException | None = None
"""The exception that has ended a program under ``rnndims trace``."""


@overload
def explain() -> "Explainer": ...
@overload
def explain(function: Function, /) -> Function: ...
def explain(function: Function | None = None, /) -> "Explainer | Function":
    """Let exceptions carry the explanation of ``rnndims trace``: from now on, in a block, or in a function.

    ``rnndims.explain()`` at the top of a program or a notebook is for all exceptions that nobody catches, in any thread, and
    for those that ``logging`` logs. ``with rnndims.explain():`` is for those that leave the block, or are logged while it
    runs. ``@rnndims.explain`` is for those that leave a function, which may be async or a generator. Only what fails costs
    time.

    Args:
        function: what is decorated; without it, the result is a context manager and a decorator.

    Raises:
        TypeError: if what is decorated is not a function: a class, a module of ``torch.nn``.
    """
    return Explainer() if function is None else _decorated(function)


class Explainer:
    """What ``explain()`` returns. It explains from the beginning; a block or function that it is used for limits it to that."""

    def __init__(self) -> None:
        _turn_on()
        self._is_unlimited = True

    def __repr__(self) -> str:
        return "rnndims explains exceptions from now on"

    def __enter__(self) -> "Explainer":
        if not self._is_unlimited:
            _turn_on()
        self._is_unlimited = False
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None) -> None:
        add_note(error)
        _turn_off()

    def __call__(self, function: Function, /) -> Function:
        """Explain what leaves the function."""
        if self._is_unlimited:
            _turn_off()
        self._is_unlimited = False
        return _decorated(function)


def add_note(error: BaseException | None) -> None:
    """Explain an exception, unless that has been done, in notes of it and of those that led to it. This raises nothing."""
    if not isinstance(error, Exception) or "torch" not in sys.modules or error is _left_to_trace:
        return
    with suppress(Exception):  # the program must not notice
        from ..crashes.exception_chain import explain_chain
        from ..render.trace_view import explanation

        for shown, found in explain_chain(error):
            if not _notes(shown):
                _attach(shown, explanation(found))


def _notes(error: BaseException) -> list[str]:
    """The explanation that an exception has, if it has one."""
    notes: Any = ()
    with suppress(Exception):  # an exception may have a property of that name
        notes = getattr(error, "__notes__", ())
    return [note for note in notes if str(note).startswith(_TITLE)] if isinstance(notes, list) else []


def _attach(error: BaseException, note: str) -> None:
    if sys.version_info >= (3, 11):
        error.add_note(note)
    else:
        error.__notes__ = [*getattr(error, "__notes__", ()), note]  # some libraries show it all the same


class _Place(NamedTuple):
    """Where Python, or a library, lets a program's own function learn of exceptions.

    Attributes:
        get: the function that is there.
        put: put one there.
        error: the exception, from the arguments that the function is called with.
        is_last: whether the program has nothing to say after it: Python 3.10 prints the explanation then.
    """

    get: Callable[[], _Hook]
    put: Callable[[_Hook], None]
    error: Callable[..., BaseException | None]
    is_last: bool


def _attribute(owner: Any, name: str, error: Callable[..., BaseException | None], *, is_last: bool) -> _Place:
    return _Place(lambda: getattr(owner, name), lambda hook: setattr(owner, name, hook), error, is_last)


def _logged(*args: Any, **_: Any) -> BaseException | None:
    """The exception of a log record; its place among the arguments is that in ``logging.LogRecord``."""
    return args[6][1] if len(args) > 6 and args[6] else None


_PYTHON = {
    "program": _attribute(sys, "excepthook", lambda *args: args[1], is_last=True),
    "thread": _attribute(threading, "excepthook", lambda args: args.exc_value, is_last=True),
    "log": _Place(logging.getLogRecordFactory, logging.setLogRecordFactory, _logged, False),
}


def _shown_in_shell(exc_tuple: Any = None, *_: Any, **__: Any) -> BaseException | None:
    return (exc_tuple or sys.exc_info())[1]


def _put_in_shell(shell: Any, hook: _Hook) -> None:
    """Put a function in the place of the shell's method; the method itself needs no place of its own."""
    shell.showtraceback = hook
    if getattr(hook, "__func__", None) is type(shell).showtraceback:
        del shell.showtraceback


def _places() -> dict[str, _Place]:
    """Those of Python, and that of IPython if the program runs in it."""
    shell = running_shell()
    if shell is None:
        return _PYTHON
    return {**_PYTHON, "shell": _Place(lambda: shell.showtraceback, partial(_put_in_shell, shell), _shown_in_shell, False)}


_lock = threading.Lock()
_users = 0
"""How many blocks, and programs, want explanations at present."""

_installed: dict[str, tuple[_Place, _Hook, _Hook]] = {}
"""The places that have a function of ours: the place, our function, the function that was there before."""


def _turn_on() -> None:
    global _users  # noqa: PLW0603 - one for the process, as are the places
    with _lock:
        _users += 1
        for name, place in _places().items():
            if name not in _installed:
                before = place.get()
                hook = _noting(place, before)
                place.put(hook)
                _installed[name] = place, hook, before


def _turn_off() -> None:
    """Clear the places, but for those where somebody has put another function on top of ours: ours does nothing then."""
    global _users  # noqa: PLW0603
    with _lock:
        _users -= 1
        if _users == 0:
            for place, hook, before in _installed.values():
                if place.get() is hook:
                    place.put(before)
            _installed.clear()


def _noting(place: _Place, before: _Hook) -> _Hook:
    """The function before, which finds a note at the exception."""

    def hook(*args: Any, **kwargs: Any) -> Any:
        error = None
        if _users:
            with suppress(Exception):  # called with other arguments than it should be
                error = place.error(*args, **kwargs)
            add_note(error)
        try:
            if place.is_last and sys.version_info < (3, 11):
                return _print_below(error, partial(before, *args, **kwargs))
            return before(*args, **kwargs)
        except BaseException as another:
            leave_out_frame(another)
            raise

    return hook


def _shown_notes(error: BaseException | None) -> list[tuple[BaseException, str]]:
    """The explanations that a traceback of ``error`` shows, each with its exception."""
    from ..crashes.exception_chain import exception_chain

    shown = [] if error is None else [one for one, shown in exception_chain(error) if one is shown]
    return [(one, note) for one in shown for note in _notes(one)]


def _print_below(error: BaseException | None, show: Callable[[], Any]) -> Any:
    """Show an exception in Python 3.10, and print its explanation below: it is there once, whatever shows the exception."""
    noted = _shown_notes(error)
    for one, note in noted:
        getattr(one, "__notes__").remove(note)  # noqa: B009 - mypy does not know it
    result = show()
    for one, note in noted:
        getattr(one, "__notes__").append(note)  # noqa: B009
        _print(note)
    return result


def _print(note: str) -> None:
    with suppress(Exception):  # there may be no standard error, or it is closed
        sys.stderr.write(f"{note}\n")


@atexit.register
def _tell_at_exit() -> None:
    """Print the explanation where a function that the program has put over ours has shown the exception without it."""
    error = getattr(sys, "last_value", None)
    place, ours, _ = _installed.get("program", (None, None, None))
    if place is None or place.get() is ours or hasattr(sys, "ps1"):
        return
    if not _shown_notes(error):
        add_note(error)
        for _, note in _shown_notes(error):
            _print(note)


def leave_to_trace(error: BaseException) -> None:
    """Say nothing of the exception that ends a program under ``rnndims trace``, which says it below."""
    global _left_to_trace  # noqa: PLW0603
    _left_to_trace = error
    for one, note in _shown_notes(error):
        getattr(one, "__notes__").remove(note)  # noqa: B009


def _decorated(function: Function) -> Function:
    """The function, whose exceptions have a note when they leave it."""
    import inspect

    if isinstance(function, (staticmethod, classmethod)):
        return type(function)(_decorated(function.__func__))
    if isinstance(function, type) or not callable(function) or not hasattr(function, "__name__"):
        name = getattr(function, "__name__", f"an object of type {type(function).__name__}")
        raise TypeError(f"explain() decorates a function, and {name} is none. Without an argument it is for all exceptions")
    kinds = {
        inspect.isasyncgenfunction: _async_generator,
        inspect.iscoroutinefunction: _coroutine,
        inspect.isgeneratorfunction: _generator,
    }
    wrap = next((wrap for is_kind, wrap in kinds.items() if is_kind(function)), _call)
    wrapped: Any = wraps(function)(wrap(function))
    return wrapped  # type: ignore[no-any-return]


def _leaves(error: BaseException) -> None:
    """What happens to an exception that leaves a decorated function, in the frame of its decorator."""
    add_note(error)
    leave_out_frame(error)


def _call(function: _Hook) -> _Hook:
    def explained(*args: Any, **kwargs: Any) -> Any:
        try:
            return function(*args, **kwargs)
        except BaseException as error:
            _leaves(error)
            raise

    return explained


def _generator(function: _Hook) -> _Hook:
    def explained(*args: Any, **kwargs: Any) -> Any:
        try:
            return (yield from function(*args, **kwargs))
        except BaseException as error:
            _leaves(error)
            raise

    return explained


def _coroutine(function: _Hook) -> _Hook:
    async def explained(*args: Any, **kwargs: Any) -> Any:
        try:
            return await function(*args, **kwargs)
        except BaseException as error:
            _leaves(error)
            raise

    return explained


def _async_generator(function: _Hook) -> _Hook:
    async def explained(*args: Any, **kwargs: Any) -> Any:
        generator = function(*args, **kwargs)
        step = generator.__anext__
        try:
            while True:
                try:
                    item = await step()
                except StopAsyncIteration:
                    return
                try:
                    step = partial(generator.asend, (yield item))
                except GeneratorExit:
                    await generator.aclose()
                    raise
                except BaseException as thrown:  # noqa: BLE001 - whatever it is, it is the function's
                    step = partial(generator.athrow, thrown)
        except BaseException as error:
            _leaves(error)
            raise

    return explained
