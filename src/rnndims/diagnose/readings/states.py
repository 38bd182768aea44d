"""Reading the messages about states."""

from ..problem import Problem
from ..states import Seen, state_problems
from .reading import Found, Reading


def read_state(reading: Reading) -> Found:
    """``Expected hidden[0] size (2, 1, 512), got [2, 128, 512]``."""
    expected, got = reading.shape("expected"), reading.shape("got")
    config, full = reading.config, reading.seen.input
    notes = []
    if config is not None and not config.is_cell and len(expected) == 3:
        width = config.hidden_size if reading.row.tensor == "c_0" else config.H_out
        if expected[0] != config.D * config.num_layers or expected[2] != width:
            rows = config.D * config.num_layers
            notes.append(
                f"the message wants {expected[0]} rows of {expected[2]}, the constructor makes {rows} of {width}: "
                "not this module"
            )
            config = None
    if full is not None and (len(full) != 3 or config is None):
        full = None
    if len(expected) != 3:
        fix = f"{reading.row.tensor} = torch.zeros{expected}"
        message = f"{reading.row.tensor} is {got}, it should be {expected}"
        return [Problem(reading.row.tensor, None, expected, got, "other", message, fix)], notes
    problems = state_problems(reading.row.tensor, expected, got, "", Seen(config, full, reading.around.parallel))
    if not problems:
        message = "both shapes are the same: the message was cut or changed"
        problems = [Problem(reading.row.tensor, None, expected, got, "other", message, "Paste the whole traceback")]
    return problems, notes


def read_state_ndims(reading: Reading) -> Found:
    """``For batched 3-D input, hx and cx should also be 3-D but got (2-D, 2-D) tensors``."""
    batched = "for batched" in reading.phrase.lower()
    h, c, want = reading.number("got"), reading.number("c"), 3 if batched else 2
    if batched:
        message = f"h_0 is {h}-D and c_0 {c}-D, batched input needs (D*num_layers, N, H)"
        fix = "h_0, c_0 = h_0.unsqueeze(0), c_0.unsqueeze(0)  # if the layers are missing; unsqueeze(1) if the batch is"
    else:
        message = f"h_0 is {h}-D and c_0 {c}-D, but input is 2-D, which PyTorch takes as one sequence (L, H_in) without a batch"
        fix = "x = x.unsqueeze(0)  # (1, ., H_in): one step of a batch, or with batch_first=True a batch of one"
    tensor = "h_0" if h != want else "c_0"
    problems = [Problem(tensor, None, None, None, "unbatched_2d_vs_3d", message, fix)]
    if h == c == want - 1:
        bare = f"or nn.LSTM got one {want}-D tensor instead of the tuple (h_0, c_0) and took it apart row by row"
        pair = "output, (h_n, c_n) = lstm(x, (h_0, c_0))"
        problems.append(Problem("h_0", None, None, None, "lstm_tuple_expected", bare, pair))
    return problems, []


def read_cell_state_ndim(reading: Reading) -> Found:
    """``Expected hidden to be 1D or 2D, got 4D instead``."""
    got = reading.number("got")
    tensor = "c_0" if "hx[1]" in reading.phrase else "h_0"
    message = f"{tensor} is {got}-D, a cell's state is (N, H_cell) or (H_cell)"
    first = Problem(
        tensor, None, None, None, "input_ndim", message, f"{tensor} = {tensor}.squeeze(0)  # for a leading dim of 1"
    )
    if got == 0:
        bare = "nn.LSTMCell got one tensor instead of the tuple (h_0, c_0) and took it apart"
        pair = "h_1, c_1 = cell(x, (h_0, c_0))"
        return [Problem("h_0", None, None, None, "lstm_tuple_expected", bare, pair), first], []
    layers = "it comes from a module with layers, (D*num_layers, N, H): a cell has none"
    fix = f"{tensor} = {tensor}[-1]  # the last layer"
    return [first, Problem(tensor, 0, None, None, "hidden_layers_or_directions", layers, fix)], []


def read_cell_width(reading: Reading) -> Found:
    """``hidden0 has inconsistent hidden_size: got 21, expected 20``."""
    want, got = reading.number("expected"), reading.number("got")
    tensor = "c_0" if reading.groups.get("index") == "1" else "h_0"
    message = f"the last dim of {tensor} is {got}, the cell was built with hidden_size {want}"
    fix = f"{tensor} = x.new_zeros(x.size(0), {want})  # or hidden_size={got}"
    problems = [Problem(tensor, -1, (want,), (got,), "hidden_size_vs_proj", message, fix)]
    if got == 1:
        other = f"or input is 1-D and {tensor} is 2-D (1, H_cell): both need a batch dim or neither"
        problems.append(Problem(tensor, None, None, None, "unbatched_2d_vs_3d", other, "x = x.unsqueeze(0)"))
    return problems, []


def read_cell_batch(reading: Reading) -> Found:
    """``Input batch size 3 doesn't match hidden0 batch size 5``."""
    batch, got = reading.number("expected"), reading.number("got")
    index, config = reading.groups.get("index", ""), reading.config
    tensor = "c_0" if index == "1" else "h_0"
    message = f"dim 0 of {tensor} is {got}, input has batch {batch}: a smaller last batch, or a state kept from another one"
    hidden = "hidden_size" if config is None else str(config.hidden_size)
    fix = f"{tensor} = x.new_zeros(x.size(0), {hidden})  # for each batch anew"
    problems = [Problem(tensor, 0, (batch,), (got,), "hidden_batch_mismatch", message, fix)]
    flat = f"or {tensor} is 1-D and {got} is its hidden_size: a 2-D input needs (N, H_cell)"
    other = Problem(tensor, None, None, None, "unbatched_2d_vs_3d", flat, f"{tensor} = {tensor}.unsqueeze(0)")
    bare = f"or nn.LSTMCell got one tensor instead of the tuple (h_0, c_0): its first row, of {got} numbers, was taken for h_0"
    pair = Problem("h_0", None, None, None, "lstm_tuple_expected", bare, "h_1, c_1 = cell(x, (h_0, c_0))")
    others = [pair] if index == "0" else []
    if config is not None and config.hidden_size == got != batch:
        return [*(others if config.cell == "lstm" else []), other, *problems], []
    return [*problems, *others], []


def read_matrices(reading: Reading) -> Found:
    """``matrices expected, got 1D, 2D tensors``: of PyTorch 0.1 to 0.3, where the line of code tells input and state apart."""
    got = reading.number("got")
    message = f"the input of one step is {got}-D, it should be (N, H_in)"
    step = reading.problem("input_ndim", message, "x = x.unsqueeze(0)  # adds the missing batch dim")
    message = f"the state of one layer is {got}-D, it should be (N, H)"
    fix = "h_0 = h_0.unsqueeze(1)  # (D*num_layers, 1, H) for a batch of one; a cell's: h_0.unsqueeze(0)"
    state = Problem("h_0", None, None, None, "unbatched_2d_vs_3d", message, fix)
    return ([state] if reading.around.recurrent else [step, state]), []
