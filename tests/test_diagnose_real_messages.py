"""check --error: errors that the installed PyTorch raises in small programs, pasted in every form, and what stays unknown."""

import io
import re
import runpy
import traceback
import warnings

import pytest
import torch

from rnndims.config import RNNConfig
from rnndims.diagnose import UnknownMessageError, diagnose_error

HEAD = """import io
import torch
from torch import nn
import torch.nn.functional as F
pack, pad = nn.utils.rnn.pack_padded_sequence, nn.utils.rnn.pad_packed_sequence
"""

# a program, the cause and the tensor that are named first, words of the answer
PROGRAMS = [
    (
        "lstm, h = nn.LSTM(4, 5), None\nfor _ in range(2):\n"
        "    output, h = lstm(torch.randn(3, 2, 4), h)\n    output.sum().backward()  # lstm",
        "other",
        "h_0",
        "h.detach()",
    ),
    (
        "rnn, h = nn.GRU(4, 5), None\nstep = torch.optim.SGD(rnn.parameters(), 0.1).step\nfor _ in range(2):\n"
        "    output, h = rnn(torch.randn(3, 2, 4), h)\n    output.sum().backward(retain_graph=True), step()  # rnn",
        "other",
        "h_0",
        "h.detach()",
    ),
    (
        "torch.compile(nn.LSTM(4, 5), fullgraph=True, backend='eager')(torch.randn(3, 2, 4))",
        "other",
        "module",
        "allow_rnn = True",
    ),
    ("rnn = nn.GRU(4, 5)\ntorch.vmap(lambda x: rnn(x)[0])(torch.randn(6, 3, 2, 4))", "other", "input", "torch.vmap"),
    ("rnn = torch.jit.script(nn.LSTM(4, 5))\nrnn(torch.randn(3, 2, 4))", "other", "module", "torch.jit.trace"),
    (
        "class Net(nn.Module):\n    def __init__(self):\n        super().__init__()\n        self.rnn = nn.LSTM(4, 5)\n"
        "    def forward(self, x, h):\n        return self.rnn(x, h)\ntorch.jit.script(Net())",
        "lstm_tuple_expected",
        "h_0",
        "(h_0, c_0)",
    ),
    (
        "lstm = nn.LSTM(4, 5)\nlstm.weight_hh_l0 = F.dropout(lstm.weight_hh_l0.detach(), 0.5)",
        "other",
        "module",
        "Weight dropout",
    ),
    ("lstm = nn.LSTM(4, 5)\ndel lstm._all_weights\nlstm.all_weights", "checkpoint_mismatch", "module", "all_weights"),
    ("_, h = nn.LSTM(4, 5)(torch.randn(3, 2, 4))\nh.clone()  # state of the lstm", "lstm_tuple_expected", "output", "h_n"),
    (
        "logits = nn.Linear(5, 40)(nn.LSTM(4, 5, batch_first=True)(torch.randn(32, 16, 4))[0])\n"
        "lstm_loss = nn.CrossEntropyLoss()(logits, torch.zeros(32, 16).long())",
        "other",
        "target",
        "classes in its last dim",
    ),
    (
        "logits = nn.LSTM(4, 5)(torch.randn(16, 32, 4))[0].reshape(-1, 5)\n"
        "lstm_loss = nn.CrossEntropyLoss()(logits, torch.zeros(32).long())",
        "other",
        "target",
        "16 * 32",
    ),
    (
        "scores = nn.GRU(4, 20)(torch.randn(50, 16, 4))[0].log_softmax(2)\n"
        "rnn_loss = nn.CTCLoss()(scores, torch.ones(16, 9).long(), torch.full((50,), 50), torch.full((16,), 9))",
        "batch_first_mismatch",
        "lengths",
        "CTCLoss",
    ),
    (
        "scores = nn.GRU(4, 20)(torch.randn(50, 16, 4))[0].log_softmax(2)\n"
        "rnn_loss = nn.CTCLoss()(scores, torch.ones(16, 9).long(), torch.full((16,), 60), torch.full((16,), 9))",
        "packed_lengths",
        "lengths",
        "50 steps",
    ),
    ("nn.LSTM(4, 5, batch_first=True)(torch.randn(3, 2, 4))[0].view(-1, 5)", "other", "output", "reshape"),
    (
        "output, (h_n, c_n) = nn.LSTM(4, 5, 2)(torch.randn(3, 2, 4))\nboth = torch.cat([output, h_n], dim=2)  # lstm",
        "other",
        "output",
        "If one of them is h_n",
    ),
    (
        "output, lengths = pad(nn.GRU(4, 5)(pack(torch.randn(5, 2, 4), [4, 2]))[0])\nmasked_rnn = output * torch.ones(5, 2, 1)",
        "other",
        "output",
        "sizes 4 and 5",
    ),
    (
        "data = torch.utils.data.DataLoader([torch.randn(3, 4), torch.randn(5, 4)], batch_size=2)\nnext(iter(data))",
        "packed_lengths",
        "input",
        "pad_sequence",
    ),
    (
        "output, _ = nn.LSTM(4, 5, batch_first=True)(torch.randn(3, 7, 4))\n"
        "last = output.gather(1, torch.tensor([6, 2, 1]).view(-1, 1))  # lstm",
        "other",
        "output",
        "lengths - 1",
    ),
    (
        "output, _ = nn.LSTM(4, 5, batch_first=True)(torch.randn(3, 7, 4))\n"
        "lstm_last = output.gather(1, torch.tensor([7, 3, 2]).view(-1, 1, 1).expand(-1, 1, 5))",
        "packed_lengths",
        "output",
        "length minus 1",
    ),
    (
        "output, (h_n, _) = nn.LSTM(4, 5, batch_first=True)(torch.randn(3, 7, 4))\nlstm_scores = torch.bmm(output, h_n)",
        "other",
        "h_n",
        "dot attention",
    ),
    (
        "pack(torch.randn(2, 3, 4), [3, 2, 1], enforce_sorted=False, batch_first=True)",
        "packed_lengths",
        "lengths",
        "more lengths",
    ),
    ("pack(torch.randn(3, 2, 4), [3, 2, 1], enforce_sorted=False)", "packed_lengths", "lengths", "more lengths"),
    ("nn.LSTMCell(4, 5)(torch.randn(2, 4), torch.tensor(0.0))", "lstm_tuple_expected", "h_0", "without rows"),
    ("nn.LSTM(4, 5)(torch.randn(3, 2, 4), torch.tensor(0.0))", "lstm_tuple_expected", "h_0", "without rows"),
    ("nn.LSTMCell(4, 5)(torch.randn(4), torch.randn(0))", "lstm_tuple_expected", "h_0", "without rows"),
    ("pack(torch.randn(3, 0, 4), [3, 2], enforce_sorted=False)", "packed_lengths", "input", "batch is empty"),
    (
        "nn.GRU(4, 5)(pack(torch.randn(3, 2, 4), [2, 3], enforce_sorted=False), torch.randn(1, 0, 5))",
        "hidden_batch_mismatch",
        "h_0",
        "fewer sequences",
    ),
    (
        "nn.RNN(4, 5, nonlinearity='relu', dtype=torch.cfloat)(torch.randn(3, 2, 4, dtype=torch.cfloat))",
        "dtype_mismatch",
        "input",
        "nonlinearity='tanh'",
    ),
    (
        "nn.RNNCell(4, 5, nonlinearity='relu', dtype=torch.cfloat)(torch.randn(2, 4, dtype=torch.cfloat))",
        "dtype_mismatch",
        "input",
        "nonlinearity='tanh'",
    ),
    (
        "nn.LSTMCell(10, 20)(torch.randn(10), (torch.randn(3, 20), torch.randn(3, 20)))",
        "hidden_size_vs_proj",
        "h_0",
        "If input is 1-D and h_0 2-D, (3, 20)",
    ),
    ("nn.Sequential(nn.LSTM(4, 5), nn.Linear(5, 2))(torch.randn(3, 2, 4))", "lstm_tuple_expected", "output", "nn.Sequential"),
    ("nn.LSTM(128, 5)(torch.randn(3, 2, 64))", "input_feature_mismatch", "input", "embedding_dim"),
]


def traceback_of(program: str, path) -> str:
    """The whole traceback of a program that is run as a file."""
    path.write_text(HEAD + program + "\n", encoding="utf-8")
    out = io.StringIO()
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        try:
            runpy.run_path(str(path), run_name="__main__")
        except Exception:  # noqa: BLE001 - its traceback is what is wanted
            traceback.print_exc(file=out)
            return out.getvalue()
    raise AssertionError(f"it did not fail: {program}")


def pasted(text: str) -> dict[str, str]:
    """The same traceback as people paste it."""
    lines = text.splitlines()
    frames = re.sub(r'  File "([^"]*)", line (\d+), in (\S+)\n', r"\1 in \3()\n----> \2 ", text)
    return {
        "terminal": text,
        "colours": "\n".join(f"\x1b[31m{line}\x1b[0m" for line in lines),
        "pytest": "\n".join("E       " + line for line in lines),
        "notebook": "-" * 75 + "\n" + frames.replace(lines[0], f"RuntimeError   {lines[0]}"),
        "log": "\n".join("2024-05-01 12:00:01,123 ERROR " + line for line in lines),
        "ranks": "\n".join("[rank0]: " + line for line in lines),
        "noise": "Epoch 1: 10%|#  | 3/30\r\n" + text.replace("\n", "\r\n") + "\r\nwandb: run finished\r\n",
    }


def said(found) -> str:
    """All that a diagnosis says."""
    problems = [each for main in found.problems for each in (main, *main.alternatives)]
    return "\n".join(text for each in problems for text in (each.message, each.fix, each.advice) if text)


@pytest.mark.parametrize(("program", "cause", "tensor", "words"), PROGRAMS)
def test_real_errors(program, cause, tensor, words, tmp_path):
    """The traceback of a small program is explained in each form in which it is pasted, and says what it should."""
    text = traceback_of(program, tmp_path / "train.py")
    for form, pasted_text in pasted(text).items():
        found = diagnose_error(pasted_text)
        first = found.problems[0]
        assert (first.cause, first.tensor) == (cause, tensor), (form, pasted_text)
        assert words in said(found), (form, said(found))


@pytest.mark.parametrize(("program", "cause", "tensor", "words"), PROGRAMS)
def test_the_last_line_beside_the_constructor(program, cause, tensor, words, tmp_path):
    """The last line alone, without the error's name, is explained beside a constructor, where it needs no frames."""
    text = traceback_of(program, tmp_path / "train.py")
    needs_frames = (
        "index out of range in self",
        "INDICES element",
        "index 7 is out of bounds",
        "index_select()",
        "a 0-d",
        "index 0 is",
    )
    if any(words in text for words in needs_frames):
        return
    line = next(line for line in text.splitlines() if re.match(r"[\w.]+(Error|Unsupported)\b", line))
    message = text[text.index(line) :].partition(": ")[2]
    found = diagnose_error(message, RNNConfig("lstm", 4, 5))
    assert words in said(found), said(found)


REPORTS = [
    # github.com/pytorch/pytorch/issues/25315, /20449, /5261 and /5239
    ("RuntimeError: derivative for _cudnn_rnn_backward is not implemented", "cudnn.flags(enabled=False)"),
    ("RuntimeError: derivative for _thnn_fused_lstm_cell_backward is not implemented", "cudnn.flags(enabled=False)"),
    (
        "NotImplementedError: the derivative for '_cudnn_rnn_backward' is not implemented. Double backwards is not supported "
        "for CuDNN RNNs due to limitations in the CuDNN API.",
        "cudnn.flags(enabled=False)",
    ),
    ("RuntimeError: CudnnRNNLegacyBackward is not differentiable twice", "cudnn.flags(enabled=False)"),
    # github.com/pytorch/pytorch/issues/118740
    ("torch._dynamo.exc.Unsupported: TorchDynamo purposely graph breaks on RNN, GRU, LSTMs", "allow_rnn = True"),
    # torch/onnx/_internal/torchscript_exporter/symbolic_opset9.py
    (
        "UserWarning: Exporting a model to ONNX with a batch_size other than 1, with a variable length with LSTM can cause an "
        "error when running the ONNX model with a different batch size.",
        "inputs of forward",
    ),
    # onnxruntime/core/providers/cpu/rnn/lstm_base.cc
    (
        "onnxruntime.capi.onnxruntime_pybind11_state.Fail: [ONNXRuntimeError] : 1 : FAIL : Non-zero status code returned while "
        "running LSTM node. Name:'/lstm/LSTM' Status Message: Input initial_h must have shape {1,2,512}. Actual:{1,1,512}",
        "batch size 1, and input has 2",
    ),
    # github.com/pytorch/pytorch/issues/74953 and /27963
    ("RuntimeError: The number of rows in the packB should be equal to K: 1200", "proj_size"),
    ("    assert batch_sizes is None\nAssertionError", "pad_packed_sequence"),
    ("RuntimeError: backward_input can only be called in training mode", "model.train()"),
    # github.com/pytorch/pytorch/issues/90440
    (
        '  File "train_lstm.py", line 3, in forward\n    output, h = self.lstm(x)\n'
        "RuntimeError: Placeholder storage has not been allocated on MPS device!",
        "parameters()).device",
    ),
    # github.com/pytorch/pytorch/issues/32346 and github.com/salesforce/awd-lstm-lm/issues/119
    (
        'Traceback (most recent call last):\n  File "main.py", line 144, in <module>\n    model = model.cuda()\n'
        '  File "/x/torch/nn/modules/module.py", line 201, in _apply\n    module._apply(fn)\n'
        '  File "/x/torch/nn/modules/rnn.py", line 137, in _apply\n'
        "    self._flat_weights = [getattr(self, weight) for weight in self._flat_weights_names]\n"
        "AttributeError: 'LSTM' object has no attribute 'weight_hh_l0'",
        "WeightDrop keeps weight_hh_l0_raw",
    ),
    # github.com/ywk991112/pytorch-chatbot/issues/16 and github.com/pytorch/pytorch/issues/5942
    (
        'Traceback (most recent call last):\n  File "train.py", line 180, in trainIters\n    encoder = encoder.to(device)\n'
        '  File "/x/torch/nn/modules/module.py", line 187, in _apply\n    module._apply(fn)\n'
        '  File "/x/torch/nn/modules/rnn.py", line 117, in _apply\n    self.flatten_parameters()\n'
        '  File "/x/torch/nn/modules/rnn.py", line 113, in flatten_parameters\n    self.batch_first, False)\n'
        "RuntimeError: cuDNN error: CUDNN_STATUS_NOT_INITIALIZED",
        "no input is involved",
    ),
]


@pytest.mark.parametrize(("text", "words"), REPORTS)
def test_reported_errors(text, words):
    """Wordings that need other hardware or another version, as people report them."""
    assert words in said(diagnose_error(text))


def test_a_call_over_several_lines_names_its_rnn():
    """Python 3.13 shows all lines of a statement, and the first of them may be the one that names the RNN."""
    start = 'Traceback (most recent call last):\n  File "m.py", line 3, in forward\n    output, h = self.{}(\n    ~~~~^^^^\n'
    text = start + "        x,\n    ...<2 lines>...\n        None,\n    )\nValueError: too many values to unpack (expected 2)"
    assert diagnose_error(text.format("lstm")).problems
    with pytest.raises(UnknownMessageError):
        diagnose_error(text.format("net"))


def test_a_cudnn_error_of_a_call_is_about_its_tensors():
    """The same status in a call, not while the module moves, is about input and state."""
    frames = 'Traceback (most recent call last):\n  File "m.py", line 3, in forward\n    output, h = self.lstm(x)\n'
    text = (
        frames
        + '  File "/x/torch/nn/modules/rnn.py", line 577, in forward\n    result = _VF.lstm(\n'
        + "RuntimeError: cuDNN error: CUDNN_STATUS_EXECUTION_FAILED"
    )
    assert "contiguous" in said(diagnose_error(text))


UNRELATED = [
    "nn.Conv2d(3, 8, 3)(torch.randn(2, 4, 9, 9))",
    "nn.Conv1d(3, 8, 3)(torch.randn(2, 4, 9))",
    "nn.Conv1d(3, 8, 3)(torch.randn(2, 3, 9).double())",
    "nn.Linear(512, 10)(torch.randn(4, 600))",
    "nn.Sequential(nn.Linear(4, 8), nn.ReLU(), nn.Linear(9, 2))(torch.randn(3, 4))",
    "nn.Linear(4, 5)(torch.randn(3, 4).double())",
    "x = torch.randn(5, 2, 8)\nnn.MultiheadAttention(8, 2)(x, x, x, attn_mask=torch.zeros(4, 4))",
    "nn.TransformerEncoderLayer(8, 2)(torch.randn(5, 2, 9))",
    "nn.TransformerEncoderLayer(8, 2)(torch.randn(5, 2, 8), src_key_padding_mask=torch.zeros(5, 2).bool())",
    "nn.BatchNorm1d(4)(torch.randn(3, 5))",
    "nn.LayerNorm(4)(torch.randn(3, 5))",
    "nn.Embedding(10, 4)(torch.tensor([10]))",
    "nn.Embedding(10, 4)(torch.randn(3))",
    "nn.CrossEntropyLoss()(torch.randn(4, 5), torch.zeros(6).long())",
    "nn.CrossEntropyLoss()(torch.randn(64, 5), torch.zeros(32).long())",
    "nn.CrossEntropyLoss()(torch.randn(4, 5), torch.tensor([0, 1, 2, 7]))",
    "nn.CrossEntropyLoss()(torch.randn(2, 5, 4), torch.zeros(2, 5).long())",
    "torch.randn(2, 3) + torch.randn(2, 4)",
    "torch.cat([torch.randn(2, 3), torch.randn(3, 4)], dim=1)",
    "torch.stack([torch.randn(3, 8, 8), torch.randn(3, 9, 8)])",
    "torch.randn(4, 6).t().view(-1)",
    "torch.randn(3, 4) @ torch.randn(5, 6)",
    "torch.bmm(torch.randn(2, 3, 4), torch.randn(2, 5, 6))",
    "torch.randn(3, 7).gather(1, torch.tensor([[7]]))",
    "torch.randn(3)[5]",
    "torch.arange(6).view(4, 2)",
    "(torch.randn(2), torch.randn(2)).size()",
    "a, b = torch.randn(3, 4), 1\na, b = a",
    "x = torch.randn(3, requires_grad=True)\ny = x.exp()\ny += 1\ny.sum().backward()",
    "x = torch.randn(3, requires_grad=True)\ny = x.exp().sum()\ny.backward()\ny.backward()",
    "net = nn.Conv2d(3, 8, 3)\nnet.load_state_dict(nn.Conv2d(4, 8, 3).state_dict())",
    "nn.Sequential(nn.Linear(4, 8)).load_state_dict(nn.Sequential(nn.Conv1d(4, 8, 3), nn.Linear(8, 2)).state_dict())",
    "raise torch.cuda.OutOfMemoryError('CUDA out of memory. Tried to allocate 2.00 GiB (GPU 0; 7.93 GiB total capacity)')",
    "import numpy as np\nnp.zeros((3, 4)) @ np.zeros((5, 6))",
    "import numpy as np\nnp.zeros((3, 4)).reshape(5, 5)",
    "raise ValueError('could not broadcast input array from shape (3,4) into shape (3,5)')",
    "raise KeyError('hidden_size')",
    "list(torch.tensor(0.0))",
    "torch.tensor(0.0)[0]",
    "torch.randn(3, 0).index_select(1, torch.tensor([0]))",
    "torch.randn(3, dtype=torch.cfloat).clamp(0)",
    "raise ValueError('Length of values (3) does not match length of index (4)')",
    "raise RuntimeError('CUDA error: device-side assert triggered')",
]


@pytest.mark.parametrize("program", UNRELATED)
def test_what_is_not_about_an_rnn_stays_unknown(program, tmp_path):
    """A traceback of a program without an RNN is unknown, exit code 2, and its last error is quoted."""
    if "numpy" in program:
        pytest.importorskip("numpy")
    text = traceback_of(program, tmp_path / "train.py")
    with pytest.raises(UnknownMessageError) as raised:
        diagnose_error(text)
    assert raised.value.exit_code == 2
    assert re.search(r"the last error is: [\w.]*Error", raised.value.message)
    assert "whole traceback" not in str(raised.value.fix)


@pytest.mark.filterwarnings("ignore:Guards may run slower on Python 3.13.0")
def test_fixes_of_messages_run():
    """The code of the fixes runs as it stands and does what it says."""
    nn = torch.nn
    scope = {"torch": torch, "nn": nn, "rnn": nn.GRU(4, 5), "x": torch.randn(3, 2, 4), "h_0": torch.zeros(1, 2, 5)}
    exec(diagnose_error(REPORTS[0][0]).problems[0].fix, scope)
    assert scope["output"].shape == (3, 2, 5)
    vmapped = "Batching rule not implemented for aten::gru.input. We could not generate a fallback."
    scope["x"] = torch.randn(6, 3, 2, 4)
    exec(diagnose_error(vmapped).problems[0].fix, scope)
    torch.testing.assert_close(scope["output"], torch.stack([scope["rnn"](x)[0] for x in scope["x"]]))
    text = "cannot assign 'torch.FloatTensor' as parameter 'weight_hh_l0' (torch.nn.Parameter or None expected)"
    main = diagnose_error(text).problems[0]
    scope |= {"lstm": nn.LSTM(4, 5), "value": torch.zeros(20, 5)}
    exec(main.alternatives[0].fix, scope)
    exec(main.fix, scope)
    assert scope["lstm"](torch.randn(3, 2, 4))[0].shape == (3, 2, 5)
    output, h_n = nn.GRU(4, 5, batch_first=True)(torch.randn(3, 7, 4))
    lengths = torch.tensor([7, 3, 2])
    gathered = {"torch": torch, "output": output, "lengths": lengths}
    gather = diagnose_error("Index tensor must have the same number of dimensions as input tensor", RNNConfig("gru", 4, 5))
    exec(gather.problems[0].fix, gathered)
    torch.testing.assert_close(gathered["last"], output[torch.arange(3), lengths - 1])
    attention = {"torch": torch, "output": output, "h_n": h_n}
    bmm = "Expected size for first two dimensions of batch2 tensor to be: [3, 5] but got: [1, 3]."
    exec(diagnose_error(bmm, RNNConfig("gru", 4, 5)).problems[0].fix, attention)
    assert attention["scores"].shape == (3, 7, 1)
    logits, target = torch.randn(32, 16, 40), torch.zeros(32, 16).long()
    loss = {"criterion": nn.CrossEntropyLoss(), "logits": logits, "target": target}
    exec(diagnose_error("Expected target size [32, 40], got [32, 16]").problems[0].fix, loss)
    assert loss["loss"].shape == ()
    traced = {"torch": torch, "rnn": nn.LSTM(4, 5), "x": torch.randn(3, 2, 4)}
    script = "AttributeError: 'RecursiveScriptModule' object has no attribute 'forward'"
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # newer versions call torch.jit deprecated
        exec(diagnose_error(script, RNNConfig("lstm", 4, 5)).problems[0].fix, traced)
    assert traced["scripted"](traced["x"])[0].shape == (3, 2, 5)
    before = torch._dynamo.config.allow_rnn
    try:
        exec(diagnose_error("Attempted to wrap RNN, GRU, or LSTM").problems[0].fix, {"torch": torch})
        assert torch.compile(nn.LSTM(4, 5), fullgraph=True, backend="eager")(torch.randn(3, 2, 4))[0].shape == (3, 2, 5)
    finally:
        torch._dynamo.config.allow_rnn = before
        torch._dynamo.reset()


def test_the_constructor_is_context(invoke):
    """A constructor beside a message that any module could raise makes it known, and does not make it certain."""
    text = "RuntimeError: Expected all tensors to be on the same device, but found at least two devices, cuda:0 and cpu!"
    with pytest.raises(UnknownMessageError):
        diagnose_error(text)
    answer = invoke("check", "nn.LSTM(4, 5)", "--error", text, "--json").json
    assert answer["error"]["certain"] is False
    assert answer["problems"][0]["fix"]


def test_a_later_error_is_said():
    """An error after the one that is explained is named in a note; that of a launcher is not."""
    first = "RuntimeError: Expected hidden[0] size (2, 1, 512), got [2, 128, 512]\n"
    later = diagnose_error(first + "Epoch 2\nRuntimeError: CUDA out of memory.").notes
    assert any("later error" in note and "CUDA out of memory" in note for note in later)
    launcher = "torch.distributed.elastic.multiprocessing.errors.ChildFailedError:"
    assert not any("later error" in note for note in diagnose_error(first + launcher).notes)


@pytest.mark.parametrize("before", ["", "train.py:12: ", "2024-05-01 12:00 | worker-3 - ", "!!! Exception during processing: "])
def test_the_last_error_is_quoted(before):
    """Whatever stands before an unknown error on its line, and whatever errors precede it, it is the one that is quoted."""
    text = f"ValueError: first\nsome log\n{before}KeyError: 'lstm'\nwandb: done"
    with pytest.raises(UnknownMessageError, match="the last error is: KeyError: 'lstm'"):
        diagnose_error(text)


def test_a_whole_traceback_is_not_asked_for_again(invoke):
    """The advice to paste the whole traceback is there where the text has none, and only there."""
    line = "RuntimeError: mat1 and mat2 shapes cannot be multiplied (32x512 and 256x10)"
    frames = 'Traceback (most recent call last):\n  File "m.py", line 3, in forward\n    y = self.fc(x)\n'
    linear = '  File "/x/torch/nn/modules/linear.py", line 92, in forward\n    return F.linear(input, self.weight)\n'
    assert "whole traceback" in " ".join(invoke("check", "--error", line).out.split())
    whole = frames + linear.replace("self.weight", "self.weight  # bidirectional") + line
    answer = " ".join(invoke("check", "--error", whole).out.split())
    assert "Other layers raise the same words." in answer
    assert "whole traceback" not in answer


def test_a_layer_that_takes_no_state_is_not_told_about_states():
    """``linear()`` got a tuple: it is what an RNN returned, and never a state."""
    text = "TypeError: linear(): argument 'input' (position 1) must be Tensor, not tuple"
    problem = diagnose_error(text).problems[0]
    assert problem.tensor == "output"
    assert problem.alternatives == ()
