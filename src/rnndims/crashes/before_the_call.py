"""What was done to an input before an RNN refused it: an axis too many, another dim joined or read, long lengths."""

import ast
from dataclasses import replace
from types import TracebackType
from typing import Any

from ..axes.named_tensor import NamedTensor
from ..diagnose import Problem
from ..live.user_code import library_folders, plain_dict
from ..phrases import shape_text
from .frame_reader import FrameReader, World, read_frames
from .operands import put, replaced


def _input_of(
    user: TracebackType, entries: list[TracebackType], node: ast.Call, torch: Any
) -> tuple[FrameReader, ast.expr, ast.expr | None] | None:
    """What reads the user's function, the input of the call, and the expression that made it; ``None`` if there is no input."""
    frames = read_frames(World(torch, library_folders()), entries[: entries.index(user) + 1])
    if not node.args or not frames or frames[-1][0] is not user:
        return None
    given, reader = node.args[0], frames[-1][1]
    return reader, given, reader.made_of(given.id) if isinstance(given, ast.Name) else given


def _put_back(node: ast.Call, given: ast.expr, made: ast.expr, mended: ast.expr) -> str:
    """The call with its input mended, or the assignment to the variable that is its input."""
    return ast.unparse(replaced(node, made, mended)) if made is given else f"{ast.unparse(given)} = {ast.unparse(mended)}"


def explain_embedded(
    problem: Problem, user: TracebackType, entries: list[TracebackType], node: ast.Call, torch: Any
) -> Problem | None:
    """The problem with the reason and the fix that an ``nn.Embedding`` before the RNN gives; ``None`` if there is none.

    Args:
        problem: what is wrong with the input: it is 4-D.
        user: the entry of the traceback that calls the RNN.
        entries: the traceback.
        node: the call.
        torch: the module ``torch``.
    """
    found = _input_of(user, entries, node, torch) if (problem.cause, problem.tensor) == ("input_ndim", "input") else None
    if found is None:
        return None
    reader, given, made = found
    if not isinstance(made, ast.Call) or len(made.args) != 1:
        return None
    embedding, words = reader.callee(made.func), reader.attempt(made.args[0])
    if not isinstance(embedding, torch.nn.Embedding) or not isinstance(words, NamedTensor) or words.ndim != 3:
        return None
    rows = plain_dict(embedding).get("num_embeddings")
    template = "_.squeeze(-1)" if words.sizes[-1] == 1 else "_.argmax(-1)" if words.sizes[-1] == rows else None
    if template is None:
        return None
    mended = replaced(made, made.args[0], put(template, made.args[0]))
    code = _put_back(node, given, made, mended)
    text, name = ast.unparse(made.args[0]), ast.unparse(made.func)
    kind = "one-hot: " if template == "_.argmax(-1)" else ""
    message = f"{problem.message} {name} makes a vector of each number; {text} is {kind}{shape_text(words.sizes)}."
    return replace(problem, message=message, fix=code, advice="Give it one number for each step.", alternatives=())


def explain_joined(
    problem: Problem, user: TracebackType, entries: list[TracebackType], node: ast.Call, torch: Any
) -> Problem | None:
    """The problem of an input whose parts were joined as steps, and would have the right features; ``None`` if it is another.

    Args:
        problem: what is wrong with the input: its features.
        user: the entry of the traceback that calls the RNN.
        entries: the traceback.
        node: the call.
        torch: the module ``torch``.
    """
    found = _input_of(user, entries, node, torch) if problem.cause == "input_feature_mismatch" else None
    if found is None or problem.expected is None:
        return None
    reader, given, made = found
    if not isinstance(made, ast.Call) or reader.callee(made.func) not in (torch.cat, torch.concat) or not made.args:
        return None
    parts = reader.attempt(made.args[0])
    if not isinstance(parts, (tuple, list)) or not all(isinstance(part, NamedTensor) for part in parts):
        return None
    whole = {part.sizes[:-1] for part in parts}
    if len(whole) != 1 or sum(part.sizes[-1] for part in parts) != problem.expected[-1]:
        return None
    joined = ast.Call(made.func, made.args[:1], [ast.keyword("dim", ast.parse("-1", mode="eval").body)])
    code = _put_back(node, given, made, joined)
    message = f"{problem.message} {ast.unparse(made)} joins another dim than the features."
    return replace(problem, message=message, fix=code, advice=None, alternatives=())


def explain_step(
    problem: Problem, user: TracebackType, entries: list[TracebackType], node: ast.Call, torch: Any
) -> Problem | None:
    """The problem of a cell that reads sequences for steps, ``x[t]`` of (N, L, H_in); ``None`` if it is another.

    Args:
        problem: what is wrong with the state: its batch.
        user: the entry of the traceback that calls the cell.
        entries: the traceback.
        node: the call.
        torch: the module ``torch``.
    """
    given = node.args[0] if node.args else None
    if problem.cause != "hidden_batch_mismatch" or not isinstance(given, ast.Subscript):
        return None
    if isinstance(given.slice, (ast.Tuple, ast.Slice)) or not problem.got or not problem.expected:
        return None
    found = _input_of(user, entries, node, torch)
    if found is None:
        return None
    whole = found[0].attempt(given.value)
    batch, steps = problem.got[0], problem.expected[0]
    if not isinstance(whole, NamedTensor) or whole.ndim != 3 or whole.sizes[:2] != (batch, steps):
        return None
    name = ast.unparse(given.value)
    step = ast.parse(f"{name}[:, {ast.unparse(given.slice)}]", mode="eval").body
    message = f"{problem.message} {ast.unparse(given)} is one sequence of {name} {shape_text(whole.sizes)}, not one step."
    advice = f"Loop over its {steps} steps: range({name}.size(1))."
    return replace(problem, message=message, fix=ast.unparse(replaced(node, given, step)), advice=advice, alternatives=())


def explain_packed(
    problem: Problem, user: TracebackType, entries: list[TracebackType], node: ast.Call, torch: Any
) -> Problem | None:
    """The problem of lengths beyond the steps with a fix where the batch is packed; ``None`` if that is not seen.

    Args:
        problem: what is wrong with the packed batch.
        user: the entry of the traceback that calls the RNN.
        entries: the traceback.
        node: the call.
        torch: the module ``torch``.
    """
    found = _input_of(user, entries, node, torch) if problem.cause == "packed_lengths" else None
    if found is None or not (problem.fix or "").startswith("lengths ="):
        return None
    reader, given, made = found
    if not isinstance(made, ast.Call) or reader.callee(made.func) is not torch.nn.utils.rnn.pack_padded_sequence:
        return replace(problem, fix=None)
    if len(made.args) < 2:
        return replace(problem, fix=None)
    named = {keyword.arg: keyword.value for keyword in made.keywords}
    batch_first = reader.attempt(made.args[2] if len(made.args) > 2 else named.get("batch_first", ast.Constant(False)))
    steps = f"{ast.unparse(made.args[0])}.size({1 if batch_first is True else 0})"
    mended = replaced(made, made.args[1], put(f"torch.as_tensor(_).clamp(max={steps})", made.args[1]))
    code = _put_back(node, given, made, mended)
    return replace(problem, fix=code, advice="Or pad the input further: the lengths count steps that are not there.")
