"""Which batch of a ``DataLoader`` a program is at, as far as it tells what an RNN reads.

Only the first batches of each loader are noted. Of later ones nothing is kept, and nothing is ever changed in them.
"""

import sys
import threading
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass
from typing import Any, Final
from weakref import ref

NOTED: Final = 3
"""Batches of each loader that are noted."""


class Part:
    """One tensor of a batch.

    Args:
        tensor: the tensor; only what it looks like is kept.
    """

    def __init__(self, tensor: Any) -> None:
        self.tensor = ref(tensor)
        self.shape = tuple(tensor.shape)
        self.kind = (tensor.device, tensor.dtype)

    def gives(self, other: Any) -> bool:
        """Whether dim 0 of another tensor is dim 0 of this one.

        A copy on another device or of another dtype has the same shape, of two sizes that cannot have changed places.
        """
        tensor, shape = self.tensor(), tuple(other.shape)
        if other is tensor:
            return bool(shape)
        if not other.is_contiguous() or not shape or shape[:1] != self.shape[:1]:
            return False
        if tensor is not None and other._base is tensor:
            return bool(tensor.is_contiguous())
        copied = (other.device, other.dtype) != self.kind
        return copied and shape == self.shape and len(shape) > 1 and shape[0] != shape[1]


@dataclass(frozen=True, slots=True, eq=False)
class Batch:
    """One batch of a loader.

    Attributes:
        loader: tells loaders apart.
        shuffled: whether the loader draws its samples at random, so that no batch goes on where another one ends.
        stacked: whether samples are stacked along dim 0, as loaders do by themselves.
        parts: the tensors of the batch.
        thread: the thread that has asked for it.
    """

    loader: int
    shuffled: bool
    stacked: bool
    parts: "tuple[Part, ...]"
    thread: int

    def has(self, tensor: Any) -> bool:
        """Whether ``tensor`` is part of the batch: itself, a view of it with the same dim 0, or a copy on another device."""
        return any(part.gives(tensor) for part in self.parts)


@dataclass(frozen=True, slots=True, eq=False)
class _Result:
    """A state that an RNN has returned; it is kept, so that its memory is not given to another tensor."""

    state: Any
    version: int
    batch: Batch


class Batches:
    """Notes the batches that loaders hand out, and the states that come of them."""

    def __init__(self) -> None:
        self._counts: dict[int, tuple[ref[Any], int]] = {}
        self._results: list[_Result] = []
        self._current: Batch | None = None

    @property
    def current(self) -> Batch | None:
        """The batch that this thread has asked for last, if it is one of the first of its loader."""
        current = self._current
        return current if current is not None and current.thread == threading.get_ident() else None

    def note(self, iterator: Any, batch: Any) -> None:
        """Note the batch that an iterator of a loader hands out; ``None`` if it has none any more."""
        if batch is not None:
            with suppress(Exception):  # a loader of another kind; nothing of it may reach the program
                self._note(iterator, batch)
                return
        self._forget()

    def _forget(self) -> None:
        self._current = None
        self._results.clear()

    def _note(self, iterator: Any, batch: Any) -> None:
        sampler = iterator._index_sampler
        key = id(sampler)
        known, count = self._counts.get(key, (None, 0))
        if known is None or known() is not sampler:
            count = 0
        if count >= NOTED:
            if self._current is not None:
                self._forget()
            return
        self._counts[key] = (ref(sampler), count + 1)
        torch = sys.modules["torch"]
        loading: Any = torch.utils.data
        samples = getattr(sampler, "sampler", sampler) if isinstance(sampler, loading.BatchSampler) else sampler
        shuffled = type(samples) in (loading.RandomSampler, loading.SubsetRandomSampler, loading.WeightedRandomSampler)
        stacked = iterator._auto_collation and iterator._collate_fn is loading.default_collate
        parts = tuple(Part(tensor) for tensor in _tensors(batch, torch.Tensor))
        self._current = Batch(key, shuffled, stacked, parts, threading.get_ident())

    def carries_on(self, h_0: Any, h_n: Any, torch: Any) -> bool:
        """Whether a call goes on with the state that another shuffled batch has left; the state that it returns is noted.

        Args:
            h_0: the state that was passed, if one was.
            h_n: the state that came out.
            torch: the module ``torch``.
        """
        batch = self.current
        if batch is None or not batch.shuffled or h_n.device.type not in ("cpu", "cuda") or h_n.is_inference():
            return False
        carried = h_0 is not None and any(
            known.batch is not batch
            and known.batch.loader == batch.loader
            and known.state.data_ptr() == h_0.data_ptr()
            and known.version == known.state._version
            and is_zero(h_0, torch) is False
            for known in self._results
        )
        state = h_n.detach()
        self._results = [*self._results[-3:], _Result(state, state._version, batch)]
        return carried


def is_zero(state: Any, torch: Any) -> bool | None:
    """Whether all numbers of a state are zero; ``None`` where they cannot be read: fake tensors, a graph that CUDA records."""
    if state.is_cuda and torch.cuda.is_current_stream_capturing():
        return None
    try:
        return not bool(state.any())
    except (RuntimeError, NotImplementedError):
        return None


def _tensors(value: Any, kind: Any) -> Iterator[Any]:
    """The tensors of a batch: in tuples, lists and dicts."""
    if isinstance(value, kind):
        yield value
    elif isinstance(value, (tuple, list)):
        for item in value[:20]:
            yield from _tensors(item, kind)
    elif isinstance(value, dict):
        yield from _tensors(list(value.values()), kind)
