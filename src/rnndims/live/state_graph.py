"""A state that is carried into the next training step with its graph, and other graphs of RNNs that are used twice.

PyTorch complains in ``backward``, far from the line that is wrong. A recorder sees the state when it is passed; without one,
the source of the loop tells which variable goes around in it.
"""

import ast
import linecache
import re
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from types import CodeType, FrameType, TracebackType
from typing import Any

from ..diagnose import Problem
from ..errors import shorten
from .trace_report import TracedProblem
from .user_code import code_at, is_users, library_folders, place
from .user_line import UserLine, recurrent_parts, user_lines, values_of

_SECOND_TIME, _IN_PLACE = "backward through the graph a second time", "modified by an inplace operation"
"""What PyTorch says where a graph is used again that it has already gone through, or whose numbers have changed."""

# the shape and the origin in: [torch.FloatTensor [16, 4]], which is output 0 of AsStridedBackward0, is at version 2
_CHANGED = re.compile(r"Tensor \[([\d, ]*)\]\](?:, which is output \d+ of (\w+))?")

_MOST_NODES = 5000
"""Nodes of a graph that are looked at."""

_MOST_FRAMES = 30
"""Frames around a call in which its state is looked for."""


@dataclass(frozen=True, slots=True)
class KeptState:
    """A state whose graph was used up when it was passed to an RNN.

    Attributes:
        module: the RNN, as the report calls it.
        at: file and line that pass the state.
        code: the code there.
        name: the user's variable for it, ``"state"`` or ``"self.hidden"``; ``""`` if it is not found.
        fix: code that detaches it.
        is_own: whether an earlier call of the same RNN made it.
    """

    module: str
    at: str
    code: str
    name: str
    fix: str | None
    is_own: bool


# --- while the program runs ------------------------------------------------------------------------------------------

_saved_names: dict[str, tuple[str, ...]] = {}
"""By the name of a kind of node, its attributes that hold tensors."""


def kept_state(module: Any, called: str, state: Any, frame: FrameType, calls: int) -> KeptState | None:
    """What is known of a state that is passed after its graph was used up; ``None`` if it was not.

    Args:
        module: the RNN.
        called: its name in the report.
        state: the state: a tensor, or the tuple of two.
        frame: the user's frame that makes the call.
        calls: how many calls there were from this place: later ones are looked at less closely, which costs less.
    """
    if not sys.modules["torch"].is_grad_enabled():
        return None  # nothing will go back through this call
    tensors = [tensor for tensor in _flat(state) if tensor.grad_fn is not None]
    most = 60 if calls <= 20 else 12
    if not any(_is_used_up(tensor.grad_fn, most) for tensor in tensors):
        return None
    weights = {id(parameter) for parameter in module.parameters()}
    is_own = any(id(variable) in weights for tensor in tensors for variable in _leaves(tensor.grad_fn))
    name, fix, where = _variable(state, frame)
    at, code = place(where.f_code, where.f_lineno), code_at(where.f_code, where.f_lasti, where.f_lineno)
    return KeptState(called, at, code, name, fix if is_own else None, is_own)


def _is_used_up(node: Any, most: int) -> bool:
    """Whether backward has gone through one of the ``most`` nearest nodes of a graph, or what they keep has changed since."""
    todo, looked = [node], 0
    while todo and looked < most:
        node, looked = todo.pop(0), looked + 1
        kind = type(node).__name__
        if kind not in _saved_names:
            _saved_names[kind] = tuple(name for name in dir(node) if name.startswith("_raw_saved_"))
        for name in _saved_names[kind]:
            try:
                raw = getattr(node, name)
                for each in raw if isinstance(raw, (tuple, list)) else (raw,):
                    if getattr(each, "unpack_hook", each) is not None:
                        return False  # reading it could run code: a checkpointed forward pass
                getattr(node, name.removeprefix("_raw"))
            except RuntimeError:
                return True
        todo += [following for following, _ in node.next_functions if following is not None]
    return False


def _leaves(node: Any) -> Iterator[Any]:
    """The tensors that a graph begins with."""
    todo, seen = [node], set[Any]()
    while todo and len(seen) < _MOST_NODES:
        node = todo.pop()
        if node in seen:
            continue
        seen.add(node)
        variable = getattr(node, "variable", None)
        if variable is not None:
            yield variable
        todo += [following for following, _ in node.next_functions if following is not None]


def _variable(state: Any, frame: FrameType) -> tuple[str, str | None, FrameType]:
    """The user's name for a state, the code that detaches it, and the outermost frame that has it."""
    libraries = library_folders()
    found: tuple[str, str | None, FrameType] = ("", None, frame)
    tensors = {id(tensor) for tensor in _flat(state)}
    at: FrameType | None = frame
    for _ in range(_MOST_FRAMES):
        if at is None:
            break
        if is_users(at, libraries):
            names = {name: fix for name, value in _own_values(at).items() if (fix := _detached(name, value, tensors))}
            if names:
                whole = next((name for name in names if len(list(_flat(_own_values(at)[name]))) >= len(tensors)), None)
                if whole is not None:
                    found = (whole, names[whole], at)
                else:
                    joined = ", ".join(names)
                    found = (joined, f"{joined} = {', '.join(f'{name}.detach()' for name in names)}", at)
        at = at.f_back
    return found


def _own_values(frame: FrameType) -> dict[str, Any]:
    """The variables of a function, and the attributes of the object whose method it is."""
    values = dict(frame.f_locals)
    first = frame.f_code.co_varnames[0] if frame.f_code.co_argcount else ""
    owner = values.get(first)
    for name, value in getattr(owner, "__dict__", {}).items():
        values[f"{first}.{name}"] = value
    return values


def _flat(value: Any) -> Iterator[Any]:
    """The tensors in a state, or in a list of states."""
    if isinstance(value, (tuple, list)) and len(value) <= 1000:
        for item in value:
            yield from _flat(item)
    elif hasattr(value, "grad_fn"):
        yield value


def _detached(name: str, value: Any, wanted: set[int]) -> str | None:
    """Code that detaches what a variable holds, if that is one of the tensors that are wanted."""
    if not any(id(tensor) in wanted for tensor in _flat(value)):
        return None
    if hasattr(value, "grad_fn"):
        return f"{name} = {name}.detach()"
    if all(hasattr(item, "grad_fn") for item in value):
        made = f"[s.detach() for s in {name}]" if isinstance(value, list) else f"tuple(s.detach() for s in {name})"
        return f"{name} = {made}"
    return f"{name} = [tuple(s.detach() for s in state) for state in {name}]"


# --- when it has failed ----------------------------------------------------------------------------------------------


def explain_graph(error: BaseException, entries: list[TracebackType], recorder: Any = None) -> TracedProblem | None:
    """Why ``backward`` failed, if it went through a call of an RNN; else ``None``.

    Args:
        error: the exception.
        entries: its traceback.
        recorder: the ``Recorder`` of the program, if it is watched.
    """
    message = str(error)
    lines = list(user_lines(entries))
    if not lines or not (_SECOND_TIME in message or _IN_PLACE in message):
        return None
    kept = None if recorder is None else recorder.kept
    if kept is not None:
        return TracedProblem(kept.at, kept.code, kept.module, _kept_problem(kept, message, certain=True))
    modules = _modules_in_graph(entries, lines)
    if not modules:
        return None
    kept = next((found for line in lines for found in _carried(line)), None)
    if kept is not None:
        return TracedProblem(kept.at, kept.code, kept.module, _kept_problem(kept, message, certain=False))
    problem = _twice(modules, message) if _SECOND_TIME in message else _changed(modules, message)
    return None if problem is None else lines[0].explained(problem)


def _kept_problem(kept: KeptState, message: str, *, certain: bool) -> Problem:
    name = kept.name or "The state"
    if kept.is_own:
        said = f"{name}, the state that is passed to {kept.module or 'the RNN'}, still belongs to the graph of an earlier "
        said += "training step, whose backward pass is over. Detach it between two training steps."
        if kept.name.startswith("self."):
            advice = "Put it below this call. If a training step makes several calls: below backward()."
        else:
            advice = "Put it below backward(): once for each training step, not between the steps of one sequence."
    else:
        said = f"{name}, the state that is passed to {kept.module or 'the RNN'}, was computed once, and the graph that made it "
        said += "has been used up by an earlier training step."
        advice = "Compute it anew in each training step."
    return Problem(
        tensor="h_0",
        cause="state_graph",
        message=said,
        torch=shorten(message.strip(), 200),
        fix=kept.fix,
        advice=advice,
        certain=certain,
    )


def _modules_in_graph(entries: list[TracebackType], lines: list[UserLine]) -> dict[str, Any]:
    """The RNNs whose weights are in the graph of the tensor whose ``backward`` failed, by the user's name for their model."""
    root = None
    for entry in entries:
        names = entry.tb_frame.f_locals
        if entry.tb_frame.f_code.co_name in ("backward", "grad") and not any(entry.tb_frame is line.frame for line in lines):
            given = names.get("self", names.get("tensors", names.get("outputs")))
            root = next(_flat(given), None)
            break
    if root is None or root.grad_fn is None:
        return {}
    leaves = {id(variable) for variable in _leaves(root.grad_fn)}
    found = {}
    for line in lines:
        for name, value in {**values_of(line.frame), **_own_values(line.frame)}.items():
            for part in recurrent_parts(value):
                module = value.get_submodule(part)
                if any(id(parameter) in leaves for parameter in module.parameters()):
                    found[f"{name}.{part}" if part else name] = module
    return found


def _twice(modules: dict[str, Any], message: str) -> Problem:
    name = next(iter(modules))
    return Problem(
        tensor="output",
        cause="state_graph",
        message=f"This backward pass goes through a call of {name} that an earlier backward pass has gone through.",
        torch=shorten(message.strip(), 200),
        advice="Add losses of the same call, and call backward once. A state that is carried into the next training step needs "
        "state.detach(). retain_graph=True is for two backward passes of one step alone.",
        certain=False,
    )


def _changed(modules: dict[str, Any], message: str) -> Problem | None:
    """Numbers that were changed between the call and its backward pass: weights, or the output."""
    found = _CHANGED.search(message)
    if found is None:
        return None
    shape, origin = [int(size) for size in found[1].split(",") if size.strip()], found[2] or ""
    for name, module in modules.items():
        weights = [list(parameter.shape) for parameter in module.parameters()]
        if "Rnn" in origin:
            said, fix = f"The output of {name} was changed in place after the call.", "output = output.clone()"
            advice = "Do this before the line that changes it."
        elif shape in weights or shape[::-1] in weights:
            said, fix = (
                f"The weights of {name} were changed between a call and its backward pass, as optimizer.step() does.",
                None,
            )
            advice = "Call backward for all losses before optimizer.step(), and detach a state that is carried on."
        else:
            continue
        return Problem(
            tensor="output" if "Rnn" in origin else "h_0",
            cause="state_graph",
            message=said,
            torch=shorten(message.strip(), 200),
            fix=fix,
            advice=advice,
            certain=False,
        )
    return None


def explain_copy(error: BaseException, entries: list[TracebackType], _recorder: object = None) -> TracedProblem | None:
    """``copy.deepcopy`` of a state with its graph, or of a model that keeps one; ``None`` if it is no RNN's."""
    copied = next((e.tb_frame.f_locals.get("self") for e in entries if e.tb_frame.f_code.co_name == "__deepcopy__"), None)
    line = next(user_lines(entries), None)
    if line is None or "support the deepcopy protocol" not in str(error) or getattr(copied, "grad_fn", None) is None:
        return None
    values = values_of(line.frame)
    weights = {id(weight) for value in values.values() if recurrent_parts(value) for weight in value.parameters()}
    if not any(id(variable) in weights for variable in _leaves(getattr(copied, "grad_fn"))):  # noqa: B009
        return None
    call = line.call_of("deepcopy")
    name = ast.unparse(call.args[0]) if call is not None and call.args else ""
    value = values.get(name)
    kept = {name: value}
    if recurrent_parts(value):
        kept = {f"{name}.{key}": each for key, each in vars(value).items()}
    found = next(((key, fix) for key, each in kept.items() if (fix := _detached(key, each, {id(copied)}))), None)
    if found is None:
        return None
    problem = Problem(
        tensor="h_n",
        cause="state_graph",
        message=f"{found[0]} is a state with the graph of the call that made it, and only a tensor without one can be copied.",
        torch=shorten(str(error), 200),
        fix=found[1],
        advice="Detach it before the copy.",
    )
    return line.explained(problem)


# --- from the source -------------------------------------------------------------------------------------------------


def _carried(line: UserLine) -> Iterator[KeptState]:
    """The variables that go around in the loop of a line, from one call of an RNN into the next, with nothing between."""
    linecache.lazycache(line.frame.f_code.co_filename, line.frame.f_globals)
    tree = _source(line.frame.f_code.co_filename)
    number = int(line.at.rpartition(":")[2])
    loops = [
        node
        for node in ast.walk(tree)
        if isinstance(node, (ast.For, ast.While)) and node.lineno <= number <= (node.end_lineno or 0)
    ]
    if not loops:
        return
    loop = min(loops, key=lambda node: node.lineno)
    values = _own_values(line.frame)
    yield from _in_statements(loop, values, line.frame.f_code, values_of(line.frame))
    for name, value in values_of(line.frame).items():
        if recurrent_parts(value):
            yield from _in_methods(name, value, loop)


def _in_statements(scope: ast.AST, values: dict[str, Any], code: CodeType, known: dict[str, Any]) -> Iterator[KeptState]:
    assigned = [node for node in ast.walk(scope) if isinstance(node, ast.Assign)]
    for statement in assigned:
        targets = {ast.unparse(node) for target in statement.targets for node in ast.walk(target) if _is_name(node)}
        for call in (node for node in ast.walk(statement.value) if isinstance(node, ast.Call)):
            given = [*call.args, *(keyword.value for keyword in call.keywords)]
            passed = [ast.unparse(node) for argument in given for node in _names(argument)]
            around = [name for name in passed if name in targets and _has_graph(values.get(name))]
            if not around or not _calls_rnn(call, known):
                continue
            others = [other for other in assigned if other is not statement and _assigns(other, around)]
            cleared = any(f"{name}.detach_()" in ast.unparse(scope) for name in around)
            if others or cleared:
                continue
            joined = ", ".join(around)
            fix = f"{joined} = {', '.join(f'{name}.detach()' for name in around)}"
            if len(around) == 1:
                fix = _detached(joined, values[joined], {id(each) for each in _flat(values[joined])}) or fix
            yield KeptState(ast.unparse(call.func), place(code, call.lineno), ast.unparse(call), joined, fix, is_own=True)


def _has_graph(value: Any) -> bool:
    return any(tensor.grad_fn is not None for tensor in _flat(value))


def _in_methods(name: str, model: Any, loop: ast.AST) -> Iterator[KeptState]:
    """A state that a model keeps in an attribute of its own: ``self.hidden``."""
    kept = [key for key, value in vars(model).items() if _has_graph(value)]
    code = getattr(type(model).forward, "__code__", None)
    around = ast.unparse(loop)
    if code is None or not kept or any(f"{name}.{key} =" in around or f"{name}.init" in around for key in kept):
        return
    owner = code.co_varnames[0] if code.co_argcount else "self"
    functions = [node for node in ast.walk(_source(code.co_filename)) if getattr(node, "lineno", 0) == code.co_firstlineno]
    for function in (node for node in functions if isinstance(node, ast.FunctionDef)):
        yield from _in_statements(function, {f"{owner}.{key}": vars(model)[key] for key in kept}, code, {owner: model})


def _source(file: str) -> ast.AST:
    """A parsed file; empty if there is none."""
    try:
        return ast.parse("".join(linecache.getlines(file)))
    except (SyntaxError, ValueError, RecursionError, MemoryError):
        return ast.Module([], [])


def _is_name(node: ast.AST) -> bool:
    return isinstance(node, (ast.Name, ast.Attribute, ast.Subscript))


def _names(node: ast.expr) -> list[ast.expr]:
    """A variable, or those of a tuple of them."""
    return [*node.elts] if isinstance(node, (ast.Tuple, ast.List)) else [node]


def _assigns(statement: ast.Assign, names: list[str]) -> bool:
    return any(ast.unparse(node) in names for target in statement.targets for node in ast.walk(target))


def _calls_rnn(call: ast.Call, known: dict[str, Any]) -> bool:
    """Whether a call is one of a model with RNNs, or of a method of it."""
    node: ast.AST = call.func
    path = []
    while isinstance(node, ast.Attribute):
        path.append(node.attr)
        node = node.value
    value = known.get(node.id) if isinstance(node, ast.Name) else None
    for name in [None, *reversed(path)]:
        if name is not None:
            value = (getattr(value, "_modules", None) or {}).get(name, getattr(value, "__dict__", {}).get(name))
        if recurrent_parts(value):
            return True
    return False
