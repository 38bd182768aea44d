"""The smallest change of an operation's tensors with which it runs, and joins only what belongs together.

Candidates are what people write: a transpose, a new axis, the last step, the last row of a state. Each is tried with named axes
(``rnndims.axes``), so nothing is computed; one that would join sequences with steps is no candidate, though its sizes may fit.
"""

import ast
from collections.abc import Callable, Iterator, Mapping, Sequence
from itertools import combinations
from typing import Any, Final

from ..axes.expressions import Reader
from ..axes.named_tensor import AxesError, NamedTensor
from ..axes.operations import apply
from .operands import FEATURES, FailedOperation, Operand, replaced

Change = tuple[int, str, NamedTensor]
"""What it costs, the code with ``_`` for the tensor, and what comes out."""

_ELEMENTWISE: Final = frozenset(
    {"add", "sub", "mul", "div", "eq", "ne", "lt", "le", "gt", "ge", "masked_fill", "where", "stack"}
)
_JOINS: Final = frozenset({"cat", "concat", "concatenate", "stack"})
_MOST: Final = 40
"""The highest cost of a change of two tensors."""


def mend(failed: FailedOperation) -> tuple[str, list[tuple[Operand, str]]] | None:
    """The failing code with the cheapest change with which it runs, and which operands change how.

    Returns:
        ``None`` if no small change helps.
    """
    node = failed.node
    operands = [operand for operand in failed.operands if isinstance(operand.value, NamedTensor) and operand.node is not None]
    if node is None or not operands or len(operands) > 4:
        return None
    wide = max(operand.value.ndim for operand in operands)

    def runs(changed: dict[int, NamedTensor]) -> bool:
        """Whether the operation runs with some operands replaced."""
        whole = node
        reader = failed.reader
        names = dict(reader.names)
        try:
            for at, operand in enumerate(operands):
                assert operand.node is not None  # noqa: S101 - looked at above
                reader.names[f"_{at}"] = changed.get(at, operand.value)
                whole = replaced(whole, operand.node, ast.Name(f"_{at}", ast.Load()))
            reader.trail.clear()
            value = Reader.value(reader, whole)
            step = reader.trail[-1] if reader.trail else None
        except (AxesError, RecursionError, TypeError):
            return False
        finally:
            reader.names = names
        return (
            isinstance(value, NamedTensor)
            and step is not None
            and is_meant(step.name, step.arguments, step.keywords, value, wide)
        )

    if failed.name == "index" or runs({}):  # if it runs as it is, what failed is not known
        return None
    found = search(operands, runs, joins=failed.name in _JOINS)
    if found is None:
        return None
    code = failed.with_operands(found)
    return None if code is None else (code, found)


def search(
    operands: list[Operand], runs: Callable[[dict[int, NamedTensor]], bool], *, joins: bool = False
) -> list[tuple[Operand, str]] | None:
    """The cheapest changes of one or two operands with which an operation runs."""
    made = [list(changes(operand, operands if joins else ())) for operand in operands]
    sets: list[tuple[int, int, list[tuple[int, Change]]]] = []
    twins = [pair for pair in combinations(range(len(operands)), 2) if _are_alike(*(operands[at].value for at in pair))]
    for at, options in enumerate(made):
        # of two outputs of unequal lengths, the last step of one alone is not meant
        is_twin = any(at in pair for pair in twins)
        sets += [(change[0], 1, [(at, change)]) for change in options if not (is_twin and "[" in change[1])]
    for first, second in twins:
        sets += [(a[0], 2, [(first, a), (second, b)]) for a in made[first] for b in made[second] if a[1] == b[1]]
    for (first, left), (second, right) in combinations(enumerate(made), 2):
        sets += [(a[0] + b[0], 2, [(first, a), (second, b)]) for a in left for b in right if a[0] + b[0] <= _MOST]
    for _, _, chosen in sorted(sets, key=lambda item: item[:2]):
        if runs({at: change[2] for at, change in chosen}):
            return [(operands[at], change[1]) for at, change in chosen]
    return None


def _are_alike(one: NamedTensor, other: NamedTensor) -> bool:
    """Whether two tensors have the same axes, by name, and differ in their sizes."""
    names = [tuple(value.names(dim) for dim in range(value.ndim)) for value in (one, other)]
    return names[0] == names[1] and all(names[0]) and one.sizes != other.sizes


def changes(operand: Operand, others: Sequence[Operand]) -> Iterator[Change]:
    """What people do to a tensor that meets others."""
    for cost, template, value in _changes(operand):
        if template != "_":
            yield cost, template, value
        for other in others:
            if other is not operand and other.shape is not None and len(other.shape) == value.ndim > 1:
                for dim, (one, many) in enumerate(zip(value.sizes[:-1], other.shape, strict=False)):
                    if one == 1 < many:
                        count = f"{other.text}.size({dim})" if isinstance(other.node, ast.Name) else str(many)
                        sizes = [-1 if d != dim else many for d in range(value.ndim)]
                        words = ["-1" if d != dim else count for d in range(value.ndim)]
                        yield cost + 10, f"{template}.expand({', '.join(words)})", apply("expand", value, *sizes)


def _changes(operand: Operand) -> Iterator[Change]:
    value = operand.value
    base: list[Change] = [(0, "_", value)]
    if operand.fact is not None:
        base += picks(value, bidirectional=any(origin.config.bidirectional for _, origin in operand.fact.parts))
    for cost, template, tensor in base:
        if cost or operand.value.ndim > 1:
            yield cost, template, tensor
        for more, code, moved in _moves(tensor):
            yield cost + more, template if code == "_" else code.replace("_", template, 1), moved


def picks(value: NamedTensor, *, bidirectional: bool) -> list[Change]:
    """What is read of a result as a whole: the last layer of a state, the last step of an output."""
    found: list[Change] = []
    rows = (("num_layers", "D"), ("num_layers",), ("D",))
    if (value.ndim == 3 and value.names(0) in rows) or _is_one_row(value):
        if bidirectional and value.sizes[0] > 1:
            last = [apply("index", value, at) for at in (-2, -1)]
            found.append((18, "torch.cat([_[-2], _[-1]], dim=-1)", apply("cat", last, -1)))
        else:
            found.append((8, "_[-1]", apply("index", value, -1)))
    elif value.ndim == 3 and not bidirectional:
        for dim, template, index in ((0, "_[-1]", (-1,)), (1, "_[:, -1]", (slice(None), -1))):
            if value.is_axis(dim, "L"):
                found.append((28, template, apply("index", value, index)))
    return found


def _is_one_row(value: NamedTensor) -> bool:
    return (
        value.ndim == 3
        and value.sizes[0] == 1
        and bool(value.sources)
        and all(n.startswith(("h_n", "c_n")) for n in value.sources)
    )


def _moves(value: NamedTensor) -> Iterator[Change]:
    """Other orders of the axes, and new ones of size 1."""
    options: list[tuple[int, str, str, tuple[Any, ...]]] = []
    count = value.ndim
    if count == 2:
        options.append((10, "_.transpose(0, 1)", "transpose", (0, 1)))
    if count >= 3:
        options += [(10, f"_.transpose({a}, {b})", "transpose", (a, b)) for a, b in ((0, 1), (1, 2))]
    if count == 3:
        options += [(18, f"_.permute{order}", "permute", order) for order in ((1, 2, 0), (2, 0, 1))]
    if count <= 3:
        options += [(10, f"_.unsqueeze({dim})", "unsqueeze", (dim,)) for dim in (*range(count), -1)]
    options += [(9, f"_.squeeze({dim})", "squeeze", (dim,)) for dim, size in enumerate(value.sizes) if size == 1]
    for cost, template, name, arguments in options:
        try:
            yield cost, template, apply(name, value, *arguments)
        except AxesError:
            continue
    if count == 2:  # both at once: (L, N) -> (N, 1, L)
        turned = apply("transpose", value, 0, 1)
        for dim in (1, -1):
            yield 20, f"_.transpose(0, 1).unsqueeze({dim})", apply("unsqueeze", turned, dim)


# --- what belongs together --------------------------------------------------------------------------------------------


def is_meant(name: str, arguments: tuple[Any, ...], keywords: Mapping[str, Any], value: NamedTensor, wide: int) -> bool:
    """Whether an operation that runs joins axes that are the same, as far as their names are known."""
    if name in _ELEMENTWISE:
        tensors = _tensors((arguments, list(keywords.values())))
        most = max(tensor.numel for tensor in tensors) if name != "stack" else value.numel
        return (
            value.ndim <= wide + (name == "stack") and value.numel <= most and _same_axes(tensors, set()) and _is_proper(value)
        )
    if name == "cat":
        parts, dim = _tensors((arguments, list(keywords.values()))), _dim_of(arguments, keywords)
        return _same_axes(parts, {dim % parts[0].ndim}) and all(_holds_features(part, dim) for part in parts)
    if name in ("bmm", "matmul", "mm"):
        a, b = _tensors(arguments)[:2]
        inner = b.names(b.ndim - 2) if b.ndim > 1 else b.names(0)
        batch = all(_agree(a.names(d), b.names(d)) for d in range(min(a.ndim, b.ndim) - 2))
        return _agree(a.names(a.ndim - 1), inner) and batch and _is_proper(value)
    if name == "einsum":
        return _is_proper(value) and _einsum_agrees(arguments)
    return name == "expand" and _is_proper(value)


def _tensors(value: Any) -> list[NamedTensor]:
    if isinstance(value, (tuple, list)):
        return [tensor for item in value for tensor in _tensors(item)]
    return [value] if isinstance(value, NamedTensor) else []


def _dim_of(arguments: tuple[Any, ...], keywords: Mapping[str, Any]) -> int:
    found = keywords.get("dim", keywords.get("axis", next(iter(arguments[1:]), 0)))
    return found if isinstance(found, int) else 0


def _agree(one: tuple[str, ...], other: tuple[str, ...]) -> bool:
    """Whether two axes may be the same; where a name is not known, they may."""
    if not one or not other or "?" in one or "?" in other:
        return True
    return one == other or (set(one) <= {*FEATURES, "D"} and set(other) <= {*FEATURES, "D"})


def _same_axes(tensors: list[NamedTensor], but: set[int]) -> bool:
    """Whether axes that meet, counted from the last one, are the same."""
    for one, other in combinations(tensors, 2):
        for back in range(1, min(one.ndim, other.ndim) + 1):
            d, e = one.ndim - back, other.ndim - back
            if d not in but and 1 not in (one.sizes[d], other.sizes[e]) and not _agree(one.names(d), other.names(e)):
                return False
    return True


def _holds_features(value: NamedTensor, dim: int) -> bool:
    names = value.names(dim % value.ndim)
    return not names or "?" in names or set(names) <= {*FEATURES, "D"}


def _is_proper(value: NamedTensor) -> bool:
    """Whether no result has the sequences, or the rows of a state, twice."""
    whole = [name for dim in range(value.ndim) for name in set(value.names(dim)) if value.sizes[dim] != 1]
    return all(whole.count(name) <= 1 for name in ("N", "num_layers"))


def _einsum_agrees(arguments: tuple[Any, ...]) -> bool:
    equation = next((item for item in arguments if isinstance(item, str)), "")
    seen: dict[str, tuple[str, ...]] = {}
    for letters, tensor in zip(equation.replace(" ", "").partition("->")[0].split(","), _tensors(arguments), strict=False):
        for letter, dim in zip(letters, range(tensor.ndim), strict=False):
            if not _agree(seen.setdefault(letter, tensor.names(dim)), tensor.names(dim)):
                return False
    return True
