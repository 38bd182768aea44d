"""``nn.RNNCell``, ``LSTMCell`` and ``GRUCell``: one step, a batch (N, H_in) or a single vector (H_in)."""

from ..config import RNNConfig
from ..shapes import Shape
from .layers import state_kind
from .problem import Observed, Problem


def cell_problems(config: RNNConfig, seen: Observed) -> list[Problem]:
    """Everything that ``cell(input, h_0)`` or ``cell(input, (h_0, c_0))`` fails at, PyTorch's first complaint first."""
    shape, name = seen.input, config.class_name
    if shape is not None and len(shape) not in (1, 2):
        if len(shape) == 3:
            fix = (
                "for t in range(x.size(0)): h = cell(x[t], h)  # a cell is one step; nn."
                + config.cell.upper()
                + " takes them all"
            )
        else:
            fix = "x = x.view(-1, H_in)" if shape else "x = x.view(1)"
        return [
            Problem(
                "input",
                None,
                None,
                shape,
                "input_ndim",
                f"input is {len(shape)}-D, a cell reads one step: (N, H_in) or (H_in) "
                f'(torch: "{name}: Expected input to be 1D or 2D, got {len(shape)}D instead")',
                fix,
            )
        ]
    states = [(label, state) for label, state in (("h_0", seen.h_0), ("c_0", seen.c_0)) if state is not None]
    found = state_kind(config, seen)
    if found and _is_rows(config, seen):
        found = [] if states[0][1][-1] == config.hidden_size else found
        features = [] if shape is None or shape[-1] == config.input_size else [_features(config, shape)]
        return features + found + _dtypes(seen)
    if found:
        return found
    for index, (label, state) in enumerate(states):
        if len(state) not in (1, 2):
            found.append(_state_ndim(config, index, label, state))
    if found:
        return found
    if shape is None:
        return [p for label, state in states for p in _width(config, label, state)]
    if shape[-1] != config.input_size:
        found.append(_features(config, shape))
    for label, state in states:
        found += _sizes(config, shape, label, state)
    found.sort(key=lambda problem: _is_late(config, shape, problem))
    return found + _dtypes(seen)


def _state_ndim(config: RNNConfig, index: int, label: str, state: Shape) -> Problem:
    what = f"hx[{index}]" if config.cell == "lstm" else "hidden"
    torch = f"{config.class_name}: Expected {what} to be 1D or 2D, got {len(state)}D instead"
    fix = f"{label} = {label}.squeeze(0)" if len(state) == 3 and state[0] == 1 else f"{label} = {label}[-1]"
    why = "a cell has no layers: its state is (N, H_cell) or (H_cell)"
    return Problem(label, None, None, state, "input_ndim", f'{label} is {len(state)}-D, {why} (torch: "{torch}")', fix)


def _features(config: RNNConfig, shape: Shape) -> Problem:
    want, got = config.input_size, shape[-1]
    return Problem(
        "input",
        len(shape) - 1,
        (*shape[:-1], want),
        shape,
        "input_feature_mismatch",
        f"last dim of input is {got}, input_size is {want} "
        f'(torch: "input has inconsistent input_size: got {got} expected {want}")',
        f"nn.{config.class_name}({got}, {config.hidden_size})  # or make the features of x {want}",
    )


def _sizes(config: RNNConfig, shape: Shape, label: str, state: Shape) -> list[Problem]:
    """Batch first, then features; a 1-D state beside 2-D input and the reverse are read as PyTorch reads them."""
    index = 1 if label == "c_0" else 0
    expected = (*shape[:-1], config.hidden_size)
    if state == expected:
        return []
    fresh = (
        f"{label} = x.new_zeros(x.size(0), {config.hidden_size})"
        if len(shape) == 2
        else f"{label} = x.new_zeros({config.hidden_size})"
    )
    if len(state) != len(shape):
        if len(shape) == 2:
            if state[0] == shape[0]:
                torch = "Dimension out of range (expected to be in range of [-1, 0], but got 1)"
            else:
                torch = f"Input batch size {shape[0]} doesn't match hidden{index} batch size {state[0]}"
        else:
            torch = f"hidden{index} has inconsistent hidden_size: got {state[0]}, expected {config.hidden_size}"
        if len(shape) == 1 and _is_broadcast(config, label, state):
            return []
        message = f"{label} is {len(state)}-D, input is {len(shape)}-D: both have a batch dim or neither has one"
        fix = (
            f"{label} = {label}.expand({shape[0]}, -1)"
            if len(shape) == 2
            else f"x = x.unsqueeze(0)  # a batch of one; or {fresh}"
        )
        return [Problem(label, None, expected, state, "unbatched_2d_vs_3d", f'{message} (torch: "{torch}")', fix)]
    if len(shape) == 2 and state[0] != shape[0]:
        torch = f"Input batch size {shape[0]} doesn't match hidden{index} batch size {state[0]}"
        message = f'{label} has batch {state[0]}, input has {shape[0]} (torch: "{torch}")'
        found = [Problem(label, 0, expected, state, "hidden_batch_mismatch", message, f"{fresh}  # for each batch anew")]
        return found + _width(config, label, state, expected)
    return _width(config, label, state, expected)


def _is_rows(config: RNNConfig, seen: Observed) -> bool:
    """Whether a bare ``h_0`` of an LSTMCell beside a 1-D input is unpacked row by row: its first two become h_0 and c_0."""
    h_0, shape = seen.h_0, seen.input
    bare = config.cell == "lstm" and seen.c_0 is None and h_0 is not None and len(h_0) == 2 and h_0[0] > 1
    return bare and shape is not None and len(shape) == 1


def _is_late(config: RNNConfig, shape: Shape, problem: Problem) -> bool:
    """Whether PyTorch's checks miss it, because they look at the wrong dims, so that the matrix product complains."""
    got = problem.got
    return len(shape) == 1 and isinstance(got, tuple) and len(got) == 2 and got[0] == config.hidden_size


def _is_broadcast(config: RNNConfig, label: str, state: Shape) -> bool:
    """Whether PyTorch takes a 2-D state beside a 1-D input without a word, and returns something 2-D."""
    if config.cell == "rnn":
        return state == (config.hidden_size, config.hidden_size)
    return label == "c_0" and state[0] == config.hidden_size and state[1] in (config.hidden_size, 1)


def cell_notes(config: RNNConfig, seen: Observed) -> list[str]:
    """What a cell accepts in silence."""
    shape = seen.input
    if shape is None or len(shape) != 1:
        return []
    want = (config.hidden_size,)
    if _is_rows(config, seen):
        return [
            f"h_0 {seen.h_0} stands for the tuple: PyTorch takes its row 0 as h_0, row 1 as c_0; pass (h_0, c_0), each {want}"
        ]
    return [
        f"{label} {state} is 2-D beside a 1-D input: PyTorch broadcasts it and the result is 2-D; make it {want}"
        for label, state in (("h_0", seen.h_0), ("c_0", seen.c_0))
        if state is not None and len(state) == 2
    ]


def _width(config: RNNConfig, label: str, state: Shape, expected: Shape | None = None) -> list[Problem]:
    want, got = config.hidden_size, state[-1]
    if got == want:
        return []
    index = 1 if label == "c_0" else 0
    expected = expected or (*state[:-1], want)
    torch = f"hidden{index} has inconsistent hidden_size: got {got}, expected {want}"
    message = f'last dim of {label} is {got}, hidden_size is {want} (torch: "{torch}")'
    fix = f"nn.{config.class_name}({config.input_size}, {got})  # or make the features of {label} {want}"
    return [Problem(label, len(state) - 1, expected, state, "hidden_size_vs_proj", message, fix)]


def _dtypes(seen: Observed) -> list[Problem]:
    got, want = seen.input_dtype, seen.weight_dtype
    if got is None or got == want:
        return []
    fix = f"x = x.to(torch.{want})" + (f"  # or cell = cell.to(torch.{got})" if "float" in got else "")
    message = f'input is {got}, the weights are {want} (torch: "mat1 and mat2 must have the same dtype")'
    return [Problem("input", None, want, got, "dtype_mismatch", message, fix)]
