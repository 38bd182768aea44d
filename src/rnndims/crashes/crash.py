"""Why the program ended: an exception explained by the values that the frames of its traceback still hold.

A call that a recurrent module refused is checked again by its real shapes, in the same way as ``rnndims check`` does; the code
of the fix then has the names of the user's own variables. Any other exception is looked up in the table of messages, as
``rnndims check --error`` does, if a recurrent module was being called.
"""

import ast
import sys
import traceback as tracebacks
from collections.abc import Callable
from dataclasses import replace
from types import TracebackType
from typing import Any

from ..config import RNNConfig
from ..diagnose import Call, Diagnosis, Problem, UnknownMessageError, check_shapes, diagnose_error
from ..diagnose.state_shapes import of_one_direction
from ..errors import RnndimsError
from ..live.follower import Follower
from ..live.recorder import Recorder, packed_lengths
from ..live.trace_report import TracedProblem
from ..live.user_code import (
    failing_code,
    find_call,
    is_users,
    library_folders,
    place,
    renamed,
    running_loop,
    running_statement,
    traceback_frames,
)
from ..shapes import Shape
from .before_the_call import explain_embedded, explain_joined, explain_packed, explain_step
from .building import explain_building
from .call_arguments import wrong_arguments
from .child_text import explain_child
from .collating import explain_collating
from .loading import explain_loading
from .meetings import explain_embedding, explain_meeting
from .neighbours import explain_neighbour, where_from
from .state_graph import explain_copy, explain_graph
from .user_line import recurrent_config

_CALLERS = ("__call__", "_wrapped_call_impl", "_call_impl")
"""The functions by which PyTorch calls a module's ``forward``: their frames hold the arguments as they were passed."""

_SUBJECTS: tuple[Callable[[BaseException, list[TracebackType], Recorder | None], TracedProblem | None], ...] = (
    explain_building,
    explain_loading,
    explain_graph,
    explain_copy,
    explain_collating,
    explain_embedding,
    explain_child,
)
"""What is looked for beside a failed call, in this order: each knows its exceptions by their words or frames."""


def explain_crash(error: BaseException, recorder: Recorder | None = None) -> TracedProblem | None:
    """What is wrong in the call that raised ``error``; ``None`` if no RNN has to do with it.

    Args:
        error: an exception whose traceback still has its frames.
        recorder: knows the calls so far, and which tensors come from them.
    """
    entries = list(traceback_frames(error.__traceback__))
    for explain in _SUBJECTS:
        explained = explain(error, entries, recorder)
        if explained is not None:
            return explained
    call = _failed_call(entries)
    found = None if call is None else _refused(error, entries, recorder, *call)
    return found or _beside_a_call(error, entries, recorder)


def _refused(
    error: BaseException,
    entries: list[TracebackType],
    recorder: Recorder | None,
    module: Any,
    args: tuple[Any, ...],
    kwargs: dict[str, Any],
    user: TracebackType | None,
) -> TracedProblem | None:
    """What is wrong in the arguments of a call that an RNN refused; ``None`` if they are right."""
    given, state = args[0] if args else kwargs.get("input"), args[1] if len(args) > 1 else kwargs.get("hx")
    if isinstance(given, (tuple, list)) and not hasattr(given, "batch_sizes"):
        taken = _beside_a_call(error, entries, recorder)  # all that another RNN has returned
        if taken is not None:
            return taken
    code, expression = ("", None) if user is None else failing_code(user)
    node = None if user is None else find_call(expression, user.tb_frame, module)
    try:
        config = RNNConfig.from_module(module)
        problem = wrong_arguments(module, config, args, kwargs, node)
        problem = problem or explain_meeting(error, module, config, args, kwargs, node)
        in_users_names = problem is not None
        problem = problem or _problem(error, config, _stated_call(config, module, args, kwargs))
    except (TypeError, RnndimsError):
        return None
    if problem is None:
        return None
    if user is None:
        return TracedProblem("", "", "", problem)
    if node is not None and not in_users_names:
        wrong = {"input": given, "h_0": state, "c_0": state}.get(problem.tensor)
        words, source = where_from(user, entries, node, wrong, sys.modules["torch"], _follower(recorder))
        if source is not None and not source.bidirectional:
            problem = of_one_direction(problem)
        problem = _in_users_names(problem, node, _users_names(node, config, is_pair=isinstance(state, tuple)))
        problem = replace(problem, message=f"{problem.message} {words}".strip(), fix=_with_results(problem.fix, user, node))
        if _is_carried(problem.fix, user):
            problem = replace(problem, advice=f"{problem.advice or ''} Put it before the loop.".strip())
        for better in (explain_embedded, explain_joined, explain_step, explain_packed):
            problem = better(problem, user, entries, node, sys.modules["torch"]) or problem
    name = ast.unparse(node.func) if node is not None else ""
    loop = running_loop(user)
    if isinstance(loop, ast.For) and name in map(ast.unparse, ast.walk(loop.target)) and problem.fix is not None:
        problem = replace(problem, fix=problem.fix.removeprefix(f"{name} = "))  # each round gives it another module
    return TracedProblem(place(user.tb_frame.f_code, user.tb_lineno), code, name, problem)


def _beside_a_call(error: BaseException, entries: list[TracebackType], recorder: Recorder | None) -> TracedProblem | None:
    """What is wrong where no module was being called: in ``backward``, or in an operation that read the results of one."""
    torch = sys.modules.get("torch")
    if torch is None:
        return None
    with torch._C.DisableTorchFunction():  # the tensors may be of a class of the user's, whose code is not run
        return explain_neighbour(error, entries, torch, _follower(recorder))


def _follower(recorder: Recorder | None) -> Follower | None:
    return None if recorder is None else recorder.follower


def _failed_call(
    entries: list[TracebackType],
) -> tuple[Any, tuple[Any, ...], dict[str, Any], TracebackType | None] | None:
    """The innermost call of a recurrent module: it, its arguments, and the entry of the user's code that made the call."""
    libraries = library_folders()
    for at in range(len(entries) - 1, -1, -1):
        frame = entries[at].tb_frame
        owner = frame.f_locals.get("self", frame.f_locals.get("module"))
        if frame.f_code.co_name in _CALLERS and not is_users(frame, libraries) and recurrent_config(owner) is not None:
            args, kwargs = frame.f_locals.get("args"), frame.f_locals.get("kwargs")
            if isinstance(args, tuple) and isinstance(kwargs, dict):
                user = next((entry for entry in reversed(entries[:at]) if is_users(entry.tb_frame, libraries)), None)
                return owner, args, kwargs, user
    return None


def _stated_call(config: RNNConfig, module: Any, args: tuple[Any, ...], kwargs: dict[str, Any]) -> Call:
    """The shapes of the call as ``check`` reads them."""
    given: Any = args[0] if args else kwargs.get("input")
    state: Any = args[1] if len(args) > 1 else kwargs.get("hx")
    h_0, c_0 = (*state, None)[:2] if isinstance(state, tuple) and state else (state, None)
    lengths = None
    if hasattr(given, "batch_sizes"):
        lengths = packed_lengths(given)
        batch, steps, width = int(given.batch_sizes[0]), len(given.batch_sizes), given.data.shape[-1]
        shape: Shape | None = (batch, steps, width) if config.batch_first else (steps, batch, width)
        dtype = given.data.dtype
    else:
        shape, dtype = _shape(given), getattr(given, "dtype", None)
    weight = next(iter(module.parameters()), None)
    return Call(
        input=shape,
        h_0=_shape(h_0),
        c_0=_shape(c_0),
        lengths=lengths,
        enforce_sorted=None if lengths is None else given.sorted_indices is None,
        input_dtype=None if dtype is None else str(dtype).removeprefix("torch."),
        weight_dtype="float32" if weight is None else str(weight.dtype).removeprefix("torch."),
    )


def _shape(value: Any) -> Shape | None:
    shape = getattr(value, "shape", None)
    return None if shape is None else tuple(int(size) for size in shape)


def _problem(error: BaseException, config: RNNConfig, call: Call) -> Problem | None:
    """The one cause: by the shapes; if they fit, by the message."""
    by_shapes: Diagnosis | None = check_shapes(config, call) if call.input is not None else None
    if by_shapes is not None and by_shapes.problems:
        return by_shapes.problems[0]
    text = "".join(tracebacks.format_exception(error))
    try:
        by_message = diagnose_error(text, config)
    except UnknownMessageError:
        return None
    return by_message.problems[0] if by_message.problems else None


def _in_users_names(problem: Problem, node: ast.Call, names: dict[str, ast.expr]) -> Problem:
    """The problem with the user's variables in the code of its fixes."""
    alternatives = tuple(_in_users_names(alternative, node, names) for alternative in problem.alternatives)
    fix = None if problem.fix is None else _users_fix(problem.fix, names, node)
    return replace(problem, fix=fix, alternatives=alternatives)


def _users_names(node: ast.Call, config: RNNConfig, *, is_pair: bool) -> dict[str, ast.expr]:
    """What the user writes for the names in a fix: ``x``, ``h_0``, ``c_0``, and the module (``lstm``, ``cell``).

    Args:
        node: the call.
        config: the module.
        is_pair: whether the state that is passed is a tuple, ``(h_0, c_0)``, also under one name: ``hidden``.
    """
    keywords = {keyword.arg: keyword.value for keyword in node.keywords if keyword.arg}
    names: dict[str, ast.expr] = {"cell" if config.is_cell else config.cell: node.func}
    given = node.args[0] if node.args else keywords.get("input")
    state = node.args[1] if len(node.args) > 1 else keywords.get("hx")
    if isinstance(given, ast.expr) and not isinstance(given, ast.Starred):
        names["x"] = given
    if isinstance(state, ast.Tuple) and len(state.elts) == 2:
        names["h_0"], names["c_0"] = state.elts
    elif state is not None and not is_pair:
        names["h_0"] = state
    elif isinstance(state, ast.Name):
        for at, name in enumerate(("h_0", "c_0")):
            names[name] = ast.Subscript(state, ast.Constant(at), ast.Load())
    return names


def _users_fix(fix: str, names: dict[str, ast.expr], node: ast.Call) -> str:
    """One fix in the user's names.

    ``x = x.unsqueeze(0)`` where the user writes ``self.rnn(self.embed(src))`` becomes that call with the argument mended:
    ``self.rnn(self.embed(src).unsqueeze(0))``. A constructor is given to the module: ``self.rnn = nn.LSTM(10, 20)``.
    """
    try:
        tree = ast.parse(fix)
    except SyntaxError:
        return fix
    only = tree.body[0] if len(tree.body) == 1 else None
    module = [key for key, value in names.items() if value is node.func]
    if isinstance(only, ast.Assign) and isinstance(only.value, ast.Call) and ast.unparse(only.value.func) in module:
        return renamed(ast.unparse(only.value), names)  # what the user calls the results is the user's own
    if isinstance(only, ast.Expr) and isinstance(only.value, ast.Call):
        function = ast.unparse(only.value.func)
        if function.startswith("nn."):
            return f"{ast.unparse(node.func)} = {fix}"
    assigned = {
        statement.targets[0].id: statement.value
        for statement in tree.body
        if isinstance(statement, ast.Assign) and isinstance(statement.targets[0], ast.Name)
    }
    values: list[ast.expr]
    if len(node.args) > 1 and "h_0" in assigned and set(assigned) <= {"h_0", "c_0"} and not names.keys() & assigned.keys():
        values = list(assigned.values())  # the user's state has no name: it is made in the call
        state = values[0] if len(values) == 1 else ast.Tuple(values, ast.Load())
        new = ast.Call(node.func, [node.args[0], state, *node.args[2:]], node.keywords)
        return ast.unparse(new).replace(ast.unparse(state), renamed(ast.unparse(state), names))
    pair = names.get("h_0")
    if isinstance(pair, ast.Subscript) and "c_0" in names and set(assigned) == {"h_0", "c_0"} and len(tree.body) == 2:
        values = [assigned[name] for name in ("h_0", "c_0")]  # both under one name: hidden = (..., ...)
        return f"{ast.unparse(pair.value)} = {renamed(ast.unparse(ast.Tuple(values, ast.Load())), names)}"
    targets = [
        name.id
        for statement in tree.body
        if isinstance(statement, ast.Assign)
        for target in statement.targets
        for name in ast.walk(target)
        if isinstance(name, ast.Name)
    ]
    awkward = [name for name in targets if name in names and not isinstance(names[name], ast.Name)]
    if not awkward:
        return renamed(fix, names)
    if isinstance(only, ast.Assign) and len(targets) == 1:
        mended = renamed(ast.unparse(only.value), names)
        wanted, old = ast.parse(mended, mode="eval").body, names[targets[0]]
        call = ast.unparse(node)
        whole = ast.unparse(old)
        return call.replace(whole, ast.unparse(wanted), 1) if call.count(whole) == 1 else fix
    return fix


def _is_carried(fix: str | None, user: TracebackType) -> bool:
    """Whether a fix changes a state that the failing line of a loop makes anew: it is right in the first round only."""
    statement, loop = running_statement(user), running_loop(user)
    if fix is None or "for " in fix or loop is None or not isinstance(statement, ast.Assign):
        return False
    made = {node.id for node in ast.walk(statement) if isinstance(node, ast.Name) and isinstance(node.ctx, ast.Store)}
    try:
        changed = {ast.unparse(each.targets[0]) for each in ast.parse(fix).body if isinstance(each, ast.Assign)}
    except SyntaxError:
        return False
    return bool(made & changed)


def _with_results(fix: str | None, user: TracebackType, node: ast.Call) -> str | None:
    """A loop over the steps of a cell, with the user's names for what it returns at last: ``h, c = state``."""
    if fix is None or "\nfor " not in fix or "state = " not in fix:
        return fix
    statement = running_statement(user)
    if isinstance(statement, ast.Assign) and ast.unparse(statement.value) == ast.unparse(node):
        return f"{fix}\n{ast.unparse(ast.Assign(statement.targets, ast.Name('state'), lineno=1))}"
    return fix
