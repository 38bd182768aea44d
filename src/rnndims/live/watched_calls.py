"""One ``__call__`` for the recurrent modules of torch.nn while somebody watches, whatever the number of recorders.

The classes from which ``nn.RNN``, ``nn.LSTM``, ``nn.GRU`` and their cells inherit get a ``__call__`` of their own, which calls
that of ``nn.Module`` and tells the recorders what went in and came out. Hooks of modules would do the same, but PyTorch looks
at them: with any global hook ``torch.compile`` warns, and every module of the program is called in a slower way.
"""

import sys
import threading
from collections.abc import Callable
from contextlib import suppress
from functools import wraps
from types import FrameType
from typing import Any, Protocol

from ..cells import CELLS
from .follower import Follower
from .program import leave_out_frame

CLASS_NAMES = frozenset(cell.class_name + end for cell in CELLS.values() for end in ("", "Cell"))
"""The names of the recurrent classes: ``LSTM``, ``LSTMCell``."""


class Listener(Protocol):
    """Who is told of each call."""

    follower: Follower | None

    def see(self, module: Any, args: tuple[Any, ...], kwargs: dict[str, Any], result: Any, frame: FrameType) -> None:
        """A call has returned ``result``; ``frame`` is the caller's."""

    def handed_out(self, iterator: Any, batch: Any) -> None:
        """An iterator of a ``DataLoader`` hands out ``batch``; ``None`` if it has none any more."""


_lock = threading.Lock()
_listeners: tuple[Listener, ...] = ()
_replaced: dict[tuple[Any, str], tuple[Callable[..., Any], Callable[..., Any] | None]] = {}
"""By class and name of the method: ours, and the one that the class had itself; ``None`` if it inherits it."""


def listen(torch: Any, listener: Listener) -> None:
    """Tell ``listener`` of every call from now on.

    Args:
        torch: the module ``torch``, as the program has imported it.
        listener: told in the thread that makes the call.
    """
    global _listeners  # noqa: PLW0603 - the classes are shared by the whole process too
    with _lock:
        _listeners = (*_listeners, listener)
        for base in (torch.nn.modules.rnn.RNNBase, torch.nn.modules.rnn.RNNCellBase):
            _replace(base, _watched, torch)
        for name in ("TransformerEncoder", "TransformerEncoderLayer", "MultiheadAttention"):
            _replace(getattr(torch.nn, name), _unfollowed, torch)
        # what hands out the batches of a DataLoader; its classes are loaded with torch
        _replace(torch.utils.data.dataloader._BaseDataLoaderIter, _handing_out, torch, "__next__")


def leave(listener: Listener) -> None:
    """Tell ``listener`` nothing more; with the last one the classes become what they were."""
    global _listeners  # noqa: PLW0603
    with _lock:
        _listeners = tuple(other for other in _listeners if other is not listener)
        for (base, name), (ours, original) in [] if _listeners else list(_replaced.items()):
            if base.__dict__.get(name) is not ours:
                continue  # somebody has wrapped it since, and calls it: it stays, and does nothing more
            if original is None:
                delattr(base, name)
            else:
                setattr(base, name, original)
            del _replaced[base, name]


def _replace(base: Any, make: Callable[[Any, Any], Callable[..., Any]], torch: Any, name: str = "__call__") -> None:
    """Give a class a method made of the one that it has."""
    if (base, name) not in _replaced:
        original = base.__dict__.get(name)
        ours = make(torch, original)
        _replaced[base, name] = ours, original
        setattr(base, name, ours)


def _watched(torch: Any, original: Callable[..., Any] | None) -> Callable[..., Any]:
    """The ``__call__`` that tells of each call."""
    module_class = torch.nn.Module
    quiet, compiling, tracing = torch._C.DisableTorchFunction, torch.compiler.is_compiling, torch.jit.is_tracing
    real = (torch.Tensor, torch.nn.utils.rnn.PackedSequence)

    @wraps(module_class.__call__)
    def __call__(module: Any, *args: Any, **kwargs: Any) -> Any:  # noqa: N807 - the method that it stands for
        # torch.fx replaces Module.__call__ for a while, so it is looked up at each call.
        try:
            result = (original or module_class.__call__)(module, *args, **kwargs)
        except BaseException as error:
            leave_out_frame(error)
            raise
        # torch.fx passes stand-ins, which note down whatever is asked of them; torch.jit.trace makes sizes tensors
        if not compiling() and not tracing() and isinstance(args[0] if args else kwargs.get("input"), real):
            with quiet():
                for listener in _listeners:
                    listener.see(module, args, kwargs, result, sys._getframe(1))
        return result

    return __call__


def _unfollowed(torch: Any, original: Callable[..., Any] | None) -> Callable[..., Any]:
    """The ``__call__`` of a module that computes in a faster way, with other rounding, where no mode is on."""
    module_class, compiling = torch.nn.Module, torch.compiler.is_compiling

    @wraps(module_class.__call__)
    def __call__(module: Any, *args: Any, **kwargs: Any) -> Any:  # noqa: N807 - the method that it stands for
        paused = [] if compiling() else [each.follower for each in _listeners if each.follower and each.follower.end()]
        for follower in paused:
            with suppress(Exception), torch._C.DisableTorchFunction():
                follower.attends(module, args[0] if args else None, sys._getframe(1))
        try:
            return (original or module_class.__call__)(module, *args, **kwargs)
        except BaseException as error:
            leave_out_frame(error)
            raise
        finally:
            for follower in paused:
                follower.begin()

    return __call__


def _handing_out(_torch: Any, original: Any) -> Callable[..., Any]:
    """The ``__next__`` of a loader's iterator that tells of each batch."""

    @wraps(original)
    def __next__(iterator: Any) -> Any:  # noqa: N807 - the method that it stands for
        batch = None
        try:
            batch = original(iterator)
        except BaseException as error:
            leave_out_frame(error)
            raise
        finally:
            for listener in _listeners:
                listener.handed_out(iterator, batch)
        return batch

    return __next__
