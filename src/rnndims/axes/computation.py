"""Operations that make new numbers: element-wise functions, reductions, softmax, products.

As in `movement`, each is a function on `NamedTensor` with PyTorch's names, arguments, shapes and refusals.
"""

from collections.abc import Sequence
from dataclasses import replace
from typing import Any

from .joining import agreed, merged_axis
from .movement import MAX_CONTENT, broadcast_shapes, int_list
from .named_tensor import (
    MISSING,
    Axis,
    NamedTensor,
    NotFollowedError,
    RefusedError,
    contiguous_strides,
    is_contiguous,
    normal_dim,
    plain_int,
    plain_tensor,
    size_text,
    too_many_dims,
    type_name,
    unknown_axis,
)

Number = int | float | bool


# ---- element by element


def result_strides(shape: tuple[int, ...], operands: Sequence[NamedTensor]) -> tuple[int, ...] | None:
    """Strides of what an element-wise operation allocates (ATen's ``TensorIteratorBase::reorder_dimensions``).

    Tensors of one shape and one dense layout keep it; otherwise the axes lie in memory in the order of the operands' strides.
    """
    ndim = len(shape)
    strides: list[list[int]] = []
    for operand in operands:
        if operand.strides is None:
            return None
        new = ndim - operand.ndim
        strides.append(
            [0] * new
            + [
                0 if size == 1 and shape[new + dim] != 1 else stride
                for dim, (size, stride) in enumerate(zip(operand.sizes, operand.strides, strict=True))
            ]
        )
    same = all(operand.sizes == shape and operand.strides == operands[0].strides for operand in operands)
    if same and operands and is_dense(shape, operands[0].strides or ()):
        return operands[0].strides
    if all(operand.sizes == shape and operand.is_contiguous for operand in operands):
        return contiguous_strides(shape)
    order = list(range(ndim))[::-1]
    for at in range(1, ndim):
        second = at
        for first in range(at - 1, -1, -1):
            swap = _should_swap(order[first], order[second], shape, strides)
            if swap > 0:
                order[first], order[second] = order[second], order[first]
                second = first
            elif swap < 0:
                break
    found = [0] * ndim
    step = 1
    for dim in order:
        found[dim] = step
        step *= shape[dim]
    return tuple(found)


def _should_swap(first: int, second: int, shape: tuple[int, ...], strides: list[list[int]]) -> int:
    for operand in strides:
        one, other = operand[first], operand[second]
        if one == 0 or other == 0:
            continue
        if one < other:
            return -1
        if one > other:
            return 1
        if shape[first] > shape[second]:
            return 1
    return 0


def is_dense(sizes: Sequence[int], strides: Sequence[int]) -> bool:
    """Whether the elements lie without gap and overlap, in some order of the axes."""
    expected = 1
    for stride, size in sorted((stride, size) for size, stride in zip(sizes, strides, strict=True) if size != 1):
        if stride != expected:
            return False
        expected *= size
    return True


def elementwise(x: NamedTensor) -> NamedTensor:
    """A function of each element on its own: ``tanh``, ``relu``, ``clone``; the axes stay as they are."""
    return replace(x, strides=result_strides(x.sizes, [x]), content=None, own_steps=None)


def same(x: NamedTensor) -> NamedTensor:
    """What returns the tensor itself, or a view of it: ``detach``, dropout in ``eval()``."""
    return x


def converted(x: NamedTensor) -> NamedTensor:
    """A copy on another device or in another dtype, or the tensor itself if it is there already."""
    dense = x.strides is not None and (is_contiguous(x.sizes, x.strides) or is_dense(x.sizes, x.strides))
    return x if dense else replace(x, strides=None)


def to_int(x: NamedTensor) -> NamedTensor:
    """``x.long()``, ``x.int()``: what is known of ints stays known."""
    return x if x.kind == "int" else replace(converted(x), kind="int", content=None)


def to_float(x: NamedTensor) -> NamedTensor:
    """``x.float()`` and its like."""
    return replace(converted(x), kind="float", content=None, own_steps=None)


def binary(x: Any, other: Any, *, kind: str | None = None, shift: int = 0) -> NamedTensor:
    """A function of two tensors element by element, with broadcasting, or of a tensor and a number.

    Args:
        x: a tensor or a number.
        other: a tensor or a number.
        kind: what comes out; the kind of the operands if left out.
        shift: 1 for a sum, -1 for a difference: for these the content of ints is followed.
    """
    tensors = [value for value in (x, other) if isinstance(value, NamedTensor)]
    for value in (x, other):
        if not isinstance(value, (NamedTensor, int, float)):
            raise NotFollowedError(f"arithmetic of a tensor and a {type(value).__name__} is not followed")
    shape = broadcast_shapes([tensor.sizes for tensor in tensors])
    kinds = [tensor.kind for tensor in tensors]
    takes_bools = any(isinstance(value, bool) for value in (x, other)) or "bool" in kinds
    if kind is None and (set(kinds) == {"bool"} or (shift < 0 and takes_bools)):
        raise NotFollowedError("arithmetic of bools is not followed")
    out = kind or ("float" if "float" in kinds or isinstance(x, float) or isinstance(other, float) else "int")
    strides = result_strides(shape, tensors)
    if len(tensors) == 1:
        content, own = _shifted(x, other, shift)
        return replace(
            tensors[0],
            strides=strides,
            kind=out,
            content=content if out == "int" else None,
            own_steps=own if out == "int" else None,
            masked=tensors[0].masked,
        )
    axes = []
    for dim in range(len(shape)):
        here = [t.axes[dim - len(shape) + t.ndim] for t in tensors if dim >= len(shape) - t.ndim]
        here = [axis for axis, t in _with(here, tensors, dim, len(shape)) if t == shape[dim]] if shape[dim] != 1 else here
        axes.append(merged_axis(here)[0] if here else ())
    ints = any(tensor.kind != "float" for tensor in tensors)
    return NamedTensor(
        shape,
        strides,
        tuple(axes),
        agreed([tensor.fixed for tensor in tensors], [tensor.sources for tensor in tensors]),
        frozenset().union(*(tensor.sources for tensor in tensors)),
        moved=False,
        masked=ints or any(tensor.masked for tensor in tensors),
        kind=out,
    )


def _with(axes: list[Axis], tensors: list[NamedTensor], dim: int, ndim: int) -> list[tuple[Axis, int]]:
    """Each axis with its size."""
    sizes = [t.sizes[dim - ndim + t.ndim] for t in tensors if dim >= ndim - t.ndim]
    return list(zip(axes, sizes, strict=True))


def _shifted(x: Any, other: Any, shift: int) -> tuple[tuple[int, ...] | None, int | None]:
    """Content and own steps of a tensor of ints plus or minus an int."""
    tensor, number = (x, other) if isinstance(x, NamedTensor) else (other, x)
    if not shift or not isinstance(number, int) or tensor.kind != "int" or (tensor is other and shift < 0):
        return None, None
    content = None if tensor.content is None else tuple(value + shift * number for value in tensor.content)
    return content, None if tensor.own_steps is None else tensor.own_steps + shift * number


def masked_fill(x: NamedTensor, mask: Any, value: Any) -> NamedTensor:  # noqa: ARG001 - the value changes no axis
    """Elements replaced where ``mask`` (bool, broadcast to ``x``) is true."""
    if not isinstance(mask, NamedTensor):
        raise RefusedError("masked_fill(): argument 'mask' must be Tensor", "TypeError")
    if mask.kind != "bool":
        raise RefusedError("masked_fill_ only supports boolean masks, but got mask with dtype other than bool")
    found = binary(x, mask, kind=x.kind)
    return replace(found, masked=True, strides=None, moved=x.moved)


def softmax(x: NamedTensor, dim: Any) -> NamedTensor:
    """Numbers along ``dim`` that sum to 1; the shape stays."""
    if x.kind != "float" and not x.numel:
        raise NotFollowedError("softmax of nothing is not followed")
    if x.kind != "float":
        raise RefusedError("softmax is not implemented for tensors of ints", "NotImplementedError")
    normal_dim(dim, x.ndim)
    return replace(x, strides=contiguous_strides(x.sizes), moved=False)


def function_softmax(x: NamedTensor, dim: Any = None) -> NamedTensor:
    """``F.softmax``: without ``dim`` it is 0 for tensors of 0, 1 or 3 axes, else 1."""
    return softmax(x, implicit_dim(x.ndim) if dim is None else dim)


def implicit_dim(ndim: int) -> int:
    """The axis that ``F.softmax`` and ``nn.Softmax`` use where none is named."""
    return 0 if ndim in (0, 1, 3) else 1


def cumsum(x: NamedTensor, dim: Any) -> NamedTensor:
    """Sums of all elements up to each; the shape stays."""
    normal_dim(dim, x.ndim)
    return replace(x, strides=None, moved=False, content=None, own_steps=None)


def normalize(x: NamedTensor, p: Any = 2.0, dim: Any = 1) -> NamedTensor:  # noqa: ARG001 - PyTorch's argument
    """``F.normalize``: divided by the norm along ``dim``; the shape stays."""
    normal_dim(dim, x.ndim)
    return replace(x, strides=None, moved=False)


# ---- reductions


def reduced_dims(x: NamedTensor, dim: Any) -> tuple[int, ...]:
    """The axes that ``dim`` names: an int, several, or ``None`` and ``()`` for all."""
    if dim is None or (isinstance(dim, (tuple, list)) and not dim):
        return tuple(range(x.ndim))
    listed = [normal_dim(d, x.ndim) for d in (dim if isinstance(dim, (tuple, list)) else (dim,))]
    for at, d in enumerate(listed):
        if d in listed[:at]:
            raise RefusedError(f"dim {d} appears multiple times in the list of dims")
    return tuple(d for d in listed if x.ndim)


def _reduce(x: NamedTensor, dims: tuple[int, ...], keepdim: Any, kind: str | None = None) -> NamedTensor:
    if not isinstance(keepdim, bool):
        raise RefusedError("argument 'keepdim' must be bool", "TypeError")
    sizes: list[int] = []
    axes: list[Axis] = []
    for d in range(x.ndim):
        if d not in dims:
            sizes.append(x.sizes[d])
            axes.append(x.axes[d])
        elif keepdim:
            sizes.append(1)
            axes.append(())
    return replace(
        x,
        sizes=tuple(sizes),
        strides=contiguous_strides(sizes),
        axes=tuple(axes),
        moved=False,
        content=None,
        own_steps=None,
        kind=kind or x.kind,
    )


def total(x: NamedTensor, dim: Any = None, keepdim: Any = False) -> NamedTensor:
    """``sum``: over all axes, one, or several."""
    return _reduce(x, reduced_dims(x, dim), keepdim, "int" if x.kind == "bool" else None)


def mean(x: NamedTensor, dim: Any = None, keepdim: Any = False) -> NamedTensor:
    """The mean over all axes, one, or several."""
    if x.kind != "float":
        raise RefusedError(
            "mean(): could not infer output dtype. Input dtype must be either a floating point or complex dtype. Got: Long"
        )
    return _reduce(x, reduced_dims(x, dim), keepdim)


def spread(
    x: NamedTensor,
    dim: Any = None,
    unbiased: Any = True,
    keepdim: Any = False,
    correction: Any = 1,  # noqa: ARG001 - changes no axis
) -> NamedTensor:
    """``std`` and ``var`` over all axes, one, or several."""
    if isinstance(dim, bool):
        dim = None
    if not isinstance(unbiased, bool):
        raise RefusedError("std() received an invalid combination of arguments", "TypeError")
    if x.kind != "float":
        raise RefusedError("std and var only support floating point and complex dtypes")
    return _reduce(x, reduced_dims(x, dim), keepdim)


def norm(x: NamedTensor, p: Any = "fro", dim: Any = None, keepdim: Any = False) -> NamedTensor:
    """A norm over all axes, one, or several."""
    if isinstance(p, (tuple, list, NamedTensor)):
        raise RefusedError(f"linalg_vector_norm(): argument 'ord' (position 2) must be Number, not {type_name(p)}", "TypeError")
    if isinstance(p, str) and p != "fro":
        raise NotFollowedError("this norm is not followed")
    if x.kind != "float":
        raise NotFollowedError("the norm of ints is not followed")
    if isinstance(dim, (tuple, list)) and len(dim) != 1:
        raise NotFollowedError("matrix norms are not followed")
    return _reduce(x, reduced_dims(x, dim), keepdim)


def logsumexp(x: NamedTensor, dim: Any, keepdim: Any = False) -> NamedTensor:
    """``log(sum(exp(x)))`` over one axis or several."""
    if x.kind != "float":
        raise NotFollowedError("logsumexp of ints is not followed")
    if dim is None or dim in ((), []):
        raise NotFollowedError("logsumexp over no named axis is not followed")
    return _reduce(x, reduced_dims(x, dim), keepdim)


def prod(x: NamedTensor, dim: Any = MISSING, keepdim: Any = False) -> NamedTensor:
    """The product over all axes, or over one."""
    if dim is MISSING:
        return _reduce(x, tuple(range(x.ndim)), False)
    return _reduce(x, reduced_dims(x, plain_int(dim, "dim")), keepdim)


def _not_empty(x: NamedTensor, dims: tuple[int, ...], name: str) -> None:
    empty = [d for d in dims if x.sizes[d] == 0]
    if empty:
        raise RefusedError(f"{name}(): Expected reduction dim {empty[0]} to have non-zero size.", "IndexError")


def extreme(x: NamedTensor, dim: Any = MISSING, keepdim: Any = False) -> Any:
    """``max`` and ``min``: one number; with ``dim`` a pair (values, indices); with another tensor element by element."""
    if dim is MISSING:
        _not_empty(x, tuple(range(x.ndim)), "max")
        return _reduce(x, tuple(range(x.ndim)), False)
    if isinstance(dim, NamedTensor):
        return binary(x, dim)
    dims = reduced_dims(x, plain_int(dim, "dim"))
    _not_empty(x, dims, "max")
    return _reduce(x, dims, keepdim), _reduce(x, dims, keepdim, "int")


def amax(x: NamedTensor, dim: Any = (), keepdim: Any = False) -> NamedTensor:
    """``amax`` and ``amin``: the extreme over all axes, one, or several."""
    dims = reduced_dims(x, dim)
    _not_empty(x, dims, "amax")
    return _reduce(x, dims, keepdim)


def argmax(x: NamedTensor, dim: Any = None, keepdim: Any = False) -> NamedTensor:
    """Where the extreme is: over all elements, or along one axis."""
    dims = reduced_dims(x, None if dim is None else plain_int(dim, "dim"))
    if x.kind == "bool":
        raise RefusedError("argmax(): does not support bool input")
    if dim is None and x.numel == 0:
        raise RefusedError(
            "argmax(): Expected reduction dim to be specified for input.numel() == 0. Specify the reduction dim with the "
            "'dim' argument.",
            "IndexError",
        )
    _not_empty(x, dims, "argmax")
    return _reduce(x, dims, keepdim, "int")


# ---- products


def _combined(
    parts: Sequence[NamedTensor], sizes: Sequence[int], axes: Sequence[Axis], strides: tuple[int, ...] | None
) -> NamedTensor:
    too_many_dims(len(sizes))
    return NamedTensor(
        tuple(sizes),
        strides,
        tuple(axes),
        agreed([part.fixed for part in parts], [part.sources for part in parts]),
        frozenset().union(*(part.sources for part in parts)),
        moved=False,
        masked=any(part.masked for part in parts),
    )


def matmul(x: Any, other: Any) -> NamedTensor:
    """``x @ other``: the last axis of ``x`` against the last but one of ``other``; the axes before them broadcast.

    A vector has only one axis, which is used up.
    """
    a, b = _two_tensors(x, other, "matmul")
    if a.ndim == 0 or b.ndim == 0:
        raise RefusedError(f"both arguments to matmul need to be at least 1D, but they are {a.ndim}D and {b.ndim}D")
    inner = b.sizes[-2] if b.ndim > 1 else b.sizes[0]
    if a.sizes[-1] != inner:
        raise RefusedError(_mismatch(a, b))
    lead = broadcast_shapes([a.sizes[:-2], b.sizes[:-2]])
    axes: list[Axis] = []
    for dim in range(len(lead)):
        here = []
        for part in (a, b):
            at = dim - len(lead) + part.ndim - 2
            if at >= 0 and part.sizes[at] == lead[dim]:
                here.append(part.axes[at])
        axes.append(merged_axis(here)[0] if here else ())
    sizes = list(lead)
    if a.ndim > 1:
        sizes.append(a.sizes[-2])
        axes.append(a.axes[-2])
    if b.ndim > 1:
        sizes.append(b.sizes[-1])
        axes.append(b.axes[-1])
    plain = a.ndim <= 2 and b.ndim <= 2
    return _combined([a, b], sizes, axes, contiguous_strides(sizes) if plain else None)


def _mismatch(a: NamedTensor, b: NamedTensor) -> str:
    if a.ndim == 1 and b.ndim == 1:
        sizes = f"expected tensor {size_text(a.sizes)} and src {size_text(b.sizes)}"
        return f"inconsistent tensor size, {sizes} to have the same number of elements"
    if b.ndim == 1:
        return f"size mismatch, got input ({a.sizes[-2]}), mat ({a.sizes[-2]}x{a.sizes[-1]}), vec ({b.sizes[0]})"
    rows = 1
    for size in a.sizes[:-1]:
        rows *= size
    return f"mat1 and mat2 shapes cannot be multiplied ({rows}x{a.sizes[-1]} and {b.sizes[-2]}x{b.sizes[-1]})"


def _two_tensors(x: Any, other: Any, name: str) -> tuple[NamedTensor, NamedTensor]:
    if not isinstance(x, NamedTensor) or not isinstance(other, NamedTensor):
        raise RefusedError(f"{name}(): argument 'other' must be Tensor", "TypeError")
    if x.kind != other.kind:
        raise RefusedError("expected m1 and m2 to have the same dtype")
    if x.kind == "bool":
        raise NotFollowedError("products of bools are not followed")
    return x, other


def mm(x: Any, mat2: Any) -> NamedTensor:
    """The product of two matrices."""
    a, b = _two_tensors(x, mat2, "mm")
    if a.ndim != 2:
        raise RefusedError("self must be a matrix")
    if b.ndim != 2:
        raise RefusedError("mat2 must be a matrix")
    return matmul(a, b)


def bmm(x: Any, mat2: Any) -> NamedTensor:
    """Products of matrices, one for each position of the first axis: (N, A, B) and (N, B, C) give (N, A, C)."""
    a, b = _two_tensors(x, mat2, "bmm")
    if a.ndim != 3:
        raise RefusedError("batch1 must be a 3D tensor")
    if b.ndim != 3:
        raise RefusedError("batch2 must be a 3D tensor")
    if a.sizes[0] != b.sizes[0] or a.sizes[2] != b.sizes[1]:
        raise RefusedError(
            f"Expected size for first two dimensions of batch2 tensor to be: {size_text((a.sizes[0], a.sizes[2]))} "
            f"but got: {size_text(b.sizes[:2])}."
        )
    found = matmul(a, b)
    return replace(found, strides=contiguous_strides(found.sizes))


def linear(x: Any, in_features: int, out_features: int) -> NamedTensor:
    """``nn.Linear(in_features, out_features)(x)``: the last axis replaced. Shape: (*, in_features) gives (*, out_features)."""
    if not isinstance(x, NamedTensor):
        raise RefusedError(f"linear(): argument 'input' (position 1) must be Tensor, not {type(x).__name__}", "TypeError")
    if x.kind != "float":
        raise RefusedError("mat1 and mat2 must have the same dtype, but got Long and Float")
    inside, outside = plain_int(in_features, "in_features"), plain_int(out_features, "out_features")
    if inside < 0 or outside < 0:
        raise RefusedError("Trying to create tensor with negative dimension")
    if x.ndim == 0:
        raise RefusedError("both arguments to linear need to be at least 1D, but they are 0D and 2D")
    if x.sizes[-1] != inside:
        rows = 1
        for size in x.sizes[:-1]:
            rows *= size
        raise RefusedError(f"mat1 and mat2 shapes cannot be multiplied ({rows}x{x.sizes[-1]} and {inside}x{outside})")
    sizes = (*x.sizes[:-1], outside)
    strides = contiguous_strides(sizes) if x.ndim <= 2 or x.is_contiguous else None
    gone = {atom for factor in x.axes[-1] for atom in factor.atoms()}
    fixed = {key: position for key, position in x.fixed.items() if key not in gone}
    return replace(
        x, sizes=sizes, strides=strides, axes=(*x.axes[:-1], unknown_axis(outside, "features")), fixed=fixed, moved=False
    )


def einsum(equation: Any, *operands: Any) -> NamedTensor:
    """``torch.einsum``: one letter for each axis, no ``...``.

    The axes keep their names; how the result lies in memory is not followed.
    """
    if not isinstance(equation, str):
        raise RefusedError("einsum(): the first argument must be the equation", "ValueError")
    if len(operands) == 1 and isinstance(operands[0], (tuple, list)):
        operands = tuple(operands[0])
    if not operands or not all(isinstance(operand, NamedTensor) for operand in operands):
        raise RefusedError("einsum(): must provide at least one operand", "ValueError")
    if "- " in equation:
        raise RefusedError("einsum(): invalid subscript given in the equation")
    equation = equation.replace(" ", "")
    if "." in equation:
        raise NotFollowedError("einsum with ... is not followed")
    before, arrow, after = equation.partition("->")
    terms = before.split(",")
    if not all(char.isascii() and char.isalpha() for char in before.replace(",", "") + after):
        raise RefusedError("einsum(): invalid subscript given in the equation")
    if len(terms) != len(operands):
        more = "fewer" if len(terms) > len(operands) else "more"
        raise RefusedError(f"einsum(): {more} operands were provided than specified in the equation")
    if not arrow:
        after = "".join(sorted(char for char in set(before) - {","} if before.count(char) == 1))
    sizes: dict[str, int] = {}
    axes: dict[str, list[Axis]] = {}
    for term, operand in zip(terms, operands, strict=True):
        if len(term) != operand.ndim:
            raise RefusedError(
                f"einsum(): the number of subscripts in the equation ({len(term)}) does not match the number of dimensions "
                f"({operand.ndim}) for operand {operands.index(operand)} and no ellipsis was given"
            )
        for dim, char in enumerate(term):
            size = operand.sizes[dim]
            if term.count(char) > 1 and len({operand.sizes[d] for d, c in enumerate(term) if c == char}) > 1:
                raise RefusedError(f"einsum(): subscript {char} is repeated for operand, but the sizes don't match")
            if sizes.get(char, 1) == 1:
                if size != 1:
                    axes[char] = []
                sizes[char] = size
            elif size not in (1, sizes[char]):
                raise RefusedError(
                    f"einsum(): operands do not broadcast with remapped shapes: subscript {char} has size {size} and "
                    f"{sizes[char]}"
                )
            if size == sizes[char]:
                axes.setdefault(char, []).append(operand.axes[dim])
    for char in after:
        if after.count(char) > 1:
            raise RefusedError(f"einsum(): output subscript {char} appears more than once in the output")
        if char not in sizes:
            raise RefusedError(f"einsum(): output subscript {char} does not appear in the equation for any input operand")
    if len({operand.kind for operand in operands}) > 1:
        raise NotFollowedError("einsum of different dtypes is not followed")
    return replace(
        _combined(list(operands), [sizes[c] for c in after], [merged_axis(axes[c])[0] for c in after], None),
        kind=operands[0].kind,
    )


# ---- new tensors


def arange(*bounds: Any) -> NamedTensor:
    """``torch.arange`` of ints: 1-D, its content is known."""
    if any(isinstance(bound, float) for bound in bounds):
        raise NotFollowedError("arange of floats is not followed")
    numbers = [plain_int(bound, "end") for bound in bounds]
    if not 1 <= len(numbers) <= 3:
        raise RefusedError("arange() received an invalid combination of arguments", "TypeError")
    start, stop, step = (0, numbers[0], 1) if len(numbers) == 1 else (*numbers, 1)[:3]
    if step == 0:
        raise RefusedError("step must be nonzero")
    if (stop - start) * step < 0:
        raise RefusedError("upper bound and lower bound inconsistent with step sign")
    count = max(0, -((start - stop) // step))
    return plain_tensor((count,), "int", tuple(range(start, stop, step)) if count <= MAX_CONTENT else None)


def filled(*size: Any) -> NamedTensor:
    """``torch.zeros``, ``ones``, ``randn``, ``rand``, ``empty``: a tensor of nobody's axes."""
    if not size:
        raise RefusedError('zeros() missing 1 required positional arguments: "size"', "TypeError")
    sizes = int_list(size, "size")
    if any(n < 0 for n in sizes):
        raise RefusedError(f"Trying to create tensor with negative dimension {min(sizes)}: {size_text(sizes)}")
    too_many_dims(len(sizes))
    return plain_tensor(sizes)


def filled_like(x: NamedTensor) -> NamedTensor:
    """``torch.zeros_like`` and its like."""
    return replace(plain_tensor(x.sizes, x.kind), strides=result_strides(x.sizes, [x]))


def int_tensor(values: Any) -> NamedTensor:
    """``torch.tensor([...])`` of ints."""
    if isinstance(values, int) and not isinstance(values, bool):
        return plain_tensor((), "int", (int(values),))
    if not isinstance(values, (list, tuple)) or not values or len(values) > MAX_CONTENT:
        raise NotFollowedError("torch.tensor is followed for a flat list of ints only")
    if not all(isinstance(value, int) and not isinstance(value, bool) for value in values):
        raise NotFollowedError("torch.tensor is followed for a flat list of ints only")
    return plain_tensor((len(values),), "int", tuple(plain_int(value, "data") for value in values))
