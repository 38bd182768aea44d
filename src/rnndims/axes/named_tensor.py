"""A tensor as names and sizes: its shape and strides as PyTorch has them, and what each axis is made of.

Every axis is a product of *factors*, row-major: ``h_n`` of two layers and two directions has the axes ``(num_layers D) (N)
(H_out)``, ``output`` has ``(L) (N) (D H_out)``. A factor is an affine walk along an *atom*, one named axis of one source, so
that slices and splits keep their names and the place of every element stays known: the position in an atom is the sum of
``start + step * index`` over the factors of that atom, plus what is ``fixed`` (selected once and for all).

A reshape that cuts across factors makes a *pool*: elements of several atoms, numbered through, on which the new axes walk. Such
axes are *mixed*; a later reshape that puts the cuts back restores the names.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from enum import Enum
from math import gcd, prod
from typing import Any, Final

from ..errors import RnndimsError

MAX_DIMS: Final = 64
"""PyTorch's own limit of axes for a tensor."""

MAX_INT: Final = 2**63 - 1
"""Sizes and indices beyond it overflow in PyTorch."""


MISSING: Final[Any] = object()
"""Stands for an argument that was left out where ``None`` means something else."""


class AxesError(RnndimsError, ValueError):
    """Root of what the axes package raises."""


class RefusedError(AxesError):
    """PyTorch would refuse the operation.

    Args:
        message: what is wrong, in PyTorch's own phrase where it has one.
        kind: name of the exception that PyTorch raises (``"IndexError"``).
    """

    def __init__(self, message: str, kind: str = "RuntimeError") -> None:
        self.kind = kind
        super().__init__(message)


class NotFollowedError(AxesError):
    """The operation may run, but what comes out cannot be told: no rule for it, or its arguments are not known."""


class ExpressionError(AxesError):
    """The text is no Python expression, is too long, or has a name in it that nobody has given a value."""


@dataclass(frozen=True, slots=True)
class Atom:
    """One named axis of one source: ``Atom("output", "L", 5)``. A source of ``""`` is something computed or made on the way."""

    source: str
    name: str
    size: int


@dataclass(frozen=True, slots=True)
class Pool:
    """Factors that a reshape cut across, numbered through in row-major order."""

    factors: "tuple[Factor, ...]"

    @property
    def size(self) -> int:
        """Number of positions."""
        return prod(factor.size for factor in self.factors)

    def atoms(self) -> frozenset[Atom]:
        """All atoms whose elements are in it."""
        return frozenset().union(*(factor.atoms() for factor in self.factors))


@dataclass(frozen=True, slots=True)
class Factor:
    """A walk of ``size`` positions along ``of``, from ``start`` by ``step``.

    ``of`` is ``None`` where the same elements are repeated. ``step`` is ``None`` where the order is not known.
    """

    of: Atom | Pool | None
    size: int
    start: int = 0
    step: int | None = 1

    def atoms(self) -> frozenset[Atom]:
        """The atoms that it walks along."""
        if self.of is None:
            return frozenset()
        return self.of.atoms() if isinstance(self.of, Pool) else frozenset((self.of,))

    @property
    def is_whole(self) -> bool:
        """Whether it is all of one atom, in order."""
        return isinstance(self.of, Atom) and self.size == self.of.size and self.start == 0 and self.step == 1


class Own(Enum):
    """A position that differs by sequence and is known all the same."""

    LAST = "each sequence's own last step"


Position = int | Own | None
"""Where in an atom a selection is: a number, each sequence's own, or unknown."""

Axis = tuple[Factor, ...]
"""Factors of one axis, the slowest first. Empty for a size of 1 that has no name."""


@dataclass(frozen=True, slots=True)
class NamedTensor:
    """A tensor without its numbers.

    Attributes:
        sizes: the shape.
        strides: in elements; ``None`` where PyTorch's choice is not known.
        axes: the factors of each axis, as many as there are sizes.
        fixed: positions of atoms of which one element was selected (``output[-1]`` has ``L`` fixed at L-1), and offsets.
        sources: names of all tensors whose elements are in it.
        moved: its elements are elements of the sources, only arranged anew (or changed one by one, as by ``tanh``).
        masked: it met a mask, or another tensor of unknown content.
        kind: ``"float"``, ``"int"`` or ``"bool"``.
        content: the numbers of a small tensor of ints in row-major order, if they are known.
        own_steps: for a tensor of ints, what is added to the lengths: 0 for ``lengths``, -1 for ``lengths - 1``.
    """

    sizes: tuple[int, ...]
    strides: tuple[int, ...] | None
    axes: tuple[Axis, ...]
    fixed: Mapping[Atom | Pool, Position] = field(default_factory=dict)
    sources: frozenset[str] = frozenset()
    moved: bool = True
    masked: bool = False
    kind: str = "float"
    content: tuple[int, ...] | None = None
    own_steps: int | None = None

    @property
    def ndim(self) -> int:
        """Number of axes."""
        return len(self.sizes)

    @property
    def numel(self) -> int:
        """Number of elements."""
        return prod(self.sizes)

    @property
    def is_contiguous(self) -> bool | None:
        """As ``Tensor.is_contiguous()``; ``None`` if not known."""
        if self.strides is None:
            return None
        return is_contiguous(self.sizes, self.strides)

    def names(self, dim: int) -> tuple[str, ...]:
        """Names of the atoms of one axis in order; a mixed axis has ``"?"`` before the names that are mixed in it.

        >>> h_n = source_tensor("h_n", [[("num_layers", 2), ("D", 2)], [("N", 3)], [("H_out", 5)]])
        >>> h_n.names(0), h_n.names(1)
        (('num_layers', 'D'), ('N',))
        """
        found: list[str] = []
        for factor in self.axes[dim]:
            if isinstance(factor.of, Atom):
                found.append(factor.of.name)
            elif isinstance(factor.of, Pool):
                found += ["?", *sorted({atom.name for atom in factor.of.atoms()})]
        return tuple(found)

    def __str__(self) -> str:
        """``(L) (N) (D H_out)``: the names of all axes."""
        return " ".join(f"({' '.join(self.names(dim)) or self.sizes[dim]})" for dim in range(self.ndim)) or "()"

    def holds(self, atom: Atom) -> bool:
        """Whether some axis walks along ``atom`` with more than one position."""
        return any(atom in factor.atoms() for axis in self.axes for factor in axis if factor.size != 1)

    def is_axis(self, dim: int, *names: str) -> bool:
        """Whether the axis is exactly these atoms, each of them whole and in order; factors of size 1 do not count."""
        factors = [factor for factor in self.axes[dim] if factor.size != 1]
        return all(f.is_whole for f in factors) and [f.of.name for f in factors if isinstance(f.of, Atom)] == list(names)


def contiguous_strides(sizes: Sequence[int]) -> tuple[int, ...]:
    """Strides of a contiguous tensor.

    >>> contiguous_strides((2, 3, 4))
    (12, 4, 1)
    """
    found: list[int] = []
    step = 1
    for size in reversed(sizes):
        found.append(step)
        step *= max(size, 1)
    return tuple(reversed(found))


def is_contiguous(sizes: Sequence[int], strides: Sequence[int]) -> bool:
    """Whether the elements lie in row-major order without a gap, as ``Tensor.is_contiguous()`` says."""
    if 0 in sizes:
        return True
    expected = 1
    for size, stride in zip(reversed(sizes), reversed(strides), strict=True):
        if size != 1:
            if stride != expected:
                return False
            expected *= size
    return True


def source_tensor(
    source: str, axes: Iterable[Sequence[tuple[str, int]]], strides: tuple[int, ...] | None = None
) -> NamedTensor:
    """A tensor that nobody has touched yet.

    Args:
        source: its name, which is part of all its atoms.
        axes: for each axis the names and sizes it is made of, the slowest first.
        strides: in elements; contiguous if left out.

    >>> print(source_tensor("output", [[("L", 5)], [("N", 3)], [("D", 2), ("H_out", 4)]]))
    (L) (N) (D H_out)
    """
    made = tuple(tuple(Factor(Atom(source, name, size), size) for name, size in axis) for axis in axes)
    sizes = tuple(prod(factor.size for factor in axis) for axis in made)
    return NamedTensor(sizes, strides or contiguous_strides(sizes), made, sources=frozenset((source,)))


def plain_tensor(sizes: Sequence[int], kind: str = "float", content: tuple[int, ...] | None = None) -> NamedTensor:
    """A contiguous tensor whose axes have no known names, like ``torch.zeros(2, 3)``."""
    axes = tuple(unknown_axis(size) for size in sizes)
    return NamedTensor(tuple(sizes), contiguous_strides(sizes), axes, kind=kind, content=content, moved=False, masked=True)


def unknown_axis(size: int, name: str = "?") -> Axis:
    """An axis of which only the size is known, or a new name."""
    return (Factor(Atom("", name, size), size, step=None if name == "?" else 1),) if size != 1 else ()


def normal_dim(dim: object, ndim: int, *, wrap_scalar: bool = True) -> int:
    """``dim`` counted from the front.

    Raises:
        RefusedError: if it is out of range or no int.
    """
    dim = plain_int(dim, "dim")
    if ndim == 0 and wrap_scalar:
        ndim = 1
    if not -ndim <= dim < ndim:
        low, high = (-ndim, ndim - 1) if ndim else (-1, 0)
        raise RefusedError(f"Dimension out of range (expected to be in range of [{low}, {high}], but got {dim})", "IndexError")
    return dim % ndim


def plain_int(value: object, what: str) -> int:
    """``value`` if it is an int that PyTorch can hold.

    Raises:
        RefusedError: if it is a float, a bool or too large.
        NotFollowedError: if it is a tensor or something else that PyTorch may turn into an int.
    """
    if isinstance(value, (bool, float, str, list, tuple, type(None))):
        raise RefusedError(f"argument '{what}' must be int, not {type(value).__name__}", "TypeError")
    if not isinstance(value, int):
        raise NotFollowedError(f"the value of '{what}' is not known")
    if not -MAX_INT - 1 <= value <= MAX_INT:
        raise RefusedError("Overflow when unpacking long long", "TypeError")
    return value


def add_positions(
    fixed: Mapping[Atom | Pool, Position], added: Iterable[tuple[Atom | Pool, Position]]
) -> dict[Atom | Pool, Position]:
    """``fixed`` with offsets added to it; unknown plus anything is unknown."""
    found = dict(fixed)
    for key, position in added:
        before = found.get(key, 0)
        if isinstance(before, int) and isinstance(position, int):
            found[key] = before + position
        else:
            found[key] = position if before == 0 and key not in found else None
    return found


def settle(tensor: NamedTensor) -> NamedTensor:
    """The same tensor with every pool dissolved of which a single element is left."""
    left = {factor.of for axis in tensor.axes for factor in axis if isinstance(factor.of, Pool)}
    inner = {f.of for pool in _nested(left) for f in pool.factors if isinstance(f.of, Pool)}
    fixed = dict(tensor.fixed)
    while True:
        done = [key for key in fixed if isinstance(key, Pool) and key not in left and key not in inner]
        if not done:
            return replace(tensor, fixed=fixed) if fixed != tensor.fixed else tensor
        for pool in done:
            fixed = add_positions(fixed, unravel(pool.factors, fixed.pop(pool)))


def _nested(pools: set[Pool]) -> list[Pool]:
    todo, found = list(pools), []
    while todo:
        pool = todo.pop()
        found.append(pool)
        todo += [factor.of for factor in pool.factors if isinstance(factor.of, Pool)]
    return found


def unravel(factors: Sequence[Factor], index: Position) -> list[tuple[Atom | Pool, Position]]:
    """The position in each atom at one index of an axis made of ``factors``."""
    found: list[tuple[Atom | Pool, Position]] = []
    for factor in reversed(factors):
        here: Position = None
        if isinstance(index, int):
            index, here = divmod(index, factor.size)
        if factor.of is None:
            continue
        if factor.step is None or not isinstance(here, int):
            found.append((factor.of, None if factor.size != 1 or factor.step is None else factor.start))
        else:
            found.append((factor.of, factor.start + factor.step * here))
    return found


def narrow(factors: Sequence[Factor], start: int, count: int, step: int) -> tuple[Axis, list[tuple[Atom | Pool, Position]]]:
    """The factors of ``axis[start::step]`` with ``count`` positions, and what becomes fixed by it. ``step`` is positive."""
    factors = list(factors)
    total = prod(factor.size for factor in factors)
    if count == total:
        return tuple(factors), []
    if count == 0:
        return unknown_axis(0), []
    if count == 1:
        return (), unravel(factors, start)
    fixed: list[tuple[Atom | Pool, Position]] = []
    factors = _without_ones(factors, fixed)
    head, rest = factors[0], factors[1:]
    if not rest:
        if head.of is None:
            return (Factor(None, count),), fixed
        if head.step is None:
            return (Factor(head.of, count, step=None),), fixed
        return (Factor(head.of, count, head.start + head.step * start, head.step * step),), fixed
    width = total // head.size
    last = start + (count - 1) * step
    if start // width == last // width:
        low, more = narrow(rest, start % width, count, step)
        return low, [*fixed, *unravel([head], start // width), *more]
    if step % width == 0:
        high, more = narrow([head], start // width, count, step // width)
        return high, [*fixed, *unravel(rest, start % width), *more]
    across = width // step if width % step == 0 else 0
    if across and start % width < step and count % across == 0:
        high, more = narrow([head], start // width, count // across, 1)
        low, still = narrow(rest, start % width, across, step)
        return (*high, *low), [*fixed, *more, *still]
    return (Factor(Pool(tuple(factors)), count, start, step),), fixed


def _without_ones(factors: Sequence[Factor], fixed: list[tuple[Atom | Pool, Position]]) -> list[Factor]:
    """The factors of more than one position; the positions of the others are added to ``fixed``."""
    for factor in factors:
        if factor.size == 1:
            fixed += unravel([factor], 0)
    return [factor for factor in factors if factor.size != 1]


def regroup(tensor: NamedTensor, sizes: Sequence[int]) -> tuple[tuple[Axis, ...], dict[Atom | Pool, Position]]:
    """The axes that a reshape to ``sizes`` gives, and what is fixed then. The number of elements is the same."""
    if 0 in sizes or 0 in tensor.sizes:
        return tuple(unknown_axis(size) for size in sizes), dict(tensor.fixed)
    if tuple(sizes) == tensor.sizes:
        return tensor.axes, dict(tensor.fixed)
    fixed: list[tuple[Atom | Pool, Position]] = []
    factors = _fuse(_without_ones([factor for axis in tensor.axes for factor in axis], fixed), tensor.fixed)
    left: list[int] = list(sizes)
    made: list[list[Factor]] = [[] for _ in sizes]
    dim = len(sizes) - 1
    while factors:
        while left[dim] == 1:
            dim -= 1
        factor = factors.pop()
        size = left[dim]
        shared = gcd(size, factor.size)
        if shared == 1:
            dim = _pool(factor, factors, left, made, dim)
            continue
        low, high = _split(factor, shared)
        made[dim].append(low)
        left[dim] //= shared
        if high is not None:
            factors.append(high)
    axes = tuple(tuple(_fuse(reversed(axis), tensor.fixed)) for axis in made)
    return axes, add_positions(tensor.fixed, fixed)


def _split(factor: Factor, low: int) -> tuple[Factor, Factor | None]:
    """The fast part of ``low`` positions and the slow rest of a factor."""
    if factor.size == low:
        return factor, None
    if factor.of is None:
        return Factor(None, low), Factor(None, factor.size // low)
    if factor.step is None:
        return replace(factor, size=low), replace(factor, size=factor.size // low)
    return Factor(factor.of, low, 0, factor.step), Factor(factor.of, factor.size // low, factor.start, factor.step * low)


def _pool(factor: Factor, factors: list[Factor], left: list[int], made: list[list[Factor]], dim: int) -> int:
    """Pool ``factor`` and as many more as it takes until cuts of both sides meet; the axis that is filled next."""
    pooled = [factor]
    have, want = factor.size, left[dim]
    parts = [(dim, left[dim])]
    left[dim] = 1
    while have != want:
        if have < want:
            added = factors.pop()
            if want % have == 0 and added.size % (want // have) == 0:
                low, high = _split(added, want // have)
                if high is not None:
                    factors.append(high)
                added = low
            pooled.append(added)
            have *= added.size
        else:
            dim -= 1
            size = left[dim]
            if have % want == 0 and size % (have // want) == 0:
                size = have // want
            left[dim] //= size
            parts.append((dim, size))
            want *= size
    pool = Pool(tuple(reversed(pooled)))
    step = 1
    for at, size in parts:
        if size != 1:
            made[at].append(Factor(pool, size, 0, step))
        step *= size
    return dim


def _fuse(factors: Iterable[Factor], fixed: Mapping[Atom | Pool, Position]) -> list[Factor]:
    """Neighbours that are one walk together joined again, and pools that are whole again dissolved."""
    found: list[Factor] = []
    for factor in factors:
        found.append(factor)
        while len(found) > 1:
            joined = _joined(found[-2], found[-1])
            if joined is None:
                break
            found[-2:] = [joined]
        last = found[-1]
        if isinstance(last.of, Pool) and last == Factor(last.of, last.of.size) and fixed.get(last.of, 0) == 0:
            inner = last.of.factors
            found.pop()
            found = _fuse([*found, *inner], fixed)
    return found


def _joined(first: Factor, second: Factor) -> Factor | None:
    if first.of != second.of:
        return None
    if first.of is None:
        return Factor(None, first.size * second.size)
    if first.step is None or second.step is None or first.step != second.step * second.size:
        return None
    return Factor(first.of, first.size * second.size, first.start + second.start, second.step)


def too_many_dims(ndim: int) -> None:
    """Refuse more axes than PyTorch's tensors can have here.

    Raises:
        NotFollowedError: above 64 axes.
    """
    if ndim > MAX_DIMS:
        raise NotFollowedError(f"tensors of more than {MAX_DIMS} axes are not followed")


def type_name(value: object) -> str:
    """The name of a value's type as PyTorch's messages have it."""
    if isinstance(value, NamedTensor):
        return "Tensor"
    return "int" if isinstance(value, int) and not isinstance(value, bool) else type(value).__name__


def size_text(sizes: Sequence[int]) -> str:
    """``[2, 3]``: as PyTorch's messages write a shape."""
    return f"[{', '.join(map(str, sizes))}]"
