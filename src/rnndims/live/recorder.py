"""See every call of a recurrent module of torch.nn while a program runs, without changing what it does.

The classes from which ``nn.RNN``, ``nn.LSTM``, ``nn.GRU`` and their cells inherit get a ``__call__`` of their own, which calls
that of ``nn.Module`` and notes what went in and came out. Hooks of modules would do the same, but PyTorch looks at them: with
any global hook ``torch.compile`` warns, and every module of the program is called in a slower way.
"""

import sys
import threading
from collections.abc import Callable
from dataclasses import dataclass, field
from types import FrameType
from typing import Any
from weakref import ref

from ..config import DataConfig, RNNConfig
from ..cost import macs
from ..shapes import Shape
from .follower import Follower
from .state_graph import KeptState, kept_state
from .trace_report import TracedCall
from .user_code import is_users, library_folders, place

FOLLOWED_CALLS = 2
"""Calls of each place after which the results are followed; later ones are only counted."""

KEPT_CALLS = 1000
"""Calls of each place whose states are looked at: the first step of a training that fails is among them."""

MOST_ROWS = 1000
"""Rows of calls that are kept: a program that calls from ever new places, or with ever new shapes, fills no memory."""


@dataclass(slots=True)
class _Seen:
    """What is counted of the calls of one row."""

    call: TracedCall
    times: int = 0
    macs: int = 0


@dataclass(slots=True)
class _Place:
    """The calls of one module from one place."""

    module: "ref[Any]"
    times: int = 0
    rows: dict[tuple[Any, ...], _Seen] = field(default_factory=dict)


class Recorder:
    """Watches the recurrent modules of this process; ``start`` and ``stop`` it.

    >>> recorder = Recorder()
    >>> recorder.calls
    ()
    """

    def __init__(self) -> None:
        self._places: dict[tuple[int, int, int], _Place] = {}
        self._replaced: list[tuple[Any, Callable[..., Any] | None]] = []
        self._rows = 0
        self._lock = threading.Lock()
        self._libraries: tuple[str, ...] = ()
        self.not_watched: list[str] = []
        self.follower: Follower | None = None
        self.kept: KeptState | None = None
        self._tell_parent: Callable[[], None] | None = None

    @property
    def calls(self) -> tuple[TracedCall, ...]:
        """One for each module, place and set of shapes, in the order of their first call."""
        from dataclasses import replace

        rows = [row for place in list(self._places.values()) for row in list(place.rows.values())]
        return tuple(replace(row.call, times=row.times, macs=row.macs) for row in rows)

    def start(self, torch: Any) -> None:
        """Watch from now on.

        Args:
            torch: the module ``torch``, as the program has imported it.
        """
        self._libraries = library_folders()
        self.follower = Follower(torch)
        for base in (torch.nn.modules.rnn.RNNBase, torch.nn.modules.rnn.RNNCellBase):
            self._replaced.append((base, base.__dict__.get("__call__")))
            base.__call__ = self._watched(torch)
        for name in ("TransformerEncoder", "TransformerEncoderLayer", "MultiheadAttention"):
            base = getattr(torch.nn, name)
            self._replaced.append((base, base.__dict__.get("__call__")))
            base.__call__ = self._unfollowed(torch)

    def become_child(self, tell_parent: Callable[[], None]) -> None:
        """Record no more, in a process that was forked and makes no report: its parent is told of calls.

        Another thread may have had the lock when the process was forked, and is not there to give it back.
        """
        self._lock = threading.Lock()
        self._tell_parent = tell_parent
        if self.follower is not None:
            self.follower.end()

    def stop(self) -> None:
        """Leave the classes as they were, and follow no more in this thread."""
        if self.follower is not None:
            self.follower.end()
        for base, original in self._replaced:
            if original is None:
                del base.__call__
            else:
                base.__call__ = original
        self._replaced.clear()

    def _watched(self, torch: Any) -> Callable[..., Any]:
        """The ``__call__`` that notes each call."""
        from functools import wraps

        module_class, see = torch.nn.Module, self._see
        quiet, compiling, tracing = torch._C.DisableTorchFunction, torch.compiler.is_compiling, torch.jit.is_tracing
        real = (torch.Tensor, torch.nn.utils.rnn.PackedSequence)

        @wraps(module_class.__call__)
        def __call__(module: Any, *args: Any, **kwargs: Any) -> Any:  # noqa: N807 - the method that it stands for
            # torch.fx replaces Module.__call__ for a while, so it is looked up at each call.
            result = module_class.__call__(module, *args, **kwargs)
            # torch.fx passes stand-ins, which note down whatever is asked of them; torch.jit.trace makes sizes tensors
            if not compiling() and not tracing() and isinstance(args[0] if args else kwargs.get("input"), real):
                with quiet():
                    see(module, args, kwargs, result, sys._getframe(1))
            return result

        return __call__

    def _unfollowed(self, torch: Any) -> Callable[..., Any]:
        """The ``__call__`` of a module that computes in a faster way, with other rounding, where no mode is on."""
        from functools import wraps

        module_class, follower = torch.nn.Module, self.follower

        @wraps(module_class.__call__)
        def __call__(module: Any, *args: Any, **kwargs: Any) -> Any:  # noqa: N807 - the method that it stands for
            paused = follower is not None and not torch.compiler.is_compiling() and follower.end()
            try:
                return module_class.__call__(module, *args, **kwargs)
            finally:
                if paused and follower is not None:
                    follower.begin()

        return __call__

    def _see(self, module: Any, args: tuple[Any, ...], kwargs: dict[str, Any], result: Any, frame: FrameType) -> None:
        try:
            self._count(module, args, kwargs, result, frame)
        except Exception as error:  # noqa: BLE001 - nothing that goes wrong here may reach the program
            self._miss(f"Calls of {type(module).__name__} could not be read: {type(error).__name__}.")

    def _miss(self, sentence: str) -> None:
        if sentence not in self.not_watched and len(self.not_watched) < MOST_ROWS:
            self.not_watched.append(sentence)

    def _count(self, module: Any, args: tuple[Any, ...], kwargs: dict[str, Any], result: Any, frame: FrameType) -> None:
        if self._tell_parent is not None:
            self._tell_parent()
            return
        user: FrameType | None = frame
        while user is not None and not is_users(user, self._libraries):
            user = user.f_back
        user = user or frame
        key = (id(user.f_code), user.f_lasti, id(module))
        with self._lock:
            place = self._places.get(key)
            if place is None or place.module() is not module:
                if place is not None:  # another module lived here once: its rows stay, under a key that no call has
                    self._places[-len(self._places), 0, 0] = place
                place = self._places[key] = _Place(ref(module))
            given: Any = args[0] if args else kwargs.get("input")
            state = args[1] if len(args) > 1 else kwargs.get("hx")
            h_0, c_0 = state if isinstance(state, tuple) else (state, None)
            data, sizes = (given, None) if hasattr(given, "dim") else (given.data, given.batch_sizes)
            shapes = (data.shape, _shape(h_0), _shape(c_0), None if sizes is None else sizes.shape, data.dtype, data.device)
            row = place.rows.get(shapes)
            if row is None:
                if self._rows >= MOST_ROWS:
                    self._miss(f"More than {MOST_ROWS} kinds of calls: the rest is not counted.")
                    return
                self._rows += 1
                row = place.rows[shapes] = _Seen(_describe(module, given, h_0, c_0, result, user))
            row.times += 1
            row.macs += row.call.macs
            place.times += 1
            if self.kept is None and place.times <= KEPT_CALLS and h_0 is not None and h_0.grad_fn is not None:
                self.kept = kept_state(module, row.call.name, state, user, place.times)
            followed = place.times <= FOLLOWED_CALLS
        if self.follower is not None:
            if followed:
                self.follower.results(row.call.config, row.call.name, given, result, _lengths(given), user)
                self.follower.begin()
            else:
                self.follower.end()


def _lengths(given: Any) -> tuple[int, ...] | None:
    return packed_lengths(given) if hasattr(given, "batch_sizes") else None


def _shape(tensor: Any) -> Shape | None:
    return None if tensor is None else tuple(tensor.shape)


def _describe(module: Any, given: Any, h_0: Any, c_0: Any, result: Any, user: FrameType) -> TracedCall:
    """The first call of a row, in full."""
    config = RNNConfig.from_module(module)
    packed = not hasattr(given, "dim")
    data = given.data if packed else given
    output, states = (None, result) if config.is_cell else result
    h_n, c_n = states if isinstance(states, tuple) else (states, None)
    if output is not None and packed:
        output = output.data
    return TracedCall(
        name=_name(module, user),
        config=config,
        at=place(user.f_code, user.f_lineno),
        times=1,
        input=tuple(data.shape),
        h_0=_shape(h_0),
        c_0=_shape(c_0),
        output=_shape(output),
        h_n=tuple(h_n.shape),
        c_n=_shape(c_n),
        lengths=packed_lengths(given) if packed else None,
        device=str(data.device),
        dtype=str(data.dtype).removeprefix("torch."),
        parameters=sum(parameter.numel() for parameter in module.parameters()),
        macs=macs(config, _data_config(config, tuple(data.shape), packed)),
    )


def _data_config(config: RNNConfig, shape: Shape, packed: bool) -> DataConfig:
    """The sizes of the input, for the cost. All steps of a packed batch cost the same, so it counts as one sequence."""
    if packed:
        return DataConfig(seq_len=max(shape[0], 1), batch_size=1)
    if config.is_cell:
        return DataConfig(unbatched=True) if len(shape) == 1 else DataConfig(batch_size=shape[0])
    if len(shape) == 2:
        return DataConfig(seq_len=shape[0], unbatched=True)
    length, batch = (shape[1], shape[0]) if config.batch_first else (shape[0], shape[1])
    return DataConfig(seq_len=length, batch_size=batch)


def packed_lengths(packed: Any) -> tuple[int, ...] | None:
    """The lengths of the sequences of a ``PackedSequence`` in their order before packing; ``None`` where they have no numbers.

    ``batch_sizes`` says how many sequences have a step t, in order of length: (3, 2, 1, 1) is lengths 4, 2, 1.
    """
    try:
        sizes = packed.batch_sizes.tolist()
        order = None if packed.unsorted_indices is None else packed.unsorted_indices.tolist()
    except (RuntimeError, NotImplementedError):  # a meta or fake tensor
        return None
    counts = [0] * (sizes[0] if sizes else 0)
    for step, size in enumerate(sizes, 1):
        following = sizes[step] if step < len(sizes) else 0
        counts[following:size] = [step] * (size - following)
    return tuple(counts if order is None else (counts[at] for at in order))


def _name(module: Any, user: FrameType) -> str:
    """The module's name in the outermost model whose method is running, else the name of the user's variable for it."""
    found = ""
    at: FrameType | None = user
    while at is not None:
        names = at.f_code.co_varnames
        owner: Any = at.f_locals.get(names[0]) if names and at.f_code.co_argcount else None
        if owner is not module and hasattr(type(owner), "named_modules"):
            found = next((name for name, inner in owner.named_modules() if inner is module), found)
        at = at.f_back
    if found:
        return found
    return next((name for name, value in user.f_locals.items() if value is module), "")
