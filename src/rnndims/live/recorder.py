"""See every call of a recurrent module of torch.nn while a program runs, without changing what it does."""

import threading
from collections.abc import Callable
from dataclasses import dataclass, field
from types import FrameType
from typing import Any
from weakref import ref

from ..axes.misuse import Misuse
from ..config import DataConfig, RNNConfig
from ..cost import macs
from ..shapes import Shape
from .batches import Batches, is_zero
from .follower import Follower
from .kept_state import KeptState, kept_state
from .trace_report import TracedCall
from .user_code import is_users, library_folders, place, variables
from .watched_calls import leave, listen

FOLLOWED_CALLS = 2
"""Calls of each place after which the results are followed; later ones are only counted."""

_WRAPPERS = ("DataParallel", "DistributedDataParallel", "OptimizedModule")
"""Classes whose only child is a whole model."""

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


@dataclass(frozen=True, slots=True, eq=False)
class _Step:
    """One step of a longer tensor, as an input: ``x[:, t]``.

    Attributes:
        whole: ``x``, as long as the program keeps it.
        offset: where the step begins in its memory.
        state: the state that was passed with it.
    """

    whole: "ref[Any]"
    offset: int
    state: "ref[Any] | None"


@dataclass(slots=True)
class _Place:
    """The calls of one module from one place."""

    module: "ref[Any]"
    times: int = 0
    rows: dict[tuple[Any, ...], _Seen] = field(default_factory=dict)
    step: "_Step | None" = None


class Recorder:
    """Watches the recurrent modules of this process; ``start`` and ``stop`` it.

    >>> recorder = Recorder()
    >>> recorder.calls
    ()

    Args:
        named: the name of a module that counts, ``None`` for one that does not. By default all count, and each is called what
            the running code calls it.
        follows: whether results are followed, to find what is wrong in silence.
    """

    def __init__(self, named: Callable[[Any], str | None] | None = None, *, follows: bool = True) -> None:
        self._named = named
        self._follows = follows
        self._places: dict[tuple[int, int, int], _Place] = {}
        self._rows = 0
        self._lock = threading.Lock()
        self._libraries: tuple[str, ...] = ()
        self.not_watched: list[str] = []
        self.batches = Batches()
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
        if self._follows and self.follower is None:
            self.follower = Follower(torch)
        listen(torch, self)

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
        leave(self)
        if self.follower is not None:
            self.follower.end()

    def handed_out(self, iterator: Any, batch: Any) -> None:
        """Note which batch the program is at; ``None`` if the loader has none any more."""
        self.batches.note(iterator, batch)

    def see(self, module: Any, args: tuple[Any, ...], kwargs: dict[str, Any], result: Any, frame: FrameType) -> None:
        """Note one call: its arguments, what it returned, and the frame that made it."""
        try:
            name = None if self._named is None else self._named(module)
            if self._named is None or name is not None:
                self._count(module, args, kwargs, result, frame, name)
        except Exception as error:  # noqa: BLE001 - nothing that goes wrong here may reach the program
            self.miss(f"Calls of {type(module).__name__} could not be read: {type(error).__name__}.")

    def miss(self, sentence: str) -> None:
        """Note what could not be seen, once."""
        if sentence not in self.not_watched and len(self.not_watched) < MOST_ROWS:
            self.not_watched.append(sentence)

    def _count(
        self, module: Any, args: tuple[Any, ...], kwargs: dict[str, Any], result: Any, frame: FrameType, name: str | None
    ) -> None:
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
                    self.miss(f"More than {MOST_ROWS} kinds of calls: the rest is not counted.")
                    return
                self._rows += 1
                called = _name(module, user, frame) if name is None else name
                row = place.rows[shapes] = _Seen(_describe(module, given, h_0, c_0, result, user, called))
            row.times += 1
            row.macs += row.call.macs
            place.times += 1
            if self.kept is None and place.times <= KEPT_CALLS and h_0 is not None and h_0.grad_fn is not None:
                self.kept = kept_state(module, row.call.name, state, user, place.times)
            own = _own_forward(module)
            if own:
                self.miss(
                    f"{type(module).__name__} has a forward of its own: its figures are those of "
                    f"nn.{row.call.config.class_name} with this input, and its results are not followed."
                )
            followed = place.times <= FOLLOWED_CALLS and not own
        if self.follower is not None:
            torch, config, name = self.follower.torch, row.call.config, row.call.name
            if self.batches.current is not None and self.batches.carries_on(h_0, _final(config, result), torch):
                self.follower.say_of_call(_state_of_another_batch(name or f"nn.{config.class_name}"), config, name, user)
            if followed:
                if self._begins_anew(place, given, h_0, torch):
                    self.follower.say_of_call(_state_made_anew(name or f"nn.{config.class_name}"), config, name, user)
                batch = self.batches.current
                self.follower.results(config, name, given, result, _lengths(given), user, state, batch)
                self.follower.begin()
            else:
                self.follower.end()

    def _begins_anew(self, place: _Place, given: Any, h_0: Any, torch: Any) -> bool:
        """Whether the call reads the step behind that of the call before, and does not go on with its state."""
        before, place.step = place.step, None
        whole: Any = given._base if hasattr(given, "dim") else None
        if whole is None or whole.ndim != 3 or given.ndim not in (2, 3):
            return False
        (batch, steps, width), stride = whole.shape, whole.stride(1)
        if steps < 2 or tuple(given.shape) not in ((batch, width), (batch, 1, width), (1, batch, width)):
            return False
        place.step = _Step(ref(whole), given.storage_offset(), None if h_0 is None else ref(h_0))
        if before is None or before.whole() is not whole or before.offset + stride != given.storage_offset():
            return False
        if before.state is None or h_0 is None:
            return before.state is h_0
        return before.state() is h_0 and is_zero(h_0, torch) is True


def _final(config: RNNConfig, result: Any) -> Any:
    """``h_n`` of what a module has returned; ``h_1`` of a cell."""
    states = result if config.is_cell else result[1]
    return states[0] if isinstance(states, tuple) else states


def _state_of_another_batch(name: str) -> Misuse:
    message = (
        f"{name} goes on with the state of the batch before, and the DataLoader shuffles: sequences of one batch do not "
        "go on where those of the other end."
    )
    return Misuse("state_of_another_batch", message, advice="Begin each batch without a state, or with zeros.")


def _state_made_anew(name: str) -> Misuse:
    message = f"{name} reads one step after the other and does not get the state of the step before: each step begins anew."
    return Misuse("state_made_anew", message, advice="Pass on the state that the call before has returned.")


def _own_forward(module: Any) -> bool:
    """Whether a subclass computes in its own way: it may pack, transpose or sum before and after it calls PyTorch's."""
    return str(type(module).forward.__module__) != "torch.nn.modules.rnn"


def _lengths(given: Any) -> tuple[int, ...] | None:
    return packed_lengths(given) if hasattr(given, "batch_sizes") else None


def _shape(tensor: Any) -> Shape | None:
    return None if tensor is None else tuple(tensor.shape)


def _describe(module: Any, given: Any, h_0: Any, c_0: Any, result: Any, user: FrameType, name: str) -> TracedCall:
    """The first call of a row, in full."""
    config = RNNConfig.from_module(module)
    packed = not hasattr(given, "dim")
    data = given.data if packed else given
    output, states = (None, result) if config.is_cell else result
    h_n, c_n = states if isinstance(states, tuple) else (states, None)
    if output is not None and packed:
        output = output.data
    return TracedCall(
        name=name,
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


def _name(module: Any, user: FrameType, frame: FrameType) -> str:
    """The module's name in the outermost model whose method is running, else the name of the user's variable for it.

    What wraps a whole model adds nothing to its name. A name of numbers alone, as in an ``nn.Sequential``, has the variable or
    the class of the model before it.
    """
    found = ""
    at: FrameType | None = frame
    while at is not None:
        names = at.f_code.co_varnames
        owner: Any = variables(at).get(names[0]) if names and at.f_code.co_argcount else None
        if owner is not module and hasattr(type(owner), "named_modules") and type(owner).__name__ not in _WRAPPERS:
            name = next((name for name, inner in owner.named_modules() if inner is module), "")
            if name.replace(".", "").isdecimal():
                variable = next((word for word, value in variables(user).items() if value is owner), type(owner).__name__)
                name = f"{variable}.{name}"
            found = name or found
        at = at.f_back
    if found:
        return found
    return next((name for name, value in variables(user).items() if value is module), "")
