"""Reading what ``load_state_dict`` says: which argument of the module is not the checkpoint's."""

import re
from typing import Final

from ...shapes import Shape
from ..problem import Problem
from .reading import Found, Reading

_KEY: Final = r"[\w.]{0,300}(?:weight|bias)_(?:ih|hh|hr)\w{0,40}"
_SIZE: Final = r"torch\.Size\(\[([\d,\s]{0,60})\]\)"
_NEW: Final = re.compile(
    rf"size\s+mismatch\s+for\s+({_KEY}):\s+copying\s+a\s+param\s+(?:with\s+shape|of)\s+{_SIZE}\s+from\s+checkpoint,\s+"
    rf"(?:the\s+shape\s+in\s+current\s+model\s+is|where\s+the\s+shape\s+is)\s+{_SIZE}"
)
_OLD: Final = re.compile(
    rf"parameter\s+named\s+({_KEY}),\s+whose\s+dimensions\s+in\s+the\s+model\s+are\s+{_SIZE}\s+and\s+whose\s+dimensions\s+in\s+"
    rf"the\s+checkpoint\s+are\s+{_SIZE}"
)
_LISTS: Final = re.compile(
    r"(missing|unexpected)\s+keys?(?:\(s\))?\s+in\s+state_dict:([^\n]*)|(unexpected)\s+key\s+([^\n]*?)\s+in\s+state_dict",
    re.IGNORECASE,
)
_NAME: Final = re.compile(rf"[\"']({_KEY})[\"']")
_PART: Final = re.compile(
    r"(?:(?P<module>[\w.]*)\.)?(?P<kind>(?:weight|bias)_(?:ih|hh|hr))(?:_l(?P<layer>\d+))?(?P<reverse>_reverse)?"
)
_CLASSES: Final = {4: "LSTM", 3: "GRU", 1: "RNN"}


def read_checkpoint(reading: Reading) -> Found:
    """All RNN weights in the last report of ``load_state_dict``: what differs, as few findings as explain it."""
    text = reading.text
    start = max(text.rfind("Error(s) in loading state_dict"), 0)
    region = text[start:]
    shapes = {m[1]: (_shape(m[2]), _shape(m[3])) for m in _NEW.finditer(region)}
    shapes |= {m[1]: (_shape(m[3]), _shape(m[2])) for m in _OLD.finditer(region)}
    missing: set[str] = set()
    unexpected: set[str] = set()
    for found in _LISTS.finditer(region):
        names = missing if (found[1] or "").lower() == "missing" else unexpected
        names.update(_NAME.findall(found[2] or found[4] or ""))
    problems = _renamed(missing, unexpected)
    if not problems:
        problems = _keys(missing, checkpoint=False) + _keys(unexpected, checkpoint=True)
    problems += _sizes(shapes)
    if not problems:
        key = reading.groups.get("key", reading.row.tensor)
        message = f"{key} in the checkpoint has another shape than in the model"
        problems = [
            Problem(key, None, None, None, "checkpoint_mismatch", message, "Build the module with the checkpoint's arguments")
        ]
    return problems[:6], ["rnndims weights FILE shows the module that a checkpoint was made of"]


def _shape(text: str) -> Shape:
    return tuple(int(size) for size in text.replace(",", " ").split())


def _problem(
    key: str, message: str, fix: str, model: Shape | None = None, saved: Shape | None = None, dim: int | None = None
) -> Problem:
    return Problem(key, dim, model, saved, "checkpoint_mismatch", message, fix)


def _renamed(missing: set[str], unexpected: set[str]) -> list[Problem]:
    """The same weights under other names: a prefix that ``DataParallel`` or an outer module put in front."""
    if unexpected and not missing and all(key.startswith("module.") for key in unexpected):
        fix = "state = {k.removeprefix('module.'): v for k, v in state.items()}"
        return [_problem(min(unexpected), "the checkpoint was saved from DataParallel: its names begin with module.", fix)]
    for key in sorted(missing):
        for other in sorted(unexpected):
            if other == f"module.{key}":
                fix = "state = {k.removeprefix('module.'): v for k, v in state.items()}"
                return [_problem(key, "the checkpoint was saved from DataParallel: its names begin with module.", fix)]
            if key == f"module.{other}":
                return [
                    _problem(
                        key,
                        "the model is wrapped in DataParallel, the checkpoint is not",
                        "model.module.load_state_dict(state)",
                    )
                ]
            if other.endswith("." + key) or key.endswith("." + other):
                longer = other if len(other) > len(key) else key
                prefix = longer[: -len(key if longer is other else other)]
                action = f"k.removeprefix('{prefix}')" if longer is other else f"'{prefix}' + k"
                return [
                    _problem(
                        key,
                        f"the same weights under other names: {other} in the checkpoint",
                        f"state = {{{action}: v for k, v in state.items()}}",
                    )
                ]
    return []


def _keys(keys: set[str], *, checkpoint: bool) -> list[Problem]:
    """Weights that only one side has. ``checkpoint`` says which: it, or the model."""
    if not keys:
        return []
    has, lacks = ("the checkpoint", "the model") if checkpoint else ("the model", "the checkpoint")
    parts = {key: part for key in sorted(keys) if (part := _PART.fullmatch(key))}
    key = min(keys)
    if any("_raw" in name or ".module.weight_hh" in name for name in keys):
        message = (
            f"{has} drops out weights (WeightDrop keeps weight_hh_l0_raw), {lacks} does not, or another version of it does"
        )
        return [_problem(key, message, "Wrap the module the same way before loading")]
    found = []
    reverse = [name for name, part in parts.items() if part["reverse"]]
    forward = [name for name, part in parts.items() if not part["reverse"]]
    if reverse and not forward:
        message = f"{has} is bidirectional, {lacks} is not: {reverse[0]} has no counterpart"
        return [_problem(reverse[0], message, f"nn.LSTM(..., bidirectional={checkpoint})  # as in the checkpoint")]
    layers = sorted({int(part["layer"] or 0) for part in parts.values()})
    kinds = {part["kind"] for part in parts.values()}
    if kinds <= {"bias_ih", "bias_hh"}:
        return [
            _problem(key, f"{has} has biases, {lacks} does not", f"nn.LSTM(..., bias={checkpoint})  # as in the checkpoint")
        ]
    if kinds == {"weight_hr"}:
        return [
            _problem(
                key,
                f"{has} has projections, {lacks} does not",
                "Set proj_size as in the checkpoint" if checkpoint else "Drop proj_size",
            )
        ]
    if layers and layers[0] > 0:
        name = next(iter(parts))
        message = f"{has} has {layers[-1] + 1} layers, {lacks} has {layers[0]}: {name} has no counterpart"
        count = layers[-1] + 1 if checkpoint else layers[0]
        found.append(_problem(name, message, f"nn.LSTM(..., num_layers={count})  # as in the checkpoint"))
    else:
        message = (
            f"{has} has the RNN weight {key}, {lacks} has none of that name: another class, or another name for the module"
        )
        found.append(
            _problem(key, message, "Name the module as in the checkpoint, or rename its keys; print(state.keys()) shows them")
        )
    return found


def _sizes(shapes: dict[str, tuple[Shape, Shape]]) -> list[Problem]:
    """Weights of other sizes: the class, ``hidden_size``, ``input_size`` or the directions, whatever explains them."""
    if not shapes:
        return []
    found: list[Problem] = []
    explained: set[str] = set()
    for key, (saved, model) in shapes.items():
        part = _PART.fullmatch(key)
        if part is None or len(saved) != len(model):
            continue
        module = part["module"] or "module"
        if part["kind"] == "weight_hh" and len(saved) == 2 and module not in explained:
            explained.add(module)
            found += _hidden(key, saved, model)
    for key, (saved, model) in shapes.items():
        part = _PART.fullmatch(key)
        if part is None or part["kind"] != "weight_ih" or len(saved) != 2 or len(model) != 2 or saved[1] == model[1]:
            continue
        module, layer = part["module"] or "module", int(part["layer"] or 0)
        if layer == 0:
            if any(p.message.startswith(f"{module}: input_size") for p in found):
                continue
            message = f"{module}: input_size is {model[1]} in the model, {saved[1]} in the checkpoint"
            found.append(_problem(key, message, f"input_size={saved[1]}  # as in the checkpoint", model, saved, 1))
            if saved[0] != model[0] and module not in explained:
                message = f"{module}: rows, gates times hidden_size, are {model[0]} in the model, {saved[0]} in the checkpoint"
                found.append(_problem(key, message, "Set hidden_size (or the class) as in the checkpoint", model, saved, 0))
        elif module not in explained:
            explained.add(module)
            twice = saved[1] == 2 * model[1] or model[1] == 2 * saved[1]
            message = f"{module}: layer {layer} reads {model[1]} features in the model, {saved[1]} in the checkpoint, D*H_out"
            fix = (
                f"bidirectional={saved[1] > model[1]}  # as in the checkpoint"
                if twice
                else "Set hidden_size as in the checkpoint"
            )
            found.append(_problem(key, message, fix, model, saved, 1))
    if not found:
        key, (saved, model) = next(iter(shapes.items()))
        dim = next((i for i, (s, m) in enumerate(zip(saved, model, strict=False)) if s != m), None)
        message = f"{key} is {model} in the model, {saved} in the checkpoint: rows are gates times hidden_size"
        found.append(_problem(key, message, "Set hidden_size (or the class) as in the checkpoint", model, saved, dim))
    return found


def _hidden(key: str, saved: Shape, model: Shape) -> list[Problem]:
    gates = [_CLASSES.get(rows // cols) if cols and rows % cols == 0 else None for rows, cols in (saved, model)]
    if gates[0] and gates[1] and gates[0] != gates[1]:
        message = f"{key}: the checkpoint is an {gates[0]}, the model a {gates[1]}: other numbers of gates"
        return [_problem(key, message, f"nn.{gates[0]}(...)  # as in the checkpoint", model, saved, 0)]
    if saved[1] != model[1]:
        message = f"{key}: hidden_size is {model[1]} in the model, {saved[1]} in the checkpoint"
        return [_problem(key, message, f"hidden_size={saved[1]}  # as in the checkpoint", model, saved, 1)]
    message = f"{key} is {model} in the model, {saved} in the checkpoint: other gates, or proj_size"
    return [_problem(key, message, "Build the module with the checkpoint's class and sizes", model, saved, 0)]
