"""Indexing: ``x[...]``, ``select``, ``narrow``, ``index_select``, ``gather``; see `movement` for what all operations share."""

from collections.abc import Sequence
from dataclasses import replace
from itertools import pairwise
from typing import Any

from .movement import MAX_CONTENT, broadcast_shapes, contiguous_copy, flipped_axis, part_of, select_at, unsqueeze
from .named_tensor import (
    MAX_INT,
    Atom,
    Axis,
    Factor,
    NamedTensor,
    NotFollowedError,
    Own,
    Pool,
    Position,
    RefusedError,
    add_positions,
    contiguous_strides,
    narrow,
    normal_dim,
    plain_int,
    plain_tensor,
    settle,
    size_text,
    too_many_dims,
    unknown_axis,
    unravel,
)


def index(x: NamedTensor, items: Any) -> NamedTensor:
    """``x[items]``: ints, slices, ``None``, ``...``, tensors of ints and lists of ints.

    Shape: an int removes its axis, ``None`` adds one of size 1, tensors of ints put the axes of their common shape in place of
    the axes they index (in front if these are not neighbours).
    """
    items = items if isinstance(items, tuple) else (items,)
    items = tuple(_list_index(item) if isinstance(item, (list, tuple)) else item for item in items)
    real = sum(item is not None and item is not ... for item in items)
    if sum(item is ... for item in items) > 1:
        raise NotFollowedError("more than one ... in an index is not followed")
    if real > x.ndim:
        if x.ndim == 0:
            raise RefusedError(
                "invalid index of a 0-dim tensor. Use `tensor.item()` in Python to convert a 0-dim tensor to a number",
                "IndexError",
            )
        raise RefusedError(f"too many indices for tensor of dimension {x.ndim}", "IndexError")
    dim = 0
    tensors: dict[int, NamedTensor] = {}
    for item in items:
        if item is ...:
            dim = x.ndim - (real - _used(items))
        elif item is None:
            x, dim = unsqueeze(x, dim), dim + 1
        elif isinstance(item, slice):
            x, dim = _slice(x, dim, item), dim + 1
        elif isinstance(item, NamedTensor) and item.kind == "int":
            if item.ndim:
                tensors[dim] = item
                dim += 1
            else:
                x = select_at(x, dim, item.content[0] if item.content else None)
        elif isinstance(item, (bool, NamedTensor)):
            raise NotFollowedError("indexing with a mask is not followed: the shape depends on its values")
        else:
            if not isinstance(item, int):
                raise RefusedError(
                    "only integers, slices (`:`), ellipsis (`...`), None and long or byte Variables are valid indices "
                    f"(got {type(item).__name__})",
                    "IndexError",
                )
            x = select_at(x, dim, plain_int(item, "index"))
    return _gather_axes(x, tensors) if tensors else settle(x)


def _slice(x: NamedTensor, dim: int, item: slice) -> NamedTensor:
    for bound in (item.start, item.stop, item.step):
        if isinstance(bound, NamedTensor):
            raise NotFollowedError("a slice up to the value of a tensor is not followed")
        if bound is not None and not isinstance(bound, int):
            raise RefusedError("slice indices must be integers or None or have an __index__ method", "TypeError")
    if item.step is not None and item.step > MAX_INT:
        raise NotFollowedError("a step of so many digits is not followed")
    if item.step is not None and item.step <= 0:
        raise RefusedError("step must be greater than zero", "ValueError")
    start, stop, step = item.indices(x.sizes[dim])
    return part_of(x, dim, start, max(0, (stop - start + step - 1) // step), step)


def _used(items: tuple[Any, ...]) -> int:
    """How many of the items before the ``...`` use up an axis."""
    count = 0
    for item in items:
        if item is ...:
            break
        count += item is not None
    return count


def _list_index(values: Sequence[Any]) -> NamedTensor:
    if not all(type(value) is int or (isinstance(value, int) and not isinstance(value, bool)) for value in values):
        raise NotFollowedError("an index of this kind of list is not followed")
    if len(values) > MAX_CONTENT or not values:
        raise NotFollowedError("an index of so many numbers, or of none, is not followed")
    return plain_tensor((len(values),), "int", tuple(int(value) for value in values))


def _gather_axes(x: NamedTensor, tensors: dict[int, NamedTensor]) -> NamedTensor:
    """Indexing by tensors of ints, after everything else in the index is done."""
    shape = broadcast_shapes([tensor.sizes for tensor in tensors.values()], "indexing tensors")
    dims = sorted(tensors)
    left = [size for dim, size in enumerate(x.sizes) if dim not in tensors]
    for dim, tensor in tensors.items():
        size = x.sizes[dim]
        for at in (tensor.content or ()) if 0 not in (*left, *shape) else ():  # PyTorch does not look where nothing comes out
            if not -size <= at < size:
                raise RefusedError(f"index {at} is out of bounds for dimension {dim} with size {size}", "IndexError")
    gathered, fixed = _gathered(x, tensors, shape)
    rest = [dim for dim in range(x.ndim) if dim not in tensors]
    neighbours = dims == list(range(dims[0], dims[-1] + 1))
    front = dims[0] if neighbours else 0
    sizes = [x.sizes[dim] for dim in rest]
    axes = [x.axes[dim] for dim in rest]
    sizes[front:front] = shape
    axes[front:front] = gathered
    too_many_dims(len(sizes))
    return settle(replace(x, sizes=tuple(sizes), strides=None, axes=tuple(axes), fixed=fixed, content=None, own_steps=None))


def _gathered(
    x: NamedTensor, tensors: dict[int, NamedTensor], shape: tuple[int, ...]
) -> tuple[tuple[Axis, ...], dict[Atom | Pool, Position]]:
    if len(shape) == 1:
        ranges = [
            dim
            for dim, tensor in tensors.items()
            if tensor.content is not None and tensor.sizes == shape and _progression(tensor.content, x.sizes[dim]) is not None
        ]
        if ranges:
            # one index runs evenly along its axis: the result walks along that axis, the other axes are looked up for each of
            # its steps
            leader = ranges[0]
            content = tensors[leader].content or ()
            start, step = _progression(content, x.sizes[leader]) or (0, 1)
            axis, added = _walk(x.axes[leader], start, step, len(content))
            fixed = add_positions(x.fixed, added)
            whole = start == 0 and step == 1 and len(content) == x.sizes[leader]
            for dim, tensor in tensors.items():
                if dim != leader:
                    own = Own.LAST if whole and _is_own_last(x, leader, dim, tensor) else None
                    fixed = add_positions(fixed, _looked_up(x, dim, tensor, own))
            return (axis,), fixed
    factors = [factor for dim in sorted(tensors) for factor in x.axes[dim] if factor.size != 1]
    atoms: set[Atom | Pool] = {f.of for f in factors if f.of is not None}
    if len(shape) == 1 and factors:
        of = factors[0].of if len(factors) == 1 else Pool(tuple(factors))
        axis = (Factor(of, shape[0], step=None),) if shape[0] != 1 else ()
        return (axis,), add_positions(x.fixed, [(atom, None) for atom in atoms])
    return tuple(unknown_axis(size) for size in shape), add_positions(x.fixed, [(atom, None) for atom in atoms])


def _progression(content: tuple[int, ...], size: int) -> tuple[int, int] | None:
    """Start and step, if the indices run evenly, upwards or downwards."""
    if len(content) < 2:
        return None
    at = [i % size for i in content]
    step = at[1] - at[0]
    if step == 0 or any(b - a != step for a, b in pairwise(at)):
        return None
    return at[0], step


def _walk(axis: Axis, start: int, step: int, count: int) -> tuple[Axis, list[tuple[Atom | Pool, Position]]]:
    if step > 0:
        return narrow(axis, start, count, step)
    found, added = narrow(axis, start + step * (count - 1), count, -step)
    return flipped_axis(found), added


def _looked_up(x: NamedTensor, dim: int, tensor: NamedTensor, own: Own | None) -> list[tuple[Atom | Pool, Position]]:
    if own is not None:
        return [(factor.of, own) for factor in x.axes[dim] if factor.of is not None]
    if tensor.content and len({at % x.sizes[dim] for at in tensor.content}) == 1:
        return unravel(x.axes[dim], tensor.content[0] % x.sizes[dim])
    return unravel(x.axes[dim], None)


def _is_own_last(x: NamedTensor, batch: int, time: int, tensor: NamedTensor) -> bool:
    """Whether ``tensor`` is ``lengths - 1`` and the axes are the whole batch and all steps."""
    return tensor.own_steps == -1 and x.is_axis(batch, "N") and x.is_axis(time, "L")


def select(x: NamedTensor, dim: int, index: int) -> NamedTensor:
    """One position of an axis; the axis goes."""
    if x.ndim == 0:
        raise RefusedError("select() cannot be applied to a 0-dim tensor.", "IndexError")
    dim, at = normal_dim(dim, x.ndim), plain_int(index, "index")
    if not -x.sizes[dim] <= at < x.sizes[dim]:
        raise RefusedError(
            f"select(): index {at} out of range for tensor of size {size_text(x.sizes)} at dimension {dim}", "IndexError"
        )
    return settle(select_at(x, dim, at))


def narrow_dim(x: NamedTensor, dim: int, start: int, length: int) -> NamedTensor:
    """``x.narrow(dim, start, length)``."""
    if x.ndim == 0:
        raise RefusedError("narrow() cannot be applied to a 0-dim tensor.")
    if isinstance(start, NamedTensor):
        raise NotFollowedError("the start of narrow is not known")
    length = plain_int(length, "length")
    start = plain_int(start, "start")
    if length < 0:
        raise RefusedError("narrow(): length must be non-negative.")
    dim = normal_dim(dim, x.ndim)
    size = x.sizes[dim]
    if not -size <= start <= size:
        raise RefusedError(f"start out of range (expected to be in range of [{-size}, {size}], but got {start})", "IndexError")
    start += size if start < 0 else 0
    if start + length > size:
        raise RefusedError(f"start ({start}) + length ({length}) exceeds dimension size ({size}).")
    return part_of(x, dim, start, length)


def index_select(x: NamedTensor, dim: int, index: Any) -> NamedTensor:
    """The positions of ``dim`` that a 1-D tensor of ints names."""
    if not isinstance(index, NamedTensor):
        raise RefusedError("index_select(): argument 'index' must be Tensor", "TypeError")
    dim = normal_dim(dim, x.ndim)
    if index.ndim > 1:
        raise RefusedError("index_select(): Index is supposed to be a vector", "IndexError")
    if index.kind != "int":
        raise RefusedError("index_select(): Expected dtype int32/int64 for index")
    if x.ndim == 0 or index.ndim == 0:
        raise NotFollowedError("index_select of or with a 0-dim tensor is not followed")
    if any(not 0 <= at < x.sizes[dim] for at in index.content or ()):
        raise RefusedError("index out of range in self", "IndexError")
    return contiguous_copy(_gather_axes(x, {dim: index}))


def gather(x: NamedTensor, dim: int, index: Any) -> NamedTensor:
    """Along ``dim`` the positions that ``index`` names, one for each of its elements.

    Shape: that of ``index``, which has as many axes as ``x`` and is nowhere larger except along ``dim``.
    """
    if not isinstance(index, NamedTensor):
        raise RefusedError("gather(): argument 'index' must be Tensor", "TypeError")
    if index.kind != "int":
        raise RefusedError("gather(): Expected dtype int32/int64 for index")
    dim = normal_dim(dim, x.ndim)
    if 0 in index.sizes or not x.ndim or not index.ndim:
        raise NotFollowedError("gather of nothing is not followed")
    if index.ndim != x.ndim:
        raise RefusedError("Index tensor must have the same number of dimensions as input tensor")
    if any(index.sizes[d] > x.sizes[d] for d in range(x.ndim) if d != dim):
        raise RefusedError(
            f"Size does not match at dimension {next(d for d in range(x.ndim) if d != dim and index.sizes[d] > x.sizes[d])} "
            f"expected index {size_text(index.sizes)} to be no larger than self {size_text(x.sizes)} apart from dimension {dim}"
        )
    if any(not 0 <= at < x.sizes[dim] for at in index.content or ()):
        raise RefusedError(f"index is out of bounds for dimension {dim} with size {x.sizes[dim]}")
    fixed, axes = dict(x.fixed), []
    for d in range(x.ndim):
        axis: Axis
        if d != dim:
            axis, added = narrow(x.axes[d], 0, index.sizes[d], 1)
        elif index.sizes[d] == 1:
            axis, added = (), unravel(x.axes[d], None)
            batch = next((b for b in range(x.ndim) if x.is_axis(b, "N")), None)
            own = (
                index.own_steps == -1
                and batch is not None
                and index.is_axis(batch, "N")
                and index.sizes[batch] == x.sizes[batch]
            )
            if own and x.is_axis(d, "L"):
                added = [(factor.of, Own.LAST) for factor in x.axes[d] if factor.of is not None]
        else:
            factors = tuple(f for f in x.axes[d] if f.size != 1)
            of = None if not factors else factors[0].of if len(factors) == 1 else Pool(factors)
            axis, added = (
                (Factor(of, index.sizes[d], step=None),),
                [(atom, None) for factor in factors for atom in factor.atoms()],
            )
        axes.append(axis)
        fixed = add_positions(fixed, added)
    strides = contiguous_strides(index.sizes)
    return settle(replace(x, sizes=index.sizes, strides=strides, axes=tuple(axes), fixed=fixed, content=None, own_steps=None))
