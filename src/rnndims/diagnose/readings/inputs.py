"""Reading the messages about input, its lengths and its dtype, and about tuples."""

from typing import Final

from ...dtypes import dtype_name
from ..problem import Problem
from .reading import Found, Reading


def read_input_ndim(reading: Reading) -> Found:
    """``input must have 3 dimensions, got 2``, ``LSTM: Expected input to be 2D or 3D, got 4D instead``."""
    got = reading.number("got")
    old = "must have" in reading.phrase
    if got == 2:
        fix = "x = x.unsqueeze(0)  # (1, ., H_in): one step of a batch, or with batch_first=True a batch of one"
        message = "input is 2-D, a batch of sequences is 3-D: (L, N, H_in), or (N, L, H_in) with batch_first=True"
        other = "a single sequence (L, H_in) is taken as it is since PyTorch 1.11, before that it needs a batch dim"
        return [
            reading.problem("input_ndim", message, fix),
            reading.problem("unbatched_2d_vs_3d", other, "x = x.unsqueeze(1)  # (L, 1, H_in)"),
        ], []
    if got < 2:
        message = f"input is {got}-D, it should be (L, N, H_in), (N, L, H_in) with batch_first=True, or (L, H_in)"
        return [
            reading.problem("input_ndim", message, "x = x.view(1, 1, -1)  # one step of one sequence; or x.view(-1, 1, 1)")
        ], []
    message = f"input is {got}-D, it should be (L, N, H_in), or (N, L, H_in) with batch_first=True"
    if old and got > 3:
        message += f" (PyTorch 1.11 to 1.13 count one dim too many: it may be {got - 1}-D)"
    fix = "x = x.flatten(2)  # all but batch and time into H_in; or x.squeeze(dim) for a dim of 1"
    return [reading.problem("input_ndim", message, fix)], []


def read_packed_ndim(reading: Reading) -> Found:
    """``input must have 2 dimensions, got 3``: the data of a packed batch."""
    got = reading.number("got")
    message = f"the packed input came from a {got + 1}-D tensor; a padded batch is 3-D, (N, L, H_in) or (L, N, H_in)"
    fix = "x = x.unsqueeze(-1)  # before packing: one number a step" if got < 2 else "x = x.flatten(2)  # before packing"
    return [reading.problem("input_ndim", message, fix)], []


def read_features(reading: Reading) -> Found:
    """``input.size(-1) must be equal to input_size. Expected 10, got 28``."""
    want, got = reading.number("expected"), reading.number("got")
    message = f"the last dim of input is {got}, the module was built with input_size {want}"
    fix = f"Set input_size={got}, or make the last dim of x {want}"
    notes = []
    if want == 1:
        fix = "x = x.unsqueeze(-1)  # one number a step"
    elif got == 2 * want:
        message += ": twice as many, like two directions joined by a bidirectional module before it"
        fix = f"Set input_size={got}  # 2 * hidden_size of the bidirectional module before"
    elif want == 2 * got:
        message += ": half as many, as if the module before were no longer bidirectional"
    elif got == 1:
        message += ": the features are not last, or were cut off"
        fix = f"x = x.transpose(1, 2)  # if {want} is dim 1; print x.shape first"
    problems = [reading.problem("input_feature_mismatch", message, fix, dim=-1, expected="expected", got="got")]
    if want == 1:
        other = f"or a 2-D input is meant as a batch (N, L): PyTorch takes 2-D as one sequence (L, H_in) with {got} features"
        problems.append(reading.problem("unbatched_2d_vs_3d", other, "x = x.unsqueeze(-1)  # (N, L, 1), with batch_first=True"))
    config = reading.config
    if config is not None and config.input_size != want:
        notes.append(f"the message wants input_size {want}, the constructor has {config.input_size}: not this module")
    return problems, notes


def read_tuple(reading: Reading) -> Found:
    """``'tuple' object has no attribute 'size'``: a state, or the pair that a module returns."""
    around = reading.around
    state = reading.problem(
        "lstm_tuple_expected",
        "nn.GRU or nn.RNN got a tuple as its state (only nn.LSTM takes (h_0, c_0)), or the input is a tuple",
        "output, h_n = gru(x, h_0)  # h_0 a tensor; of an LSTM's (h_n, c_n) pass h_n",
    )
    result = Problem(
        "output",
        None,
        None,
        None,
        "lstm_tuple_expected",
        "the module returned a tuple, (output, h_n) or (output, (h_n, c_n)), that was used as a tensor (in nn.Sequential too)",
        "output, (h_n, c_n) = lstm(x)  # output, h_n = gru(x); then use output",
    )
    if any(tool in around.last for tool in ("torchsummary", "torchstat", "visualtorch", "thop")):
        tool = "the summary tool does not understand modules that return tuples, as every RNN does"
        return [reading.problem("other", tool, "Use torchinfo.summary, or return output alone from forward"), result], []
    if around.in_rnn or not around.framed:
        return [state, result], []
    return [result, state], []


_C_TYPES: Final = {"long int": "int64", "short int": "int16", "unsigned char": "uint8", "signed char": "int8"}
"""Types of C++ whose names torch does not use; its own (``c10::half``, ``double``) are among the aliases."""


def _dtype(word: str) -> str:
    name = word.removeprefix("torch.").removeprefix("cuda.").rstrip(".").removesuffix("Tensor")
    name = name.lower().removeprefix("c10::")
    return _C_TYPES.get(name) or dtype_name(name)


def read_dtypes(reading: Reading) -> Found:
    """``expected scalar type Float but found Double`` and its like."""
    if "got" not in reading.groups:
        fix = "x = x.to(next(rnn.parameters()).dtype)"
        return [reading.problem("dtype_mismatch", "input (or a state) and the weights have different dtypes", fix)], []
    got, want = _dtype(reading.groups["got"]), _dtype(reading.groups["expected"])
    if got == want and ("cuda" in reading.groups["got"]) != ("cuda" in reading.groups["expected"]):
        message = "two devices: one tensor is on the GPU, another on the CPU"
        return [reading.problem("other", message, "h_0 = h_0.to(x.device)  # and model.to(x.device)")], []
    sure = reading.row.claim == "rnn"
    message = (
        f"input is {got}, the other tensor {want}"
        if sure
        else f"input or a state is {got} where the weights are {want}, or the reverse"
    )
    fix = f"x = x.to(torch.{want})  # states too; or model.to(torch.{got})"
    if want == "float32" and got in ("float64", "float16", "bfloat16"):
        fix = f"x = x.float()  # states too; or model.to(torch.{got})"
    if "int" in (got + want):
        number = want if "float" in want else got
        fix = f"x = x.to(torch.{number})  # for numbers; token ids go through nn.Embedding first"
    return [Problem(reading.row.tensor, None, want, got, "dtype_mismatch", message, fix)], []


def read_length_count(reading: Reading) -> Found:
    """``Expected `len(lengths)` to be equal to batch_size, but got 3 (batch_size=5)``."""
    got, batch = reading.groups.get("got"), reading.groups.get("expected")
    message = "the number of lengths is not that of the sequences in the batch dim"
    if got is not None and batch is not None:
        message = f"there are {got} lengths, but {batch} sequences in the batch dim"
    fix = "lengths = [len(s) for s in sequences]  # one for each sequence of the batch"
    split = got is not None and batch is not None and int(got) > int(batch) > 0 and int(got) % int(batch) == 0
    if reading.around.parallel or split:
        message += f" ({got} is a multiple of {batch})" if split else ""
        message += ": DataParallel splits x, but not a list of lengths"
        fix = "lengths = torch.as_tensor(lengths)  # DataParallel splits tensors on dim 0; lengths.cpu() inside forward"
    main = reading.problem("packed_lengths", message, fix, dim=0, expected="expected", got="got")
    layout = reading.problem(
        "batch_first_mismatch",
        f"or {batch or 'that'} is the number of steps: x is (N, L, ...) and pack_padded_sequence was called without "
        "batch_first=True (or the reverse)",
        "pack_padded_sequence(x, lengths, batch_first=True)  # the same batch_first as the module's",
    )
    return [main, layout], []
