"""Messages of PyTorch as people report them, and messages that are not of its RNN code."""

INVALID = "TypeError: {}() received an invalid combination of arguments - got ({}), but expected one of:"

MESSAGES = [
    # states
    ("RuntimeError: Expected hidden[0] size (2, 1, 512), got [2, 128, 512]", "batch_first_mismatch", "h_0"),
    ("RuntimeError: Expected hidden[0] size (2, 4, 256), got (2, 64, 256)", "hidden_batch_mismatch", "h_0"),
    ("RuntimeError: Expected hidden size (3, 64, 12), got (3, 16, 12)", "hidden_batch_mismatch", "h_0"),
    ("Expected hidden[0] size (1, 16, 256), got [1, 3, 256]", "hidden_batch_mismatch", "h_0"),
    ("Expected hidden[0] size (416, 82, 50), got (416, 100, 50)", "hidden_batch_mismatch", "h_0"),
    ("Expected hidden[1] size (1, 32, 100), got [1, 1, 100]", "hidden_batch_mismatch", "c_0"),
    ("Expected hidden[0] size (4, 32, 512), got (2, 64, 512)", "hidden_batch_mismatch", "h_0"),
    ("Expected hidden[0] size (2, 32, 256), got (32, 2, 256)", "batch_first_mismatch", "h_0"),
    ("Expected hidden[0] size (1, 64, 256), got (64, 256)", "unbatched_2d_vs_3d", "h_0"),
    ("Expected hidden[0] size (2, 1, 1024), got [1, 1, 1024]", "hidden_layers_or_directions", "h_0"),
    ("RuntimeError: Expected hidden[0] size (1, 32, 32), got (2, 32, 32)", "hidden_layers_or_directions", "h_0"),
    ("RuntimeError: Expected hidden[0] size (1, 8, 1024), got [1, 8, 2048]", "hidden_size_vs_proj", "h_0"),
    ("Expected hidden[0] size (1, 1, 100), got torch.Size([1, 1, 29])", "hidden_size_vs_proj", "h_0"),
    ("Expected hidden size [2, 20, 64], got [2, 20, 32]", "hidden_size_vs_proj", "h_0"),
    ("Expected cell size [2, 20, 64], got [2, 19, 64]", "hidden_batch_mismatch", "c_0"),
    ("RuntimeError: Expected hidden size (2, 20L, 128), got (20L, 2L, 128L)", "batch_first_mismatch", "h_0"),
    ("RuntimeError: Expected hidden size （1, 32, 256）， got ［1， 8， 256］", "hidden_batch_mismatch", "h_0"),
    ("Expected hidden[0] size (1, 64L, 128), got (1L, 32L, 128L)", "hidden_batch_mismatch", "h_0"),
    ("input.size(-1) must be equal to input_size. Expected 10, got 12L", "input_feature_mismatch", "input"),
    ("For batched 3-D input, hx should also be 3-D but got 2-D tensor", "unbatched_2d_vs_3d", "h_0"),
    ("For unbatched 2-D input, hx should also be 2-D but got 3-D tensor", "unbatched_2d_vs_3d", "h_0"),
    ("For batched 3-D input, hx and cx should also be 3-D but got (2-D, 2-D) tensors", "unbatched_2d_vs_3d", "h_0"),
    ("For unbatched 2-D input, hx and cx should also be 2-D but got (3-D, 3-D) tensors", "unbatched_2d_vs_3d", "h_0"),
    ("RuntimeError: Expected more hidden states in stacked_rnn", "hidden_layers_or_directions", "h_0"),
    ("Odd number of params or hiddens given to a bidirectional RNN", "hidden_layers_or_directions", "h_0"),
    ("got an incorrect number of RNN parameters", "hidden_size_vs_proj", "h_0"),
    ("RuntimeError: INDICES element is out of DATA bounds, id=3 axis_dim=3", "hidden_batch_mismatch", "h_0"),
    ("rnn: hx is not contiguous", "other", "h_0"),
    # input
    ("RuntimeError: input must have 3 dimensions, got 2", "input_ndim", "input"),
    ("input must have 3 dimensions, got 5", "input_ndim", "input"),
    ("input must have 2 dimensions, got 3", "input_ndim", "input"),
    ("ValueError: LSTM: Expected input to be 2D or 3D, got 4D instead", "input_ndim", "input"),
    ("ValueError: RNN: Expected input to be 2D or 3D, got 1D tensor instead", "input_ndim", "input"),
    ("AssertionError: GRU: Expected input to be 2-D or 3-D but received 4-D tensor", "input_ndim", "input"),
    ("AssertionError: LSTMCell: Expected input to be 1-D or 2-D but received 3-D tensor", "input_ndim", "input"),
    ("IndexError: Dimension out of range (expected to be in range of [-2, 1], but got 2)", "input_ndim", "input"),
    ("dimension out of range (expected to be in range of [-1, 0], but got 1)", "input_ndim", "input"),
    ("input.size(-1) must be equal to input_size. Expected 10, got 28", "input_feature_mismatch", "input"),
    ("input has inconsistent input_size: got 8 expected 16", "input_feature_mismatch", "input"),
    ("input has inconsistent input_size: got 4, expected 3", "input_feature_mismatch", "input"),
    ("RuntimeError: Expected sequence length to be larger than 0 in RNN", "other", "input"),
    # cells
    ("hidden0 has inconsistent hidden_size: got 21, expected 20", "hidden_size_vs_proj", "h_0"),
    ("hidden has inconsistent hidden_size: got 21, expected 20", "hidden_size_vs_proj", "h_0"),
    ("hidden[1] has inconsistent hidden_size: got 21, expected 20", "hidden_size_vs_proj", "c_0"),
    ("Input batch size 3 doesn't match hidden0 batch size 5", "hidden_batch_mismatch", "h_0"),
    ("Input batch size 1 doesn't match hidden[0] batch size 512", "hidden_batch_mismatch", "h_0"),
    ("Input batch size 3 doesn't match hidden batch size 5", "hidden_batch_mismatch", "h_0"),
    # tuples
    ("AttributeError: 'tuple' object has no attribute 'size'", "lstm_tuple_expected", "h_0"),
    ("AttributeError: 'tuple' object has no attribute 'dim'", "lstm_tuple_expected", "h_0"),
    ("IndexError: index 1 is out of bounds for dimension 0 with size 1", "lstm_tuple_expected", "h_0"),
    ("TypeError: lstm_cell(): argument 'hx' (position 2) must be tuple of Tensors, not Tensor", "lstm_tuple_expected", "h_0"),
    ("TypeError: gru() received an invalid combination of arguments - got (Tensor, tuple, list)", "lstm_tuple_expected", "h_0"),
    (INVALID.format("lstm", "Tensor, tuple, list, bool, int, float, bool, int, bool"), "other", "module"),
    (INVALID.format("lstm", "Tensor, Tensor, tuple, list, bool, int, int, bool, int"), "other", "module"),
    (INVALID.format("lstm", "Tensor, tuple, list, bool, bool, float, bool, bool, bool"), "other", "module"),
    (INVALID.format("lstm", "Tensor, tuple, list, NoneType, int, float, bool, bool, bool"), "other", "module"),
    (INVALID.format("lstm", "PackedSequence, tuple, list, bool, int, float, bool, bool, bool"), "other", "input"),
    (INVALID.format("lstm", "Tensor, Tensor, list, bool, int, float, bool, bool, bool"), "lstm_tuple_expected", "h_0"),
    (INVALID.format("lstm", "Tensor, Tensor, Tensor, list, bool, int, float, bool, bool"), "lstm_tuple_expected", "h_0"),
    (INVALID.format("gru", "Tensor, Tensor, list, bool, int, float, bool, int, bool"), "other", "module"),
    (INVALID.format("rnn_tanh", "Tensor, tuple, list, bool, int, float, bool, bool, bool"), "lstm_tuple_expected", "h_0"),
    ("TypeError: lstm() received an invalid combination of arguments", "lstm_tuple_expected", "h_0"),
    ("lstm expects two hidden states", "lstm_tuple_expected", "h_0"),
    # dtypes and devices
    (
        "ValueError: RNN input dtype (torch.float64) does not match weight dtype (torch.float32). Convert input",
        "dtype_mismatch",
        "input",
    ),
    ("ValueError: input must have the type torch.float32, got type torch.float64", "dtype_mismatch", "input"),
    ("RuntimeError: input must have the type torch.float32, got type torch.int64", "dtype_mismatch", "input"),
    ("RuntimeError: expected scalar type Float but found Double", "dtype_mismatch", "input"),
    (
        '  out, h = self.lstm(x)\n  File ".../torch/nn/modules/rnn.py", line 9, in forward\n'
        "NotImplementedError: Could not run 'aten::zero_' with arguments from the 'QuantizedCPU' backend.",
        "dtype_mismatch",
        "input",
    ),
    ("RuntimeError: mat1 and mat2 must have the same dtype, but got Double and Float", "dtype_mismatch", "input"),
    ("Expected object of scalar type Float but got scalar type Double for argument #2 'mat2'", "dtype_mismatch", "input"),
    (
        "Expected object of type torch.FloatTensor but found type torch.DoubleTensor for argument #4 'mat1'",
        "dtype_mismatch",
        "input",
    ),
    (
        "Input and parameter tensors are not the same dtype, found input tensor with Double and parameter tensor with Float",
        "dtype_mismatch",
        "input",
    ),
    ("RuntimeError: \"_thnn_fused_lstm_cell_cuda\" not implemented for 'Long'", "dtype_mismatch", "input"),
    (
        "Input and hidden tensors are not at the same device, found input tensor at cuda:0 and hidden tensor at cpu",
        "other",
        "h_0",
    ),
    # packed batches
    (
        "RuntimeError: 'lengths' argument should be a 1D CPU int64 tensor, but got 1D cuda:0 Long tensor",
        "packed_lengths",
        "lengths",
    ),
    ("Expected object of scalar type Long but got scalar type Int for argument #2 'lengths'", "packed_lengths", "lengths"),
    ("Expected object of backend CPU but got backend CUDA for argument #2 'lengths'", "packed_lengths", "lengths"),
    ("ValueError: lengths array has to be sorted in decreasing order", "packed_lengths", "lengths"),
    ("RuntimeError: 'lengths' array has to be sorted in decreasing order", "packed_lengths", "lengths"),
    ("`lengths` array must be sorted in decreasing order when `enforce_sorted` is True.", "packed_lengths", "lengths"),
    ("ValueError: sequences must be sorted in the order of decreasing length", "packed_lengths", "lengths"),
    (
        "Length of all samples has to be greater than 0, but found an element in 'lengths' that is <= 0",
        "packed_lengths",
        "lengths",
    ),
    ("Expected `len(lengths)` to be equal to batch_size, but got 3 (batch_size=5)", "packed_lengths", "lengths"),
    ("Cannot pack empty tensors.", "packed_lengths", "input"),
    ("pad_sequence(): argument 'sequences' (position 1) must be tuple of Tensors, not Tensor", "other", "input"),
    ("'PackedSequence' object has no attribute 'view'", "other", "output"),
    # after the module
    ("mat1 and mat2 shapes cannot be multiplied (32x512 and 256x10)", "bidirectional_linear_mismatch", "linear"),
    (
        "RuntimeError: size mismatch, m1: [64 x 256], m2: [512 x 512] at c:\\TH/generic/THTensorMath.c:1434",
        "bidirectional_linear_mismatch",
        "linear",
    ),
    ("RuntimeError: mat1 and mat2 shapes cannot be multiplied (8x8 and 54x8)", "other", "linear"),
    ("RuntimeError: size mismatch, m1: [1 x 364], m2: [14 x 512]", "other", "linear"),
    ("TypeError: relu(): argument 'input' (position 1) must be Tensor, not tuple", "lstm_tuple_expected", "output"),
    # checkpoints
    (
        "size mismatch for rnn.weight_ih_l0: copying a param with shape torch.Size([80, 12]) from checkpoint, "
        "the shape in current model is torch.Size([80, 10]).",
        "checkpoint_mismatch",
        "rnn.weight_ih_l0",
    ),
    ('Missing key(s) in state_dict: "lstm.weight_ih_l0_reverse", "lstm.bias_ih_l0_reverse".', "checkpoint_mismatch", None),
    ('Unexpected key(s) in state_dict: "fc.weight", "rnn.weight_ih_l1", "rnn.weight_hh_l1". ', "checkpoint_mismatch", None),
    (
        "While copying the parameter named context_LSTM.weight_ih_l0, whose dimensions in the model are torch.Size([400, 350]) "
        "and whose dimensions in the checkpoint are torch.Size([400, 300]).",
        "checkpoint_mismatch",
        "context_LSTM.weight_ih_l0",
    ),
    ("KeyError: 'unexpected key \"encoder.rnn.weight_ih_l0\" in state_dict'", "checkpoint_mismatch", None),
    ("AttributeError: 'LSTM' object has no attribute '_flat_weights_names'", "checkpoint_mismatch", "module"),
    ("ModuleAttributeError: 'GRU' object has no attribute 'proj_size'", "checkpoint_mismatch", "module"),
    ("AttributeError: 'LSTM' object has no attribute 'weight_hh_l0'", "checkpoint_mismatch", "module"),
    # the rest
    ("cuDNN error: CUDNN_STATUS_EXECUTION_FAILED", "other", "input"),
    ("RuntimeError: cudnn RNN backward can only be called in training mode", "other", "output"),
    ("ValueError: hidden_size must be greater than zero", "other", "module"),
    ("UserWarning: RNN module weights are not part of single contiguous chunk of memory.", "other", "module"),
]


def framed(file: str, code: str, message: str, library: str = "") -> str:
    """A short traceback: the user's frame, maybe one of a library, and the message."""
    lines = ["Traceback (most recent call last):", f'  File "{file}", line 3, in forward', f"    {code}"]
    if library:
        lines += [f'  File "/x/torch/nn/modules/{library}", line 9, in forward', "    return F.call(x)"]
    return "\n".join([*lines, message])


UNKNOWN = [
    "",
    "hello",
    "RuntimeError: CUDA out of memory. Tried to allocate 2.00 GiB",
    "KeyError: 'lstm'",
    "RuntimeError: Expected object of scalar type Long but got scalar type Float for argument #2 'target'",
    "RuntimeError: Expected object of type torch.LongTensor but found type torch.FloatTensor for argument #2 'target'",
    "RuntimeError: Expected object of scalar type Float but got scalar type Long for argument #2 'other'",
    "TypeError: embedding(): argument 'indices' (position 2) must be Tensor, not tuple",
    "ValueError: Expected input batch_size (32) to match target batch_size (64).",
    "RuntimeError: Given groups=1, weight of size [64, 3, 7, 7], expected input[1, 1, 28, 28] to have 3 channels, but got 1",
    "IndexError: index out of range in self",
    framed("a.py", "return self.conv(x)", "RuntimeError: expected scalar type Double but found Float", "conv.py"),
    framed(
        "a.py", "x = self.fc(x)", "RuntimeError: mat1 and mat2 shapes cannot be multiplied (32x2048 and 512x1000)", "linear.py"
    ),
    framed("crnn.py", "return self.lstm(self.conv(x))", "RuntimeError: expected scalar type Double but found Float", "conv.py"),
    framed("data.py", "n = batch.size(0)", "AttributeError: 'tuple' object has no attribute 'size'"),
    framed(
        "a.py",
        "return a + b",
        "RuntimeError: The size of tensor a (4) must match the size of tensor b (2) at non-singleton dimension 1",
    ),
    "ValueError: too many values to unpack (expected 2)",
    "AttributeError: 'tuple' object has no attribute 'append'",
    "AttributeError: 'list' object has no attribute 'dim'",
    "TypeError: tuple indices must be integers or slices, not tuple",
    "TypeError: expected Tensor as element 0 in argument 0, but got tuple",
    "ValueError: need more than 1 value to unpack",
    "RuntimeError: matrices expected, got 1D, 2D tensors at /pytorch/torch/lib/TH/generic/THTensorMath.c:1232",
    "Error(s) in loading state_dict for Net:\n\tsize mismatch for fc.weight: copying a param with shape torch.Size([10, 512]) "
    "from checkpoint, the shape in current model is torch.Size([5, 512]).",
    'Missing key(s) in state_dict: "fc.weight", "conv1.bias".',
    "RuntimeError: The size of tensor a (3) must match the size of tensor b (4) at non-singleton dimension 1",
    "ValueError: Input 0 of layer lstm is incompatible with the layer: expected ndim=3, found ndim=2",
]
