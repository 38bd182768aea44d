"""What PyTorch 2.13 says, word for word: constants, and functions that fill in the numbers. The tests provoke each phrase.

A phrase is quoted as it is in the message, so users can search for it; it may be a part of the message.
"""

from typing import Final

from ..config import RNNConfig
from ..shapes import Shape
from .call import state_for_input
from .kinds_of_call import takes_pair

PRODUCT: Final = "mat1 and mat2 shapes cannot be multiplied"
NO_STEPS: Final = "Expected sequence length to be larger than 0 in RNN"
DROPOUT_OF_ONE_LAYER: Final = "dropout option adds dropout after all but last recurrent layer"
COMPLEX_DROPOUT: Final = "\"bernoulli_scalar_cpu_\" not implemented for 'ComplexFloat'"
NONE_STATE: Final = "'NoneType' object has no attribute 'dim'"
NONE_PACKED: Final = "expected Tensor as element 0 in argument 2, but got NoneType"
NONE_SORTED: Final = "'NoneType' object has no attribute 'index_select'"
NOT_SORTED: Final = "`lengths` array must be sorted in decreasing order when `enforce_sorted` is True"
NOTHING_TO_PACK: Final = "Cannot pack empty tensors."
EMPTY_SEQUENCE: Final = "Length of all samples has to be greater than 0, but found an element in 'lengths' that is <= 0"
TOO_LONG: Final = "exceeds dimension size"
OUT_OF_DIMS: Final = "Dimension out of range (expected to be in range of [-1, 0], but got 1)"
OUT_OF_BOUNDS: Final = "INDICES element is out of DATA bounds"
MISSING_ROWS: Final = "Expected more hidden states in stacked_rnn"
ODD_ROWS: Final = "Odd number of params or hiddens given to a bidirectional RNN"
NO_AXIS: Final = "index_select(): self indexing axis dim should be positive"
WRONG_PARAMETERS: Final = "got an incorrect number of RNN parameters"


def input_ndim(config: RNNConfig, ndim: int) -> str:
    """An input with too many or too few dims; ``nn.RNN`` alone adds the word "tensor"."""
    if config.is_cell:
        return f"{config.class_name}: Expected input to be 1D or 2D, got {ndim}D instead"
    tail = " tensor" if config.cell == "rnn" else ""
    return f"{config.class_name}: Expected input to be 2D or 3D, got {ndim}D{tail} instead"


def cell_state_ndim(config: RNNConfig, index: int, ndim: int) -> str:
    """A cell's state with too many or too few dims; ``index`` is 0 for ``h_0``, 1 for ``c_0``."""
    state = f"hx[{index}]" if takes_pair(config) else "hidden"
    return f"{config.class_name}: Expected {state} to be 1D or 2D, got {ndim}D instead"


def packed_ndim(ndim: int) -> str:
    """The data of a packed batch, which has one dim less than the padded batch."""
    return f"input must have 2 dimensions, got {ndim - 1}"


def input_size(want: int, got: int) -> str:
    """Features of a module's input."""
    return f"input.size(-1) must be equal to input_size. Expected {want}, got {got}"


def cell_input_size(want: int, got: int) -> str:
    """Features of a cell's input."""
    return f"input has inconsistent input_size: got {got} expected {want}"


def cell_hidden_size(index: int, want: int, got: int) -> str:
    """Features of a cell's state."""
    return f"hidden{index} has inconsistent hidden_size: got {got}, expected {want}"


def cell_batch(index: int, batch: int, got: int) -> str:
    """Batch of a cell's state."""
    return f"Input batch size {batch} doesn't match hidden{index} batch size {got}"


def product_dtype(config: RNNConfig) -> str:
    """Dtype of an input that is checked only by the matrix product; without biases that is another function."""
    return "mat1 and mat2 must have the same dtype" if config.bias else "expected m1 and m2 to have the same dtype"


def missing_rows(config: RNNConfig, got: int) -> str:
    """A state with too few rows beside a packed batch."""
    return ODD_ROWS if config.bidirectional and got % 2 else MISSING_ROWS


def dtypes(want: str, got: str) -> str:
    """Dtype of a module's input."""
    return f"RNN input dtype (torch.{got}) does not match weight dtype (torch.{want})"


def state_ndims(config: RNNConfig, ndim: int, got: tuple[int, ...]) -> str:
    """Number of dims of the states (``got``, each) beside an input with ``ndim``."""
    kind = "batched 3-D" if ndim == 3 else "unbatched 2-D"
    if takes_pair(config):
        return f"For {kind} input, hx and cx should also be {ndim}-D but got ({', '.join(f'{n}-D' for n in got)}) tensors"
    return f"For {kind} input, hx should also be {ndim}-D but got {got[0]}-D tensor"


def state_size(config: RNNConfig, index: int, expected: Shape, got: Shape) -> str:
    """Sizes of a state; PyTorch shows an unbatched state with the batch axis that it has added."""
    state = f"hidden[{index}]" if takes_pair(config) else "hidden"
    if len(expected) == 2:
        expected, got = (expected[0], 1, expected[1]), (got[0], 1, got[1])
    return f"Expected {state} size {expected}, got {list(got)}"


def tuple_attribute(attribute: str) -> str:
    """A tuple that is used as a tensor: it has no ``attribute``."""
    return f"'tuple' object has no attribute '{attribute}'"


def invalid_combination(config: RNNConfig) -> str:
    """A state that is no tuple of two tensors, where nothing checks it before the C++ code does."""
    return f"{config.cell}() received an invalid combination of arguments"


def index_out_of_bounds(size: int) -> str:
    """A tensor with ``size`` rows, indexed as if it were the pair of states."""
    return f"index {size} is out of bounds for dimension 0 with size {size}"


def bare_tensor(config: RNNConfig, shape: Shape, input_shape: Shape | None) -> str:
    """A tensor of ``shape`` where the tuple ``(h_0, c_0)`` belongs: PyTorch indexes it as if it were the tuple.

    Args:
        config: the module, whose state is a pair.
        shape: the tensor's shape.
        input_shape: shape of the input; ``None`` where it is packed or unknown, so not compared.
    """
    if not shape:
        return "iteration over a 0-d tensor" if config.is_cell else "invalid index of a 0-dim tensor"
    inner = len(shape) - 1
    if config.is_cell:
        if input_shape is not None and len(input_shape) == 1 and shape[0] < 2 and (inner in (1, 2) or not shape[0]):
            return index_out_of_bounds(shape[0])
        if shape[0] and inner not in (1, 2):
            return cell_state_ndim(config, 0, inner)
        return "lstm_cell(): argument 'hx' (position 2) must be tuple of Tensors, not Tensor"
    if shape[0] < 2:
        return index_out_of_bounds(shape[0])
    if input_shape is None:
        return invalid_combination(config)
    if inner != len(input_shape):
        return state_ndims(config, len(input_shape), (inner, inner))
    for index, name in enumerate(("h_0", "c_0")):
        expected = state_for_input(config, name, input_shape)
        if shape[1:] != expected:
            return state_size(config, index, expected, shape[1:])
    return invalid_combination(config)


def bare_sorted(shape: Shape, batch: int) -> str | None:
    """A tensor where the tuple belongs, beside a packed batch that is not sorted: both its rows are sorted first.

    Args:
        shape: the tensor's shape.
        batch: number of lengths.
    """
    if len(shape) < 2:
        return None if shape else "invalid index of a 0-dim tensor"
    if not shape[0]:
        return index_out_of_bounds(0)
    if len(shape) == 2:
        return OUT_OF_DIMS
    if shape[2] < batch:
        return OUT_OF_BOUNDS if shape[2] else NO_AXIS
    if shape[0] < 2:
        return index_out_of_bounds(shape[0])
    return "Dimension out of range (expected to be in range of [-2, 1], but got 2)" if len(shape) == 3 else None


def lengths_count(count: int, batch: int) -> str:
    """Another number of lengths than sequences."""
    return f"Expected `len(lengths)` to be equal to batch_size, but got {count} (batch_size={batch})"


def sorted_input(config: RNNConfig) -> str:
    """More lengths than sequences, where the sequences are to be sorted by their lengths."""
    return "index out of range in self" if config.batch_first else OUT_OF_BOUNDS
