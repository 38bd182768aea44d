"""Arguments of an RNN that are no tensors, or that it does not take: by what they really are, whatever PyTorch says of them."""

import ast
from typing import Any

from ..config import RNNConfig
from ..diagnose import Problem
from ..diagnose.kinds_of_call import takes_pair
from ..diagnose.problem import TUPLE_EXPECTED
from .user_line import argument, postfix, replaced, with_argument


def wrong_arguments(
    module: Any, config: RNNConfig, args: tuple[Any, ...], kwargs: dict[str, Any], call: ast.Call | None
) -> Problem | None:
    """What is wrong with the arguments themselves; ``None`` if they are a tensor and a state as they should be.

    Args:
        module: the RNN.
        config: its configuration.
        args: the arguments by position that it was called with, ...
        kwargs: ... and those by keyword.
        call: the call as the user writes it, if it is found.
    """
    if not type(module).forward.__module__.startswith("torch."):
        return None  # a class of the user's, which takes what it likes
    function = "rnn" if call is None else ast.unparse(call.func)
    state = "(h_0, c_0)" if takes_pair(config) else "h_0"
    if len(args) > 2 or set(kwargs) - {"input", "hx"} or not (args or "input" in kwargs):
        return _signature(config, args, kwargs, call, f"{function} takes an input and a state: {function}(x, {state}).")
    given, hx = (args[0] if args else kwargs["input"]), args[1] if len(args) > 1 else kwargs.get("hx")
    if _are_exchanged(config, given, hx):
        fix = None
        if call is not None and len(call.args) == 2 and not any(isinstance(node, ast.Starred) for node in call.args):
            fix = f"{function}({ast.unparse(call.args[1])}, {ast.unparse(call.args[0])})"
        message = f"{function} takes the input first and the state second: {function}(x, {state}). Here they are exchanged."
        advice = None if fix else "Pass them in this order."
        return Problem(tensor="input", cause="other", message=message, fix=fix, advice=advice)
    if not _is_input(given, config):
        return _input(module, config, given, call, function)
    return _state(config, hx, call, function)


def _are_exchanged(config: RNNConfig, given: Any, hx: Any) -> bool:
    """Whether the first argument is no input, but a right state for the second, which is a right input."""
    pair = isinstance(given, tuple) and len(given) == 2
    state = given[0] if pair and isinstance(given, tuple) else given
    if pair != takes_pair(config) or not _is_tensor(state) or not _is_tensor(hx):
        return False
    if not pair and config.input_size == config.H_out:
        return False  # nothing shows which is which
    if state.dim() != hx.dim() or hx.dim() != (2 if config.is_cell else 3) or hx.shape[-1] != config.input_size:
        return False
    if config.is_cell:
        return tuple(state.shape) == (hx.shape[0], config.H_out)
    rows, batch = config.D * config.num_layers, hx.shape[0 if config.batch_first else 1]
    return tuple(state.shape) == (rows, batch, config.H_out)


def _signature(
    config: RNNConfig, args: tuple[Any, ...], kwargs: dict[str, Any], call: ast.Call | None, takes: str
) -> Problem | None:
    """Another number of arguments than two, or other names."""
    other = [name for name in kwargs if name not in ("input", "hx")]
    if other:
        got = f"It has no argument {other[0]}."
    elif len(args) > 2:
        got = f"It got {len(args)} arguments."
    else:
        return Problem(tensor="input", cause="other", message=f"{takes} It got no input.", advice="Pass the input first.")
    fix = None
    if call is not None and not any(isinstance(node, ast.Starred) for node in call.args) and all(k.arg for k in call.keywords):
        given = [*call.args, *(keyword.value for keyword in call.keywords if keyword.arg not in ("input", "hx"))]
        given += [keyword.value for keyword in call.keywords if keyword.arg == "hx"]
        first = argument(call, 0, "input")
        states = [ast.unparse(node) for node in given if node is not first]
        values = [*args[1:], *(kwargs[name] for name in other)]
        if first is not None and states:
            pair = takes_pair(config) and len(states) == 2 and not any(isinstance(value, tuple) for value in values)
            state = f"({', '.join(states)})" if pair else states[0]
            if pair or not takes_pair(config) or isinstance(values[0], tuple):
                fix = f"{ast.unparse(call.func)}({ast.unparse(first)}, {state})"
    return Problem(
        tensor="h_0",
        cause=TUPLE_EXPECTED if takes_pair(config) and len(args) > 2 else "other",
        message=f"{takes} {got}",
        fix=fix,
        advice=None if fix else "Write the call so, without other arguments.",
    )


def _kind(value: Any) -> str:
    return "None" if value is None else f"a {type(value).__name__}"


def _first(node: ast.expr) -> str:
    """The code of the first item of a tuple."""
    return ast.unparse(node.elts[0]) if isinstance(node, (ast.Tuple, ast.List)) and node.elts else postfix(node, "[0]")


def _is_tensor(value: Any) -> bool:
    return hasattr(value, "dim") and hasattr(value, "dtype")


def _is_input(value: Any, config: RNNConfig) -> bool:
    return _is_tensor(value) or (hasattr(value, "batch_sizes") and not config.is_cell)


def _input(module: Any, config: RNNConfig, given: Any, call: ast.Call | None, function: str) -> Problem:
    """An input that is no tensor: what it is, and how to make it one."""
    node = argument(call, 0, "input")
    name = "the input" if node is None else ast.unparse(node)
    fix, advice = None, None
    dtype = next((parameter.dtype for parameter in module.parameters()), "torch.float32")
    first = 0 if config.batch_first else 1
    if given is None:
        what, advice = "None", f"See why {name} is None: a function without return gives None."
    elif hasattr(given, "batch_sizes"):
        what, advice = "a packed batch", "A cell reads one step: pad the batch, and pass output[:, t] for each step t."
    elif isinstance(given, tuple) and given and _is_tensor(given[0]):
        what, fix = "a tuple, as an RNN returns it", "[0]"
    elif isinstance(given, (list, tuple)) and given and all(map(_is_tensor, given)):
        what = f"a {type(given).__name__} of {len(given)} tensors"
        shapes = {tuple(item.shape) for item in given}
        if len(shapes) == 1 and not config.is_cell and len(next(iter(shapes))) == 2:
            fix = f"torch.stack({{}}, dim={first})"
        elif len(shapes) == 1:
            fix = "torch.stack({})"
        elif not config.is_cell and {len(shape) for shape in shapes} == {2}:
            fix = f"nn.utils.rnn.pad_sequence({{}}, batch_first={config.batch_first})"
            advice = "Pack it too, so that no padding is read: pack_padded_sequence."
        else:
            advice = "Make one tensor of them."
    elif type(given).__module__ == "numpy" and hasattr(given, "dtype"):
        what, fix = "a NumPy array", f"torch.as_tensor({{}}, dtype={dtype})"
    elif isinstance(given, (list, tuple)) and given and _is_numeric(given):
        what, fix = "a list of numbers", f"torch.tensor({{}}, dtype={dtype})"
    else:
        what, advice = f"of type {type(given).__name__}", "Pass one tensor."
    if fix is not None and node is not None and call is not None:
        fix = with_argument(call, node, _first(node) if fix == "[0]" else fix.format(ast.unparse(node)))
    elif fix is not None:
        fix, advice = None, advice or "Make it one tensor before the call."
    kind = "tensor" if config.is_cell else "tensor or a PackedSequence"
    return Problem(
        tensor="input",
        cause=TUPLE_EXPECTED if isinstance(given, tuple) and not hasattr(given, "batch_sizes") else "other",
        message=f"{function} takes a {kind}; {name} is {what}.",
        fix=fix,
        advice=advice,
    )


def _is_numeric(value: Any) -> bool:
    while isinstance(value, (list, tuple)) and value:
        value = value[0]
    return isinstance(value, (int, float))


def _state(config: RNNConfig, hx: Any, call: ast.Call | None, function: str) -> Problem | None:
    """A state of another form than the cell has; ``None`` where ``check`` knows more: all that it has are tensors."""
    if hx is None or (_is_tensor(hx) and not takes_pair(config)):
        return None
    node = argument(call, 1, "hx")
    name = "the state" if node is None else ast.unparse(node)
    is_array = type(hx).__module__ == "numpy" and hasattr(hx, "dtype")
    fix = None
    if not takes_pair(config):
        message = f"{function} (nn.{config.class_name}) takes its state as one tensor; {name} is {_kind(hx)}."
        if is_array:
            fix = "torch.as_tensor({}, dtype=torch.float32)"
        elif isinstance(hx, (tuple, list)) and hx and _is_tensor(hx[0]):
            fix = "[0]"
    else:
        if _is_tensor(hx) or (isinstance(hx, (tuple, list)) and len(hx) == 2 and all(map(_is_tensor, hx))):
            return None
        message = f"{function} (nn.{config.class_name}) takes its state as the tuple (h_0, c_0); {name} "
        if isinstance(hx, (tuple, list)) and len(hx) != 2:
            message += f"has {len(hx)} of the two."
        elif isinstance(hx, (tuple, list)):
            message += f"has {next(_kind(item) for item in hx if not _is_tensor(item))} in it."
        else:
            message += f"is {_kind(hx)}."
    if fix is not None and node is not None and call is not None:
        fix = replaced(call, node, _first(node) if fix == "[0]" else fix.format(ast.unparse(node)))
    else:
        fix = None
    return Problem(
        tensor="h_0",
        cause=TUPLE_EXPECTED,
        message=message,
        fix=fix,
        advice=None if fix else "Or leave the state out: zeros are the default.",
    )
