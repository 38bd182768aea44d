"""A loss that refuses its input and its target: which axis it reads as what, and the change that makes them fit."""

import ast
from collections.abc import Callable
from typing import Any, Final

from ..axes.named_tensor import NamedTensor
from ..diagnose import Problem
from ..errors import shorten
from ..phrases import shape_text
from ..shapes import Shape
from .mending import search
from .operands import FEATURES, FailedOperation, Operand, axes_words, product_words, put

CLASSES: Final = frozenset({"cross_entropy", "nll_loss"})
NUMBERS: Final = frozenset(
    {
        "binary_cross_entropy",
        "binary_cross_entropy_with_logits",
        "huber_loss",
        "kl_div",
        "l1_loss",
        "mse_loss",
        "smooth_l1_loss",
    }
)


def explain_loss(failed: FailedOperation) -> Problem | None:
    """Why a loss failed; ``None`` if its input does not come from an RNN, or it is no loss."""
    if failed.name == "ctc_loss":
        return _ctc(failed)
    if failed.name not in CLASSES | NUMBERS or len(failed.operands) < 2:
        return None
    scores, target = failed.operands[:2]
    if scores.fact is None or scores.shape is None or target.shape is None:
        return None
    if failed.name in NUMBERS:
        return _numbers(failed, scores, target)
    return _out_of_classes(failed, scores) or _classes(failed, scores, target)


def _problem(failed: FailedOperation, tensor: str, message: str, **fields: Any) -> Problem:
    certain = all(operand.fact is None or operand.fact.certain for operand in failed.operands)
    return Problem(
        tensor=tensor, cause="loss_shape", message=message, torch=shorten(failed.message, 300), certain=certain, **fields
    )


def _named(operand: Operand, otherwise: str) -> str:
    return operand.text or otherwise


def _is(operand: Operand, otherwise: str) -> str:
    assert isinstance(operand.value, NamedTensor)  # noqa: S101 - looked at before
    return f"{_named(operand, otherwise)} is {axes_words(operand.value)}"


def _mended(failed: FailedOperation, operands: list[Operand], fits: Callable[..., bool]) -> str | None:
    """The call with the cheapest change with which the loss takes its tensors."""
    if any(operand.node is None for operand in operands):
        return None

    def runs(changed: dict[int, NamedTensor]) -> bool:
        return fits(*(changed.get(at, operand.value) for at, operand in enumerate(operands)))

    found = search(operands, runs)
    return None if found is None else failed.with_operands(found)


# --- a number for each number ------------------------------------------------------------------------------------------


def _numbers(failed: FailedOperation, scores: Operand, target: Operand) -> Problem:
    """A loss that compares number by number."""
    message = f"This loss compares number by number; {_is(scores, 'its input')}, and {_is(target, 'the target')}."
    fix = _mended(failed, [scores, target], lambda a, b: a.sizes == b.sizes and _same_names(a, b))
    advice = None if fix else "Give the loss two tensors of the same shape."
    return _problem(failed, "target", message, expected=scores.shape, got=target.shape, fix=fix, advice=advice)


def _same_names(one: NamedTensor, other: NamedTensor) -> bool:
    pairs = [(one.names(dim), other.names(dim)) for dim in range(one.ndim)]
    return all(not a or not b or "?" in (*a, *b) or a == b for a, b in pairs)


# --- classes ---------------------------------------------------------------------------------------------------------


def _is_classes(value: NamedTensor, dim: int) -> bool:
    """Whether an axis may hold the scores of the classes."""
    names = value.names(dim)
    return not names or "?" in names or set(names) <= {*FEATURES, "D"}


def _classes(failed: FailedOperation, scores: Operand, target: Operand) -> Problem:
    """Cross-entropy: the classes are dim 1, and there is one target for each row."""
    value, shape = scores.value, target.shape
    assert shape is not None  # noqa: S101 - looked at before
    expected = value.sizes[:1] + value.sizes[2:] if value.ndim > 1 else ()
    is_int = target.value.kind == "int"
    named, wanted = _named(scores, "its input"), _named(target, "the target")
    if is_int and shape == value.sizes and value.ndim > 1:
        turned = value.ndim == 3
        message = (
            f"The loss takes the number of a class for each row, or probabilities, which are floats; {wanted} is "
            f"{shape_text(shape)}, one-hot, and its numbers are ints."
        )
        changes = [(target, "_.argmax(-1)"), *([(scores, "_.transpose(1, 2)")] if turned else [])]
        return _problem(failed, "target", message, expected=shape[:-1], got=shape, fix=failed.with_operands(changes))
    if value.ndim == 3 and len(shape) == 2 and shape == value.sizes[:2]:
        message = f"The loss takes the classes as dim 1; {named} is {axes_words(value)}, with the classes last."
        turned_sizes = (value.sizes[0], value.sizes[2], value.sizes[1])
        fix = failed.with_operand(scores, "_.transpose(1, 2)")
        return _problem(failed, "input", message, expected=turned_sizes, got=value.sizes, fix=fix)

    def fits(b: NamedTensor, a: NamedTensor) -> bool:
        return a.ndim > 1 and _is_classes(a, 1) and b.sizes == a.sizes[:1] + a.sizes[2:] and _same_rows(a, b)

    if value.ndim == 2 and len(shape) == 1 and shape[0] != value.sizes[0]:
        rows = f"{value.sizes[0]} rows{product_words(value, 0)}"
        message = f"The loss takes one target for each row; {named} has {rows}, and there are {shape[0]} targets."
        return _problem(
            failed,
            "input",
            message,
            expected=shape[:1],
            got=value.sizes[:1],
            fix=_last_step(failed, scores, shape),
            advice=_rows_advice(value, shape),
        )
    if value.ndim == 2 and len(shape) == 2 and shape[0] * shape[1] == value.sizes[0] and shape[1] != 1:
        rows = product_words(value, 0)
        message = (
            f"{named} has {value.sizes[0]} rows{rows}; {wanted} is {shape_text(shape)}. The loss takes one row of targets."
        )
        steps_first = value.names(0)[:1] == ("L",) and value.sizes[0] != shape[0] and _size_of(value, "L") == shape[1]
        template = "_.transpose(0, 1).reshape(-1)" if steps_first else "_.reshape(-1)"
        fix = failed.with_operand(target, template)
        return _problem(failed, "target", message, expected=(value.sizes[0],), got=shape, fix=fix)
    fix = _mended(failed, [target, scores], fits)
    needed = f"needs a target {shape_text(expected)}" if expected else "needs one number"
    message = f"The loss takes the classes as dim 1; {_is(scores, 'its input')}, so it {needed}; {_is(target, 'the target')}."
    if value.ndim == 3 and not _is_classes(value, 1):
        message = f"The loss takes the classes as dim 1; {_is(scores, 'its input')}, and {_is(target, 'the target')}."
    advice = None if fix else "Use scores and targets of the same steps and sequences."
    return _problem(failed, "input", message, expected=expected, got=value.sizes, fix=fix, advice=advice)


def _size_of(value: NamedTensor, name: str) -> int:
    return next((f.size for axis in value.axes for f in axis if (f.of is not None and getattr(f.of, "name", "") == name)), 0)


def _same_rows(scores: NamedTensor, target: NamedTensor) -> bool:
    left = [scores.names(dim) for dim in range(scores.ndim) if dim != 1]
    right = [target.names(dim) for dim in range(target.ndim)]
    return all(not a or not b or "?" in (*a, *b) or a == b for a, b in zip(left, right, strict=True))


def _rows_advice(value: NamedTensor, shape: Shape) -> str | None:
    """What to do where rows and targets are not as many."""
    if _size_of(value, "N") == shape[0] and value.names(0) != ("N",):
        return "Give the loss one step of each sequence, or one target for each step."
    return "Use scores and targets of the same steps and sequences."


def _last_step(failed: FailedOperation, scores: Operand, shape: Shape) -> str | None:
    """Scores of every step, flattened, against one label for each sequence: the scores of the last step.

    ``logits.view(-1, 5)`` becomes ``logits[:, -1]``.
    """
    node = scores.node
    if not (
        isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute) and node.func.attr in ("view", "reshape", "flatten")
    ):
        return None
    before = failed.reader.attempt(node.func.value)
    if not isinstance(before, NamedTensor) or before.ndim != 3:
        return None
    for template, dim, other in (("_[:, -1]", 1, 0), ("_[-1]", 0, 1)):
        if before.is_axis(dim, "L") and before.sizes[other] == shape[0]:
            inner = put(template, node.func.value)
            return failed.with_operand(scores, ast.unparse(inner))
    return None


def _out_of_classes(failed: FailedOperation, scores: Operand) -> Problem | None:
    """A target that is no class."""
    if "out of bounds" not in failed.message:
        return None
    classes = scores.value.sizes[1 if scores.value.ndim > 1 else 0]
    number = failed.message.split()[1]
    message = f"{_is(scores, 'its input')}: {classes} classes, 0 to {classes - 1}. The target has class {number}."
    advice = "Count the classes from 0, or make the last Linear wider; ignore_index=... leaves out the targets of padding."
    return _problem(failed, "target", message, got=scores.shape, advice=advice)


# --- CTC -------------------------------------------------------------------------------------------------------------


def _ctc(failed: FailedOperation) -> Problem | None:
    """The CTC loss takes the steps first, whatever ``batch_first`` says; its lengths are those of the steps it gets."""
    found = failed.arguments
    scores = next((operand for operand in failed.operands if operand.tensor is found.get("log_probs")), None)
    if scores is None or scores.fact is None or scores.shape is None or not isinstance(scores.value, NamedTensor):
        return None
    value, named = scores.value, _named(scores, "log_probs")
    counts = {len(lengths) for key in ("input_lengths", "target_lengths") if (lengths := _ints(failed, found.get(key)))}
    by_lengths = (
        value.ndim == 3 and counts == {value.sizes[0]} and value.sizes[0] != value.sizes[1] and value.names(0)[:1] != ("L",)
    )
    if value.ndim == 3 and ((value.is_axis(0, "N") and not value.is_axis(1, "N")) or by_lengths):
        return _problem(
            failed,
            "log_probs",
            f"The CTC loss takes (L, N, classes), the steps first; {named} is {axes_words(value)}.",
            expected=(value.sizes[1], value.sizes[0], value.sizes[2]),
            got=value.sizes,
            fix=failed.with_operand(scores, "_.transpose(0, 1)"),
        )
    if value.ndim != 3:
        message = f"The CTC loss takes (L, N, classes), the scores of every step; {named} is {axes_words(value)}."
        return _problem(
            failed, "log_probs", message, got=value.sizes, advice="Give it the scores of output, with all its steps."
        )
    steps, batch, _ = value.sizes
    head = f"{named} is {axes_words(value)}"
    for name, most, what in (("input_lengths", steps, "steps"), ("target_lengths", None, "targets")):
        lengths = _ints(failed, found.get(name))
        node = _argument(failed, name)
        if lengths is None:
            continue
        if len(lengths) != batch:
            message = f"{head}, a batch of {batch}; {name} has {len(lengths)}. The CTC loss takes one of each sequence."
            full = f"torch.full(({batch},), {steps})" if name == "input_lengths" else None
            fix = None if full is None or node is None else failed.with_operand(Operand(node, None), full)
            advice = None if fix else f"Give it {batch} {name}."
            return _problem(failed, name, message, expected=(batch,), got=(len(lengths),), fix=fix, advice=advice)
        if most is not None and max(lengths, default=0) > most:
            message = f"{head}, so each sequence has at most {most} {what}; {name} says {max(lengths)}."
            fix = None if node is None else failed.with_operand(Operand(node, None), f"torch.full(({batch},), {most})")
            advice = "Steps that are left out before the loss (strides, pooling) shorten the lengths too."
            return _problem(failed, name, message, expected=(batch,), got=(len(lengths),), fix=fix, advice=advice)
    targets: Any = found.get("targets")
    shape = tuple(int(size) for size in targets.shape) if failed.world.is_tensor(targets) else None
    longest = max(_ints(failed, found.get("target_lengths")) or (0,))
    if shape is not None and len(shape) == 2 and (shape[0] != batch or longest > shape[1]):
        message = f"{head}, a batch of {batch}; the targets are {shape_text(shape)}, and the longest is to have {longest}."
        advice = f"Give it targets ({batch}, S) with lengths of at most S."
        return _problem(failed, "targets", message, expected=(batch, max(longest, shape[1])), got=shape, advice=advice)
    return None


def _argument(failed: FailedOperation, name: str) -> ast.expr | None:
    """The user's code for one argument of the CTC loss."""
    if failed.call is None:
        return None
    at = ("log_probs", "targets", "input_lengths", "target_lengths").index(name)
    named = {keyword.arg: keyword.value for keyword in failed.call.keywords}
    return named.get(name, failed.call.args[at] if len(failed.call.args) > at else None)


def _ints(failed: FailedOperation, value: Any) -> tuple[int, ...] | None:
    """The numbers of lengths."""
    if failed.world.is_tensor(value):
        return tuple(value.reshape(-1).tolist()) if value.device.type == "cpu" and value.numel() < 10_000 else None
    return tuple(value) if isinstance(value, (tuple, list)) and all(isinstance(item, int) for item in value) else None
