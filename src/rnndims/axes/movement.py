"""Operations that only arrange elements anew: the order of axes, reshapes, repeats.

Each is a function on `NamedTensor` with PyTorch's names, argument names and defaults, and gives PyTorch's shape and strides.
All of them raise `RefusedError` where PyTorch refuses and `NotFollowedError` where the result cannot be told. `indexing` and
`joining` have the rest of their kind.
"""

from collections.abc import Sequence
from dataclasses import replace
from math import prod
from typing import Any, Final

from .named_tensor import (
    MISSING,
    Axis,
    Factor,
    NamedTensor,
    NotFollowedError,
    Pool,
    RefusedError,
    add_positions,
    contiguous_strides,
    narrow,
    normal_dim,
    plain_int,
    regroup,
    settle,
    size_text,
    too_many_dims,
    type_name,
    unknown_axis,
    unravel,
)

MAX_CONTENT: Final = 10_000
"""The most numbers of a tensor of ints that are kept."""


def int_list(values: Sequence[Any], what: str) -> tuple[int, ...]:
    """Ints given one by one or as one tuple or list: ``permute(0, 1)`` and ``permute((0, 1))``."""
    if len(values) == 1 and isinstance(values[0], (tuple, list)):
        values = values[0]
    return tuple(plain_int(value, what) for value in values)


# ---- indexing


def select_at(x: NamedTensor, dim: int, at: int | None) -> NamedTensor:
    """One position of an axis, ``None`` for an unknown one; the axis goes.

    Raises:
        RefusedError: if it is out of bounds.
    """
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


def part_of(x: NamedTensor, dim: int, start: int, count: int, step: int = 1) -> NamedTensor:
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


def flipped_axis(axis: Axis) -> Axis:
    """The same axis backwards."""
    return tuple(
        factor
        if factor.of is None or factor.step is None
        else Factor(factor.of, factor.size, factor.start + factor.step * (factor.size - 1), -factor.step)
        for factor in axis
    )


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
    axes = tuple(flipped_axis(axis) if dim in chosen else axis for dim, axis in enumerate(x.axes))
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
            x = replace(select_at(x, d, 0), content=x.content, own_steps=x.own_steps)
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
        if size < 0 and 0 in sizes:
            raise NotFollowedError("expand to these sizes is not followed")
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
    new = len(counts) - x.ndim
    if any(count * size < 0 for count, size in zip(counts, (*[1] * new, *x.sizes), strict=True)):
        raise RefusedError("Trying to create tensor with negative dimension")
    axes: list[Axis] = []
    sizes = []
    for at, count in enumerate(counts):
        axis = x.axes[at - new] if at >= new else ()
        sizes.append(count * (x.sizes[at - new] if at >= new else 1))
        axes.append(axis if count == 1 else unknown_axis(0) if count <= 0 else (Factor(None, count), *axis))
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


def contiguous(x: NamedTensor) -> NamedTensor:
    """The same elements in row-major order without gaps."""
    return x if x.is_contiguous else contiguous_copy(x)


def contiguous_copy(x: NamedTensor) -> NamedTensor:
    """The same tensor copied into row-major order."""
    return replace(x, strides=contiguous_strides(x.sizes))
