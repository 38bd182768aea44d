"""Operations that only arrange elements anew: indexing, transposes, reshapes, repeats, splits.

Each is a function on `NamedTensor` with PyTorch's names, argument names and defaults, and gives PyTorch's shape and strides.
All of them raise `RefusedError` where PyTorch refuses and `NotFollowedError` where the result cannot be told.
"""

from collections.abc import Sequence
from dataclasses import replace
from itertools import pairwise
from math import prod
from typing import Any, Final

from .named_tensor import (
    MAX_INT,
    MISSING,
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
    regroup,
    settle,
    size_text,
    too_many_dims,
    type_name,
    unknown_axis,
    unravel,
)

MAX_PARTS: Final = 1000
"""The most tensors that one split gives here."""

MAX_CONTENT: Final = 10_000
"""The most numbers of a tensor of ints that are kept."""


def int_list(values: Sequence[Any], what: str) -> tuple[int, ...]:
    """Ints given one by one or as one tuple or list: ``permute(0, 1)`` and ``permute((0, 1))``."""
    if len(values) == 1 and isinstance(values[0], (tuple, list)):
        values = values[0]
    return tuple(plain_int(value, what) for value in values)


# ---- indexing


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
                x = _select(x, dim, item.content[0] if item.content else None)
        elif isinstance(item, (bool, NamedTensor)):
            raise NotFollowedError("indexing with a mask is not followed: the shape depends on its values")
        else:
            if not isinstance(item, int):
                raise RefusedError(
                    "only integers, slices (`:`), ellipsis (`...`), None and long or byte Variables are valid indices "
                    f"(got {type(item).__name__})",
                    "IndexError",
                )
            x = _select(x, dim, plain_int(item, "index"))
    return _gather_axes(x, tensors) if tensors else settle(x)


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


def _select(x: NamedTensor, dim: int, at: int | None) -> NamedTensor:
    size = x.sizes[dim]
    if at is not None and not -size <= at < size:
        raise RefusedError(f"index {at} is out of bounds for dimension {dim} with size {size}", "IndexError")
    added = unravel(x.axes[dim], None if at is None else at % size)
    content = (x.content[at],) if x.content is not None and at is not None and x.ndim == 1 else None
    return replace(
        x,
        sizes=_without(x.sizes, dim),
        strides=x.strides and _without(x.strides, dim),
        axes=_without(x.axes, dim),
        fixed=add_positions(x.fixed, added),
        content=content,
    )


def _without(values: tuple[Any, ...], dim: int) -> tuple[Any, ...]:
    return values[:dim] + values[dim + 1 :]


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
    return _part(x, dim, start, max(0, (stop - start + step - 1) // step), step)


def _part(x: NamedTensor, dim: int, start: int, count: int, step: int = 1) -> NamedTensor:
    """``x[start::step]`` along ``dim``, ``count`` positions."""
    axis, added = narrow(x.axes[dim], start, count, step)
    content = x.content[start : start + count * step : step] if x.content is not None and x.ndim == 1 else None
    strides = x.strides
    if strides is not None:
        strides = (*strides[:dim], strides[dim] * step, *strides[dim + 1 :])
    return settle(
        replace(
            x,
            sizes=(*x.sizes[:dim], count, *x.sizes[dim + 1 :]),
            strides=strides,
            axes=(*x.axes[:dim], axis, *x.axes[dim + 1 :]),
            fixed=add_positions(x.fixed, added),
            content=content,
            own_steps=x.own_steps if count == x.sizes[dim] else None,
        )
    )


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
    return _flipped(found), added


def _flipped(axis: Axis) -> Axis:
    return tuple(
        factor
        if factor.of is None or factor.step is None
        else Factor(factor.of, factor.size, factor.start + factor.step * (factor.size - 1), -factor.step)
        for factor in axis
    )


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
    return settle(_select(x, dim, at))


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
    return _part(x, dim, start, length)


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
    return _contiguous(_gather_axes(x, {dim: index}))


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


# ---- order of the axes


def permute(x: NamedTensor, *dims: Any) -> NamedTensor:
    """The axes in another order."""
    if not dims:
        raise RefusedError('permute() missing 1 required positional arguments: "dims"', "TypeError")
    order = int_list(dims, "dims")
    if len(order) != x.ndim:
        raise RefusedError(
            "permute(sparse_coo): number of dimensions in the tensor input does not match the length of the desired ordering "
            "of "
            f"dimensions i.e. input.dim() = {x.ndim} is not equal to len(dims) = {len(order)}"
        )
    places = [normal_dim(dim, x.ndim) for dim in order]
    if len(set(places)) != x.ndim:
        raise RefusedError("permute(): duplicate dims are not allowed.")
    return _reorder(x, places)


def _reorder(x: NamedTensor, order: Sequence[int]) -> NamedTensor:
    return replace(
        x,
        sizes=tuple(x.sizes[dim] for dim in order),
        strides=x.strides and tuple(x.strides[dim] for dim in order),
        axes=tuple(x.axes[dim] for dim in order),
        content=None if x.ndim > 1 else x.content,
    )


def transpose(x: NamedTensor, dim0: int, dim1: int) -> NamedTensor:
    """Two axes change places."""
    first, second = normal_dim(dim0, x.ndim), normal_dim(dim1, x.ndim)
    if x.ndim == 0:
        return x
    order = list(range(x.ndim))
    order[first], order[second] = order[second], order[first]
    return _reorder(x, order)


def swapaxes(x: NamedTensor, axis0: int, axis1: int) -> NamedTensor:
    """Two axes change places."""
    return transpose(x, axis0, axis1)


def t(x: NamedTensor) -> NamedTensor:
    """The transpose of a matrix; up to one axis nothing changes."""
    if x.ndim > 2:
        raise RefusedError(f"t() expects a tensor with <= 2 dimensions, but self is {x.ndim}D")
    return _reorder(x, range(x.ndim)[::-1])


def reversed_axes(x: NamedTensor) -> NamedTensor:
    """``x.T``: all axes in reverse order. PyTorch warns where there are not two."""
    return _reorder(x, range(x.ndim)[::-1])


def matrix_transpose(x: NamedTensor) -> NamedTensor:
    """``x.mT``: the last two axes change places."""
    if x.ndim == 0:
        return x
    if x.ndim < 2:
        raise RefusedError(f"tensor.mT is only supported on matrices or batches of matrices. Got {x.ndim}-D tensor.")
    return transpose(x, -2, -1)


def movedim(x: NamedTensor, source: Any, destination: Any) -> NamedTensor:
    """Axes moved to other places; the rest keep their order."""
    sources, destinations = (
        [normal_dim(dim, x.ndim) for dim in int_list(dims if isinstance(dims, (tuple, list)) else (dims,), "source")]
        for dims in (source, destination)
    )
    if isinstance(source, (tuple, list)) != isinstance(destination, (tuple, list)):
        raise RefusedError("movedim() received an invalid combination of arguments", "TypeError")
    if len(sources) != len(destinations):
        raise RefusedError(
            f"movedim: Invalid source or destination dims: source ({len(sources)} dims) should contain the same number"
        )
    if len(set(sources)) != len(sources):
        raise RefusedError("movedim: repeated dim in `source`")
    if len(set(destinations)) != len(destinations):
        raise RefusedError("movedim: repeated dim in `destination`")
    if x.ndim == 0:
        return x
    order = [dim for dim in range(x.ndim) if dim not in sources]
    for to, dim in sorted(zip(destinations, sources, strict=True)):
        order.insert(to, dim)
    return _reorder(x, order)


def flip(x: NamedTensor, *dims: Any) -> NamedTensor:
    """The axes backwards."""
    if not dims:
        raise RefusedError('flip() missing 1 required positional arguments: "dims"', "TypeError")
    chosen = [normal_dim(dim, x.ndim) for dim in int_list(dims, "dims")]
    if len(set(chosen)) != len(chosen):
        raise RefusedError(f"dim {chosen[-1]} appears multiple times in the list of dims")
    axes = tuple(_flipped(axis) if dim in chosen else axis for dim, axis in enumerate(x.axes))
    return replace(x, axes=axes, strides=None if x.ndim > 1 else contiguous_strides(x.sizes), content=None, own_steps=None)


def roll(x: NamedTensor, shifts: Any, dims: Any = None) -> NamedTensor:
    """Elements shifted around the end of an axis: the axis keeps its names, and its order is not followed."""
    shifts = int_list((shifts,), "shifts")
    if dims is None or dims in ((), []):
        if len(shifts) != 1:
            raise RefusedError(f"shifts and dimensions must align. shifts: {len(shifts)}, dims:0")
        if x.ndim > 1:
            raise NotFollowedError("roll over all axes together is not followed")
        chosen = [0] if x.ndim else []
    else:
        listed = int_list((dims,), "dims")
        if len(shifts) != len(listed):
            raise RefusedError(f"shifts and dimensions must align. shifts: {len(shifts)}, dims:{len(listed)}")
        if x.ndim == 0 and x.numel:
            raise RefusedError(f"Dimension specified as {listed[0]} but tensor has no dimensions", "IndexError")
        chosen = [normal_dim(dim, x.ndim) for dim in listed] if x.numel else []  # PyTorch does not look where nothing is
    axes = tuple(_unordered(axis) if dim in chosen else axis for dim, axis in enumerate(x.axes))
    return replace(x, axes=axes, strides=None if x.ndim > 1 else contiguous_strides(x.sizes), content=None, own_steps=None)


def _unordered(axis: Axis) -> Axis:
    factors = tuple(factor for factor in axis if factor.size != 1)
    if not factors:
        return axis
    size = prod(factor.size for factor in factors)
    return (Factor(factors[0].of if len(factors) == 1 else Pool(factors), size, step=None),)


# ---- shape


def inferred(sizes: Sequence[Any], numel: int) -> tuple[int, ...]:
    """The sizes with -1 replaced, as ``view`` and ``reshape`` do.

    Raises:
        RefusedError: where they do not fit ``numel`` elements.
    """
    too_many_dims(len(sizes))
    plain = [plain_int(size, "shape") for size in sizes]
    for size in plain:
        if size < -1:
            raise RefusedError(f"invalid shape dimension {size}")
    if plain.count(-1) > 1:
        raise RefusedError("only one dimension can be inferred")
    known = prod(size for size in plain if size != -1)
    if -1 in plain:
        if known == 0:
            if numel == 0:
                raise RefusedError(
                    f"cannot reshape tensor of 0 elements into shape {size_text(plain)} because the unspecified dimension "
                    "size -1 "
                    "can be any value and is ambiguous"
                )
        elif numel % known == 0:
            return tuple(numel // known if size == -1 else size for size in plain)
    elif known == numel:
        return tuple(plain)
    raise RefusedError(f"shape '{size_text(plain)}' is invalid for input of size {numel}")


def view_strides(old: Sequence[int], strides: Sequence[int], new: Sequence[int]) -> tuple[int, ...] | None:
    """Strides with which ``new`` sizes see the same memory; ``None`` if no strides do (ATen's ``computeStride``)."""
    if not old:
        return (1,) * len(new)
    if 0 in old:
        return tuple(strides) if tuple(old) == tuple(new) else contiguous_strides(new)
    found = [0] * len(new)
    dim = len(new) - 1
    base = strides[-1]
    have = want = 1
    for at in range(len(old) - 1, -1, -1):
        have *= old[at]
        # a chunk of axes that lie without a gap in memory ends here
        if at == 0 or (old[at - 1] != 1 and strides[at - 1] != have * base):
            while dim >= 0 and (want < have or new[dim] == 1):
                found[dim] = want * base
                want *= new[dim]
                dim -= 1
            if want != have:
                return None
            if at > 0:
                base = strides[at - 1]
                have = want = 1
    return tuple(found) if dim == -1 else None


def _reshaped(x: NamedTensor, sizes: tuple[int, ...], *, copies: bool) -> NamedTensor:
    too_many_dims(len(sizes))
    strides = None
    if x.strides is not None:
        strides = view_strides(x.sizes, x.strides, sizes)
        if strides is None:
            if not copies:
                raise RefusedError(
                    "view size is not compatible with input tensor's size and stride (at least one dimension spans across two "
                    "contiguous subspaces). Use .reshape(...) instead."
                )
            strides = contiguous_strides(sizes)
    elif not copies and view_strides(x.sizes, contiguous_strides([size + 1 for size in x.sizes]), sizes) is None:
        raise NotFollowedError("whether view works depends on how the tensor lies in memory, and that is not known here")
    axes, fixed = regroup(x, sizes)
    return settle(replace(x, sizes=sizes, strides=strides, axes=axes, fixed=fixed))


def view(x: NamedTensor, *shape: Any) -> NamedTensor:
    """The same memory with another shape; refused where the strides do not allow it."""
    if not shape:
        raise RefusedError("view() received an invalid combination of arguments - got ()", "TypeError")
    return _reshaped(x, inferred(_sizes(shape), x.numel), copies=False)


def reshape(x: NamedTensor, *shape: Any) -> NamedTensor:
    """Another shape over the elements in row-major order; copies where a view is not possible."""
    if not shape:
        raise RefusedError('reshape(): missing 1 required positional arguments: "shape"', "TypeError")
    return _reshaped(x, inferred(_sizes(shape), x.numel), copies=True)


def _sizes(shape: tuple[Any, ...]) -> Sequence[Any]:
    return shape[0] if len(shape) == 1 and isinstance(shape[0], (tuple, list)) else shape


def _other(other: Any, name: str) -> NamedTensor:
    if not isinstance(other, NamedTensor):
        raise RefusedError(f"{name}(): argument 'other' (position 1) must be Tensor, not {type_name(other)}", "TypeError")
    return other


def view_as(x: NamedTensor, other: NamedTensor) -> NamedTensor:
    """``view`` to another tensor's shape."""
    return _reshaped(x, inferred(_other(other, "view_as").sizes, x.numel), copies=False)


def reshape_as(x: NamedTensor, other: NamedTensor) -> NamedTensor:
    """``reshape`` to another tensor's shape."""
    return _reshaped(x, inferred(_other(other, "reshape_as").sizes, x.numel), copies=True)


def flatten(x: NamedTensor, start_dim: int = 0, end_dim: int = -1) -> NamedTensor:
    """Neighbouring axes become one."""
    start, end = normal_dim(start_dim, x.ndim), normal_dim(end_dim, x.ndim)
    if start > end:
        raise RefusedError("flatten() has invalid args: start_dim cannot come after end_dim")
    if x.ndim == 0:
        return _reshaped(x, (1,), copies=True)
    if start == end:
        return x
    return _reshaped(x, (*x.sizes[:start], prod(x.sizes[start : end + 1]), *x.sizes[end + 1 :]), copies=True)


def unflatten(x: NamedTensor, dim: int, sizes: Any) -> NamedTensor:
    """One axis becomes several."""
    dim = normal_dim(dim, x.ndim)
    if not isinstance(sizes, (tuple, list)):
        raise RefusedError("unflatten(): argument 'sizes' must be tuple of ints", "TypeError")
    if not sizes:
        raise RefusedError("unflatten: sizes must be non-empty")
    if x.ndim == 0:
        raise NotFollowedError("unflatten of a 0-dim tensor is not followed")
    try:
        inner = inferred(sizes, x.sizes[dim])
    except RefusedError as error:
        if "is invalid for input" not in error.message:
            raise
        raise RefusedError(
            f"unflatten: Provided sizes {size_text(sizes)} don't multiply up to the size of dim {dim} ({x.sizes[dim]}) in the "
            "input tensor"
        ) from None
    return _reshaped(x, (*x.sizes[:dim], *inner, *x.sizes[dim + 1 :]), copies=False)


def squeeze(x: NamedTensor, dim: Any = MISSING) -> NamedTensor:
    """Axes of size 1 removed: all, or those of ``dim`` (an int or several) that have size 1."""
    if dim is MISSING:
        chosen = set(range(x.ndim))
    elif isinstance(dim, (tuple, list)):
        listed = [normal_dim(d, x.ndim) for d in dim]
        if len(set(listed)) != len(listed):
            raise RefusedError(f"dim {listed[-1]} appears multiple times in the list of dims")
        chosen = set(listed)
    else:
        chosen = {normal_dim(dim, x.ndim)}
    for d in sorted(chosen, reverse=True):
        if x.ndim and x.sizes[d] == 1:
            x = replace(_select(x, d, 0), content=x.content, own_steps=x.own_steps)
    return settle(x)


def unsqueeze(x: NamedTensor, dim: int) -> NamedTensor:
    """A new axis of size 1."""
    dim = normal_dim(dim, x.ndim + 1)
    too_many_dims(x.ndim + 1)
    strides = x.strides
    if strides is not None:
        new = 1 if dim >= x.ndim else x.sizes[dim] * strides[dim]
        strides = (*strides[:dim], new, *strides[dim:])
    return replace(x, sizes=(*x.sizes[:dim], 1, *x.sizes[dim:]), strides=strides, axes=(*x.axes[:dim], (), *x.axes[dim:]))


# ---- repeats


def expand(x: NamedTensor, *size: Any) -> NamedTensor:
    """Axes of size 1 repeated without copying; -1 keeps a size; new axes come in front."""
    sizes = int_list(size, "size")
    return _expanded(x, sizes)


def expand_as(x: NamedTensor, other: NamedTensor) -> NamedTensor:
    """``expand`` to another tensor's shape."""
    return _expanded(x, _other(other, "expand_as").sizes)


def _expanded(x: NamedTensor, sizes: tuple[int, ...]) -> NamedTensor:
    too_many_dims(len(sizes))
    if len(sizes) < x.ndim:
        raise RefusedError(
            f"expand: the number of sizes provided ({len(sizes)}) must be greater or equal to the number of dimensions in the "
            f"tensor ({x.ndim})"
        )
    new = len(sizes) - x.ndim
    out: list[int] = []
    axes: list[Axis] = []
    strides: list[int] = []
    for at in range(len(sizes) - 1, -1, -1):
        size, dim = sizes[at], at - new
        here = x.sizes[dim] if dim >= 0 else 1
        if size == -1 and dim >= 0:
            size = here
        if size < 0:
            raise RefusedError(
                f"The expanded size of the tensor ({size}) isn't allowed in a leading, non-existing dimension {at}"
            )
        if here not in (size, 1):
            raise RefusedError(
                f"The expanded size of the tensor ({size}) must match the existing size ({here}) at non-singleton dimension "
                f"{at}."
            )
        if x.strides is not None:
            follows = out[0] * strides[0] if out else 1
            strides.insert(0, (x.strides[dim] if dim >= 0 else follows) if size == here else 0)
        axis = x.axes[dim] if dim >= 0 else ()
        axes.insert(0, axis if size == here else _repeated(axis, size))
        out.insert(0, size)
    moved = tuple(out) != x.sizes
    return replace(
        x,
        sizes=tuple(out),
        strides=None if x.strides is None else tuple(strides),
        axes=tuple(axes),
        content=None if moved else x.content,
    )


def _repeated(axis: Axis, size: int) -> Axis:
    """A size of 1 repeated; factors of size 1 keep their offsets."""
    if size == 0:
        return unknown_axis(0)
    return (Factor(None, size), *axis)


def repeat(x: NamedTensor, *repeats: Any) -> NamedTensor:
    """The whole tensor repeated along each axis; new axes come in front."""
    counts = int_list(repeats, "repeats")
    too_many_dims(len(counts))
    if len(counts) < x.ndim:
        raise RefusedError("Number of dimensions of repeat dims can not be smaller than number of dimensions of tensor")
    if any(count < 0 for count in counts):
        raise RefusedError("Trying to create tensor with negative dimension")
    new = len(counts) - x.ndim
    axes: list[Axis] = []
    sizes = []
    for at, count in enumerate(counts):
        axis = x.axes[at - new] if at >= new else ()
        sizes.append(count * (x.sizes[at - new] if at >= new else 1))
        axes.append(axis if count == 1 else unknown_axis(0) if count == 0 else (Factor(None, count), *axis))
    return replace(x, sizes=tuple(sizes), strides=contiguous_strides(sizes), axes=tuple(axes), content=None, own_steps=None)


# ---- joining and parting


def broadcast_shapes(shapes: Sequence[tuple[int, ...]], what: str = "") -> tuple[int, ...]:
    """The common shape of several.

    Raises:
        RefusedError: if there is none.
    """
    ndim = max(map(len, shapes), default=0)
    found = [1] * ndim
    for shape in shapes:
        for at, size in reversed(list(enumerate(shape, start=ndim - len(shape)))):
            if size not in (1, found[at]):
                if found[at] != 1:
                    if what:
                        text = " and ".join(size_text(s) for s in shapes)
                        raise RefusedError(
                            f"shape mismatch: {what} could not be broadcast together with shapes {text}", "IndexError"
                        )
                    raise RefusedError(
                        f"The size of tensor a ({found[at]}) must match the size of tensor b ({size}) at non-singleton "
                        f"dimension {at}"
                    )
                found[at] = size
    return tuple(found)


def tensor_list(tensors: Any, what: str) -> list[NamedTensor]:
    """The argument of ``cat`` and ``stack``: a tuple or list of tensors."""
    if not isinstance(tensors, (tuple, list)):
        raise RefusedError(
            f"{what}(): argument 'tensors' (position 1) must be tuple of Tensors, not {type_name(tensors)}", "TypeError"
        )
    if not all(isinstance(tensor, NamedTensor) for tensor in tensors):
        raise RefusedError(f"expected Tensor as an element of the argument 'tensors' of {what}", "TypeError")
    return list(tensors)


def stack(tensors: Any, dim: int = 0) -> NamedTensor:
    """Tensors of one shape put side by side along a new axis."""
    parts = tensor_list(tensors, "stack")
    if not parts:
        raise RefusedError("stack expects a non-empty TensorList")
    dim = normal_dim(dim, parts[0].ndim + 1)
    for at, part in enumerate(parts):
        if part.sizes != parts[0].sizes:
            raise RefusedError(
                f"stack expects each tensor to be equal size, but got {size_text(parts[0].sizes)} at entry 0 and "
                f"{size_text(part.sizes)} at entry {at}"
            )
    return _joined([unsqueeze(part, dim) for part in parts], dim)


def cat(tensors: Any, dim: int = 0) -> NamedTensor:
    """Tensors put one after the other along an axis; all other sizes are equal."""
    parts = tensor_list(tensors, "cat")
    if not parts:
        raise RefusedError("torch.cat(): expected a non-empty list of Tensors", "ValueError")
    if any(part.ndim == 0 for part in parts):
        at = next(i for i, part in enumerate(parts) if part.ndim == 0)
        raise RefusedError(f"zero-dimensional tensor (at position {at}) cannot be concatenated")
    if any(part.sizes == (0,) for part in parts):
        raise NotFollowedError("cat with an empty 1-D tensor is not followed")
    dim = normal_dim(dim, parts[0].ndim)
    for at, part in enumerate(parts):
        if part.ndim != parts[0].ndim:
            raise RefusedError(f"Tensors must have same number of dimensions: got {parts[0].ndim} and {part.ndim}")
        for d in range(part.ndim):
            if d != dim and part.sizes[d] != parts[0].sizes[d]:
                raise RefusedError(
                    f"Sizes of tensors must match except in dimension {dim}. Expected size {parts[0].sizes[d]} but got size "
                    f"{part.sizes[d]} for tensor number {at} in the list."
                )
    return _joined(parts, dim)


def _joined(parts: list[NamedTensor], dim: int) -> NamedTensor:
    """``cat`` of parts that fit. Parts that are neighbours in one source become what they were."""
    first = parts[0]
    size = sum(part.sizes[dim] for part in parts)
    sizes = (*first.sizes[:dim], size, *first.sizes[dim + 1 :])
    plain = len(sizes) < 4 or all(part.is_contiguous for part in parts)
    result = NamedTensor(
        sizes,
        contiguous_strides(sizes) if plain else None,  # from 4 axes on PyTorch may choose channels_last
        (),
        sources=frozenset().union(*(part.sources for part in parts)),
        moved=all(part.moved for part in parts),
        masked=any(part.masked for part in parts),
        kind=first.kind,
    )
    if len(parts) == 1:
        return replace(result, axes=first.axes, fixed=first.fixed)
    restored = _restored(parts, dim, size)
    if restored is not None:
        axis, fixed = restored
        return settle(replace(result, axes=(*first.axes[:dim], axis, *first.axes[dim + 1 :]), fixed=fixed))
    fixed = agreed([part.fixed for part in parts], [part.sources for part in parts])
    axes = []
    for d in range(first.ndim):
        here = [part.axes[d] for part in parts]
        if d == dim:
            pooled = tuple(factor for axis in here for factor in axis if factor.of is not None)
            axes.append((Factor(Pool(pooled), size, step=None),) if pooled and size != 1 else unknown_axis(size))
            continue
        axes.append(merged_axis(here)[0])
        if any(axis != here[0] for axis in here):  # the same place is another one in the next part
            fixed = add_positions(fixed, [(atom, None) for axis in here for factor in axis for atom in factor.atoms()])
    return replace(result, axes=tuple(axes), fixed=fixed)


def _restored(parts: list[NamedTensor], dim: int, size: int) -> tuple[Axis, dict[Atom | Pool, Position]] | None:
    """The axis, if the parts differ in the position in one atom only, by even steps, and are equal otherwise."""
    first, second = parts[0], parts[1]
    if any(_bare(part, dim) != _bare(first, dim) or part.sizes[dim] != first.sizes[dim] for part in parts[1:]):
        return _continued(parts, dim, size)
    if any(set(part.fixed) != set(first.fixed) for part in parts):
        return None
    changed = [key for key in first.fixed if first.fixed[key] != second.fixed[key]]
    if len(changed) != 1 or first.axes[dim] != second.axes[dim]:
        return _continued(parts, dim, size)
    (key,) = changed
    positions = [part.fixed[key] for part in parts]
    if not all(isinstance(position, int) for position in positions):
        return None
    at = [position for position in positions if isinstance(position, int)]
    step = at[1] - at[0]
    even = all(b - a == step for a, b in pairwise(at))
    same = all({**part.fixed, key: at[0]} == dict(first.fixed) and part.axes == first.axes for part in parts)
    if not (even and same):
        return None
    new = Factor(key, len(parts), 0, step)
    return ((new, *(f for f in first.axes[dim] if f.size != 1)) if len(parts) > 1 else first.axes[dim]), dict(first.fixed)


def _bare(part: NamedTensor, dim: int) -> tuple[Any, ...]:
    return part.sources, part.moved, part.masked, part.axes[:dim], part.axes[dim + 1 :]


def _continued(parts: list[NamedTensor], dim: int, size: int) -> tuple[Axis, dict[Atom | Pool, Position]] | None:
    """The axis, if each part goes on along one atom where the one before ends: ``cat([x[:2], x[2:]])``."""
    first = parts[0]
    axes = [[factor for factor in part.axes[dim] if factor.size != 1] for part in parts]
    if any(
        len(axis) != 1 or part.fixed != first.fixed or _bare(part, dim) != _bare(first, dim)
        for axis, part in zip(axes, parts, strict=True)
    ):
        return None
    factors = [axis[0] for axis in axes]
    if factors[0].of is None or factors[0].step is None:
        return None
    at = factors[0].start
    for factor in factors:
        if factor.of != factors[0].of or factor.step != factors[0].step or factor.start != at:
            return None
        at += factor.step * factor.size
    return (replace(factors[0], size=size),), dict(first.fixed)


def merged_axis(axes: Sequence[Axis]) -> tuple[Axis, bool]:
    """One axis for axes that meet element by element, and whether they are the same.

    Where walks along one atom differ, the atom's name stays and its order is no longer known; where atoms differ, nothing is
    known. An axis without names (of unknown content) takes the names of the other.
    """
    cleaned = [tuple(factor for factor in axis if factor.size != 1) for axis in axes]
    size = max((prod(f.size for f in axis) for axis in cleaned), default=1)
    named = [axis for axis in cleaned if axis and not _nameless(axis)]
    if not named:
        return max(cleaned, key=len, default=()), True
    if all(axis == named[0] for axis in named):
        return named[0], True
    if all(_steps(axis) == _steps(named[0]) for axis in named):
        return named[0], True
    walks = [[(_name(f), f.size) for f in axis] for axis in named]
    if all(walk == walks[0] for walk in walks):
        return tuple(replace(factor, start=0, step=None) for factor in named[0]), True
    pooled = tuple(dict.fromkeys(factor for axis in named for factor in axis))
    return (Factor(Pool(pooled), size, step=None),), False


def _name(factor: Factor) -> Any:
    """The name of an atom, whatever its source: N of the input is N of the output."""
    return (factor.of.name, factor.of.size) if isinstance(factor.of, Atom) else factor.of


def _steps(axis: Axis) -> list[Any]:
    return [(_name(f), f.size, f.start, f.step) for f in axis]


def _nameless(axis: Axis) -> bool:
    return all(f.of is None or (isinstance(f.of, Atom) and f.of.name == "?") for f in axis)


def agreed(fixed: Sequence[Any], sources: Sequence[frozenset[str]]) -> dict[Atom | Pool, Position]:
    """Positions that hold for tensors that meet: equal in all, or known in the only one that has the source."""
    found: dict[Atom | Pool, Position] = {}
    for at, positions in enumerate(fixed):
        for key, position in positions.items():
            owners = {atom.source for atom in (key.atoms() if isinstance(key, Pool) else (key,))}
            others = [other for i, other in enumerate(fixed) if i != at and owners & sources[i]]
            found[key] = position if all(other.get(key) == position for other in others) else None
    return found


def chunk(x: NamedTensor, chunks: int, dim: int = 0) -> tuple[NamedTensor, ...]:
    """At most ``chunks`` parts of equal size along ``dim``; the last may be smaller."""
    if x.ndim == 0:
        raise RefusedError("chunk expects at least a 1-dimensional tensor")
    chunks = plain_int(chunks, "chunks")
    if chunks <= 0:
        raise RefusedError(f"chunk expects `chunks` to be greater than 0, got: {chunks}")
    dim = normal_dim(dim, x.ndim)
    size = (x.sizes[dim] + chunks - 1) // chunks
    if size == 0:
        raise NotFollowedError("chunks of an empty axis are not followed")
    return split(x, size, dim)


def split(x: NamedTensor, split_size: Any, dim: int = 0) -> tuple[NamedTensor, ...]:
    """Parts of ``split_size`` along ``dim``, or parts of the listed sizes."""
    if isinstance(split_size, (tuple, list)):
        sizes = [plain_int(size, "split_sizes") for size in split_size]
        if x.ndim == 0:
            raise RefusedError("split expects at least a 1-dimensional tensor")
        dim = normal_dim(dim, x.ndim)
        if any(size < 0 for size in sizes) or sum(sizes) != x.sizes[dim]:
            raise RefusedError(
                f"split_with_sizes expects split_sizes to sum exactly to {x.sizes[dim]} (input tensor's size at dimension "
                f"{dim}), "
                f"but got split_sizes={size_text(sizes)}"
            )
    else:
        if x.ndim == 0:
            raise RefusedError("split expects at least a 1-dimensional tensor")
        size = plain_int(split_size, "split_size")
        dim = normal_dim(dim, x.ndim)
        if size < 0:
            raise RefusedError(f"split expects split_size be non-negative, but got split_size={size}")
        if size == 0 or x.sizes[dim] == 0:
            if x.sizes[dim]:
                raise RefusedError(f"split_size can only be 0 if dimension size is 0, but got dimension size of {x.sizes[dim]}")
            return (x,)
        count = -(-x.sizes[dim] // size)
        _few_parts(count)
        sizes = [min(size, x.sizes[dim] - at * size) for at in range(count)]
    _few_parts(len(sizes))
    found, at = [], 0
    for size in sizes:
        found.append(_part(x, dim, at, size))
        at += size
    return tuple(found)


def unbind(x: NamedTensor, dim: int = 0) -> tuple[NamedTensor, ...]:
    """The positions of one axis, one tensor each."""
    if x.ndim == 0:
        raise RefusedError("Dimension specified as 0 but tensor has no dimensions", "IndexError")
    dim = normal_dim(dim, x.ndim)
    _few_parts(x.sizes[dim])
    return tuple(settle(_select(x, dim, at)) for at in range(x.sizes[dim]))


def _few_parts(count: int) -> None:
    if count > MAX_PARTS:
        raise NotFollowedError(f"more than {MAX_PARTS} parts of a tensor are not followed")


def contiguous(x: NamedTensor) -> NamedTensor:
    """The same elements in row-major order without gaps."""
    return x if x.is_contiguous else _contiguous(x)


def _contiguous(x: NamedTensor) -> NamedTensor:
    return replace(x, strides=contiguous_strides(x.sizes))
