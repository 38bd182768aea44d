"""Sequences of unequal lengths that were to become one batch: by a ``DataLoader``, ``torch.stack``, ``pad_sequence``."""

import ast
import re
from types import TracebackType
from typing import Any

from ..diagnose import Problem
from ..errors import shorten
from ..live.trace_report import TracedProblem
from ..phrases import shape_text
from ..shapes import Shape
from .user_line import UserLine, argument, recurrent_parts, replaced, user_lines, values_of, with_argument

# the shapes in: stack expects each tensor to be equal size, but got [3, 3] at entry 0 and [5, 3] at entry 1
_STACK = re.compile(
    r"stack expects each tensor to be equal size, but got \[([\d, ]*)\] at entry \d+ and \[([\d, ]*)\] at entry"
)
_LISTS = "each element in list of batch should be of equal size"
_RAGGED = "expected sequence of length"
_LENGTHS = "'lengths' argument should be a 1D CPU int64 tensor"


def explain_collating(error: BaseException, entries: list[TracebackType], _recorder: object = None) -> TracedProblem | None:
    """Why sequences do not become one batch, in a program with RNNs; ``None`` of anything else."""
    lines = list(user_lines(entries))
    if not lines:
        return None
    message, line = str(error), lines[0]
    packing = next((entry.tb_frame for entry in reversed(entries) if _is_of(entry, "torch.nn.utils.rnn")), None)
    if packing is not None:
        names = packing.f_locals
        if packing.f_code.co_name == "pad_sequence" and "sequences" in names:
            problem = _padding(names["sequences"], line, message)
        else:
            problem = _lengths(names.get("lengths"), line, message) if _LENGTHS in message else None
        return None if problem is None else line.explained(problem)
    if not (_STACK.search(message) or _LISTS in message or _RAGGED in message):
        return None
    rnns = [config for each in lines for value in values_of(each.frame).values() for config in recurrent_parts(value).values()]
    if not rnns:
        return None
    batch_first = any(config.batch_first for config in rnns)
    in_users = entries[-1].tb_frame is line.frame  # a collate_fn of the user's, for example
    if not in_users and any(_is_of(entry, "torch.utils.data") for entry in entries):
        problem = _loader(entries, lines, message, batch_first=batch_first)
    else:
        problem = _stacking(line, message, batch_first=batch_first)
    return None if problem is None else line.explained(problem)


def _is_of(entry: TracebackType, package: str) -> bool:
    return str(entry.tb_frame.f_globals.get("__name__", "")).startswith(package)


def _batch_problem(message: str, words: str, fix: str | None, advice: str | None = None) -> Problem:
    return Problem(
        tensor="input",
        cause="packed_lengths",
        message=words,
        torch=shorten(
            message,
            200,
        ),
        fix=fix,
        advice=advice,
    )


# --- DataLoader ------------------------------------------------------------------------------------------------------


def _loader(entries: list[TracebackType], lines: list[UserLine], message: str, *, batch_first: bool) -> Problem | None:
    """A ``DataLoader`` without a ``collate_fn`` that pads; a worker process leaves no more than a text of what it had."""
    found = _STACK.search(message)
    shapes = [] if found is None else [tuple(int(size) for size in text.split(",") if text.strip()) for text in found.groups()]
    if shapes and not _differ_in_length(shapes):
        return None
    batch = next((e.tb_frame.f_locals["batch"] for e in entries if e.tb_frame.f_code.co_name == "default_collate"), None)
    if batch is None and "default_collate" not in message:
        return None  # a collate_fn of the user's, in a worker process
    function = _collate_function(batch, message, batch_first=batch_first)
    sizes = f": {shape_text(shapes[0])} and {shape_text(shapes[1])}" if shapes else ""
    words = f"Without a collate_fn, DataLoader stacks the items of a batch, and here their lengths differ{sizes}."
    name, fix = _named_loader(entries, lines), None
    if name:
        fix = f"{function}\n{name}.collate_fn = collate"
    else:
        call = next((call for line in lines if (call := line.call_of("DataLoader")) is not None), None)
        if call is not None:
            keywords = [*call.keywords, ast.keyword("collate_fn", ast.Name("collate", ast.Load()))]
            fix = f"{function}\n{ast.unparse(ast.Call(call.func, call.args, keywords))}"
    advice = "collate can return the lengths too, for pack_padded_sequence: the padding is then not read."
    if fix is None:
        fix, advice = function, f"Pass it: DataLoader(..., collate_fn=collate). {advice}"
    return _batch_problem(message.rpartition("Error: ")[2], words, fix, advice)


def _differ_in_length(shapes: list[Shape]) -> bool:
    """Whether tensors differ in their first dim alone, as sequences do."""
    return len({shape[1:] for shape in shapes}) == 1 and all(shapes)


def _named_loader(entries: list[TracebackType], lines: list[UserLine]) -> str:
    """The user's variable for the loader whose iterator failed."""
    iterators = (entry.tb_frame.f_locals.get("self") for entry in entries if entry.tb_frame.f_code.co_name == "__next__")
    data = next((vars(each)["_dataset"] for each in iterators if "_dataset" in getattr(each, "__dict__", {})), None)
    for line in lines:
        for name, value in values_of(line.frame).items():
            if type(value).__name__ == "DataLoader" and data is not None and getattr(value, "dataset", None) is data:
                return name
    return ""


def _collate_function(batch: Any, message: str, *, batch_first: bool) -> str:
    """The source of a function that pads what has lengths and leaves the rest to ``default_collate``."""
    sample = batch[0] if isinstance(batch, (list, tuple)) and batch else None
    if isinstance(sample, dict):
        keys = [key for key in sample if _has_lengths([item[key] for item in batch])]
        rest = f"{{k: v for k, v in item.items() if k not in {keys!r}}}"
        lines = [f"made = torch.utils.data.default_collate([{rest} for item in batch])"]
        lines += [f"made[{key!r}] = {_pad('batch', batch_first, f'item[{key!r}]')}" for key in keys]
        lines += ["return made"]
    elif isinstance(sample, (tuple, list)) or (sample is None and "collate(samples" in message):
        count = 2 if sample is None else len(sample)  # a worker does not say: a sequence and its label
        parts = ["sequences", "labels"] if count == 2 else [f"part_{at}" for at in range(count)]
        columns = [] if sample is None else list(zip(*batch, strict=False))
        padded = [_has_lengths(list(column)) for column in columns] or [True, False]
        made = [
            _pad(part, batch_first) if is_padded else f"torch.utils.data.default_collate({part})"
            for part, is_padded in zip(parts, padded, strict=True)
        ]
        lines = [f"{', '.join(parts)} = zip(*batch)", f"return {', '.join(made)}"]
    else:
        lines = [f"return {_pad('batch', batch_first)}"]
    return "\n    ".join(["def collate(batch):", *lines])


def _pad(items: str, batch_first: bool, item: str = "item") -> str:
    sequences = f"[torch.as_tensor({item}) for item in {items}]"
    return f"torch.nn.utils.rnn.pad_sequence({sequences}, batch_first={batch_first})"


def _has_lengths(items: list[Any]) -> bool:
    """Whether these are sequences, and not all of one length."""
    sized = [item for item in items if hasattr(item, "__len__") and not isinstance(item, (str, bytes, dict))]
    return len(sized) == len(items) and all(getattr(item, "ndim", 1) for item in sized) and len({len(i) for i in sized}) > 1


# --- torch.stack, torch.tensor ---------------------------------------------------------------------------------------


def _stacking(line: UserLine, message: str, *, batch_first: bool) -> Problem | None:
    """``torch.stack`` of sequences, or ``torch.tensor`` of lists."""
    call = line.call_of("stack", "tensor", "as_tensor", "LongTensor", "FloatTensor")
    node = argument(call, 0, "tensors")
    if call is None or node is None:
        return None
    name = ast.unparse(node)
    items = values_of(line.frame).get(name) if isinstance(node, ast.Name) else None
    found = _STACK.search(message)
    if found is not None:
        shapes = [tuple(int(size) for size in text.split(",") if text.strip()) for text in found.groups()]
        if not _differ_in_length(shapes):
            return None
        words = f"The sequences in {name} have different lengths, {shapes[0][0]} and {shapes[1][0]}: stack takes equal ones."
        code = f"nn.utils.rnn.pad_sequence({name}, batch_first={batch_first})"
    else:
        if items is not None and not (isinstance(items, (list, tuple)) and _has_lengths(list(items))):
            return None
        words = f"The lists in {name} have different lengths, and a tensor has rows of one length."
        code = f"nn.utils.rnn.pad_sequence([torch.tensor(item) for item in {name}], batch_first={batch_first})"
    return _batch_problem(message, words, code)


# --- padding and packing ---------------------------------------------------------------------------------------------


def _padding(sequences: Any, line: UserLine, message: str) -> Problem | None:
    """``pad_sequence`` of something else than tensors that differ in their first dim."""
    items = list(sequences) if isinstance(sequences, (list, tuple)) else []
    call = line.call_of("pad_sequence")
    node = argument(call, 0, "sequences")
    name = "the list" if node is None else ast.unparse(node)
    takes = "pad_sequence takes a list of tensors, the steps of each in dim 0"
    mend, advice = None, None
    if not items:
        words, advice = f"{takes}; {name} is empty.", "Leave empty batches out."
    elif any(not hasattr(item, "dim") for item in items):
        kind = next(type(item).__name__ for item in items if not hasattr(item, "dim"))
        words, mend = f"{takes}; {name} has a {kind} in it.", "torch.as_tensor(item)"
    else:
        shapes = [tuple(item.shape) for item in items]
        said = " and ".join(dict.fromkeys(map(shape_text, shapes[:6])))
        words = f"{takes}; {name} has {said}."
        if all(len(shape) == 3 and shape[0] == 1 for shape in shapes) and len({shape[2] for shape in shapes}) == 1:
            mend = "item[0]"
        elif all(len(shape) == 2 for shape in shapes) and len({shape[0] for shape in shapes}) == 1:
            mend = "item.t()"
        elif all(shape == () for shape in shapes):
            advice = f"These are single numbers: torch.stack({name}) makes one tensor of them."
        else:
            advice = "All dims but the first must be the same."
    fix = None
    if mend is not None and call is not None and node is not None:
        fix = with_argument(call, node, f"[{mend} for item in {name}]")
    return _batch_problem(message, words, fix, advice)


def _lengths(lengths: Any, line: UserLine, message: str) -> Problem | None:
    """Lengths that are on another device, or have another form than a list."""
    call = line.call_of("pack_padded_sequence")
    node = argument(call, 1, "lengths")
    if not hasattr(lengths, "device"):
        return None
    name = "lengths" if node is None else ast.unparse(node)
    steps = []
    if lengths.device.type != "cpu":
        words = f"pack_padded_sequence reads the lengths on the CPU; {name} is on {lengths.device}."
        steps.append(".cpu()")
    else:
        words = f"pack_padded_sequence takes the lengths as one list; {name} is {shape_text(tuple(lengths.shape))}."
    if lengths.dim() != 1:
        steps.append(".flatten()")
    fix = None if node is None or call is None else replaced(call, node, f"{name}{''.join(steps)}")
    return Problem(
        tensor="lengths",
        cause="packed_lengths",
        message=words,
        torch=shorten(message, 200),
        fix=fix,
        advice="Leave them on the CPU when the batch is moved." if ".cpu()" in steps else None,
    )
