"""A state that is carried into the next training step with its graph, and other graphs of RNNs that are used twice.

PyTorch complains in ``backward``, far from the line that is wrong. A recorder sees the state when it is passed; without one,
the source of the loop tells which variable goes around in it.
"""

import ast
import linecache
import re
from collections.abc import Iterator
from types import CodeType, TracebackType
from typing import Any

from ..diagnose import Problem
from ..errors import shorten
from ..live.kept_state import KeptState, detached, flat_tensors, leaves, own_values
from ..live.trace_report import TracedProblem
from ..live.user_code import place
from .user_line import UserLine, recurrent_parts, user_lines, values_of

_SECOND_TIME, _IN_PLACE = "backward through the graph a second time", "modified by an inplace operation"
"""What PyTorch says where a graph is used again that it has already gone through, or whose numbers have changed."""

# the shape and the origin in: [torch.FloatTensor [16, 4]], which is output 0 of AsStridedBackward0, is at version 2
_CHANGED = re.compile(r"Tensor \[([\d, ]*)\]\](?:, which is output \d+ of (\w+))?")

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
            root = next(flat_tensors(given), None)
            break
    if root is None or root.grad_fn is None:
        return {}
    beginnings = {id(variable) for variable in leaves(root.grad_fn)}
    found = {}
    for line in lines:
        for name, value in {**values_of(line.frame), **own_values(line.frame)}.items():
            for part in recurrent_parts(value):
                module = value.get_submodule(part)
                if any(id(parameter) in beginnings for parameter in module.parameters()):
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
    if not any(id(variable) in weights for variable in leaves(getattr(copied, "grad_fn"))):  # noqa: B009
        return None
    call = line.call_of("deepcopy")
    name = ast.unparse(call.args[0]) if call is not None and call.args else ""
    value = values.get(name)
    kept = {name: value}
    if recurrent_parts(value):
        kept = {f"{name}.{key}": each for key, each in vars(value).items()}
    found = next(((key, fix) for key, each in kept.items() if (fix := detached(key, each, {id(copied)}))), None)
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
    values = own_values(line.frame)
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
                fix = detached(joined, values[joined], {id(each) for each in flat_tensors(values[joined])}) or fix
            yield KeptState(ast.unparse(call.func), place(code, call.lineno), ast.unparse(call), joined, fix, is_own=True)


def _has_graph(value: Any) -> bool:
    return any(tensor.grad_fn is not None for tensor in flat_tensors(value))


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
