"""One call of a module as the user states it: the shapes that go in, and what is expected to come out."""

from dataclasses import dataclass, replace
from itertools import pairwise
from typing import Final

from ..config import DataConfig, RNNConfig
from ..dtypes import QUANTISED, RNN_DTYPES, dtype_name
from ..errors import ConfigError
from ..shapes import Shape, tensors

DTYPES: Final = frozenset(["bool", *(f"{sign}int{bits}" for sign in ("u", "") for bits in (8, 16, 32, 64)), *RNN_DTYPES])
"""Every dtype that an input may be said to have; the modules run in ``RNN_DTYPES`` only."""

MAX_NDIM: Final = 64
"""The most dims a torch tensor can have."""


@dataclass(frozen=True, slots=True)
class Call:
    """The shapes of one call of a module, as the user states them; ``None`` where nothing is said.

    Attributes:
        input: shape of the input, before packing.
        h_0: shape of the initial hidden state.
        c_0: shape of the initial cell state; ``h_0`` without it means that a bare tensor is passed as the state.
        lengths: the lengths that the input is packed with.
        enforce_sorted: the argument of ``pack_padded_sequence``; ``None`` is ``True`` where ``lengths`` decrease.
        input_dtype: dtype of the input.
        weight_dtype: dtype of the module's weights.
        output: shape that the user expects of ``output``.
        h_n: shape that the user expects of ``h_n``.
        c_n: shape that the user expects of ``c_n``.
        linear: ``in_features`` of the ``nn.Linear`` that follows.
        uses: expressions by which the results are used, like ``output[:, -1]``.
        linear_out: ``out_features`` of that ``nn.Linear``.
        target: shape of the target that the loss compares with.
        loss: the loss: ``"ce"``, ``"mse"`` or ``"ctc"``.
        decoder: the module whose initial states are the results of this one.
        attention: whether dot attention reads the output.
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
    linear_out: int | None = None
    target: Shape | None = None
    loss: str | None = None
    decoder: RNNConfig | None = None
    attention: bool = False

    @property
    def is_empty(self) -> bool:
        """Whether nothing is said of the call; the dtype of the weights belongs to the module."""
        return replace(self, weight_dtype="float32") == Call()

    @property
    def is_sorted(self) -> bool:
        """Whether ``pack_padded_sequence`` is called with ``enforce_sorted=True``, as far as is known."""
        if self.enforce_sorted is not None:
            return self.enforce_sorted
        return all(a >= b for a, b in pairwise(self.lengths or ()))

    @property
    def states(self) -> dict[str, Shape]:
        """The initial states that are stated, by name, ``h_0`` before ``c_0``."""
        return {name: shape for name, shape in (("h_0", self.h_0), ("c_0", self.c_0)) if shape is not None}


def batch_dim(config: RNNConfig) -> int:
    """Which dim of a batched input is the batch."""
    return 0 if config.batch_first else 1


def layout(config: RNNConfig, width: str = "H_in") -> str:
    """The dims of a batched input, or with ``D*H_out`` of an output: ``(N, L, H_in)``."""
    return f"(N, L, {width})" if config.batch_first else f"(L, N, {width})"


def state_width(config: RNNConfig, name: str) -> int:
    """The last dim of a state: H_out for ``h_0`` and ``h_n``, H_cell for ``c_0`` and ``c_n``."""
    return config.hidden_size if name.startswith("c") else config.H_out


def state_shape(config: RNNConfig, name: str, batch: int | None) -> Shape:
    """The shape of a state of a layer module: (D*num_layers, N, H), without N where ``batch`` is ``None``."""
    rows, width = config.D * config.num_layers, state_width(config, name)
    return (rows, width) if batch is None else (rows, batch, width)


def state_for_input(config: RNNConfig, name: str, shape: Shape) -> Shape:
    """The shape of a state beside an input of ``shape``, 3-D or 2-D."""
    return state_shape(config, name, shape[batch_dim(config)] if len(shape) == 3 else None)


def result_shapes(config: RNNConfig, call: Call) -> dict[str, Shape]:
    """The shape of everything that goes in and comes out, by name; empty where no input is stated or it has no steps."""
    data = input_data(config, call)
    if data is None:
        return {}
    shapes = {name: tensor.shape for name, tensor in tensors(config, data).items()}
    pair = "c_0" in shapes
    broadcast = call.c_0 if pair else call.h_0  # 2-D beside 1-D input; a bare h_0 of a pair is two states instead
    if config.is_cell and data.unbatched and broadcast is not None and len(broadcast) == 2:
        wide = (config.hidden_size, config.hidden_size)
        return {name: wide if name in ("h_1", "c_1") else each for name, each in shapes.items()}
    return shapes


def input_data(config: RNNConfig, call: Call) -> DataConfig | None:
    """What the input is; ``None`` where none is stated, or it has no steps or a wrong number of dims."""
    shape = call.input
    if shape is None or len(shape) not in ((1, 2) if config.is_cell else (2, 3)):
        return None
    if config.is_cell:
        return DataConfig(batch_size=shape[0]) if len(shape) == 2 else DataConfig(unbatched=True)
    if shape[1 - batch_dim(config) if len(shape) == 3 else 0] == 0:
        return None
    if len(shape) == 2:
        return DataConfig(seq_len=shape[0], unbatched=True)
    batch, lengths = batch_dim(config), call.lengths
    return DataConfig(shape[1 - batch], len(lengths) if lengths else shape[batch], lengths=lengths)


def parse_shape(name: str, text: str) -> Shape:
    """A shape as people write it: ``5,3,10``, ``(5, 3, 10)``, ``[5, 3, 10]``, ``torch.Size([5, 3, 10])``, ``5x3x10``.

    Args:
        name: the field it is for, named in errors.
        text: the shape as it was typed.

    Raises:
        ConfigError: if it is not a shape, or has a negative or an absurd size.
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
            raise ConfigError(
                name,
                text,
                "is not a shape: a shape has sizes of 0 or more, with commas between them",
                fix="Write it like 5,3,10.",
            )
    if len(items) > MAX_NDIM:
        raise ConfigError(name, text, f"has {len(items)} dims; a tensor has at most {MAX_NDIM}")
    return tuple(int(item) for item in items)


def parse_dtype(name: str, text: str) -> str:
    """A dtype by any of its names: ``float64``, ``torch.float64``, ``double``.

    Raises:
        ConfigError: where torch has no such dtype.
    """
    dtype = dtype_name(text)
    if dtype in QUANTISED:
        raise ConfigError(
            name,
            text,
            "is a quantised dtype, and PyTorch's recurrent modules take none",
            fix="Write x = x.dequantize() in your code. The input is float32 then.",
        )
    if dtype not in DTYPES:
        raise ConfigError(name, text, "is no dtype of torch", fix="Write float32, float64, float16, bfloat16, int64, ...")
    return dtype
