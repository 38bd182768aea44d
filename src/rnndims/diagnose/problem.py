"""What a diagnosis is made of: problems with their causes, and what the user observed."""

from dataclasses import dataclass, field
from itertools import pairwise
from typing import Final, Literal, get_args

from ..config import RNNConfig
from ..dtypes import RNN_DTYPES, dtype_name
from ..errors import ConfigError, RnndimsError
from ..shapes import Shape

Cause = Literal[
    "batch_first_mismatch",
    "hidden_batch_mismatch",
    "hidden_layers_or_directions",
    "hidden_size_vs_proj",
    "input_feature_mismatch",
    "input_ndim",
    "unbatched_2d_vs_3d",
    "lstm_tuple_expected",
    "dtype_mismatch",
    "packed_lengths",
    "bidirectional_linear_mismatch",
    "checkpoint_mismatch",
    "other",
]

CAUSES: Final[tuple[Cause, ...]] = get_args(Cause)

DTYPES: Final = frozenset(["bool", *(f"{sign}int{bits}" for sign in ("u", "") for bits in (8, 16, 32, 64)), *RNN_DTYPES])
"""Every dtype a tensor can be said to have; the modules run in some of them only."""

MAX_NDIM: Final = 64
"""The most dims a torch tensor can have."""


class UnknownMessageError(RnndimsError):
    """A pasted text has no error message of PyTorch's RNN code in it that is known here."""


@dataclass(frozen=True, slots=True)
class Problem:
    """One thing that does not fit, or one likely cause of an error message.

    Attributes:
        tensor: the guilty tensor, by PyTorch's name (``input``, ``h_0``, ``lengths``, ``output``, ``weight_ih_l0``, ...).
        dim: the guilty dim of it, ``None`` where it is not one dim.
        expected: the shape it should have (or the dtype); ``None`` where that is not known.
        got: the shape it has (or the dtype); ``None`` where that is not known.
        cause: why, one of ``CAUSES``.
        message: what is wrong in the user's terms, with PyTorch's own phrase where it has one.
        fix: what to change, as code where possible.
    """

    tensor: str
    dim: int | None
    expected: Shape | str | None
    got: Shape | str | None
    cause: Cause
    message: str
    fix: str


@dataclass(frozen=True, slots=True)
class MatchedError:
    """The message that was found in a pasted text.

    ``certain`` is false where other code of PyTorch raises the same words and nothing in the text says who did.
    """

    matched: str
    explanation: str
    certain: bool


@dataclass(frozen=True, slots=True)
class Diagnosis:
    """What ``check`` found out.

    Attributes:
        config: the module, if it is known.
        problems: in PyTorch's order of complaints, or the likely causes of a message, likeliest first.
        notes: what runs, but smells.
        error: the message that was found in a pasted text.
        results: shape of everything that comes out, by name, where the call fits.
    """

    config: RNNConfig | None
    problems: tuple[Problem, ...]
    notes: tuple[str, ...]
    error: MatchedError | None = None
    results: dict[str, Shape] = field(default_factory=dict)

    @property
    def ok(self) -> bool:
        """Whether PyTorch would accept it and nothing that the user believes about it is wrong."""
        return not self.problems and self.error is None


@dataclass(frozen=True, slots=True)
class Observed:
    """What the user sees or believes; ``None`` where nothing is said.

    Attributes:
        input: shape of the input, before packing.
        h_0: shape of the initial hidden state.
        c_0: shape of the initial cell state; ``h_0`` alone means that an LSTM is called with a bare tensor.
        lengths: the lengths it is packed with.
        enforce_sorted: the argument of ``pack_padded_sequence``; ``None`` is ``True`` where ``lengths`` decrease.
        input_dtype: dtype of the input, ``weight_dtype`` that of the module.
        output: shape that the user believes ``output`` to have; ``h_n`` and ``c_n`` alike.
        linear: ``in_features`` of the ``nn.Linear`` that follows.
        uses: expressions by which the results are used, like ``output[:, -1]``.
    """

    input: Shape | None = None
    h_0: Shape | None = None
    c_0: Shape | None = None
    lengths: tuple[int, ...] | None = None
    enforce_sorted: bool | None = None
    input_dtype: str | None = None
    weight_dtype: str = "float32"
    output: Shape | None = None
    h_n: Shape | None = None
    c_n: Shape | None = None
    linear: int | None = None
    uses: tuple[str, ...] = ()

    @property
    def is_sorted(self) -> bool:
        """Whether ``pack_padded_sequence`` is taken to be called with ``enforce_sorted=True``."""
        if self.enforce_sorted is not None:
            return self.enforce_sorted
        lengths = self.lengths or ()
        return all(a >= b for a, b in pairwise(lengths))


def parse_shape(name: str, text: str) -> Shape:
    """A shape as people write it: ``5,3,10``, ``(5, 3, 10)``, ``[5, 3, 10]``, ``torch.Size([5, 3, 10])``, ``5x3x10``.

    Raises:
        ConfigError: where it is none, a size is negative or absurd.
    """
    inner = text.strip()
    if inner[:11].lower() == "torch.size(" and inner.endswith(")"):
        inner = inner[11:-1].strip()
    if inner[:1] + inner[-1:] in ("()", "[]"):
        inner = inner[1:-1].strip()
    elif not inner:
        inner = "?"
    for times in "×xX":
        inner = inner.replace(times, ",")
    items = [item.strip() for item in inner.split(",")] if inner else []
    if len(items) > 1 and not items[-1]:
        items.pop()
    for item in items:
        if not (item.isascii() and item.isdigit() and len(item) <= 18):
            raise ConfigError(name, text, "is not a shape: sizes of 0 or more with commas between", fix="Write it like 5,3,10.")
    if len(items) > MAX_NDIM:
        raise ConfigError(name, text, f"has {len(items)} dims; a tensor has at most {MAX_NDIM}")
    return tuple(int(item) for item in items)


def parse_dtype(name: str, text: str) -> str:
    """A dtype by any of its names: ``float64``, ``torch.float64``, ``double``.

    Raises:
        ConfigError: where torch has no such dtype.
    """
    dtype = dtype_name(text)
    if dtype not in DTYPES:
        raise ConfigError(name, text, "is no dtype of torch", fix="Write float32, float64, float16, bfloat16, int64, ...")
    return dtype
