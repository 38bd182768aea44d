"""What a recorder cannot see, said only where it happened: ``torch.jit``, quantised modules, ``torch.compile``, processes."""

import mmap
import os
import sys
from collections.abc import Callable
from contextlib import suppress
from functools import wraps
from typing import Any

from .follower import _compiles
from .program import leave_out_frame
from .recorder import Recorder
from .watched_calls import CLASS_NAMES

_FRESH = ("multiprocessing.popen_spawn_posix", "multiprocessing.popen_spawn_win32", "multiprocessing.popen_forkserver")
"""Modules of Python's that start a process which inherits nothing."""


class Unseen:
    """Looks for what a recorder cannot see.

    Args:
        torch: the module ``torch``, as the program has imported it.
        recorder: the recorder, which notes the sentences.
    """

    def __init__(self, torch: Any, recorder: Recorder) -> None:
        self._recorder = recorder
        self._child_calls = mmap.mmap(-1, 1)  # shared with the processes that are forked
        _say_at_calls(torch.jit.ScriptModule, torch, self._scripted)
        quantised = sys.modules.get("torch.ao.nn.quantized.dynamic.modules.rnn")
        for name in ("RNNBase", "RNNCellBase"):
            if hasattr(quantised, name):
                _say_at_calls(getattr(quantised, name), torch, self._quantised)
        if hasattr(os, "register_at_fork"):
            os.register_at_fork(after_in_child=lambda: recorder.become_child(self._called_in_child))

    def _called_in_child(self) -> None:
        self._child_calls[0] = 1

    def _scripted(self, module: Any) -> None:
        rnns = [name or "itself" for name, part in module.named_modules() if getattr(part, "original_name", "") in CLASS_NAMES]
        if rnns:
            self._recorder.miss(f"Calls through torch.jit are not seen: {module.original_name} has the RNN {rnns[0]}.")

    def _quantised(self, module: Any) -> None:
        self._recorder.miss(f"Calls of quantised modules are not seen: {type(module).__name__}, from quantize_dynamic.")

    def sentences(self) -> tuple[str, ...]:
        """All that was not seen until now."""
        if self._child_calls[0]:
            self._recorder.miss("RNNs were called in child processes: these calls are not seen.")
        if any(name in sys.modules for name in _FRESH):
            self._recorder.miss("Processes were started anew (spawn or forkserver): what they call is not seen.")
        if _compiles() and self._recorder.calls:
            self._recorder.miss("torch.compile was used: from then on the results of RNNs were not followed.")
        return tuple(self._recorder.not_watched)


def _say_at_calls(base: Any, torch: Any, say: Callable[[Any], None]) -> None:
    """Give a class a ``__call__`` that says once of each module that it was called."""
    module_class, seen = torch.nn.Module, set[int]()

    @wraps(module_class.__call__)
    def __call__(module: Any, *args: Any, **kwargs: Any) -> Any:  # noqa: N807 - the method that it stands for
        if id(module) not in seen:
            seen.add(id(module))
            with suppress(Exception):  # nothing that goes wrong here may reach the program
                say(module)
        try:
            return module_class.__call__(module, *args, **kwargs)
        except BaseException as error:
            leave_out_frame(error)
            raise

    if "__call__" not in base.__dict__:
        base.__call__ = __call__
