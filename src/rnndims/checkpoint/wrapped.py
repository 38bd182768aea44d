"""Weights that are not stored as themselves: weight_norm, parametrizations, weight dropout, pruning."""

from math import prod
from typing import NamedTuple

from .file_tensors import FileTensor
from .tensor_names import WeightName

Members = list[tuple[WeightName, str, FileTensor]]


class Part(NamedTuple):
    """One weight of a module: its name, a tensor of its shape, and the tensors in the file that it is made of, by role."""

    name: WeightName
    tensor: FileTensor
    sources: dict[str, str]


def join_dropout(groups: dict[tuple[str, bool], Members]) -> None:
    """Move the raw weights of a weight-dropout wrapper to the module below it, where fastai keeps the others."""
    for (module, is_cell), members in list(groups.items()):
        inner = groups.get((f"{module}.module" if module else "module", is_cell))
        if inner is not None and all(name.role == "raw" for name, _, _ in members):
            inner.extend(members)
            del groups[module, is_cell]


def collect(members: Members) -> tuple[dict[str, Part], list[str], list[str]]:
    """The weights of one module by their own names, notes on how they are stored, and problems."""
    roles: dict[str, dict[str, tuple[WeightName, str, FileTensor]]] = {}
    for member in members:
        roles.setdefault(member[0].weight, {})[member[0].role] = member
    parts: dict[str, Part] = {}
    notes: dict[str, None] = {}
    problems: list[str] = []
    for weight, found in roles.items():
        chosen, note = _choose(found)
        if chosen is None:
            problems.append(f"{weight} is stored as {', '.join(_stored(weight, role) for role in found)}: {note}")
            continue
        parts[weight] = Part(chosen[0], chosen[2], {role: raw for role, (_, raw, _) in found.items()})
        if note:
            notes[note] = None
    return parts, list(notes), problems


def _stored(weight: str, role: str) -> str:
    return f"parametrizations.{weight}.{role}" if role.startswith("original") else f"{weight}_{role}" if role else weight


def _choose(found: dict[str, tuple[WeightName, str, FileTensor]]) -> tuple[tuple[WeightName, str, FileTensor] | None, str]:
    """The tensor that has the weight's shape, and a note; or none, and why."""
    if "raw" in found:
        return found["raw"], "weight dropout: the recurrent weight is stored as ..._raw"
    if "" in found:
        return found[""], ""
    if "orig" in found:
        way = "pruned" if "mask" in found else "spectral_norm"
        return found["orig"], f"{way}: a weight is computed from ..._orig"
    if "g" in found and "v" in found:
        return _normed(found["g"], found["v"], "weight_norm: a weight is computed from ..._g and ..._v")
    if "original0" in found and "original1" in found and len(found) == 2:
        return _normed(found["original0"], found["original1"], "parametrized, like weight_norm: a weight is computed from two")
    if "original" in found:
        return found["original"], "parametrized: a weight is computed from parametrizations....original"
    if "g" in found or "v" in found:
        return None, "weight_norm needs both ..._g and ..._v"
    return None, "the weight cannot be computed from these alone"


def _normed(
    magnitude: tuple[WeightName, str, FileTensor], direction: tuple[WeightName, str, FileTensor], note: str
) -> tuple[tuple[WeightName, str, FileTensor] | None, str]:
    g, v = magnitude[2].shape, direction[2].shape
    fits = g in ((), (1,)) or (
        len(g) == len(v) and all(a in (1, b) for a, b in zip(g, v, strict=True)) and prod(g) < max(prod(v), 2)
    )
    if not fits:
        return None, f"a magnitude of shape {g} and a direction of shape {v} do not belong together"
    return direction, note
