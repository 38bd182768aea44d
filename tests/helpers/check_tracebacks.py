"""Tracebacks whose frames decide what their last line means, with the cause and the guilty tensor; ``None`` is unknown."""

HEAD = "Traceback (most recent call last):\n"
LINEAR = '  File "/x/torch/nn/modules/linear.py", line 92, in forward\n    return F.linear(input, self.weight, self.bias)\n'
WRAPPER = '  File "/x/torch/nn/functional.py", line 553, in linear\n    return torch.addmm(bias, input, weight.t())\n'


def frame(file: str, code: str) -> str:
    """One frame of a traceback."""
    return f'  File "{file}", line 3, in forward\n    {code}\n'


def old(code: str, message: str) -> str:
    """PyTorch 0.1 to 0.3, where a step of an RNN was Python code in the package itself."""
    return HEAD + frame("m.py", "h = self.cell(x, h)") + frame("/x/torch/nn/_functions/rnn.py", code) + WRAPPER + message


BOTH = "gates = F.linear(input, w_ih, b_ih) + F.linear(hx, w_hh, b_hh)"
SIZES = "RuntimeError: size mismatch, m1: [{} x {}], m2: [{} x {}] at /opt/THTensorMathBlas.cu:243"
MATS = "RuntimeError: mat1 and mat2 shapes cannot be multiplied ({}x{} and {}x{})"

RNN = "/x/torch/nn/modules/rnn.py"
CUDNN = "/x/torch/backends/cudnn/rnn.py"
STEP = "/x/torch/nn/_functions/rnn.py"
TUPLE = "TypeError: {}(): argument 'input' (position 1) must be Tensor, not tuple"


def layer(file: str, function: str) -> str:
    """A layer of an ``nn.Sequential`` that is called with a tuple."""
    container = frame("/x/torch/nn/modules/container.py", "input = module(input)")
    return HEAD + container + frame(f"/x/torch/nn/modules/{file}", "return F.f(input)") + TUPLE.format(function)


TRACEBACKS = [
    # products of PyTorch 0.1 to 0.3
    (old(BOTH, SIZES.format(32, 812, 300, 2048)), "input_feature_mismatch", "input"),
    (old("gi = F.linear(input, w_ih, b_ih)", SIZES.format(32, 600, 300, 1536)), "input_feature_mismatch", "input"),
    (old("gh = F.linear(hidden, w_hh, b_hh)", SIZES.format(32, 600, 512, 1536)), "hidden_size_vs_proj", "h_0"),
    (
        old("gi = F.linear(input, w_ih)", "RuntimeError: size mismatch at /pytorch/THTensorMath.c:41"),
        "input_feature_mismatch",
        "input",
    ),
    (old("gh = F.linear(hx, w_hh)", "RuntimeError: size mismatch at /pytorch/THTensorMath.c:41"), "hidden_size_vs_proj", "h_0"),
    (
        HEAD + frame("lstm.py", "y = self.fc(h)") + LINEAR + WRAPPER + SIZES.format(50, 200, 100, 20),
        "bidirectional_linear_mismatch",
        "linear",
    ),
    # a Linear without an RNN in sight
    (HEAD + frame("cnn.py", "x = self.fc1(x.flatten(1))") + LINEAR + MATS.format(64, 512, 256, 10), None, None),
    (HEAD + frame("/home/me/lstm-project/cnn.py", "x = self.fc1(x)") + LINEAR + MATS.format(64, 512, 300, 10), None, None),
    (HEAD + frame("/home/me/gru/cnn.py", "x = self.fc1(x)") + LINEAR + MATS.format(64, 512, 256, 10), None, None),
    (
        HEAD + frame("m.py", "y = self.fc(out[:, -1, :])") + LINEAR + MATS.format(64, 512, 256, 10),
        "bidirectional_linear_mismatch",
        "linear",
    ),
    (frame("m.py", "y = self.fc(x)") + LINEAR + MATS.format(64, 512, 256, 10), "bidirectional_linear_mismatch", "linear"),
    # tuples
    (
        HEAD
        + frame("rnn_model.py", "x = self.embedding(batch.text)")
        + "TypeError: embedding(): argument 'indices' (position 2) must be Tensor, not tuple",
        "other",
        "input",
    ),
    *(
        (HEAD + frame("m.py", f"x = torch.{f}(self.lstm(x))") + TUPLE.format(f), "lstm_tuple_expected", "output")
        for f in ("relu", "tanh", "sigmoid", "log_softmax", "cat")
    ),
    *(
        (layer(file, f), "lstm_tuple_expected", "output")
        for file, f in (
            ("activation.py", "relu"),
            ("normalization.py", "layer_norm"),
            ("batchnorm.py", "batch_norm"),
            ("conv.py", "conv1d"),
            ("pooling.py", "max_pool1d"),
            ("dropout.py", "dropout"),
            ("linear.py", "linear"),
        )
    ),
    (
        HEAD + frame("m.py", "x = self.lstm(x)[:, -1, :]") + "TypeError: tuple indices must be integers or slices, not tuple",
        "lstm_tuple_expected",
        "output",
    ),
    (
        HEAD
        + frame("m.py", "x = torch.cat((self.lstm(x), y))")
        + "TypeError: expected Tensor as element 0 in argument 0, but got tuple",
        "lstm_tuple_expected",
        "output",
    ),
    (
        HEAD + frame(RNN, "result = _VF.lstm(") + "TypeError: expected Tensor as element 0 in argument 1, but got NoneType",
        "lstm_tuple_expected",
        "h_0",
    ),
    (
        HEAD + frame(STEP, "hx, cx = hidden") + "ValueError: not enough values to unpack (expected 2, got 1)",
        "lstm_tuple_expected",
        "h_0",
    ),
    (HEAD + frame(STEP, "hx, cx = hidden") + "ValueError: need more than 1 value to unpack", "lstm_tuple_expected", "h_0"),
    (HEAD + frame(CUDNN, "hx, cx = hx") + "ValueError: too many values to unpack", "lstm_tuple_expected", "h_0"),
    (
        HEAD + frame("m.py", "output, h = self.lstm(x)") + "ValueError: need more than 1 value to unpack",
        "lstm_tuple_expected",
        "h_n",
    ),
    (
        HEAD + frame(RNN, "if hx.dim() != 3:") + "AttributeError: 'list' object has no attribute 'dim'",
        "lstm_tuple_expected",
        "h_0",
    ),
    # the rest
    (
        HEAD
        + frame(RNN, "result = _VF.lstm(")
        + "RuntimeError: expected m1 and m2 to have the same dtype, but got: long int != float",
        "dtype_mismatch",
        "input",
    ),
    (
        HEAD + frame(RNN, "return tensor.index_select(dim, permutation)") + "IndexError: index out of range in self",
        "hidden_batch_mismatch",
        "h_0",
    ),
    (
        HEAD + frame(STEP, BOTH) + "RuntimeError: inconsistent tensor size at /pytorch/torch/lib/TH/generic/THTensorMath.c:842",
        "hidden_batch_mismatch",
        "h_0",
    ),
    (old(BOTH, "RuntimeError: matrices expected, got 1D, 2D tensors at /pytorch/THTensorMath.c:1232"), "input_ndim", "input"),
    (
        old("gh = F.linear(hidden, w_hh, b_hh)", "RuntimeError: matrices expected, got 1D, 2D tensors at /x.c:1232"),
        "unbatched_2d_vs_3d",
        "h_0",
    ),
]
