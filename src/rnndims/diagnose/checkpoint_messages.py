"""What ``load_state_dict`` and ``torch.load`` say: which arguments differ from the checkpoint, or what was loaded instead."""

import re
from dataclasses import replace
from typing import Final

from ..phrases import plural
from ..shapes import Shape
from .load_report import LoadReport, ModuleReport, Part, parse_key, read_report
from .message_row import ALWAYS, Claim, Interpretation, LikelyCause, Match, MessageRow
from .problem import Problem

_AS_SAVED: Final = "Pass this to the constructor, as in the checkpoint."
_SEE_FILE: Final = "`rnndims weights FILE` shows the modules that a checkpoint was made of."

MOST_PROBLEMS: Final = 6
"""The most RNNs whose differences are named."""

_MOST_PREFIXES: Final = 50
"""The most RNNs of each side whose names are compared."""

_WRAPPED: Final = ("state_dict", "model_state_dict", "model_state", "model", "net", "network", "weights", "params")
"""Names under which training scripts keep the state dict, beside an optimizer's and the like."""

_BESIDE: Final = frozenset(["epoch", "optimizer", "optimizer_state_dict", "scheduler", "args", "config", "step", "model_type"])
"""Names that they keep beside it."""

# the name of an RNN's parameter anywhere in a list of names
_RNN_KEY: Final = re.compile(r"(?:weight|bias)_(?:ih|hh|hr)")
_MOST_REPORT: Final = 1_000_000
"""Characters of a report in which such a name is looked for."""

NAMES_RNN: Final = Claim(
    lambda _around, match: _RNN_KEY.search(match.string, match.start(), match.start() + _MOST_REPORT) is not None, ALWAYS.proves
)
"""Only where the report that begins there names an RNN's parameter: ``Missing key(s) in state_dict: "rnn.weight_ih_l0"``."""


def interpret_checkpoint(match: Match) -> Interpretation:
    """All RNN weights in the last report of ``load_state_dict``: what differs, as few problems as explain it.

    ``size mismatch for rnn.weight_ih_l0: ...``, ``Missing key(s) in state_dict: "rnn.weight_ih_l1", ...``
    """
    report = read_report(match.text)
    explained = _dropped(report) or _prefixed(report)
    modules = report.modules()
    if explained is not None:
        sized = {name: ModuleReport(shapes=module.shapes) for name, module in modules.items() if module.shapes}
        others = [problem for name, module in sized.items() if (problem := _changed(name, module))]
        return Interpretation((explained, *others[: MOST_PROBLEMS - 1]), (_SEE_FILE,))
    gone = {name: module for name, module in modules.items() if module.only_in_model}
    new = {name: module for name, module in modules.items() if module.only_in_checkpoint}
    problems = _absent(report, gone, new)
    changed = {name: module for name, module in modules.items() if name not in gone and name not in new}
    problems += [problem for name, module in changed.items() if (problem := _changed(name, module))]
    if not problems:
        key = match.slots.get("key") or min((*report.missing, *report.unexpected), default=match.row.tensor)
        message = f"{key} is not the same in the checkpoint and in the model."
        problems = [_problem(key, message, advice="Build the module with the checkpoint's arguments.")]
    notes = [_SEE_FILE]
    if len(problems) > MOST_PROBLEMS:
        notes.insert(0, f"{plural(len(problems) - MOST_PROBLEMS, 'more RNN')} of the report differ too.")
    return Interpretation(tuple(problems[:MOST_PROBLEMS]), tuple(notes))


def _problem(
    key: str,
    message: str,
    *,
    fix: str | None = None,
    advice: str | None = None,
    model: Shape | None = None,
    saved: Shape | None = None,
) -> Problem:
    """A parameter that is ``saved`` in the checkpoint where the model has ``model``."""
    dims = [dim for dim, (here, there) in enumerate(zip(model or (), saved or (), strict=False)) if here != there]
    return Problem(
        tensor=key,
        dim=dims[0] if len(dims) == 1 else None,
        expected=model,
        got=saved,
        cause="checkpoint_mismatch",
        message=message,
        fix=fix,
        advice=advice,
    )


# --- the same weights under other names ------------------------------------------------------------------------------


def _dropped(report: LoadReport) -> Problem | None:
    """Names that WeightDrop adds: ``rnn.weight_hh_l0_raw``."""
    dropped = report.weight_drop()
    if not dropped:
        return None
    key = min(dropped)
    if dropped <= report.unexpected:
        message = f"The checkpoint was saved with WeightDrop: only it has {key}. The model has none."
        renamed = "state = {k.removesuffix('_raw').replace('.module.', '.'): v for k, v in state.items()}"
        if any(parse_key(name) for name in report.missing):
            return _problem(
                key, message, fix=renamed, advice="Then load the state dict: the _raw weights are the trained ones."
            )
        advice = (
            "This leaves out what only the checkpoint has. The _raw weights are the trained ones: use them to go on training."
        )
        return _problem(key, message, fix="model.load_state_dict(state, strict=False)", advice=advice)
    message = f"The model uses WeightDrop, or another version of it: only the model has {key}."
    return _problem(
        key, message, advice="Wrap the module in WeightDrop after loading, or as it was when the checkpoint was saved."
    )


def _prefixed(report: LoadReport) -> Problem | None:
    """All names with a prefix that ``DataParallel`` or an outer module adds, in the checkpoint or in the model."""
    missing, unexpected = report.missing, report.unexpected
    if not unexpected or not any(parse_key(key) for key in unexpected):
        return None
    if not missing and all(key.startswith("module.") for key in unexpected):
        return _unwrap(min(unexpected), "module.")
    here = list(dict.fromkeys(parsed[0] for key in sorted(missing) if (parsed := parse_key(key))))[:_MOST_PREFIXES]
    there = list(dict.fromkeys(parsed[0] for key in sorted(unexpected) if (parsed := parse_key(key))))[:_MOST_PREFIXES]
    for model in here:
        for saved in there:
            longer, shorter = (saved, model) if len(saved) > len(model) else (model, saved)
            if longer == shorter or (shorter and not longer.endswith("." + shorter)):
                continue
            prefix = longer.removesuffix(shorter) if shorter else longer + "."
            outer, inner = (unexpected, missing) if longer == saved else (missing, unexpected)
            if {prefix + key for key in inner if parse_key(key)} <= outer:
                key = min(key for key in missing if parse_key(key))
                return _unwrap(key, prefix) if longer == saved else _wrap(key, prefix)
    return None


def _unwrap(key: str, prefix: str) -> Problem:
    fix = f"state = {{k.removeprefix({prefix!r}): v for k, v in state.items()}}"
    if prefix == "module.":
        return _problem(key, "The checkpoint was saved from DataParallel: its names begin with module.", fix=fix)
    return _problem(key, f"The checkpoint has the same weights under other names: they begin with {prefix}", fix=fix)


def _wrap(key: str, prefix: str) -> Problem:
    if prefix == "module.":
        message = "The model is wrapped in DataParallel, and the checkpoint is of a model that was not."
        return _problem(key, message, fix="model.module.load_state_dict(state)")
    message = f"The checkpoint has the same weights under other names: without {prefix}"
    return _problem(key, message, fix=f"state = {{{prefix!r} + k: v for k, v in state.items()}}")


# --- modules that one side lacks -------------------------------------------------------------------------------------


def _absent(report: LoadReport, gone: dict[str, ModuleReport], new: dict[str, ModuleReport]) -> list[Problem]:
    """RNNs that only one side has: renamed, of another model, or kept one level deeper."""
    if not gone and not new:
        return []
    if len(gone) == len(new) == 1:
        return [_renamed(*next(iter(gone.items())), *next(iter(new.items())))]
    absent = gone.keys() | new.keys()
    key = min(key for key in report.missing | report.unexpected if (parsed := parse_key(key)) and parsed[0] in absent)
    if not new:
        names = ", ".join(_called(name) for name in list(gone)[:MOST_PROBLEMS])
        wrapper = next((name for name in _WRAPPED if name in report.unexpected), None)
        if (wrapper or report.unexpected & _BESIDE) and not any("." in name for name in report.unexpected):
            message = (
                f"The checkpoint has no weights at its top, but {_listed(report.unexpected)}: the whole dict was passed, and "
                "the state dict is an item of it."
            )
            fix = None if wrapper is None else f"model.load_state_dict(state[{wrapper!r}])"
            return [_problem(key, message, fix=fix, advice=None if fix else "Print state.keys(), and pass that item.")]
        if report.unexpected and not any(parse_key(name) for name in report.unexpected):
            message = (
                f"The checkpoint has no weights of {names}, and none of the names that only it has is an RNN's "
                f"({_listed(report.unexpected)}). It may be another model's file."
            )
            return [_problem(key, message, advice="Check the path, or build the model that the checkpoint was made of.")]
        message = f"The checkpoint has no weights of {names}."
        advice = "Check the path. strict=False loads the rest, and these weights stay as they are."
        return [_problem(key, message, fix="model.load_state_dict(state, strict=False)", advice=advice)]
    if not gone:
        names = ", ".join(_called(name) for name in list(new)[:MOST_PROBLEMS])
        message = f"The model has no {names}, and the checkpoint has."
        advice = "Add it to the model. strict=False loads the rest without it."
        return [_problem(key, message, fix="model.load_state_dict(state, strict=False)", advice=advice)]
    message = (
        f"The RNNs have other names: {_listed(map(_called, gone))} in the model, and {_listed(map(_called, new))} in the "
        "checkpoint."
    )
    advice = "Name the modules as in the checkpoint, or rename its keys."
    return [_problem(key, message, fix="print(state.keys())", advice=advice)]


def _renamed(name: str, module: ModuleReport, other: str, saved: ModuleReport) -> Problem:
    """The one RNN of the model, and the one of the checkpoint: another name, class, or number of layers."""
    sides = {"model": module.missing, "checkpoint": saved.unexpected}
    key = min(_key(name, part) for part in module.missing)
    facts = []
    if name != other:
        facts.append(f"its name is {_called(name)} in the model, and {_called(other)} in the checkpoint")
    cells = [any(part.layer is None for part in parts) for parts in sides.values()]
    if cells[0] != cells[1]:
        facts.append(f"{'the model' if cells[0] else 'the checkpoint'} has a single cell, the other side a module with layers")
    else:
        for argument, values in (
            ("num_layers", [1 + max(part.layer or 0 for part in parts) for parts in sides.values()]),
            ("bidirectional", [any(part.reverse for part in parts) for parts in sides.values()]),
            ("bias", [any(part.kind == "bias_ih" for part in parts) for parts in sides.values()]),
        ):
            if values[0] != values[1]:
                facts.append(f"{argument} is {values[0]} in the model, and {values[1]} in the checkpoint")
        projected = [any(part.kind == "weight_hr" for part in parts) for parts in sides.values()]
        if projected[0] != projected[1]:
            facts.append(f"{'the model' if projected[0] else 'the checkpoint'} has projections, and the other side has none")
    message = (
        f"The RNN is another one: {'; '.join(facts)}. The message has no sizes of it, so the class and sizes may differ too."
    )
    if facts[1:] or name == other:
        return _problem(key, message, advice="Build the RNN as in the checkpoint, under the same name.")
    before, after = (each + "." if each else "" for each in (other, name))
    fix = f"state = {{{after!r} + k.removeprefix({before!r}) if k.startswith({before!r}) else k: v for k, v in state.items()}}"
    return _problem(key, message, fix=fix, advice="This renames the weights. Or give the module the checkpoint's name.")


def _called(name: str) -> str:
    return name or "the RNN"


def _key(name: str, part: Part) -> str:
    tail = "" if part.layer is None else f"_l{part.layer}"
    return f"{name}{'.' if name else ''}{part.kind}{tail}{'_reverse' if part.reverse else ''}"


def _listed(names: "frozenset[str] | map[str]") -> str:
    """The first names of a set: ``"model", "optimizer" and 3 more``."""
    every = sorted(names)
    shown = ", ".join(f'"{name}"' for name in every[:4])
    return shown if len(every) <= 4 else f"{shown} and {len(every) - 4} more"


# --- modules that differ ---------------------------------------------------------------------------------------------


def _changed(name: str, module: ModuleReport) -> Problem | None:
    """One RNN that both sides have: every argument that differs."""
    part, shapes = next(iter(module.shapes.items()), (None, None))
    if part is None:
        part = min((*module.missing, *module.unexpected), key=lambda each: (each.layer or 0, each.reverse, each.kind))
    key, (saved, model) = _key(name, part), shapes or (None, None)
    differences = module.differences()
    if not differences:
        return _part_of_a_report(key, part, module, saved, model)
    facts = [
        f"{each.argument} is {_said(each.model)} in the model, and {_said(each.saved)} in the checkpoint"
        for each in differences
    ]
    message = f"{name or 'The module'}: {'; '.join(facts)}."
    arguments = [f"{each.argument}={each.saved}" for each in differences if each.argument != "class"]
    fix = "\n".join(arguments)
    if differences[0].argument == "class":
        fix = f"nn.{differences[0].saved}({', '.join(['...', *arguments])})"
    return _problem(key, message, fix=fix, advice=_AS_SAVED, model=model, saved=saved)


def _said(value: int | bool | str) -> str:
    return f"nn.{value}" if isinstance(value, str) else str(value)


def _part_of_a_report(key: str, part: Part, module: ModuleReport, saved: Shape | None, model: Shape | None) -> Problem | None:
    """A single line of a report, which tells less than the whole."""
    if saved is not None and model is not None:
        if part.layer and part.kind == "weight_ih" and saved[1:] != model[1:]:
            widths = f"{model[-1]} features in the model, and {saved[-1]} in the checkpoint"
            message = f"{key}: layer {part.layer} reads {widths}: D*H_out."
            advice = "Build the module with the directions and the hidden_size of the checkpoint."
        else:
            message = f"{key} is {model} in the model, and {saved} in the checkpoint. Its rows are gates times hidden_size."
            advice = (
                "Build the module with the class and the hidden_size of the checkpoint. Paste the whole message to see which."
            )
        return _problem(key, message, advice=advice, model=model, saved=saved)
    has, lacks = ("The model", "the checkpoint") if module.missing else ("The checkpoint", "the model")
    if any(each.kind == "weight_hr" for each in (*module.missing, *module.unexpected)):
        message, advice = (
            f"{has} has projections, and {lacks} has none.",
            "Build the module with the proj_size of the checkpoint.",
        )
    else:
        message = f"{has} has the RNN weight {key}, and {lacks} has no weight of that name. The class or the name differs."
        advice = "Name the module as in the checkpoint, or rename its keys."
    return _problem(key, message, advice=advice)


# --- modules and files of other versions -----------------------------------------------------------------------------

_LOADING: Final = re.compile(r"torch\.load|pickle|serialization\.py|__setstate__|legacy_load|\bload\(", re.IGNORECASE)
# a frame that moves or converts the module: "in _apply"
_APPLY: Final = re.compile(r"\bin _apply\b")
_WEIGHT_DROP: Final = re.compile(r"weight_?drop|_raw\b|_setweights|dropconnect", re.IGNORECASE)


DROPOUT_FIX: Final = 'nn.utils.parametrize.register_parametrization(lstm, "weight_hh_l0", nn.Dropout(0.5))'
DROPOUT_ADVICE: Final = (
    "This is weight dropout for PyTorch 1.9 and later. Or use the version of PyTorch that your WeightDrop was written for."
)


def interpret_attribute(match: Match) -> Interpretation:
    """``'LSTM' object has no attribute 'weight_hh_l0'``: a replaced weight, or a module that another version pickled."""
    attribute = match.slots["attribute"]
    is_weight = attribute.startswith(("weight_", "bias_"))
    near = match.text[: match.text.rfind(match.slots["attribute"]) + 1][-20_000:]
    lost = (
        f"{attribute} was deleted or replaced. Weight dropout does this (WeightDrop keeps {attribute}_raw instead), and "
        "PyTorch 1.4 and later need every weight under its own name when the module moves or is called."
    )
    older = (
        f"A weight was deleted or replaced before {attribute} was made or used. Weight dropout (WeightDrop) does this, and it "
        "depends on the version of PyTorch."
    )
    dropped = match.problem("other", lost if is_weight else older, fix=DROPOUT_FIX, advice=DROPOUT_ADVICE)
    saved = match.problem(
        "checkpoint_mismatch",
        f"The whole module was saved with another version of PyTorch than this one, so it has no {attribute}.",
        fix="torch.save(model.state_dict(), path)",
        advice="Do this in the old version. Then build the module again in this one and load the state dict.",
    )
    own = match.problem(
        "other",
        f"__init__ of a class derived from nn.RNN, nn.LSTM or nn.GRU may not call super().__init__(), which makes {attribute}.",
        fix="super().__init__(input_size, hidden_size)",
    )
    if _WEIGHT_DROP.search(near):
        return match.likely(dropped)
    if _LOADING.search(near):
        return match.likely(saved)
    first, second = (dropped, saved) if is_weight and _APPLY.search(near) else (saved, dropped)
    return match.likely(first, _if(second), _if(own))


def _if(problem: Problem) -> Problem:
    """The same as an alternative, which says when it holds."""
    conditions = {
        "other": "If weights are deleted or replaced, as weight dropout does: ",
        "checkpoint_mismatch": "If the module came out of torch.load: ",
    }
    condition = "If the class is your own: " if "super()" in problem.message else conditions[problem.cause]
    return replace(problem, message=condition + problem.message[:1].lower() + problem.message[1:])


CHECKPOINT_MESSAGES: Final = (
    MessageRow(
        wordings=(
            "size mismatch for <key:weight>: copying a param",
            "While copying the parameter named <key:weight>, whose dimensions in the model are",
            "unexpected key <key:weight> in state_dict",
        ),
        tensor="weight_ih_l0",
        explanation="load_state_dict compared the names and shapes in the checkpoint with those of the module.",
        interpret=interpret_checkpoint,
    ),
    MessageRow(
        wordings=("Missing key(s) in state_dict:", "Unexpected key(s) in state_dict:", "missing keys in state_dict:"),
        tensor="weight_ih_l0",
        explanation="load_state_dict compared the names and shapes in the checkpoint with those of the module.",
        interpret=interpret_checkpoint,
        claim=NAMES_RNN,
    ),
    MessageRow(
        wordings=("'<kind:class>' object has no attribute '<attribute:member>'",),
        tensor="module",
        explanation="PyTorch's RNN code needs an attribute that this module has lost, or never had.",
        interpret=interpret_attribute,
    ),
    # Of a module, and of a class of one's own: "GLOBAL __main__.Net was not an allowed global by default".
    MessageRow(
        wordings=(
            "Weights only load failed",
            "Unsupported global: GLOBAL torch.nn.modules.rnn.",
            "Unsupported class torch.nn.modules.rnn.",
        ),
        tensor="module",
        explanation="torch.load reads plain tensors only (weights_only=True, the default since PyTorch 2.6), and this file has "
        "other objects.",
        causes=(
            LikelyCause(
                "checkpoint_mismatch",
                "The whole module was saved, or other objects beside its state dict.",
                "state = torch.load(path, weights_only=False)",
                "This can run code of the file: do it only if you trust the file, and save model.state_dict() from then on. "
                "`rnndims weights FILE` shows the RNNs in it without running anything.",
            ),
        ),
    ),
)
