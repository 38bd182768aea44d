"""One forward pass of a whole model: its recurrent modules with their real shapes and cost, and all its parameters."""

import random
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

from .. import shapes
from ..config import DataConfig, RNNConfig
from ..errors import RnndimsError
from ..shapes import StateRow
from .recorder import Recorder
from .trace_report import TracedCall
from .watch import Members, model_name, plain_name


@dataclass(frozen=True, slots=True)
class Parameters:
    """How many numbers a module learns; those of a parameter that several modules share are counted once.

    Attributes:
        parameters: how many.
        trainable: how many of them have ``requires_grad``; the others are frozen.
        parameter_bytes: the bytes of all.
    """

    parameters: int
    trainable: int
    parameter_bytes: int

    @property
    def frozen(self) -> int:
        """How many of them do not change in training."""
        return self.parameters - self.trainable


@dataclass(frozen=True, slots=True)
class ModuleSummary:
    """A module that has parameters of its own, beside those of the modules in it.

    Attributes:
        name: its name in the model, ``""`` for the model itself.
        class_name: its class.
        own: its own parameters, without those that belong to an earlier module too.
        shared: the names of the parameters that an earlier module has too, and their names there:
            ``(("weight", "embedding.weight"),)``.
    """

    name: str
    class_name: str
    own: Parameters
    shared: tuple[tuple[str, str], ...]


@dataclass(frozen=True, slots=True)
class RNNSummary:
    """A recurrent module of a model.

    Attributes:
        name: its name in the model, ``""`` for the model itself.
        config: its configuration.
        own: its parameters; those that it shares with another module are counted here too.
        calls: its calls in the pass, one for each place in the code and set of shapes; none if it was not called.
        states: the rows of ``h_n`` for each of ``calls``; none for a cell.
    """

    name: str
    config: RNNConfig
    own: Parameters
    calls: tuple[TracedCall, ...]
    states: tuple[tuple[StateRow, ...], ...]

    @property
    def times(self) -> int:
        """How often it was called."""
        return sum(call.times for call in self.calls)

    @property
    def macs(self) -> int:
        """Multiply-accumulates of the matrix products of all its calls together."""
        return sum(call.macs for call in self.calls)


@dataclass(frozen=True, slots=True)
class ModelSummary:
    """What a model consists of, and what one forward pass has shown.

    Attributes:
        model: the class of the model.
        recurrent: its recurrent modules, in the order in which the model has them.
        modules: all its modules that have parameters of their own, the recurrent ones among them.
        total: all its parameters.
        not_watched: what could not be seen, in whole sentences.
    """

    model: str
    recurrent: tuple[RNNSummary, ...]
    modules: tuple[ModuleSummary, ...]
    total: Parameters
    not_watched: tuple[str, ...]

    @property
    def recurrent_macs(self) -> int:
        """Multiply-accumulates of the matrix products of the recurrent modules in the pass; no other module is counted."""
        return sum(each.macs for each in self.recurrent)


def summarize(model: Any, args: tuple[Any, ...], kwargs: dict[str, Any]) -> ModelSummary:
    """Call a model once in inference, and leave it as it was.

    Args:
        model: an ``nn.Module``.
        args: what it is called with.
        kwargs: the same, by name.

    Raises:
        TypeError: if it is no ``nn.Module``.
        RnndimsError: if it has parameters that get their size in the first call.
        Exception: what the call raises.
    """
    members = Members(model)
    torch = members.torch
    lazy = torch.nn.parameter.UninitializedTensorMixin
    for name, tensor in (*model.named_parameters(), *model.named_buffers()):
        if isinstance(tensor, lazy):
            raise RnndimsError(f"{name} has no size before the first call of the model", fix="Call the model once yourself.")
    recorder = Recorder(members.name, follows=False)
    with _kept_random_state(torch), _inference(torch, model):
        recorder.start(torch)
        try:
            model(*args, **kwargs)
        finally:
            recorder.stop()
    modules = _modules(model)
    by_name: dict[str, list[TracedCall]] = {}
    for call in recorder.calls:
        by_name.setdefault(call.name, []).append(call)
    return ModelSummary(
        model=model_name(model),
        recurrent=tuple(_recurrent(torch, model, by_name)),
        modules=modules,
        total=_sum([module.own for module in modules]),
        not_watched=(*members.unseen(), *recorder.not_watched),
    )


@contextmanager
def _kept_random_state(torch: Any) -> Iterator[None]:
    """The random states of PyTorch, Python and NumPy are afterwards what they were before."""
    numpy: Any = sys.modules.get("numpy.random")
    mps = torch.backends.mps.is_available()
    before = random.getstate(), numpy and numpy.get_state(), torch.mps.get_rng_state() if mps else None
    devices = list(range(torch.cuda.device_count())) if torch.cuda.is_initialized() else []
    try:
        with torch.random.fork_rng(devices):
            yield
    finally:
        random.setstate(before[0])
        if numpy:
            numpy.set_state(before[1])
        if mps:
            torch.mps.set_rng_state(before[2])


@contextmanager
def _inference(torch: Any, model: Any) -> Iterator[None]:
    """Inference, after which every module has the attributes that it had, and every buffer its numbers.

    A model may keep its last state in an attribute, or count its calls in a buffer. ``model.eval()`` is not used: it could not
    be undone where some modules are in training and others are not, or where a model does more in it.
    """
    modules = list(model.modules())
    training = [module for module in modules if module.training]
    tables = [
        table for module in modules for table in (vars(module), *map(vars(module).get, _TABLES)) if isinstance(table, dict)
    ]
    before = [(table, dict(table)) for table in tables]
    buffers = [(buffer, buffer.detach().clone()) for buffer in model.buffers()]
    try:
        for module in training:
            module.training = False
        with torch.no_grad():
            yield
    finally:
        for module in training:
            module.training = True
        for table, content in before:
            _restore(table, content)
        with torch.no_grad():
            for buffer, numbers in buffers:
                if not _has_same_numbers(torch, buffer, numbers):
                    buffer.copy_(numbers)


def _has_same_numbers(torch: Any, one: Any, other: Any) -> bool:
    try:
        return bool(torch.equal(one, other))
    except (RuntimeError, NotImplementedError):  # on meta, or fake: there are no numbers
        return True


_TABLES = ("_parameters", "_buffers", "_modules")
"""The attributes of a module that hold its parts by name."""


def _restore(table: dict[str, Any], content: dict[str, Any]) -> None:
    """Make a table what it was; one that has not changed is not touched."""
    if list(map(id, table.values())) != list(map(id, content.values())) or table.keys() != content.keys():
        table.clear()
        table.update(content)


def _modules(model: Any) -> tuple[ModuleSummary, ...]:
    """The modules that have parameters of their own."""
    found: list[ModuleSummary] = []
    names: dict[int, str] = {}
    for name, module in model.named_modules():
        own, shared = [], []
        for short, parameter in module.named_parameters(recurse=False, remove_duplicate=False):
            known = names.get(id(parameter))
            if known is None:
                own.append(parameter)
                names[id(parameter)] = ".".join(part for part in (plain_name(name), short) if part)
            else:
                shared.append((short, known))
        if own or shared:
            class_name = getattr(module, "original_name", None) or type(module).__name__
            found.append(ModuleSummary(plain_name(name), class_name, _count(own), tuple(shared)))
    return tuple(found)


def _recurrent(torch: Any, model: Any, calls: dict[str, list[TracedCall]]) -> Iterator[RNNSummary]:
    bases = (torch.nn.modules.rnn.RNNBase, torch.nn.modules.rnn.RNNCellBase)
    for name, module in model.named_modules():
        if isinstance(module, bases):
            try:
                config = RNNConfig.from_module(module)
            except (TypeError, RnndimsError):  # somebody's own RNNBase, or one with arguments that no RNN has
                continue
            mine = tuple(calls.get(plain_name(name), ()))
            yield RNNSummary(plain_name(name), config, _count(module.parameters()), mine, tuple(map(_states, mine)))


def _states(call: TracedCall) -> tuple[StateRow, ...]:
    """The rows of ``h_n`` of a call. The place in ``output`` depends on the layout alone, so any sizes will do."""
    data = DataConfig(lengths=(1,)) if call.packed else DataConfig(unbatched=len(call.h_n) == 2)
    return tuple(shapes.states(call.config, data))


def _count(parameters: Any) -> Parameters:
    tensors = list(parameters)
    return Parameters(
        sum(each.numel() for each in tensors),
        sum(each.numel() for each in tensors if each.requires_grad),
        sum(each.numel() * each.element_size() for each in tensors),
    )


def _sum(all_counts: list[Parameters]) -> Parameters:
    counts = [(each.parameters, each.trainable, each.parameter_bytes) for each in all_counts]
    return Parameters(*(sum(column) for column in zip(*counts, strict=True))) if counts else Parameters(0, 0, 0)
