"""How results are used: ``output[:, -1]``, ``h_n.view(3, -1)`` as text, followed dim by dim without running anything."""

from dataclasses import dataclass
from math import prod
from typing import TYPE_CHECKING, Any, Final, NoReturn

from ..config import RNNConfig
from ..errors import ConfigError
from ..shapes import Shape

if TYPE_CHECKING:
    import ast

NAMES: Final = {
    "output": "output",
    "out": "output",
    "outputs": "output",
    "h_n": "h_n",
    "hn": "h_n",
    "hidden": "h_n",
    "c_n": "c_n",
    "cn": "c_n",
    "cell": "c_n",
}
"""Names people give the results, and PyTorch's own."""

READABLE: Final = (
    "[...], .view, .reshape, .transpose, .permute, .squeeze, .unsqueeze, .flatten, .contiguous, .mean, .sum, .detach"
)


@dataclass(frozen=True, slots=True)
class Use:
    """An expression of one result. ``shape`` is its shape, ``()`` where no input is given; ``steps`` are its operations."""

    text: str
    name: str
    shape: Shape
    steps: tuple[tuple[str, tuple[Any, ...], Shape], ...]


def read_use(text: str, config: RNNConfig, real: dict[str, Shape]) -> Use:
    """Follow one expression.

    Args:
        text: the expression, one of ``output``, ``h_n``, ``c_n`` with indexing and shape methods; never executed.
        config: the module.
        real: shape of each result, by name; empty if unknown.

    Raises:
        ConfigError: where it cannot be read, or PyTorch would refuse it.
    """
    import ast

    if len(text) > 500:
        _refuse(text, "is too long")
    try:
        node: Any = ast.parse(text.strip(), mode="eval").body
    except (SyntaxError, ValueError, RecursionError, MemoryError):
        _refuse(text, "is no expression")
    chain: list[Any] = []
    while not isinstance(node, ast.Name):
        if isinstance(node, ast.Subscript):
            chain.append(("index", _index(node.slice, text)))
            node = node.value
        elif isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute) and len(chain) < 50:
            chain.append((node.func.attr, tuple(_number(value, text) for value in _arguments(node, text))))
            node = node.func.value
        else:
            _refuse(text, "cannot be followed")
    name = NAMES.get(node.id)
    if name is None or (name == "c_n" and config.cell != "lstm"):
        _refuse(text, f"has no {node.id} in it that nn.{config.class_name} returns")
    key = name if not config.is_cell else {"h_n": "h_1", "c_n": "c_1"}.get(name, "h_1")
    shape = real.get(key)
    steps = []
    for step, arguments in reversed(chain):
        steps.append((step, arguments, shape or ()))
        if shape is not None:
            shape = _apply(step, arguments, shape, text)
    return Use(text.strip(), name, shape or (), tuple(steps))


def _refuse(text: str, rule: str) -> NoReturn:
    raise ConfigError("uses", text, rule, fix=f"Write output, h_n or c_n with {READABLE}.")


def _arguments(node: "ast.Call", text: str) -> "list[ast.expr]":
    import ast

    if any(keyword.arg not in ("dim", "dim0", "dim1", "start_dim") for keyword in node.keywords):
        _refuse(text, "has a keyword that cannot be followed")
    values = [*node.args, *(keyword.value for keyword in node.keywords)]
    if len(values) == 1 and isinstance(values[0], (ast.Tuple, ast.List)):
        return list(values[0].elts)
    return values


def _number(node: "ast.expr", text: str) -> int:
    import ast

    if isinstance(node, ast.UnaryOp) and isinstance(node.op, ast.USub):
        return -_number(node.operand, text)
    if isinstance(node, ast.Constant) and type(node.value) is int and abs(node.value) < 10**15:
        return node.value
    _refuse(text, "needs plain numbers as arguments")


def _index(node: "ast.expr", text: str) -> tuple[Any, ...]:
    import ast

    items = node.elts if isinstance(node, ast.Tuple) else [node]
    found: list[Any] = []
    for item in items:
        if isinstance(item, ast.Slice):
            bounds = (item.lower, item.upper, item.step)
            found.append(slice(*(None if bound is None else _number(bound, text) for bound in bounds)))
        elif isinstance(item, ast.Constant) and item.value is ...:
            found.append(...)
        elif isinstance(item, ast.Constant) and item.value is None:
            found.append(None)
        else:
            found.append(_number(item, text))
    return tuple(found)


def _apply(step: str, arguments: tuple[Any, ...], shape: Shape, text: str) -> Shape:
    try:
        found: Shape = _STEPS[step](shape, arguments)
        return found
    except KeyError:
        _refuse(text, f"has .{step} in it, which cannot be followed")
    except (IndexError, ValueError, TypeError, ZeroDivisionError):
        _refuse(text, f"does not fit: {step} of {shape}")


def _take(shape: Shape, items: tuple[Any, ...]) -> Shape:
    real = sum(item is not None and item is not ... for item in items)
    if items.count(...) == 0:
        items = (*items, ...)
    at = 0
    out: list[int] = []
    for item in items:
        if item is ...:
            out += shape[at : at + len(shape) - real]
            at += len(shape) - real
        elif item is None:
            out.append(1)
        elif isinstance(item, slice):
            out.append(len(range(*item.indices(shape[at]))))
            at += 1
        else:
            range(shape[at])[item]
            at += 1
    return tuple(out)


def reshape(shape: Shape, sizes: tuple[int, ...]) -> Shape:
    """The shape that ``view`` and ``reshape`` give; ``ValueError`` where they fail."""
    known = prod(size for size in sizes if size != -1)
    total = prod(shape)
    if sizes.count(-1) > 1 or min(sizes) < -1 or (total % known if -1 in sizes else total != known):
        raise ValueError
    return tuple(total // known if size == -1 else size for size in sizes)


def _transpose(shape: Shape, dims: tuple[int, ...]) -> Shape:
    order = list(range(len(shape)))
    first, second = dims
    order[first], order[second] = order[second], order[first]
    return tuple(shape[dim] for dim in order)


def _permute(shape: Shape, dims: tuple[int, ...]) -> Shape:
    order = [range(len(shape))[dim] for dim in dims]
    if sorted(order) != list(range(len(shape))):
        raise ValueError
    return tuple(shape[dim] for dim in order)


def _squeeze(shape: Shape, dims: tuple[int, ...]) -> Shape:
    if not dims:
        return tuple(size for size in shape if size != 1)
    dim = range(len(shape))[dims[0]]
    return shape[:dim] + shape[dim + (shape[dim] == 1) :]


def _unsqueeze(shape: Shape, dims: tuple[int, ...]) -> Shape:
    dim = range(len(shape) + 1)[dims[0]]
    return (*shape[:dim], 1, *shape[dim:])


def _reduce(shape: Shape, dims: tuple[int, ...]) -> Shape:
    dim = range(len(shape))[dims[0]]
    return shape[:dim] + shape[dim + 1 :]


def _flatten(shape: Shape, dims: tuple[int, ...]) -> Shape:
    start = range(len(shape))[dims[0]] if dims else 0
    return (*shape[:start], prod(shape[start:]))


_STEPS: Final[dict[str, Any]] = {
    "index": _take,
    "view": reshape,
    "reshape": reshape,
    "transpose": _transpose,
    "swapaxes": _transpose,
    "permute": _permute,
    "squeeze": _squeeze,
    "unsqueeze": _unsqueeze,
    "mean": _reduce,
    "sum": _reduce,
    "flatten": _flatten,
    "contiguous": lambda shape, _: shape,
    "detach": lambda shape, _: shape,
    "clone": lambda shape, _: shape,
}
