"""What PyTorch says of a wrong input, and of what a cell is given."""

from typing import Final

from .row import Row

INPUTS: Final = (
    Row(
        ("input must have 3 dimensions, got <got:int>", "input should have 3 dimensions, got <got:int>"),
        "input",
        "PyTorch counted the dims of input: 3-D is a batch of sequences.",
        reading="input_ndim",
    ),
    Row(
        ("input must have 2 dimensions, got <got:int>",),
        "input",
        "PyTorch counted the dims of a packed input's data: (all steps, H_in), so the padded batch was not 3-D.",
        reading="packed_ndim",
    ),
    Row(
        (
            "<kind:kind>: Expected input to be 2D or 3D, got <got:int>D",
            "<kind:kind>: Expected input to be 2-D or 3-D but received <got:int>-D tensor",
            "<kind:kind>: Expected input to be 2-D or 3-D but got <got:int>-D tensor",
        ),
        "input",
        "PyTorch counted the dims of input: 3-D is a batch of sequences, 2-D one sequence (L, H_in).",
        reading="input_ndim",
    ),
    Row(
        (
            "<kind:kind>Cell: Expected input to be 1D or 2D, got <got:int>D",
            "<kind:kind>Cell: Expected input to be 1-D or 2-D but received <got:int>-D tensor",
            "Expected input to be 1D or 2D, got <got:int>D",
        ),
        "input",
        "PyTorch counted the dims of input: a cell reads one step, (N, H_in) or (H_in).",
        (
            (
                "input_ndim",
                "input is {got}-D, a cell reads one step: (N, H_in) or (H_in)",
                "for t in range(x.size(0)): h = cell(x[t], h)  # or nn.LSTM, nn.GRU, nn.RNN for all steps at once",
            ),
        ),
    ),
    Row(
        (
            "Expected hidden to be 1D or 2D, got <got:int>D",
            "Expected hx[<index:int>] to be 1D or 2D, got <got:int>D",
            "Expected hidden to be 1-D or 2-D but received <got:int>-D tensor",
        ),
        "h_0",
        "PyTorch counted the dims of the state: a cell's is (N, H_cell) or (H_cell).",
        reading="cell_state_ndim",
    ),
    Row(
        (
            "dimension out of range (expected to be in range of [<low:int>, <high:int>], but got <got:int>)",
            "dimension specified as <got:int> but tensor has no dimensions",
        ),
        "input",
        "PyTorch asked a tensor for a dim that it does not have: it has fewer dims than the RNN code expects.",
        (
            (
                "input_ndim",
                "a tensor lacks the dim {got} that is asked for: most likely input (or the state) is not 3-D",
                "Print x.shape before the call; x = x.unsqueeze(0) adds a dim in front, x.unsqueeze(-1) one behind",
            ),
            (
                "lstm_tuple_expected",
                "or the state is a bare tensor where nn.LSTM unpacks (h_0, c_0)",
                "output, (h_n, c_n) = lstm(x, (h_0, c_0))",
            ),
        ),
        claim="bare",
    ),
    Row(
        ("Expected 3D tensor, got <got:int>D", "Expected 3-D tensor, got <got:int>-D"),
        "input",
        "A batch of sequences is 3-D.",
        (("input_ndim", "a tensor is {got}-D where 3-D is needed", "x = x.unsqueeze(0)"),),
        claim="bare",
    ),
    Row(
        (
            "input.size(-1) must be equal to input_size. Expected <expected:int>, got <got:int>",
            "input.size(-1) must be equal to input_size. Expected <expected:int>, got torch.Size([<got:int>])",
        ),
        "input",
        "PyTorch compared the last dim of input with the module's input_size.",
        reading="features",
    ),
    Row(
        (
            "input has inconsistent input_size: got <got:int> expected <expected:int>",
            "input has inconsistent input_size: got <got:int>, expected <expected:int>",
        ),
        "input",
        "PyTorch compared the last dim of a cell's input with its input_size.",
        reading="features",
    ),
    Row(
        ("name 'fn' is not defined",),
        "input",
        "A bug of PyTorch 0.3: its check found input.size(-1) different from input_size and failed to say so.",
        (
            (
                "input_feature_mismatch",
                "the last dim of input is not the module's input_size",
                "Print x.shape: its last dim must be input_size",
            ),
        ),
        claim="frame",
    ),
    Row(
        (
            "hidden<index:index> has inconsistent hidden_size: got <got:int>, expected <expected:int>",
            "hidden<index:index> has inconsistent hidden_size: got <got:int> expected <expected:int>",
        ),
        "h_0",
        "PyTorch compared the last dim of a cell's state with its hidden_size.",
        reading="cell_width",
    ),
    Row(
        (
            "Input batch size <expected:int> doesn't match hidden<index:index> batch size <got:int>",
            "Input batch size <expected:int> does not match hidden<index:index> batch size <got:int>",
        ),
        "h_0",
        "PyTorch compared dim 0 of a cell's input and state: the batch.",
        reading="cell_batch",
    ),
    Row(
        ("Expected sequence length to be larger than 0 in RNN",),
        "input",
        "The time axis of input is empty.",
        (
            (
                "other",
                "input has no time steps: dim 0 is 0, or dim 1 with batch_first=True",
                "Skip empty sequences, or check which dim of input is the time axis",
            ),
        ),
    ),
    Row(
        ("matrices expected, got <got:int>D, <other:int>D tensors",),
        "input",
        "PyTorch multiplied the input or the state with the weights: both are matrices, the batch first.",
        reading="matrices",
        claim="frame",
    ),
)
