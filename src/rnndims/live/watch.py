"""Watch the recurrent modules of one model for a while: ``with rnndims.watch(net) as seen: net(x)``."""

import sys
import threading
from types import TracebackType
from typing import Any, TypeVar
from weakref import WeakKeyDictionary

from .program import without_own_frames
from .recorder import Recorder
from .trace_report import TracedCall, TracedWarning, TraceReport
from .watched_calls import CLASS_NAMES

W = TypeVar("W", bound="ModelWatch")

REFUSED = (
    "Results were not followed, so mistakes without a message may be missed: torch.compile has been used in this process, or a "
    "TorchFunctionMode is on. torch.compiler.reset() forgets what is compiled."
)
"""What is said where a follower would change how compiled code runs."""


class Members:
    """The modules of one model by name, those that are added while it is watched and data-parallel copies included.

    Args:
        model: an ``nn.Module``.

    Raises:
        TypeError: if it is anything else.
    """

    def __init__(self, model: Any) -> None:
        torch = sys.modules.get("torch")
        if torch is None or not isinstance(model, torch.nn.Module):
            raise TypeError(f"expected a model, an instance of torch.nn.Module, got {type(model).__name__}")
        self.model = model
        self.torch: Any = torch
        self._known: WeakKeyDictionary[Any, str] = WeakKeyDictionary()

    def name(self, module: Any) -> str | None:
        """The name of a module in the model, ``""`` for the model itself; ``None`` if it is no part of it."""
        found = self._known.get(module)
        if found is None:
            same = _is_copy_of if is_copy(module) else _is
            names = (name for name, inner in self.model.named_modules() if same(module, inner))
            found = next(names, None)
            if found is not None:
                found = self._known[module] = plain_name(found)
        return found

    def unseen(self) -> list[str]:
        """Sentences on the recurrent modules whose calls do not go through Python."""
        bases = (self.torch.nn.modules.rnn.RNNBase, self.torch.nn.modules.rnn.RNNCellBase)
        sentences = []
        if getattr(sys.modules.get("torch._dynamo.config"), "allow_rnn", False) and any(
            map(_is_compiled, self.model.modules())
        ):
            sentences.append("Calls of compiled RNNs are not seen: torch._dynamo.config.allow_rnn is on.")
        for name, module in self.model.named_modules():
            kind = getattr(module, "original_name", None) if isinstance(module, self.torch.jit.ScriptModule) else None
            own = type(module)
            if kind in CLASS_NAMES:
                why = "TorchScript runs it"
            elif own.__name__ in CLASS_NAMES and own.__module__.startswith("torch.") and not isinstance(module, bases):
                kind, why = own.__name__, f"it is a {own.__module__.removesuffix('.rnn')}.{own.__name__}"
            else:
                continue
            sentences.append(f"Calls of {plain_name(name) or kind} are not seen: {why}.")
        return sentences


def plain_name(name: str) -> str:
    """A module's name without what ``torch.compile`` puts into it."""
    return ".".join(part for part in name.split(".") if part != "_orig_mod")


def model_name(model: Any) -> str:
    """The class of a model, that of the original where torch.compile or TorchScript has made another of it."""
    return getattr(model, "original_name", None) or type(getattr(model, "_orig_mod", model)).__name__


def is_copy(module: Any) -> bool:
    """Whether a module is a copy that ``nn.DataParallel`` has made for one of its devices."""
    return getattr(module, "_is_replica", False) is True


def _is_compiled(module: Any) -> bool:
    return hasattr(module, "_orig_mod") or getattr(module, "_compiled_call_impl", None) is not None


def _is(module: Any, inner: Any) -> bool:
    return module is inner


def _is_copy_of(module: Any, inner: Any) -> bool:
    """A data-parallel copy has copies of its original's tensors, and shares the rest."""
    return module._forward_hooks is inner._forward_hooks


class ModelWatch:
    """What the recurrent modules of one model do, and what is wrong there, from ``with`` to its end.

    It can be entered several times, one inside the other too, and then goes on with what it has. Calls in another thread than
    that of ``with`` are not in it, but those of data-parallel copies.

    Attributes:
        model: the class of the model.

    Args:
        model: an ``nn.Module``: one recurrent module, or a model with such modules in it.

    Raises:
        TypeError: if ``model`` is anything else.
    """

    def __init__(self, model: Any) -> None:
        self._members = Members(model)
        self.model = model_name(model)
        self._recorder = Recorder(self._name)
        self._depth = 0
        self._thread = 0

    def __enter__(self: W) -> W:
        self._depth += 1
        if self._depth == 1:
            self._thread = threading.get_ident()
            for sentence in self._members.unseen():
                self._recorder.miss(sentence)
            self._recorder.start(self._members.torch)
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, where: TracebackType | None) -> None:
        self._depth -= 1
        if self._depth == 0:
            self._recorder.stop()
        if error is not None:
            without_own_frames(error)

    def _name(self, module: Any) -> str | None:
        """The name of a module that counts."""
        name = self._members.name(module)
        if name is not None and threading.get_ident() != self._thread and not is_copy(module):
            self._recorder.miss(f"Calls of {name or type(module).__name__} in another thread are not in it.")
            return None
        return name

    @property
    def calls(self) -> tuple[TracedCall, ...]:
        """One for each module, place in the code and set of shapes, in the order of their first call."""
        return self._recorder.calls

    @property
    def warnings(self) -> tuple[TracedWarning, ...]:
        """What runs and is wrong, each once for each line."""
        follower = self._recorder.follower
        return () if follower is None else follower.warnings

    @property
    def not_watched(self) -> tuple[str, ...]:
        """What could not be seen, in whole sentences."""
        follower = self._recorder.follower
        refused = follower is not None and follower.refused
        return (*self._recorder.not_watched, *((REFUSED,) if refused else ()))

    @property
    def report(self) -> TraceReport:
        """All of it, in the form in which ``rnndims trace`` has it."""
        return TraceReport(calls=self.calls, warnings=self.warnings, not_watched=self.not_watched)
