"""Where the input of an RNN comes from, by what its tensor itself tells: the memory that it is a view of, and its graph.

Nothing has to be watched for it before the call.
"""

from typing import Any, NamedTuple

from ..axes.inputs_and_targets import batch_as_steps, padded_lengths, view_of_input
from ..axes.misuse import Misuse
from ..config import RNNConfig
from .batches import Batch

_MOST_NODES = 8
_MOST_TOKENS = 200_000
_ON_THE_WAY = frozenset({"CloneBackward0", "MulBackward0", "NativeDropoutBackward0"})
"""What dropout leaves in the graph, and copies."""


class Tokens(NamedTuple):
    """What an ``nn.Embedding`` has looked up.

    Attributes:
        tokens: its input.
        padding_idx: its number for padding, if it has one.
        turned: whether the first two dims of what it returned were exchanged.
    """

    tokens: Any
    padding_idx: int | None
    turned: bool


def tokens_of(given: Any, torch: Any) -> Tokens | None:
    """The tokens that an RNN's input was looked up from, if nothing but dropout and a transpose is between.

    Args:
        given: the input.
        torch: the module ``torch``.
    """
    if torch._C._autograd._top_saved_tensors_default_hooks(True) is not None:
        return None  # what a graph has saved may then be computed anew, or read from a disk, if it is asked for
    node, turned = given.grad_fn, False
    for _ in range(_MOST_NODES):
        name = "" if node is None else node.name()
        if name == "EmbeddingBackward0":
            padding = node._saved_padding_idx
            return Tokens(node._saved_indices, padding if 0 <= padding < 2**63 else None, turned)
        order: tuple[int, ...] = ()
        if name == "PermuteBackward0":
            order = tuple(node._saved_dims)
        elif name == "TransposeBackward0":
            order = (1, 0, 2) if {node._saved_dim0, node._saved_dim1} == {0, 1} else ()
        if order == (1, 0, 2):
            turned = not turned
        elif name not in _ON_THE_WAY:
            return None
        before = [one for one, _ in node.next_functions if one is not None]
        if len(before) != 1:
            return None
        node = before[0]
    return None


def judge_input(config: RNNConfig, name: str, given: Any, batch: Batch | None, torch: Any) -> tuple[Misuse | None, Any]:
    """What is wrong in how the input of a module lies, and the lengths of its sequences if their padding is known.

    Args:
        config: the module.
        name: what the code calls it.
        given: its input, no packed batch.
        batch: the batch of a loader that the program is at.
        torch: the module ``torch``.

    Returns:
        A misuse or ``None``, and lengths in the order of the batch or ``None``.
    """
    found = tokens_of(given, torch)
    source, turned = (given, False) if found is None else (found.tokens, found.turned)
    where = 1 if turned else 0  # the dim of the batch in what the module reads, if dim 0 of the source is that
    if batch is not None and batch.shuffled and batch.stacked and batch.has(source) and not config.is_cell:
        size = int(given.shape[where])
        reads = 0 if config.batch_first else 1
        if size > 1 and (given.ndim == 2 or (given.ndim == 3 and where != reads)):
            why = f"The DataLoader stacks its samples along dim 0{'' if not turned else ', and the dims were exchanged then'}."
            return batch_as_steps(name, config, given.ndim, size, why), None
    base = source._base
    if base is not None and source.is_contiguous() and base.is_contiguous() and base.numel() == source.numel():
        misuse = view_of_input(name, tuple(base.shape), tuple(source.shape))
        if misuse is not None:
            return misuse, None
    if found is None or found.padding_idx is None or given.ndim != 3 or found.tokens.ndim != 2:
        return None, None
    tokens = found.tokens
    if tokens.numel() > _MOST_TOKENS or (tokens.is_cuda and torch.cuda.is_current_stream_capturing()):
        return None, None
    padding = (tokens == found.padding_idx).tolist()
    steps_last = config.batch_first != turned  # whether the module reads dim 1 of the tokens as the steps
    columns = [list(column) for column in zip(*padding, strict=True)]
    mine, other = (padding, columns) if steps_last else (columns, padding)
    lengths = padded_lengths(mine)
    in_front = padded_lengths([row[::-1] for row in mine])
    if lengths is None and in_front is None and padded_lengths(other) is not None:
        why = f"The padding of the tokens, {found.padding_idx}, lies along the dim that {name} reads as the batch."
        return batch_as_steps(name, config, 3, int(given.shape[1 if config.batch_first else 0]), why), None
    return None, lengths
