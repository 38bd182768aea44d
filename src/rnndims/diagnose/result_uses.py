"""How results are used: ``output[:, -1]``, ``h_n.view(3, -1)`` as text, followed dim by dim without running anything.

``read_use`` works out the shape of an expression; ``use_warnings`` says where the shape fits and the numbers are wrong.
"""

from dataclasses import dataclass
from math import prod
from typing import TYPE_CHECKING, Any, Final, NoReturn

from ..config import RNNConfig
from ..errors import ConfigError
from ..shapes import Shape
from .call import batch_dim, layout
from .kinds_of_call import takes_pair
from .problem import Caution

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
"""What people call the results, and PyTorch's names."""

READABLE: Final = (
    "[...], .view, .reshape, .transpose, .permute, .squeeze, .unsqueeze, .flatten, .contiguous, .mean, .sum, .detach"
)
"""What an expression may have, for a message."""


@dataclass(frozen=True, slots=True)
class Use:
    """An expression of one result.

    Attributes:
        text: the expression.
        name: the result that it begins with: ``output``, ``h_n`` or ``c_n``.
        shape: the shape of the expression, ``()`` where no input is stated.
        steps: its operations in order, each with its arguments and the shape before it: ``("view", (3, -1), (4, 3, 20))``.
    """

    text: str
    name: str
    shape: Shape
    steps: tuple[tuple[str, tuple[Any, ...], Shape], ...]


def read_use(text: str, config: RNNConfig, shapes: dict[str, Shape]) -> Use:
    """Parse one expression and work out its shape; it is never executed.

    Args:
        text: the expression, one of ``output``, ``h_n``, ``c_n`` with indexing and shape methods; never executed.
        config: the module.
        shapes: shape of each result, by name; empty if unknown.

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
            _refuse(text, "has an operation that rnndims cannot follow")
    name = NAMES.get(node.id)
    if name is None or (name == "c_n" and not takes_pair(config)):
        _refuse(text, f"nn.{config.class_name} returns no {node.id}")
    key = name if not config.is_cell else {"h_n": "h_1", "c_n": "c_1"}.get(name, "h_1")
    shape = shapes.get(key)
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
        _refuse(text, "has a keyword that rnndims cannot follow")
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
    indices: list[Any] = []
    for item in items:
        if isinstance(item, ast.Slice):
            bounds = (item.lower, item.upper, item.step)
            indices.append(slice(*(None if bound is None else _number(bound, text) for bound in bounds)))
        elif isinstance(item, ast.Constant) and item.value is ...:
            indices.append(...)
        elif isinstance(item, ast.Constant) and item.value is None:
            indices.append(None)
        else:
            indices.append(_number(item, text))
    return tuple(indices)


def _apply(step: str, arguments: tuple[Any, ...], shape: Shape, text: str) -> Shape:
    try:
        after: Shape = _STEPS[step](shape, arguments)
        return after
    except KeyError:
        _refuse(text, f"has .{step}, which rnndims cannot follow")
    except (IndexError, ValueError, TypeError, ZeroDivisionError):
        _refuse(text, f"does not fit: {step} of {shape}")


def _index_shape(shape: Shape, items: tuple[Any, ...]) -> Shape:
    used = sum(item is not None and item is not ... for item in items)
    if items.count(...) == 0:
        items = (*items, ...)
    at = 0
    out: list[int] = []
    for item in items:
        if item is ...:
            out += shape[at : at + len(shape) - used]
            at += len(shape) - used
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
    """The shape that ``view`` and ``reshape`` return.

    Raises:
        ValueError: where they fail.
    """
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


# each operation that an expression may have, and the function from a shape and arguments to the shape after it
_STEPS: Final[dict[str, Any]] = {
    "index": _index_shape,
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


def both_directions(name: str = "h_n") -> str:
    """Code for the last states of both directions of the last layer, side by side."""
    return f"torch.cat([{name}[-2], {name}[-1]], dim=-1)"


def use_warnings(use: Use, config: RNNConfig, lengths: tuple[int, ...] | None) -> list[Caution]:
    """What is wrong with the numbers of an expression although its shape fits."""
    if config.is_cell or not use.steps:
        return []
    step, arguments, shape = use.steps[0]
    if step == "index" and use.name == "output":
        return _output_index(use.text, arguments, config, lengths, shape)
    if step == "index" and _sequence_of_states(arguments):
        message = f"{use.text} is one sequence of the batch, not one layer: {use.name} is (D*num_layers, N, H)."
        fix = both_directions(use.name) if config.bidirectional else f"{use.name}[-1]"
        return [Caution(kind="sequence_instead_of_step", message=message, fix=fix, advice="This is the last layer.")]
    if step in ("view", "reshape") and shape:
        return _mixing(use, arguments, config, shape)
    return []


def use_notes(use: Use, config: RNNConfig) -> list[str]:
    """Which layer and direction an index of a state selects, where that is not all of the last layer."""
    if config.is_cell or not use.steps or use.name == "output":
        return []
    step, arguments, _ = use.steps[0]
    row = arguments[0] if step == "index" and arguments and isinstance(arguments[0], int) else None
    if row is None:
        return []
    layer, direction = divmod(row % (config.D * config.num_layers), config.D)
    if config.bidirectional:
        which = "forward" if direction == 0 else "reverse"
        both = both_directions(use.name)
        return [f"{use.text} is the {which} direction of layer {layer} alone. Both directions of the last layer: {both}."]
    if layer != config.num_layers - 1:
        return [f"{use.text} is layer {layer} of {config.num_layers}, counted from 0. The last layer: {use.name}[-1]."]
    return []


def _sequence_of_states(items: tuple[Any, ...]) -> bool:
    """Whether an index of ``h_n`` selects one sequence of all layers: ``h_n[:, -1]``."""
    return len(items) > 1 and not isinstance(items[0], int) and items[0] is not ... and isinstance(items[1], int)


def _output_index(
    text: str, items: tuple[Any, ...], config: RNNConfig, lengths: tuple[int, ...] | None, shape: Shape
) -> list[Caution]:
    unbatched = len(shape) == 2
    batch = None if unbatched else batch_dim(config)
    time = 0 if batch is None else 1 - batch
    if ... in items:
        return []
    numbers = [dim for dim, item in enumerate(items) if isinstance(item, int)]
    if batch in numbers and time not in numbers:
        message = f"{text} is one sequence of the batch, not one step: output is {layout(config, 'D*H_out')}."
        fix = "output[:, -1]" if config.batch_first else "output[-1]"
        advice = "This is the last step of every sequence."
        return [Caution(kind="sequence_instead_of_step", message=message, fix=fix, advice=advice)]
    if time not in numbers or items[time] not in (-1, (shape[time] - 1 if shape else -1)):
        return []
    warnings = []
    last = both_directions() if config.bidirectional else "h_n[-1]"
    if lengths and min(lengths) != max(lengths):
        message = f"{text} is padding for every sequence shorter than {max(lengths)}."
        warnings.append(
            Caution(kind="padding_as_last_step", message=message, fix=last, advice="h_n has the last step of each sequence.")
        )
    if config.bidirectional:
        message = f"{text} has the result of one step only in its reverse half: the reverse direction starts at the last step."
        warnings.append(Caution(kind="reverse_half_of_last_step", message=message, fix=last))
    return warnings


def _mixing(use: Use, sizes: tuple[Any, ...], config: RNNConfig, shape: Shape) -> list[Caution]:
    """A view that does not keep the batch dim whole, and so mixes sequences."""
    if len(shape) != 3 or not sizes or min(shape) == 0:
        return []
    target = reshape(shape, sizes)
    first, second, width = shape
    name, text = use.name, use.text
    if _keeps(target, first, second):
        if name == "output" and config.bidirectional and target[-1] == config.H_out and target[-2] != 2:
            fix = f"output.view({first}, {second}, 2, {config.H_out})"
            message = f"{text} makes two rows of each step, one for each direction."
            advice = f"This gives the directions a dim of their own. Or keep {width} features."
            return [Caution(kind="split_directions", message=message, fix=fix, advice=advice)]
        return []
    if name == "output" and target[0] in (first * second, first * second * config.D):
        if config.bidirectional and target[-1] == config.H_out:
            message = f"{text} makes two rows of each step, one for each direction."
            fix = f"output.reshape(-1, {width})"
            return [Caution(kind="split_directions", message=message, fix=fix, advice="This keeps both in one row.")]
        return []
    if first == 1 or second == 1 or (name == "output" and config.batch_first and target[0] == first):
        return []
    if name == "output":
        message = f"{text} mixes the sequences of the batch: a view does not move dims."
        fix = "output.reshape(output.size(0), -1)" if config.batch_first else f"output.transpose(0, 1).reshape({second}, -1)"
        return [Caution(kind="mixed_axes", message=message, fix=fix)]
    message = f"{text} mixes layers, directions and sequences: {name} is (D*num_layers, N, H), and a view does not move dims."
    return [Caution(kind="mixed_axes", message=message, fix=f"{name}.transpose(0, 1).reshape({second}, -1)")]


def _keeps(target: Shape, first: int, second: int) -> bool:
    """Whether ``target`` has dims whose product is ``first``, and right after them a dim of size ``second``."""
    product = 1
    for dim, size in enumerate(target):
        if product == first and size == second and dim > 0:
            return True
        product *= size
    return first == 1 and target[:1] == (second,)
