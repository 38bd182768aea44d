"""Why an operation beside an RNN failed: a Linear, a loss, ``cat``, ``view``, attention, by what their tensors really are."""

import ast
import re
from types import TracebackType
from typing import Any

from ..axes.expressions import UNKNOWN
from ..axes.named_tensor import NamedTensor
from ..config import RNNConfig
from ..diagnose import Cause, Problem
from ..diagnose.problem import TUPLE_EXPECTED
from ..errors import shorten
from ..live.follower import Follower
from ..live.trace_report import TracedProblem
from ..live.user_code import library_folders, place, plain_dict
from ..phrases import shape_text
from .frame_reader import FrameReader, Packed, World, read_frames, recurrent
from .loss_calls import explain_loss
from .mending import mend
from .operands import (
    FailedOperation,
    Operand,
    axes_words,
    failed_operation,
    is_features,
    is_read_by_rnn,
    product_words,
    put,
    replaced,
    source_words,
)
from .reading_positions import explain_index, explain_view

_NO_SHAPE = re.compile(r"dtype|device|scalar type|CUDA|Half|out of memory|\bgrad|in-?place|backend", re.IGNORECASE)
"""Words of messages that are about something else than shapes."""

_OF_SHAPES = re.compile(
    r"size|shape|dim|out of (?:bounds|range)|channels|elements|subscript|broadcast|indices|batch|view|lengths", re.IGNORECASE
)
"""Words of messages that are about shapes."""

_BY_PLACE = frozenset({"add", "sub", "mul", "div"})
"""Operations that join the last axes."""


def explain_neighbour(
    error: BaseException, entries: list[TracebackType], torch: Any, follower: Follower | None
) -> TracedProblem | None:
    """What is wrong in an operation that read the results of an RNN, or made what one reads; ``None`` of any other.

    Args:
        error: the exception.
        entries: its traceback, the outermost entry first.
        torch: the module ``torch``.
        follower: knows what the tensors are; without it, the source of the functions in the traceback is read.
    """
    if not isinstance(error, (RuntimeError, IndexError, ValueError, TypeError, AttributeError, AssertionError)):
        return None
    world = World(torch, library_folders(), follower)
    frames = read_frames(world, entries)
    if not frames or isinstance(frames[-1][1].statement_at, ast.Raise | ast.Assert):
        return None
    entry, reader = frames[-1]
    at = place(entry.tb_frame.f_code, entry.tb_lineno)
    unpacked = _unpacked(error, reader)
    if unpacked is not None:
        return TracedProblem(at, ast.unparse(reader.statement_at) if reader.statement_at else "", "", unpacked)
    failed = failed_operation(error, entries, frames, world)
    problem = _tuple_problem(failed)
    if problem is None and not isinstance(error, (TypeError, AttributeError)) and not _NO_SHAPE.search(failed.message):
        problem = _explain(failed)
    return None if problem is None else TracedProblem(at, failed.code, failed.layer_text, problem)


def _explain(failed: FailedOperation) -> Problem | None:
    """What is wrong; ``None`` if no RNN has to do with it."""
    name, known = failed.name, failed.known()
    if not known and not is_read_by_rnn(failed):
        return None
    if not (failed.arguments or _is_of_torch(failed)):
        return None
    loss = explain_loss(failed)
    if loss is not None:
        return loss
    if name in _LAYERS and failed.operands and isinstance(failed.operands[0].value, NamedTensor | Packed):
        found = _LAYERS[name](failed, failed.operands[0])
        if found is not None:
            return found
    if name in ("view", "reshape") and known:
        return explain_view(failed, known[0]) or _other(failed)
    return explain_index(failed) or _other(failed)


def _is_of_torch(failed: FailedOperation) -> bool:
    """Whether an operation that the user's line does is one of torch, and not of NumPy or the user's own."""
    torch = failed.world.torch
    if not isinstance(failed.node, ast.Call):
        return failed.name != ""
    return any(hasattr(owner, failed.name) for owner in (torch.Tensor, torch, torch.nn.functional))


def _problem(failed: FailedOperation, tensor: str, cause: Cause, message: str, **fields: Any) -> Problem:
    """A problem with PyTorch's words; what is only likely is not certain."""
    certain = fields.pop("certain", True) and all(operand.fact is None or operand.fact.certain for operand in failed.operands)
    return Problem(tensor=tensor, cause=cause, message=message, torch=shorten(failed.message, 300), certain=certain, **fields)


# --- tuples ------------------------------------------------------------------------------------------------------------


def _unpacked(error: BaseException, reader: FrameReader) -> Problem | None:
    """``output, (h, c) = gru(x)``: what was taken apart is no pair."""
    statement = reader.statement_at
    if not (isinstance(error, ValueError) and "values to unpack" in str(error) and isinstance(statement, ast.Assign)):
        return None
    if len(statement.targets) != 1 or not isinstance(statement.targets[0], ast.Tuple):
        return None
    target = statement.targets[0]
    value = reader.attempt(statement.value)
    config = _called_config(statement.value, reader)
    if config is None:
        return None
    name = ast.unparse(statement.value.func) if isinstance(statement.value, ast.Call) else "it"
    words = shorten(str(error), 300)
    count = len(target.elts)
    inner = target.elts[1] if count == 2 else None
    if config.is_cell:
        returns = "one tensor, h_1"
        fix = f"{ast.unparse(target.elts[0])} = {ast.unparse(statement.value)}"
    elif isinstance(inner, ast.Tuple):
        returns = "(output, h_n), and h_n is one tensor"
        fix = f"{ast.unparse(target.elts[0])}, {ast.unparse(inner.elts[0])} = {ast.unparse(statement.value)}"
    elif count == 3:
        pair = isinstance(value, tuple) and isinstance(value[1], tuple)
        returns = "(output, (h_n, c_n)), two values" if pair else "(output, h_n), two values"
        first, *rest = (ast.unparse(item) for item in target.elts)
        state = f"({', '.join(rest)})" if pair else rest[0]
        fix = f"{first}, {state} = {ast.unparse(statement.value)}"
    else:
        return None
    message = f"{name} (nn.{config.class_name}) returns {returns}; this line takes it apart in another way."
    return Problem(tensor="h_n", cause=TUPLE_EXPECTED, message=message, torch=words, fix=fix)


def _called_config(node: ast.expr, reader: FrameReader) -> RNNConfig | None:
    return recurrent(reader.callee(node.func)) if isinstance(node, ast.Call) else None


def _tuple_problem(failed: FailedOperation) -> Problem | None:
    """A tuple of results where a tensor belongs."""
    text = failed.message
    if (
        not any(word in text for word in ("tuple", "list", "return_types"))
        and "unsupported operand" not in text
        and "batch_sizes" not in text
        and "PackedSequence" not in text
    ):
        return None
    packed_operand = next((each for each in failed.operands if hasattr(each.tensor, "batch_sizes")), None)
    if packed_operand is not None and failed.name != "pad_packed_sequence":
        return _packed_problem(failed, packed_operand)
    if type(failed.outer).__name__ == "Sequential":
        return _sequential(failed)
    operand = next((each for each in failed.operands if isinstance(each.value, tuple)), None)
    if operand is None or operand.node is None:
        return None
    tensors = [item for item in _flat(operand.value) if isinstance(item, NamedTensor | Packed)]
    kind = type(operand.tensor)
    if kind.__module__ == "torch.return_types":
        return _values_and_indices(failed, operand, kind.__name__)
    facts = [fact for item in _flat(operand.tensor) if (fact := failed.world.fact(None, item)) is not None]
    facts = facts or [fact for item in tensors if (fact := failed.world.fact(item)) is not None]
    packed = next((item for item in tensors if isinstance(item, Packed) and item.origin is not None), None)
    if not facts and packed is None:
        return None
    origin = facts[0].parts[0][1] if facts else failed.world.origins[(packed.origin if packed else None) or 0]
    config = origin.config
    names = {name for fact in facts for name, _ in fact.parts}
    states = packed is None and names <= {"h_n", "c_n", "h_1", "c_1"}
    what = "both states" if states else "output and the state"
    of = f"{origin.name} (nn.{config.class_name})" if origin.name else f"nn.{config.class_name}"
    read = failed.name in ("index", "attribute")  # an index or a method says itself what it reads of a state
    template = "_[0][-1]" if states and not config.is_cell and not read else "_[0]"
    held = (NamedTensor, Packed)
    same = [each for each in failed.operands if isinstance(each.value, tuple) and isinstance(_flat(each.value)[0], held)]
    fix = failed.with_operands([(each, template) for each in same or [operand]])
    name = failed.layer_text or ("" if read or not isinstance(failed.node, ast.Call) else failed.name) or "this code"
    return Problem(
        tensor="input",
        cause=TUPLE_EXPECTED,
        message=f"{name} takes one tensor; {operand.text} is the tuple of {what} of {of}.",
        torch=shorten(text, 300),
        fix=fix,
    )


def _packed_problem(failed: FailedOperation, operand: Operand) -> Problem | None:
    """A packed batch where a tensor belongs."""
    if operand.node is None:
        return None
    value, name = operand.value, failed.layer_text or (failed.name if isinstance(failed.node, ast.Call) else "") or "this code"
    origin = failed.world.origins[value.origin] if isinstance(value, Packed) and value.origin is not None else None
    origin = operand.fact.parts[0][1] if origin is None and operand.fact is not None else origin
    fix, advice = None, "Do this before pack_padded_sequence, or behind pad_packed_sequence."
    of = ""
    if origin is not None:
        of = f", output of {origin.name} (nn.{origin.config.class_name})"
        fix = failed.with_operand(operand, f"nn.utils.rnn.pad_packed_sequence(_, batch_first={origin.config.batch_first})[0]")
        advice = "The padding is 0 in it, and belongs to no sequence."
    message = f"{name} takes a tensor; {operand.text} is a PackedSequence{of}."
    return _problem(failed, "input", "other", message, fix=fix, advice=advice)


def _values_and_indices(failed: FailedOperation, operand: Operand, kind: str) -> Problem | None:
    """What ``max(dim=...)`` returns, where its values are meant."""
    values = operand.value[0] if isinstance(operand.value, tuple) and operand.value else UNKNOWN
    if failed.world.fact(values, operand.tensor[0]) is None:
        return None
    name = failed.layer_text or failed.name or "this"
    message = f"{name} takes one tensor; {operand.text} is the tuple (values, indices) that {kind} with a dim returns."
    fix = failed.with_operand(operand, "_[0]")
    return Problem(tensor="input", cause=TUPLE_EXPECTED, message=message, torch=shorten(failed.message, 300), fix=fix)


def _flat(value: Any) -> list[Any]:
    if isinstance(value, (tuple, list)) and not hasattr(value, "batch_sizes"):
        return [item for inner in value for item in _flat(inner)]
    return [value]


def _sequential(failed: FailedOperation) -> Problem | None:
    """An ``nn.Sequential`` that hands all that an RNN returns to its next module."""
    modules = list(plain_dict(failed.outer).get("_modules", {}).values())
    at = next((at for at, module in enumerate(modules) if module is failed.layer), None)
    if at is None or at == 0 or recurrent(modules[at - 1]) is None or failed.call is None or len(failed.call.args) != 1:
        return None
    name = ast.unparse(failed.call.func)
    before, after = modules[at - 1], modules[at]
    parts, begin = "_", 0
    for number, module in enumerate(modules[:-1]):
        if recurrent(module) is not None:
            if number > begin:
                parts = f"{name}[{begin}:{number}]({parts})"
            parts, begin = f"{name}[{number}]({parts})[0]", number + 1
    rest = len(modules) - begin
    parts = f"{name}[{begin}]({parts})" if rest == 1 else f"{name}[{begin}:]({parts})"
    operand = Operand(failed.call.args[0], UNKNOWN)
    fix = None
    if failed.expression is not None:
        fix = ast.unparse(replaced(failed.expression, failed.call, put(parts, failed.call.args[0])))
    cells = f"nn.{type(before).__name__}"
    message = (
        f"{name}[{at}] (nn.{type(after).__name__}) takes one tensor; in an nn.Sequential it gets all that {name}[{at - 1}] "
        f"({cells}) returns, the tuple of output and the state."
    )
    assert operand.node is not None  # noqa: S101 - it was given
    return Problem(tensor="input", cause=TUPLE_EXPECTED, message=message, torch=shorten(failed.message, 300), fix=fix)


# --- layers ------------------------------------------------------------------------------------------------------------


def _has(operand: Operand, dim: int) -> str:
    """``output of self.rnn (nn.LSTM, bidirectional) has 128 = 2 directions * 64``."""
    value = operand.value
    subject = source_words(operand.fact) if operand.fact is not None else operand.text or "its input"
    if operand.fact is not None and operand.text and not operand.value.moved:
        subject = f"{operand.text}, from {subject},"
    return f"{subject} has {value.sizes[dim]}{product_words(value, dim)}"


def _constructed(failed: FailedOperation, code: str) -> str:
    """``self.fc = nn.Linear(128, 5)``, with the name that the user's code has for the layer."""
    if failed.call is not None and isinstance(failed.call.func, ast.Call) and failed.expression is not None:
        return ast.unparse(replaced(failed.expression, failed.call.func, ast.parse(code, mode="eval").body))
    return f"{failed.layer_text or failed.name} = {code}"


def _linear(failed: FailedOperation, operand: Operand) -> Problem | None:
    """A ``Linear`` of another size than its input's last axis."""
    weight = plain_dict(failed.layer).get("_parameters", {}).get("weight")
    if weight is None or weight.ndim != 2:
        return None
    takes, gives = int(weight.shape[1]), int(weight.shape[0])
    value, name = operand.value, failed.layer_text or "nn.Linear"
    if value.ndim == 0 or value.sizes[-1] == takes:
        return None
    got = value.sizes[-1]
    if operand.fact is None:
        message = f"{name} takes {takes} features; {operand.text or 'its input'} is {shape_text(value.sizes)}."
        return _problem(
            failed, "linear", "neighbour_shape", message, expected=(takes,), got=(got,), fix=_wider(failed, got, gives)
        )
    turned = _turned_to(value, takes)
    if turned is not None:
        message = f"{name} reads the last dim, {takes} features; {_subject(operand)} is {axes_words(value)}."
        fix = failed.with_operand(operand, turned)
        advice = None if fix else "Put the features last, with transpose or permute."
        return _problem(failed, "linear", "neighbour_shape", message, expected=(takes,), got=(got,), fix=fix, advice=advice)
    last = value.names(value.ndim - 1)
    both = "D" in last and any(origin.config.bidirectional and takes == origin.config.H_out for _, origin in operand.fact.parts)
    message = f"{name} takes {takes} features; {_has(operand, value.ndim - 1)}."
    known = [each for each in last if each != "?"]
    if known and not is_features(value, value.ndim - 1) and known[-1] not in ("H_out", "H_cell", "features"):
        message = f"{name} reads the last dim, {takes} features; {_subject(operand)} is {axes_words(value)}."
        advice = "Put the features last, with transpose or permute."
        return _problem(failed, "linear", "neighbour_shape", message, expected=(takes,), got=(got,), advice=advice)
    cause: Cause = "bidirectional_linear_mismatch" if both else "neighbour_shape"
    return _problem(failed, "linear", cause, message, expected=(takes,), got=(got,), fix=_wider(failed, got, gives))


def _wider(failed: FailedOperation, got: int, gives: int) -> str:
    bias = "" if plain_dict(failed.layer).get("_parameters", {}).get("bias") is not None else ", bias=False"
    return _constructed(failed, f"nn.Linear({got}, {gives}{bias})")


def _subject(operand: Operand) -> str:
    """``out, from output of self.rnn (nn.GRU)``."""
    if operand.fact is None:
        return operand.text or "its input"
    return (
        f"{operand.text}, from {source_words(operand.fact)},"
        if operand.text
        else f"its input, from {source_words(operand.fact)},"
    )


def _turned_to(value: NamedTensor, wanted: int) -> str | None:
    """The code that puts an axis of features last, if that is what is missing."""
    for dim in range(value.ndim - 1):
        if value.sizes[dim] == wanted and is_features(value, dim) and not is_features(value, value.ndim - 1):
            if dim == value.ndim - 2:
                return f"_.transpose({dim}, {dim + 1})"
            order = [d for d in range(value.ndim) if d != dim]
            return f"_.permute({', '.join(map(str, [*order, dim]))})"
    return None


def _norm(failed: FailedOperation, operand: Operand) -> Problem | None:
    """A ``LayerNorm`` of another size than the last axis."""
    shape = tuple(plain_dict(failed.layer).get("normalized_shape", ()))
    value = operand.value
    if len(shape) != 1 or value.ndim == 0 or value.sizes[-1] == shape[0]:
        return None
    message = f"{failed.layer_text or 'nn.LayerNorm'} takes {shape[0]} features; {_has(operand, value.ndim - 1)}."
    fix = _constructed(failed, f"nn.LayerNorm({value.sizes[-1]})")
    turned = _turned_to(value, shape[0])
    if turned is not None:
        fix = failed.with_operand(operand, turned) or fix
    return _problem(failed, "input", "neighbour_shape", message, expected=shape, got=value.sizes[-1:], fix=fix)


def _batch_norm(failed: FailedOperation, operand: Operand) -> Problem | None:
    """``BatchNorm1d`` takes its channels as dim 1."""
    count, value = plain_dict(failed.layer).get("num_features"), operand.value
    if not isinstance(count, int) or value.ndim not in (2, 3):
        return None
    kind = type(failed.layer).__name__
    return _channels(failed, operand, count, "(N, C) or (N, C, L)", f"nn.{kind}({{}})", back=True)


def _conv(failed: FailedOperation, operand: Operand) -> Problem | None:
    """``Conv1d`` takes (N, C, L)."""
    layer = failed.layer
    facts = plain_dict(layer)
    if type(layer).__name__ != "Conv1d" or operand.value.ndim not in (2, 3):
        return None
    words = [f"{{}}, {facts['out_channels']}, {facts['kernel_size'][0]}"]
    for key, default in (("stride", (1,)), ("padding", (0,)), ("dilation", (1,)), ("groups", 1)):
        given = facts.get(key)
        if given != default:
            words.append(f"{key}={given[0] if isinstance(given, tuple) else given!r}")
    return _channels(failed, operand, facts["in_channels"], "(N, C, L)", f"nn.Conv1d({', '.join(words)})", back=False)


def _channels(
    failed: FailedOperation, operand: Operand, count: int, takes: str, constructor: str, *, back: bool
) -> Problem | None:
    """A layer that takes its channels as dim 1.

    Args:
        failed: the operation.
        operand: what the layer reads.
        count: its channels.
        takes: the shape that it takes, in words.
        constructor: its constructor, with ``{}`` for the channels.
        back: whether what comes out is to have the axes as before.
    """
    value, name = operand.value, failed.layer_text or f"nn.{type(failed.layer).__name__}"
    if value.ndim == 3 and value.sizes[-1] == count:
        steps_first = value.is_axis(0, "L") and value.is_axis(1, "N")
        template = "_.permute(1, 2, 0)" if steps_first else "_.transpose(1, 2)"
        later = back or (operand.fact is None and is_read_by_rnn(failed))
        message = f"{name} takes {takes}, the {count} channels as dim 1; {_subject(operand)} is {axes_words(value)}."
        fix = failed.with_operand(operand, template)
        if fix is not None and later and failed.call is not None and failed.expression is not None and operand.node is not None:
            inner = replaced(failed.call, operand.node, put(template, operand.node))
            turned = put("_.permute(2, 0, 1)" if steps_first else "_.transpose(1, 2)", inner)
            fix = ast.unparse(replaced(failed.expression, failed.call, turned))
        size = (value.sizes[1], value.sizes[2], value.sizes[0]) if steps_first else (value.sizes[0], count, value.sizes[1])
        return _problem(failed, "input", "neighbour_shape", message, expected=size, got=value.sizes, fix=fix)
    if value.ndim < 2 or value.sizes[1] == count:
        return None
    dim = 1 if not (value.ndim == 3 and is_features(value, 2) and not is_features(value, 1)) else 2
    message = f"{name} takes {takes} with {count} channels; {_has(operand, dim)} features."
    fix = _constructed(failed, constructor.format(value.sizes[dim]))
    advice = "Give it the features as dim 1: transpose(1, 2)." if dim == 2 else None
    return _problem(
        failed, "input", "neighbour_shape", message, expected=(count,), got=(value.sizes[dim],), fix=fix, advice=advice
    )


def _embedding(failed: FailedOperation, operand: Operand) -> Problem | None:
    """An index that an ``Embedding`` has no row for."""
    if "out of range" not in failed.message or operand.tensor is None or operand.tensor.device.type != "cpu":
        return None
    rows, width = (plain_dict(failed.layer).get(key) for key in ("num_embeddings", "embedding_dim"))
    if not isinstance(rows, int) or not operand.tensor.numel():
        return None
    low, high = int(operand.tensor.min()), int(operand.tensor.max())
    name, text = failed.layer_text or "nn.Embedding", operand.text or "its input"
    head = f"{name} has {rows} rows, 0 to {rows - 1}"
    if low < 0:
        message = f"{head}; {text} has {low}."
        advice = "An index is never negative: give padding and unknown words rows of their own."
        return _problem(failed, "input", "neighbour_shape", message, advice=advice)
    more = "".join(
        f", {key}={value!r}" for key in ("padding_idx", "max_norm") if (value := plain_dict(failed.layer).get(key)) is not None
    )
    message = f"{head}; {text} has {high}. num_embeddings is the highest index + 1, padding and unknown words included."
    fix = _constructed(failed, f"nn.Embedding({high + 1}, {width}{more})")
    return _problem(failed, "input", "neighbour_shape", message, expected=(rows,), got=(high,), fix=fix)


def _attention(failed: FailedOperation, operand: Operand) -> Problem | None:
    """``nn.MultiheadAttention`` on the results of an RNN."""
    facts, value = plain_dict(failed.layer), operand.value
    width, heads, batch_first = facts.get("embed_dim"), facts.get("num_heads"), facts.get("batch_first")
    name = failed.layer_text or "nn.MultiheadAttention"
    if not isinstance(width, int) or not isinstance(heads, int) or not isinstance(value, NamedTensor) or value.ndim == 0:
        return None
    if value.sizes[-1] != width:
        got = value.sizes[-1]
        message = f"{name} takes {width} features; {_has(operand, value.ndim - 1)}."
        layout = ", batch_first=True" if batch_first else ""
        fix = _constructed(failed, f"nn.MultiheadAttention({got}, {heads}{layout})") if got % heads == 0 else None
        advice = None if fix else f"Make it nn.MultiheadAttention({got}, ...) with a number of heads that divides {got}."
        return _problem(failed, "input", "neighbour_shape", message, expected=(width,), got=(got,), fix=fix, advice=advice)
    tensors = [each.value for each in failed.operands if isinstance(each.value, NamedTensor) and each.value.ndim == 3]
    turned = [each for each in tensors if each.is_axis(1 if batch_first else 0, "N")]
    # with batch_first, forward has turned its tensors before it fails
    if not batch_first and turned:
        message = f"{name} takes (L, N, E), since its batch_first is False; {_subject(operand)} is {axes_words(value)}."
        fix = _constructed(failed, f"nn.MultiheadAttention({width}, {heads}, batch_first=True)")
        return _problem(failed, "input", "batch_first_mismatch", message, got=value.sizes, fix=fix)
    return None


def _pack(failed: FailedOperation, operand: Operand) -> Problem | None:
    """``pack_padded_sequence`` with lengths that are not those of its batch."""
    found, value = failed.arguments, operand.value
    lengths: Any = found.get("lengths")
    if failed.world.is_tensor(lengths):
        lengths = lengths.tolist() if lengths.device.type == "cpu" and lengths.ndim == 1 else None
    if not isinstance(lengths, (list, tuple)) or failed.call is None or value.ndim < 2:
        return None
    batch_first = found.get("batch_first") is True
    batch = value.sizes[0 if batch_first else 1]
    text, node = operand.text or "its input", _keyword_or(failed.call, "lengths", 1)
    shape = axes_words(value)
    if len(lengths) != batch:
        if len(lengths) == value.sizes[1 if batch_first else 0]:
            layout = "(N, L, ...)" if batch_first else "(L, N, ...)"
            message = (
                f"pack_padded_sequence takes {layout} with batch_first={batch_first}; {text} is {shape}, and there are "
                f"{len(lengths)} lengths."
            )
            fix = _with_keyword(failed, "batch_first", None if batch_first else "True")
            return _problem(failed, "input", "batch_first_mismatch", message, got=value.sizes, fix=fix)
        message = (
            f"pack_padded_sequence takes one length for each sequence; {text} is {shape}, a batch of {batch}, and there are "
        )
        message += f"{len(lengths)} lengths."
        advice = "Take the lengths of the sequences of this batch."
        return _problem(failed, "lengths", "packed_lengths", message, expected=(batch,), got=(len(lengths),), advice=advice)
    if min(lengths, default=1) <= 0:
        message = (
            f"pack_padded_sequence takes lengths of at least 1; {ast.unparse(node) if node else 'one'} has {min(lengths)}."
        )
        can = node is not None and failed.world.is_tensor(found.get("lengths"))
        fix = failed.with_operand(Operand(node, UNKNOWN), "_.clamp(min=1)") if can else None
        advice = "Leave empty sequences out, or count them as one step."
        return _problem(failed, "lengths", "packed_lengths", message, fix=fix, advice=advice)
    if "enforce_sorted" in failed.message:
        message = "pack_padded_sequence takes lengths that fall, unless enforce_sorted=False."
        fix = _with_keyword(failed, "enforce_sorted", "False")
        return _problem(failed, "lengths", "packed_lengths", message, got=tuple(lengths[:20]), fix=fix)
    return None


def _keyword_or(call: ast.Call, name: str, at: int) -> ast.expr | None:
    named = {keyword.arg: keyword.value for keyword in call.keywords}
    return named.get(name, call.args[at] if len(call.args) > at else None)


def _with_keyword(failed: FailedOperation, name: str, value: str | None) -> str | None:
    """The failing code with a keyword of its call set, or left out."""
    if failed.call is None or failed.expression is None:
        return None
    keywords = [keyword for keyword in failed.call.keywords if keyword.arg != name]
    if value is not None:
        keywords.append(ast.keyword(name, ast.parse(value, mode="eval").body))
    return ast.unparse(replaced(failed.expression, failed.call, ast.Call(failed.call.func, failed.call.args, keywords)))


def _pad(failed: FailedOperation, operand: Operand) -> Problem | None:  # noqa: ARG001 - the message says all
    """``pad_packed_sequence`` to less than the longest sequence."""
    total = failed.arguments.get("total_length")
    if not isinstance(total, int) or "total_length" not in failed.message:
        return None
    longest = failed.message.rpartition(" ")[2].rstrip(".")
    message = f"pad_packed_sequence pads to total_length {total}, and the longest sequence has {longest} steps."
    fix = _with_keyword(failed, "total_length", longest)
    return _problem(failed, "lengths", "packed_lengths", message, fix=fix, advice="Or leave total_length out.")


_LAYERS = {
    "linear": _linear,
    "layer_norm": _norm,
    "batch_norm": _batch_norm,
    "conv1d": _conv,
    "embedding": _embedding,
    "multi_head_attention_forward": _attention,
    "_check_key_padding_mask": _attention,
    "pack_padded_sequence": _pack,
    "pad_packed_sequence": _pad,
}


# --- any other operation -----------------------------------------------------------------------------------------------


def _other(failed: FailedOperation) -> Problem | None:
    """Any other operation: what its tensors are, and the smallest change with which it runs."""
    known, operands = failed.known(), [each for each in failed.operands if isinstance(each.value, NamedTensor)]
    if not operands or not _OF_SHAPES.search(failed.message):
        return None
    parts = []
    for operand in operands[:6]:
        words = f"{operand.text or 'a tensor'} is {axes_words(operand.value)}"
        parts.append(words + (f", from {source_words(operand.fact)}" if operand.fact is not None else ""))
    mended = mend(failed) if known else None
    message = f"PyTorch cannot do this with these shapes: {'; '.join(parts)}."
    return _problem(
        failed,
        (known or operands)[0].text or "input",
        "neighbour_shape",
        message,
        got=(known or operands)[0].shape,
        fix=None if mended is None else mended[0],
        advice=None if mended is not None else _cut_padding(failed, known) or _widths(failed),
    )


def _widths(failed: FailedOperation) -> str | None:
    """What to do where two tensors have not the same number of features."""
    operands = [each for each in failed.operands if isinstance(each.value, NamedTensor) and each.value.ndim]
    if len(operands) != 2:
        return None
    one, other = (each.value for each in operands)
    weight = next((each for each in operands if each.fact is None and each.value.ndim == 2), None)
    if failed.name in ("matmul", "mm", "linear") and weight is not None and is_features(one, one.ndim - 1):
        turned = failed.name == "linear"
        shape = (other.sizes[0], one.sizes[-1]) if turned else (one.sizes[-1], other.sizes[1])
        return f"Give {weight.text} the shape {shape_text(shape)}." if weight is operands[1] else None
    widths = {value.sizes[dim] for value in (one, other) for dim in range(value.ndim) if is_features(value, dim)}
    widths |= {value.sizes[-1] for value in (one, other)} if failed.name in _BY_PLACE else set()
    if len(widths) == 2:
        low, high = min(widths), max(widths)
        return f"A layer nn.Linear({low}, {high}), built in __init__, makes {high} features of {low}."
    return None


def _cut_padding(failed: FailedOperation, known: list[Operand]) -> str | None:
    """What to do where a padded batch has fewer steps than a tensor that was made with the padding of before."""
    for operand in known:
        lengths = [origin.data.lengths for _, origin in operand.fact.parts] if operand.fact is not None else []
        longest = max((max(each) for each in lengths if each), default=0)
        others = [size for other in failed.operands if other.shape and other.fact is None for size in other.shape]
        if longest in (operand.shape or ()) and longest not in others and max(others, default=0) > longest:
            total = max(others)
            return f"pad_packed_sequence pads to the longest length, {longest}. Give it total_length={total}, or cut the other."
    return None


def where_from(
    user: TracebackType, entries: list[TracebackType], node: ast.Call, wrong: Any, torch: Any, follower: Follower | None
) -> tuple[str, RNNConfig | None]:
    """Where an argument that an RNN refused comes from: ``hidden is (D*num_layers, N, H_out) = (2, 4, 16), from h_n of ...``.

    Args:
        user: the entry of the traceback that calls the RNN.
        entries: the traceback.
        node: the call.
        wrong: the argument; a tuple of states counts as its first.
        torch: the module ``torch``.
        follower: knows what the tensors are, if there is one.

    Returns:
        A sentence, and the RNN's configuration; ``""`` and ``None`` if the argument comes from no RNN.
    """
    world = World(torch, library_folders(), follower)
    frames = read_frames(world, entries[: entries.index(user) + 1])
    if not frames or frames[-1][0] is not user:
        return "", None
    named = {keyword.arg: keyword.value for keyword in node.keywords}
    for part in (*node.args, *(named[key] for key in ("input", "hx") if key in named)):
        value, tensor = frames[-1][1].attempt(part), wrong
        shown = part.elts[0] if isinstance(part, ast.Tuple) and part.elts else part
        value = value[0] if isinstance(value, tuple) and value else value
        tensor = tensor[0] if isinstance(tensor, tuple) and tensor else tensor
        if not world.is_tensor(tensor) or not isinstance(value, NamedTensor) or value.sizes != tuple(tensor.shape):
            continue
        fact = world.fact(value, tensor)
        if fact is not None:
            return f"{ast.unparse(shown)} is {axes_words(fact.value)}, from {source_words(fact)}.", fact.parts[0][1].config
    return "", None
