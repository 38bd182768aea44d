"""What is wrong around an RNN though PyTorch runs it: in what goes into it, and in what its results are compared with.

As in `misuse`, nothing is said where it could be meant.
"""

from collections.abc import Sequence
from dataclasses import replace

from ..config import RNNConfig
from ..constructor import format_constructor
from ..phrases import shape_text
from ..shapes import Shape
from .misuse import Misuse
from .named_tensor import Atom, Factor, NamedTensor, source_tensor


def guest(number: int, sizes: Shape) -> NamedTensor:
    """A tensor that no RNN has made: its dims have numbers for names.

    >>> print(guest(0, (4, 3)))
    (0) (1)
    """
    return source_tensor(f"guest {number}", [[(str(dim), size)] for dim, size in enumerate(sizes)])


def order_of_targets(predictions: NamedTensor, targets: NamedTensor, *, classes: bool) -> Misuse | None:
    """Steps and sequences in one order in the predictions and in the other in the targets, by sizes that differ.

    Args:
        predictions: what is made from an RNN's output.
        targets: what it is compared with, a `guest`.
        classes: whether the predictions have a dim of classes more than the targets.
    """
    dims = [dim for dim in range(predictions.ndim) if not (classes and dim == (1 if predictions.ndim > 1 else 0))]
    mine = _walks([predictions.axes[dim] for dim in dims])
    theirs = _walks(targets.axes)
    if mine is None or theirs is None or predictions.sources != {"output"} or len({of.source for of, _ in theirs}) != 1:
        return None
    names = [of.name for of, _ in mine]
    sizes = [size for _, size in mine]
    if sorted(names) != ["L", "N"] or len(theirs) != 2 or sizes[0] == sizes[1]:
        return None
    if [size for _, size in theirs] != sizes[::-1] or [predictions.sizes[dim] for dim in dims] != list(targets.sizes):
        return None
    order = shape_text(tuple(size for _, size in theirs))
    message = (
        f"The predictions are in the order ({', '.join(names)}) = {shape_text(tuple(sizes))} and the targets in the order "
        f"{order}: number k of the ones does not belong to number k of the others."
    )
    return Misuse("order_of_targets", message, advice="Transpose the targets or the predictions before they are flattened.")


def _walks(axes: Sequence[tuple[Factor, ...]]) -> list[tuple[Atom, int]] | None:
    """The atoms of some axes in order, with the sizes that are walked; ``None`` where they are mixed."""
    found = []
    for factor in (factor for axis in axes for factor in axis if factor.size != 1):
        if not isinstance(factor.of, Atom) or factor.step != 1:
            return None
        found.append((factor.of, factor.size))
    return found


def view_of_input(name: str, before: Shape, after: Shape) -> Misuse | None:
    """An input whose dims have changed places by a view.

    Args:
        name: the module.
        before: the shape of the tensor that it is a view of.
        after: its own shape.

    >>> view_of_input("rnn", (8, 12, 10), (12, 8, 10)).kind
    'mixed_axes'
    """
    if len(before) != len(after) or len(after) not in (2, 3) or before == after:
        return None
    for dim in range(len(after) - 1):
        one, other = before[dim : dim + 2]
        turned = (*before[:dim], other, one, *before[dim + 2 :])
        if turned == after and 1 not in (one, other):
            message = (
                f"What {name} reads is {shape_text(after)}, made of {shape_text(before)} by a view or reshape: that does not "
                "move dims, so the numbers of several rows are mixed."
            )
            return Misuse("mixed_axes", message, advice=f"Use transpose({dim}, {dim + 1}).")
    return None


def batch_as_steps(name: str, config: RNNConfig, ndim: int, batch: int, why: str) -> Misuse:
    """A batch whose sequences a module reads as steps.

    Args:
        name: the module.
        config: the module.
        ndim: number of dims of its input.
        batch: the size of the batch.
        why: how it is known which dim is the batch: a sentence.
    """
    if ndim == 2:
        message = f"{name} reads two dims as one sequence (L, H_in): {batch} samples are taken for {batch} steps. {why}"
        return Misuse("batch_as_steps", message, advice="Give each sample a dim of steps: (N, 1, H_in) with batch_first=True.")
    mine, other = ("(N, L, H_in)", "(L, N, H_in)") if config.batch_first else ("(L, N, H_in)", "(N, L, H_in)")
    message = f"{name} reads {mine} and gets {other}: {batch} sequences are taken for {batch} steps. {why}"
    return Misuse("batch_as_steps", message, format_constructor(replace(config, batch_first=not config.batch_first)))


def padded_lengths(rows: Sequence[Sequence[bool]]) -> tuple[int, ...] | None:
    """The lengths of sequences by where their padding is; ``None`` where it could be chance.

    Padding is a suffix of some rows and nowhere else, of two steps at least in one of them, and a row has none.

    >>> padded_lengths([[False, False, False], [False, True, True]])
    (3, 1)
    >>> padded_lengths([[False, True, False], [False, True, True]])
    """
    lengths = []
    for row in rows:
        length = len(row) - sum(row)
        if any(row[:length]) or not length:
            return None
        lengths.append(length)
    if not lengths or max(lengths) != len(rows[0]) or max(lengths) - min(lengths) < 2:
        return None
    return tuple(lengths)
