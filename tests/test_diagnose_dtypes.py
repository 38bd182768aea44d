"""Messages about dtypes where a conversion is not the answer: under autocast, and for quantised tensors."""

from typing import Any

import pytest
import torch
from torch import nn

from rnndims import ConfigError, RNNConfig
from rnndims.diagnose import Call, check_shapes, diagnose_error, parse_dtype

AUTOCAST = """Traceback (most recent call last):
  File "train.py", line 8, in <module>
    with {autocast}: out, _ = lstm(x.half())
  File ".../torch/nn/modules/rnn.py", line 900, in forward
    self.check_input(input, batch_sizes)
{message}
"""
HALF_MESSAGES = [
    "ValueError: RNN input dtype (torch.float16) does not match weight dtype (torch.float32)",
    "ValueError: RNN input dtype (torch.float32) does not match weight dtype (torch.float16)",
    "RuntimeError: expected scalar type Half but found Float",
    "RuntimeError: mat1 and mat2 must have the same dtype, but got Half and Float",
]


def run_fix(fix: str, x: torch.Tensor, dtype: torch.dtype) -> None:
    """Run a fix on ``x`` and a module of this dtype, and then the module.

    It is a GRU: oneDNN, which computes an LSTM, has no bfloat16 for older processors.
    """
    names: dict[str, Any] = {"x": x, "model": nn.GRU(3, 4, dtype=dtype), "torch": torch}
    exec(fix, names)
    names["model"](names["x"])


@pytest.mark.parametrize("autocast", ["torch.autocast('cuda')", "torch.cuda.amp.autocast()"])
@pytest.mark.parametrize("message", HALF_MESSAGES)
def test_autocast_converts_by_itself(autocast: str, message: str) -> None:
    """Where the code around has autocast, input and module stay float32, which PyTorch runs, with autocast and without."""
    (problem,) = diagnose_error(AUTOCAST.format(autocast=autocast, message=message)).problems
    assert problem.fix is not None
    assert "float16" not in problem.fix
    assert "autocast" in problem.message
    assert "Leave out .half()" in str(problem.advice)
    for dtypes in ((torch.float16, torch.float32), (torch.float32, torch.float16)):
        run_fix(problem.fix, torch.ones(5, 2, 3, dtype=dtypes[0]), dtypes[1])
        with torch.autocast("cpu", dtype=torch.bfloat16):
            run_fix(problem.fix, torch.ones(5, 2, 3, dtype=dtypes[0]), dtypes[1])


@pytest.mark.parametrize("is_cell", [False, True])
def test_a_half_input_is_told_of_autocast(is_cell: bool) -> None:
    """Checked without code, a half input beside float32 weights goes back to float32, with or without autocast."""
    shape = (2, 3) if is_cell else (5, 2, 3)
    (problem,) = check_shapes(RNNConfig("lstm", 3, 4, is_cell=is_cell), Call(input=shape, input_dtype="float16")).problems
    assert problem.fix == "x = x.to(torch.float32)"
    assert "Under torch.autocast leave the input in float32" in str(problem.advice)


@pytest.mark.parametrize("dtype", ["qint32", "torch.qint8", "quint8"])
def test_no_input_has_a_quantised_dtype(dtype: str) -> None:
    """A quantised dtype is one of torch that no recurrent module takes."""
    with pytest.raises(ConfigError, match=r"quantised dtype.*take none") as caught:
        parse_dtype("input_dtype", dtype)
    assert "x.dequantize()" in str(caught.value.fix)


@pytest.mark.filterwarnings("ignore:torch.quantize_per_tensor")
@pytest.mark.parametrize(
    "message",
    [
        "ValueError: RNN input dtype (torch.quint8) does not match weight dtype (torch.float32)",
        "RuntimeError: expected scalar type Float but found QUInt8",
        "RuntimeError: expected scalar type QInt32 but found Float",
        "RuntimeError: mat1 and mat2 must have the same dtype, but got QInt8 and Float",
        "RuntimeError: \"lstm_cell\" not implemented for 'QInt8'",
    ],
)
def test_quantised_tensors_are_dequantised(message: str) -> None:
    """The way out of a quantised dtype is ``dequantize``; nothing is converted to one or from one with ``to``."""
    (problem,) = diagnose_error(message, RNNConfig("lstm", 3, 4)).problems
    assert problem.fix == "x = x.dequantize()"
    for scheme in (torch.quint8, torch.qint8, torch.qint32):
        run_fix(problem.fix, torch.quantize_per_tensor(torch.ones(5, 2, 3), 0.1, 0, scheme), torch.float32)


@pytest.mark.filterwarnings("ignore:torch.quantize_per_tensor")
def test_pytorchs_own_refusal_of_a_quantised_input_is_known() -> None:
    """What PyTorch says to a quantised input has the same way out."""
    x = torch.quantize_per_tensor(torch.ones(5, 2, 3), 0.1, 0, torch.quint8)
    with pytest.raises((NotImplementedError, RuntimeError)) as caught:
        nn.LSTM(3, 4)(x)
    (problem,) = diagnose_error(str(caught.value), RNNConfig("lstm", 3, 4)).problems
    assert problem.fix == "x = x.dequantize()"
