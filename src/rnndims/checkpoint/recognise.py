"""``{tensor name: shape and dtype}`` -> the RNNs in a file: the arguments each was built with, as far as weights show them."""

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from fnmatch import fnmatchcase
from itertools import islice
from math import prod
from typing import Final, NamedTuple

from .. import shapes
from ..cells import CELLS
from ..config import RNNConfig
from ..constructor import format_constructor
from ..dtypes import ITEMSIZES
from ..errors import ConfigError, RnndimsError, shorten
from ..phrases import shape_text
from ..shapes import Weight
from ..weight_names import Direction, parse_parameter, suffix
from .budget import Budget, name_cost
from .file_tensors import FileContent, FileTensor
from .tensor_names import WeightName, clean, is_optimizer, parse_tensor_name, quantised_module

_MOST_CONTRADICTIONS: Final = 12
"""Contradictions of one module that are named, and quantised modules that are noted."""

_MODULE: Final = (250, 6000)
"""Steps and bytes of one module, and of its entry in the answer."""

_WEIGHT: Final = (60, 2000)
"""Steps and bytes of one weight of a module, and of its entry in the answer."""


class Rest(NamedTuple):
    """The tensors outside the RNNs of a file: how many, how many numbers and bytes they have, and the names of some."""

    tensors: int
    parameters: int
    bytes: int
    examples: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class CheckpointModule:
    """One recurrent module or cell of a checkpoint.

    Attributes:
        name: its name in the model; empty if it is the whole model.
        key: what its weights' names begin with in the file, wrappers and containers included.
        config: its configuration as far as weights show it; the rest is at its default.
        dtype: the dtype of its weights.
        weights: its parameters, under PyTorch's names and in PyTorch's order.
        tensors: for each weight, by role, the names of the tensors in the file that it is stored as (see
            ``tensor_names.WeightName``); ``{"": name}`` for a weight that is stored as itself.
        bytes: bytes of its weights in the file.
        not_recoverable: arguments that no weight shows.
        notes: what else the user should know about it.
    """

    name: str
    key: str
    config: RNNConfig
    dtype: str
    weights: dict[str, Weight]
    tensors: dict[str, dict[str, str]]
    bytes: int
    not_recoverable: tuple[str, ...]
    notes: tuple[str, ...]

    @property
    def parameters(self) -> int:
        """Number of its parameters."""
        return sum(weight.numel for weight in self.weights.values())


@dataclass(frozen=True, slots=True)
class Contradiction:
    """One contradiction among the weights of the module ``name``; ``key`` is what their names begin with in the file."""

    name: str
    key: str
    message: str


@dataclass(slots=True)
class Checkpoint:
    """The RNNs of a file, and what else it holds.

    Attributes:
        kind: what the file is, in words.
        modules: the RNNs, in the order of the file.
        contradictions: what is wrong with modules whose weights contradict each other; they are not in ``modules``.
        notes: what else the user should know about the file.
        other: tensors that belong to no RNN, without those of an optimizer.
        optimizer: number of tensors of an optimizer.
    """

    kind: str
    modules: list[CheckpointModule] = field(default_factory=list)
    contradictions: list[Contradiction] = field(default_factory=list)
    notes: list[str] = field(default_factory=list)
    other: dict[str, FileTensor] = field(default_factory=dict)
    optimizer: int = 0

    @property
    def rest(self) -> Rest:
        """What the file holds beside RNNs and optimizer state."""
        tensors = self.other.values()
        return Rest(
            len(tensors),
            sum(tensor.numel for tensor in tensors),
            sum(tensor.bytes for tensor in tensors),
            tuple(islice(self.other, 3)),
        )


def label(name: str, limit: int = 60) -> str:
    """A module's name to show: the whole model has none."""
    return shorten(name, limit) if name else "(the whole model)"


def select(checkpoint: Checkpoint, pattern: str) -> Checkpoint:
    """``checkpoint`` with only the modules and contradictions that are called ``pattern``.

    A name in the model counts before a name in the file, and if no module has the name, ``pattern`` is a glob (``enc*``).

    Raises:
        RnndimsError: if nothing in the file is called so.
    """
    tests: tuple[Callable[[str, str], bool], ...] = (
        lambda name, _: name == pattern or (not name and pattern == label(name)),
        lambda _, key: key == pattern,
        lambda name, key: fnmatchcase(name, pattern) or fnmatchcase(key, pattern),
    )
    modules, contradictions = [], []
    for fits in tests:
        modules = [module for module in checkpoint.modules if fits(module.name, module.key)]
        contradictions = [each for each in checkpoint.contradictions if fits(each.name, each.key)]
        if modules or contradictions:
            break
    if not modules and not contradictions:
        there: list[CheckpointModule | Contradiction] = [*checkpoint.modules, *checkpoint.contradictions]
        names = list(dict.fromkeys(each.name for each in there))
        shown = ", ".join(label(name) for name in names[:8]) + (f" and {len(names) - 8} more" if len(names) > 8 else "")
        raise RnndimsError(
            f"--name {shorten(pattern)}: no RNN in the file has this name",
            fix=f"The file has {shown}." if names else "The file has no RNN, LSTM, GRU or cell.",
        )
    return Checkpoint(checkpoint.kind, modules, contradictions, checkpoint.notes, checkpoint.other, checkpoint.optimizer)


class _Member(NamedTuple):
    """A tensor that belongs to a module: what its name says, its full name in the file, and itself."""

    name: WeightName
    raw: str
    tensor: FileTensor


class _StoredWeight(NamedTuple):
    """One weight of a module: what its name says, a tensor of its shape, and by role the tensors that it is stored as."""

    name: WeightName
    tensor: FileTensor
    sources: dict[str, str]

    @property
    def ndim(self) -> int:
        """Number of dims that the weight must have."""
        return 1 if self.name.kind.startswith("bias") else 2

    @property
    def shape(self) -> str:
        """The shape that it has, in words."""
        return shorten(shape_text(self.tensor.shape))


_Weights = Mapping[str, _StoredWeight]


def find_modules(content: FileContent, budget: Budget) -> Checkpoint:
    """The RNNs among the tensors of a file.

    A tensor is recognised by its name, never by its shape alone. Weights that contradict each other become contradictions, not
    a module.

    Args:
        content: what the file holds.
        budget: that of the reading.

    Raises:
        FileError: if the budget is spent.
    """
    checkpoint = Checkpoint(content.kind, notes=list(content.notes))
    groups: dict[tuple[str, bool], list[_Member]] = {}
    for raw, tensor in content.tensors.items():
        budget.charge(4 + (len(raw) >> 4), 64)
        if raw in content.optimizer or is_optimizer(raw):
            checkpoint.optimizer += 1
            continue
        name = parse_tensor_name(raw)
        if name is None:
            checkpoint.other[raw] = tensor
        else:
            budget.charge(_WEIGHT[0], _WEIGHT[1] + 3 * name_cost(raw))
            key = (name.module, name.layer is None)
            if key not in groups:
                budget.charge(*_MODULE)
                groups[key] = []
            groups[key].append(_Member(name, raw, tensor))
    _join_dropout(groups)
    shown = _display_names(groups)
    for (module, is_cell), members in groups.items():
        weights, notes, messages = _collect(members)
        result = None if messages else _infer(weights, is_cell, budget)
        if isinstance(result, RNNConfig):
            checkpoint.modules.append(_module(shown[module, is_cell], module, result, weights, notes))
        else:
            messages = _limited([*messages, *(result or ())])
            checkpoint.contradictions.extend(Contradiction(shown[module, is_cell], module, message) for message in messages)
    _note_quantised(content, checkpoint)
    return checkpoint


def _display_names(modules: Iterable[tuple[str, bool]]) -> dict[tuple[str, bool], str]:
    """Each module's name in the model; where two would have the same, their names in the file.

    One name in the file can be that of a layer and of a cell, by their weights: then the cell's is marked.
    """
    cleaned = {module: clean(module[0]) for module in modules}
    counts: dict[str, set[str]] = {}
    for (module, _), name in cleaned.items():
        counts.setdefault(name, set()).add(module)
    shown = {key: name if len(counts[name]) == 1 else key[0] for key, name in cleaned.items()}
    return {
        (module, cell): f"{name}#cell" if cell and (module, False) in shown else name for (module, cell), name in shown.items()
    }


def _limited(messages: list[str]) -> list[str]:
    if len(messages) <= _MOST_CONTRADICTIONS:
        return messages
    more = len(messages) - _MOST_CONTRADICTIONS
    return [*messages[:_MOST_CONTRADICTIONS], f"and {more} more contradictions of this kind"]


def _note_quantised(content: FileContent, checkpoint: Checkpoint) -> None:
    modules = dict.fromkeys(module for name in content.objects if (module := quantised_module(name)) is not None)
    for module in list(modules)[:_MOST_CONTRADICTIONS]:
        checkpoint.notes.append(
            f"{label(clean(module), 120)} is dynamically quantised: only torch.ao.nn.quantized.dynamic opens "
            "its packed weights, so rnndims cannot tell its constructor"
        )


def _module(name: str, key: str, config: RNNConfig, stored: _Weights, notes: list[str]) -> CheckpointModule:
    dtype = next(iter(stored.values())).tensor.dtype
    weights = shapes.weights(config, ITEMSIZES.get(dtype, 0))
    weights = {own: weight._replace(bytes=stored[own].tensor.bytes) for own, weight in weights.items()}
    unknown = [] if config.is_cell else ["batch_first", "dropout"]
    if config.cell == "rnn":
        unknown.append("nonlinearity")
    notes = [*notes, *_storage_notes(stored)]
    sources = {own: stored[own].sources for own in weights}
    size = sum(stored[own].tensor.bytes for own in weights)
    return CheckpointModule(name, key, config, dtype, weights, sources, size, tuple(unknown), tuple(notes))


def _storage_notes(weights: _Weights) -> list[str]:
    """What is unusual about how the weights are stored."""
    notes = []
    float_module = "the constructor shown is that of the float module"
    layouts = dict.fromkeys(weight.tensor.layout for weight in weights.values() if weight.tensor.layout != "strided")
    for layout in layouts:
        which = [own for own, weight in weights.items() if weight.tensor.layout == layout]
        one, what = len(which) == 1, _listed(which)
        if layout == "quantised":
            notes.append(f"{what} {'is' if one else 'are'} quantised ({weights[which[0]].tensor.dtype}); {float_module}")
        elif layout == "meta":
            notes.append(f"{what} {'has' if one else 'have'} no numbers: saved on the meta device, or wrapped in another class")
        else:
            notes.append(f"{what} {'is' if one else 'are'} {layout}; PyTorch's modules need dense weights")
    odd = dict.fromkeys(
        weight.tensor.dtype
        for weight in weights.values()
        if weight.tensor.layout == "strided" and weight.tensor.dtype not in ITEMSIZES
    )
    if odd:
        notes.append(f"weights are stored as {', '.join(odd)}, which is quantised or packed; {float_module}")
    return notes


def _infer(weights: _Weights, is_cell: bool, budget: Budget) -> RNNConfig | list[str]:
    """The configuration whose weights are exactly these, or why there is none."""
    messages = [
        f"{own} is {weight.shape} and must have {weight.ndim} dim{'s' if weight.ndim > 1 else ''}"
        for own, weight in weights.items()
        if len(weight.tensor.shape) != weight.ndim
    ]
    if messages:
        return messages
    layers = sorted({weight.name.layer or 0 for weight in weights.values()})
    if layers[-1] >= len(layers):
        return [_missing_layers(layers)]
    sized = _cell_and_sizes(weights)
    if isinstance(sized, str):
        return [sized]
    cell, hidden_size, proj_size = sized
    bias = any(weight.name.kind.startswith("bias") for weight in weights.values())
    bidirectional = any(weight.name.reverse for weight in weights.values())
    own = f"weight_ih{suffix(None if is_cell else 0)}"
    first = weights.get(own) or weights.get(f"weight_ih{suffix(0, 'reverse')}")
    if first is None:
        return [f"{own} is missing, so the input size is unknown"]
    try:
        config = RNNConfig(
            cell,
            first.tensor.shape[1],
            hidden_size,
            num_layers=len(layers),
            bias=bias,
            bidirectional=bidirectional,
            proj_size=proj_size,
            is_cell=is_cell,
        )
    except ConfigError as error:
        return [str(error)]
    # a layer of which the file has one weight must have up to ten
    budget.charge(config.num_layers * config.D * 40, config.num_layers * config.D * 4000)
    return _compare(config, weights) or config


def _missing_layers(layers: list[int]) -> str:
    there = ", ".join(map(str, layers[:8])) + (", ..." if len(layers) > 8 else "")
    gap = next(number for number, layer in enumerate(layers) if layer != number)
    count = layers[-1] + 1 - len(layers)
    missing = f"layer {gap} is missing" if count == 1 else f"{count} layers are missing, the first of them layer {gap}"
    return f"{missing}: the file has layer{'s' if len(layers) > 1 else ''} {there}, and layers count from 0 without a gap"


def _cell_and_sizes(weights: _Weights) -> tuple[str, int, int] | str:
    """Cell, hidden size and projection size, by the first weight_hh and, if there is one, its weight_hr."""
    own, recurrent = next(((own, weight) for own, weight in weights.items() if weight.name.kind == "weight_hh"), (None, None))
    if own is None or recurrent is None:
        name = next(iter(weights.values())).name
        lacking = f"weight_hh{suffix(name.layer, 'reverse' if name.reverse else 'forward')}"
        return f"{lacking} is missing, so the cell and its hidden size are unknown"
    rows, columns = recurrent.tensor.shape
    projection = weights.get(own.replace("weight_hh", "weight_hr")) or next(
        (weight for weight in weights.values() if weight.name.kind == "weight_hr"), None
    )
    if projection is not None:
        proj_size, hidden_size = projection.tensor.shape
        if rows != 4 * hidden_size:
            return (
                f"{own} has {rows} rows, but {projection.name.weight} {projection.shape} means a hidden size of {hidden_size}, "
                f"with which an LSTM has 4*{hidden_size} = {4 * hidden_size} rows"
            )
        return "lstm", hidden_size, proj_size
    for cell in CELLS.values():
        if cell.in_torch and columns and rows == len(cell.gates) * columns:
            return cell.name, columns, 0
    ratio = f", {rows / columns:.4g} times as many rows as columns" if columns and rows < 2**60 > columns else ""
    return (
        f"{own} is {recurrent.shape}{ratio}: in an RNN it has as many rows as columns, in a GRU 3 times as many, in an LSTM "
        "4 times as many. Only an LSTM with proj_size has more, and its weight_hr is not in the file"
    )


def _compare(config: RNNConfig, weights: _Weights) -> list[str]:
    """What differs between ``weights`` and those of ``config``; a sentence for each."""
    expected = shapes.weights(config, 1)
    module = format_constructor(config)
    messages = _missing(config, [own for own in expected if own not in weights], len(expected))
    for own, weight in weights.items():
        if own in expected and weight.tensor.shape != expected[own].shape:
            shape, dims = shorten(shape_text(expected[own].shape)), " x ".join(expected[own].dims)
            messages.append(f"{own} is {weight.shape}, and in {module} it is {shape} ({dims})")
    messages.extend(f"{module} has no {own}" for own in weights if own not in expected)
    dtypes = dict.fromkeys(weight.tensor.dtype for weight in weights.values())
    if len(dtypes) > 1 and all(dtype in ITEMSIZES for dtype in dtypes):
        shown = [f"{dtype} ({_listed([own for own, w in weights.items() if w.tensor.dtype == dtype])})" for dtype in dtypes]
        messages.append(f"the weights have different dtypes, and PyTorch runs a module in one: {', '.join(shown)}")
    return messages


def _missing(config: RNNConfig, lacking: list[str], total: int) -> list[str]:
    """One sentence for each layer and direction that lacks weights."""
    messages = []
    by_direction: dict[tuple[int, Direction], list[str]] = {}
    for own in lacking:
        name = parse_parameter(own)
        if name is not None:
            by_direction.setdefault((name.layer or 0, name.direction), []).append(own)
    whole = total // (config.num_layers * config.D)
    for (layer, direction), which in by_direction.items():
        if len(which) == whole and config.bidirectional:
            messages.append(
                f"layer {layer} has no {direction} direction, although the module has two: {_listed(which)} are missing"
            )
        else:
            because = ""
            if all("bias" in own for own in which):
                because = ", although the file has other biases"
            elif all("weight_hr" in own for own in which):
                because = ", although the file has other projections"
            messages.append(f"{_listed(which)} {'is' if len(which) == 1 else 'are'} missing{because}")
    return messages


def _listed(which: list[str]) -> str:
    return ", ".join(which[:6]) + (f" and {len(which) - 6} more" if len(which) > 6 else "")


# Weights that are not stored as themselves: weight_norm, parametrizations, weight dropout, pruning.


def _join_dropout(groups: dict[tuple[str, bool], list[_Member]]) -> None:
    """Move the raw weights of a weight-dropout wrapper to the module inside it, where fastai keeps the others.

    ``rnns.0.weight_hh_l0_raw`` belongs with ``rnns.0.module.weight_ih_l0``.
    """
    for (module, is_cell), members in list(groups.items()):
        inner = groups.get((f"{module}.module" if module else "module", is_cell))
        if inner is not None and all(member.name.role == "raw" for member in members):
            inner.extend(members)
            del groups[module, is_cell]


def _collect(members: list[_Member]) -> tuple[dict[str, _StoredWeight], list[str], list[str]]:
    """The weights of one module by their own names, notes on how they are stored, and contradictions."""
    by_weight: dict[str, dict[str, _Member]] = {}
    for member in members:
        by_weight.setdefault(member.name.weight, {})[member.name.role] = member
    weights: dict[str, _StoredWeight] = {}
    notes: dict[str, None] = {}
    messages: list[str] = []
    for own, roles in by_weight.items():
        shaped, note = _shaped_like_the_weight(roles)
        if shaped is None:
            messages.append(f"{own} is stored as {', '.join(_stored_name(own, role) for role in roles)}: {note}")
            continue
        weights[own] = _StoredWeight(shaped.name, shaped.tensor, {role: member.raw for role, member in roles.items()})
        if note:
            notes[note] = None
    return weights, list(notes), messages


def _stored_name(weight: str, role: str) -> str:
    return f"parametrizations.{weight}.{role}" if role.startswith("original") else f"{weight}_{role}" if role else weight


def _shaped_like_the_weight(roles: dict[str, _Member]) -> tuple[_Member | None, str]:
    """The one of the tensors of a weight that has the weight's shape, and a note on it; or ``None``, and why."""
    if "raw" in roles:
        return roles["raw"], "weight dropout: the recurrent weight is stored as ..._raw"
    if "" in roles:
        return roles[""], ""
    if "orig" in roles:
        way = "pruned" if "mask" in roles else "spectral_norm"
        return roles["orig"], f"{way}: a weight is computed from ..._orig"
    if "g" in roles and "v" in roles:
        return _direction(roles["g"], roles["v"], "weight_norm: a weight is computed from ..._g and ..._v")
    if "original0" in roles and "original1" in roles and len(roles) == 2:
        note = "parametrized, as by weight_norm: a weight is computed from parametrizations....original0 and original1"
        return _direction(roles["original0"], roles["original1"], note)
    if "original" in roles:
        return roles["original"], "parametrized: a weight is computed from parametrizations....original"
    if "g" in roles or "v" in roles:
        return None, "weight_norm needs both ..._g and ..._v"
    return None, "the weight cannot be computed from these alone"


def _direction(magnitude: _Member, direction: _Member, note: str) -> tuple[_Member | None, str]:
    """The direction of ``weight_norm``, which has the weight's shape, if its magnitude fits: one number for each row."""
    g, v = magnitude.tensor.shape, direction.tensor.shape
    fits = g in ((), (1,)) or (
        len(g) == len(v) and all(a in (1, b) for a, b in zip(g, v, strict=True)) and prod(g) < max(prod(v), 2)
    )
    if not fits:
        return None, f"a magnitude of shape {g} and a direction of shape {v} do not belong together"
    return direction, note
