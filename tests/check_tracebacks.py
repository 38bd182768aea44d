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
]
