"""check --error: what the frames of a traceback say beside its last line."""

import pytest
from check_tracebacks import HEAD, LINEAR, MATS, RNN, TRACEBACKS, frame

from rnndims.diagnose import UnknownMessageError, diagnose_error


@pytest.mark.parametrize(("text", "cause", "tensor"), TRACEBACKS)
def test_frames_decide(text, cause, tensor):
    """A last line that other code says too counts as the RNN's where the frames show the RNN, and only there."""
    if cause is None:
        with pytest.raises(UnknownMessageError):
            diagnose_error(text)
        return
    first = diagnose_error(text).problems[0]
    assert (first.cause, first.tensor) == (cause, tensor)


def test_without_an_rnn_in_sight_it_is_a_guess():
    """A Linear that gets twice its features is called the one after the RNN outright only where the traceback shows an RNN."""
    guess = diagnose_error(frame("m.py", "y = self.fc(x)") + LINEAR + MATS.format(64, 512, 256, 10))
    assert guess.problems[0].message.startswith("If this is the nn.Linear after the RNN: ")
    assert not guess.error.certain
    assert not guess.problems[0].certain
    sure = diagnose_error(HEAD + frame("m.py", "y = self.fc(self.lstm(x)[0])") + LINEAR + MATS.format(64, 512, 256, 10))
    assert sure.problems[0].message.startswith("The nn.Linear after the RNN: it gets 512")
    assert sure.error.certain
    assert sure.problems[0].certain


@pytest.mark.parametrize("error", ["RuntimeError: CUDA out of memory.", "KeyError: 'x'", "torch.cuda.OutOfMemoryError: CUDA"])
def test_a_warning_does_not_explain_the_error_after_it(error):
    """A warning that comes before an unknown error is said beside it, not in its place; alone it is explained."""
    warning = "rnn.py:62: UserWarning: dropout option adds dropout after all but last recurrent layer, so non-zero dropout\n"
    with pytest.raises(UnknownMessageError) as raised:
        diagnose_error(warning + HEAD + frame("t.py", "y = self.fc(x)") + error)
    assert f"the last error is: {error}" in raised.value.message
    assert "dropout has no effect with one layer" in raised.value.message
    assert diagnose_error(warning + "Epoch 2").problems[0].message == "dropout has no effect with one layer."


def test_an_index_is_the_state_s_only_inside_the_module():
    """That nn.LSTM got a bare tensor is said outright where PyTorch's RNN module raised it, and as a guess elsewhere."""
    words = "IndexError: index 1 is out of bounds for dimension 0 with size 1"
    guess = diagnose_error(words)
    assert guess.problems[0].message.startswith("If this is nn.LSTM's state: ")
    assert not guess.error.certain
    sure = diagnose_error(HEAD + frame(RNN, "hx[1].dim()") + words)
    assert sure.problems[0].message.startswith("nn.LSTM got")
    assert sure.error.certain
