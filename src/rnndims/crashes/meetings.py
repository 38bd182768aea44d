"""Tensors of two devices, or of two dtypes, that meet in an RNN."""

import ast
from types import TracebackType
from typing import Any

from ..config import RNNConfig
from ..diagnose import Problem
from ..diagnose.kinds_of_call import takes_pair
from ..errors import shorten
from ..live.trace_report import TracedProblem
from ..live.user_code import find_call
from .user_line import argument, postfix, recurrent_parts, replaced, user_lines, values_of, with_argument

_DTYPE_WORDS = ("dtype", "scalar type", "primitive descriptor", "not implemented for")
"""What PyTorch says where a state has another dtype than the weights; oneDNN has no words of its own for it."""


def explain_meeting(
    error: BaseException, module: Any, config: RNNConfig, args: tuple[Any, ...], kwargs: dict[str, Any], call: ast.Call | None
) -> Problem | None:
    """Which tensor of a call of an RNN is on another device, or which state has another dtype; ``None`` if all agree.

    Args:
        error: the exception.
        module: the RNN.
        config: its configuration.
        args: the arguments by position, ...
        kwargs: ... and by keyword.
        call: the call as the user writes it, if it is found.
    """
    weight: Any = next(iter(module.parameters()), None)
    given: Any = args[0] if args else kwargs.get("input")
    given = given if hasattr(given, "device") else given.data  # a packed batch
    if weight is None:
        return None
    hx = args[1] if len(args) > 1 else kwargs.get("hx")
    states = [state for state in (hx if isinstance(hx, (tuple, list)) else (hx,)) if hasattr(state, "device")]
    message = str(error)
    if "device" in message:
        return _devices(module, weight, given, states, call, message, pair=takes_pair(config))
    if any(words in message for words in _DTYPE_WORDS) and given.dtype == weight.dtype:
        return _state_dtype(weight, states, call, message, pair=takes_pair(config))
    return None


def _devices(
    module: Any, weight: Any, given: Any, states: list[Any], call: ast.Call | None, message: str, *, pair: bool
) -> Problem | None:
    function = "rnn" if call is None else ast.unparse(call.func)
    node, advice = argument(call, 0, "input"), None
    name = "the input" if node is None else ast.unparse(node)
    if given.device != weight.device:
        said = f"{name} is on {given.device}, and the weights of {function} are on {weight.device}."
        parameter = next(key for key, _ in module.named_parameters())
        fix = None
        if weight.device.type == "meta":
            said += " On meta they have no numbers."
            fix = f"{function}.to_empty(device={ast.unparse(node)}.device)" if node is not None else None
            advice = "The numbers are then arbitrary: load a state dict, or call reset_parameters()."
        elif weight.device.type == "cpu":
            fix = f"{function}.to({postfix(node, '.device')})" if node is not None else None
            advice = "Move the whole model so, once, before the optimizer is made."
        elif node is not None and call is not None:
            fix = with_argument(call, node, postfix(node, f".to({function}.{parameter}.device)"))
        tensor = "input"
    else:
        wrong: Any = next((state for state in states if state.device != given.device), None)
        if wrong is None:
            return None
        tensor, state = "h_0", argument(call, 1, "hx")
        called = "the state" if state is None else ast.unparse(state)
        said = f"{called} is on {wrong.device}, and {name} is on {given.device}."
        fix = None if call is None or node is None else _moved(call, state, postfix(node, ".device"), pair=pair)
        advice = "Or make it there: torch.zeros(..., device=x.device)."
    return Problem(
        tensor=tensor,
        cause="other",
        expected=str(given.device if tensor == "h_0" else weight.device),
        got=str(wrong.device if tensor == "h_0" else given.device),
        message=said,
        torch=shorten(message, 200),
        fix=fix,
        advice=advice if fix else advice or "Move both to one device with .to(device).",
    )


def _moved(call: ast.Call, state: ast.expr | None, where: str, *, pair: bool) -> str | None:
    """The state moved to a device, or turned into a dtype."""
    if state is None:
        return None
    if not pair:
        return with_argument(call, state, postfix(state, f".to({where})"))
    if isinstance(state, ast.Tuple):
        items = {ast.unparse(item): postfix(item, f".to({where})") for item in state.elts}
        if all(isinstance(item, ast.Name) for item in state.elts):
            return f"{', '.join(items)} = {', '.join(items.values())}"
        return replaced(call, state, f"({', '.join(postfix(item, f'.to({where})') for item in state.elts)})")
    return with_argument(call, state, f"tuple(s.to({where}) for s in {ast.unparse(state)})")


def _state_dtype(weight: Any, states: list[Any], call: ast.Call | None, message: str, *, pair: bool) -> Problem | None:
    wrong: Any = next((state for state in states if state.dtype != weight.dtype), None)
    if wrong is None:
        return None
    want, got = (str(tensor.dtype).removeprefix("torch.") for tensor in (weight, wrong))
    state = argument(call, 1, "hx")
    called = "the state" if state is None else ast.unparse(state)
    return Problem(
        tensor="h_0",
        cause="dtype_mismatch",
        expected=want,
        got=got,
        message=f"{called} is {got}, and the weights and the input are {want}.",
        torch=shorten(message, 200),
        fix=None if call is None else _moved(call, state, f"torch.{want}", pair=pair),
        advice=None if call is not None and state is not None else f"Turn it into {want}: h_0.to(torch.{want}).",
    )


def explain_embedding(error: BaseException, entries: list[TracebackType], _recorder: object = None) -> TracedProblem | None:
    """An ``nn.Embedding`` beside an RNN that got anything else than a tensor of ids."""
    message = str(error)
    if "'indices'" not in message:
        return None
    frames = (entry.tb_frame.f_locals for entry in entries)
    inside = next((names for names in frames if type(names.get("self")).__name__ == "Embedding" and "input" in names), None)
    if inside is None:
        return None
    for line in user_lines(entries):
        call = find_call(line.expression, line.frame, inside["self"])
        node = argument(call, 0, "input")
        if call is None or node is None or not any(recurrent_parts(value) for value in values_of(line.frame).values()):
            continue
        name, got = ast.unparse(call.func), inside["input"]
        is_tensor = hasattr(got, "requires_grad")
        is_array = type(got).__module__ == "numpy"
        what = str(got.dtype).removeprefix("torch.") if is_tensor else f"a {type(got).__name__}"
        fix = postfix(node, ".long()") if is_tensor else f"torch.as_tensor({ast.unparse(node)})"
        if not is_tensor and not is_array:
            return None
        problem = Problem(
            tensor="input",
            cause="dtype_mismatch" if is_tensor else "other",
            expected="int64" if is_tensor else None,
            got=what if is_tensor else None,
            message=f"{name} (nn.Embedding) takes a tensor of ids, whole numbers; {ast.unparse(node)} is {what}.",
            torch=shorten(message, 200),
            fix=with_argument(call, node, fix),
            advice="Numbers that are measured go into the RNN without an Embedding." if is_tensor else None,
        )
        return line.explained(problem, name)
    return None
