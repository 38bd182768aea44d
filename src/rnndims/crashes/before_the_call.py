"""What was done to an input before an RNN refused it: words embedded with an axis too many, lengths beyond the steps."""

import ast
from dataclasses import replace
from types import TracebackType
from typing import Any

from ..axes.named_tensor import NamedTensor
from ..diagnose import Problem
from ..live.user_code import library_folders, plain_dict
from ..phrases import shape_text
from .frame_reader import World, read_frames
from .operands import put, replaced


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
    frames = read_frames(World(torch, library_folders()), entries[: entries.index(user) + 1])
    if problem.cause != "input_ndim" or problem.tensor != "input" or not node.args or not frames or frames[-1][0] is not user:
        return None
    reader = frames[-1][1]
    given = node.args[0]
    made = reader.made_of(given.id) if isinstance(given, ast.Name) else given
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
    code = ast.unparse(replaced(node, made, mended)) if made is given else f"{ast.unparse(given)} = {ast.unparse(mended)}"
    text, name = ast.unparse(made.args[0]), ast.unparse(made.func)
    kind = "one-hot: " if template == "_.argmax(-1)" else ""
    message = f"{problem.message} {name} makes a vector of each number; {text} is {kind}{shape_text(words.sizes)}."
    return replace(problem, message=message, fix=code, advice="Give it one number for each step.", alternatives=())


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
    if problem.cause != "packed_lengths" or not (problem.fix or "").startswith("lengths =") or not node.args:
        return None
    frames = read_frames(World(torch, library_folders()), entries[: entries.index(user) + 1])
    given, reader = node.args[0], frames[-1][1]
    made = reader.made_of(given.id) if isinstance(given, ast.Name) else given
    if not isinstance(made, ast.Call) or reader.callee(made.func) is not torch.nn.utils.rnn.pack_padded_sequence:
        return replace(problem, fix=None)
    if len(made.args) < 2:
        return replace(problem, fix=None)
    named = {keyword.arg: keyword.value for keyword in made.keywords}
    batch_first = reader.attempt(made.args[2] if len(made.args) > 2 else named.get("batch_first", ast.Constant(False)))
    steps = f"{ast.unparse(made.args[0])}.size({1 if batch_first is True else 0})"
    mended = replaced(made, made.args[1], put(f"torch.as_tensor(_).clamp(max={steps})", made.args[1]))
    code = ast.unparse(replaced(node, made, mended)) if made is given else f"{ast.unparse(given)} = {ast.unparse(mended)}"
    return replace(problem, fix=code, advice="Or pad the input further: the lengths count steps that are not there.")
