"""``load_state_dict`` and ``torch.load``: both the model and what was to be loaded are there, so what differs is known."""

import ast
import re
import sys
from collections.abc import Mapping
from dataclasses import fields, replace
from types import TracebackType
from typing import Any

from ..checkpoint import Budget, Checkpoint, FileContent, FileTensor, find_modules, read_checkpoint
from ..config import RNNConfig
from ..constructor import format_constructor
from ..diagnose import Problem
from ..errors import RnndimsError, shorten
from ..live.trace_report import TracedProblem
from ..shapes import Shape
from .user_line import UserLine, argument, postfix, recurrent_parts, replaced, user_lines

_MOST_NAMES = 4
"""Names that are listed of a kind."""


def explain_loading(error: BaseException, entries: list[TracebackType], _recorder: object = None) -> TracedProblem | None:
    """Why a state dict could not be loaded into a model with RNNs, or a file with RNNs in it not be read; else ``None``."""
    for entry in reversed(entries):
        frame = entry.tb_frame
        is_torchs = frame.f_globals.get("__name__", "").startswith("torch.")
        line = next(user_lines(entries), None)
        if line is None or not is_torchs:
            continue
        if frame.f_code.co_name == "load_state_dict" and "state_dict" in frame.f_locals:
            model = frame.f_locals.get("self")
            if recurrent_parts(model):
                problem = _Loading(model, frame.f_locals["state_dict"], line, str(error)).explain()
                return None if problem is None else line.explained(problem)
        if frame.f_code.co_name == "load" and "pickle_load_args" in frame.f_locals:
            return _file(error, frame.f_locals.get("f"), line)
    return None


class _Loading:
    """A state dict that does not fit its model.

    Args:
        model: the model.
        state: what was to be loaded into it.
        line: the line of the user's that loads it.
        message: what PyTorch says.
    """

    def __init__(self, model: Any, state: Any, line: UserLine, message: str) -> None:
        self.state, self.message = state, message
        self.line = line
        self.call = line.call_of("load_state_dict")
        self.node = argument(self.call, 0, "state_dict")
        self.owner = ast.unparse(self.call.func).rpartition(".")[0] if self.call is not None else "model"
        self.here = recurrent_parts(model)
        tensors = [*model.named_parameters(), *model.named_buffers()]
        self.model = {name: tuple(tensor.shape) for name, tensor in tensors}

    def explain(self) -> Problem | None:
        """What differs; ``None`` if it is not in an RNN."""
        if not isinstance(self.state, Mapping):
            return self.no_dict()
        saved = _shapes(self.state)
        if not any(_is_rnn(name, self.here) and saved.get(name) != shape for name, shape in self.model.items()):
            return self.only_there(saved)
        return self.wrapped() or self.prefixed(saved) or self.other_modules(saved)

    def problem(self, message: str, *, fix: str | None = None, advice: str | None = None, **more: Any) -> Problem:
        """A problem of the checkpoint."""
        return Problem(
            tensor=more.pop("tensor", None) or self.first_name(),
            cause="checkpoint_mismatch",
            message=message,
            torch=shorten(self.message.strip(), 200),
            fix=fix,
            advice=advice,
            **more,
        )

    def first_name(self) -> str:
        """A parameter of the first RNN of the model."""
        name = next(iter(self.here))
        return f"{name}.weight_ih_l0".lstrip(".") if not self.here[name].is_cell else f"{name}.weight_ih".lstrip(".")

    def with_state(self, code: str) -> str | None:
        """The call with another state dict; ``{}`` in the code is the one that was passed."""
        if self.call is None or self.node is None:
            return None
        return replaced(self.call, self.node, code.format(postfix(self.node, "")))

    def no_dict(self) -> Problem:
        """A model, or the name of a file, in the place of a state dict."""
        got = ast.unparse(self.node) if self.node is not None else "what was passed"
        kind, advice = type(self.state).__name__, None
        if hasattr(self.state, "state_dict"):
            message, fix = f"{got} is a whole model ({kind}), not a state dict.", self.with_state("{}.state_dict()")
        elif isinstance(self.state, str) or hasattr(self.state, "__fspath__"):
            message, fix = f"{got} is the name of a file, not a state dict.", self.with_state("torch.load({})")
        else:
            message, fix = f"{got} is a {kind}, not a state dict.", None
            advice = "Pass what model.state_dict() returned when it was saved."
        return self.problem(message, fix=fix, advice=advice)

    def wrapped(self) -> Problem | None:
        """A dict of which one item is the state dict."""
        wanted = {name for name in self.model if _is_rnn(name, self.here)}
        for key, value in self.state.items():
            if isinstance(value, Mapping) and wanted & set(value):
                others = ", ".join(repr(other) for other in list(self.state)[:_MOST_NAMES] if other != key)
                beside = f" beside {others}" if others else ""
                fix = self.with_state(f"{{}}[{key!r}]")
                return self.problem(f"The state dict is the item {key!r} of what was passed{beside}.", fix=fix)
        return None

    def prefixed(self, saved: dict[str, Shape]) -> Problem | None:
        """The same names, but for what stands before all of them on one side."""
        wanted = [name for name in self.model if _is_rnn(name, self.here)]
        for outer, inner, in_file in ((saved, wanted, True), (self.model, [*saved], False)):
            short = next((name for name in inner if ".weight_ih" in f".{name}"), None)
            for name in outer if short is not None else ():
                prefix = name.removesuffix(str(short))
                if prefix in ("", name) or not prefix.endswith("."):
                    continue
                pairs = [(name, prefix + name) if in_file else (prefix + name, name) for name in inner]
                if all(there in saved and saved[there] == self.model.get(here) for here, there in pairs):
                    return self.renamed(prefix, in_file=in_file)
        return None

    def renamed(self, prefix: str, *, in_file: bool) -> Problem:
        """The names of one side begin with ``prefix``, and those of the other do not."""
        if in_file:
            why = {"module.": " It was saved from nn.DataParallel.", "_orig_mod.": " It was saved from torch.compile."}
            message = f"The names begin with {prefix!r} in the state dict, and not in the model.{why.get(prefix, '')}"
            only = "" if all(str(name).startswith(prefix) for name in self.state) else f" if k.startswith({prefix!r})"
            code = f"{{{{k.removeprefix({prefix!r}): v for k, v in {{}}.items(){only}}}}}"
            return self.problem(message, fix=self.with_state(code))
        message = f"The names begin with {prefix!r} in the model, and not in the state dict: it is that of a part of the model."
        part = "".join(f"[{name}]" if name.isdigit() else f".{name}" for name in prefix.split(".")[:-1])
        fix = None if self.node is None else f"{self.owner}{part}.load_state_dict({ast.unparse(self.node)})"
        return self.problem(message, fix=fix)

    def other_modules(self, saved: dict[str, Shape]) -> Problem | None:
        """RNNs that were built in another way, or have other names."""
        found = _recognised(self.state)
        there = {module.key.rstrip("."): module.config for module in found.modules}
        differing = {
            name: (config, _as_saved(there[name], config))
            for name, config in self.here.items()
            if name in there and _as_saved(there[name], config) != config
        }
        if differing:
            return self.differing(differing, saved)
        lost = [name for name in self.here if name not in there]
        unused = [name for name in there if name not in self.here]
        if len(lost) == len(unused) == 1 and _as_saved(there[unused[0]], self.here[lost[0]]) == self.here[lost[0]]:
            new, old = (f"{name}." if name else "" for name in (lost[0], unused[0]))
            message = f"The RNN is called {_called(lost[0])} in the model, and {_called(unused[0])} in the state dict."
            code = f"{{{{{new!r} + k[{len(old)}:] if k.startswith({old!r}) else k: v for k, v in {{}}.items()}}}}"
            return self.problem(message, fix=self.with_state(code), tensor=self.a_name(lost[0]))
        lacking = [name for name in self.model if name not in saved and name.rpartition(".")[0] in lost]
        if any(_recognised_name(name) and name.rpartition(".")[0] in lost for name in saved):
            message = f"The state dict lacks {', '.join(lacking[:_MOST_NAMES])}, and has other weights of the same RNN."
            return self.problem(
                message, advice="Save model.state_dict() anew, without leaving any of it out.", tensor=lacking[0]
            )
        if lost:
            names = ", ".join(map(_called, lost[:_MOST_NAMES]))
            has = ", ".join(f"{_called(name)} ({format_constructor(there[name])})" for name in unused[:_MOST_NAMES])
            message = f"The state dict has no weights of {names}. " + (f"It has {has}." if has else "It has no RNN.")
            advice = "Load another file, or build the model as it was saved."
            return self.problem(message, advice=advice, tensor=self.a_name(lost[0]))
        return None

    def a_name(self, module: str) -> str:
        """A parameter of the model's RNN of this name."""
        kind = "weight_ih" if self.here[module].is_cell else "weight_ih_l0"
        return f"{module}.{kind}" if module else kind

    def differing(self, differing: dict[str, tuple[RNNConfig, RNNConfig]], saved: dict[str, Shape]) -> Problem:
        """RNNs of the same name that were built with other arguments."""
        facts, lines = [], []
        for name, (here, there) in differing.items():
            said = f"{_called(name)} is {format_constructor(here)} in the model, and {format_constructor(there)} in the"
            facts.append(f"{said} state dict: {_difference(here, there)}.")
            target = f"self.{name.rpartition('.')[2]}" if name else self.owner
            lines.append(f"{target} = {format_constructor(there)}")
        name = self.a_name(next(iter(differing)))
        others = [
            each
            for each, shape in self.model.items()
            if not _is_rnn(each, self.here) and each in saved and saved[each] != shape
        ]
        advice = "Or load a file that was saved from this model. The layout (batch_first) and dropout are not in the file."
        if others:
            more = f"{others[0]} is {saved[others[0]]} in the state dict, and {self.model[others[0]]} in the model"
            advice = f"{more}: what is built beside it has to follow. {advice}"
        return self.problem(
            " ".join(facts[:_MOST_NAMES]),
            fix="\n".join(dict.fromkeys(lines)),
            advice=advice,
            tensor=name,
            expected=self.model.get(name),
            got=saved.get(name),
        )

    def only_there(self, saved: dict[str, Shape]) -> Problem | None:
        """RNN weights that only the state dict has: more layers, a second direction, another RNN."""
        new = [name for name in saved if name not in self.model and _recognised_name(name)]
        if not new or "Unexpected key" not in self.message:
            return None
        return self.other_modules(saved) or self.problem(
            f"The state dict has RNN weights that the model has not: {', '.join(new[:_MOST_NAMES])}.",
            advice="Build the model as it was saved. strict=False leaves them out.",
            tensor=new[0],
        )


def _shapes(state: Mapping[Any, Any]) -> dict[str, Shape]:
    return {str(name): tuple(value.shape) for name, value in state.items() if hasattr(value, "shape")}


def _recognised_name(name: str) -> bool:
    return any(kind in name.rpartition(".")[2] for kind in ("weight_ih", "weight_hh", "weight_hr", "bias_ih", "bias_hh"))


def _is_rnn(name: str, modules: Mapping[str, RNNConfig]) -> bool:
    """Whether a parameter of the model belongs to one of its RNNs."""
    return name.rpartition(".")[0] in modules


def _recognised(state: Mapping[Any, Any]) -> Checkpoint:
    """The RNNs in a state dict."""
    tensors = {
        str(name): FileTensor(tuple(value.shape), str(value.dtype).removeprefix("torch."), 0)
        for name, value in state.items()
        if hasattr(value, "shape") and hasattr(value, "dtype")
    }
    try:
        return find_modules(FileContent("state dict", tensors), Budget())
    except RnndimsError:
        return Checkpoint("state dict")


def _as_saved(saved: RNNConfig, model: RNNConfig) -> RNNConfig:
    """The configuration in a file with what no weight shows taken from the model."""
    same_cell = saved.cell == model.cell
    return replace(
        saved,
        batch_first=model.batch_first,
        dropout=model.dropout,
        nonlinearity=model.nonlinearity if same_cell else saved.nonlinearity,
    )


def _difference(here: RNNConfig, there: RNNConfig) -> str:
    """The arguments that differ: ``hidden_size 4 and 5``."""
    said = []
    if here.class_name != there.class_name:
        said.append(f"nn.{here.class_name} and nn.{there.class_name}")
    for each in fields(RNNConfig):
        values = getattr(here, each.name), getattr(there, each.name)
        if each.name not in ("cell", "is_cell", "nonlinearity") and values[0] != values[1]:
            said.append(f"{each.name} {values[0]} and {values[1]}")
    return "; ".join(said)


def _called(name: str) -> str:
    return name or "the RNN"


# "GLOBAL __main__.Net was not an allowed global", "Can't get attribute 'Net' on <module '__main__'"
_GLOBAL = re.compile(r"GLOBAL (?P<module>[\w.]+)\.(?P<name>\w+) was not|get attribute '(?P<lost>\w+)' on")


def _file(error: BaseException, path: Any, line: UserLine) -> TracedProblem | None:
    """A file that is more than tensors, which ``torch.load`` refuses, if RNNs are in it."""
    message = str(error)
    found = _GLOBAL.search(message)
    if found is None:
        return None
    rnns = _rnns_in(path)
    if not rnns and not _has_rnns(found["module"], found["name"]):
        return None
    if found["lost"]:
        said = f"The file holds a whole model, whose class {found['lost']} is not where it was when the model was saved."
        advice = (
            f"Define or import {found['lost']} before torch.load. Better save model.state_dict(), and load that into a model."
        )
    else:
        said = f"The file holds an object of class {found['name']}, and torch.load reads nothing but tensors (weights_only)."
        advice = (
            "Save model.state_dict() instead, and load that into a model. torch.load(..., weights_only=False) reads this file, "
            "and runs whatever code it names: do that only if you trust who made it."
        )
    problem = Problem(
        tensor="module",
        cause="checkpoint_mismatch",
        message=said + (f" Its RNNs are {rnns}." if rnns else ""),
        torch=found[0],
        advice=advice,
    )
    return line.explained(problem)


def _rnns_in(path: Any) -> str:
    """The RNNs of a file that can be read without running anything."""
    try:
        modules = read_checkpoint(path).modules
    except (RnndimsError, TypeError):  # a whole model; an open file
        return ""
    return ", ".join(f"{_called(module.name)} ({format_constructor(module.config)})" for module in modules[:_MOST_NAMES])


def _has_rnns(module: str | None, name: str | None) -> bool:
    """Whether a class is an RNN of PyTorch's, or the source of the user's class names one."""
    if module is None or name is None or module.startswith("torch."):
        return module == "torch.nn.modules.rnn"
    import inspect

    try:
        source = inspect.getsource(getattr(sys.modules[module], name))
    except (KeyError, AttributeError, TypeError, OSError):
        return False
    return bool(re.search(r"\bnn\.(?:RNN|LSTM|GRU)(?:Cell)?\(", source))
