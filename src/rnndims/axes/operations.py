"""The operations that are followed, by PyTorch's names: as methods, in ``torch`` and in ``torch.nn.functional``.

`apply` runs one of them on `NamedTensor` values with the arguments as they were written or passed.
"""

from collections.abc import Callable
from dataclasses import replace
from typing import Any, Final

from . import computation as c
from . import indexing, joining
from . import movement as m
from .named_tensor import NamedTensor, NotFollowedError, RefusedError, type_name

Function = Callable[..., Any]

_UNARY: Final = (
    "abs",
    "asinh",
    "atan",
    "ceil",
    "cos",
    "cosh",
    "erf",
    "erfc",
    "exp",
    "expm1",
    "floor",
    "frac",
    "log",
    "log10",
    "log1p",
    "log2",
    "neg",
    "positive",
    "reciprocal",
    "relu",
    "round",
    "rsqrt",
    "sigmoid",
    "sign",
    "sin",
    "sinh",
    "sqrt",
    "square",
    "tan",
    "tanh",
    "trunc",
)
_ACTIVATIONS: Final = (
    "celu",
    "elu",
    "gelu",
    "hardshrink",
    "hardsigmoid",
    "hardswish",
    "hardtanh",
    "leaky_relu",
    "logsigmoid",
    "mish",
    "relu",
    "relu6",
    "selu",
    "sigmoid",
    "silu",
    "softplus",
    "softshrink",
    "softsign",
    "tanh",
    "tanhshrink",
)


def _unary(x: NamedTensor) -> NamedTensor:
    if x.kind != "float":
        raise NotFollowedError("functions of ints are not followed")
    return c.elementwise(x)


def _activation(x: NamedTensor, *constants: Any, **keywords: Any) -> NamedTensor:
    """An activation with a constant or none: it changes no axis."""
    values = (*constants, *keywords.values())
    if len(values) > 1 or not all(isinstance(value, (int, float, str)) for value in values):
        raise NotFollowedError("an activation with these arguments is not followed")
    return replace(_unary(x), strides=x.strides if x.is_contiguous else None)


def _clone(x: NamedTensor) -> NamedTensor:
    return replace(c.elementwise(x), content=x.content, own_steps=x.own_steps)


def _dropout(x: NamedTensor, p: Any = 0.5, training: Any = True, inplace: Any = False) -> NamedTensor:
    if not isinstance(training, bool) or not isinstance(inplace, bool):
        raise RefusedError("dropout(): argument 'train' (position 3) must be bool", "TypeError")
    if not isinstance(p, (int, float)) or not 0 <= p <= 1:
        raise RefusedError("dropout probability has to be between 0 and 1, but got a value out of range", "ValueError")
    return c.elementwise(x) if c.is_dense(x.sizes, x.strides or (0,) * x.ndim) else _layout_unknown(x)


def _layout_unknown(x: NamedTensor) -> NamedTensor:
    return replace(x, strides=None)


def _to(x: NamedTensor, *arguments: Any, **keywords: Any) -> NamedTensor:
    """``to``, ``cpu``, ``cuda``: what they change is not followed, except that a dtype of ints is not known."""
    if any(isinstance(value, NamedTensor) for value in (*arguments, *keywords.values())):
        raise NotFollowedError("to(another tensor) is not followed")
    return c.converted(x)


def _contiguous(x: NamedTensor) -> NamedTensor:
    if x.strides is None:
        return m.contiguous_copy(x)
    return m.contiguous(x)


def _number(value: Any) -> Any:
    if not isinstance(value, (int, float)):
        raise RefusedError(f"argument 'alpha' must be Number, not {type_name(value)}", "TypeError")
    return value


def _add(x: Any, other: Any, *, alpha: Any = 1) -> NamedTensor:
    return c.binary(x, other, shift=1 if _number(alpha) == 1 else 0)


def _sub(x: Any, other: Any, *, alpha: Any = 1) -> NamedTensor:
    return c.binary(x, other, shift=-1 if _number(alpha) == 1 else 0)


def _listed(sizes: Any, what: str) -> Any:
    """Ints that the functions of ``torch`` take as one tuple only, unlike the methods."""
    if not isinstance(sizes, (tuple, list)):
        raise RefusedError(f"argument '{what}' (position 2) must be tuple of ints, not {type_name(sizes)}", "TypeError")
    return sizes


def _plain(x: Any, other: Any) -> NamedTensor:
    return c.binary(x, other)


def _remainder(x: Any, other: Any) -> NamedTensor:
    """``%``, ``//``, ``**``."""
    if isinstance(other, NamedTensor) and other.kind != "float":
        raise NotFollowedError("a division by ints may be one by 0")
    return c.binary(x, other)


def _divide(x: Any, other: Any) -> NamedTensor:
    return c.binary(x, other, kind="float")


def _logical(x: Any, other: Any) -> NamedTensor:
    if not all(isinstance(value, NamedTensor) and value.kind == "bool" for value in (x, other)):
        raise NotFollowedError("& and | are followed for masks only")
    return c.binary(x, other, kind="bool")


def _compare(x: Any, other: Any) -> NamedTensor:
    return c.binary(x, other, kind="bool")


def _where(condition: Any, input: Any = None, other: Any = None) -> NamedTensor:  # noqa: A002 - PyTorch's name
    if not isinstance(condition, NamedTensor) or not isinstance(input, NamedTensor):
        raise NotFollowedError("where of numbers alone is not followed")
    if condition.kind != "bool":
        raise RefusedError("where expected condition to be a boolean tensor, but got a tensor with dtype Float")
    found = c.binary(c.binary(condition, input, kind=input.kind), other)
    return replace(found, masked=True, strides=None, kind=input.kind)


def _softmax_method(x: NamedTensor, dim: Any, *, dtype: Any = None) -> NamedTensor:  # noqa: ARG001
    return c.softmax(x, dim)


def _softmax_function(x: NamedTensor, dim: Any = None, _stacklevel: Any = 3, dtype: Any = None) -> NamedTensor:  # noqa: ARG001
    return c.function_softmax(x, dim)


def _size(x: NamedTensor, dim: Any = None) -> Any:
    return x.sizes if dim is None else x.sizes[_real_dim(x, dim)]


def _real_dim(x: NamedTensor, dim: Any) -> int:
    from .named_tensor import normal_dim

    if x.ndim == 0:
        raise RefusedError("Dimension specified as 0 but tensor has no dimensions", "IndexError")
    return normal_dim(dim, x.ndim)


_MOVEMENT: Final[dict[str, Function]] = {
    "transpose": m.transpose,
    "swapaxes": m.swapaxes,
    "swapdims": m.transpose,
    "t": m.t,
    "movedim": m.movedim,
    "moveaxis": m.movedim,
    "flatten": m.flatten,
    "unflatten": m.unflatten,
    "squeeze": m.squeeze,
    "unsqueeze": m.unsqueeze,
    "chunk": joining.chunk,
    "unbind": joining.unbind,
    "select": indexing.select,
    "narrow": indexing.narrow_dim,
    "roll": m.roll,
    "index_select": indexing.index_select,
    "gather": indexing.gather,
}
_COMPUTATION: Final[dict[str, Function]] = {
    "sum": c.total,
    "mean": c.mean,
    "nanmean": c.mean,
    "std": c.spread,
    "var": c.spread,
    "prod": c.prod,
    "max": c.extreme,
    "min": c.extreme,
    "amax": c.amax,
    "amin": c.amax,
    "argmax": c.argmax,
    "argmin": c.argmax,
    "norm": c.norm,
    "logsumexp": c.logsumexp,
    "softmax": _softmax_method,
    "log_softmax": _softmax_method,
    "cumsum": c.cumsum,
    "matmul": c.matmul,
    "mm": c.mm,
    "bmm": c.bmm,
    "masked_fill": c.masked_fill,
    "add": _add,
    "sub": _sub,
    "subtract": _sub,
    "mul": _plain,
    "multiply": _plain,
    "div": _divide,
    "divide": _divide,
    "true_divide": _divide,
    "maximum": _plain,
    "minimum": _plain,
    "eq": _compare,
    "ne": _compare,
    "lt": _compare,
    "le": _compare,
    "gt": _compare,
    "ge": _compare,
}
_COMMON: Final[dict[str, Function]] = {
    **dict.fromkeys(_UNARY, _unary),
    **_MOVEMENT,
    **_COMPUTATION,
    "clone": _clone,
    "detach": c.same,
}

METHODS: Final[dict[str, Function]] = {
    **_COMMON,
    "view": m.view,
    "reshape": m.reshape,
    "permute": m.permute,
    "flip": m.flip,
    "split": joining.split,
    "expand": m.expand,
    "expand_as": m.expand_as,
    "view_as": m.view_as,
    "reshape_as": m.reshape_as,
    "repeat": m.repeat,
    "contiguous": _contiguous,
    "requires_grad_": lambda x, requires_grad=True: x,  # noqa: ARG005
    **dict.fromkeys(("float", "double", "half", "bfloat16"), c.to_float),
    **dict.fromkeys(("long", "int"), c.to_int),
    **dict.fromkeys(("to", "cpu", "cuda"), _to),
    "size": _size,
    "dim": lambda x: x.ndim,
    "ndimension": lambda x: x.ndim,
    "numel": lambda x: x.numel,
    "nelement": lambda x: x.numel,
    "is_contiguous": lambda x: _known(x.is_contiguous),
}
"""What a tensor can be asked as ``x.name(...)``."""

TORCH: Final[dict[str, Function]] = {
    **_COMMON,
    "reshape": lambda input, shape: m.reshape(input, _listed(shape, "shape")),  # noqa: A006 - PyTorch's name
    "permute": lambda input, dims: m.permute(input, _listed(dims, "dims")),  # noqa: A006
    "flip": lambda input, dims: m.flip(input, _listed(dims, "dims")),  # noqa: A006
    "split": lambda tensor, split_size_or_sections, dim=0: joining.split(tensor, split_size_or_sections, dim),
    "cat": joining.cat,
    "concat": joining.cat,
    "concatenate": joining.cat,
    "stack": joining.stack,
    "einsum": c.einsum,
    "where": _where,
    "arange": c.arange,
    "tensor": c.int_tensor,
    **dict.fromkeys(("zeros", "ones", "randn", "rand", "empty"), c.filled),
    **dict.fromkeys(("zeros_like", "ones_like", "randn_like", "rand_like", "empty_like"), c.filled_like),
    "numel": lambda input: input.numel,  # noqa: A006
}
"""Functions of ``torch``."""

FUNCTIONAL: Final[dict[str, Function]] = {
    **dict.fromkeys(_ACTIVATIONS, _activation),
    "dropout": _dropout,
    "softmax": _softmax_function,
    "log_softmax": _softmax_function,
    "normalize": c.normalize,
}
"""Functions of ``torch.nn.functional``. ``linear`` is an operation of its own: its weight is only known by its sizes."""

_OTHERS: Final[dict[str, Function]] = {
    "index": indexing.index,
    "T": m.reversed_axes,
    "mT": m.matrix_transpose,
    "linear": c.linear,
    "functional_softmax": _softmax_function,
    "remainder": _remainder,
    "logical": _logical,
}
_IGNORED: Final = frozenset({"dtype", "device", "requires_grad", "non_blocking", "memory_format", "pin_memory"})
_RENAMED: Final = {"axis": "dim", "keepdims": "keepdim"}
OPERATIONS: Final[dict[str, Function]] = {**FUNCTIONAL, **TORCH, **METHODS, **_OTHERS}


def apply(name: str, *arguments: Any, **keywords: Any) -> Any:
    """One operation by its name: ``apply("view", h_n, 3, -1)``, ``apply("linear", x, 8, 5)``, ``apply("index", x, (0, ...))``.

    Args:
        name: a method or function of PyTorch, ``"index"`` for ``x[...]``, ``"T"``, ``"mT"``, or ``"linear"`` with the sizes of
            the weight for the weight.
        arguments: tensors and numbers as PyTorch takes them.
        keywords: the same by name.

    Returns:
        A `NamedTensor`, a tuple of them, or an int (``size``, ``dim``).

    Raises:
        RefusedError: where PyTorch refuses.
        NotFollowedError: where there is no rule for it.
    """
    function = OPERATIONS.get(name)
    if function is None:
        raise NotFollowedError(f"{name} is not followed")
    return call(function, name, arguments, keywords)


def call(function: Function, name: str, arguments: tuple[Any, ...], keywords: dict[str, Any]) -> Any:
    """``function(*arguments, **keywords)`` with PyTorch's other names for arguments, and its error where they do not fit.

    Raises:
        RefusedError: a ``TypeError`` of PyTorch, or what the operation refuses.
        NotFollowedError: as the operation says.
    """
    code = getattr(function, "__code__", None)
    assert code is not None  # noqa: S101 - all functions here are written in Python
    names = code.co_varnames[: code.co_argcount + code.co_kwonlyargcount]
    has_rest, has_keywords = bool(code.co_flags & 4), bool(code.co_flags & 8)
    passed: dict[str, Any] = {}
    for key, value in keywords.items():
        word = _RENAMED.get(key, key)
        if word == "input" and names and names[0] == "x" and not arguments:
            word = "x"
        if word in ("size", "shape", "dims", "repeats", "sizes") and has_rest and word not in names:
            if not isinstance(value, (tuple, list)):
                raise RefusedError(f"{name}(): argument '{word}' must be tuple of ints, not {type_name(value)}", "TypeError")
            arguments = (*arguments, value)
        elif word in names or has_keywords:
            passed[word] = value
        elif word == "out":
            raise NotFollowedError("out= is not followed")
        elif word not in _IGNORED:
            raise RefusedError(f"{name}() got an unexpected keyword argument '{key}'", "TypeError")
    first = next(iter(arguments), passed.get("x"))
    if names and names[0] == "x" and not isinstance(first, NamedTensor) and name not in _TAKE_NUMBERS:
        raise RefusedError(f"{name}(): argument 'input' (position 1) must be Tensor, not {type_name(first)}", "TypeError")
    if code.co_argcount < len(arguments) and not has_rest:
        raise RefusedError(
            f"{name}() takes {code.co_argcount} positional arguments but {len(arguments)} were given", "TypeError"
        )
    if any(word in names[: len(arguments)] for word in passed):
        raise RefusedError(f"{name}() got multiple values for an argument", "TypeError")
    defaults = len(getattr(function, "__defaults__", None) or ())
    needed = names[len(arguments) : code.co_argcount - defaults]
    missing = [word for word in needed if word not in passed]
    if missing:
        raise RefusedError(f'{name}() missing 1 required positional arguments: "{missing[0]}"', "TypeError")
    return function(*arguments, **passed)


_TAKE_NUMBERS: Final = frozenset(
    {"add", "sub", "mul", "div", "remainder", "logical", "eq", "ne", "lt", "le", "gt", "ge", "matmul"}
)


def _known(value: bool | None) -> bool:
    if value is None:
        raise NotFollowedError("how the tensor lies in memory is not known here")
    return value
