"""``{tensor name: shape and dtype}`` -> the RNNs in it: what each was built with, as far as weights can tell."""

from collections.abc import Iterable, Mapping
from typing import Final

from .. import shapes
from ..cells import CELLS
from ..config import RNNConfig
from ..constructor import format_constructor
from ..dtypes import ITEMSIZES
from ..errors import ConfigError, FileError, escape, shorten
from ..shapes import Shape
from . import names, wrapped
from .found import Checkpoint, FoundModule, Problem
from .names import WeightName
from .tensors import FileContent, FileTensor
from .wrapped import Part

_MOST_PROBLEMS: Final = 12
_MOST_MODULES: Final = 100_000


def find_modules(content: FileContent) -> Checkpoint:
    """The RNNs among the tensors of a file.

    A tensor counts by its name, never by its shape alone. Weights that contradict each other yield problems, no module.

    Raises:
        FileError: if there are more than anybody could read about.
    """
    found = Checkpoint(content.kind, notes=list(content.notes))
    groups: dict[tuple[str, bool], list[tuple[WeightName, str, FileTensor]]] = {}
    for raw, tensor in content.tensors.items():
        if names.is_optimizer(raw, content.optimizers):
            found.optimizer += 1
            continue
        name = names.parse(raw)
        if name is None:
            found.other[raw] = tensor
        else:
            groups.setdefault((name.module, name.layer is None), []).append((name, raw, tensor))
    if len(groups) > _MOST_MODULES:
        raise FileError(f"has the weights of more than {_MOST_MODULES} RNNs: no checkpoint has")
    wrapped.join_dropout(groups)
    shown = _display_names(groups)
    for (module, is_cell), members in groups.items():
        parts, notes, problems = wrapped.collect(members)
        result = None if problems else _infer(parts, is_cell)
        if isinstance(result, RNNConfig):
            found.modules.append(_module(shown[module, is_cell], module, result, parts, notes))
        else:
            problems = _limited([*problems, *(result or ())])
            found.problems.extend(Problem(shown[module, is_cell], module, problem) for problem in problems)
    _note_quantised(content, found)
    return found


def _display_names(modules: Iterable[tuple[str, bool]]) -> dict[tuple[str, bool], str]:
    """Each module's name in the model; where two would have the same, their names in the file.

    One name in the file can be that of a layer and of a cell, by their weights: then the cell's is marked.
    """
    cleaned = {module: names.clean(module[0]) for module in modules}
    counts: dict[str, set[str]] = {}
    for (module, _), name in cleaned.items():
        counts.setdefault(name, set()).add(module)
    shown = {key: name if len(counts[name]) == 1 else key[0] for key, name in cleaned.items()}
    return {
        (module, cell): f"{name}#cell" if cell and (module, False) in shown else name for (module, cell), name in shown.items()
    }


def _limited(problems: list[str]) -> list[str]:
    if len(problems) <= _MOST_PROBLEMS:
        return problems
    return [*problems[:_MOST_PROBLEMS], f"and {len(problems) - _MOST_PROBLEMS} more contradictions of this kind"]


def _note_quantised(content: FileContent, found: Checkpoint) -> None:
    modules = dict.fromkeys(module for name in content.objects if (module := names.quantised_module(name)) is not None)
    for module in list(modules)[:_MOST_PROBLEMS]:
        found.notes.append(
            f"{escape(names.clean(module)) or 'the whole model'} is dynamically quantised: its weights are packed in objects "
            "that only torch.ao.nn.quantized.dynamic opens, so that its constructor is not known"
        )


def _module(name: str, key: str, config: RNNConfig, parts: Mapping[str, Part], notes: list[str]) -> FoundModule:
    dtype = next(iter(parts.values())).tensor.dtype
    weights = shapes.weights(config, ITEMSIZES.get(dtype, 0))
    weights = {own: weight._replace(bytes=parts[own].tensor.bytes) for own, weight in weights.items()}
    unknown = [] if config.is_cell else ["batch_first", "dropout"]
    if config.cell == "rnn":
        unknown.append("nonlinearity")
    notes = [*notes, *_dtype_notes(parts)]
    sources = {own: parts[own].sources for own in weights}
    size = sum(parts[own].tensor.bytes for own in weights)
    return FoundModule(name, key, config, dtype, weights, sources, size, tuple(unknown), tuple(notes))


def _dtype_notes(parts: Mapping[str, Part]) -> list[str]:
    notes = []
    layouts = dict.fromkeys(part.tensor.layout for part in parts.values() if part.tensor.layout != "strided")
    for layout in layouts:
        which = [own for own, part in parts.items() if part.tensor.layout == layout]
        what = f"{_listed(which)} {'is' if len(which) == 1 else 'are'}"
        if layout == "quantised":
            notes.append(f"{what} quantised ({parts[which[0]].tensor.dtype}); the constructor is that of the float module")
        elif layout == "meta":
            notes.append(f"{what} without numbers: saved on the meta device, or wrapped in another class")
        else:
            notes.append(f"{what} {layout}: PyTorch's modules need them dense")
    odd = dict.fromkeys(
        part.tensor.dtype for part in parts.values() if part.tensor.layout == "strided" and part.tensor.dtype not in ITEMSIZES
    )
    if odd:
        notes.append(f"stored as {', '.join(odd)}: quantised or packed numbers; the constructor is that of the float module")
    return notes


def _infer(parts: Mapping[str, Part], is_cell: bool) -> RNNConfig | list[str]:
    """The configuration whose weights are exactly ``parts``, or what contradicts every one."""
    problems = [
        f"{own} is {_shape(part)}, and should have {_dims(part)} dim{'s' if _dims(part) > 1 else ''}"
        for own, part in parts.items()
        if len(part.tensor.shape) != _dims(part)
    ]
    if problems:
        return problems
    layers = sorted({part.name.layer or 0 for part in parts.values()})
    if layers[-1] >= len(layers):
        return [_missing_layers(layers)]
    sized = _cell_and_sizes(parts)
    if isinstance(sized, str):
        return [sized]
    cell, hidden_size, proj_size = sized
    bias = any(part.name.kind.startswith("bias") for part in parts.values())
    bidirectional = any(part.name.reverse for part in parts.values())
    first = parts.get("weight_ih" if is_cell else "weight_ih_l0") or parts.get("weight_ih_l0_reverse")
    if first is None:
        return [f"{'weight_ih' if is_cell else 'weight_ih_l0'} is missing, so that the input size is not known"]
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
    return _compare(config, parts) or config


def _dims(part: Part) -> int:
    return 1 if part.name.kind.startswith("bias") else 2


def _shape(part: Part) -> str:
    return _show(part.tensor.shape)


def _show(shape: Shape) -> str:
    return shorten(f"({', '.join(map(str, shape))}{',' if len(shape) == 1 else ''})")


def _missing_layers(layers: list[int]) -> str:
    there = ", ".join(map(str, layers[:8])) + (", ..." if len(layers) > 8 else "")
    gap = next(number for number, layer in enumerate(layers) if layer != number)
    count = layers[-1] + 1 - len(layers)
    missing = f"layer {gap} is missing" if count == 1 else f"{count} layers are missing, the first of them layer {gap}"
    return f"{missing}: the file has layer{'s' if len(layers) > 1 else ''} {there}, and layers are counted from 0"


def _cell_and_sizes(parts: Mapping[str, Part]) -> tuple[str, int, int] | str:
    """Cell, hidden size and projection size, by the first weight_hh and, if there is one, its weight_hr."""
    own, recurrent = next(((own, part) for own, part in parts.items() if part.name.kind == "weight_hh"), (None, None))
    if own is None or recurrent is None:
        lacking = (
            next(iter(parts)).replace("weight_ih", "weight_hh").replace("bias", "weight").replace("weight_hr", "weight_hh")
        )
        return f"{lacking.replace('weight_ih', 'weight_hh')} is missing, so that the cell and its hidden size are not known"
    rows, columns = recurrent.tensor.shape
    projection = parts.get(own.replace("weight_hh", "weight_hr")) or next(
        (part for part in parts.values() if part.name.kind == "weight_hr"), None
    )
    if projection is not None:
        proj_size, hidden_size = projection.tensor.shape
        name = projection.name.weight
        if rows != 4 * hidden_size:
            return (
                f"{own} has {rows} rows, and {name} {_shape(projection)} says a hidden size of {hidden_size}: "
                f"an LSTM has 4*{hidden_size} = {4 * hidden_size}"
            )
        return "lstm", hidden_size, proj_size
    for cell in CELLS.values():
        if columns and rows == len(cell.gates) * columns:
            return cell.name, columns, 0
    return (
        f"{own} is {_shape(recurrent)}: its rows are {_ratio(rows, columns)} its columns, and that is 1 times for an RNN, "
        "3 for a GRU, 4 for an LSTM; only an LSTM with proj_size has more, and then weight_hr, which is not there"
    )


def _ratio(rows: int, columns: int) -> str:
    return f"{rows / columns:.4g} times" if columns and rows < 2**60 > columns else "not a multiple of"


def _compare(config: RNNConfig, parts: Mapping[str, Part]) -> list[str]:
    """What differs between ``parts`` and the weights of ``config``; a sentence for each."""
    expected = shapes.weights(config, 1)
    module = format_constructor(config)
    problems = _missing(config, [own for own in expected if own not in parts], len(expected))
    for own, part in parts.items():
        if own in expected and part.tensor.shape != expected[own].shape:
            why = " x ".join(expected[own].dims)
            problems.append(f"{own} is {_shape(part)}, and {module} has {_show(expected[own].shape)} there ({why})")
    problems.extend(f"{own} has no place in {module}" for own in parts if own not in expected)
    floats = dict.fromkeys(part.tensor.dtype for part in parts.values())
    if len(floats) > 1 and all(dtype in ITEMSIZES for dtype in floats):
        shown = [f"{dtype} ({_listed([own for own, part in parts.items() if part.tensor.dtype == dtype])})" for dtype in floats]
        problems.append(f"the weights have different dtypes, and PyTorch runs a module in one: {', '.join(shown)}")
    return problems


def _missing(config: RNNConfig, lacking: list[str], total: int) -> list[str]:
    """One sentence for each layer and direction that lacks weights."""
    problems = []
    by_place: dict[tuple[int, bool], list[str]] = {}
    for own in lacking:
        found = names.parse(own)
        if found is not None:
            by_place.setdefault((found.layer or 0, found.reverse), []).append(own)
    whole = total // (config.num_layers * config.D)
    for (layer, reverse), which in by_place.items():
        direction = "reverse" if reverse else "forward"
        if len(which) == whole and config.bidirectional:
            problems.append(f"layer {layer} has no {direction} direction, and others have one: {_listed(which)} are missing")
        else:
            because = ""
            if all("bias" in own for own in which):
                because = ", and other biases are there"
            elif all("weight_hr" in own for own in which):
                because = ", and other projections are there"
            problems.append(f"{_listed(which)} {'is' if len(which) == 1 else 'are'} missing{because}")
    return problems


def _listed(which: list[str]) -> str:
    return ", ".join(which[:6]) + (f" and {len(which) - 6} more" if len(which) > 6 else "")
