"""A state that is carried into the next training step with its graph: seen when it is passed, before PyTorch complains."""

import sys
from collections.abc import Iterator
from dataclasses import dataclass
from types import FrameType
from typing import Any

from .user_code import code_at, is_users, library_folders, place, variables

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
    tensors = [tensor for tensor in flat_tensors(state) if tensor.grad_fn is not None]
    most = 60 if calls <= 20 else 12
    if not any(_is_used_up(tensor.grad_fn, most) for tensor in tensors):
        return None
    weights = {id(parameter) for parameter in module.parameters()}
    is_own = any(id(variable) in weights for tensor in tensors for variable in leaves(tensor.grad_fn))
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


def leaves(node: Any) -> Iterator[Any]:
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
    tensors = {id(tensor) for tensor in flat_tensors(state)}
    at: FrameType | None = frame
    for _ in range(_MOST_FRAMES):
        if at is None:
            break
        if is_users(at, libraries):
            names = {name: fix for name, value in own_values(at).items() if (fix := detached(name, value, tensors))}
            if names:
                whole = next((name for name in names if len(list(flat_tensors(own_values(at)[name]))) >= len(tensors)), None)
                if whole is not None:
                    found = (whole, names[whole], at)
                else:
                    joined = ", ".join(names)
                    found = (joined, f"{joined} = {', '.join(f'{name}.detach()' for name in names)}", at)
        at = at.f_back
    return found


def own_values(frame: FrameType) -> dict[str, Any]:
    """The variables of a function, and the attributes of the object whose method it is."""
    values = variables(frame)
    first = frame.f_code.co_varnames[0] if frame.f_code.co_argcount else ""
    owner = values.get(first)
    for name, value in getattr(owner, "__dict__", {}).items():
        values[f"{first}.{name}"] = value
    return values


def flat_tensors(value: Any) -> Iterator[Any]:
    """The tensors in a state, or in a list of states."""
    if issubclass(type(value), (tuple, list)) and len(value) <= 1000:  # an object of the user's may have its own __class__
        for item in value:
            yield from flat_tensors(item)
    elif hasattr(type(value), "grad_fn"):
        yield value


def detached(name: str, value: Any, wanted: set[int]) -> str | None:
    """Code that detaches what a variable holds, if that is one of the tensors that are wanted."""
    if not any(id(tensor) in wanted for tensor in flat_tensors(value)):
        return None
    if hasattr(value, "grad_fn"):
        return f"{name} = {name}.detach()"
    if all(hasattr(item, "grad_fn") for item in value):
        made = f"[s.detach() for s in {name}]" if isinstance(value, list) else f"tuple(s.detach() for s in {name})"
        return f"{name} = {made}"
    return f"{name} = [tuple(s.detach() for s in state) for state in {name}]"
