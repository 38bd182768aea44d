"""What ``load_state_dict`` says, and which argument of the module differs from the checkpoint."""

import re
from typing import Final

from ..shapes import Shape
from .kinds_of_call import CLASSES
from .message_row import Interpretation, LikelyCause, Match, MessageRow
from .problem import Problem

# the name of an RNN's parameter: "encoder.rnn.weight_ih_l0_reverse"
_KEY: Final = r"[\w.]{0,300}(?:weight|bias)_(?:ih|hh|hr)\w{0,40}"
# a shape: "torch.Size([80, 12])"
_SIZE: Final = r"torch\.Size\(\[([\d,\s]{0,60})\]\)"
# "size mismatch for rnn.weight_ih_l0: copying a param with shape torch.Size([80, 12]) from checkpoint, the shape in current
# model is torch.Size([80, 10])", or older
_NEW: Final = re.compile(
    rf"size\s+mismatch\s+for\s+({_KEY}):\s+copying\s+a\s+param\s+(?:with\s+shape|of)\s+{_SIZE}\s+from\s+checkpoint,\s+"
    rf"(?:the\s+shape\s+in\s+current\s+model\s+is|where\s+the\s+shape\s+is)\s+{_SIZE}"
)
# While copying the parameter named rnn.weight_ih_l0, whose dimensions in the model are torch.Size([80, 10]) and whose
# dimensions in the checkpoint are torch.Size([80, 12])
_OLD: Final = re.compile(
    rf"parameter\s+named\s+({_KEY}),\s+whose\s+dimensions\s+in\s+the\s+model\s+are\s+{_SIZE}\s+and\s+whose\s+dimensions\s+in\s+"
    rf"the\s+checkpoint\s+are\s+{_SIZE}"
)
# the lists of names: Missing key(s) in state_dict: "a", "b". / unexpected key "a" in state_dict
_LISTS: Final = re.compile(
    r"(missing|unexpected)\s+keys?(?:\(s\))?\s+in\s+state_dict:([^\n]*)|(unexpected)\s+key\s+([^\n]*?)\s+in\s+state_dict",
    re.IGNORECASE,
)
# "rnn.weight_ih_l0" in a list
_NAME: Final = re.compile(rf"[\"']({_KEY})[\"']")
# encoder.weight_ih_l1_reverse: module "encoder", kind "weight_ih", layer "1", reverse
_PART: Final = re.compile(
    r"(?:(?P<module>[\w.]*)\.)?(?P<kind>(?:weight|bias)_(?:ih|hh|hr))(?:_l(?P<layer>\d+))?(?P<reverse>_reverse)?"
)

_AS_SAVED: Final = "Pass this to the constructor, as in the checkpoint."
_FROM_PARALLEL: Final = "The checkpoint was saved from DataParallel: its names begin with module."
_STRIP_PARALLEL: Final = "state = {k.removeprefix('module.'): v for k, v in state.items()}"
_SEE_FILE: Final = "`rnndims weights FILE` shows the module that a checkpoint was made of."

MOST_PROBLEMS: Final = 6
"""The most differences that are named."""


def interpret_checkpoint(match: Match) -> Interpretation:
    """All RNN weights in the last report of ``load_state_dict``: what differs, as few problems as explain it.

    ``size mismatch for rnn.weight_ih_l0: ...``, ``Missing key(s) in state_dict: "rnn.weight_ih_l1", ...``
    """
    text = match.text
    region = text[max(text.rfind("Error(s) in loading state_dict"), 0) :]
    shapes = {m[1]: (_shape(m[2]), _shape(m[3])) for m in _NEW.finditer(region)}
    shapes |= {m[1]: (_shape(m[3]), _shape(m[2])) for m in _OLD.finditer(region)}
    missing: set[str] = set()
    unexpected: set[str] = set()
    for entry in _LISTS.finditer(region):
        names = missing if (entry[1] or "").lower() == "missing" else unexpected
        names.update(_NAME.findall(entry[2] or entry[4] or ""))
    renamed = _renamed(missing, unexpected)
    keys = [renamed] if renamed else [*_keys(missing, in_checkpoint=False), *_keys(unexpected, in_checkpoint=True)]
    problems = [*keys, *_sizes(shapes)]
    if not problems:
        key = match.slots.get("key", match.row.tensor)
        message = f"{key} has another shape in the checkpoint than in the model."
        problems = [_problem(key, message, advice="Build the module with the checkpoint's arguments.")]
    return Interpretation(tuple(problems[:MOST_PROBLEMS]), (_SEE_FILE,))


def _shape(text: str) -> Shape:
    return tuple(int(size) for size in text.replace(",", " ").split())


def _problem(
    key: str,
    message: str,
    *,
    fix: str | None = None,
    advice: str | None = None,
    model: Shape | None = None,
    saved: Shape | None = None,
    dim: int | None = None,
) -> Problem:
    """A parameter that is ``saved`` in the checkpoint where the model has ``model``."""
    return Problem(
        tensor=key,
        dim=dim,
        expected=model,
        got=saved,
        cause="checkpoint_mismatch",
        message=message,
        fix=fix,
        advice=advice,
    )


def _renamed(missing: set[str], unexpected: set[str]) -> Problem | None:
    """The same weights under other names: with a prefix that ``DataParallel`` or an outer module adds."""
    if unexpected and not missing and all(key.startswith("module.") for key in unexpected):
        return _problem(min(unexpected), _FROM_PARALLEL, fix=_STRIP_PARALLEL)
    for key in sorted(missing):
        for other in sorted(unexpected):
            if other == f"module.{key}":
                return _problem(key, _FROM_PARALLEL, fix=_STRIP_PARALLEL)
            if key == f"module.{other}":
                message = "The model is wrapped in DataParallel, and the checkpoint is of a model that was not."
                return _problem(key, message, fix="model.module.load_state_dict(state)")
            if other.endswith("." + key) or key.endswith("." + other):
                longer = other if len(other) > len(key) else key
                prefix = longer[: -len(key if longer is other else other)]
                renaming = f"k.removeprefix('{prefix}')" if longer is other else f"'{prefix}' + k"
                message = f"The checkpoint has the same weights under other names: {other} for {key}."
                return _problem(key, message, fix=f"state = {{{renaming}: v for k, v in state.items()}}")
    return None


def _keys(keys: set[str], *, in_checkpoint: bool) -> list[Problem]:
    """Weights that only one side has: the checkpoint if ``in_checkpoint``, else the model."""
    if not keys:
        return []
    has, lacks = ("The checkpoint", "the model") if in_checkpoint else ("The model", "the checkpoint")
    parts = {key: part for key in sorted(keys) if (part := _PART.fullmatch(key))}
    key = min(keys)
    if any("_raw" in name or ".module.weight_hh" in name for name in keys):
        message = (
            f"{has} drops out weights (WeightDrop keeps weight_hh_l0_raw), and {lacks} does not, or does it with another "
            "version of WeightDrop."
        )
        return [_problem(key, message, advice="Wrap the module in WeightDrop as in the checkpoint before loading.")]
    reverse = [name for name, part in parts.items() if part["reverse"]]
    forward = [name for name, part in parts.items() if not part["reverse"]]
    if reverse and not forward:
        message = f"{has} is bidirectional, and {lacks} is not: it has no {reverse[0]}."
        return [_problem(reverse[0], message, fix=f"bidirectional={in_checkpoint}", advice=_AS_SAVED)]
    kinds = {part["kind"] for part in parts.values()}
    if kinds <= {"bias_ih", "bias_hh"}:
        return [_problem(key, f"{has} has biases, and {lacks} has none.", fix=f"bias={in_checkpoint}", advice=_AS_SAVED)]
    if kinds == {"weight_hr"}:
        message = f"{has} has projections, and {lacks} has none."
        if in_checkpoint:
            return [
                _problem(key, message, advice="Build the module with the proj_size of the checkpoint: the rows of weight_hr.")
            ]
        return [_problem(key, message, fix="proj_size=0", advice=_AS_SAVED)]
    layers = sorted({int(part["layer"] or 0) for part in parts.values()})
    if layers and layers[0] > 0:
        name = next(iter(parts))
        message = f"{has} has {layers[-1] + 1} layers, and {lacks} has {layers[0]}: it has no {name}."
        count = layers[-1] + 1 if in_checkpoint else layers[0]
        return [_problem(name, message, fix=f"num_layers={count}", advice=_AS_SAVED)]
    message = f"{has} has the RNN weight {key}, and {lacks} has no weight of that name. The class or the name differs."
    advice = "Name the module as in the checkpoint, or rename its keys."
    return [_problem(key, message, fix="print(state.keys())", advice=advice)]


def _sizes(shapes: dict[str, tuple[Shape, Shape]]) -> list[Problem]:
    """Weights of other sizes: the class, ``hidden_size``, ``input_size`` or the directions, whatever explains them.

    ``shapes`` has the shape in the checkpoint and the one in the model for each name.
    """
    problems: list[Problem] = []
    explained: set[str] = set()
    sized: set[str] = set()
    for key, (saved, model) in shapes.items():
        part = _PART.fullmatch(key)
        if part is None or len(saved) != len(model):
            continue
        module = part["module"] or "module"
        if part["kind"] == "weight_hh" and len(saved) == 2 and module not in explained:
            explained.add(module)
            problems.append(_hidden(key, saved, model))
    for key, (saved, model) in shapes.items():
        part = _PART.fullmatch(key)
        if part is None or part["kind"] != "weight_ih" or len(saved) != 2 or len(model) != 2 or saved[1] == model[1]:
            continue
        module, layer = part["module"] or "module", int(part["layer"] or 0)
        if layer == 0 and module not in sized:
            sized.add(module)
            message = f"{module}: input_size is {model[1]} in the model, and {saved[1]} in the checkpoint."
            fix = f"input_size={saved[1]}"
            problems.append(_problem(key, message, fix=fix, advice=_AS_SAVED, model=model, saved=saved, dim=1))
            if saved[0] != model[0] and module not in explained:
                problems.append(_rows(key, saved, model))
        elif layer > 0 and module not in explained:
            explained.add(module)
            problems.append(_deeper(key, module, layer, saved, model))
    if not problems and shapes:
        key, (saved, model) = next(iter(shapes.items()))
        problems.append(_rows(key, saved, model))
    return problems


def _hidden(key: str, saved: Shape, model: Shape) -> Problem:
    """A ``weight_hh``, (gates times hidden_size, H_out), that differs."""
    classes = [CLASSES.get(rows // cols) if cols and rows % cols == 0 else None for rows, cols in (saved, model)]
    if classes[0] and classes[1] and classes[0] != classes[1]:
        message = f"{key} has the rows of an nn.{classes[0]} in the checkpoint, and of an nn.{classes[1]} in the model."
        return _problem(key, message, fix=f"nn.{classes[0]}(...)", advice=_AS_SAVED, model=model, saved=saved, dim=0)
    if saved[1] != model[1]:
        message = f"{key}: hidden_size is {model[1]} in the model, and {saved[1]} in the checkpoint."
        return _problem(key, message, fix=f"hidden_size={saved[1]}", advice=_AS_SAVED, model=model, saved=saved, dim=1)
    message = f"{key} is {model} in the model, and {saved} in the checkpoint: another number of gates, or proj_size."
    advice = "Build the module with the checkpoint's class and sizes."
    return _problem(key, message, advice=advice, model=model, saved=saved, dim=0)


def _rows(key: str, saved: Shape, model: Shape) -> Problem:
    """A parameter that differs, where nothing tells whether the class or the size is why."""
    dim = next((index for index, (s, m) in enumerate(zip(saved, model, strict=False)) if s != m), None)
    message = f"{key} is {model} in the model, and {saved} in the checkpoint. Its rows are gates times hidden_size."
    advice = "Build the module with the class and the hidden_size of the checkpoint."
    return _problem(key, message, advice=advice, model=model, saved=saved, dim=dim)


def _deeper(key: str, module: str, layer: int, saved: Shape, model: Shape) -> Problem:
    """A ``weight_ih`` of a layer above the first, (gates times hidden_size, D*H_out), of another width."""
    message = f"{module}: layer {layer} reads {model[1]} features in the model, and {saved[1]} in the checkpoint: D*H_out."
    if saved[1] in (2 * model[1], model[1] // 2):
        fix = f"bidirectional={saved[1] > model[1]}"
        return _problem(key, message, fix=fix, advice=_AS_SAVED, model=model, saved=saved, dim=1)
    advice = "Build the module with the hidden_size of the checkpoint."
    return _problem(key, message, advice=advice, model=model, saved=saved, dim=1)


CHECKPOINT_MESSAGES: Final = (
    MessageRow(
        wordings=(
            "size mismatch for <key:weight>: copying a param",
            "While copying the parameter named <key:weight>, whose dimensions in the model are",
            "Missing key(s) in state_dict: <keys:keys>",
            "Unexpected key(s) in state_dict: <keys:keys>",
            "unexpected key <key:weight> in state_dict",
            "missing keys in state_dict: <keys:keys>",
        ),
        tensor="weight_ih_l0",
        explanation="load_state_dict compared the names and shapes in the checkpoint with those of the module.",
        interpret=interpret_checkpoint,
    ),
    MessageRow(
        wordings=("'<kind:class>' object has no attribute '<attribute:member>'",),
        tensor="module",
        explanation="A pickled module has the attributes of its version of PyTorch, and this version needs others.",
        causes=(
            LikelyCause(
                "checkpoint_mismatch",
                "The whole module was saved with another version of PyTorch than this one, so it has no {attribute}.",
                "torch.save(model.state_dict(), path)",
                "Do this in the old version. Then build the module again in this one and load the state dict.",
            ),
        ),
    ),
)
