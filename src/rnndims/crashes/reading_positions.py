"""Reading results at places or in sizes that they do not have: ``view``, ``gather``, an index."""

import ast
import re
from typing import Any

from ..axes.named_tensor import AxesError, NamedTensor
from ..axes.operations import apply
from ..diagnose import Problem
from ..errors import shorten
from ..phrases import shape_text
from .operands import FailedOperation, Operand, axes_words, replaced, source_words


def _problem(failed: FailedOperation, message: str, cause: Any = "neighbour_shape", **fields: Any) -> Problem:
    return Problem(tensor="input", cause=cause, message=message, torch=shorten(failed.message, 300), **fields)


def explain_view(failed: FailedOperation, operand: Operand) -> Problem | None:
    """A view of numbers that do not lie in one row, or to sizes that do not fit."""
    value = operand.value
    if not isinstance(value, NamedTensor) or operand.fact is None:
        return None
    node = failed.node
    if "stride" in failed.message or "contiguous" in failed.message:
        message = (
            f"view needs numbers that lie one behind the other; {axes_words(value)}, from {source_words(operand.fact)}, was "
        )
        message += "only turned or cut: its numbers still lie as before."
        fix = None
        if isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute) and failed.expression is not None:
            copied = ast.Call(ast.Attribute(node.func.value, "reshape", ast.Load()), node.args, node.keywords)
            fix = ast.unparse(ast.fix_missing_locations(replaced(failed.expression, node, copied)))
        return _problem(failed, message, "contiguity", got=value.sizes, fix=fix, advice="reshape copies them.")
    message = (
        f"{operand.text or 'the input'} is {axes_words(value)}, from {source_words(operand.fact)}: {value.numel:,} numbers"
    )
    sizes = _sizes(failed, operand)
    if sizes is not None:
        message += f", which do not fit into {shape_text(sizes)}"
    return _problem(failed, f"{message}.", got=value.sizes, fix=_other_sizes(failed, operand, sizes))


def _size_nodes(failed: FailedOperation, operand: Operand) -> list[ast.expr]:
    node = failed.node
    if not isinstance(node, ast.Call):
        return []
    nodes = [argument for argument in node.args if argument is not operand.node]
    only = nodes[0] if len(nodes) == 1 else None
    return list(only.elts) if isinstance(only, ast.Tuple | ast.List) else nodes


def _sizes(failed: FailedOperation, operand: Operand) -> tuple[int, ...] | None:
    found = [failed.reader.attempt(node) for node in _size_nodes(failed, operand)]
    return tuple(int(size) for size in found) if found and all(isinstance(size, int) for size in found) else None


def _other_sizes(failed: FailedOperation, operand: Operand, sizes: tuple[int, ...] | None) -> str | None:
    """The same view with one size changed, if then no axes are mixed."""
    nodes, value = _size_nodes(failed, operand), operand.value
    if sizes is None or failed.expression is None:
        return None
    options: list[tuple[int, int, str]] = []
    for at, size in enumerate(sizes):
        for dim, real in enumerate(value.sizes):
            names = value.names(dim)
            if real not in (size, 1) and size > 0:
                width = "D" in names and real == 2 * size
                options.append((0 if width else 2, at, str(real)))
        if -1 not in sizes:
            options.append((1, at, "-1"))
    for _, at, text in sorted(options, key=lambda option: option[0]):
        wanted = [int(text) if other == at else size for other, size in enumerate(sizes)]
        try:
            made = apply("reshape", value, *wanted)
        except AxesError:
            continue
        if all("?" not in made.names(dim) for dim in range(made.ndim)) and _in_order(value, made):
            return ast.unparse(replaced(failed.expression, nodes[at], ast.parse(text, mode="eval").body))
    return None


def _in_order(value: NamedTensor, made: NamedTensor) -> bool:
    """Whether the first axis is still the first one: sequences do not become steps."""
    first = value.names(0)[:1]
    return not first or made.names(0)[:1] == first


def explain_index(failed: FailedOperation) -> Problem | None:
    """A place that is not there: lengths that were not counted from 0, an index of another form."""
    known = failed.known()
    if failed.name not in ("index", "gather", "index_select", "select") or not known:
        return None
    operand = known[0]
    value = operand.value
    if not isinstance(value, NamedTensor) or operand is not failed.operands[0]:
        return None
    head = f"{operand.text or 'the input'} is {axes_words(value)}, from {source_words(operand.fact)}" if operand.fact else ""
    beyond = re.search(r"index (-?\d+) is out of bounds for dimension (\d+) with size (\d+)", failed.message)
    if beyond:
        number, dim, size = (int(group) for group in beyond.groups())
        places = f"{size} places, 0 to {size - 1}" if size > 1 else "one place, 0"
        message = f"{head}: dim {dim} has {places}, and {number} is read."
        fix = _lengths_less_one(failed, operand, size) if number == size else None
        if fix is not None:
            message += " The last step of a sequence is its length - 1."
        elif number == size:
            fix = _last_place(failed, number)
        return _problem(failed, message, got=value.sizes, fix=fix)
    many = "too many indices" in failed.message
    if many:
        node = failed.expression
        count = len(node.slice.elts) if isinstance(node, ast.Subscript) and isinstance(node.slice, ast.Tuple) else 1
        return _problem(
            failed, f"{head}, {value.ndim} dims; the index has {count}.", got=value.sizes, fix=_fewer(failed, value)
        )
    if failed.name == "gather":
        return _gather(failed, operand, head)
    return None


def _fewer(failed: FailedOperation, value: NamedTensor) -> str | None:
    """``h[-1, :, :]`` of two dims: the whole slices at the end are left out."""
    node = failed.expression
    if not (isinstance(node, ast.Subscript) and isinstance(node.slice, ast.Tuple)):
        return None
    parts = list(node.slice.elts)
    while len(parts) > value.ndim and isinstance(parts[-1], ast.Slice) and ast.unparse(parts[-1]) == ":":
        parts.pop()
    if len(parts) > value.ndim:
        return None
    return ast.unparse(ast.Subscript(node.value, ast.Tuple(parts, ast.Load()), ast.Load()))


def _lengths_less_one(failed: FailedOperation, operand: Operand, size: int) -> str | None:
    """The failing code with ``lengths - 1`` for lengths that are used as places."""
    if failed.expression is None:
        return None
    for node in ast.walk(failed.expression):
        if isinstance(node, ast.Name) and isinstance(node.ctx, ast.Load) and node is not operand.node:
            found = failed.reader.attempt(node)
            content = found.content if isinstance(found, NamedTensor) and found.kind == "int" else None
            if content is not None and max(content, default=0) == size and min(content, default=0) >= 1:
                return ast.unparse(replaced(failed.expression, node, ast.parse(f"({node.id} - 1)", mode="eval").body))
    return None


def _last_place(failed: FailedOperation, number: int) -> str | None:
    """The failing code with -1 for the one number in it that is too high by one."""
    node = failed.expression
    inside = [] if not isinstance(node, ast.Subscript) else [node.slice, *ast.iter_child_nodes(node.slice)]
    found = [part for part in inside if isinstance(part, ast.Constant) and part.value == number]
    if node is None or len(found) != 1:
        return None
    return ast.unparse(replaced(node, found[0], ast.parse("-1", mode="eval").body))


def _gather(failed: FailedOperation, operand: Operand, head: str) -> Problem | None:
    """``gather`` takes an index with as many dims, and reads as many numbers as the index has."""
    value, index = operand.value, failed.operands[1] if len(failed.operands) > 1 else None
    if index is None or not isinstance(index.value, NamedTensor):
        return None
    message = f"{head}; the index {index.text} is {shape_text(index.value.sizes)}. gather takes an index with as many dims, "
    message += "and reads one number for each number of the index."
    fix = None
    lengths = _base_of(failed, index)
    if value.ndim == 3 and lengths is not None and isinstance(failed.node, ast.Call):
        name, less = lengths
        batch = 0 if value.is_axis(0, "N") else 1
        steps = 1 - batch
        count = f"{operand.node.id}.size(2)" if isinstance(operand.node, ast.Name) else str(value.sizes[2])
        at = f"{name}{less}"
        at = f"({at})" if less else at
        view, expand = ("-1, 1, 1", f"-1, 1, {count}") if batch == 0 else ("1, -1, 1", f"1, -1, {count}")
        fix = f"{operand.text}.gather({steps}, {at}.view({view}).expand({expand}))"
        if failed.expression is not failed.node and failed.expression is not None:
            fix = ast.unparse(replaced(failed.expression, failed.node, ast.parse(fix, mode="eval").body))
    return _problem(failed, message, got=index.value.sizes, fix=fix)


def _base_of(failed: FailedOperation, index: Operand) -> tuple[str, str] | None:
    """The ints that an index of ``gather`` is made of, one for each sequence, and what makes places of them: `` - 1``."""
    value = failed.operands[0].value
    batch = value.sizes[0 if value.is_axis(0, "N") else 1]
    todo: list[ast.expr] = [] if index.node is None else [index.node]
    for _ in range(4):
        for node in todo:
            for part in ast.walk(node):
                if isinstance(part, ast.Name):
                    found = failed.reader.attempt(part)
                    if isinstance(found, NamedTensor) and found.kind == "int" and found.sizes == (batch,):
                        return _places(part.id, found, value)
        names = {part.id for node in todo for part in ast.walk(node) if isinstance(part, ast.Name)}
        todo = [expression for name in names if (expression := failed.reader.made_of(name)) is not None]
    return None


def _places(name: str, found: NamedTensor, value: NamedTensor) -> tuple[str, str] | None:
    steps = value.sizes[1 if value.is_axis(0, "N") else 0]
    if found.content is None or min(found.content, default=0) < 0 or max(found.content, default=0) > steps:
        return None
    return name, " - 1" if max(found.content, default=0) == steps or "len" in name else ""
