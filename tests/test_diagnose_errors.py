"""check --error: real messages, old and new, with and without noise around them, and messages that are not the RNN's."""

import io
import json
import sys
import traceback
import types
import unittest
import warnings

import pytest
from check_messages import MESSAGES, UNKNOWN
from torch_version import says_as_2_13

from rnndims.config import RNNConfig
from rnndims.diagnose import CAUSES, Call, UnknownMessageError, diagnose_error


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
    for problem in (*found.problems, *(each for main in found.problems for each in main.alternatives)):
        assert problem.cause in CAUSES
        assert problem.message.endswith(".")
        assert problem.fix or problem.advice
        assert "{" not in (problem.message + (problem.advice or "") + found.error.explanation)


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
    first = "RuntimeError: Expected hidden[0] size (2, 1, 512), got [2, 128, 512]"
    last = "input must have 3 dimensions, got 2"
    assert diagnose_error(f"{first}\n...\n{last}").problems[0].cause == "input_ndim"
    assert diagnose_error(f"{last}\n...\n{first}").problems[0].cause == "batch_first_mismatch"
    warning = "UserWarning: RNN module weights are not part of single contiguous chunk of memory."
    assert diagnose_error(f"{last}\n{warning}").problems[0].cause == "input_ndim"


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
        (lambda: nn.LSTM(10, 20, bidirectional=1)(x), "other"),
        (lambda: nn.GRU(10, 20, True)(x), "other"),
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
        fixes = [problem.fix or "" for problem in diagnose_error(text).problems]
        assert any(words in fix for fix in fixes), (words, fixes)


@says_as_2_13
def test_pytorchs_own_error_samples(monkeypatch):
    """Every error sample that PyTorch's test suite has for these modules is understood from its message."""
    torch = pytest.importorskip("torch")
    stub = types.ModuleType("expecttest")  # all that PyTorch's test helpers need of it to be imported
    stub.TestCase = unittest.TestCase
    monkeypatch.setitem(sys.modules, "expecttest", stub)
    # What PyTorch's test helpers call when they are imported; then nothing in this process may set cuDNN's precision any more.
    monkeypatch.setattr(torch.backends, "disable_global_flags", lambda: None)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        modules = pytest.importorskip("torch.testing._internal.common_modules")
    count = 0
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
            count += 1
    assert count > 50


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
    shapes = Call(input=(3, 5, 10), h_0=(2, 3, 20), c_0=(2, 3, 20))
    assert diagnose_error(text).problems[0].cause == "hidden_batch_mismatch"
    found = diagnose_error(text, config, shapes)
    assert found.problems[0].cause == "batch_first_mismatch"
    assert "dim 0 of input (3, 5, 10)" in found.problems[0].message
    other = diagnose_error(text, RNNConfig("lstm", 10, 30))
    assert any("not this module" in note for note in other.notes)
    assert any("fit the module" in note for note in diagnose_error(text, config, Call(input=(5, 3, 10))).notes)


def test_a_product_is_told_apart_by_the_traceback():
    """The same matrix product is the Linear's or the RNN's own, as the last frame says; without one both are listed."""
    product = "RuntimeError: mat1 and mat2 shapes cannot be multiplied (12x300 and 100x1024)"
    head = 'Traceback (most recent call last):\n  File "m.py", line 3, in forward\n    out, h = self.lstm(packed)\n'
    inside = head + '  File "/t/torch/nn/modules/rnn.py", line 9, in forward\n    result = _VF.lstm(x)\n' + product
    after = head + '  File "/t/torch/nn/modules/linear.py", line 9, in forward\n    return F.linear(x)\n' + product
    assert diagnose_error(inside).problems[0].cause == "input_feature_mismatch"
    assert {problem.tensor for problem in diagnose_error(after).problems} == {"linear"}
    bare = diagnose_error(product)
    assert [problem.causes for problem in bare.problems] == [("other", "input_feature_mismatch")]
    assert bare.error is not None
    assert not bare.error.certain


def test_hostile_text_is_read_in_bounded_time():
    """Megabytes of noise, broken escapes and near misses neither hang nor crash."""
    for text in (
        "Expected hidden[0] size (" + "1," * 500_000,
        "Expected hidden size (" + " " * 300_000,
        "\n" * 300_000,
        "x" + " " * 300_000,
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
