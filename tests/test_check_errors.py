"""check --error: real messages, old and new, with and without noise around them, and messages that are not the RNN's."""

import io
import json
import sys
import traceback
import types
import unittest
import warnings

import pytest

from rnndims.config import RNNConfig
from rnndims.diagnose import CAUSES, Observed, UnknownMessageError, diagnose_error

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
    ("For batched 3-D input, hx should also be 3-D but got 2-D tensor", "unbatched_2d_vs_3d", "h_0"),
    ("For unbatched 2-D input, hx should also be 2-D but got 3-D tensor", "unbatched_2d_vs_3d", "h_0"),
    ("For batched 3-D input, hx and cx should also be 3-D but got (2-D, 2-D) tensors", "unbatched_2d_vs_3d", "h_0"),
    ("For unbatched 2-D input, hx and cx should also be 2-D but got (3-D, 3-D) tensors", "unbatched_2d_vs_3d", "h_0"),
    ("RuntimeError: Expected more hidden states in stacked_rnn", "hidden_layers_or_directions", "h_0"),
    ("Odd number of params or hiddens given to a bidirectional RNN", "hidden_layers_or_directions", "h_0"),
    ("got an incorrect number of RNN parameters", "hidden_size_vs_proj", "h_0"),
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
    ("lstm expects two hidden states", "lstm_tuple_expected", "h_0"),
    # dtypes and devices
    (
        "ValueError: RNN input dtype (torch.float64) does not match weight dtype (torch.float32). Convert input",
        "dtype_mismatch",
        "input",
    ),
    ("RuntimeError: expected scalar type Float but found Double", "dtype_mismatch", "input"),
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
    ("'PackedSequence' object has no attribute 'view'", "other", "output"),
    # after the module
    ("mat1 and mat2 shapes cannot be multiplied (32x512 and 256x10)", "bidirectional_linear_mismatch", "linear"),
    (
        "RuntimeError: size mismatch, m1: [64 x 256], m2: [512 x 512] at c:\\TH/generic/THTensorMath.c:1434",
        "bidirectional_linear_mismatch",
        "linear",
    ),
    ("RuntimeError: mat1 and mat2 shapes cannot be multiplied (8x8 and 54x8)", "other", "linear"),
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
    # the rest
    ("cuDNN error: CUDNN_STATUS_EXECUTION_FAILED", "other", "input"),
    ("RuntimeError: cudnn RNN backward can only be called in training mode", "other", "output"),
    ("ValueError: hidden_size must be greater than zero", "other", "module"),
    ("UserWarning: RNN module weights are not part of single contiguous chunk of memory.", "other", "module"),
]


@pytest.mark.parametrize(("text", "cause", "tensor"), MESSAGES)
def test_known_messages(text, cause, tensor):
    """Each wording is found, with the right cause first, a tensor, and something to do."""
    found = diagnose_error(text)
    assert not found.ok
    first = found.problems[0]
    assert first.cause == cause
    assert tensor is None or first.tensor == tensor
    assert found.error is not None
    assert found.error.matched
    assert found.error.explanation
    for problem in found.problems:
        assert problem.cause in CAUSES
        assert problem.message
        assert problem.fix
        assert "{" not in (problem.message + found.error.explanation)


def noises(text: str) -> list[str]:
    """The same message as it comes out of terminals, launchers, notebooks and loggers."""
    frames = 'Traceback (most recent call last):\n  File "train.py", line 9, in <module>\n    out, h = self.lstm(x, h)\n'
    frames += '  File "/usr/lib/python3.8/site-packages/torch/nn/modules/rnn.py", line 577, in forward\n    self.check(x)\n'
    return [
        frames + text + "\n",
        f"\x1b[31m\x1b[1m{text}\x1b[0m\n",
        "Epoch 1:  10%|#   | 3/30\rEpoch 1:  13%|#  | 4/30\r\n" + text.replace("\n", "\r\n") + "\r\n",
        "\n".join("[rank0]: " + line for line in (frames + text).split("\n")),
        "\n".join("2024-05-01 12:00:01,123 ERROR " + line for line in text.split("\n")),
        "\n".join(f"│ {line:<100} │" for line in text.split("\n")),
        "\n".join("(train pid=4711) " + line for line in text.split("\n")),
        "2024-01-01 00:00:00.1: W tensorflow/core/x.cc:33] Could not load\n" + frames + text + "\nwandb: run finished\n",
        frames
        + "RuntimeError: CUDA out of memory.\n\nDuring handling of the above exception, another exception occurred:\n\n"
        + frames
        + text,
        "E       " + text.replace("\n", "\nE       "),
        text.replace(" ", " \x1b[1m", 2) + "\x1b[0m",
        "[rank1]: " + text.replace(" ", "\n[rank1]: ", 2) if "key(s)" not in text and "named" not in text else text,
        text.replace(" ", "\n   ", 3) if "key(s)" not in text and "named" not in text else text,
    ]


@pytest.mark.parametrize(("text", "cause", "tensor"), MESSAGES)
def test_noise_is_no_obstacle(text, cause, tensor):
    """Colours, prefixes, progress bars, boxes, line ends, wraps and log lines around a message change nothing."""
    rnn_raises = ("mat1", "size mismatch, m1")  # inside a traceback that ends in rnn.py these mean something else
    for noisy in noises(text):
        if any(word in text for word in rnn_raises) and "rnn.py" in noisy:
            continue
        assert diagnose_error(noisy).problems[0].cause == cause, noisy


def test_the_last_message_counts():
    """Of several messages the last one is explained, and an error before a warning."""
    first, last = MESSAGES[0][0], "input must have 3 dimensions, got 2"
    assert diagnose_error(f"{first}\n...\n{last}").problems[0].cause == "input_ndim"
    assert diagnose_error(f"{last}\n...\n{first}").problems[0].cause == "batch_first_mismatch"
    warning = MESSAGES[-1][0]
    assert diagnose_error(f"{last}\n{warning}").problems[0].cause == "input_ndim"


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
    "Error(s) in loading state_dict for Net:\n\tsize mismatch for fc.weight: copying a param with shape torch.Size([10, 512]) "
    "from checkpoint, the shape in current model is torch.Size([5, 512]).",
    'Missing key(s) in state_dict: "fc.weight", "conv1.bias".',
    "RuntimeError: The size of tensor a (3) must match the size of tensor b (4) at non-singleton dimension 1",
    "ValueError: Input 0 of layer lstm is incompatible with the layer: expected ndim=3, found ndim=2",
]


@pytest.mark.parametrize("text", UNKNOWN)
def test_unknown_stays_unknown(text):
    """A message that is not the RNN's, or not known, is said to be unknown, with what can be done instead."""
    with pytest.raises(UnknownMessageError) as raised:
        diagnose_error(text)
    assert raised.value.exit_code == 2
    assert raised.value.fix


def traceback_of(function) -> str:
    """The traceback that a call ends in."""
    try:
        function()
    except Exception:  # noqa: BLE001 - its traceback is what is wanted
        out = io.StringIO()
        traceback.print_exc(file=out)
        return out.getvalue()
    raise AssertionError("it did not fail")


def test_tracebacks_of_real_torch():
    """Errors provoked in the installed PyTorch are understood from their whole traceback."""
    torch = pytest.importorskip("torch")
    nn, zeros = torch.nn, torch.zeros
    pack = nn.utils.rnn.pack_padded_sequence
    lstm, gru, x = nn.LSTM(10, 20, 2), nn.GRU(10, 20), zeros(5, 3, 10)
    both = nn.LSTM(10, 20, bidirectional=True)
    sequential = nn.Sequential(nn.GRU(10, 20), nn.Linear(20, 2))
    cases = [
        (lambda: lstm(x, (zeros(2, 4, 20), zeros(2, 4, 20))), "hidden_batch_mismatch"),
        (lambda: lstm(x, zeros(2, 3, 20)), "unbatched_2d_vs_3d"),
        (lambda: lstm(x, zeros(1, 3, 20)), "lstm_tuple_expected"),
        (lambda: gru(x, (zeros(1, 3, 20), zeros(1, 3, 20))), "lstm_tuple_expected"),
        (lambda: lstm(x, zeros(2, 2, 3, 20)), "lstm_tuple_expected"),
        (lambda: lstm(x, None, None), "lstm_tuple_expected"),
        (lambda: lstm(x, (zeros(2, 3, 20),)), "lstm_tuple_expected"),
        (lambda: gru(x.double()), "dtype_mismatch"),
        (lambda: gru(x, zeros(1, 3, 20).double()), "dtype_mismatch"),
        (lambda: lstm(x, (zeros(2, 3, 20).double(), zeros(2, 3, 20).double())), "dtype_mismatch"),
        (lambda: gru(zeros(5, 3, 11)), "input_feature_mismatch"),
        (lambda: gru(zeros(0, 3, 10)), "other"),
        (lambda: lstm(pack(zeros(5, 3, 11), [5, 3, 2])), "input_feature_mismatch"),
        (lambda: lstm(pack(x, [5, 3, 2]), (zeros(3, 3, 20), zeros(3, 3, 20))), "hidden_layers_or_directions"),
        (lambda: lstm(pack(x, [5, 3, 2]), (zeros(2, 4, 20), zeros(2, 4, 20))), "hidden_batch_mismatch"),
        (lambda: lstm(pack(x, [5, 3, 2], enforce_sorted=False), (zeros(2, 2, 20), zeros(2, 2, 20))), "hidden_batch_mismatch"),
        (lambda: pack(x, [5, 3]), "packed_lengths"),
        (lambda: pack(x, [5, 3, 0]), "packed_lengths"),
        (lambda: pack(x, [3, 5, 2]), "packed_lengths"),
        (lambda: lstm(pack(x, [6, 3, 2])), "packed_lengths"),
        (lambda: nn.Linear(20, 4)(both(x)[0]), "bidirectional_linear_mismatch"),
        (lambda: nn.Linear(20, 4)(gru(pack(x, [5, 3, 2]))[0]), "other"),
        (lambda: sequential(x), "lstm_tuple_expected"),
        (lambda: nn.LSTM(10, 20).load_state_dict(both.state_dict()), "checkpoint_mismatch"),
        (lambda: nn.GRU(10, 30).load_state_dict(nn.GRU(10, 20).state_dict()), "checkpoint_mismatch"),
        (lambda: nn.LSTMCell(10, 20)(zeros(3, 10), zeros(3, 20)), "lstm_tuple_expected"),
        (lambda: nn.GRUCell(10, 20)(zeros(3, 10), (zeros(3, 20),)), "lstm_tuple_expected"),
        (lambda: nn.GRUCell(10, 20)(zeros(3, 10), zeros(4, 20)), "hidden_batch_mismatch"),
        (lambda: nn.GRUCell(10, 20)(zeros(3, 10), zeros(3, 1, 1, 20)), "input_ndim"),
    ]
    for function, cause in cases:
        text = traceback_of(function)
        assert diagnose_error(text).problems[0].cause == cause, text


def test_checkpoints_name_the_argument():
    """From the weights' names and shapes alone, the argument that differs is named."""
    torch = pytest.importorskip("torch")
    nn = torch.nn
    cases = [
        (nn.LSTM(10, 20, bidirectional=True), nn.LSTM(10, 20), "bidirectional=False"),
        (nn.LSTM(10, 20), nn.LSTM(10, 20, bidirectional=True), "bidirectional=True"),
        (nn.LSTM(10, 20, 3), nn.LSTM(10, 20, 2), "num_layers=2"),
        (nn.LSTM(10, 20, 2), nn.LSTM(10, 20, 3), "num_layers=3"),
        (nn.LSTM(10, 20), nn.LSTM(10, 30), "hidden_size=30"),
        (nn.LSTM(10, 20), nn.LSTM(12, 20), "input_size=12"),
        (nn.LSTM(10, 20), nn.GRU(10, 20), "nn.GRU"),
        (nn.LSTM(10, 20), nn.LSTM(10, 20, bias=False), "bias=False"),
        (nn.LSTM(10, 20, proj_size=5), nn.LSTM(10, 20), "proj_size"),
        (nn.Sequential(nn.GRU(3, 4)), nn.DataParallel(nn.Sequential(nn.GRU(3, 4))), "removeprefix('module.')"),
    ]
    for model, saved, words in cases:
        text = traceback_of(lambda model=model, saved=saved: model.load_state_dict(saved.state_dict()))
        fixes = [problem.fix for problem in diagnose_error(text).problems]
        assert any(words in fix for fix in fixes), (words, fixes)


def test_pytorchs_own_error_samples(monkeypatch):
    """Every error sample that PyTorch's test suite has for these modules is understood from its message."""
    torch = pytest.importorskip("torch")
    stub = types.ModuleType("expecttest")  # all that PyTorch's test helpers need of it to be imported
    stub.TestCase = unittest.TestCase
    monkeypatch.setitem(sys.modules, "expecttest", stub)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        modules = pytest.importorskip("torch.testing._internal.common_modules")
    seen = 0
    for info in modules.module_db:
        if info.module_cls.__name__ not in {"RNN", "LSTM", "GRU", "RNNCell", "LSTMCell", "GRUCell"}:
            continue
        samples = info.module_error_inputs_func(info, device="cpu", dtype=torch.float32, requires_grad=False, training=True)
        for sample in samples:
            built, given = sample.module_error_input.constructor_input, sample.module_error_input.forward_input

            def run(built=built, given=given, cls=info.module_cls):
                module = cls(*built.args, **built.kwargs)
                module(*given.args, **given.kwargs)

            found = diagnose_error(traceback_of(run))
            assert found.error is not None
            assert found.error.certain
            seen += 1
    assert seen > 50


def test_every_message_in_the_installed_source_is_known():
    """Every sentence that torch.nn.modules.rnn and torch.nn.utils.rnn raise, filled in, is matched by some row."""
    torch = pytest.importorskip("torch")
    import ast
    from pathlib import Path

    silent = (
        "must not be None",
        "mode must be",
        "Expected data to be",
        "jit",
        "pad_sequence: Expected iterable",
        "NotImplemented",
    )
    root, unknown = Path(torch.__file__).parent, []
    for name in ("nn/modules/rnn.py", "nn/utils/rnn.py"):
        tree = ast.parse((root / name).read_text(encoding="utf-8"))
        messages = {
            n.targets[0].id: n.value for n in ast.walk(tree) if isinstance(n, ast.Assign) and isinstance(n.targets[0], ast.Name)
        }
        for node in ast.walk(tree):
            if not isinstance(node, ast.Raise) or not isinstance(node.exc, ast.Call) or not node.exc.args:
                continue
            argument = node.exc.args[0]
            if isinstance(argument, ast.Name):
                argument = messages[argument.id]
            text = "".join(
                part.value if isinstance(part, ast.Constant) else "2"
                for part in (argument.values if isinstance(argument, ast.JoinedStr) else [argument])
                if isinstance(part, (ast.Constant, ast.FormattedValue))
            )
            if not text or any(word in text for word in silent):
                continue
            try:
                diagnose_error(text)
            except UnknownMessageError:
                unknown.append(text)
    assert unknown == []


def test_constructor_and_shapes_narrow_it_down():
    """With the module and the shapes beside it, the message's cause is the one that the numbers prove."""
    text = "Expected hidden[0] size (2, 5, 20), got [2, 3, 20]"
    config = RNNConfig("lstm", 10, 20, num_layers=2)
    shapes = Observed(input=(3, 5, 10), h_0=(2, 3, 20), c_0=(2, 3, 20))
    assert diagnose_error(text).problems[0].cause == "hidden_batch_mismatch"
    found = diagnose_error(text, config, shapes)
    assert found.problems[0].cause == "batch_first_mismatch"
    assert "dim 0 of input (3, 5, 10)" in found.problems[0].message
    other = diagnose_error(text, RNNConfig("lstm", 10, 30))
    assert any("not this module" in note for note in other.notes)
    assert any("fit" in note for note in diagnose_error(text, config, Observed(input=(5, 3, 10))).notes)


def test_a_product_is_told_apart_by_the_traceback():
    """The same matrix product is the Linear's or the RNN's own, as the last frame says; without one both are listed."""
    product = "RuntimeError: mat1 and mat2 shapes cannot be multiplied (12x300 and 100x1024)"
    head = 'Traceback (most recent call last):\n  File "m.py", line 3, in forward\n    out, h = self.lstm(packed)\n'
    inside = head + '  File "/t/torch/nn/modules/rnn.py", line 9, in forward\n    result = _VF.lstm(x)\n' + product
    after = head + '  File "/t/torch/nn/modules/linear.py", line 9, in forward\n    return F.linear(x)\n' + product
    assert diagnose_error(inside).problems[0].cause == "input_feature_mismatch"
    assert {problem.tensor for problem in diagnose_error(after).problems} == {"linear"}
    bare = diagnose_error(product)
    assert {"input_feature_mismatch", "other"} == {problem.cause for problem in bare.problems}
    assert bare.error is not None
    assert not bare.error.certain


def test_hostile_text_is_read_in_bounded_time():
    """Megabytes of noise, broken escapes and near misses neither hang nor crash."""
    for text in (
        "Expected hidden[0] size (" + "1," * 500_000,
        "\x1b[" * 200_000,
        "\x1b]" + "a" * 1_000_000,
        "Missing key(s) in state_dict: " + '"a", ' * 100_000,
        "(" * 500_000 + "[2024-01-01 " * 50_000,
        "mat1 and mat2 shapes cannot be multiplied (" * 20_000,
        "\x00\x01\udcff" * 100_000,
    ):
        with pytest.raises(UnknownMessageError):
            diagnose_error(text)
    found = diagnose_error("x\n" * 1_000_000 + "Expected hidden[0] size (1, 2, 3), got (1, 3, 3)")
    assert found.problems[0].cause == "hidden_batch_mismatch"
    assert json.dumps(found.error.matched if found.error else "")
