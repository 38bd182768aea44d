"""Putting tensors together and taking them apart: ``cat``, ``stack``, ``chunk``, ``split``, ``unbind``, and axes that meet.

See `movement` for what all operations share.
"""

from collections.abc import Sequence
from dataclasses import replace
from itertools import pairwise
from math import prod
from typing import Any, Final

from .movement import part_of, select_at, unsqueeze
from .named_tensor import (
    Atom,
    Axis,
    Factor,
    NamedTensor,
    NotFollowedError,
    Pool,
    Position,
    RefusedError,
    add_positions,
    contiguous_strides,
    normal_dim,
    plain_int,
    settle,
    size_text,
    type_name,
    unknown_axis,
)

MAX_PARTS: Final = 1000
"""The most tensors that one split gives here."""


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
        found.append(part_of(x, dim, at, size))
        at += size
    return tuple(found)


def unbind(x: NamedTensor, dim: int = 0) -> tuple[NamedTensor, ...]:
    """The positions of one axis, one tensor each."""
    if x.ndim == 0:
        raise RefusedError("Dimension specified as 0 but tensor has no dimensions", "IndexError")
    dim = normal_dim(dim, x.ndim)
    _few_parts(x.sizes[dim])
    return tuple(settle(select_at(x, dim, at)) for at in range(x.sizes[dim]))


def _few_parts(count: int) -> None:
    if count > MAX_PARTS:
        raise NotFollowedError(f"more than {MAX_PARTS} parts of a tensor are not followed")
